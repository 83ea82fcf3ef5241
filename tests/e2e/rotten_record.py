#!/usr/bin/env python3
"""A bit flips in a record of the directory: nobody is shown another's account, the check names it, the repair sets it aside, and the user is adopted again.
Until then the server starts and serves everybody else.

    tests/e2e/rotten_record.py PATH/TO/troika
"""
import http.client
import imaplib
import json
import poplib
import shutil
import smtplib
import socket
import subprocess
import sys
from pathlib import Path

import common
from common import USERS, Server, Template, address, attempt, check, flip, imap, pop3, smtp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "crash"))
import rot_places                                                     # noqa: E402

WORK = common.scratch()


class SystemRecords(rot_places.Index):
    """Where the values of the system scope lie."""

    def __init__(self, data):
        self.found = []                                               # (key, offset of the value, its size)
        super().__init__(data)

    def tree(self, table_at, kind, row):
        def note(key, value, size, node):
            if key[0] == 1 and size:
                self.found.append((key[9:], value, size))
        super().tree(table_at, kind, note if kind == "kv" else row)


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=common.PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def ask(server, path):
    c = Local(server.data / "run" / "troika.sock")
    c.request("GET", path)
    r = c.getresponse()
    text = r.read().decode()
    c.close()
    return r.status, text


