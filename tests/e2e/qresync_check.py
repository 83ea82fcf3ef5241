#!/usr/bin/env python3
"""A model checker for QRESYNC (RFC 7162 3.2). Several sessions change one mailbox at random; some of them keep what a client keeps: UIDs, flags
and the modseq by the rules of section 6, also at moments when VANISHED is held back. From any such earlier state, with any known UIDs and any
sample of numbers, SELECT (QRESYNC ...) or UID FETCH (CHANGEDSINCE n VANISHED) must lead to what a fresh SELECT shows.
Usage: qresync_check.py PATH/TO/troika
TROIKA_QRESYNC_COUNT (1500 steps), TROIKA_QRESYNC_SEED (1), TROIKA_QRESYNC_TRIM=1: the change log is made to forget on the way."""
import os
import random
import re

from common import PATIENCE, USERS, Server, Template, address, attempt, binary, check, finish

COUNT = int(os.environ.get("TROIKA_QRESYNC_COUNT", "1500"))
SEED = int(os.environ.get("TROIKA_QRESYNC_SEED", "1"))
TRIM = os.environ.get("TROIKA_QRESYNC_TRIM")
TRIM_CHANGES = 20200                                      # over LOG_RECORDS_MAX of the model
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$A", "$B"]
MESSAGES = 60                                             # about so many are kept in the mailbox
STATES_MAX = 150


class Wrong(Exception):
    pass


def uids_of(text):
    for part in text.split(","):
        lo, _, hi = part.partition(":")
        yield from range(int(lo), int(hi or lo) + 1)


def set_of(rnd, numbers):
    """A sequence set; neighbours become ranges, or not."""
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1 and rnd.random() < 0.8:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in out)


class Session:
    """What a client knows: UIDs by number (None: not told yet), flags by UID, the modseq up to which it knows all."""

    def __init__(self, server, name, enable=""):
        self.name, self.tag, self.script = name, 0, []
        self.qresync, self.uidonly = "QRESYNC" in enable, "UIDONLY" in enable
        self.socket = server.connect("imap")
        self.socket.settimeout(PATIENCE)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.forget()
        self.command(f"LOGIN {address('alice')} {USERS['alice']}")
        if enable:
            self.command(f"ENABLE {enable}")

    def forget(self):
        self.uids, self.flags, self.modseq, self.validity = [], {}, 0, 0
        self.earlier, self.fetched = set(), []

    def wrong(self, why):
        raise Wrong(f"{self.name}: {why}; its last lines: " + " | ".join(self.script[-12:]))

    def line(self):
        out = self.file.readline()
        while m := re.search(rb"\{(\d+)\}\r\n$", out):
            out += self.file.read(int(m[1])) + self.file.readline()
        if not out.endswith(b"\r\n"):
            self.wrong("the connection ended")
        out = out.decode().rstrip()
        self.script.append(out)
        return out

    def remove(self, number):
        self.flags.pop(self.uids.pop(number - 1), None)

    def place(self, uid, why):
        """The number of a UID: known, or one of those not told yet that stand where it must be."""
        if uid in self.uids:
            return self.uids.index(uid) + 1
        number = next((i for i, u in enumerate(self.uids) if u and u > uid), len(self.uids))
        if number == 0 or self.uids[number - 1] is not None:
            self.wrong(f"{why} {uid} is not known")
        return number

    def untagged(self, line):
        if self.uidonly and line.endswith(" EXISTS"):
            pass                                          # it has no numbers: uids are those it was told of
        elif m := re.match(r"\* (\d+) EXISTS", line):
            if int(m[1]) < len(self.uids):
                self.wrong("EXISTS below what is known")
            self.uids += [None] * (int(m[1]) - len(self.uids))
        elif m := re.match(r"\* (\d+) EXPUNGE", line):
            if self.qresync or self.uidonly:
                self.wrong("EXPUNGE")
            self.remove(int(m[1]))
        elif m := re.match(r"\* VANISHED \(EARLIER\) (\S+)$", line):
            if self.fetched:
                self.wrong("VANISHED (EARLIER) after FETCH")
            self.earlier |= set(uids_of(m[1]))
        elif m := re.match(r"\* VANISHED (\S+)$", line):
            if self.command_name in ("FETCH", "STORE", "SEARCH"):
                self.wrong("VANISHED in " + self.command_name)
            for uid in uids_of(m[1]):
                if not self.uidonly or uid in self.uids:
                    self.remove(self.place(uid, "VANISHED"))
        elif m := re.match(r"\* (\d+) (UID)?FETCH \((.*)\)$", line, re.S):
            self.fetch(int(m[1]), bool(m[2]), m[3])
        elif m := re.match(r"\* OK \[UIDVALIDITY (\d+)", line):
            self.validity = int(m[1])

    def fetch(self, n, by_uid, items):
        if by_uid != self.uidonly:
            self.wrong("FETCH or UIDFETCH")
        m = re.search(r"\bUID (\d+)", items)
        uid = n if by_uid else int(m[1]) if m else self.uids[n - 1]
        if not by_uid:
            if not 1 <= n <= len(self.uids):
                self.wrong(f"message {n} of {len(self.uids)}")
            if self.uids[n - 1] not in (None, uid):
                self.wrong(f"message {n} was UID {self.uids[n - 1]}")
            self.uids[n - 1] = uid
        elif uid not in self.uids:
            self.uids.append(uid)
        if m := re.search(r"FLAGS \(([^)]*)\)", items):
            self.flags[uid] = frozenset(m[1].split()) - {"\\Recent"}
        self.fetched.append(uid)
        if m := re.search(r"MODSEQ \((\d+)\)", items):
            self.seen_modseq = max(self.seen_modseq, int(m[1]))

    def command(self, command):
        self.tag += 1
        self.script.append("C: " + command)
        self.command_name = command.split()[0]
        self.earlier, self.fetched, self.seen_modseq, told = set(), [], 0, None
        self.socket.sendall(f"t{self.tag} {command}\r\n".encode())
        while True:
            line = self.line()
            if m := re.search(r"\[HIGHESTMODSEQ (\d+)\]", line):
                told = int(m[1])
            if line.startswith(f"t{self.tag} "):
                break
            if line.startswith("* OK [CLOSED]"):
                self.forget()
            self.untagged(line)
        if line.split()[1] == "BAD":
            self.wrong(command)
        if told is not None:                              # section 6: even when it is lower
            self.modseq = told
        else:
            self.modseq = max(self.modseq, self.seen_modseq)
        return line

    def learn(self):
        if None in self.uids:
            first = max([u for u in self.uids if u] or [0]) + 1
            self.command(f"UID FETCH {first}:* (UID FLAGS)")

    def state(self):
        return {"validity": self.validity, "modseq": self.modseq, "uids": list(self.uids), "flags": dict(self.flags)}


