#!/usr/bin/env python3
"""Who is here is not told by the time that a refusal takes: for each mechanism the shortest times of an unknown, a disabled, a shared and a known user (without and with an app
password) are compared: other work on the machine makes a time longer, never shorter. A missing hash would be a difference of the whole; the bound is three quarters of it, or 12 ms
where nothing is hashed. The users take turns, so that a busy machine slows all of them; what does not fit is measured on, thirty times at most, and the shortest of all counts.
Usage: login_time.py PATH/TO/troika"""
import base64
import hashlib
import hmac
import os
import socket
import time

from common import PATIENCE, USERS, Server, Template, address, attempt, binary, check, finish

KNOWN, DISABLED, SHARED = address("alice"), address("bob"), address("shared")
NAMES = {"known": KNOWN, "with an app password": address("carol"), "disabled": DISABLED, "shared": SHARED, "unknown": address("nobody"), "elsewhere": "nobody@elsewhere.example"}
ROUNDS, TRIES = {"password": 5, "proof": 21}, 30


class Talk:
    def __init__(self, server, proto):
        self.s = server.connect(proto)
        self.f = self.s.makefile("rb")
        self.banner = self.f.readline()

    def ask(self, line, last):
        """Milliseconds until the line that begins with last."""
        begin = time.perf_counter()
        self.s.sendall(line.encode() + b"\r\n")
        while True:
            got = self.f.readline()
            if not got:
                raise ConnectionError
            if got.startswith(last):
                return (time.perf_counter() - begin) * 1000, got

    def close(self):
        self.f.close()
        self.s.close()


def fresh(like_app):
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    if like_app:
        return "-".join("".join(letters[b % 31] for b in os.urandom(4)) for _ in range(5))
    return "wrong " + os.urandom(6).hex()


def b64(text):
    return base64.b64encode(text.encode()).decode()


def imap_login(t, name, like_app=False):
    return t.ask(f'a LOGIN {name} "{fresh(like_app)}"', b"a ")[0]


def imap_login_app(t, name):
    return imap_login(t, name, True)


def imap_plain(t, name):
    return t.ask("a AUTHENTICATE PLAIN " + b64(f"\0{name}\0{fresh(False)}"), b"a ")[0]


def imap_scram(t, name):
    first = f"n={name},r=abcdefghijkl"
    spent, got = t.ask("a AUTHENTICATE SCRAM-SHA-256 " + b64("n,," + first), b"+ ")
    nonce = dict(p.split("=", 1) for p in base64.b64decode(got[2:]).decode().split(","))["r"]
    return spent + t.ask(b64(f"c=biws,r={nonce},p=" + base64.b64encode(os.urandom(32)).decode()), b"a ")[0]


def pop3_pass(t, name):
    t.ask(f"USER {name}", b"+OK")
    return t.ask(f"PASS {fresh(False)}", b"-ERR")[0]


def pop3_apop(t, name):
    return t.ask(f"APOP {name} {hashlib.md5(os.urandom(8)).hexdigest()}", b"-ERR")[0]


def smtp_login(t, name):
    t.ask("AUTH LOGIN", b"334")
    spent = t.ask(b64(name), b"334")[0]
    return spent + t.ask(b64(fresh(False)), b"535")[0]


def smtp_cram(t, name):
    t.ask("AUTH CRAM-MD5", b"334")
    return t.ask(b64(f"{name} {hmac.new(os.urandom(8), b'x', 'md5').hexdigest()}"), b"535")[0]


WAYS = [("IMAP LOGIN", "imap", imap_login, "password", 3), ("IMAP LOGIN with what looks like an app password", "imap", imap_login_app, "password", 3),
        ("IMAP PLAIN", "imap", imap_plain, "password", 3), ("POP3 PASS", "pop3", pop3_pass, "password", 99), ("submission LOGIN", "submission", smtp_login, "password", 99),
        ("SCRAM-SHA-256", "imap", imap_scram, "proof", 3), ("APOP", "pop3", pop3_apop, "proof", 99), ("CRAM-MD5", "submission", smtp_cram, "proof", 99)]


def measure(server, way, rounds, least):
    _, proto, ask, _, per_talk = way
    for _ in range(rounds):
        for who, name in NAMES.items():
            t = Talk(server, proto)
            if proto == "submission":
                t.ask("EHLO x.example", b"250 ")
            ask(t, name)                     # the first one warms what is cached
            least[who] = min(least[who], ask(t, name))
            t.close()


def equal(server, way):
    title, kind = way[0], way[3]
    shortest = {who: float("inf") for who in NAMES}
    for tries in range(TRIES):
        measure(server, way, ROUNDS[kind], shortest)
        least, most = min(shortest.values()), max(shortest.values())
        # a hash that is left out is all of the time but some tenths of a millisecond: a busy machine makes no such difference
        bound = most * 3 / 4 if kind == "password" else 12
        if most - least <= bound:
            break
    told = ", ".join(f"{who} {ms:.2f} ms" for who, ms in shortest.items())
    check(f"{title}: {told}", most - least <= bound, f"bound {bound:.1f} ms, after {tries + 1} tries")


def main():
    template = Template(binary())
    try:
        server = Server(template, ["auth { allow_plain_without_tls = true fail_limit = 1000000 account_limit = 1000000 }", "smtp { errors = 100000 }"])
        try:
            server.cli(["user", "passwd", KNOWN, "--secret-file", "-"], "tanstaaftanstaaf\n")
            server.cli(["app-password", "add", address("carol"), "phone"], "")
            server.cli(["user", "disable", DISABLED], "")
            server.cli(["user", "add", SHARED, "--shared"], "")
            for way in WAYS:
                attempt(way[0], equal, server, way)
        finally:
            server.stop()
    finally:
        template.remove()
    finish()


if __name__ == "__main__":
    assert USERS
    socket.setdefaulttimeout(PATIENCE)
    main()
