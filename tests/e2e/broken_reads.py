#!/usr/bin/env python3
"""A body whose end goes away while it is being sent, as when a disk fails: the answer is broken off, never ended as if it were whole, and the server goes on.
Usage: broken_reads.py PATH/TO/troika"""
import os
import re
import socket
import ssl

from common import PATIENCE, TLS, USERS, Server, Template, address, attempt, binary, check, finish, imap, until

SIZE = 24 << 20
LINE = b"0123456789abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopq\r\n"


def read_line(s):
    line = b""
    while not line.endswith(b"\n"):
        c = s.recv(1)
        if not c:
            break
        line += c
    return line


def talk(s, line, until):
    s.sendall(line)
    while True:
        got = read_line(s)
        if not got or re.match(until, got):
            return got


def drain(s):
    """All that still comes, and whether it ended by a goodbye of TLS."""
    parts = []
    try:
        while True:
            part = s.recv(1 << 20)
            if not part:
                return b"".join(parts)
            parts.append(part)
    except (ssl.SSLError, OSError):
        return b"".join(parts)


def login(server, proto, tls):
    s = socket.create_connection(("127.0.0.1", server.port[proto + ("s" if tls else "")]), PATIENCE)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    if tls:
        s = TLS.wrap_socket(s, suppress_ragged_eofs=False)
    read_line(s)
    if proto == "imap":
        talk(s, f'a login {address("alice")} "{USERS["alice"]}"\r\n'.encode(), rb"a OK")
        talk(s, b"b select INBOX\r\n", rb"b OK")
    else:
        talk(s, f'user {address("alice")}\r\n'.encode(), rb"\+OK")
        talk(s, f'pass {USERS["alice"]}\r\n'.encode(), rb"\+OK")
    return s


def segment_of(server):
    """The file that holds the large message: large ones have one of their own."""
    return max((server.data / "store/blobs").glob("*.seg"), key=lambda p: p.stat().st_size)


def broken(server, proto, tls, command, end):
    path = segment_of(server)
    whole = path.read_bytes()
    s = login(server, proto, tls)
    s.sendall(command)
    begun = b""
    while len(begun) < 100000 and (part := s.recv(65536)):
        begun += part
    check("it has begun", len(begun) >= 100000, begun[-200:])
    os.truncate(path, 4096 * 64)
    try:
        rest = drain(s)
    finally:
        s.close()
        path.write_bytes(whole)
    what = f"{proto}{'s' if tls else ''} {command.split()[0 if proto == 'pop3' else 1].decode()}"
    got = begun + rest
    check(f"{what}: the answer is not ended as if it were whole", not got.endswith(end), got[-60:])


def main():
    template = Template(binary())
    server = Server(template, None)
    try:
        c = imap(server)
        text = b"Subject: large\r\n\r\n" + LINE * (SIZE // len(LINE))
        c.append("INBOX", None, None, text)
        c.append("INBOX", None, None, b"Subject: small\r\n\r\nhello\r\n")
        c.logout()
        for tls in (True, False):
            attempt(f"RETR, TLS {tls}", broken, server, "pop3", tls, b"retr 1\r\n", b"\r\n.\r\n")
            attempt(f"FETCH, TLS {tls}", broken, server, "imap", tls, b"c fetch 1 BODY.PEEK[]\r\n", b")\r\nc OK FETCH completed\r\n")
        check("the log tells of both under TLS", until(lambda: server.told().count("body.lost") >= 2), server.log_tail())
        c = imap(server)
        c.select("INBOX")
        check("the server goes on", c.fetch("2", "(BODY.PEEK[TEXT])")[1][0][1] == b"hello\r\n")
        check("and gives the whole again when the disk does", c.fetch("1", "(BODY.PEEK[])")[1][0][1].endswith(LINE))
        c.logout()
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()
    finish()


main()
