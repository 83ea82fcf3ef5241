"""What lies at each byte of a store, told by readers of their own: of index/data.mdb (LMDB 0.9; doc/format/store.md, "Pages of the index") and of segments.

Every byte has a kind. Those of UNREAD no reader ever looks at, which rot_bits.py proves by filling all of them with noise. A change of SOUND ones may be one
that is as right as what was there: each says why, and rot_bits.py looks that nothing else has changed. Damage to all other kinds must be noticed. Only for stores
that nobody has open."""

PAGE = 4096
NO_PAGE = (1 << 64) - 1

UNREAD = (
    "free page",                      # in the list of free pages: written before it is read again
    "page of no tree",                # given back by the newest commit, or by one that was cut off
    "room within a page",             # between the offsets and the records
    "padding",                        # an octet behind a record of odd size, two in a page's head, 16 in a segment
    "first key of a branch",          # LMDB never compares it
    "behind a large value",           # what is left of its last page
    "behind a list of free pages",    # LMDB reserves more room than it fills
    "unused in a meta page",          # the address and size of the map, which the opener gives, and all behind octet 152
    "older root",                     # the commit before the newest; read only when the newest is damaged as well
    "unused in a table's row",
    "behind the last page",
    "behind the end mark",            # of a segment
    "lock.mdb", "bell",
)
SOUND = (
    "number of the newest root",      # one bit of it tells of a root that the disk refused: LMDB puts back the number then, and goes on from the commit before
    "bounds in branches",             # any that still parts the keys below: the inspection compares each key with the bounds above it
    "free list: commits",             # says whether a reader of before may need the pages; who opens a store has none
    "free list: counts",              # fewer: the rest of these pages is not used again
)
SCOPES = {1: "kv: system", 2: "kv: accounts", 3: "kv: queue"}


def le(data, at, n):
    return int.from_bytes(data[at:at + n], "little")


class Map:
    """Kinds of a file's bytes, by ranges: later ones lie over earlier ones."""

    def __init__(self, size, kind):
        self.names = [kind]
        self.bytes = bytearray(size)

    def set(self, first, end, kind):
        if kind not in self.names:
            self.names.append(kind)
        self.bytes[first:end] = bytes([self.names.index(kind)]) * (min(end, len(self.bytes)) - first)

    def kind(self, at):
        return self.names[self.bytes[at]]

    def kinds(self, offsets):
        return {self.names[self.bytes[at]] for at in offsets if at < len(self.bytes)}

    def places(self):
        """kind -> offsets."""
        found = {}
        for at, n in enumerate(self.bytes):
            found.setdefault(self.names[n], []).append(at)
        return found


