"""What the attacks share: a server whose memory is watched while it is attacked, and friends who must be served meanwhile."""
import contextlib
import imaplib
import re
import socket
import sys
import threading
import time
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from common import PATIENCE, TLS, USERS, Failed, Server, Template, address, attempt, binary, check, count, finish, imap, pop3, skip, smtp  # noqa: E402,F401

CEILING_MB = 256                       # of the whole server, whatever is done to it; connection_memory is 128 MB of that
CONFIG = ["auth { allow_plain_without_tls = true }", "limits { connection_memory = 128M connections = 60000 connections_per_user = 1000 }"]
peaks = {}


def rss_mb(server):
    return int(re.search(r"RssAnon:\s+(\d+)", open(f"/proc/{server.proc.pid}/status").read()).group(1)) / 1024


def friend(server, tls=False):
    """How long a friend waits for mail to be taken and read, in seconds; with tls: and for a login over TLS from the first octet on."""
    begin = time.monotonic()
    with smtp(server) as c:
        c.sendmail("friend@example.net", [address("carol")], b"Subject: still here\r\n\r\nx\r\n")
    c = imap(server, "carol")
    c.select("INBOX")
    c.fetch("*", "(ENVELOPE)")
    c.logout()
    if tls:
        c = imaplib.IMAP4_SSL("127.0.0.1", server.port["imaps"], ssl_context=TLS, timeout=PATIENCE)
        c.login(address("carol"), USERS["carol"])
        c.logout()
    return time.monotonic() - begin


@contextlib.contextmanager
def siege(server, name, ceiling=CEILING_MB, friends=True, tls=False):
    """During the block memory is looked at often and a friend comes now and then; afterwards both must have been well."""
    over = threading.Event()
    peak, waits, refused = [rss_mb(server)], [], []

    def watch():
        while not over.wait(0.02):
            with contextlib.suppress(OSError, AttributeError):
                peak.append(rss_mb(server))

    def visit():
        while not waits or not over.wait(0.3):
            try:
                waits.append(friend(server, tls))
            except Exception as e:                              # noqa: BLE001
                refused.append(f"{type(e).__name__}: {e}")
                if over.is_set():
                    return
    threads = [threading.Thread(target=watch), threading.Thread(target=visit)]
    for t in threads:
        t.start()
    try:
        yield
    finally:
        over.set()
        for t in threads:
            t.join()
    peaks[name] = max(peak)
    check(f"{name}: the server lives", server.proc.poll() is None, server.log_tail())
    check(f"{name}: memory stays under {ceiling} MB (peak {max(peak):.0f})", max(peak) < ceiling, f"{peak[0]:.0f} -> {max(peak):.0f} MB")
    if friends:
        check(f"{name}: friends are served meanwhile (slowest of {len(waits)}: {max(waits, default=0):.2f} s)", waits and not refused, refused[:2])
    check(f"{name}: and afterwards (in {friend(server):.2f} s)", True)


class Raw:
    """A connection that sends what it likes."""

    def __init__(self, server, proto, source=None, small=False, port=None):
        s = socket.socket()
        if small:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        if source:
            s.bind((source, 0))
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", port or server.port[proto]))
        self.s = s
        self.file = s.makefile("rb")

    def line(self):
        return self.file.readline()

    def send(self, data):
        self.s.sendall(data)
        return self

    def push(self, data, seconds=2):
        """As much of it as the server takes within so long; how much."""
        sent, end, view = 0, time.monotonic() + seconds, memoryview(data)
        self.s.setblocking(False)
        while sent < len(data) and time.monotonic() < end:
            try:
                sent += self.s.send(view[sent:sent + 65536])
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                break
        self.s.settimeout(PATIENCE)
        return sent

    def until(self, start):
        while True:
            try:
                line = self.line()
            except OSError:
                return b""
            if not line or line.startswith(start):
                return line

    def login(self, user="alice"):
        self.send(f'l LOGIN {address(user)} "{USERS[user]}"\r\n'.encode())
        assert self.until(b"l ").startswith(b"l OK")
        return self

    def close(self):
        self.file.close()
        self.s.close()


def deflated(data):
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    return z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH)
