#!/usr/bin/env python3
"""Passwords leave nothing behind: after every way to log in, right and wrong, whole and broken off, with the log at debug, they are looked for in the log, the audit
trail, the data directory and the memory of the idle server. A clear secret (APOP, CRAM-MD5) is in the store because it must be; in memory nowhere else.
Usage: secrets.py PATH/TO/troika"""
import base64
import hashlib
import hmac
import imaplib
import json
import os
import poplib
import re
import smtplib
import socket
import ssl
import struct
import time
from pathlib import Path

from common import PATIENCE, TLS, Server, Template, address, attempt, binary, check, finish, skip, until

SANITIZED = any(mark in Path(binary()).read_bytes() for mark in (b"__asan_init", b"__tsan_init"))
ME = address("mallory")
WORD = "Zq9-plain-Xyzzy"              # begins every password here
needles = {}


def password(what):
    """A new one, remembered with all its forms on the wire."""
    p = f"{WORD}-{what}-{os.urandom(4).hex()}"
    remember(what, p)
    return p


def remember(what, p):
    forms = {p.encode()}
    raw = p.encode()
    for shift in range(3):            # base64 at each alignment, without the edges that depend on the neighbours
        coded = base64.b64encode(b"\0" * shift + raw)
        forms.add(coded[4 if shift else 0:-4])
    needles[what] = forms


class Line:
    """A socket that speaks lines, in the clear or under TLS."""

    def __init__(self, server, proto, tls=False):
        self.s = server.connect(proto)
        if tls:
            self.s = TLS.wrap_socket(self.s)
        self.f = self.s.makefile("rb")

    def send(self, data, pieces=False):
        if isinstance(data, str):
            data = data.encode()
        for i in range(0, len(data), 3 if pieces else len(data) or 1):
            self.s.sendall(data[i:i + 3] if pieces else data)
            if pieces:
                time.sleep(0.005)

    def read(self):
        return self.f.readline()

    def until(self, tag):
        while True:
            line = self.read()
            if not line or line.startswith(tag):
                return line

    def close(self):
        self.f.close()
        self.s.close()


def ways_imap(server, good):
    bad = password
    for tls in (False, True):
        proto = "imaps" if tls else "imap"
        c = Line(server, proto, tls)
        c.read()
        c.send(f'a LOGIN {ME} {bad("imap-wrong")}\r\n')
        check("a wrong one is refused", c.until(b"a ").startswith(b"a NO"))
        c.send(f'b LOGIN {ME} "{bad("quoted")[:-1]}\\"x"\r\n', pieces=True)
        c.until(b"b ")
        p = bad("literal")
        c.send(f"c LOGIN {{{len(ME)}}}\r\n")
        c.read()
        c.send(f"{ME} {{{len(p)}}}\r\n")
        c.read()
        c.send(f"{p}\r\n")
        c.until(b"c ")
        p = bad("literal-minus")
        c.send(f"d LOGIN {ME} {{{len(p)}+}}\r\n{p}\r\n")
        c.until(b"d ")
        c.send(f'e LOGIN {ME} {bad("too-many")} words\r\n')
        c.until(b"e ")
        c.send(f'f LOGIN {ME} {bad("long")}{"x" * 20000}\r\n')
        c.until(b"f ")
        c.send(base64.b64encode(b"x"))                      # an unfinished line
        c.close()
        c = Line(server, proto, tls)
        c.read()
        c.send("a AUTHENTICATE PLAIN " + base64.b64encode(f"\0{ME}\0{bad('plain-initial')}".encode()).decode() + "\r\n")
        c.until(b"a ")
        c.send("b AUTHENTICATE PLAIN\r\n")
        c.read()
        c.send(base64.b64encode(f"\0{ME}\0{bad('plain')}".encode()) + b"\r\n", pieces=True)
        c.until(b"b ")
        c.send("c AUTHENTICATE LOGIN\r\n")
        c.read()
        c.send(base64.b64encode(ME.encode()) + b"\r\n")
        c.read()
        c.send(base64.b64encode(bad("login").encode()) + b"\r\n")
        c.until(b"c ")
        p = bad("half-literal")
        c.send(f"d LOGIN {ME} {{{len(p) + 10}+}}\r\n{p}")
        c.close()
        c = Line(server, proto, tls)
        c.read()
        c.send(f"a LOGIN {ME} {bad('half-line')}")
        time.sleep(0.05)
        c.close()
        c = Line(server, proto, tls)
        c.read()
        c.send(f"a LOGIN {ME} {good}\r\nb SELECT INBOX\r\nc NOOP\r\n")
        check("the right one lets in", c.until(b"a ").startswith(b"a OK"))
        c.until(b"c ")
        c.send("d LOGOUT\r\n")
        c.until(b"d ")
        c.close()


