"""What the end-to-end scripts share: a server to play with, checks that count, clients of Python's own."""
import imaplib
import poplib
import smtplib
import ssl
import sys
import tempfile
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
