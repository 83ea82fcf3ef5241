"""Single bits of every kind of byte that a store has (rot_places.py), flipped in copies of their own: which are noticed, and that the others do no harm. And one copy in
which every byte that nobody reads is noise: nobody notices, nothing is missing, and the store is worked on."""
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import rot_places

WORKERS = 4


def copy_store(known, to):
    shutil.copytree(known.dir, to, ignore=shutil.ignore_patterns("search"))


class Bits:
    def __init__(self, known, root, seed):
        self.known, self.root, self.rnd = known, root, random.Random(seed)
        self.table = {}                                       # kind -> [bytes, flipped, noticed]
        self.faults = []
        self.jobs = []

    def plan(self, each):
        """`each` bits of every kind."""
        for path, m in self.known.maps.items():
            for kind, offsets in m.places().items():
                row = self.table.setdefault(kind, [0, 0, 0])
                row[0] += len(offsets)
                self.jobs += [(path, kind, self.rnd.choice(offsets), self.rnd.randrange(8)) for _ in range(each)]
        self.rnd.shuffle(self.jobs)                           # so that one that ends early has seen all kinds

    def flip(self, number, path, at, bit):
        copy = self.root / f"bit{number}"
        copy_store(self.known, copy)
        with open(copy / "store" / path, "r+b") as f:
            f.seek(at)
            octet = f.read(1)[0]
            f.seek(at)
            f.write(bytes([octet ^ 1 << bit]))
        return copy

    def one(self, number):
        path, kind, at, bit = self.jobs[number]
        copy = self.flip(number, path, at, bit)
        where = f"{path}, bit {bit} of octet {at} ({kind})"
        try:
            r = subprocess.run([self.known.binary, "check", "-d", str(copy)], capture_output=True, timeout=120)
            noticed = r.returncode != 0
            self.table[kind][1] += 1
            self.table[kind][2] += noticed
            if r.returncode < 0 or b"Sanitizer" in r.stderr:
                self.faults.append(f"{where}: died by signal {-r.returncode}")
            elif not noticed and kind in rot_places.SOUND and self.known.shown(copy) != self.known.texts:
                self.faults.append(f"{where}: unnoticed, and messages are not what they were")
            elif not noticed and kind not in rot_places.SOUND and kind not in rot_places.UNREAD:
                self.faults.append(f"{where}: a reader can come there, and it is not noticed")
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def run(self, until, clock):
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda n: self.one(n) if clock() < until else None, range(len(self.jobs))))

    def tell(self):
        print(f"     {'what lies there':32} {'bytes':>9} {'flipped':>8} {'noticed':>8}")
        for kind, (size, flipped, noticed) in sorted(self.table.items()):
            why = "  nobody reads it" if kind in rot_places.UNREAD else "  or as right as before" if kind in rot_places.SOUND else ""
            print(f"     {kind:32} {size:9} {flipped:8} {noticed:8}{why}")

    # ---- noise ----

    def noise(self, copy):
        """Returns how many bytes."""
        n = 0
        for path, m in self.known.maps.items():
            data = bytearray((copy / "store" / path).read_bytes())
            for kind, offsets in m.places().items():
                if kind not in rot_places.UNREAD:
                    continue
                n += len(offsets)
                for at in offsets:
                    # Of the older root the opener wants to see numbers that can be.
                    data[at] = 0 if kind == "older root" and at % 4096 in range(138, 144) else self.rnd.randrange(256)
            (copy / "store" / path).write_bytes(data)
        return n
