#!/usr/bin/env python3
"""Many IMAP clients change one mailbox at once. Each keeps its own picture of it from nothing but untagged responses, as RFC 3501 7 has
it: at the end all pictures must be the mailbox, and on the way no number may ever mean another message.
Usage: imap_views.py PATH/TO/troika      TROIKA_VIEWS_SECONDS (10), TROIKA_VIEWS_CLIENTS (6)"""
import os
import random
import re
import threading
import time

from common import PATIENCE, USERS, Server, Template, address, attempt, binary, check, finish

SECONDS = float(os.environ.get("TROIKA_VIEWS_SECONDS", "10"))
CLIENTS = int(os.environ.get("TROIKA_VIEWS_CLIENTS", "6"))
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$A", "$B"]
MESSAGES = 150                                            # about so many are kept in the mailbox
STORE_SILENT = re.compile(r"(UID )?STORE (\d+)(?::(\d+))? ([+-]?)FLAGS\.SILENT \(([^)]*)\)")


class Wrong(Exception):
    pass


def words(text):
    return frozenset(text.split()) - {"\\Recent"}


class Picture:
    """What a client knows: UIDs by number (None: not told yet), flags by UID."""

    def __init__(self, name):
        self.name, self.uids, self.flags = name, [], {}

    def exists(self, n):
        if n < len(self.uids):
            raise Wrong(f"{self.name}: EXISTS {n} with {len(self.uids)} messages")
        self.uids += [None] * (n - len(self.uids))

    def at(self, n):
        if not 1 <= n <= len(self.uids):
            raise Wrong(f"{self.name}: message {n} of {len(self.uids)}")
        return n - 1

    def expunge(self, n, command):
        if command.split()[0] in ("FETCH", "STORE", "SEARCH"):
            raise Wrong(f"{self.name}: EXPUNGE in {command}")         # RFC 3501 7.4.1
        self.flags.pop(self.uids.pop(self.at(n)), None)

    def fetch(self, n, items):
        i = self.at(n)
        if m := re.search(r"UID (\d+)", items):
            if self.uids[i] not in (None, int(m[1])):
                raise Wrong(f"{self.name}: message {n} was UID {self.uids[i]} and is {m[1]}")
            self.uids[i] = int(m[1])
        if m := re.search(r"FLAGS \(([^)]*)\)", items):
            self.flags[self.uids[i]] = words(m[1])
            return self.uids[i]
        return None

    def named(self, m):
        """The UIDs that a STORE names."""
        if m[1]:
            return [u for u in self.uids if u == int(m[2])]
        return self.uids[int(m[2]) - 1:int(m[3] or m[2])]

    def believe(self, uids, op, flags):
        """.SILENT: the client works out the new flags itself."""
        for u in uids:
            if u in self.flags:
                old = self.flags[u]
                self.flags[u] = old | flags if op == "+" else old - flags if op == "-" else flags


class Client:
    def __init__(self, server, name, condstore=False):
        self.name, self.tag = name, 0
        self.socket = server.connect("imap")
        self.socket.settimeout(PATIENCE)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.picture = Picture(name)
        self.command(f"LOGIN {address('alice')} {USERS['alice']}")
        self.command("SELECT box" + (" (CONDSTORE)" if condstore else ""))
        self.learn()

    def response(self):
        """One response with its literals."""
        out = self.file.readline()
        while m := re.search(rb"\{(\d+)\}\r\n$", out):
            out += self.file.read(int(m[1])) + self.file.readline()
        if not out.endswith(b"\r\n"):
            raise Wrong(f"{self.name}: the connection ended")
        return out.decode()

    def untagged(self, line, command):
        m = re.match(r"\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)", line, re.S)
        if not m:
            return None
        if m[2] == "EXISTS":
            return self.picture.exists(int(m[1]))
        if m[2] == "EXPUNGE":
            return self.picture.expunge(int(m[1]), command)
        return self.picture.fetch(int(m[1]), m[3])

    def command(self, command):
        self.tag += 1
        silent, told = STORE_SILENT.match(command), set()
        uids = self.picture.named(silent) if silent else []
        self.socket.sendall(f"t{self.tag} {command}\r\n".encode())
        while not (line := self.response()).startswith(f"t{self.tag} "):
            told.add(self.untagged(line, command))
        if line.split()[1] == "BAD":
            raise Wrong(f"{self.name}: {command}: {line}")
        if silent and line.split()[1] == "OK":
            self.picture.believe([u for u in uids if u not in told], silent[4], words(silent[5]))
        return line

    def learn(self):
        if None in self.picture.uids:
            self.command("UID FETCH 1:* (UID FLAGS)")


