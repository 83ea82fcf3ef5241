#!/usr/bin/env python3
"""An attacker who guesses at a user from many addresses is slowed, and cannot lock the user out: whence she has logged in before, she gets in at once, by every protocol,
while the attack goes on. Who guesses from one address is turned away there, and there only. All of 127/8 is this machine.
Usage: brake.py PATH/TO/troika"""
import base64
import itertools
import socket
import threading
import time

from common import PATIENCE, USERS, Server, Template, address, attempt, binary, check, finish

ME = address("alice")
HOME, ELSEWHERE = "127.0.0.9", "127.0.77.1"
numbers = itertools.count()


class From:
    """A client at an address of its own."""

    def __init__(self, server, proto, ip):
        self.s = socket.create_connection(("127.0.0.1", server.port[proto]), PATIENCE, source_address=(ip, 0))
        self.f = self.s.makefile("rb")
        self.f.readline()

    def ask(self, line, *ends):
        self.s.sendall(line.encode() + b"\r\n")
        while True:
            got = self.f.readline()
            if not got or got.startswith(ends):
                return got.decode()

    def close(self):
        self.f.close()
        self.s.close()


def imap(server, ip, password):
    c = From(server, "imap", ip)
    got = c.ask(f'a LOGIN {ME} "{password}"', b"a ")
    c.close()
    return got


def pop3(server, ip, password):
    c = From(server, "pop3", ip)
    c.ask(f"USER {ME}", b"+OK")
    got = c.ask(f"PASS {password}", b"+OK", b"-ERR")
    c.ask("QUIT", b"+OK")
    c.close()
    return got


def submission(server, ip, password):
    c = From(server, "submission", ip)
    c.ask("EHLO x.example", b"250 ")
    got = c.ask("AUTH PLAIN " + base64.b64encode(f"\0{ME}\0{password}".encode()).decode(), b"2", b"4", b"5")
    c.close()
    return got


def wrong():
    return f"guess number {next(numbers)}"


def swarm(server, n, each=2):
    """Guesses from n addresses; what they heard."""
    return [imap(server, f"127.1.{i // 200}.{i % 200 + 1}", wrong()) for i in range(n) for _ in range(each)]


def many_addresses(server):
    check("the owner logs in at home", " OK " in imap(server, HOME, USERS["alice"]))
    heard = swarm(server, 40)
    check("guesses are refused", not any(" OK " in h for h in heard))
    check("and slowed when there were many", sum("UNAVAILABLE" in h for h in heard) > 10, heard[-1])
    time.sleep(1.2)                          # what was verified before is forgotten
    stop, tried = threading.Event(), []

    def hammer():
        while not stop.is_set():
            tried.extend(swarm(server, 5, 1))

    attackers = [threading.Thread(target=hammer) for _ in range(2)]
    for a in attackers:
        a.start()
    try:
        for way in (imap, pop3, submission):
            took = []
            for _ in range(3):
                begin = time.monotonic()
                got = way(server, HOME, USERS["alice"])
                took.append(time.monotonic() - begin)
                check(f"{way.__name__}: the owner gets in at home, under attack", " OK " in got or got[:3] in ("+OK", "235"), got)
                time.sleep(1.1)
            print(f"     {way.__name__}: within {max(took):.2f} s")
        heard = [imap(server, ELSEWHERE, USERS["alice"]) for _ in range(1)]
        check("from a new network even she may have to wait", "UNAVAILABLE" in heard[0] or " OK " in heard[0], heard)
    finally:
        stop.set()
        for a in attackers:
            a.join()
    check("nobody else got in", tried and not any(" OK " in t for t in tried), len(tried))
    check("another user is not touched", " OK " in other(server))


def other(server):
    c = From(server, "imap", "127.0.3.3")
    got = c.ask(f'a LOGIN {address("bob")} "{USERS["bob"]}"', b"a ")
    c.close()
    return got


def one_address(server):
    heard = [imap(server, "127.0.5.5", wrong()) for _ in range(12)]
    check("one address is turned away after a few", "UNAVAILABLE" in heard[-1], heard[-1])
    check("also with the right password", "UNAVAILABLE" in imap(server, "127.0.5.5", USERS["alice"]))
    check("home is not", " OK " in imap(server, HOME, USERS["alice"]))
    repeated = [imap(server, "127.0.6.6", "the old password") for _ in range(30)]
    check("a device with an old password does not shut out its office", "AUTHENTICATIONFAILED" in repeated[-1] and " OK " in imap(server, "127.0.6.6", USERS["alice"]), repeated[-1])


def main():
    template = Template(binary())
    try:
        server = Server(template, ["auth { allow_plain_without_tls = true fail_limit = 10 account_limit = 20 verify_cache = \"1s\" }"])
        try:
            attempt("many addresses", many_addresses, server)
        finally:
            server.stop()
        server = Server(template, ["auth { allow_plain_without_tls = true fail_limit = 10 verify_cache = \"1s\" }"])
        try:
            check("home", " OK " in imap(server, HOME, USERS["alice"]))
            attempt("one address", one_address, server)
        finally:
            server.stop()
    finally:
        template.remove()
    finish()


if __name__ == "__main__":
    main()
