#!/usr/bin/env python3
"""Bad input and bad days: garbage, endless lines, huge literals, half-open TLS, thousands of idle and of silent connections, a full disk. After
each the server serves, and its memory stays bounded. Usage: hostile.py PATH/TO/troika"""
import os
import random
import re
import resource
import select
import socket
import subprocess
import sys
import threading
import time

from common import PATIENCE, TLS, Failed, Server, Template, address, attempt, binary, check, count, finish, imap, pop3, skip, smtp

SANITIZED = b"__asan_init" in open(sys.argv[1], "rb").read() if len(sys.argv) > 1 else False
IDLE = int(os.environ.get("TROIKA_IDLE", "1000" if SANITIZED else "10000"))


def rss_mb(server):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{server.proc.pid}/status").read()).group(1)) / 1024


def serves(server, after):
    """All three horses still pull."""
    before = count(server)
    with smtp(server) as c:
        c.sendmail("x@example.net", [address("alice")], b"Subject: still here\r\n\r\nx\r\n")
    p = pop3(server)
    n = p.stat()[0]
    p.quit()
    check(f"after {after}: SMTP takes, POP3 and IMAP show", n == before + 1 == count(server))


class Raw:
    def __init__(self, server, proto):
        self.s = server.connect(proto)
        self.s.settimeout(PATIENCE)
        self.f = self.s.makefile("rb")
        self.greeting = self.f.readline()

    def send(self, data):
        self.s.sendall(data)
        return self

    def line(self):
        return self.f.readline()

    def until(self, start, most=10000):
        for _ in range(most):
            line = self.line()
            if not line or line.startswith(start):
                return line
        return b""

    def close(self):
        self.f.close()
        self.s.close()


def noise_of(n):
    return random.Random(n).randbytes(n)


def garbage(server):
    noise = bytes(range(256)) * 64
    for proto, alive, want in (("smtp", b"NOOP\r\n", b"250"), ("pop3", b"CAPA\r\n", b"+OK"), ("imap", b"z9 NOOP\r\n", b"z9 OK")):
        r = Raw(server, proto).send(noise.replace(b"\n", b"") + b"\r\n" + alive)
        line = r.until(want)
        check(f"{proto}: a line of every byte is refused, the session lives on", line.startswith(want), line)
        r.close()
        r = Raw(server, proto)
        try:
            r.send(noise_of(200000))
        except OSError:                                       # it may hang up on that
            pass
        r.close()
    serves(server, "garbage")


def endless_lines(server):
    before = rss_mb(server)
    for proto, alive, want in (("smtp", b"NOOP\r\n", b"250"), ("pop3", b"CAPA\r\n", b"+OK"), ("imap", b"z9 NOOP\r\n", b"z9 OK")):
        r = Raw(server, proto).send(b"a1 " + b"x" * (1 << 20) + b"\r\n" + alive)
        line = r.until(want)
        check(f"{proto}: a line of 1 MB gets an error, the session lives on", line.startswith(want), line)
        r.close()
    running = [Raw(server, p) for p in ("smtp", "pop3", "imap") for _ in range(4)]
    for _ in range(32):
        for r in running:
            try:
                r.send(b"y" * (1 << 18))
            except OSError:
                pass
    check("lines without an end cost no memory", rss_mb(server) - before < (400 if SANITIZED else 64), f"{before:.0f} -> {rss_mb(server):.0f} MB")
    for r in running:
        r.close()
    serves(server, "endless lines")


def login(server, user="alice"):
    r = Raw(server, "imap")
    from common import USERS
    r.send(f"l1 LOGIN {address(user)} \"{USERS[user]}\"\r\n".encode())
    assert r.until(b"l1").startswith(b"l1 OK")
    return r