def change(rnd, s):
    """One change by a session, or a look."""
    n = len(s.uids)
    some = rnd.choice([u for u in s.uids if u] or [1])
    flags, op = " ".join(rnd.sample(FLAGS, 2)), rnd.choice("+-")
    if n < 10 or (n < MESSAGES and rnd.random() < 0.3):
        body = f"Subject: m{rnd.randint(1, 999)}\r\n\r\nhello\r\n"
        return s.command(f"APPEND box ({rnd.choice(FLAGS)}) {{{len(body)}+}}\r\n{body}")
    number = rnd.randint(1, n)
    some_uids = f"{some}:{some + rnd.randint(0, 6)}"
    return s.command(rnd.choice([
        f"STORE {number}:{min(n, number + 5)} {op}FLAGS ({flags})", f"STORE {number} {op}FLAGS ({flags})",
        f"UID STORE {some_uids} {op}FLAGS ({flags})", f"UID STORE {some_uids} +FLAGS (\\Deleted)", f"UID EXPUNGE {some_uids}",
        "EXPUNGE", f"UID MOVE {some_uids} {rnd.choice(['other', 'box'])}", f"UID COPY {some} box", f"FETCH {number} (BODY[TEXT] FLAGS)",
        "SEARCH UNSEEN", f"UID SEARCH 1:{number} SEEN", "UID SEARCH ALL", "NOOP", "UID FETCH 1:* (FLAGS)",
    ] if not s.uidonly else [f"UID STORE {some_uids} {op}FLAGS ({flags})", f"UID EXPUNGE {some_uids}", "NOOP", "UID FETCH 1:* (UID FLAGS)"]))


