"""What the end-to-end scripts share: a server to play with, checks that count, clients of Python's own."""
import calendar
import imaplib
import poplib
import re
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "wire"))
from server import DOMAIN, PATIENCE, USERS, Failed, Server, Template, free_ports, until  # noqa: E402,F401

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT.parent / "shared" / "data"
TLS = ssl._create_unverified_context()
passed = failed = skipped = 0


def check(name, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(("ok   " if ok else "FAIL ") + name + (f"   [{str(detail)[:600]}]" if detail and not ok else ""), flush=True)
    return ok


def skip(name, why):
    global skipped
    skipped += 1
    print(f"skip {name}: {why}", flush=True)


def attempt(name, fn, *args):
    """One scenario: an exception is one failure, and the others still run."""
    try:
        fn(*args)
    except Exception as e:                                    # noqa: BLE001
        check(name, False, f"{type(e).__name__}: {e}")


def metrics_text(server):
    """What the server tells of itself on its socket, with the head of the answer."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE)
    s.connect(str(server.data / "run" / "troika.sock"))
    s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = b"".join(iter(lambda: s.recv(65536), b""))
    s.close()
    return text


def flip(directory, bytes_before):
    """A bit of the octet behind them, in the newest copy of the record and in older ones."""
    path = directory / "store/index/data.mdb"
    data = bytearray(path.read_bytes())
    at = data.find(bytes_before)
    check("the record is there", at >= 0)
    while at >= 0:
        data[at + len(bytes_before)] ^= 4
        at = data.find(bytes_before, at + 1)
    path.write_bytes(data)


def finish():
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)


def binary():
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} PATH/TO/troika")
    return sys.argv[1]


def address(user):
    return f"{user}@{DOMAIN}"


def smtp(server):
    return smtplib.SMTP("127.0.0.1", server.port["smtp"], local_hostname="client.example.net", timeout=PATIENCE)


def imap(server, user="alice"):
    c = imaplib.IMAP4("127.0.0.1", server.port["imap"], timeout=PATIENCE)
    c.starttls(TLS)
    c.login(address(user), USERS[user])
    return c


def pop3(server, user="alice"):
    c = poplib.POP3("127.0.0.1", server.port["pop3"], timeout=PATIENCE)
    c.stls(TLS)
    c.user(address(user))
    c.pass_(USERS[user])
    return c


def scratch():
    return Path(tempfile.mkdtemp(prefix="troika-e2e-"))


def count(server, user="alice", mailbox="INBOX"):
    c = imap(server, user)
    typ, data = c.select(mailbox, readonly=True)
    n = int(data[0]) if typ == "OK" else -1
    c.logout()
    return n


# ---- imports ----

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def run_import(data, *args, user="bob", timeout=300, stdin=None):
    r = subprocess.run([binary(), "import", "-d", str(data), "--user", address(user), *map(str, args)], capture_output=True, timeout=timeout,
                       input=stdin)
    return r.returncode, r.stdout.decode(errors="replace") + r.stderr.decode(errors="replace")


def number(text, what):
    m = re.search(r"(\d+) " + what, text)
    return int(m.group(1)) if m else 0


def message(i, size=0):
    body = f"line {i}\r\n..dots\r\n.\r\nFrom nobody\r\n" + "x" * 70 + "\r\n"
    return (f"From: a{i}@example.net\r\nTo: b@example.org\r\nDate: Mon, 6 Jul 2020 12:00:{i % 60:02d} +0000\r\n"
            f"Subject: message {i}\r\nMessage-ID: <{i}@example.net>\r\n\r\n{body}" + "y" * size).encode() + (b"\r\n" if size else b"")


def contents(c, folder, body=True):
    """What a client sees: sorted list of (date, flags, octets)."""
    typ, data = c.select(f'"{folder}"', readonly=True)
    if typ != "OK":
        return None
    if int(data[0]) == 0:
        return []
    typ, data = c.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
    found = []
    for k, part in enumerate(data):
        if not isinstance(part, tuple):
            continue
        text = part[0] + (data[k + 1] if k + 1 < len(data) and isinstance(data[k + 1], bytes) else b"")
        flags = re.search(rb"FLAGS \(([^)]*)\)", text).group(1).split()
        flags = sorted(f for f in flags if f != b"\\Recent")
        found.append((re.search(rb'INTERNALDATE "([^"]*)"', text).group(1), flags, part[1] if body else len(part[1])))
    return sorted(found, key=lambda x: (x[2], x[0]))


def same_instant(a, b):
    """Two lists of contents, with dates compared as instants."""
    def norm(x):
        out = []
        for date, flags, octets in x:
            d, mon, rest = date.decode().strip().split("-", 2)
            year, clock, zone = rest.split()
            h, m, s = map(int, clock.split(":"))
            t = calendar.timegm((int(year), MONTHS.index(mon) + 1, int(d), h, m, s))
            off = int(zone[1:3]) * 3600 + int(zone[3:]) * 60
            out.append((t - (off if zone[0] == "+" else -off), [f.lower() for f in flags], octets))
        return sorted(out, key=lambda x: (x[2], x[0]))
    return a is not None and b is not None and norm(a) == norm(b)


class Listener(threading.Thread):
    """Somebody on loopback whom Troika calls. Each connection is `serve(socket)` in a thread of its own and closed when that ends, also by an error of the network."""

    def __init__(self):
        super().__init__(daemon=True)
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.quietly, args=(s,), daemon=True).start()

    def quietly(self, s):
        try:
            self.serve(s)
        except (OSError, ValueError):
            pass
        finally:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def serve(self, s):
        raise NotImplementedError

    def stop(self):
        self.listener.close()
