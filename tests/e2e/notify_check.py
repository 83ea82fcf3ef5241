#!/usr/bin/env python3
"""A client that only listens (NOTIFY, RFC 5465). Several sessions change one account at random; the listener sends nothing but keeps what it is
told. Once all is quiet it must know the selected mailbox's messages and flags, the counts of every other mailbox, which mailboxes there are, and
what is subscribed: no event may be lost, whoever caused it, and however many came at once.
Usage: notify_check.py PATH/TO/troika      TROIKA_NOTIFY_COUNT (1500 steps), TROIKA_NOTIFY_SEED (1)"""
import os
import random
import re
import select

from common import PATIENCE, USERS, Server, Template, address, attempt, binary, check, finish, until

COUNT = int(os.environ.get("TROIKA_NOTIFY_COUNT", "1500"))
SEED = int(os.environ.get("TROIKA_NOTIFY_SEED", "1"))
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$A"]
MESSAGES = 40                                             # about so many are kept in the selected mailbox
NAMES = ["a", "b", "c", "a/x", "a/y", "b/x", "c/x/y"]     # mailboxes come and go under these names
ASKED = ("NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) "
         "(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))")


class Wrong(Exception):
    pass


class Session:
    def __init__(self, server, name):
        self.name, self.tag, self.bytes = name, 0, b""
        self.socket = server.connect("imap")
        self.socket.settimeout(PATIENCE)
        self.line()
        self.command(f"LOGIN {address('alice')} {USERS['alice']}")

    def line(self):
        while b"\r\n" not in self.bytes:
            some = self.socket.recv(65536)
            if not some:
                raise Wrong(f"{self.name}: the connection ended")
            self.bytes += some
        out, self.bytes = self.bytes.split(b"\r\n", 1)
        return out.decode()

    def untagged(self, line):
        pass

    def command(self, command):
        self.tag += 1
        self.socket.sendall(f"t{self.tag} {command}\r\n".encode())
        lines = []
        while not (line := self.line()).startswith(f"t{self.tag} "):
            self.untagged(line)
            lines.append(line)
        if line.split()[1] == "BAD":
            raise Wrong(f"{self.name}: {command}: {line}")
        return lines + [line]


def words(text):
    return frozenset(text.split()) - {"\\Recent"}


class Listener(Session):
    def __init__(self, server):
        self.uids, self.flags, self.counts, self.names, self.subscribed = [], {}, {}, set(), set()
        super().__init__(server, "listener")

    def untagged(self, line):
        if m := re.match(r"\* (\d+) EXISTS", line):
            self.uids += [None] * (int(m[1]) - len(self.uids))
        elif m := re.match(r"\* (\d+) EXPUNGE", line):
            self.flags.pop(self.uids.pop(int(m[1]) - 1), None)
        elif m := re.match(r"\* (\d+) FETCH \((.*)\)", line):
            self.fetch(int(m[1]), m[2])
        elif m := re.match(r"\* STATUS (\S+) \((.*)\)", line):
            values = m[2].split()
            self.counts.setdefault(m[1], {}).update(zip(values[::2], map(int, values[1::2])))
        elif m := re.match(r'\* LIST \((.*?)\) "/" (\S+)(?: \("OLDNAME" \((\S+)\)\))?$', line):
            self.listed(m[1].split(), m[2], m[3])

    def fetch(self, n, items):
        if not 1 <= n <= len(self.uids):
            raise Wrong(f"message {n} of {len(self.uids)}")
        if m := re.search(r"UID (\d+)", items):
            if self.uids[n - 1] not in (None, int(m[1])):
                raise Wrong(f"message {n} was UID {self.uids[n - 1]} and is {m[1]}")
            self.uids[n - 1] = int(m[1])
        if m := re.search(r"FLAGS \(([^)]*)\)", items):
            self.flags[self.uids[n - 1]] = words(m[1])

    def listed(self, attributes, name, old):
        if old:                                           # and all that is below it (5.4)
            moved = {x: name + x[len(old):] for x in self.names if x == old or x.startswith(old + "/")}
            self.names = {moved.get(x, x) for x in self.names}
            self.counts = {moved.get(x, x): y for x, y in self.counts.items()}
        if "\\Subscribed" in attributes:
            self.subscribed.add(name)
        else:
            self.subscribed.discard(name)
        if "\\NonExistent" in attributes or "\\Noselect" in attributes:
            self.counts.pop(name, None)
        (self.names.discard if "\\NonExistent" in attributes else self.names.add)(name)

    def listen(self, seconds):
        """All that comes until nothing has come for so long."""
        while b"\r\n" in self.bytes or select.select([self.socket], [], [], seconds)[0]:
            self.untagged(self.line())


