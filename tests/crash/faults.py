#!/usr/bin/env python3
"""Faults by name under a running server: each in turn strikes the store, the spool, the queue, memory, descriptors, the clock, names and TLS while mail comes in
by SMTP, is appended, flagged and expunged by IMAP, deleted by POP3 and sent out. While it lasts every answer is clear; when it ends everything works, at once,
nothing acknowledged is lost, nothing is left open, and `troika check` finds nothing. Usage: faults.py PATH/TO/troika [SECONDS_PER_FAULT [NAMES]]
NAMES: a regular expression, only the faults that it finds. TROIKA_FAULTS_SEED: other lots for what fails by lot."""
import collections
import errno
import hashlib
import http.client
import imaplib
import mmap
import os
import poplib
import random
import re
import select
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from common import PATIENCE, TLS, USERS, Server, Template, address, attempt, check, finish, imap, metrics_text, pop3, scratch, smtp, until  # noqa: E402

BUILD = Path(sys.argv[1]).resolve().parent
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 1.2
WANTED = sys.argv[3] if len(sys.argv) > 3 else ""
SEED = int(os.environ.get("TROIKA_FAULTS_SEED", "1"))
PLACES = ("segment.open", "segment.write", "segment.sync", "index.write", "index.sync", "index.root", "spool.open", "spool.write", "memory", "thread", "accept", "clock")
RULE = struct.Struct("7i")             # struct rule of faulty.c
random.seed(20261126)

# name, place, every, error, delay in ms, halved, and what must be seen: "refused" operations, or that all "work".
FAULTS = [
    ("EIO where a segment is made", "segment.open", 1, errno.EIO, 0, 0, None),
    ("EMFILE where a segment is made", "segment.open", 1, errno.EMFILE, 0, 0, None),
    ("EIO, segment write", "segment.write", 2, errno.EIO, 0, 0, "refused"),
    ("ENOSPC, segment write", "segment.write", 1, errno.ENOSPC, 0, 0, "refused"),
    ("short writes to segments", "segment.write", 1, 0, 0, 1, "work"),
    ("EIO, every segment sync", "segment.sync", 1, errno.EIO, 0, 0, "refused"),
    ("EIO, every third segment sync", "segment.sync", 3, errno.EIO, 0, 0, "refused"),
    ("ENOSPC, segment sync", "segment.sync", 2, errno.ENOSPC, 0, 0, "refused"),
    ("EIO, index write", "index.write", 3, errno.EIO, 0, 0, "refused"),
    ("ENOSPC, index write", "index.write", 1, errno.ENOSPC, 0, 0, "refused"),
    ("short writes to the index", "index.write", 5, 0, 0, 1, "refused"),
    ("EIO, every index sync", "index.sync", 1, errno.EIO, 0, 0, "refused"),
    ("EIO, every third index sync", "index.sync", 3, errno.EIO, 0, 0, "refused"),
    ("EIO, index root", "index.root", 3, errno.EIO, 0, 0, None),
    ("ENOSPC, every index root", "index.root", 1, errno.ENOSPC, 0, 0, "refused"),
    ("slow disk: each sync takes 150 ms", "index.sync", 1, 0, 150, 0, "work"),
    ("EMFILE, spool", "spool.open", 1, errno.EMFILE, 0, 0, "refused"),
    ("ENOSPC, spool write", "spool.write", 1, errno.ENOSPC, 0, 0, "refused"),
    ("EIO, spool write", "spool.write", 2, errno.EIO, 0, 0, "refused"),
    ("short writes to the spool", "spool.write", 1, 0, 0, 1, "work"),
    ("EMFILE, accept", "accept", 2, errno.EMFILE, 0, 0, None),
    ("ENOMEM, accept", "accept", 2, errno.ENOMEM, 0, 0, None),
    ("the clock six hours back", "clock", 1, -6 * 3600, 0, 0, "work"),
    ("the clock forty days ahead", "clock", 1, 40 * 86400, 0, 0, "work"),
    ("ENOMEM, one allocation of 1000", "memory", 1000, errno.ENOMEM, 0, 0, None),
    ("ENOMEM, one allocation of 100", "memory", 100, errno.ENOMEM, 0, 0, None),
    ("ENOMEM, one allocation of 20", "memory", 20, errno.ENOMEM, 0, 0, None),
    ("ENOMEM, every allocation", "memory", 1, errno.ENOMEM, 0, 0, None),
    ("EAGAIN, threads", "thread", 2, errno.EAGAIN, 0, 0, None),
]
BY_LOT = ("memory", "thread")
CRIPPLING = ("memory", "thread", "accept")       # a connection may end without a word


