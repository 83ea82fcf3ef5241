#!/usr/bin/env python3
"""`troika import` from Cyrus and Courier as Debian builds them: the INBOX. of old servers, special use, odd names, flags and dates, again and again, killed.

    tests/e2e/import_cyrus.py PATH/TO/troika"""
import subprocess
import sys
import time

from common import ROOT, Server, Template, address, attempt, binary, check, contents, finish, imap, message, run_import, same_instant, skip

sys.path.insert(0, str(ROOT / "tests" / "peers"))
from courier import Courier  # noqa: E402
from cyrus import ADMIN, Cyrus  # noqa: E402
from debian import Missing  # noqa: E402

FLAGS = ["()", "(\\Seen)", "(\\Seen \\Answered $Forwarded)", "(\\Flagged Work-1)", "(\\Draft)", "(\\Deleted)"]
KILLS = 12
MANY = 600                               # messages of the account that is killed while it comes


def fill(c, folder, n, first, flags=FLAGS):
    for i in range(n):
        typ, why = c.append(folder, flags[i % len(flags)], f'"{i % 28 + 1:2d}-Mar-2012 05:06:{i % 60:02d} -0330"', message(first + i, 400 * (i % 9)))
        if typ != "OK":
            raise RuntimeError(f"{folder}: {why}")


def same(name, there, here, pairs, what=""):
    """pairs: folder there, mailbox here; of two that became one mailbox it holds both."""
    for ours in dict(sorted((b, a) for a, b in pairs)):
        folders = [a for a, b in pairs if b == ours]
        a, b = sum((contents(there, f) for f in folders), []), contents(here, ours)
        check(f"{name}: {' and '.join(folders)} -> {ours}{what}", same_instant(a, b), (len(a), len(b or [])))


def odd_folders(c, names):
    """Creates what the server lets one create; (folder there, mailbox here) of those."""
    pairs = []
    for k, (there, here, use) in enumerate(names):
        typ, _ = c._simple_command("CREATE", f'"{there}"', f"(USE ({use}))") if use else c.create(f'"{there}"')
        if typ == "OK":
            c.subscribe(f'"{there}"')
            fill(c, f'"{there}"', 7, 1000 * (k + 1))
            pairs.append((there, here))
    return pairs


NAMES = [("INBOX.Gesendet", "Sent", "\\Sent"), ("INBOX.M&APw-ll", "Trash", "\\Trash"), ("INBOX.Entw&APw-rfe", "Drafts", None),
         ("INBOX.with space", "with space", None), ("INBOX.Deep.er.and.deeper", "Deep/er/and/deeper", None), ("INBOX.it's (odd) & co".replace("&", "&-"), "it's (odd) &- co", None),
         ("INBOX.&MNUw6TCwMOgw8w-", "&MNUw6TCwMOgw8w-", None), ("INBOX.~tilde+plus=", "~tilde+plus=", None), ("INBOX.inbox", "INBOX", None)]