def ways_pop3(server, good, secret):
    c = Line(server, "pop3")
    banner = c.read()
    c.send(f"USER {ME}\r\nPASS {password('pop3-wrong')}\r\n", pieces=True)
    c.read(), c.read()
    c.send("AUTH PLAIN " + base64.b64encode(f"\0{ME}\0{password('pop3-plain')}".encode()).decode() + "\r\n")
    c.read()
    c.send(f"USER {ME}\r\nPASS {good}\r\nSTAT\r\nQUIT\r\n")
    check("POP3 lets in", c.read().startswith(b"+OK") and c.read().startswith(b"+OK"))
    c.close()
    c = Line(server, "pop3")
    stamp = re.search(rb"<.*>", c.read())
    check("APOP is offered", bool(stamp), banner)
    c.send(f"APOP {ME} {hashlib.md5(stamp.group() + secret.encode()).hexdigest()}\r\nQUIT\r\n")
    check("APOP lets in", c.read().startswith(b"+OK"))
    c.close()


def ways_smtp(server, good, secret, app):
    c = Line(server, "submission")
    c.read()
    c.send("EHLO x.example\r\n")
    c.until(b"250 ")
    c.send("AUTH PLAIN " + base64.b64encode(f"\0{ME}\0{password('smtp-plain')}".encode()).decode() + "\r\n")
    c.read()
    c.send("AUTH LOGIN\r\n")
    c.read()
    c.send(base64.b64encode(ME.encode()) + b"\r\n")
    c.read()
    c.send(base64.b64encode(password("smtp-login").encode()) + b"\r\n")
    c.read()
    c.send(f"AUTH {password('smtp-mechanism')}\r\n")
    c.read()
    c.send(f"{password('smtp-verb')} x\r\n")
    c.read()
    c.send("AUTH CRAM-MD5\r\n")
    challenge = base64.b64decode(c.read()[4:])
    c.send(base64.b64encode(f"{ME} {hmac.new(secret.encode(), challenge, 'md5').hexdigest()}".encode()) + b"\r\n")
    check("CRAM-MD5 lets in", c.read().startswith(b"235"))
    c.close()
    for p in (good, app):
        s = smtplib.SMTP("127.0.0.1", server.port["submission"], timeout=PATIENCE)
        s.starttls(context=TLS)
        s.login(ME, p)
        s.sendmail(ME, [ME], "Subject: x\r\n\r\ntext\r\n")
        s.quit()


def ways_library(server, good):
    c = imaplib.IMAP4("127.0.0.1", server.port["imap"], timeout=PATIENCE)
    c.starttls(TLS)
    c.authenticate("PLAIN", lambda _: f"\0{ME}\0{good}".encode())
    c.logout()
    c = poplib.POP3_SSL("127.0.0.1", server.port["pop3s"], timeout=PATIENCE, context=TLS)
    c.user(ME)
    c.pass_(good)
    c.quit()


def tokens(server):
    c = Line(server, "imap")
    c.read()
    p = password("token")
    c.send("a AUTHENTICATE OAUTHBEARER " + base64.b64encode(f"n,,\1auth=Bearer {p}\1\1".encode()).decode() + "\r\n")
    c.read()
    c.close()