def spoil(data, spared):
    """A bit of every value of the system scope, but for those whose key is spared. Returns their keys."""
    path = data / "store/index/data.mdb"
    index = bytearray(path.read_bytes())
    keys = []
    for key, at, size in SystemRecords(bytes(index)).found:
        if spared(key):
            continue
        index[at + size // 2] ^= 4
        keys.append(key)
    path.write_bytes(index)
    return keys


def said(fn):
    """What the server refused with, or None."""
    try:
        fn()
    except (imaplib.IMAP4.error, poplib.error_proto) as e:
        return str(e)
    except smtplib.SMTPRecipientsRefused as e:
        return " ".join(f"{code} {text.decode()}" for code, text in e.recipients.values())
    return None


def send(server, to):
    with smtp(server) as c:
        c.sendmail("zoe@example.net", [to], b"Subject: for you\r\n\r\nx\r\n")


def is_served(server, user):
    """On every way; what fails."""
    ways = {"imap": lambda: imap(server, user).logout(), "pop3": lambda: pop3(server, user).quit(), "smtp": lambda: send(server, address(user))}
    return {way: text for way, fn in ways.items() if (text := said(fn))}


def rich(template):
    """A store that has records of many rooms."""
    cli = lambda *words, stdin="": template.cli(*words, "-d", template.data, stdin=stdin)     # noqa: E731
    cli("alias", "add", address("sales"), address("alice"), address("bob"))
    cli("group", "add", address("list"))
    cli("group", "join", address("list"), address("bob"))
    cli("acl", "set", address("alice"), "INBOX", address("bob"), "lrs")
    cli("quota", "set", address("alice"), "storage=50M")
    cli("domain", "add", "example.com")


def needed_by_bob(key):
    """His own record, his domain's, and what says in which order users came."""
    return key[:1] in b"do" or key == b"uexample.org\0bob"


def everybody_else_is_served(binary):
    template = Template(binary)
    rich(template)
    server = Server(template, None)
    send(server, address("alice"))
    server.stop()
    keys = spoil(server.data, needed_by_bob)
    check("records of many kinds are damaged", len(keys) > 15 and len({k[:1] for k in keys}) > 5, keys)
    server.start()                                                    # raises when it does not come up
    refused = is_served(server, "alice")
    check("IMAP refuses the one whose record is damaged, and says that it is not the password", refused.get("imap", "").find("[CORRUPTION]") >= 0 or
          "[UNAVAILABLE]" in refused.get("imap", ""), refused)
    check("POP3 likewise", "[SYS/" in refused.get("pop3", ""), refused)
    check("SMTP asks to try again later", refused.get("smtp", "").startswith("451"), refused)
    check("everybody else is served", is_served(server, "bob") == {}, is_served(server, "bob"))
    check("and again", is_served(server, "alice").keys() == refused.keys() and is_served(server, "bob") == {})
    log = server.told()
    check("the log names the record, once", log.count("store.damaged-record") >= 1 and log.count("key=uexample.org.alice") == 1, server.log_tail(20))
    figures = [line for line in ask(server, "/metrics")[1].splitlines() if line.startswith("troika_store_damaged_records ")]
    check("a figure counts them", figures and float(figures[0].split()[1]) >= 2, figures)
    for path in ("/health", "/ready"):
        status, text = ask(server, path)
        j = json.loads(text)
        check(f"{path} tells of it, and calls for no restart", status == 200 and j["status"] == "degraded" and
              any(c["name"] == "records" and "fail their checksums" in c.get("warning", "") for c in j["checks"]), text)
    server.stop()
    mended = subprocess.run([binary, "check", "--repair", "-d", server.data], capture_output=True, timeout=120)
    again = subprocess.run([binary, "check", "-d", server.data], capture_output=True, timeout=120)
    check("a repair sets them aside, and all is sound", mended.returncode in (0, 3) and again.returncode == 0, (mended.stderr, again.stdout, again.stderr))
    server.start()
    check("then nothing is wrong any more", json.loads(ask(server, "/ready")[1])["status"] == "ok" and is_served(server, "bob") == {}, ask(server, "/ready"))
    server.stop()
    server.remove()
    template.remove()


def a_damaged_domain(binary):
    """Of the whole domain mail is refused for a while, nothing is bounced."""
    template = Template(binary)
    template.cli("domain", "add", "example.com", "-d", template.data)
    template.cli("user", "add", "eve@example.com", "-d", template.data, "--password-file", "-", stdin="a long password\n")
    server = Server(template, None)
    server.stop()
    spoil(server.data, lambda key: key != b"dexample.org")
    server.start()
    check("its mail has to be tried again later", (said(lambda: send(server, address("bob"))) or "").startswith("451"))
    check("that of other domains comes", said(lambda: send(server, "eve@example.com")) is None)
    server.stop()
    server.remove()
    template.remove()


def main():
    binary = common.binary()
    attempt("with many records damaged", everybody_else_is_served, binary)
    attempt("with a domain damaged", a_damaged_domain, binary)
    data = WORK / "data"
    password = WORK / "password"
    password.write_text("a long password\n")

    def run(*args):
        r = subprocess.run([binary, *map(str, args), "-d", data], capture_output=True, timeout=120)
        return r.returncode, r.stdout.decode() + r.stderr.decode()

    check("made", run("init", "--domain", "example.org")[0] == 0)
    for name in ("ann", "bob"):
        check(f"{name} added", run("user", "add", f"{name}@example.org", "--password-file", password)[0] == 0)
    check("sound", run("check")[0] == 0)

    flip(data, b"uexample.org\0ann\x01\x0a")
    r = subprocess.run([binary, "user", "list", "-d", data], capture_output=True, timeout=120)
    check("bob is listed, no account is shown for ann, and that is said", r.returncode not in (0, 2) and b"bob@example.org\t" in r.stdout and b"ann" not in r.stdout and
          b"ann@example.org: stored data is damaged" in r.stderr, r)
    code, said = run("check")
    check("the check finds one fault", code == 3 and "1 faults found" in said and "fails its checksum" in said, said)
    code, said = run("check", "--repair")
    check("the repair sets it aside, and says what is missing", code == 3 and "quarantine" in said and "account 1 has no user" in said, said)
    check("a copy of it is kept", len(list((data / "store/quarantine").glob("value-*"))) == 1)
    code, said = run("check")
    check("then there is nothing more", code == 0 and "0 faults found" in said, said)
    code, said = run("user", "adopt", "ann@example.org", "1", "--password-file", password)
    check("ann gets her account again", code == 0, said)
    code, said = run("user", "list")
    check("both are there", "ann@example.org" in said and "bob@example.org" in said, said)
    code, said = run("check")
    check("and all is sound", code == 0, said)

    # without the counter an account id would be given out again
    flip(data, b"naccount")
    check("the counter fails", run("check")[0] == 3)
    run("check", "--repair")
    code, said = run("user", "add", "carl@example.org", "--password-file", password)
    check("an account is made", code == 0, said)
    told = [run("user", "adopt", "dora@example.org", n, "--password-file", password)[1] for n in range(1, 4)]
    check("of a number that cannot have been given out", "belongs to ann" in told[0] and not any("carl" in t for t in told), told)
    check("sound at the end", run("check")[0] == 0)
    shutil.rmtree(WORK, ignore_errors=True)
    common.finish()


if __name__ == "__main__":
    main()
