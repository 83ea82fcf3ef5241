#!/usr/bin/env python3
"""Random commands on several sessions, one at a time, beside a model of two mailboxes written from RFC 3501, 4315, 5267, 6851, 7162 and 9586. Each
command's answer is what the model says, and after each command a session knows exactly what the RFC lets it know: nothing less, and no untagged
FETCH without news.
Usage: imap_model.py PATH/TO/troika      TROIKA_MODEL_COMMANDS (4000), TROIKA_MODEL_SEED (0: another one each time), TROIKA_MODEL_SESSIONS (2 to 8)"""
import os
import random
import re
import socket
import sys

from common import PATIENCE, USERS, Server, Template, address, binary, check, finish

COMMANDS = int(os.environ.get("TROIKA_MODEL_COMMANDS", "4000"))
SEED = int(os.environ.get("TROIKA_MODEL_SEED", "20261126")) or random.SystemRandom().randrange(1, 1 << 30)
SESSIONS = int(os.environ.get("TROIKA_MODEL_SESSIONS", "0"))
FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$A", "$B"]
KEYS = {"\\Seen": "SEEN", "\\Answered": "ANSWERED", "\\Flagged": "FLAGGED", "\\Deleted": "DELETED", "\\Draft": "DRAFT"}
BOXES = ["INBOX", "Other"]
FULL = 40                                                 # about so many messages in a mailbox


class Wrong(Exception):
    pass


class Mailbox:
    def __init__(self):
        self.messages, self.next = {}, 1                  # UID -> flags; ascending

    def add(self, flags):
        self.messages[self.next] = set(flags)
        self.next += 1
        return self.next - 1


def ranges(numbers):
    """{1,2,3,7} -> "1:3,7" """
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in out)


def numbers_of(text):
    out = []
    for part in text.split(","):
        a, _, b = part.partition(":")
        out += range(min(int(a), int(b or a)), max(int(a), int(b or a)) + 1)
    return out


def changed(old, sign, flags):
    return old | flags if sign == "+" else old - flags if sign == "-" else set(flags)


def numbers_in_order(text):
    """Of a sequence set as ESEARCH writes it: in its order."""
    out = []
    for part in text.split(","):
        a, _, b = part.partition(":")
        a, b = int(a), int(b or a)
        out += range(a, b + 1) if a <= b else range(a, b - 1, -1)
    return out