def from_cyrus(template):
    cyrus = Cyrus(["joe", "ann"])
    server = Server(template, None)
    try:
        cyrus.start()
        cyrus.add("joe")
        cyrus.add("ann")
        admin, c = cyrus.login(ADMIN), cyrus.login("joe")
        admin.create("user.ann.shared")
        admin.setacl("user.ann.shared", "joe", "lrs")
        fill(c, "INBOX", 60, 1)
        pairs = [("INBOX", "INBOX")] + odd_folders(c, [n for n in NAMES if n[0] != "INBOX.inbox"])
        check("Cyrus makes folders with odd names", len(pairs) >= 7, pairs)
        c.select("INBOX")
        c.copy("1:9", '"INBOX.with space"')                    # one email in two folders: EMAILID
        options = ["--password-file", cyrus.dir / "password", "--ca-file", cyrus.dir / "cert.pem"]
        source = f"imap://joe@localhost:{cyrus.port}"
        code, out = run_import(server.data, *options, source)
        check("Cyrus: an import with STARTTLS", code == 0, out)
        b = imap(server, "bob")
        same("Cyrus", c, b, pairs)
        listed = b"".join(b.list()[1]).lower()
        check("Cyrus: what others share is left out, names of special use are ours", b"shared" not in listed and b"gesendet" not in listed, listed)
        check("Cyrus: subscriptions", b"with space" in b"".join(b.lsub()[1]))
        code, out = run_import(server.data, *options, source)
        check("Cyrus: again: nothing", code == 0 and "0 messages imported" in out, out)

        c.select("INBOX")
        c.store("1:20", "+FLAGS", "(\\Seen later)")
        c.store("21:25", "+FLAGS", "(\\Deleted)")
        c.uid("EXPUNGE", "21:25")
        fill(c, "INBOX", 5, 500)
        c.delete('"INBOX.with space"')                          # and again, under another UIDVALIDITY
        c.create('"INBOX.with space"')
        fill(c, '"INBOX.with space"', 3, 2 * 1000)
        code, out = run_import(server.data, *options, "--delete", source)
        check("Cyrus: what changed", code == 0, out)
        remade = ("INBOX.with space", "with space")
        same("Cyrus", c, b, [p for p in pairs if p != remade], ", changed")
        old, new = contents(b, remade[1]), contents(c, remade[0])
        check("Cyrus: of a folder that was made again the new comes, and what the old one held stays", len(old) == 19 and all(any(same_instant([m], [k]) for k in old) for m in new),
              len(old))
        code, out = run_import(server.data, *options, "--delete", source)
        check("Cyrus: again: nothing", code == 0 and "0 messages imported" in out, out)
        code, out = run_import(server.data, *options, "--authuser", ADMIN, source, user="alice")
        check("Cyrus: by its admin", code == 0, out)
        a = imap(server, "alice")
        same("Cyrus, by its admin", c, a, pairs)
        killed(cyrus, server, c, options, source)
        for x in (a, b, c, admin):
            x.logout()
        check("the store is whole", subprocess.run([binary(), "check", "-d", str(server.data)], capture_output=True).returncode == 0)
    finally:
        server.stop()
        cyrus.remove()


def killed(cyrus, server, c, options, source):
    """kill -9 while it comes; then it is let finish."""
    c.create("INBOX.Big")
    fill(c, "INBOX.Big", MANY, 10000)
    command = [binary(), "import", "-d", str(server.data), "--user", address("carol"), *map(str, options), source]
    began = time.monotonic()
    r = subprocess.run([*command[:5], address("bob"), *command[6:]], capture_output=True, timeout=300)
    takes = time.monotonic() - began
    check("Cyrus: a big folder comes", r.returncode == 0, r.stdout)
    kills = 0
    for i in range(KILLS):
        p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(takes * (0.1 + 0.07 * i))
        kills += p.poll() is None
        p.kill()
        p.wait()
    code, out = run_import(server.data, *options, source, user="carol")
    check(f"Cyrus: killed {kills} times, then left alone", code == 0 and kills, out)
    carol = imap(server, "carol")
    same("Cyrus, killed", c, carol, [("INBOX", "INBOX"), ("INBOX.Big", "Big"), ("INBOX.Gesendet", "Sent")])
    carol.logout()


def from_courier(template):
    courier = Courier()
    server = Server(template, None)
    try:
        c = courier.login()
        fill(c, "INBOX", 40, 1)
        pairs = [("INBOX", "INBOX")] + odd_folders(c, [(there, here, None) for there, here, use in NAMES if not use] + [("INBOX.50% off", "50_ off", None)])
        check("Courier makes folders with odd names", len(pairs) >= 6, pairs)
        source = f"imap-pipe:{courier.command}"
        code, out = run_import(server.data, source)
        check("Courier: an import", code == 0, out)
        b = imap(server, "bob")
        same("Courier", c, b, pairs)
        c.select("INBOX")
        c.store("1:5", "+FLAGS", "(\\Answered)")
        c.store("10:12", "+FLAGS", "(\\Deleted)")
        c.expunge()                                            # takes those that came \\Deleted with it
        code, out = run_import(server.data, "--delete", source)
        check("Courier: what changed", code == 0, out)
        same("Courier", c, b, pairs, ", changed")
        code, out = run_import(server.data, source)
        check("Courier: again: nothing", code == 0 and "0 messages imported" in out, out)
        b.logout()
        c.logout()
    finally:
        server.stop()
        courier.remove()


def main():
    template = Template(binary())
    try:
        for name, scenario in (("from Cyrus", from_cyrus), ("from Courier", from_courier)):
            try:
                scenario(template)
            except Missing as why:
                skip(name, why)
            except Exception as e:                             # noqa: BLE001  the other one still runs
                check(name, False, f"{type(e).__name__}: {e}")
    finally:
        template.remove()
    finish()


main()