class Index:
    def __init__(self, data):
        self.data, self.pages = data, len(data) // PAGE
        self.map = Map(len(data), "page of no tree")
        newest = 1 if le(data, PAGE + 144, 8) > le(data, 144, 8) else 0
        self.meta(1 - newest, "older root")
        self.meta(newest, "newest root")
        at = newest * PAGE
        self.map.set(at + 144, at + 152, "number of the newest root")
        self.map.set((le(data, at + 136, 8) + 1) * PAGE, len(data), "behind the last page")
        self.tree(at + 40, "list of free pages", self.free_row)
        self.tree(at + 88, "list of tables", self.table_row)

    def meta(self, page, kind):
        at = page * PAGE
        self.map.set(at, at + PAGE, "unused in a meta page")
        self.map.set(at, at + 8, "marks of a meta page")
        self.map.set(at + 10, at + 12, "marks of a meta page")
        self.map.set(at + 16, at + 24, "marks of a meta page")
        self.map.set(at + 40, at + 144, kind)
        self.map.set(at + 40, at + 46, "marks of a meta page")         # page size and flags
        self.map.set(at + 88, at + 92, "unused in a meta page")
        self.map.set(at + 92, at + 94, "marks of a meta page")
        self.map.set(at + 144, at + 152, "marks of a meta page")

    def tree(self, table_at, kind, row):
        """Walks the table whose 48 octets are there."""
        root, depth = le(self.data, table_at + 40, 8), le(self.data, table_at + 6, 2)
        if root != NO_PAGE:
            self.page(root, depth, kind, row)

    def page(self, number, depth, kind, row):
        data, first = self.data, number * PAGE
        lower, upper = le(data, first + 12, 2), le(data, first + 14, 2)
        self.map.set(first, first + PAGE, "heads of pages")
        self.map.set(first + 8, first + 10, "padding")
        self.map.set(first + lower, first + upper, "room within a page")
        for i in range((lower - 16) // 2):
            at = first + le(data, first + 16 + 2 * i, 2)
            key_n = le(data, at + 6, 2)
            key = data[at + 8:at + 8 + key_n]
            if depth > 1:
                end = at + 8 + key_n
                self.map.set(at, end, "first key of a branch" if i == 0 else "bounds in branches")
                self.map.set(at, at + 8, "branches")
                self.page(le(data, at, 6), depth - 1, kind, row)
            else:
                big, size = le(data, at + 4, 2) & 1, le(data, at, 4)
                end = at + 8 + key_n + (8 if big else size)
                self.map.set(at, end, self.kind_of(kind, key))
                value = self.large(le(data, end - 8, 8), size, self.kind_of(kind, key)) if big else end - size
                row(key, value, size, at)
            self.map.set(end, end + end % 2, "padding")

    def kind_of(self, kind, key):
        return SCOPES.get(key[0] if key else 0, "kv: no scope") if kind == "kv" else kind

    def large(self, page, size, kind):
        """Returns where the value begins."""
        first, pages = page * PAGE, le(self.data, page * PAGE + 12, 4)
        self.map.set(first, first + pages * PAGE, "behind a large value")
        self.map.set(first, first + 16, "heads of pages")
        self.map.set(first + 8, first + 10, "padding")
        self.map.set(first + 16, first + 16 + size, kind)
        return first + 16

    def free_row(self, key, at, size, node):
        self.map.set(node + 8, node + 16, "free list: commits")
        n = le(self.data, at, 8)
        self.map.set(at, at + 8, "free list: counts")
        for i in range(n):
            page = le(self.data, at + 8 + 8 * i, 8)
            if page < self.pages:
                self.map.set(page * PAGE, (page + 1) * PAGE, "free page")
        self.map.set(at + 8 + 8 * n, at + size, "behind a list of free pages")

    def table_row(self, key, at, size, node):
        name = key.decode()
        self.map.set(at, at + 4, "unused in a table's row")
        self.tree(at, "kv" if name == "kv" else f"table {name}", lambda *row: None)


def segment_map(data):
    found, at = Map(len(data), "behind the end mark"), 64
    found.set(0, 64, "head of a segment")
    while data[at:at + 4] == b"Tkbl":
        head, size = 40 + 8 * le(data, at + 8, 2), le(data, at + 12, 4)
        end = at + head + size
        found.set(at, at + head, "heads of blobs" if le(data, at + 10, 2) == 1 else "end mark")
        found.set(at + head, end, "bodies")
        at = (end + 15) // 16 * 16
        found.set(end, at, "padding")
    return found


def store_maps(store):
    """Path below the store -> Map, of every file of it that is not derived or a copy."""
    maps = {"index/data.mdb": Index((store / "index/data.mdb").read_bytes()).map}
    for path in sorted((store / "blobs").glob("*.seg")):
        maps[f"blobs/{path.name}"] = segment_map(path.read_bytes())
    maps["FORMAT"] = Map((store / "FORMAT").stat().st_size, "FORMAT")
    maps["index/lock.mdb"] = Map((store / "index/lock.mdb").stat().st_size, "lock.mdb")
    maps["bell"] = Map((store / "bell").stat().st_size, "bell")
    return maps