class Faults:
    def __init__(self, path):
        path.write_bytes(bytes(RULE.size * len(PLACES)))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def set(self, place, every=0, error=0, delay=0, halved=0, seed=0):
        at = PLACES.index(place) * RULE.size
        hits = RULE.unpack_from(self.map, at)[6]
        RULE.pack_into(self.map, at, every, error, delay, halved, seed, 0, 0)
        return hits

    def hits(self, place):
        return RULE.unpack_from(self.map, PLACES.index(place) * RULE.size)[6]


class Sink(threading.Thread):
    """An SMTP server that takes everything; counts by subject. With `tls` broken it speaks nonsense in the middle of the TLS of the first `broken` mails."""

    def __init__(self, context=None, broken=0):
        super().__init__(daemon=True)
        self.context, self.broken, self.seen = context, broken, {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            s, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(s,), daemon=True).start()

    def talk(self, s):
        try:
            raw, f = s, s.makefile("rb")
            s.sendall(b"220 sink\r\n")
            while line := f.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    s.sendall(b"250-sink\r\n250 STARTTLS\r\n" if self.context and raw is s else b"250 sink\r\n")
                elif verb == b"STAR":
                    s.sendall(b"220 go\r\n")
                    s = self.context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
                    f = s.makefile("rb")
                elif verb == b"DATA":
                    if self.broken > 0:
                        self.broken -= 1
                        os.write(s.fileno(), b"\x17\x03\x03\x00\x20 this is no record of TLS, it is nonsense")
                        s.close()
                        return
                    s.sendall(b"354 go\r\n")
                    text = b""
                    while (line := f.readline()) not in (b".\r\n", b""):
                        text += line
                    subject = re.search(rb"Subject: (\S+)", text).group(1).decode()
                    self.seen[subject] = self.seen.get(subject, 0) + 1
                    s.sendall(b"250 taken\r\n")
                else:
                    s.sendall(b"250 ok\r\n")
                    if verb == b"QUIT":
                        return
        except OSError:
            pass