def numbers(rnd, n):
    first = rnd.randint(1, n)
    return f"{first}:{min(n, first + rnd.randint(0, 10))}"


def choose(rnd, uids):
    """One or two commands for a mailbox with these UIDs."""
    n, some = len(uids), rnd.choice(uids or [1]) or 1
    if n < MESSAGES:
        body = f"Subject: m{rnd.randint(1, 999)}\r\n\r\nhello\r\n"
        return [f"APPEND box ({rnd.choice(FLAGS)}) {{{len(body)}+}}\r\n{body}"]
    silent, op, flags = rnd.choice(["", ".SILENT"]), rnd.choice("+-"), " ".join(rnd.sample(FLAGS, 2))
    return rnd.choice([
        [f"STORE {numbers(rnd, n)} {op}FLAGS{silent} ({flags})"],
        [f"STORE {numbers(rnd, n)} {op}FLAGS{silent} ({flags})"],
        [f"UID STORE {some} {rnd.choice(['+', '-', ''])}FLAGS{silent} ({flags})"],
        [f"FETCH {numbers(rnd, n)} (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"],
        [f"FETCH {numbers(rnd, n)} (BODY[TEXT] FLAGS UID)"],
        ["UID FETCH 1:* (FLAGS ENVELOPE)"],
        [rnd.choice(["SEARCH UNSEEN", "UID SEARCH BODY hello", "SEARCH NOT FLAGGED SUBJECT m1"])],
        [f"STORE {numbers(rnd, n)} +FLAGS.SILENT (\\Deleted)", "EXPUNGE"],
        [f"UID STORE {some} +FLAGS.SILENT (\\Deleted)", f"UID EXPUNGE {some}"],
        [f"MOVE {numbers(rnd, n)} {rnd.choice(['other', 'box'])}"],
        [f"COPY {numbers(rnd, n)} box"],
        ["NOOP"],
    ])


def play(client, seed, end, wrongs):
    rnd = random.Random(seed)
    try:
        while time.monotonic() < end:
            for command in choose(rnd, client.picture.uids):
                client.command(command)
            client.learn()
    except (Wrong, OSError, ValueError) as e:
        wrongs.append(str(e))


def views(server):
    setup = Client(server, "setup")
    for name in ("box", "other"):
        setup.command(f"CREATE {name}")
    clients = [Client(server, f"client {i}", condstore=i % 3 == 0) for i in range(CLIENTS)]
    wrongs, end = [], time.monotonic() + SECONDS
    threads = [threading.Thread(target=play, args=(c, i, end, wrongs)) for i, c in enumerate(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check("numbers keep their meaning in every session", not wrongs, wrongs)
    for c in clients:
        c.command("NOOP")
        c.learn()
    truth = Client(server, "truth").picture
    check("every session knows the same messages", all(c.picture.uids == truth.uids for c in clients))
    differ = [(c.name, u, c.picture.flags.get(u), truth.flags[u]) for c in clients for u in truth.uids
              if c.picture.flags.get(u) != truth.flags[u]]
    check("every session knows the same flags", not differ, differ)
    print(f"     {sum(c.tag for c in clients)} commands, {len(truth.uids)} messages at the end")


def main():
    template = Template(binary())
    server = Server(template, None)
    try:
        attempt("views", views, server)
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()
    finish()


main()