class Session:
    def __init__(self, world, name, port):
        self.world, self.name, self.tags = world, name, 0
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")
        self.box, self.read_only = None, False
        self.known, self.flags = [], {}                   # UIDs by number; what was told of their flags
        self.file.readline()
        self.command(f'LOGIN {address("alice")} "{USERS["alice"]}"')
        self.mode = world.roll.choice(["", "", "QRESYNC", "UIDONLY", "CONDSTORE"])
        if self.mode:
            untagged, tagged = self.command(f"ENABLE {self.mode}")
            expect(any(self.mode in line for line in untagged if line.startswith("ENABLED")), f"ENABLE {self.mode}: {untagged} {tagged}")

    def uid(self):
        """Whether the next command shall be a UID command."""
        return self.mode == "UIDONLY" or self.world.roll.random() < 0.5

    # ---- the wire ----

    def command(self, text, literal=None):
        self.tags += 1
        tag = f"{self.name}{self.tags}"
        self.world.log.append(f"{tag} {text}")
        data = f"{tag} {text}".encode()
        if literal is not None:
            data += b" {%d+}\r\n" % len(literal) + literal
        self.socket.sendall(data + b"\r\n")
        return self.answer(tag)

    def answer(self, tag):
        untagged = []
        while True:
            line = self.file.readline().decode().rstrip("\r\n")
            if not line:
                raise Wrong("the connection ended")
            self.world.log.append(f"    {line}")
            if line.startswith(tag + " "):
                return untagged, line[len(tag) + 1:]
            if line.startswith("+"):
                return untagged, line
            untagged.append(line[2:])

    # ---- searches that are kept up to date, RFC 5267 ----

    def context(self):
        flag, by_sort = self.world.roll.choice(list(KEYS)), self.world.roll.random() < 0.5
        if self.contexts and self.world.roll.random() < 0.3:
            tag = self.world.roll.choice(list(self.contexts))
            untagged, tagged = self.command(f'CANCELUPDATE "{tag}"')
            expect(tagged.startswith("OK"), tagged)
            del self.contexts[tag]
            self.finish(untagged, True)
            return None
        if len(self.contexts) >= 4:
            return self.noop()
        what = "SORT RETURN (UPDATE ALL) (REVERSE ARRIVAL) UTF-8" if by_sort else "SEARCH RETURN (UPDATE ALL)"
        untagged, tagged = self.command(f"UID {what} {KEYS[flag]}")
        tag = f"{self.name}{self.tags}"
        line = next(x for x in untagged if x.startswith(f'ESEARCH (TAG "{tag}")'))
        found = numbers_in_order(line.rpartition(" ALL ")[2]) if " ALL " in line else []
        untagged.remove(line)
        self.finish(untagged, True)                       # a UID command without numbers
        self.contexts[tag] = (flag, by_sort, found)
        self.compare_contexts()
        return None

    def update(self, line):
        m = re.fullmatch(r'ESEARCH \(TAG "(\w+)"\) UID (ADDTO|REMOVEFROM) \((.*)\)', line)
        if not m:
            return
        flag, by_sort, uids = self.contexts[m[1]]
        words = m[3].split()
        for position, text in zip(map(int, words[::2]), words[1::2]):
            for k, uid in enumerate(numbers_in_order(text)):
                if m[2] == "ADDTO":
                    if uid in uids:
                        raise Wrong(f"ADDTO of UID {uid}, which is there")
                    uids.insert(position - 1 + k if position else len(uids), uid)
                elif position == 0:
                    uids.remove(uid)
                elif uids.pop(position - 1) != uid:
                    raise Wrong(f"REMOVEFROM of UID {uid} at {position}, which is not there")

    def compare_contexts(self):
        for tag, (flag, by_sort, uids) in self.contexts.items():
            right = [u for u, f in self.box.messages.items() if flag in f]
            if sorted(uids) != right:
                raise Wrong(f"context {tag}: knows {sorted(uids)}, right is {right}")

    def sorted_contexts(self):
        """Positions are right when the order is that of a fresh SORT."""
        for tag, (flag, by_sort, uids) in list(self.contexts.items()):
            if by_sort:
                untagged, _ = self.command(f"UID SORT (REVERSE ARRIVAL) UTF-8 {KEYS[flag]}")
                line = next(x for x in untagged if x.startswith("SORT"))
                untagged.remove(line)
                self.finish(untagged, True)
                expect([int(n) for n in line.split()[1:]] == self.contexts[tag][2], f"context {tag}: {self.contexts[tag][2]}, but {line}")
        if not self.contexts:
            self.noop()

    # ---- what untagged responses do to the picture ----

    def take(self, untagged, may_expunge, asked=()):
        """asked: UIDs whose FETCH was asked for. Returns the UIDs of FETCH responses, in order, with their items."""
        fetched = []
        for line in untagged:
            self.update(line)
            if m := re.fullmatch(r"VANISHED ([0-9:,]+)", line):
                if self.mode not in ("QRESYNC", "UIDONLY"):
                    raise Wrong("VANISHED was not enabled")
                if not may_expunge:
                    raise Wrong("VANISHED where RFC 7162 3.2.10.2 forbids it")
                for uid in numbers_of(m[1]):
                    if uid in self.known:
                        self.known.remove(uid)
                        self.flags.pop(uid)
                    elif uid <= self.told:
                        raise Wrong(f"VANISHED of UID {uid}, which was not there")
            elif m := re.fullmatch(r"(\d+) EXPUNGE", line):
                if self.mode in ("QRESYNC", "UIDONLY"):
                    raise Wrong("EXPUNGE instead of VANISHED")
                if not may_expunge:
                    raise Wrong("EXPUNGE where RFC 3501 7.4.1 forbids it")
                self.flags.pop(self.known.pop(int(m[1]) - 1), None)
            elif m := re.fullmatch(r"(\d+) EXISTS", line):
                new = int(m[1]) - len(self.known)
                if new < 0:
                    raise Wrong("EXISTS went down")
                # UIDs of new messages: those of the model that are above all that were told
                above = [u for u in self.box.messages if u > self.told]
                if len(above) < new:
                    raise Wrong(f"EXISTS tells of {new} new messages, there are {len(above)}")
                for uid in above[:new]:
                    self.known.append(uid)
                    self.flags[uid] = None
                if above:
                    self.told = max(self.told, above[-1])
            elif m := re.fullmatch(r"(\d+) (UID)?FETCH \((.*)\)", line):
                number, items = int(m[1]), m[3]
                if (m[2] is not None) != (self.mode == "UIDONLY"):
                    raise Wrong(f"not the right kind of FETCH: {line}")
                if m[2]:
                    number = self.known.index(number) + 1 if number in self.known else 0
                if self.mode == "QRESYNC" and "UID " not in items:
                    raise Wrong("a FETCH without UID (RFC 7162 3.2.4)")
                if not 1 <= number <= len(self.known):
                    raise Wrong(f"FETCH of message {number} of {len(self.known)}")
                uid = self.known[number - 1]
                if (u := re.search(r"UID (\d+)", items)) and int(u[1]) != uid:
                    raise Wrong(f"message {number} is UID {uid}, not {u[1]}")
                if f := re.search(r"FLAGS \(([^)]*)\)", items):
                    told = set(f[1].split()) - {"\\Recent"}
                    if uid not in asked and self.flags[uid] == told:
                        raise Wrong(f"FETCH of UID {uid} without news")
                    self.flags[uid] = told
                fetched.append((uid, items))
            elif not re.match(r"(\d+ RECENT|SEARCH|FLAGS|OK|STATUS|LIST|ESEARCH)", line):
                raise Wrong(f"unexpected: {line}")
        return fetched

    def compare(self, may_expunge):
        """After a command: is the picture the mailbox? Messages that are gone may stand in it only when they could not be told."""
        if self.box is None:
            return
        live = [u for u in self.known if u in self.box.messages]
        if live != list(self.box.messages):
            raise Wrong(f"knows {live}, there are {list(self.box.messages)}")
        if may_expunge and len(live) != len(self.known):
            raise Wrong(f"was not told of {set(self.known) - set(live)}")
        for uid in live:
            if self.flags[uid] is not None and self.flags[uid] != self.box.messages[uid]:
                raise Wrong(f"UID {uid}: knows {self.flags[uid]}, is {self.box.messages[uid]}")
        self.compare_contexts()

    def finish(self, untagged, may_expunge, asked=()):
        fetched = self.take(untagged, may_expunge, asked)
        self.compare(may_expunge)
        return fetched

    # ---- commands ----

    def pick(self, uid):
        """A set as it is written, and the UIDs it names (those that the session knows)."""
        roll = self.world.roll
        if not self.known:
            return ("1:*" if uid else None), []
        if uid:
            top = self.known[-1]
            a, b = roll.randint(1, top + 2), roll.randint(1, top + 2)
            text = roll.choice([f"{a}", f"{a}:{b}", f"{a}:*", "*", f"{a},{b}"])
            low, high = min(a, b), max(a, b)
            named = {"*": lambda u: u == top}.get(text)
            if text == f"{a}:*":
                # RFC 3501 9: * is the largest UID; the order of the two does not matter
                named = lambda u: min(a, top) <= u <= max(a, top)            # noqa: E731
            elif text == f"{a}:{b}":
                named = lambda u: low <= u <= high                           # noqa: E731
            elif named is None:
                named = lambda u: u in (a, b) if "," in text else u == a     # noqa: E731
            return text, [u for u in self.known if named(u)]
        n = len(self.known)
        a, b = roll.randint(1, n), roll.randint(1, n)
        text = roll.choice([f"{a}", f"{a}:{b}", f"{a}:*", "*", f"{a},{b}"])
        if text == "*":
            chosen = {n}
        elif text == f"{a}:*":
            chosen = set(range(a, n + 1))
        elif ":" in text:
            chosen = set(range(min(a, b), max(a, b) + 1))
        else:
            chosen = {a, b} if "," in text else {a}
        return text, [self.known[i - 1] for i in sorted(chosen)]

    def select(self):
        name = self.world.roll.choice(BOXES)
        self.read_only = self.world.roll.random() < 0.15
        untagged, tagged = self.command(("EXAMINE " if self.read_only else "SELECT ") + name)
        self.box, self.name_of_box = self.world.boxes[name], name
        self.known, self.told = list(self.box.messages), self.box.next - 1
        self.flags = dict.fromkeys(self.known)
        self.contexts = {}                                # tag: (flag, sorted?, UIDs)
        expect(f"{len(self.known)} EXISTS" in untagged, f"EXISTS of {len(self.known)}")
        expect(any(line.startswith(f"OK [UIDNEXT {self.box.next}]") for line in untagged), f"UIDNEXT {self.box.next}")
        expect(tagged.startswith("OK [READ-ONLY]" if self.read_only else "OK [READ-WRITE]"), tagged)

    def noop(self):
        untagged, tagged = self.command(self.world.roll.choice(["NOOP", "CHECK"]) if self.box else "NOOP")
        expect(tagged.startswith("OK"), tagged)
        self.finish(untagged, True)

    def idle(self):
        untagged, line = self.command("IDLE")
        expect(line.startswith("+"), line)
        tag = f"{self.name}{self.tags}"
        self.socket.sendall(b"DONE\r\n")
        more, tagged = self.answer(tag)
        expect(tagged.startswith("OK"), tagged)
        self.finish(untagged + more, True)

    def append(self):
        roll = self.world.roll
        name, flags = roll.choice(BOXES), roll.sample(FLAGS, roll.randint(0, 3))
        box = self.world.boxes[name]
        if len(box.messages) >= FULL:
            return self.noop()
        untagged, tagged = self.command(f"APPEND {name} ({' '.join(flags)})", b"Subject: x\r\n\r\nbody\r\n")
        uid = box.add(flags)
        expect(re.match(rf"OK \[APPENDUID \d+ {uid}\]", tagged), tagged)
        self.finish(untagged, True)
        return None

    def fetch(self):
        uid = self.uid()
        text, named = self.pick(uid)
        if text is None:
            return self.noop()
        untagged, tagged = self.command(f"{'UID ' if uid else ''}FETCH {text} (FLAGS UID)")
        # Messages that are gone, and were not told so, are answered with what the client knows (RFC 2180 4.1.1).
        fetched = self.finish(untagged, uid, named)
        expect([u for u, items in fetched if u in named and ("UID" in items or self.mode == "UIDONLY")] == named, f"FETCH of {named}, told {fetched}")
        expect(tagged.startswith("OK"), tagged)
        return None

    def store(self):
        roll = self.world.roll
        uid, silent = self.uid(), roll.random() < 0.4
        text, named = self.pick(uid)
        if text is None:
            return self.noop()
        sign, flags = roll.choice(["+", "-", ""]), set(roll.sample(FLAGS, roll.randint(1, 3)))
        untagged, tagged = self.command(f"{'UID ' if uid else ''}STORE {text} {sign}FLAGS{'.SILENT' if silent else ''} ({' '.join(sorted(flags))})")
        if self.read_only:
            expect(tagged.startswith("NO [READ-ONLY]"), tagged)
            self.finish(untagged, uid)
            return None
        there = [u for u in named if u in self.box.messages]
        for u in there:
            self.box.messages[u] = changed(self.box.messages[u], sign, flags)
            if silent and (not sign or self.flags[u] is not None):
                self.flags[u] = changed(self.flags[u], sign, flags)      # the client does it itself; where that is wrong it is told
        fetched = self.finish(untagged, uid, there)
        if not silent:
            expect({u for u, _ in fetched} >= set(there), f"STORE on {there}, told {fetched}")
        expect(tagged.startswith("OK"), tagged)
        return None

    def key(self, depth):
        """A search key and what it says of (number, UID, flags)."""
        roll = self.world.roll
        kind = roll.randrange(8 if depth else 5)
        if kind <= 1:
            flag = roll.choice(FLAGS)
            if flag in KEYS:
                negative = roll.random() < 0.5
                return ("UN" if negative else "") + KEYS[flag], lambda n, u, f: (flag in f) != negative
            return f"KEYWORD {flag}", lambda n, u, f: flag in f
        if kind == 2:
            text, named = self.pick(True)
            if "*" in text:
                return f"UID {text}", lambda n, u, f: u in named
            there = numbers_of(text)                      # also what comes up only now
            return f"UID {text}", lambda n, u, f: u in there
        if kind == 3 and self.mode != "UIDONLY":
            text, named = self.pick(False)
            self.numbered = self.numbered or bool(text)
            return (text, lambda n, u, f: u in named) if text else ("ALL", lambda n, u, f: True)
        if kind <= 4:
            return "ALL", lambda n, u, f: True
        a, one = self.key(depth - 1)
        if kind == 5:
            return f"NOT ({a})", lambda n, u, f: not one(n, u, f)
        b, two = self.key(depth - 1)
        if kind == 6:
            return f"OR ({a}) ({b})", lambda n, u, f: one(n, u, f) or two(n, u, f)
        return f"({a} {b})", lambda n, u, f: one(n, u, f) and two(n, u, f)

    def search(self):
        uid = self.uid()
        before = [u for u in self.known]
        self.numbered = False
        text, holds = self.key(2)
        untagged, tagged = self.command(f"{'UID ' if uid else ''}SEARCH {text}")
        expect(tagged.startswith("OK"), tagged)
        found = [line for line in untagged if line.startswith("SEARCH")]
        expect(len(found) == 1, f"one SEARCH, not {found}")
        told = [int(n) for n in found[0].split()[1:]]
        # What came up to now is found too; the set "*" was picked from what was known before.
        numbered = before + [u for u in self.box.messages if u > self.told]
        right = [u if uid else n for n, u in enumerate(numbered, 1) if u in self.box.messages and holds(n, u, self.box.messages[u])]
        if "*" not in text:
            expect(sorted(told) == right, f"found {told}, right is {right}")
        # Message numbers may stand in a UID SEARCH: while they do, no number may change its meaning.
        self.finish(untagged, uid and not self.numbered)

    def copy(self):
        roll = self.world.roll
        uid, move, target = self.uid(), roll.random() < 0.5, roll.choice(BOXES)
        text, named = self.pick(uid)
        box = self.world.boxes[target]
        if text is None or len(box.messages) >= FULL:
            return self.noop()
        untagged, tagged = self.command(f"{'UID ' if uid else ''}{'MOVE' if move else 'COPY'} {text} {target}")
        if move and self.read_only:
            expect(tagged.startswith("NO [READ-ONLY]"), tagged)
            self.finish(untagged, True)
            return None
        there = [u for u in named if u in self.box.messages]
        flags = [set(self.box.messages[u]) for u in there]
        if move:
            for u in there:
                del self.box.messages[u]
        new = [box.add(f) for f in flags]
        if there:
            line = next((x for x in untagged if "COPYUID" in x), tagged) if move else tagged
            m = re.search(r"\[COPYUID \d+ (\S+) ([0-9:,]+)\]", line)
            expect(m and numbers_of(m[1]) == there and numbers_of(m[2]) == new, f"{line}: right is {ranges(there)} {ranges(new)}")
            expect(tagged.startswith("OK"), tagged)
        else:
            expect(tagged.startswith("OK" if uid or not named else "NO [EXPUNGEISSUED]"), tagged)
        self.finish(untagged, True)
        return None

    def expunge(self):
        if self.world.roll.random() < 0.4:
            text, named = self.pick(True)
            untagged, tagged = self.command(f"UID EXPUNGE {text}")
        else:
            named = list(self.box.messages)
            untagged, tagged = self.command("EXPUNGE")
        if self.read_only:
            expect(tagged.startswith("NO [READ-ONLY]"), tagged)
        else:
            for u in named:
                if "\\Deleted" in self.box.messages.get(u, ()):
                    del self.box.messages[u]
            expect(tagged.startswith("OK"), tagged)
        self.finish(untagged, True)

    def leave(self):
        word = self.world.roll.choice(["CLOSE", "UNSELECT"])
        untagged, tagged = self.command(word)
        expect(tagged.startswith("OK"), tagged)
        if word == "CLOSE" and not self.read_only:
            for u in [u for u, f in self.box.messages.items() if "\\Deleted" in f]:
                del self.box.messages[u]
        self.box = None

    def status(self):
        name = self.world.roll.choice(BOXES)
        box = self.world.boxes[name]
        untagged, tagged = self.command(f"STATUS {name} (MESSAGES UNSEEN UIDNEXT)")
        unseen = sum("\\Seen" not in f for f in box.messages.values())
        right = f"(MESSAGES {len(box.messages)} UIDNEXT {box.next} UNSEEN {unseen})"
        line = next(x for x in untagged if x.startswith("STATUS"))
        expect(set(re.findall(r"[A-Z]+ \d+", line)) == set(re.findall(r"[A-Z]+ \d+", right)), f"{line}: right is {right}")
        self.finish(untagged, True)

    def step(self):
        if self.box is None:
            return self.world.roll.choice([self.select, self.select, self.append, self.status])()
        return self.world.roll.choice([self.fetch] * 4 + [self.store] * 6 + [self.search] * 4 + [self.append] * 4 + [self.copy] * 3 + [self.expunge] * 2 +
                                      [self.noop] * 2 + [self.context] * 2 + [self.sorted_contexts, self.idle, self.leave, self.select, self.status])()


def expect(ok, text):
    if not ok:
        raise Wrong(text)


class World:
    def __init__(self, server, seed):
        self.roll, self.log = random.Random(seed), []
        self.boxes = {name: Mailbox() for name in BOXES}
        self.sessions = [Session(self, chr(ord("a") + i), server.port["imap"]) for i in range(SESSIONS or self.roll.randint(2, 8))]
        self.sessions[0].command("CREATE Other")


def main():
    template = Template(binary())
    server = Server(template, None)
    done = 0
    try:
        world = World(server, SEED)
        for done in range(1, COMMANDS + 1):
            session = world.roll.choice(world.sessions)
            try:
                session.step()
            except Exception as e:                        # noqa: BLE001
                check(f"command {done} of seed {SEED}", False, f"{type(e).__name__}: {e}")
                print("\n".join(world.log[-40:]), file=sys.stderr)
                break
        else:
            check(f"{COMMANDS} commands on {len(world.sessions)} sessions answered as the model says (seed {SEED})", True)
    finally:
        server.stop()
        template.remove()
    finish()


main()