def body(ident, size):
    text = (hashlib.sha256(ident.encode()).hexdigest() + "\r\n") * (size // 66 + 1)
    return f"Subject: {ident}\r\nX-Cut: {ident}\r\n\r\n{text}".encode()


class Witness:
    """What the server has acknowledged, to whom."""

    def __init__(self):
        self.kept, self.tried, self.flagged, self.expunged, self.gone_perhaps, self.out = {}, {}, set(), set(), set(), set()
        self.number = 0
        self.lock = threading.Lock()

    def next(self, label):
        with self.lock:
            self.number += 1
            return f"{label}-{self.number}"


class Tally:
    def __init__(self):
        self.good = self.refused = 0
        self.cut, self.unclear, self.final, self.slowest = [], [], [], 0.0


def by_smtp(server, w, ident, size):
    with smtp(server) as c:
        w.tried[ident] = body(ident, size)
        c.sendmail("x@example.net", [address("bob")], w.tried[ident])
        w.kept[ident] = w.tried[ident]


def greet(c):
    """smtplib goes on with HELO when EHLO is refused, and then misses what only EHLO tells of."""
    code, text = c.ehlo()
    if code != 250:
        raise smtplib.SMTPHeloError(code, text)


def by_queue(server, w, ident, _):
    c = smtplib.SMTP("127.0.0.1", server.port["submission"], local_hostname="client.example.net", timeout=PATIENCE)
    try:
        greet(c)
        c.starttls(context=TLS)
        greet(c)
        c.login(address("alice"), USERS["alice"])
        text = f"From: {address('alice')}\r\nTo: x@far.test\r\nSubject: {ident}\r\n\r\nout\r\n"
        c.sendmail(address("alice"), ["x@far.test"], text)
        w.out.add(ident)
    finally:
        c.close()


def say(c, reply):
    """Raises what imaplib would raise for BAD, for NO as well."""
    if reply[0] != "OK":
        raise imaplib.IMAP4.error(str(reply[1]))
    return reply[1]


def by_imap(server, w, ident, size):
    c = imap(server, "bob")
    try:
        w.tried[ident] = body(ident, size)
        say(c, c.append("INBOX", r"(\Seen)", None, w.tried[ident]))
        w.kept[ident] = w.tried[ident]
        say(c, c.select("INBOX"))
        found = say(c, c.uid("SEARCH", "SUBJECT", ident))[0].split()
        if not found:
            return
        say(c, c.uid("STORE", found[0].decode(), "+FLAGS.SILENT", r"(\Flagged $Kept)"))
        w.flagged.add(ident)
        if random.random() < 0.3:
            w.gone_perhaps.add(ident)
            say(c, c.uid("STORE", found[0].decode(), "+FLAGS.SILENT", r"(\Deleted)"))
            say(c, c.uid("EXPUNGE", found[0].decode()))
            w.expunged.add(ident)
    finally:
        c.shutdown()


def by_pop3(server, w, _, __):
    p = pop3(server, "bob")
    try:
        n = p.stat()[0]
        if n > 20:
            text = b"\r\n".join(p.retr(1)[1])
            ident = re.search(rb"X-Cut: (\S+)", text).group(1).decode()
            w.gone_perhaps.add(ident)
            p.dele(1)
        p.quit()                                               # also with nothing to delete: who only hangs up holds the maildrop until that is noticed
        if n > 20:
            w.expunged.add(ident)
    finally:
        p.close()


def clear(e):
    """The words of a protocol, and the class: 4 or 5 of SMTP, NO or BAD of IMAP, -ERR of POP3. None: the connection was cut."""
    if isinstance(e, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 600 for code, _ in e.recipients.values())
    if isinstance(e, smtplib.SMTPServerDisconnected):
        return None
    if isinstance(e, smtplib.SMTPNotSupportedError):
        return False
    if isinstance(e, smtplib.SMTPResponseException):
        return 400 <= e.smtp_code < 600
    if isinstance(e, imaplib.IMAP4.abort):
        return True if "BYE" in str(e) else None
    if isinstance(e, imaplib.IMAP4.error):
        return True
    if isinstance(e, poplib.error_proto):
        return str(e).startswith(("b'-ERR", "-ERR")) or ("EOF" not in str(e) and None)
    return None if isinstance(e, (ConnectionError, EOFError, OSError)) and not isinstance(e, TimeoutError) else False


def final(e):
    """SMTP: that it need not be tried again, which only the mail's own fault may be answered with (RFC 5321 4.2.1). IMAP and POP3 have no such difference."""
    codes = [code for code, _ in e.recipients.values()] if isinstance(e, smtplib.SMTPRecipientsRefused) else [e.smtp_code] if isinstance(e, smtplib.SMTPResponseException) else []
    return any(code >= 500 for code in codes)


def worker(server, w, operation, label, goes_on, tally):
    """Once at least, and as long as goes_on() says."""
    first = True
    while goes_on() or first:
        first = False
        ident, start = w.next(label), time.monotonic()
        size = random.choice((300, 3000, 3000, 400_000))
        try:
            operation(server, w, ident, size)
            tally.good += 1
        except Exception as e:                                 # noqa: BLE001
            kind = clear(e)
            tally.refused += kind is True
            if kind is None:
                tally.cut.append(f"{operation.__name__}: {type(e).__name__}: {e}"[:100])
            if final(e):
                tally.final.append(f"{operation.__name__}: {e}"[:200])
            if kind is False:
                tally.unclear.append(f"{operation.__name__}: {type(e).__name__}: {e}"[:200])
            time.sleep(0.02)
        tally.slowest = max(tally.slowest, time.monotonic() - start)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.proc.pid}/fd"))


