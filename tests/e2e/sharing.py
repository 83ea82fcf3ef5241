#!/usr/bin/env python3
"""Mailboxes that people share: between two users, with a group, an account that is nobody's; and that nothing leaks.

    tests/e2e/sharing.py PATH/TO/troika
"""
import subprocess
import threading

from common import DOMAIN, PATIENCE, Server, Template, address, attempt, binary, check, finish, imap, smtp, until

TEAM, INFO = f"team@{DOMAIN}", f"info@{DOMAIN}"
HERS = f'"Other Users/{address("alice")}/%s"'
SHARED = f'"Shared Folders/{INFO}/%s"'


def cli(server, *args, ok=True):
    r = subprocess.run([server.template.binary, *map(str, args), "-d", str(server.data)], capture_output=True, timeout=PATIENCE)
    if ok and r.returncode:
        raise RuntimeError(f"troika {args}: {r.stderr.decode()}")
    return r.stdout.decode()


def names(c, pattern='"*"'):
    return [line.decode().split(' "/" ')[1].strip('"') for line in c.list('""', pattern)[1] if line]


def command(c, *words):
    """The status and text of a command that imaplib has no name for, or that may fail."""
    tag = c._new_tag()
    c.send(tag + b" " + " ".join(words).encode() + b"\r\n")
    untagged = []
    while True:
        line = c.readline().rstrip(b"\r\n")
        if line.startswith(tag + b" "):
            return line[len(tag) + 1:].decode(), untagged
        untagged.append(line.decode())


def two_users(server):
    alice, bob = imap(server, "alice"), imap(server, "bob")
    alice.create("Work")
    alice.append("Work", None, None, b"Subject: plans\r\n\r\nrise early\r\n")
    check("nothing is shared at first", not [n for n in names(bob) if n.startswith("Other")], names(bob))
    check("SETACL", alice.setacl("Work", "bob", "lrs")[0] == "OK")
    acl = alice.getacl("Work")[1][0].decode()
    check("GETACL tells the canonical name", f"{address('bob')} lrs" in acl, acl)
    check("it is in bob's list", f"Other Users/{address('alice')}/Work" in names(bob), names(bob))
    check("bob reads it", bob.select(HERS % "Work")[1] == [b"1"])
    check("and finds in it", bob.search(None, "BODY", "early")[1] == [b"1"])
    bob.fetch("1", "(BODY[])")
    check("what bob has read is read for alice too", b"\\Seen" in flags(alice, "Work", 1))
    check("bob may not flag it", bob.store("1", "+FLAGS", "(\\Flagged)")[0] == "NO")
    check("MYRIGHTS", bob.myrights(HERS % "Work")[1][0].endswith(b" lrs"))
    check("withdrawn", alice.deleteacl("Work", "bob")[0] == "OK")
    check("while it is selected: the next command hears of it", bob.fetch("1", "(FLAGS)")[0] == "NO")
    check("and it is out of the list", not [n for n in names(bob) if n.startswith("Other")], names(bob))
    alice.logout()
    bob.logout()


def flags(c, mailbox, number):
    c.select(mailbox, readonly=True)
    return c.fetch(str(number), "(FLAGS)")[1][0]


def a_group(server):
    cli(server, "group", "add", TEAM)
    cli(server, "group", "add", f"all@{DOMAIN}")
    cli(server, "group", "join", f"all@{DOMAIN}", TEAM)
    alice, carol = imap(server, "alice"), imap(server, "carol")
    alice.create("Plans")
    alice.setacl("Plans", f"all@{DOMAIN}", "lrwit")
    check("not a member", carol.select(HERS % "Plans")[0] == "NO")
    cli(server, "group", "join", TEAM, address("carol"))
    check("a member of a member, at once", carol.select(HERS % "Plans")[0] == "OK")
    status, _ = command(carol, "APPEND", HERS % "Plans", "(\\Seen \\Flagged)", "{14+}\r\nSubject: hi\r\n\r\n"[:-1] + "\n")
    check("who may insert appends", status.startswith("OK"), status)
    carol.noop()
    check("with the flags that are allowed", b"\\Flagged" in carol.fetch("1", "(FLAGS)")[1][0] and b"\\Seen" not in carol.fetch("1", "(FLAGS)")[1][0])
    alice.setacl("Plans", "-carol", "w")
    check("a negative right takes it away", carol.store("1", "+FLAGS", "(\\Answered)")[0] == "NO")
    check("and leaves the others", carol.store("1", "+FLAGS", "(\\Deleted)")[0] == "OK")
    cli(server, "group", "leave", TEAM, address("carol"))
    check("no member any more, at once", carol.fetch("1", "(FLAGS)")[0] == "NO")
    alice.logout()
    carol.logout()


