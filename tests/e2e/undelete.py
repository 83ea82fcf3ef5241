#!/usr/bin/env python3
"""Deleted mail comes back: what IMAP and POP3 delete, and whole mailboxes; byte for byte, with flags, keywords and dates; by the user over IMAP and by
troika undelete. Nothing is lost or doubled by kill -9 in the middle. It goes when its time is over, and not before. doc/admin/undelete.md"""
import os
import random
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from common import ROOT, Server, Template, address, attempt, binary, check, count, finish, imap, pop3, scratch, skip, until

BIN = '"Recently Deleted"'
MANY = 12000
DAY = 86400


running = []


def serve(template):
    running.append(Server(template, None))
    return running[-1]


def message(i, size=300):
    return (f"From: Zoë {i} <zoe{i}@example.net>\r\nTo: alice@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= number {i}\r\n"
            f"Message-ID: <{i}@example.net>\r\n\r\n").encode() + (f"line of {i}\r\n".encode() * (size // 12))


def append(c, mailbox, i, flags="", date='"07-Feb-1994 21:52:25 +0000"'):
    typ, data = c.append(mailbox, flags, date, message(i))
    assert typ == "OK", data


def facts(c, mailbox):
    """Everything of every message but its UID, sorted."""
    typ, data = c.select(mailbox)
    if typ != "OK":
        return None
    if data == [b"0"]:
        return []
    typ, data = c.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
    rows = []
    for part in (p for p in data if isinstance(p, tuple)):
        flags = re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1).split()
        date = re.search(rb'INTERNALDATE "([^"]*)"', part[0]).group(1)
        rows.append((part[1], tuple(sorted(f for f in flags if f not in (b"\\Recent",))), date))
    return sorted(rows)


def expunge(c, mailbox, numbers):
    c.select(mailbox)
    c.store(numbers, "+FLAGS.SILENT", "(\\Deleted)")
    typ, data = c.expunge()
    assert typ == "OK", data


def without(rows, flag=b"\\Deleted"):
    return [(body, tuple(f for f in flags if f != flag), date) for body, flags, date in rows]


def undelete(server, *words):
    return server.cli(["undelete", *words], "").decode()


def is_sound(server, name):
    r = subprocess.run([server.template.binary, "check", "-d", str(server.data)], capture_output=True, text=True, timeout=300)
    check(f"{name}: troika check finds no fault", r.returncode == 0, r.stdout + r.stderr)


# ---- the user ----

def by_imap(template):
    server = serve(template)
    c = imap(server)
    append(c, "INBOX", 1, "(\\Seen \\Flagged $Work)")
    append(c, "INBOX", 2, "(\\Answered)", '"09-Mar-2001 01:02:03 +0000"')
    append(c, "INBOX", 3, "(\\Draft $Forwarded)")
    before = facts(c, "INBOX")
    expunge(c, "INBOX", "1:3")
    check("expunged: the bin has bytes, flags, keywords and dates", facts(c, BIN) == before, facts(c, BIN))
    c.select(BIN)
    typ, data = c.uid("MOVE", "1:*", "INBOX")
    check("moved back by the user", typ == "OK", data)
    check("and all is as it was", facts(c, "INBOX") == before)
    check("the bin is empty then", facts(c, BIN) == [])
    # CLOSE, a move to Trash, and emptying it
    c.select("INBOX")
    c.uid("MOVE", "1:*", "Trash")
    check("moving to Trash is no deletion", facts(c, BIN) == [])
    c.select("Trash")
    c.store("1:3", "+FLAGS.SILENT", "(\\Deleted)")
    c.close()
    check("emptying Trash is", facts(c, BIN) == before)
    c.select(BIN)
    c.store("1", "+FLAGS.SILENT", "(\\Deleted)")
    c.expunge()
    check("expunged there it is gone for good", facts(c, BIN) == before[1:] or len(facts(c, BIN)) == 2)
    check("no list of mailboxes shows it", not any(b"Recently" in row for row in c.list()[1]))
    server.cli(["undelete", "reveal", address("alice")], "")
    check("but after troika undelete reveal", any(b"Recently Deleted" in row for row in c.list()[1]), c.list())
    c.logout()
    is_sound(server, "by IMAP")
    server.stop()
    server.remove()


def by_pop3(template):
    server = serve(template)
    c = imap(server)
    for i in range(4):
        append(c, "INBOX", i, "(\\Seen)" if i % 2 else "")
    before = facts(c, "INBOX")
    p = pop3(server)
    for i in range(1, 5):
        p.dele(i)
    p.quit()
    check("POP3 deletions come into the bin", facts(c, BIN) == before and count(server) == 0)
    out = undelete(server, "restore", address("alice"), "--all")
    check("troika undelete restore --all brings them back", facts(c, "INBOX") == before and "INBOX: 4 messages" in out, out)
    p = pop3(server)
    check("for POP3 too", len(p.list()[1]) == 4)
    p.quit()
    c.logout()
    server.stop()
    server.remove()


# ---- the administrator ----

def whole_mailboxes(template):
    server = serve(template)
    c = imap(server)
    names = ["work", "work/2025", "work/2025/q1", "other"]
    c._simple_command("CREATE", "work", "(USE (\\Flagged))")
    for i, name in enumerate(names):
        c.create(f'"{name}"')
        c.subscribe(f'"{name}"')
        for k in range(3):
            append(c, f'"{name}"', 10 * i + k, "(\\Seen $K%d)" % k if k else "(\\Deleted \\Flagged)")
    q1 = '"work/2025/q1"'
    for guest in ("bob", "carol"):
        c.setacl(q1, address(guest), "lr")
    c.xatom("SETMETADATA", q1, '(/private/comment "mine" /shared/comment "ours")')
    expunge(c, '"work/2025"', "2")                                 # and the one that is \Deleted already
    before = {name: without(facts(c, f'"{name}"')) for name in names}
    validity = {name: c.status(f'"{name}"', "(UIDVALIDITY)")[1][0] for name in names}
    c.unselect()
    for name in ("work", "work/2025", "work/2025/q1"):              # the first two stay as levels at first
        typ, data = c.delete(f'"{name}"')
        assert typ == "OK", data
        c.unsubscribe(f'"{name}"')
    c.delete('"work/2025"')
    c.delete("work")
    server.cli(["user", "del", address("carol")], "")
    check("they are gone", not any(b"work" in row for row in c.list()[1]), c.list())
    out = undelete(server, "list", address("alice"))
    check("troika undelete list shows messages and mailboxes", "work/2025/q1" in out and "Grüße number 11" in out and out.count("\nmailbox") >= 3, out)
    out = undelete(server, "restore", address("alice"), "--mailbox", "work")
    after = {name: facts(c, f'"{name}"') for name in names[:3]}
    check("all mailboxes are back with what was in them, and not what was expunged before", all(after[n] == before[n] for n in after),
          [n for n in after if after[n] != before[n]])
    check("with its special use", any(b"\\Flagged" in row and row.endswith(b" work") for row in c.list()[1]), c.list())
    rights = c.getacl(q1)[1][0].decode()
    check("with its access list, but for a user who is gone", address("bob") in rights and "carol" not in rights, rights)
    c.untagged_responses.pop("METADATA", None)
    c.xatom("GETMETADATA", q1, "(/private/comment /shared/comment)")
    notes = str(c._untagged_response("OK", [None], "METADATA")[1])
    check("and its annotations", "mine" in notes and "ours" in notes, notes)
    guest = imap(server, "bob")
    check("the guest sees it again", any(b"q1" in (row or b"") for row in guest.list()[1]), guest.list())
    guest.logout()
    c.unselect()
    check("with new UIDVALIDITY", all(c.status(f'"{n}"', "(UIDVALIDITY)")[1][0] != validity[n] for n in names[:3]))
    check("and subscriptions", all(any(n.encode() in row for row in c.lsub()[1]) for n in names[:3]), c.lsub())
    check("what was expunged before is still in the bin", len(facts(c, BIN)) == 2)
    typ, data = c.select(BIN)
    uids = c.uid("SEARCH", "ALL")[1][0].decode().split()
    undelete(server, "restore", address("alice"), *uids)
    check("and comes back by UID into the mailbox that is there now", len(facts(c, '"work/2025"')) == 3)
    c.unselect()
    c.delete("other")
    undelete(server, "restore", address("alice"), "--all")
    check("--all: a mailbox with all that was in it", facts(c, "other") == before["other"])
    c.logout()
    is_sound(server, "whole mailboxes")
    server.stop()
    server.remove()


def filters(template):
    server = serve(template)
    c = imap(server)
    c.create("box")
    for i in range(6):
        append(c, "INBOX" if i < 3 else "box", i)
    expunge(c, "INBOX", "1:3")
    expunge(c, "box", "1:3")
    alice = address("alice")
    check("list by subject", len(undelete(server, "list", alice, "--subject", "grüße NUMBER 4").splitlines()) == 1, undelete(server, "list", alice))
    check("list by mailbox", len(undelete(server, "list", alice, "--mailbox", "box").splitlines()) == 3)
    check("list by time", len(undelete(server, "list", alice, "--since", "1h").splitlines()) == 6
          and undelete(server, "list", alice, "--since", "2090-01-01") == "")
    undelete(server, "restore", alice, "--subject", "number 4")
    check("restored by subject", count(server, mailbox="box") == 1 and count(server) == 0)
    undelete(server, "restore", alice, "--since", "1h", "--mailbox", "INBOX")
    check("restored by time and mailbox", count(server) == 3 and count(server, mailbox="box") == 1)
    for words, why in ((["restore", alice], "without a wish"), (["restore", alice, "--subject", "nowhere"], "what is not there"), (["restore", alice, "0"], "no UID"),
                       (["list", "nobody@example.org"], "no user"), (["restore", alice, "--since", "soon"], "no time")):
        r = subprocess.run([template.binary, "undelete", *words, "-d", str(server.data)], capture_output=True, text=True)
        check(f"refused with a cause: {why}", r.returncode == 1 and r.stderr.startswith("troika: "), r)
    out = undelete(server, "purge", alice)
    check("purge takes the rest away for good", "2 messages" in out and undelete(server, "list", alice) == "", out)
    trail = server.cli(["audit"], "").decode()
    check("restoring and purging are in the audit trail", "undelete.restore" in trail and "undelete.purge" in trail, trail[-600:])
    server.cli(["quota", "set", alice, "messages=4"], "")
    expunge(c, "INBOX", "1:3")
    for i in range(2):
        append(c, "INBOX", 20 + i)
    r = subprocess.run([template.binary, "undelete", "restore", alice, "--all", "-d", str(server.data)], capture_output=True, text=True)
    check("over the quota nothing is restored, and it says so", r.returncode != 0 and "quota" in r.stderr and count(server) == 2, r)
    c.logout()
    is_sound(server, "filters")
    server.stop()
    server.remove()


# ---- time ----

def later(template, server, shim, days):
    r = subprocess.run([template.binary, "undelete", "sweep", "-d", str(server.data)], capture_output=True, text=True, timeout=120,
                       env={**os.environ, "LD_PRELOAD": str(shim), "LATER": str(days * DAY)})
    return r.stdout if r.returncode == 0 else r


def expiry(template):
    server = serve(template)
    shim = server.dir / "later.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(ROOT / "tests" / "internet" / "later.c")], check=True)
    c = imap(server)
    c.create("box")
    for i in range(5):
        append(c, "INBOX", i)
    c.delete("box")
    expunge(c, "INBOX", "1:4")
    out = later(template, server, shim, 29)
    if not isinstance(out, str):
        skip("expiry", "the clock cannot be moved in this build")
    else:
        check("after 29 days all is there", out.startswith("0 ") and len(facts(c, BIN)) == 4, out)
        out = later(template, server, shim, 31)
        check("after 31 days it is gone", out.startswith("4 ") and facts(c, BIN) == [], out)
        check("the deleted mailbox too", undelete(server, "list", address("alice")) == "")
        check("what was not deleted stays", count(server) == 1)
        is_sound(server, "expiry")
    (server.dir / "troika.conf").write_text("auth { allow_plain_without_tls = true }\nundelete { keep_days = 0 }\n")
    server.stop()
    server.start()
    c = imap(server)
    before = facts(c, BIN)
    expunge(c, "INBOX", "1")
    check("keep_days = 0: deleted is gone at once", count(server) == 0 and facts(c, BIN) == before)
    server.stop()
    server.remove()


# ---- older stores ----

def older_store(template):
    packed = sorted((ROOT / "tests" / "golden").glob("*.tar.*"))
    if not packed:
        skip("older store", "no golden directory")
        return

    class Golden(Template):
        def __init__(self):
            self.binary = template.binary
            self.root = scratch()
            self.data = self.root / "template"
            with tarfile.open(packed[0]) as tar:
                tar.extractall(self.data, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(self.data)

    golden = Golden()
    server = serve(golden)
    c = imap(server)
    append(c, "INBOX", 1)
    n = count(server)
    expunge(c, "INBOX", str(n))
    check("a store of level 1 keeps nothing", facts(c, BIN) is None)
    server.cli(["upgrade", "confirm"], "")
    append(c, "INBOX", 2)
    expunge(c, "INBOX", str(n))
    check("once the upgrade is confirmed it does", len(facts(c, BIN) or []) == 1)
    c.logout()
    is_sound(server, "older store")
    server.stop()
    server.remove()
    golden.remove()


# ---- kill -9 ----

def fill(template, server):
    box = server.dir / "many.mbox"
    with open(box, "wb") as f:
        for i in range(MANY):
            f.write(b"From zoe@example.net Mon Nov 23 18:54:32 2026\n" + message(i, 60).replace(b"\r\n", b"\n") + b"\n")
    server.cli(["import", "--user", address("alice"), str(box)], "")
    box.unlink()


def ids(c, mailbox):
    typ, data = c.select(mailbox)
    if typ != "OK" or data == [b"0"]:
        return []
    typ, data = c.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    return [re.search(rb"<(\d+)@", p[1]).group(1) for p in data if isinstance(p, tuple)]


def everything_once(server, name):
    """Somebody else may have opened the account first, and be on the way to put the rest into the bin."""
    c = imap(server)
    inbox, kept = until(lambda: (there := (ids(c, "INBOX"), ids(c, BIN))) and len(there[0] + there[1]) >= MANY and there) or (ids(c, "INBOX"), ids(c, BIN))
    both = sorted(inbox + kept, key=int)
    check(f"{name}: every message is there once ({len(inbox)} in INBOX, {len(kept)} in the bin)", both == [str(i).encode() for i in range(MANY)],
          (len(both), len(set(both))))
    c.logout()
    return len(inbox), len(kept)


def kills(template):
    server = serve(template)
    fill(template, server)
    dice = random.Random(7)
    for attempt_n in range(6):
        c = imap(server)
        c.select("INBOX")
        c.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        c.send(b"x EXPUNGE\r\n")
        time.sleep(dice.uniform(0, 0.06))
        server.kill()
        server.start()
        inbox, kept = everything_once(server, f"expunge killed, {attempt_n + 1}")
        # and a restore, which is killed as well
        if kept:
            p = subprocess.Popen([template.binary, "undelete", "restore", address("alice"), "--all", "-d", str(server.data)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            time.sleep(dice.uniform(0.01, 0.08))
            p.kill()
            p.wait()
            everything_once(server, f"restore killed, {attempt_n + 1}")
            r = subprocess.run([template.binary, "undelete", "restore", address("alice"), "--all", "-d", str(server.data)], capture_output=True, text=True)
            check("what is left comes back", count(server) == MANY, r)
    is_sound(server, "after the kills")
    sweeps(template, server, dice)
    server.stop()
    server.remove()


def sweeps(template, server, dice):
    """Everything goes into the bin, and a purge of it is killed again and again."""
    c = imap(server)
    expunge(c, "INBOX", "1:*")
    c.logout()
    left, killed, seen = MANY, 0, set()
    for _ in range(12):
        p = subprocess.Popen([template.binary, "undelete", "purge", address("alice"), "-d", str(server.data)], stdout=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.02, 0.06))
        killed += p.poll() is None
        p.kill()
        p.wait()
        now = count(server, mailbox=BIN)
        if not 0 <= now <= left:
            check("a killed sweep takes away only", False, (left, now))
        left = now
        seen.add(now)
    print(f"     {killed} of 12 were killed; left were {sorted(seen, reverse=True)}")
    is_sound(server, "killed sweeps")
    undelete(server, "purge", address("alice"))
    r = subprocess.run([template.binary, "check", "--repair", "-d", str(server.data)], capture_output=True, text=True)
    check("at last nothing is left", count(server, mailbox=BIN) == 0 and r.returncode == 0, r)


def main():
    template = Template(binary())
    for name, fn in (("by IMAP", by_imap), ("by POP3", by_pop3), ("whole mailboxes", whole_mailboxes), ("filters", filters), ("expiry", expiry),
                     ("older store", older_store), ("kills", kills)):
        attempt(name, fn, template)
        while running:                                               # what an exception left
            running.pop().remove()
    template.remove()
    finish()


main()