def examine(server, w, name):
    """Everything acknowledged against what is there."""
    c = imap(server, "bob")
    n = int(say(c, c.select("INBOX", readonly=True))[0])
    found = {}
    for first in range(1, n + 1, 100):
        for d in c.fetch(f"{first}:{min(n, first + 99)}", "(FLAGS BODY.PEEK[])")[1]:
            if isinstance(d, tuple):
                ident = re.search(rb"X-Cut: (\S+)", d[1]).group(1).decode()
                found.setdefault(ident, []).append((d[0], d[1][d[1].index(b"Subject: "):]))
    c.logout()
    lost = [i for i in w.kept if i not in found and i not in w.gone_perhaps]
    wrong = [i for i, copies in found.items() if any(text.rstrip() != w.tried[i].rstrip() for _, text in copies)]
    risen = [i for i in w.expunged if i in found]
    unflagged = [i for i in w.flagged if i in found and not any(b"$Kept" in head for head, _ in found[i])]
    check(f"{name}: nothing acknowledged is lost, changed or risen", not (lost or wrong or risen or unflagged),
          f"of {len(w.kept)}: lost {lost[:5]}, wrong {wrong[:5]}, risen {risen[:5]}, flags lost {unflagged[:5]}")


def full_service(server, w, name):
    """Each way once, at once."""
    for operation in (by_smtp, by_imap, by_queue, by_pop3):
        try:
            until(lambda: not is_held(operation, server, w))
        except Exception as e:                                 # noqa: BLE001
            check(f"{name}: afterwards {operation.__name__} works", False, f"{type(e).__name__}: {e}; {server.log_tail(5)}")


def is_held(operation, server, w):
    """Does it; true when a session that was broken off has the maildrop still."""
    try:
        operation(server, w, w.next("after"), 3000)
        return False
    except poplib.error_proto as e:
        if "IN-USE" in str(e):
            return True
        raise


def explained(server):
    """Connections that the server has ended by itself and told why, by its figures: each of these goes with a line in the log."""
    return sum(int(n) for n in re.findall(rb'^troika_rt_(?:refused_total|gave_up_total|tls_handshakes_total)\{(?:why=|result="failed").*\} (\d+)', metrics_text(server), re.M))


def settle(server, wanted):
    end = time.monotonic() + PATIENCE
    while descriptors(server) > wanted and time.monotonic() < end:
        time.sleep(0.05)
    return descriptors(server)


def reload(server, wanted):
    """SIGHUP; does the log tell that?"""
    size = server.log.stat().st_size
    server.proc.send_signal(signal.SIGHUP)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.proc.poll() is None:
        time.sleep(0.05)
        found = re.search(r" (reload\S*)", server.log.read_bytes()[size:].decode(errors="replace"))
        if found:
            return found[1] == wanted
    return False