def memory(pid):
    """(where, bytes) of all that the process can write to."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights, _, _, _, *name = line.split(None, 5)
            if "r" not in rights or (name and name[0].startswith(("[v", "/dev"))):
                continue
            begin, end = (int(x, 16) for x in span.split("-"))
            if name and "w" not in rights and not name[0].strip().endswith((".mdb", ".seg")):
                continue
            yield_name = name[0].strip() if name else "anonymous"
            for at in range(begin, end, 1 << 24):
                try:
                    mem.seek(at)
                    yield f"{yield_name} {span} {rights}", mem.read(min(1 << 24, end - at))
                except OSError:
                    continue


def is_page(head):
    """The head of a page of LMDB: branch or leaf, with its bounds in order."""
    flags, lower, upper = struct.unpack_from("<HHH", head, 10)
    return flags in (1, 2) and 16 <= lower <= upper <= 4096


def in_memory(server):
    """Secrets that are where they must not be: what -> [(where, what is around)]"""
    found = {}
    for where, block in memory(server.proc.pid) if not SANITIZED else ():
        if WORD.encode() not in block and base64.b64encode(WORD.encode())[:12] not in block and not any(n in block for forms in needles.values() for n in forms):
            continue
        for what, forms in needles.items():
            for n in (n for n in forms if n in block):
                at = block.index(n)
                # the store's own pages hold the clear secret by design: in its map, and where the engine prepares them
                if what == "secret" and (".mdb" in where or is_page(block[at & ~4095:(at & ~4095) + 16])):
                    continue
                found.setdefault(what, []).append((where, block[max(0, at - 24):at + 48]))
    return found


def looked_for(server, secret):
    until(lambda: not in_memory(server))       # what a session leaves to others is done soon after it
    found = in_memory(server)
    if SANITIZED:
        skip("the memory", "a sanitizer's shadow has no end")
    for what in needles if not SANITIZED else ():
        check(f"not in memory: {what}", what not in found, found.get(what))
    log = server.log.read_bytes()
    check("the log tells of it all", b"login-failed" in log)
    for what, forms in needles.items():
        check(f"not in the log: {what}", not any(n in log for n in forms) or what in ("smtp-verb",), what)
    hits = []
    for path in server.data.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        for what, forms in needles.items():
            if any(n in data for n in forms) and not (what == "secret" and "store" in path.parts):
                hits.append((what, path.name))
    check("not in any file", not hits, hits)


def at_rest(server):
    """No session is left but the one that asks."""
    return all(s["proto"] == "watch" for s in json.loads(server.cli(["top", "--json"], ""))["sessions"])


def main():
    template = Template(binary())
    try:
        root = os.geteuid() == 0                 # who is not may look into the server only when it allows it
        good, secret = password("good"), password("secret")
        server = Server(template, ["auth { allow_plain_without_tls = true fail_limit = 100000 account_limit = 100000 oauth_keys = \"/nonexistent\" }",
                                   f"sandbox {{ core_dumps = {'false' if root else 'true'} }}", 'log { level = "debug" }'])
        try:
            server.cli(["user", "add", ME, "--password-file", "-"], good + "\n")
            server.cli(["user", "passwd", ME, "--secret-file", "-"], secret + "\n")
            app = server.cli(["app-password", "add", ME, "phone"], "").decode().strip()
            remember("app-password", app)
            if root:
                limits = Path(f"/proc/{server.proc.pid}/limits").read_text()
                check("no core dumps", SANITIZED or re.search(r"Max core file size +0 +0 ", limits), limits)
                check("nobody of its own user looks in", SANITIZED or Path(f"/proc/{server.proc.pid}/mem").stat().st_uid == 0)
            attempt("imap", ways_imap, server, good)
            attempt("pop3", ways_pop3, server, good, secret)
            attempt("smtp", ways_smtp, server, good, secret, app)
            attempt("clients", ways_library, server, good)
            attempt("tokens", tokens, server)
            server.cli(["queue", "list"], "")
            check("it is idle", until(lambda: at_rest(server)), server.cli(["top", "--json"], ""))
            attempt("search", looked_for, server, secret)
        finally:
            server.stop()
    finally:
        template.remove()
    finish()


if __name__ == "__main__":
    socket.setdefaulttimeout(PATIENCE)
    assert ssl.OPENSSL_VERSION
    main()