def a_shared_account(server):
    cli(server, "user", "add", "--shared", INFO)
    cli(server, "acl", "set", INFO, "*", TEAM, "lrswite")
    cli(server, "acl", "set", INFO, "INBOX", TEAM, "+k")
    cli(server, "group", "join", TEAM, address("bob"), address("carol"))
    bob, carol = imap(server, "bob"), imap(server, "carol")
    with smtp(server) as c:
        c.sendmail("joe@third.test", [INFO], f"From: joe@third.test\r\nTo: {INFO}\r\nSubject: help\r\n\r\nplease\r\n")
    check("mail to it is there for the team", until(lambda: carol.select(SHARED % "INBOX")[1] == [b"1"]))
    check("its folders are listed", f"Shared Folders/{INFO}/Sent" in names(bob), names(bob))
    check("nobody logs in to it", command(imap_anonymous(server), "LOGIN", INFO, '""')[0].startswith("NO"))
    # Carol idles while bob takes it.
    heard = []
    t = threading.Thread(target=idle, args=(carol, heard))
    t.start()
    check("she idles", until(lambda: any(b"+ " in line for line in heard)), heard)
    bob.select(SHARED % "INBOX")
    check("bob takes it", command(bob, "MOVE", "1", "INBOX")[0].startswith("OK"))
    t.join()
    check("who idles there hears of it", any(b"EXPUNGE" in line for line in heard), heard)
    check("it is bob's now", bob.select("INBOX")[1] == [b"1"])
    status, _ = command(bob, "COPY", "1", SHARED % "Done")
    check("TRYCREATE for who may create", "[TRYCREATE]" in status, status)
    check("a new folder at the top, by the right on INBOX", bob.create(SHARED % "Done")[0] == "OK")
    check("COPY back into it", command(bob, "COPY", "1", SHARED % "Done")[0].startswith("OK"))
    carol.noop()
    check("which the others see", carol.select(SHARED % "Done")[1] == [b"1"])
    cli(server, "user", "quota", INFO, "100")
    status, _ = command(bob, "COPY", "1", SHARED % "Done")
    check("its quota is its own", "[OVERQUOTA]" in status, status)
    cli(server, "user", "quota", INFO, "0")
    bob.logout()
    carol.logout()


def imap_anonymous(server):
    import imaplib
    return imaplib.IMAP4("127.0.0.1", server.port["imap"], timeout=PATIENCE)


def idle(c, heard):
    tag = c._new_tag()
    c.send(tag + b" IDLE\r\n")
    while b"EXPUNGE" not in b"".join(heard):
        heard.append(c.readline())                            # fails when nothing comes
    c.send(b"DONE\r\n")
    while not c.readline().startswith(tag):
        pass


def nothing_leaks(server):
    """Without the right to look up, a mailbox that is there and one that is not are answered with the same words, by every command."""
    alice, bob = imap(server, "alice"), imap(server, "bob")
    alice.create("Secret")
    alice.create("Secret/Deep")
    alice.setacl("Secret/Deep", "carol", "lrswipkxtea")
    bob.append("INBOX", None, None, b"Subject: x\r\n\r\nx\r\n")
    commands = [
        ["SELECT", "%s"], ["EXAMINE", "%s"], ["STATUS", "%s", "(MESSAGES)"], ["GETACL", "%s"], ["MYRIGHTS", "%s"], ["LISTRIGHTS", "%s", "bob"],
        ["SETACL", "%s", "bob", "lr"], ["DELETEACL", "%s", "bob"], ["DELETE", "%s"], ["CREATE", "%s"], ["RENAME", "%s", HERS % "Other"],
        ["RENAME", "Sent", "%s"], ["APPEND", "%s", "{3+}\r\nabc"], ["GETQUOTAROOT", "%s"], ["SELECT", "INBOX"], ["COPY", "1", "%s"], ["MOVE", "1", "%s"],
        ["LIST", '""', "%s"],
    ]
    for words in commands:
        answers = []
        for there in (HERS % "Secret", HERS % "Secret/Deep", HERS % "Absent", f'"Other Users/nobody@{DOMAIN}/INBOX"'):
            status, untagged = command(bob, *[w.replace("%s", there) for w in words])
            answers.append((status, untagged if words[0] != "SELECT" else None))
        check(f"{words[0]} gives nothing away", all(a == answers[0] for a in answers), answers)
    status, _ = command(bob, "SELECT", f'"Shared Folders/nobody@{DOMAIN}/INBOX"')
    cli(server, "user", "add", "--shared", f"secret@{DOMAIN}")
    check("nor does the other namespace", status == command(bob, "SELECT", f'"Shared Folders/secret@{DOMAIN}/INBOX"')[0], status)
    check("nor a name in the wrong one", status == command(bob, "SELECT", f'"Shared Folders/{address("alice")}/INBOX"')[0], status)
    check("bob has not become somebody", alice.getacl("Secret")[1][0].split()[1:] == [address("alice").encode(), b"lrswipkxtecda"], alice.getacl("Secret"))
    alice.logout()
    bob.logout()


def users_that_go(server):
    alice = imap(server, "alice")
    cli(server, "acl", "set", address("alice"), "INBOX", "bob", "lrswi")
    check("the command line lists it", f"INBOX\t{address('bob')}\tlrswi" in cli(server, "acl", "list", address("alice"), "INBOX"))
    cli(server, "user", "del", address("bob"))
    check("a user that is gone is in no list", "bob" not in cli(server, "acl", "list", address("alice")))
    cli(server, "group", "del", TEAM)
    check("nor a group", TEAM not in cli(server, "acl", "list", INFO), cli(server, "acl", "list", INFO))
    check("SETACL for nobody", alice.setacl("INBOX", "bob", "lr")[0] == "NO")
    alice.logout()


def main():
    template = Template(binary())
    server = Server(template, ["auth { allow_plain_without_tls = true }"])
    try:
        attempt("two users", two_users, server)
        attempt("a group", a_group, server)
        attempt("a shared account", a_shared_account, server)
        attempt("nothing leaks", nothing_leaks, server)
        attempt("users that go", users_that_go, server)
        check("SIGTERM ends it with 0", server.stop() is None)
        out = cli(server, "check", ok=False)
        check("check finds nothing", "0 faults found" in out and "note" not in out, out)
    finally:
        server.remove()
        template.remove()
    finish()


main()