def change(rnd, s, size):
    name, other = rnd.sample(NAMES, 2)
    flags, op = " ".join(rnd.sample(FLAGS, 2)), rnd.choice("+-")
    box = rnd.choice(["box", "box", "box", name, "INBOX"])
    if size < 10 or rnd.random() < 0.2:
        return s.command(f"APPEND {box} ({rnd.choice(FLAGS)}) {{19+}}\r\nSubject: m\r\n\r\nhello")
    if rnd.random() < 0.25:
        return s.command(rnd.choice([f"CREATE {name}", f"DELETE {name}", f"RENAME {name} {other}", f"SUBSCRIBE {name}", f"UNSUBSCRIBE {name}"]))
    if not s.command(f"SELECT {box}")[-1].split()[1] == "OK":
        return None
    some = rnd.choice(["*", "1:*", "1:3", "2"]) if size < MESSAGES else "1:20"
    s.command(rnd.choice([f"UID STORE {some} {op}FLAGS ({flags})", f"UID STORE {some} +FLAGS.SILENT (\\Deleted)", "EXPUNGE",
                          f"UID MOVE * {rnd.choice(NAMES)}", f"UID COPY * {rnd.choice(NAMES)}"]))
    return s.command("UNSELECT")


def compare(listener, truth):
    """[what, is it equal, how it differs]"""
    said = []
    truth.command("SELECT box")
    fetched = [re.match(r"\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\)", x) for x in truth.command("UID FETCH 1:* (UID FLAGS)")]
    fetched = [(int(m[1]), words(m[2])) for m in fetched if m]
    said.append(["the selected mailbox's messages", listener.uids == [u for u, _ in fetched], f"{listener.uids} and {[u for u, _ in fetched]}"])
    differ = [(u, listener.flags.get(u), f) for u, f in fetched if listener.flags.get(u) != f]
    said.append(["their flags", not differ, differ])
    listed = [re.match(r'\* LIST \((.*?)\) "/" (\S+)$', x) for x in truth.command('LIST "" *')]
    names = {m[2]: m[1] for m in listed if m}
    said.append(["the names of mailboxes", listener.names == set(names), listener.names ^ set(names)])
    subscribed = {m[1] for x in truth.command('LIST (SUBSCRIBED) "" *') if (m := re.match(r'\* LIST .* "/" (\S+)$', x))}
    said.append(["what is subscribed", listener.subscribed == subscribed, listener.subscribed ^ subscribed])
    wrong = []
    for name, attributes in names.items():
        if name == "box" or "\\Noselect" in attributes:
            continue
        m = re.search(r"\((.*)\)", truth.command(f"STATUS {name} (MESSAGES UIDNEXT UIDVALIDITY)")[0])
        values = m[1].split()
        for item, value in zip(values[::2], map(int, values[1::2])):
            if listener.counts.get(name, {}).get(item) != value:
                wrong.append((name, item, listener.counts.get(name), value))
    said.append(["the counts of all other mailboxes", not wrong, wrong])
    return said


def walk(server):
    rnd = random.Random(SEED)
    sessions = [Session(server, f"session {i}") for i in range(3)]
    sessions[0].command("CREATE box")
    for name in NAMES[:3]:
        sessions[0].command(f"CREATE {name}")
    listener = Listener(server)
    listener.command('LIST "" * RETURN (SUBSCRIBED)')
    listener.command("SELECT box")
    listener.command(ASKED)
    for step in range(COUNT):
        change(rnd, rnd.choice(sessions), len(listener.uids))
        if step % 7 == 0:
            listener.listen(0.002 if step % 70 else 0.05)
    truth, said = Session(server, "truth"), []

    def knows_all():
        listener.listen(0.1)
        said[:] = compare(listener, truth)
        return all(ok for _, ok, _ in said)
    until(knows_all)                                      # what is not told by then never is
    print(f"     {COUNT} steps with seed {SEED}: {len(listener.uids)} messages, {len(listener.names)} mailboxes at the end")
    for what in said:
        check(*what)


def main():
    template = Template(binary())
    server = Server(template, None)
    try:
        attempt("a client that only listens knows all", walk, server)
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()
    finish()


main()