def huge_literals(server):
    before = rss_mb(server)
    r = Raw(server, "imap").send(b"a1 LOGIN {10737418240}\r\n")
    line = r.line()
    check("a synchronising literal of 10 GB is refused before it comes", line.startswith((b"a1 NO", b"a1 BAD")), line)
    check("and the session lives on", r.send(b"a2 NOOP\r\n").until(b"a2").startswith(b"a2 OK"))
    r.close()
    r = login(server)
    line = r.send(b"a3 APPEND INBOX {10737418240}\r\n").line()
    check("APPEND of 10 GB is refused", line.startswith((b"a3 NO", b"a3 BAD")), line)
    r.send(b"a4 APPEND INBOX {10737418240+}\r\n")
    try:
        for _ in range(256):
            r.send(b"z" * (1 << 20))
    except OSError:
        pass
    check("a non-synchronising one costs no memory", rss_mb(server) - before < (400 if SANITIZED else 64), f"{before:.0f} -> {rss_mb(server):.0f} MB")
    r.close()
    many = [login(server) for _ in range(8)]
    for r in many:
        r.send(b"b1 SEARCH " + b"OR ALL " * 20000 + b"ALL ALL\r\n")
        r.send(b"b2 SEARCH " + b"(" * 5000 + b"ALL" + b")" * 5000 + b"\r\n")
        r.send(b"b3 FETCH 1:* (" + b"BODY.PEEK[1] " * 3000 + b"FLAGS)\r\n" + b"b4 NOOP\r\n")
    check("searches and fetches of death end in an answer", all(r.until(b"b4").startswith(b"b4 OK") for r in many))
    for r in many:
        r.close()
    serves(server, "huge literals")


def over(sockets):
    """Those that the server has ended."""
    watch = select.poll()
    for s in sockets:
        watch.register(s, select.POLLIN | select.POLLRDHUP)
    return watch.poll(0)


def half_open_tls(server):
    """Handshakes that stop at every stage hold no thread."""
    held = []
    for _ in range(200):
        for proto in ("imaps", "pop3s", "submissions"):
            s = server.connect(proto)
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[: 1 + len(held) % 11])
            held.append(s)
    c = TLS.wrap_socket(server.connect("imaps"))
    greeting = c.recv(100)
    check("600 half handshakes do not delay a whole one", greeting.startswith(b"* OK") and not over(held[300:]), len(over(held)))
    c.close()
    for s in held:
        s.close()
    r = Raw(server, "smtp").send(b"EHLO a.example\r\nSTARTTLS\r\nMAIL FROM:<evil@example.net>\r\n")
    r.until(b"220 2.0.0")
    tls = TLS.wrap_socket(r.s)
    tls.sendall(b"EHLO b.example\r\nRCPT TO:<alice@example.org>\r\n")
    text = b""
    tls.settimeout(PATIENCE)
    while b"503" not in text and b"250 2" not in text:
        more = tls.recv(4096)
        if not more:
            break
        text += more
    check("what was sent before the handshake is forgotten (no STARTTLS injection)", b"503" in text, text[-200:])
    tls.close()
    serves(server, "half-open TLS")