def one_fault(server, faults, w, fault, idle):
    name, place, every, error, delay, halved, expected = fault
    tally, held = Tally(), imap(server)                        # a session that is open all the time
    told = explained(server)
    end = time.monotonic() + SECONDS

    def goes_on():
        """Until the time is over, and what is judged has happened, which on a slow machine takes longer."""
        now, seen = time.monotonic(), {"refused": tally.refused, "work": tally.good, None: 1}[expected]
        return now < end or (now < end + PATIENCE and not (seen and (place == "clock" or faults.hits(place))))
    if place == "segment.open":
        faults.set("segment.sync", 1, errno.EIO)               # so that the present one is given up and another one is made
        worker(server, w, by_smtp, "open", lambda: False, Tally())
        faults.set("segment.sync")
    if place == "thread":
        faults.set("index.sync", 1, 0, 150)                    # so that more of them are wanted than there are
    faults.set(place, every, error, delay, halved, SEED if place in BY_LOT else 0)
    ways = (by_smtp, by_smtp, by_imap, by_queue, by_pop3) * (4 if place == "thread" else 1)
    threads = [threading.Thread(target=worker, args=(server, w, way, f"{place}{i}", goes_on, tally), daemon=True) for i, way in enumerate(ways)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(2 * PATIENCE + 20)                              # longer than their sockets have patience
    if (place, every) == ("memory", 1):
        check(f"{name}: SIGHUP changes nothing, and the log says so", reload(server, "reload.failed"), server.log_tail(3))
    hits = faults.set(place) or int(place == "clock")
    if place == "thread":
        faults.set("index.sync")
    stuck = sum(t.is_alive() for t in threads)
    struck = hits > 0
    print(f"     {name}: struck {hits} times; {tally.good} worked, {tally.refused} refused, {len(tally.cut)} cut off, slowest {tally.slowest:.1f} s", flush=True)
    check(f"{name}: strikes, nobody hangs, the server lives", struck and not stuck and server.proc.poll() is None, f"{hits} hits, {stuck} stuck; {server.log_tail(8)}")
    if server.proc.poll() is not None:
        raise RuntimeError("the server is dead")
    check(f"{name}: clear answers", not tally.unclear and (not tally.cut or place in CRIPPLING), f"{len(tally.cut)} cut off, {tally.unclear[:3]}")
    before, end = told, time.monotonic() + PATIENCE
    while (told := explained(server) - before) < len(tally.cut) and time.monotonic() < end:
        time.sleep(0.1)                                        # the peer hears of it first
    check(f"{name}: no connection is cut without a word in the log", told >= len(tally.cut),
          f"{len(tally.cut)} cut, {told} told: {collections.Counter(tally.cut)}; {server.log_tail(5)}")
    check(f"{name}: nothing is refused for good", not tally.final, tally.final[:3])
    if expected == "refused":
        check(f"{name}: what cannot be done is refused", tally.refused > 0)
    if expected == "work":
        check(f"{name}: everything works", tally.good > 0 and tally.refused == 0, tally.refused)
    full_service(server, w, name)
    if place == "memory":
        check(f"{name}: SIGHUP loads the configuration", reload(server, "reload"), server.log_tail(3))
    try:
        check(f"{name}: a session that was open before goes on", held.noop()[0] == "OK" and held.logout()[0] == "BYE")
    except (imaplib.IMAP4.error, OSError) as e:
        check(f"{name}: a session that was open before goes on", place in CRIPPLING, e)
    open_now = settle(server, idle + 2)
    check(f"{name}: no descriptor is left open", open_now <= idle + 2, f"{open_now}, {idle} before")
    return hits


def gave_way(server):
    c = http.client.HTTPConnection("127.0.0.1", timeout=PATIENCE)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(str(server.data / "run" / "troika.sock"))
    c.request("GET", "/metrics")
    text = c.getresponse().read().decode()
    c.close()
    return int(re.search(r"^troika_store_gave_way_total (\d+)", text, re.M).group(1))


def backup_gives_way(server, faults, w, where):
    """Commits take long while a backup runs: it pauses for them, says so, and the server's figures do. What was usual is seen as it begins, so the disk gets slow then."""
    before, tally, end = gave_way(server), Tally(), time.monotonic() + 8
    octets = sum(f.stat().st_size for f in (server.data / "store" / "blobs").iterdir())
    rate = max(64, octets // 20 >> 10)                         # so that it takes 20 seconds, however much came in before
    threads = [threading.Thread(target=worker, args=(server, w, way, f"beside{i}", lambda: time.monotonic() < end, tally), daemon=True) for i, way in enumerate((by_smtp, by_imap))]
    p = subprocess.Popen([server.template.binary, "backup", "-d", server.data, where / "backup", "--rate", f"{rate}K"], stdout=subprocess.PIPE, text=True)
    faults.set("index.sync", 1, 0, 4000)                       # much more than is usual on the slowest machine
    for t in threads:
        t.start()
    out = p.communicate(timeout=300)[0]
    for t in threads:
        t.join(2 * PATIENCE)
    faults.set("index.sync")
    found = re.search(r"gave way to commits (\d+) times", out)
    print(f"     a backup beside commits of four seconds gave way {found.group(1) + ' times' if found else 'never'}; {tally.good} commits meanwhile")
    check("a backup gives way to commits that take long", p.returncode == 0 and found, out)
    check("and the server's figures tell how often", found and gave_way(server) - before == int(found.group(1)), gave_way(server) - before)


def warm_until(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def campaign():
    subprocess.run(["ninja", "-C", BUILD, "tests/crash/faulty.so"], check=True, stdout=subprocess.DEVNULL)
    where, template, sink, w = scratch(), Template(sys.argv[1]), Sink(), Witness()
    faults = Faults(where / "faults")
    os.environ.update(LD_PRELOAD=str(BUILD / "tests/crash/faulty.so"), FAULTY=str(where / "faults"))
    server = Server(template, ['hostname = "troika.test"', "guard { user_messages_per_hour = 0 user_messages_per_day = 0 user_recipients_per_hour = 0 user_recipients_per_day = 0 }",
                               f'outbound {{ routes = {{ "* smtp:[127.0.0.1]:{sink.port}" }} idle = "1s" }}',
                               'queue { retry_first = "1s" retry_max = "1s" }'])
    for name in ("LD_PRELOAD", "FAULTY"):
        del os.environ[name]
    struck = {}
    try:
        worker(server, w, by_imap, "warm", warm_until(0.5), Tally())
        full_service(server, w, "before all faults")
        time.sleep(1.5)
        idle = descriptors(server)
        for fault in filter(lambda f: re.search(WANTED, f[0]), FAULTS):
            struck[fault[0]] = one_fault(server, faults, w, fault, idle)
            examine(server, w, fault[0])
        backup_gives_way(server, faults, w, where)
        examine(server, w, "beside a backup")
        until(lambda: w.out <= set(sink.seen))
        check(f"the {len(w.out)} mails that the queue took have gone out", w.out <= set(sink.seen), list(w.out - set(sink.seen))[:5])
        r = subprocess.run([template.binary, "check", "-d", server.data], capture_output=True, text=True, timeout=120, check=False)
        check("troika check finds nothing", r.returncode == 0, r.stdout[-600:] + r.stderr[-300:])
        server.kill()
        server.start()
        examine(server, w, "after kill -9 and a new start")
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        faults.map.close()
        server.remove()
        template.remove()
    print("faults injected: " + ", ".join(f"{n} {name}" for name, n in struck.items()) + f"; {sum(struck.values())} in all")


class Names(threading.Thread):
    """A DNS server: every name is at 127.0.0.1, or what `mode` says."""

    MODES = ("SERVFAIL", "REFUSED", "garbage", "cut short", "a loop of pointers", "an answer to another question", "silence")

    def __init__(self):
        super().__init__(daemon=True)
        self.mode, self.asked = "good", 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def answer(self, q):
        end = q.index(b"\0", 12) + 5
        question, kind = q[12:end], int.from_bytes(q[end - 4:end - 2], "big")
        head = q[:2] + b"\x81\x80"
        good = (head + struct.pack("!4H", 1, 1, 0, 0) + question + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + b"\x7f\0\0\1" if kind == 1 else
                head + struct.pack("!4H", 1, 0, 0, 0) + question)
        return {"good": good, "SERVFAIL": q[:2] + b"\x81\x82" + struct.pack("!4H", 1, 0, 0, 0) + question,
                "REFUSED": q[:2] + b"\x81\x85" + struct.pack("!4H", 1, 0, 0, 0) + question, "garbage": q[:2] + b"\x81\x80" + random.randbytes(60),
                "cut short": good[:15], "an answer to another question": head + struct.pack("!4H", 1, 0, 0, 0) + b"\5other\4test\0\0\1\0\1",
                "a loop of pointers": head + struct.pack("!4H", 1, 1, 0, 0) + question + b"\xc0" + bytes([end]) + struct.pack("!HHIH", 1, 1, 1, 4) + b"\x7f\0\0\1",
                "silence": b""}[self.mode]

    def run(self):
        while True:
            q, peer = self.socket.recvfrom(4096)
            self.asked += self.mode != "good"
            reply = self.answer(q)
            if reply:
                self.socket.sendto(reply, peer)


def send_out(server, w, ident, to):
    c = smtplib.SMTP("127.0.0.1", server.port["submission"], local_hostname="client.example.net", timeout=PATIENCE)
    c.starttls(context=TLS)
    c.login(address("alice"), USERS["alice"])
    c.sendmail(address("alice"), [to], f"From: {address('alice')}\r\nTo: {to}\r\nSubject: {ident}\r\n\r\nout\r\n")
    c.quit()


def arrives_once(sink, ident):
    until(lambda: ident in sink.seen)
    time.sleep(0.2)
    return sink.seen.get(ident) == 1


def is_ended(fd):
    """Does the peer end the connection?"""
    while select.select([fd], [], [], PATIENCE)[0]:
        try:
            if not os.read(fd, 4096):
                return True
        except ConnectionError:
            return True
    return False


def names_and_tls():
    """DNS that fails, and TLS that fails in the middle: ours to peers, and clients' to us."""
    template, names, sink, w = Template(sys.argv[1]), Names(), Sink(), Witness()
    where = scratch()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", where / "key", "-out", where / "pem",
                    "-days", "9", "-subj", "/CN=mx"], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(where / "pem", where / "key")
    rude = Sink(context, broken=2)
    routes = ", ".join([f'"rude.test smtp:[127.0.0.1]:{rude.port}"', *(f'"d{i}.example.net smtp:[relay{i}.example.net]:{sink.port}"' for i in range(len(names.MODES)))])
    server = Server(template, ['hostname = "troika.test"', f'dns {{ servers = "127.0.0.1@{names.port}" trust_anchor = "none" timeout = "1s" }}',
                               f'outbound {{ routes = {{ {routes} }} idle = "1s" }}',
                               'queue { retry_first = "1s" retry_max = "1s" }'])
    try:
        idle = descriptors(server)
        for i, mode in enumerate(names.MODES):
            names.mode, names.asked = mode, 0
            send_out(server, w, f"dns-{i}", f"x@d{i}.example.net")
            start = time.monotonic()
            by_smtp(server, w, f"in-{i}", 300)
            took = time.monotonic() - start
            until(lambda: names.asked)
            time.sleep(1.2)
            check(f"DNS, {mode}: asked, mail comes in ({took:.1f} s), mail out waits", names.asked > 0 and f"dns-{i}" not in sink.seen,
                  f"asked {names.asked} times; {server.log_tail(5)}")
            names.mode = "good"
            check(f"DNS, {mode}: once it is over the mail goes out, once", arrives_once(sink, f"dns-{i}"), server.log_tail(5))
        send_out(server, w, "rude", "x@rude.test")
        check("TLS to a peer breaks in the middle, twice: delivered once all the same", arrives_once(rude, "rude") and rude.broken == 0, server.log_tail(5))
        for proto, start, more in (("smtp", b"EHLO x\r\nSTARTTLS\r\n", b"EHLO x\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: half\r\n"),
                                   ("imap", b"a STARTTLS\r\n", b"b LOGIN bob@example.org {3}\r\n"), ("pop3", b"STLS\r\n", b"USER bob@example.org\r\n")):
            for way in ("nonsense", "cut"):
                raw = server.connect(proto)
                raw.sendall(start)
                seen = b""
                while not re.search(rb"(220 2.0.0|220 [Rr]eady|a OK|\+OK [^\r]*\r\n\+OK)[^\n]*\n", seen) and len(seen) < 4000:
                    more_bytes = raw.recv(4096)
                    seen += more_bytes
                    if not more_bytes:
                        break
                tls = TLS.wrap_socket(raw, server_hostname="x")
                tls.sendall(more)
                time.sleep(0.1)
                if way == "nonsense":
                    os.write(tls.fileno(), b"\x17\x03\x03\x00\x20 this is no record of TLS, it is nonsense")
                    check(f"TLS of a client breaks in the middle ({proto}): the connection is ended", is_ended(tls.fileno()))
                tls.close()
        c = imap(server, "bob")
        c.select("INBOX", readonly=True)
        half = c.search(None, "SUBJECT", "half")[1][0].split()
        c.logout()
        check("and the half of a mail that came is not there", not half, half)
        open_now = settle(server, idle + 8)
        check("no descriptor is left open", open_now <= idle + 8, f"{open_now}, {idle} before")
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()


attempt("faults", campaign)
if re.search(WANTED, "names and TLS"):
    attempt("names and TLS", names_and_tls)
finish()