def resync(rnd, s, state, truth):
    """Brings the state up to date through session s."""
    known_uids = [u for u in state["uids"] if u]
    last = max(known_uids or [0])
    choice = rnd.random()
    if choice < 0.3 or not known_uids:
        known, within = "", None
    elif choice < 0.6:
        known, within = f"1:{last}", set(range(1, last + 1))
    elif choice < 0.8:
        known, within = set_of(rnd, known_uids), set(known_uids)
    else:
        within = set(rnd.sample(known_uids, rnd.randint(1, len(known_uids)))) | {last + rnd.randint(1, 20)}
        known = set_of(rnd, within)
    pairs = [(i + 1, u) for i, u in enumerate(state["uids"]) if u]
    by_fetch = known and rnd.random() < 0.3
    if by_fetch:
        s.command("SELECT box")
        s.command(f"UID FETCH {known} (FLAGS) (CHANGEDSINCE {state['modseq']} VANISHED)")
    else:
        sample = ""
        if pairs and not s.uidonly and rnd.random() < 0.6:
            pairs = sorted(rnd.sample(pairs, rnd.randint(1, len(pairs))))
            sample = f" ({set_of(rnd, [n for n, _ in pairs])} {set_of(rnd, [u for _, u in pairs])})"
        s.command(f"SELECT box (QRESYNC ({state['validity']} {state['modseq']}{' ' + known if known else ''}{sample}))")
    if within is not None and not (s.earlier <= within and set(s.fetched) <= within):
        s.wrong("told of what is not among the known UIDs")
    if s.earlier & set(truth.uids):
        s.wrong(f"EARLIER names what is there: {s.earlier & set(truth.uids)}")
    if not s.uidonly and any(u and truth.uids[i] != u for i, u in enumerate(s.uids)):
        s.wrong("its numbers are not those of a fresh SELECT")
    flags = {u: f for u, f in state["flags"].items() if u not in s.earlier}
    flags.update({u: s.flags[u] for u in s.fetched})
    for u in within if within is not None else set(known_uids) | set(truth.uids):
        if flags.get(u) != truth.flags.get(u) and (u in state["flags"] or (within is None and u <= last) or u in s.fetched):
            s.wrong(f"UID {u} is {flags.get(u)} after resynchronising from {state['modseq']}, and {truth.flags.get(u)} in truth")
    if within is None and set(truth.uids) - set(flags):
        s.wrong(f"not told of {set(truth.uids) - set(flags)}")


def fresh(truth):
    truth.forget()
    truth.command("SELECT box")
    truth.command("UID FETCH 1:* (UID FLAGS)")
    if None in truth.uids:
        truth.wrong("not all of 1:* was fetched")


def trim(s):
    """So many changes elsewhere that the log reaches back no more."""
    s.command("SELECT other")
    body = "Subject: trim\r\n\r\nx\r\n"
    s.command(f"APPEND other {{{len(body)}+}}\r\n{body}")
    for _ in range(TRIM_CHANGES // 200):
        batch = "".join(f"x{i} UID STORE * {'+-'[i % 2]}FLAGS.SILENT (\\Seen)\r\n" for i in range(200))
        s.socket.sendall(batch.encode())
        while not s.line().startswith("x199 "):
            pass
    s.command("CLOSE")
    s.forget()


def walk(server):
    rnd = random.Random(SEED)
    Session(server, "setup").command("CREATE box")
    Session(server, "setup").command("CREATE other")
    sessions = [Session(server, f"session {i}", enable) for i, enable in enumerate(["QRESYNC", "", "QRESYNC", "CONDSTORE", "QRESYNC UIDONLY"])]
    truth = Session(server, "truth")
    resyncing = [Session(server, "resync", "QRESYNC"), Session(server, "resync by UID", "QRESYNC UIDONLY")]
    for s in sessions:
        s.command("SELECT box")
    states, resyncs, held = [], 0, 0
    for step in range(COUNT):
        s = rnd.choice(sessions)
        change(rnd, s)
        if step % 3 == 0 and None not in (quick := rnd.choice([x for x in sessions if x.qresync and not x.uidonly])).uids and quick.uids:
            s = quick                                     # at once, while it may have to wait for VANISHED
            s.command(f"STORE {rnd.randint(1, len(s.uids))} {rnd.choice('+-')}FLAGS (\\Flagged)")
        if s.qresync and not s.uidonly:
            if rnd.random() < 0.7:
                s.learn()
            if rnd.random() < 0.5 and None not in s.uids and all(u in s.flags for u in s.uids):
                held += "VANISHED is delayed" in " ".join(s.script[-3:])
                states.append(s.state())
                if len(states) > STATES_MAX:
                    states.pop(rnd.randrange(len(states)))
        elif rnd.random() < 0.5:
            s.learn()
        if states and rnd.random() < 0.4:
            fresh(truth)
            resync(rnd, rnd.choice(resyncing), rnd.choice(states), truth)
            resyncs += 1
        if TRIM and step == COUNT // 2:
            trim(resyncing[0])
    print(f"     {COUNT} steps with seed {SEED}, {resyncs} resynchronisations, {held} states while VANISHED was held back")
    check("some states were kept and resynchronised", resyncs > COUNT / 10 and held > 0, f"{resyncs}, {held}")


def main():
    template = Template(binary())
    server = Server(template, None)
    try:
        print(f"     seed {SEED}, {COUNT} steps{', with trimming' if TRIM else ''}")
        attempt("QRESYNC leads to what a fresh SELECT shows", walk, server)
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()
    finish()


main()