def crowd(server):
    """Thousands of idle connections, and a crowd that asks but does not read."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = min(IDLE, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, want + 200), hard))
    before = rss_mb(server)
    held = []
    for i in range(want):
        s = socket.create_connection(("127.0.0.1", server.port[("imap", "pop3", "smtp")[i % 3]]), PATIENCE)
        held.append(s)
    for s in held[:3] + held[-3:]:
        s.settimeout(PATIENCE)
        s.recv(100)
    grown = rss_mb(server) - before
    check(f"{want} idle connections cost {grown * 1024 / want:.2f} KB each", grown * 1024 / want < (200 if SANITIZED else 8), f"{grown:.0f} MB")
    serves(server, f"{want} idle connections")
    for s in held:
        s.close()
    deaf = []
    for _ in range(20):
        r = login(server)
        r.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        r.send(b"s1 SELECT INBOX\r\n")
        try:
            r.s.settimeout(2)
            for i in range(200):
                r.send(b"f%d FETCH 1:* (BODY.PEEK[])\r\n" % i)
        except OSError:
            pass
        deaf.append(r)
    check("20 clients that ask 200 times and do not read: memory stays bounded", rss_mb(server) - before < (900 if SANITIZED else 150),
          f"{before:.0f} -> {rss_mb(server):.0f} MB")
    serves(server, "deaf clients")
    for r in deaf:
        r.close()


def syn(server):
    """Connections that come and go as fast as they can."""
    def storm():
        for _ in range(500):
            try:
                server.connect("smtp").close()
            except (OSError, Failed):
                pass
    threads = [threading.Thread(target=storm) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    serves(server, "4,000 connections in a storm")


def full_disk(template):
    """The data directory on a small file system of its own: 4xx and NO, nothing lost, service returns with the space."""
    where = template.root / "small"
    where.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(where)], capture_output=True).returncode:
        skip("full disk", "cannot mount a tmpfs here")
        return
    keep = template.root
    try:
        template.root = where
        server = Server(template, None)
        try:
            fill_and_free(server, where)
        finally:
            server.remove()
    finally:
        template.root = keep
        subprocess.run(["umount", "-l", str(where)], capture_output=True)


def fill_and_free(server, where):
    sent, codes = [], set()
    ballast = where / "ballast"
    with smtp(server) as c:
        for i in range(2000):
            body = f"Subject: disk-{i}\r\nX-Id: {i}\r\n\r\n".encode() + b"d" * 70 + b"\r\n" + (b"e" * 76 + b"\r\n") * 1200
            if i == 50:
                free = os.statvfs(where)
                with open(ballast, "wb") as f:
                    f.write(b"\0" * max(0, free.f_bavail * free.f_frsize - (4 << 20)))
            try:
                c.sendmail("x@example.net", [address("alice")], body)
                sent.append(i)
            except Exception as e:                            # noqa: BLE001
                codes.add(getattr(e, "smtp_code", 0))
                if len(codes) and i > 100 and i - sent[-1] > 5:
                    break
                if not hasattr(e, "smtp_code"):
                    break
    check("a full disk answers 4xx", codes and all(400 <= k < 500 for k in codes), codes)
    c = imap(server)
    typ, data = c.append("INBOX", None, None, b"Subject: x\r\n\r\n" + b"x" * (1 << 20) + b"\r\n")
    check("and APPEND gets NO", typ == "NO", (typ, data))
    check("reading goes on", c.select("INBOX")[0] == "OK")
    c.logout()
    ballast.unlink(missing_ok=True)
    with smtp(server) as m:
        m.sendmail("x@example.net", [address("alice")], b"Subject: disk-again\r\nX-Id: again\r\n\r\nx\r\n")
    for name in ("as it runs", "after a restart"):
        c = imap(server)
        n = int(c.select("INBOX")[1][0])
        got = [d[1].split(b":")[1].strip() for d in c.fetch("1:*", "BODY.PEEK[HEADER.FIELDS (X-ID)]")[1] if isinstance(d, tuple)]
        check(f"with space again all {len(sent)} acknowledged are there once, {name}", got == [b"%d" % i for i in sent] + [b"again"], (n, len(sent)))
        c.logout()
        if name == "as it runs":
            server.kill()
            server.start()
    check("troika check finds nothing wrong", server.template.cli("check", "-d", server.data) is not None)


def main():
    template = Template(binary())
    server = Server(template, ["auth { allow_plain_without_tls = true }", 'limits { connections_per_user = 1000 }', 'smtp { errors = 100000 }'])
    try:
        for name, fn in (("garbage", garbage), ("endless lines", endless_lines), ("huge literals", huge_literals), ("half-open TLS", half_open_tls),
                         ("a storm of connections", syn), ("a crowd", crowd)):
            start = time.monotonic()
            attempt(name, fn, server)
            print(f"     {name}: {time.monotonic() - start:.1f} s, {rss_mb(server):.0f} MB")
        check("SIGTERM ends it with 0", server.stop() is None)
        check("no sanitizer report in the log", "Sanitizer" not in server.log.read_text(errors="replace"), server.log_tail())
        attempt("full disk", full_disk, template)
    finally:
        server.remove()
        template.remove()
    finish()


main()
