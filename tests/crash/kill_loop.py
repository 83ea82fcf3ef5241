#!/usr/bin/env python3
"""kill -9 in a loop while eight senders, an APPENDer, a flag changer and an expunger work; after every restart everything acknowledged is there
once, byte for byte, UIDs unchanged, no repair needed. Usage: kill_loop.py PATH/TO/troika [ROUNDS]"""
import hashlib
import random
import re
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from common import PATIENCE, Server, Template, address, attempt, check, count, finish, imap, pop3, smtp, until  # noqa: E402

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 8
random.seed(20261123)


def body(ident):
    rnd = random.Random(ident)
    size = rnd.choice((200, 3000, 3000, 20000, 300000))
    text = "".join(rnd.choices("abcdefghij klmnopqrstuvwxyz.", k=size))
    lines = [text[i:i + 70] for i in range(0, len(text), 70)]
    return f"Subject: {ident}\r\nX-Cut: {ident}\r\n\r\n".encode() + "\r\n".join(lines).encode() + b"\r\n"


class Witness:
    """What was acknowledged. `maybe` are operations under way when the power went."""

    def __init__(self):
        self.lock = threading.Lock()
        self.delivered = {}          # ident -> digest, acknowledged
        self.flagged = set()         # idents whose +FLAGS was acknowledged
        self.expunged = set()        # acknowledged
        self.expunging = set()       # asked
        self.uids = {}               # ident -> uid once seen


def sender(server, w, name, stop):
    i = 0
    try:
        with smtp(server) as c:
            while not stop.is_set():
                ident = f"{name}-{i}"
                text = body(ident)
                c.sendmail("x@example.net", [address("bob")], text)
                with w.lock:
                    w.delivered[ident] = hashlib.sha256(text).digest()
                i += 1
    except Exception:                                         # noqa: BLE001
        pass                                                  # the power went


def appender(server, w, name, stop):
    i = 0
    try:
        c = imap(server, "bob")
        while not stop.is_set():
            ident = f"{name}-{i}"
            text = body(ident)
            if c.append("INBOX", None, None, text)[0] == "OK":
                with w.lock:
                    w.delivered[ident] = hashlib.sha256(text).digest()
            i += 1
    except Exception:                                         # noqa: BLE001
        pass


def idents(c, uids="1:*"):
    out = {}
    typ, data = c.uid("FETCH", uids, "(UID BODY.PEEK[HEADER.FIELDS (X-CUT)])")
    for d in data:
        if isinstance(d, tuple) and b":" in d[1]:
            out[d[1].split(b":", 1)[1].strip().decode()] = int(re.search(rb"UID (\d+)", d[0]).group(1))
    return out


def changer(server, w, stop):
    """Flags some, deletes some: each only after it was seen."""
    try:
        c = imap(server, "bob")
        c.select("INBOX")
        while not stop.is_set():
            c.noop()
            known = idents(c)
            pick = [k for k in known if k not in w.expunging]
            random.shuffle(pick)
            for ident in pick[:3]:
                if c.uid("STORE", str(known[ident]), "+FLAGS", r"(\Flagged $Kept)")[0] == "OK":
                    with w.lock:
                        w.flagged.add(ident)
            for ident in pick[3:5]:
                with w.lock:
                    w.expunging.add(ident)
                c.uid("STORE", str(known[ident]), "+FLAGS", r"(\Deleted)")
                if c.uid("EXPUNGE", str(known[ident]))[0] == "OK":
                    with w.lock:
                        w.expunged.add(ident)
    except Exception:                                         # noqa: BLE001
        pass


def examine(server, w, label):
    c = imap(server, "bob")
    c.select("INBOX", readonly=True)
    validity = c.response("UIDVALIDITY")[1][0]
    found, doubled, wrong = {}, [], []
    n = int(c.status("INBOX", "(MESSAGES)")[1][0].split()[-1].rstrip(b")"))
    for first in range(1, n + 1, 200):
        for d in c.fetch(f"{first}:{min(n, first + 199)}", "(UID FLAGS BODY.PEEK[])")[1]:
            if not isinstance(d, tuple):
                continue
            ident = re.search(rb"X-Cut: (\S+)", d[1]).group(1).decode()
            start = d[1].index(b"Subject: ")
            if ident in found:
                doubled.append(ident)
            found[ident] = (int(re.search(rb"UID (\d+)", d[0]).group(1)), d[0], hashlib.sha256(d[1][start:]).digest())
    for ident, digest in w.delivered.items():
        if ident in found and found[ident][2] != digest:
            wrong.append(ident)
    lost = [i for i in w.delivered if i not in found and i not in w.expunging]
    check(f"{label}: all {len(w.delivered)} acknowledged are there", not lost, lost[:5])
    check(f"{label}: none twice", not doubled, doubled[:5])
    check(f"{label}: byte for byte", not wrong, wrong[:5])
    risen = [i for i in w.expunged if i in found]
    check(f"{label}: {len(w.expunged)} expunged stay away", not risen, risen[:5])
    unflagged = [i for i in w.flagged if i in found and not (b"\\Flagged" in found[i][1] and b"$Kept" in found[i][1])]
    check(f"{label}: {len(w.flagged)} flags stay", not unflagged, unflagged[:5])
    moved = [i for i, uid in w.uids.items() if i in found and found[i][0] != uid]
    check(f"{label}: UIDs unchanged", not moved, moved[:5])
    w.uids.update({i: f[0] for i, f in found.items()})
    c.logout()
    return validity


def main():
    template = Template(sys.argv[1])
    server = Server(template, None)
    w = Witness()
    validity = None
    try:
        for k in range(ROUNDS):
            stop = threading.Event()
            threads = [threading.Thread(target=sender, args=(server, w, f"s{k}-{i}", stop), daemon=True) for i in range(8)]
            threads.append(threading.Thread(target=appender, args=(server, w, f"a{k}", stop), daemon=True))
            threads.append(threading.Thread(target=changer, args=(server, w, stop), daemon=True))
            before = len(w.delivered), len(w.expunged)
            for t in threads:
                t.start()
            until(lambda: len(w.delivered) > before[0] + 8 and len(w.expunged) > before[1])
            time.sleep(random.uniform(0, 1.4))
            server.kill()
            stop.set()
            for t in threads:
                t.join(PATIENCE)
            start = time.monotonic()
            server.start()
            check(f"round {k}: up again in {time.monotonic() - start:.2f} s, without repair", True)
            now = examine(server, w, f"round {k}")
            check(f"round {k}: UIDVALIDITY unchanged", validity in (None, now))
            validity = now
        check("something was flagged and expunged", w.flagged and w.expunged, (len(w.flagged), len(w.expunged)))
        n = count(server, "bob")
        p = pop3(server, "bob")
        check("POP3 shows the same number", p.stat()[0] == n, n)
        p.quit()
        attempt("check", lambda: check("troika check finds nothing but what the cuts left behind", template.cli("check", "-d", server.data) is not None))
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()
    finish()


main()
