#!/usr/bin/env python3
"""Backup and restore, hot and whole, killed and encrypted; every message compared byte for byte.

    tests/e2e/backup.py PATH/TO/troika [SEED [SCENARIO...]]
"""
import hashlib
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time

import common
from common import DOMAIN, Server, Template, address, attempt, check, flip, until

SEED = int(common.sys.argv[2]) if len(common.sys.argv) > 2 else 20261126
RANDOM = random.Random(SEED)
WORK = common.scratch()
BIG = int(os.environ.get("TROIKA_BACKUP_MESSAGES", "6000"))     # of the store that is backed up while latency is measured
PASSPHRASE = "a long and secret phrase"


def run(binary, *args, ok=True):
    r = subprocess.run([binary, *map(str, args)], capture_output=True, timeout=300)
    if ok and r.returncode:
        raise AssertionError(f"troika {' '.join(map(str, args))}: status {r.returncode}: {r.stderr.decode()[-500:]}")
    return r


def backup(server, where, *args, ok=True):
    r = run(server.template.binary, "backup", "-d", server.data, where, *args, ok=ok)
    found = re.search(r"\((\d+) bytes\)", r.stdout.decode())
    return int(found.group(1)) if found else r


def serve(binary, data):
    """A server on a directory that is there."""
    t = Template.__new__(Template)
    t.binary, t.root, t.data = binary, WORK, data
    return Server(t, None)


def message(name, rnd, size=None):
    body = "".join(f"{rnd.random()} line of {name}\r\n" for _ in range(size or rnd.randrange(1, 120)))
    return (f"From: sender@example.net\r\nTo: {address('alice')}\r\nSubject: {name}\r\nMessage-ID: <{name}@example.net>\r\n"
            f"Date: Thu, 26 Nov 2026 15:04:05 +0000\r\n\r\n{body}").encode()


def everything(server, user):
    """What a user sees: mailboxes, subscriptions, rights, annotations, and of each message UID, flags, date and digest. UIDVALIDITY apart."""
    c = common.imap(server, user)
    names = sorted(re.search(rb'"/" "?([^"]*)"?$', line).group(1).decode() for line in c.list()[1])
    seen = {"subscribed": sorted(c.lsub()[1]), "listed": sorted(c.list()[1])}
    validity = {}
    for name in names:
        typ, _ = c.select(f'"{name}"', readonly=True)
        assert typ == "OK", name
        validity[name] = int(c.response("UIDVALIDITY")[1][0])
        seen[name, "next"] = c.response("UIDNEXT")[1][0]
        seen[name, "acl"] = c.getacl(f'"{name}"')[1]
        c.untagged_responses.pop("METADATA", None)
        c.xatom("GETMETADATA", f'"{name}"', "(/private/comment /shared/comment)")
        seen[name, "notes"] = c._untagged_response("OK", [None], "METADATA")[1]
        typ, data = c.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
        for item in data:
            if isinstance(item, tuple):
                head = item[0].decode()
                uid = int(re.search(r"UID (\d+)", head).group(1))
                flags = " ".join(sorted(w for w in re.search(r"FLAGS \(([^)]*)\)", head).group(1).split() if w != "\\Recent"))
                date = re.search(r'INTERNALDATE "([^"]*)"', head).group(1)
                seen[name, uid] = (flags, date, hashlib.sha256(item[1]).hexdigest())
    c.logout()
    return seen, validity


def difference(a, b):
    return [(k, a.get(k), b.get(k)) for k in sorted(set(a) | set(b), key=str) if a.get(k) != b.get(k)][:4]


def furnish(server):
    """Folders, flags, keywords, rights, annotations, an app password."""
    rnd = random.Random(SEED)
    c = common.imap(server)
    for name in ("Work", "Work/Old", '"Ma&APE-ana"', "Kept empty"):
        c.create(name if name.startswith('"') else f'"{name}"')
    c.subscribe('"Work/Old"')
    c.unsubscribe("Junk")
    for i in range(60):
        flags = rnd.choice(["", r"(\Seen)", r"(\Seen \Flagged $Forwarded)", r"(\Answered urgent)"])
        c.append(rnd.choice(["INBOX", "Work", '"Work/Old"']), flags, f'"{1 + i % 28:02}-Oct-2026 10:00:00 +0000"', message(f"kept{i}", rnd))
    c.append("INBOX", "", None, message("large", rnd, 150000))
    c.select("INBOX")
    c.store("2,4", "+FLAGS", r"(\Deleted)")
    c.expunge()
    c.copy("1:3", "Work")
    c.setacl("Work", address("bob"), "lrs")
    c.xatom("SETMETADATA", "Work", '(/private/comment "mine" /shared/comment "ours")')
    c.logout()
    out = run(server.template.binary, "app-password", "add", address("alice"), "phone", "imap", "-d", server.data).stdout.decode()
    return re.search(r"\b([a-z0-9]{4}(?:-?[a-z0-9]{4}){2,})\b", out)


class Load:
    """Four who send and two who append, until told to stop; what was acknowledged, and when."""

    def __init__(self, server):
        self.server, self.acknowledged, self.latency, self.stop = server, [], [], threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(i,)) for i in range(4)]
        self.threads += [threading.Thread(target=self.append, args=(i,)) for i in range(2)]
        for t in self.threads:
            t.start()

    def done(self, name, began):
        now = time.monotonic()
        self.acknowledged.append((now, name))
        self.latency.append((now, now - began))

    def send(self, i):
        rnd = random.Random(i)
        s = common.smtp(self.server)
        s.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        n = 0
        while not self.stop.is_set():
            n += 1
            name, to = f"sent{i}x{n}", ["alice", "bob"][n % 2]
            began = time.monotonic()
            s.sendmail("sender@example.net", [address(to)], message(name, rnd))
            self.done((to, name), began)
            time.sleep(0.005)
        s.quit()

    def append(self, i):
        rnd = random.Random(100 + i)
        c = common.imap(self.server, "bob")
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        n = 0
        while not self.stop.is_set():
            n += 1
            name = f"appended{i}x{n}"
            began = time.monotonic()
            c.append("INBOX", "", None, message(name, rnd))
            self.done(("bob", name), began)
            time.sleep(0.005)
        c.logout()

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()

    def quantiles(self, since, until):
        v = sorted(ms for at, ms in self.latency if since <= at < until)
        return tuple(round(1000 * v[int(len(v) * q)], 1) for q in (0.5, 0.95, 0.99)) if v else None


def subjects_in(server, user, mailbox):
    c = common.imap(server, user)
    c.select(mailbox, readonly=True)
    typ, data = c.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    c.logout()
    return [item[1].decode().split(":", 1)[1].strip() for item in data if isinstance(item, tuple)]


def subjects(server, user): return set(subjects_in(server, user, "INBOX"))


def hot(server, app_password):
    """While mail comes in: what was acknowledged before the run began is in it, and nobody waits much longer."""
    where = WORK / "hot"
    load = Load(server)
    until(lambda: len(load.acknowledged) > 100)
    began = before = time.monotonic()
    while before < began + 4:
        before = time.monotonic()
        backup(server, where)
    load.end()
    promised = {name for at, name in load.acknowledged if at < before}
    binary = server.template.binary
    run(binary, "restore", where, "-d", WORK / "hot-restored")
    check("hot: troika check finds nothing", run(binary, "check", "-d", WORK / "hot-restored", ok=False).returncode == 0)
    restored = serve(binary, WORK / "hot-restored")
    there = {(user, s) for user in ("alice", "bob") for s in subjects(restored, user)}
    check(f"hot: all {len(promised)} messages acknowledged before the run are in it", promised and not promised - there, sorted(promised - there)[:5])
    restored.remove()


def lost_directory(server, app_password):
    """The file with the users of a backup is gone: every account comes back, what has no name is told, and the exit status says so. An account whose user is known today is restored too."""
    server = Server(server.template, None)
    binary, where, whole = server.template.binary, WORK / "lost-directory", WORK / "lost-directory-restored"
    for user in ("alice", "bob", "carol"):
        c = common.imap(server, user)
        c.append("INBOX", "", None, message(f"of-{user}", RANDOM))
        c.logout()
    backup(server, where)
    before = set((where / "packs").iterdir())
    run(binary, "alias", "add", f"postmaster@{DOMAIN}", address("alice"), "-d", server.data)
    backup(server, where)                                   # nothing but the directory has changed
    fresh = set((where / "packs").iterdir()) - before
    check("lost directory: its pack is known", len(fresh) == 1, fresh)
    for f in fresh:
        f.unlink()
    r = run(binary, "restore", where, "-d", whole, ok=False)
    told = r.stderr.decode()
    check("lost directory: the rest is restored, and that is told", r.returncode == 3 and "damaged in the backup" in told and told.count("troika user adopt NAME") == 3, (r.returncode, told))
    numbers = re.findall(r"troika user adopt NAME (\d+)", told)
    found = set()
    for number in numbers:
        who = subprocess.run([binary, "user", "adopt", f"found{number}@{DOMAIN}", number, "-d", str(whole), "--password-file", "-"],
                             input=b"some long password\n", capture_output=True, timeout=60)
        if who.returncode and b"domain" in who.stderr:
            run(binary, "domain", "add", DOMAIN, "-d", whole)
            who = subprocess.run([binary, "user", "adopt", f"found{number}@{DOMAIN}", number, "-d", str(whole), "--password-file", "-"],
                                 input=b"some long password\n", capture_output=True, timeout=60)
        check(f"lost directory: account {number} gets a user", who.returncode == 0, who.stderr)
        common.USERS[f"found{number}"] = "some long password"
    restored = serve(binary, whole)
    for number in numbers:
        found |= subjects(restored, f"found{number}")
        del common.USERS[f"found{number}"]
    check("lost directory: the mail is there", found == {"of-alice", "of-bob", "of-carol"}, found)
    restored.stop()
    check("lost directory: troika check finds nothing", run(binary, "check", "-d", whole, ok=False).returncode == 0)
    restored.remove()
    c = common.imap(server, "bob")
    c.select("INBOX")
    c.store("1:*", "+FLAGS", r"(\Deleted)")
    c.close()
    c.logout()
    r = run(binary, "restore", where, "-d", server.data, "--user", address("bob"), ok=False)
    check("lost directory: a user of today gets back what is his", r.returncode == 0 and "of-bob" in subjects(server, "bob"), (r.stdout, r.stderr))
    r = run(binary, "restore", where, "--list", ok=False)
    check("lost directory: the list says that it is not all", r.returncode == 3 and b"not all users" in r.stderr, r.stderr)
    server.remove()


def rotten_record(server, app_password):
    """A user's record is damaged in the store: all else is backed up, and run, verification, list and restores say what is missing, until it is mended."""
    server = Server(server.template, None)
    binary, data, where, restored = server.template.binary, server.data, WORK / "rotten-record", WORK / "rotten-record-restored"
    for user in ("alice", "carol"):
        c = common.imap(server, user)
        c.append("INBOX", "", None, message(f"of-{user}", RANDOM))
        c.logout()
    server.stop()
    backup(server, where)
    run(binary, "alias", "add", f"sales@{DOMAIN}", address("alice"), "-d", data)
    flip(data, f"u{DOMAIN}".encode() + b"\0carol\x01")
    r = run(binary, "backup", "-d", data, where, "--verify", ok=False)
    said = r.stdout.decode() + r.stderr.decode()
    check("rotten record: the rest is backed up, and the status says that it is not all", r.returncode == 3 and "3 accounts" in said, (r.returncode, said))
    check("rotten record: its name is told", f"u{DOMAIN}.carol" in r.stderr.decode(), said)
    check("rotten record: the backup is verified all the same", "0 faults found in the backup" in said and "is not whole: 0 bodies and 1 records" in said, said)
    r = run(binary, "backup", where, "--verify", ok=False)
    check("rotten record: who verifies is told", r.returncode == 3 and b"is not whole: 0 bodies and 1 records" in r.stdout, (r.returncode, r.stdout))
    check("rotten record: the list tells it", b"with losses" in run(binary, "backup", where, "--list").stdout.splitlines()[-1])
    r = run(binary, "restore", where, "-d", restored, ok=False)
    told = r.stderr.decode()
    check("rotten record: a restore brings the rest, and tells it", r.returncode == 3 and "could not be read when this backup was made" in told and told.count("troika user adopt NAME") == 1,
          (r.returncode, told))
    check("rotten record: troika check finds nothing in it", run(binary, "check", "-d", restored, ok=False).returncode == 0)
    r = run(binary, "restore", where, "--list", ok=False)
    check("rotten record: the list of users says that it is not all", r.returncode == 3 and b"not all users" in r.stderr and b"alice" in r.stdout and b"carol" not in r.stdout, r)
    r = run(binary, "restore", where, "-d", data, "--user", address("carol"), ok=False)
    check("rotten record: she is not in it, and that is said", r.returncode == 1 and b"another moment may have it" in r.stderr, r)
    run(binary, "check", "--repair", "-d", data, ok=False)
    r = run(binary, "backup", "-d", data, where)
    r = run(binary, "backup", where, "--verify", ok=False)
    check("rotten record: after the repair it is whole again", r.returncode == 0 and r.stdout.count(b"is not whole") == 1, r)
    server.remove()
    shutil.rmtree(restored)


def one_moment(server, app_password):
    """One client appends to alice, then to bob, each when the one before is acknowledged: in no backup is bob ahead of alice, or more than one message behind."""
    server = Server(server.template, None)
    binary, stop, done = server.template.binary, threading.Event(), [0]

    def alternate():
        clients = [common.imap(server, "alice"), common.imap(server, "bob")]
        while not stop.is_set():
            for c in clients:
                c.append("INBOX", "", None, message(f"turn{done[0] + 1}", RANDOM, 100))
            done[0] += 1
        for c in clients:
            c.logout()

    thread = threading.Thread(target=alternate)
    thread.start()
    runs = []
    for i in range(3):
        while done[0] < 20 * (i + 1) and thread.is_alive():
            time.sleep(0.01)
        before = done[0]
        out = run(binary, "backup", "-d", server.data, WORK / "one-moment", "--rate", "1M").stdout.decode()
        runs.append((before, done[0], out))
    stop.set()
    thread.join()
    ids = [line.split()[0] for line in run(binary, "backup", WORK / "one-moment", "--list").stdout.decode().splitlines()]
    for at, (before, after, out) in zip(ids, runs):
        where = WORK / f"one-moment-{at}"
        run(binary, "restore", WORK / "one-moment", "-d", where, "--at", at, "--unchanged")
        restored = serve(binary, where)
        alice, bob = (sorted(int(s[4:]) for s in subjects(restored, user)) for user in ("alice", "bob"))
        check(f"one moment: {len(alice)} and {len(bob)} of {before} to {after} turns", len(alice) - len(bob) in (0, 1) and len(bob) >= before and
              alice == list(range(1, len(alice) + 1)) and bob == list(range(1, len(bob) + 1)), (alice[-3:], bob[-3:]))
        check("one moment: and it says so", "all at one moment" in out, out)
        restored.remove()
        shutil.rmtree(where)
    server.remove()


def latency(server, app_password):
    """How long an acknowledgement takes while a whole backup of a larger store runs; told, not judged: others use the machine too."""
    server = Server(server.template, None)
    binary, big = server.template.binary, WORK / "big.mbox"
    rnd = random.Random(SEED)
    with open(big, "wb") as f:
        for i in range(BIG):
            f.write(b"From x@example.net Thu Nov 26 15:04:05 2026\n" + message(f"big{i}", rnd, 60).replace(b"\r\n", b"\n") + b"\n")
    run(binary, "import", "-d", server.data, "--user", address("carol"), "--mailbox", "Big", big)
    load = Load(server)
    time.sleep(1)
    began = time.monotonic()
    time.sleep(4)
    quiet_until = time.monotonic()
    rounds = 0
    while time.monotonic() < quiet_until + 4:
        backup(server, WORK / f"latency{rounds}")          # each a first one: everything is read and written
        rounds += 1
    ended = time.monotonic()
    load.end()
    quiet, busy = load.quantiles(began, quiet_until), load.quantiles(quiet_until, ended)
    print(f"     an acknowledged message takes, ms (p50, p95, p99): {quiet}; while {rounds} first backups of {BIG} messages run: {busy}")
    for i in range(rounds):
        shutil.rmtree(WORK / f"latency{i}")
    big.unlink()
    server.remove()


def taken_up(server, app_password):
    """What a killed run wrote is not read again: 90 MB, killed when it has noted that it has 64 of them."""
    server = Server(server.template, None)
    binary, where = server.template.binary, WORK / "taken-up"
    c = common.imap(server, "carol")
    c.create("Large")
    for i in range(30):
        c.append("Large", "", None, message(f"huge{i}", RANDOM, 100) + os.urandom(3 << 20).replace(b"\r", b"r").replace(b"\n", b"n").replace(b"\0", b"0"))
    c.logout()
    for tries in range(6):                                   # a machine that is busy elsewhere may see the note too late
        p = subprocess.Popen([binary, "backup", "-d", str(server.data), str(where), "--rate", "20M"], stdout=subprocess.DEVNULL)
        while p.poll() is None and not [f for f in (server.data / "backup").glob("*") if f.suffix != ".new"]:
            time.sleep(0.005)
        p.kill()
        if p.wait() < 0:
            break
        where = WORK / f"taken-up-{tries}"
    out = run(binary, "backup", "-d", server.data, where).stdout.decode()
    read = float(re.search(r"read \d+ bodies, ([\d.]+) MB", out).group(1))
    check("taken up: the next run reads less than was there", 0 < read < 60, out)
    check("taken up: and is whole", run(binary, "backup", where, "--verify", ok=False).returncode == 0)
    run(binary, "restore", where, "-d", WORK / "taken-up-restored")
    check("taken up: troika check finds nothing", run(binary, "check", "-d", WORK / "taken-up-restored", ok=False).returncode == 0)
    restored = serve(binary, WORK / "taken-up-restored")
    check("taken up: carol sees the same", everything(restored, "carol")[0] == everything(server, "carol")[0])
    restored.remove()
    shutil.rmtree(WORK / "taken-up-restored")
    server.remove()


def whole(server, app_password):
    binary, where = server.template.binary, WORK / "whole"
    first = backup(server, where)
    then = {u: everything(server, u) for u in ("alice", "bob", "carol")}
    again = backup(server, where)
    check("whole: a second run of the same grows by next to nothing", again < 40000, f"{first} bytes, then {again}")
    c = common.imap(server)
    c.append("INBOX", "", None, message("one-more", RANDOM))
    c.logout()
    third = backup(server, where)
    check("whole: one message more costs little", third < first / 4, f"{first} bytes, then {third}")
    check("whole: the backup is sound", run(binary, "backup", where, "--verify", ok=False).returncode == 0)
    at = run(binary, "backup", where, "--list").stdout.decode().split()[0]
    run(binary, "restore", where, "-d", WORK / "moved", "--at", at, "--unchanged")
    run(binary, "restore", where, "-d", WORK / "anew", "--at", at)
    r = run(binary, "restore", where, "-d", WORK / "anew", ok=False)
    check("whole: a directory that is there is left alone", r.returncode == 1 and b"is there already" in r.stderr, r.stderr)
    for name in ("moved", "anew"):
        check(f"{name}: troika check finds nothing", run(binary, "check", "-d", WORK / name, ok=False).returncode == 0)
        for file in ("troika.conf", "tls/self-signed.key"):
            check(f"{name}: {file} is the same", (WORK / name / file).read_bytes() == (server.data / file).read_bytes())
        restored = serve(binary, WORK / name)
        for user, (seen, validity) in then.items():
            now, validity_now = everything(restored, user)
            check(f"{name}: {user} sees the same", now == seen, difference(seen, now))
            if name == "moved":
                check(f"{name}: {user}'s UIDVALIDITYs stay", validity == validity_now, difference(validity, validity_now))
            else:
                check(f"{name}: {user}'s UIDVALIDITYs are greater, each another", all(validity_now[k] > validity[k] for k in validity)
                      and len(set(validity_now.values())) == len(validity_now), validity_now)
        if check(f"{name}: the app password is known here", app_password is not None):
            m = common.imaplib.IMAP4("127.0.0.1", restored.port["imap"])
            check(f"{name}: and works", m.login(address("alice"), app_password.group(1))[0] == "OK")
            m.logout()
        s = common.smtp(restored)
        s.sendmail("x@example.net", [address("carol")], message("after", RANDOM))
        s.quit()
        check(f"{name}: mail comes in", "after" in subjects(restored, "carol"))
        restored.stop()
        restored.remove()


def waiting(server, app_password):
    """Mail that waits, and deleted mail, are in it; what waits is held in a directory whose past is not known, and is not where nothing happened since."""
    binary, where = server.template.binary, WORK / "waiting"
    s = common.smtplib.SMTP("127.0.0.1", server.port["submission"], local_hostname="client.example.net", timeout=common.PATIENCE)
    s.starttls(context=common.TLS)
    s.login(address("bob"), common.USERS["bob"])
    s.sendmail(address("bob"), ["somebody@nowhere.invalid"], message("waits", RANDOM).replace(b"sender@example.net", address("bob").encode()),
               mail_options=["HOLDFOR=3600"])                # RFC 4865
    s.quit()
    until(lambda: b"somebody@nowhere" in run(binary, "queue", "list", "-d", server.data).stdout)
    backup(server, where)
    waits = b"somebody@nowhere" in run(binary, "queue", "list", "-d", server.data).stdout
    deleted = run(binary, "undelete", "list", address("alice"), "-d", server.data).stdout
    run(binary, "restore", where, "-d", WORK / "waiting-anew")
    run(binary, "restore", where, "-d", WORK / "waiting-moved", "--unchanged")
    held = [b"somebody@nowhere" in run(binary, "queue", "list", "--held", "-d", WORK / f"waiting-{n}").stdout for n in ("anew", "moved")]
    listed = [b"somebody@nowhere" in run(binary, "queue", "list", "-d", WORK / f"waiting-{n}").stdout for n in ("anew", "moved")]
    check("waiting: held where more may have happened, and only there", waits and held == [True, False] and listed == [True, True], (waits, held, listed))
    check("waiting: deleted mail is there to be undeleted", deleted.count(b"\n") > 0, deleted)
    for n in ("anew", "moved"):
        there = run(binary, "undelete", "list", address("alice"), "-d", WORK / f"waiting-{n}").stdout
        check(f"waiting: and is the same, {n}", there == deleted, (there, deleted))
        check(f"waiting: troika check finds nothing, {n}", run(binary, "check", "-d", WORK / f"waiting-{n}", ok=False).returncode == 0)


def killed(server, app_password):
    binary, where = server.template.binary, WORK / "killed"
    spent = []
    for i in range(12):
        p = subprocess.Popen([binary, "backup", "-d", str(server.data), str(where)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()
        delay = RANDOM.uniform(0, 0.4)
        try:
            p.wait(delay)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            spent.append(time.monotonic() - began)
    backup(server, where)
    check(f"killed: after {len(spent)} runs were killed, one is whole", run(binary, "backup", where, "--verify", ok=False).returncode == 0)
    then = everything(server, "alice")[0]
    kills = 0
    for i in range(8):
        p = subprocess.Popen([binary, "restore", str(where), "-d", str(WORK / "killed-restored")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            p.wait(RANDOM.uniform(0, 0.25))
            break
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            kills += 1
            if (WORK / "killed-restored").exists():                         # it was done, but for its end: looked at below
                break
    if not (WORK / "killed-restored").exists():
        run(binary, "restore", where, "-d", WORK / "killed-restored")
    check("killed: nothing half has the name, nothing is left behind", not (WORK / "killed-restored.restoring").exists())
    check(f"killed: after {kills} restores were killed, one is whole", run(binary, "check", "-d", WORK / "killed-restored", ok=False).returncode == 0)
    restored = serve(binary, WORK / "killed-restored")
    check("killed: alice sees the same", everything(restored, "alice")[0] == then)
    restored.remove()


def encrypted(server, app_password):
    binary, where = server.template.binary, WORK / "encrypted"
    good, bad = WORK / "good", WORK / "bad"
    good.write_text(PASSPHRASE + "\n")
    bad.write_text("something else here\n")
    backup(server, where, "--passphrase-file", good)
    backup(server, where, "--passphrase-file", good)
    for what, args in (("a wrong passphrase", ["--passphrase-file", bad]), ("none", [])):
        for r in (run(binary, "restore", where, "-d", WORK / "no", *args, ok=False), run(binary, "backup", where, "--list", *args, ok=False),
                  run(binary, "backup", "-d", server.data, where, *args, ok=False)):
            check(f"encrypted: with {what} it says so", r.returncode == 1 and b"passphrase" in r.stderr, r.stderr)
    check("encrypted: and made nothing", not (WORK / "no").exists() and not (WORK / "no.restoring").exists())
    clear = [f for f in where.rglob("*") if f.is_file() and any(w in f.read_bytes() for w in (b"line of kept", b"example.org", b"alice"))]
    check("encrypted: nothing is readable", not clear, clear)
    run(binary, "restore", where, "-d", WORK / "decrypted", "--passphrase-file", good)
    check("encrypted: troika check finds nothing", run(binary, "check", "-d", WORK / "decrypted", ok=False).returncode == 0)


def refused(server, app_password):
    binary = server.template.binary
    for inside in (server.data / "here", f"{server.data}/", server.data / "store"):
        r = run(binary, "backup", "-d", server.data, inside, ok=False)
        check("refused: a backup inside what it backs up", r.returncode == 1 and b"belongs elsewhere" in r.stderr, r.stderr)
    check("refused: nothing to restore", run(binary, "restore", WORK / "nowhere", "-d", WORK / "x", ok=False).returncode == 1)
    (WORK / "other").mkdir()
    (WORK / "other" / "file").write_text("somebody's")
    r = run(binary, "backup", "-d", server.data, WORK / "other", ok=False)
    check("refused: a directory of somebody's", r.returncode == 1 and (WORK / "other" / "file").exists(), r.stderr)
    for words in ("", "-d", "x y", "x --prune", "x --keep-daily 3", "x --rate fast", "x --nonsense"):
        check(f"refused: backup {words}", run(binary, "backup", *words.split(), ok=False).returncode == 2)


def odd(server, app_password):
    """A user named twice, an empty passphrase, a newest snapshot that cannot be read."""
    server = Server(server.template, None)
    binary, data, where = server.template.binary, server.data, WORK / "odd"
    server.stop()
    run(binary, "backup", "-d", data, where, "--user", address("alice"), "--user", address("bob"), "--user", address("Alice"))
    r = run(binary, "restore", where, "--list", "--user", address("alice"), ok=False)
    check("odd: a snapshot of a user who was named twice can be read", r.returncode == 0 and b"INBOX" in r.stdout, r)
    empty = WORK / "empty-passphrase"
    empty.write_text("\n")
    r = run(binary, "backup", "-d", data, WORK / "odd-secret", "--passphrase-file", empty, ok=False)
    check("odd: an empty passphrase does not make a backup that is not encrypted", r.returncode == 1 and b"is empty" in r.stderr and not (WORK / "odd-secret").exists(), r)
    backup(server, where)
    backup(server, where)
    newest = sorted((where / "snapshots").iterdir(), key=lambda p: (p.name[:16], len(p.name), p.name))[-1]
    sound = newest.read_bytes()
    newest.write_bytes(sound[:130] + bytes([sound[130] ^ 1]) + sound[131:])
    for words in (("--list",), ("-d", WORK / "odd-restored"), ("-d", data, "--user", address("bob"))):
        r = run(binary, "restore", where, *words, ok=False)
        check(f"odd: restore {words[0]} {words[-1]} says that a newer one cannot be read", r.returncode == 3 and newest.name.encode() in r.stderr, r)
    newest.write_bytes(sound)
    check("odd: a listed snapshot was made when its name says", b"made at" not in run(binary, "backup", where, "--list").stdout)
    shutil.rmtree(WORK / "odd-restored")
    server.remove()


def given(server, app_password):
    """Restored by root for somebody: nothing of it stays root's, or the server would not start."""
    if os.geteuid() != 0:
        common.skip("given", "needs root")
        return
    WORK.chmod(0o755)
    backup(server, WORK / "given")
    run(server.template.binary, "restore", "-d", WORK / "given-restored", WORK / "given", "--owner", "nobody")
    found = list((WORK / "given-restored").rglob("*")) + [WORK / "given-restored"]
    check("with --owner all is the owner's, the audit trail too", any(f.parent.name == "audit" for f in found) and all(f.lstat().st_uid == 65534 for f in found),
          [str(f) for f in found if f.lstat().st_uid != 65534])


def pruned(server, app_password):
    binary, where = server.template.binary, WORK / "pruned"
    for i in range(4):
        c = common.imap(server, "carol")
        c.append("INBOX", "", None, message(f"pruned{i}", RANDOM, 3000))
        c.logout()
        backup(server, where)
    run(binary, "backup", where, "--prune", "--keep-last", "1")
    left = run(binary, "backup", where, "--list").stdout.decode().splitlines()
    check("pruned: one snapshot is left", len(left) == 1, left)
    r = run(binary, "backup", "-d", server.data, where, "--prune", "--keep-last", "2", "--verify", ok=False)
    check("pruned: run, prune and verify at once", r.returncode == 0 and b"2 snapshots kept" in r.stdout, r.stdout)
    run(binary, "restore", where, "-d", WORK / "after-pruning")
    check("pruned: what is left is whole", run(binary, "check", "-d", WORK / "after-pruning", ok=False).returncode == 0)


class Client:
    """A client with QRESYNC (RFC 7162) that keeps what it was told, and is compared with a fresh look."""

    def __init__(self, server, user):
        self.c = common.imap(server, user)
        self.c.xatom("ENABLE", "QRESYNC")
        self.known, self.validity, self.modseq = {}, None, None

    def lines(self, name, *args):
        tag = self.c._command(name, *args)
        out = []
        while True:
            line = self.c._get_line()
            if line.startswith(tag):
                assert b" OK" in line[:len(tag) + 4], line
                return out + [line]
            out.append(line)
            while (m := re.search(rb"\{(\d+)\}$", line)) is not None:
                self.c.read(int(m.group(1)))
                line = self.c._get_line()
                out.append(line)

    def learn(self, lines):
        for line in lines:
            if m := re.search(rb"\* VANISHED(?: \(EARLIER\))? ([\d:,]+)", line):
                for part in m.group(1).decode().split(","):
                    lo, _, hi = part.partition(":")
                    for uid in [u for u in self.known if int(lo) <= u <= int(hi or lo)]:
                        del self.known[uid]
            elif m := re.search(rb"FETCH \(.*?UID (\d+).*?FLAGS \(([^)]*)\)", line) or re.search(rb"FETCH \(.*?UID (\d+)()", line):
                if b"FLAGS" in line:
                    flags = re.search(rb"FLAGS \(([^)]*)\)", line).group(1)
                    self.known[int(m.group(1))] = frozenset(w for w in flags.split() if w != rb"\Recent")
            if m := re.search(rb"HIGHESTMODSEQ (\d+)", line):
                self.modseq = int(m.group(1))
            if m := re.search(rb"MODSEQ \((\d+)\)", line):
                self.modseq = max(self.modseq or 0, int(m.group(1)))

    def select(self, name):
        """First all, later what changed since."""
        q = f" (QRESYNC ({self.validity} {self.modseq}))" if self.validity else ""
        lines = self.lines("SELECT", f'"{name}"' + q)
        self.c.state = "SELECTED"
        validity = next(int(m.group(1)) for line in lines if (m := re.search(rb"UIDVALIDITY (\d+)", line)))
        if validity != self.validity:
            self.known, self.validity = {}, validity
            lines += self.lines("UID", "FETCH 1:* (FLAGS)")
        self.learn(lines)

    def noop(self):
        # new messages are told by EXISTS; a client asks for what it does not know
        self.learn(self.lines("NOOP"))
        self.learn(self.lines("UID", f"FETCH {max(self.known, default=0) + 1}:* (FLAGS)"))

    def truth(self, server, user, name):
        c = common.imap(server, user)
        c.select(f'"{name}"', readonly=True)
        _, data = c.uid("FETCH", "1:*", "(FLAGS)")
        c.logout()
        out = {}
        for line in data:
            if line:
                flags = re.search(rb"FLAGS \(([^)]*)\)", line).group(1)
                out[int(re.search(rb"UID (\d+)", line).group(1))] = frozenset(w for w in flags.split() if w != rb"\Recent")
        return out


def contents(seen, name):
    """The messages of a mailbox without their UIDs."""
    return sorted(v for (k, v) in seen.items() if isinstance(k, tuple) and k[0] == name and isinstance(k[1], int))


def parts(server, app_password):
    binary, where = server.template.binary, WORK / "parts"
    backup(server, where)
    at = run(binary, "backup", where, "--list").stdout.decode().split()[0]
    then, validity = everything(server, "alice")

    def restore(*args, ok=True):
        return run(binary, "restore", where, "-d", server.data, "--at", at, *args, ok=ok)

    # two clients look on, one in each mailbox that suffers
    looking = [Client(server, "alice"), Client(server, "alice")]
    away = Client(server, "alice")
    looking[0].select("INBOX")
    looking[1].select("Work")
    away.select("INBOX")
    away.c.logout()
    c = common.imap(server)
    c.select("INBOX")
    c.store("1:10", "+FLAGS", r"(\Deleted)")
    c.expunge()
    c.store("1:3", "FLAGS", r"(\Draft)")
    c.append("INBOX", "", None, message("came-later", RANDOM))
    c.close()
    c.delete('"Work/Old"')
    c.create("Later")
    c.logout()
    out = restore("--user", address("alice")).stdout
    now, validity_now = everything(server, "alice")
    check("account: a mailbox that was deleted is back", contents(now, "Work/Old") == contents(then, "Work/Old"), out)
    check("account: every message of then is there again", {d for _, _, d in contents(then, "INBOX")} <= {d for _, _, d in contents(now, "INBOX")})
    check("account: what came later is there too", len(contents(now, "INBOX")) == len(contents(then, "INBOX")) + 1 and "Later" in validity_now, out)
    check("account: UIDVALIDITY stays where the mailbox was", validity_now["INBOX"] == validity["INBOX"] and validity_now["Work"] == validity["Work"])
    check("account: and is greater where it was not", validity_now["Work/Old"] > validity["Work/Old"])
    again = restore("--user", address("alice")).stdout
    check("account: once more changes nothing", b"0 messages restored" in again and everything(server, "alice")[0] == now, again)
    for i, name in enumerate(("INBOX", "Work")):
        looking[i].noop()
        check(f"account: a client in {name} sees the same", looking[i].known == looking[i].truth(server, "alice", name),
              difference(looking[i].known, looking[i].truth(server, "alice", name)))

    out = restore("--user", address("alice"), "--exact").stdout
    now = everything(server, "alice")[0]
    check("exact: INBOX is as it was", contents(now, "INBOX") == contents(then, "INBOX"), out)
    check("exact: all mailboxes and subscriptions are", all(now[k] == then[k] for k in ("subscribed", "listed")), (now["listed"], then["listed"]))
    check("exact: rights and annotations are", all(now[k] == then[k] for k in then if isinstance(k, tuple) and k[1] in ("acl", "notes")),
          difference({k: v for k, v in then.items() if k[1] in ("acl", "notes")}, {k: v for k, v in now.items() if k[1] in ("acl", "notes")}))
    listed = run(binary, "backup", where, "--list").stdout.decode()
    check("exact: the account as it was before is in the backup", address("alice") in listed, listed)
    for i, name in enumerate(("INBOX", "Work")):
        looking[i].noop()
        check(f"exact: a client in {name} sees the same", looking[i].known == looking[i].truth(server, "alice", name),
              difference(looking[i].known, looking[i].truth(server, "alice", name)))
        looking[i].c.logout()
    away.c = common.imap(server)
    away.c.xatom("ENABLE", "QRESYNC")
    away.select("INBOX")
    check("exact: a client that was away resynchronises", away.known == away.truth(server, "alice", "INBOX"),
          difference(away.known, away.truth(server, "alice", "INBOX")))
    away.c.logout()

    restore("--user", address("alice"), "--mailbox", "Work", "--into", "Restored/Work")
    now = everything(server, "alice")[0]
    check("mailbox: beside it", contents(now, "Restored/Work") == contents(then, "Work"))
    c = common.imap(server)
    c.delete('"Work"')
    c.logout()
    restore("--user", address("alice"), "--mailbox", "Work")
    now, validity_now = everything(server, "alice")
    check("mailbox: in its place", contents(now, "Work") == contents(then, "Work") and now["Work", "acl"] == then["Work", "acl"] and
          validity_now["Work"] > validity["Work"], (now["Work", "acl"], then["Work", "acl"]))

    shown = run(binary, "restore", where, "--list", "--user", address("alice"), "--mailbox", "INBOX", "--search-subject", "large", "--at", at).stdout.decode()
    uid = shown.split()[0]
    check("message: it is listed", len(shown.splitlines()) == 1 and "large" in shown, shown)
    for wish in (["--mailbox", "INBOX", "--message", uid], ["--message", "<large@example.net>"], ["--search-subject", "LARG"]):
        restore("--user", address("alice"), *wish, "--into", "One")
        one = contents(everything(server, "alice")[0], "One")
        check(f"message: by {wish[-2]} {wish[-1]}", len(one) == 1 and one[0] in contents(then, "INBOX"), one)
    check("message: an unknown one", restore("--user", address("alice"), "--message", "<no@such>", ok=False).returncode == 1)
    check("mailbox: an unknown one", b"no mailbox Nowhere then" in restore("--user", address("alice"), "--mailbox", "Nowhere", ok=False).stderr)
    check("account: an unknown one", b"there was no user" in restore("--user", "nobody@example.org", ok=False).stderr)
    shown = run(binary, "restore", where, "--list").stdout.decode()
    check("list: users", address("alice") in shown and address("carol") in shown, shown)
    shown = run(binary, "restore", where, "--list", "--user", address("alice"), "--at", at).stdout.decode()
    check("list: mailboxes", "Work/Old" in shown and "INBOX" in shown, shown)

    restore("--user", address("alice"), "--as", "dora@example.org")
    m = common.imaplib.IMAP4("127.0.0.1", server.port["imap"])
    m.login("dora@example.org", common.USERS["alice"])
    m.logout()
    common.USERS["dora"] = common.USERS["alice"]
    beside = everything(server, "dora")[0]
    check("beside: another account has the same", all(contents(beside, n) == contents(then, n) for n in ("INBOX", "Work", "Work/Old", "Ma&APE-ana")))
    run(binary, "user", "del", address("alice"), "-d", server.data)
    restore("--user", address("alice"))
    now = everything(server, "alice")[0]
    check("deleted user: made again, with the old password", all(contents(now, n) == contents(then, n) for n in ("INBOX", "Work", "Work/Old")))
    m = common.imaplib.IMAP4("127.0.0.1", server.port["imap"])
    check("deleted user: and the old app password", m.login(address("alice"), app_password.group(1))[0] == "OK")
    m.logout()
    r = run(binary, "check", "-d", server.data, ok=False)
    check("parts: troika check finds nothing", r.returncode == 0, r.stdout[-400:])
    for words in ("--mailbox x", "--user a --user b", "--user a --unchanged", "--user a --into x", "--user a --exact --as b", "--exact"):
        check(f"refused: restore {words}", restore(*words.split(), ok=False).returncode == 2)


def killed_parts(server, app_password):
    """A restore of an account in its place, killed at any moment of it and begun again, ends as one that was not killed: each message once (and those that were there twice, twice),
    rights and annotations of then; with --exact, also nothing else."""
    server = Server(server.template, None)
    binary, where, names = server.template.binary, WORK / "killed-parts", ("INBOX", "Work", "Work/Deep", "Other")
    c = common.imap(server, "carol")
    for name in names[1:]:
        c.create(name)
    twice = message("twice", RANDOM)
    for i in range(240):
        flags = RANDOM.choice(["", r"(\Seen)", r"(\Flagged urgent)", "($Forwarded)"])
        text = twice if i % 40 < 2 else message(f"many{i}", RANDOM)
        c.append(names[i % 4 if i % 40 >= 2 else 0], flags, '"07-Feb-2026 10:00:00 +0000"' if text is twice else None, text)
    c.setacl("Work", address("bob"), "lrs")
    c.select("INBOX")                                       # Python sends no other commands before
    c.xatom("SETMETADATA", "Work", '(/private/comment "mine" /shared/comment "ours")')
    c.subscribe("Other")
    c.logout()
    backup(server, where)
    then = everything(server, "carol")[0]

    def spoil():
        c = common.imap(server, "carol")
        if int(c.select("INBOX")[1][0]):
            c.store("1:*", "+FLAGS", r"(\Deleted)")
        c.close()
        for name in ("Work/Deep", "Work", "Later"):
            c.delete(name)
        c.select("Other")
        c.store("1:20", "FLAGS", r"(\Draft)")
        c.append("Other", "", None, message("came-later", RANDOM))
        c.close()
        c.create("Later")
        c.unsubscribe("Other")
        c.logout()

    def restore(*args):
        return [binary, "restore", str(where), "-d", str(server.data), "--user", address("carol"), *args]

    for kind in ((), ("--exact",)):
        spoil()
        began = time.monotonic()
        run(*restore(*kind))
        took, kills, rounds = time.monotonic() - began, 0, 0
        while kills < 8 and rounds < 16:
            rounds += 1
            if kills % 4 == 0:
                spoil()
            p = subprocess.Popen(restore(*kind), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                p.wait(RANDOM.uniform(0.1, 1.1) * took)
            except subprocess.TimeoutExpired:
                p.kill()
                kills += 1
            p.wait()
        out = run(*restore(*kind)).stdout.decode()
        now, what = everything(server, "carol")[0], " ".join(kind) or "what is missing"
        if kind:
            wrong = [n for n in names if contents(now, n) != contents(then, n)]
            check(f"killed parts, {what}: after {kills} kills all is as it was", not wrong and now["listed"] == then["listed"] and now["subscribed"] == then["subscribed"],
                  (wrong, [(len(contents(now, n)), len(contents(then, n))) for n in names], now["listed"], out))
        else:
            texts = lambda seen, n: sorted(d for _, _, d in contents(seen, n))              # noqa: E731
            wrong = [n for n in names[:3] if texts(now, n) != texts(then, n)]
            extra = len(contents(now, "Other")) - len(contents(then, "Other"))
            check(f"killed parts, {what}: after {kills} kills each message of then is there as often as it was", not wrong and set(texts(then, "Other")) <= set(texts(now, "Other")),
                  (wrong, [(len(contents(now, n)), len(contents(then, n))) for n in names], out))
            check(f"killed parts, {what}: and what came later, once", extra == sum(1 for s in subjects_in(server, "carol", "Other") if s == "came-later"), extra)
        check(f"killed parts, {what}: rights and annotations", now["Work", "acl"] == then["Work", "acl"] and now["Work", "notes"] == then["Work", "notes"],
              (now["Work", "acl"], then["Work", "acl"], now["Work", "notes"]))
        again = run(*restore(*kind)).stdout.decode()
        check(f"killed parts, {what}: nothing is left to do", again.count("0 messages restored") == 1 and everything(server, "carol")[0] == now, again)
    listed = run(binary, "backup", where, "--list").stdout.decode()
    check("killed parts: what was there before each is in the backup, and marked", "before a restore" in listed, listed)
    r = run(binary, "check", "-d", server.data, ok=False)
    check("killed parts: troika check finds nothing", r.returncode == 0, r.stdout[-400:])
    server.remove()


def killed_beside(server, app_password):
    """restore --as, killed at any moment: it is told until it is done, and done again it leaves one user with one account in which each message is once."""
    server = Server(server.template, None)
    binary, data, where = server.template.binary, server.data, WORK / "killed-beside"
    c = common.imap(server, "carol")
    for name in ("Work", "Work/Deep"):
        c.create(name)
    for i in range(150):
        c.append(("INBOX", "Work", "Work/Deep")[i % 3], "", None, message(f"many{i}", RANDOM))
    c.setacl("Work", address("bob"), "lrs")
    c.select("INBOX")                                       # Python sends no other commands before
    c.xatom("SETMETADATA", "Work", '(/private/comment "mine" /shared/comment "ours")')
    c.logout()
    backup(server, where)
    then = everything(server, "carol")[0]
    common.USERS["beside"] = common.USERS["carol"]
    words = [binary, "restore", str(where), "-d", str(data), "--user", address("carol"), "--as", address("beside")]
    accounts = lambda: int(re.search(r": (\d+) accounts", run(binary, "backup", "-d", data, WORK / "killed-beside-counted").stdout.decode()).group(1))     # noqa: E731
    before, took, kills, told = accounts(), 1.0, 0, 0
    for _ in range(12):
        p = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()
        try:
            p.wait(RANDOM.uniform(0.02, 1.0) * took)
        except subprocess.TimeoutExpired:
            p.kill()
            kills += 1
        if p.wait() == 0:
            took = time.monotonic() - began
        said = run(binary, "check", "-d", data).stdout.decode()
        told += "did not end" in said
        if RANDOM.random() < 0.6:
            run(*words)
            said = run(binary, "check", "-d", data).stdout.decode()
            now = everything(server, "beside")[0]
            check("killed beside: done again it is whole, and nothing is told", "did not end" not in said and all(contents(now, n) == contents(then, n) for n in ("INBOX", "Work", "Work/Deep")) and
                  b"bob" in b" ".join(now["Work", "acl"]) and now["Work", "notes"] == then["Work", "notes"], (said, now["Work", "acl"], now["Work", "notes"], then["Work", "notes"]))
            check("killed beside: no account is left over", accounts() == before + 1, (accounts(), before))
            run(binary, "user", "del", address("beside"), "-d", data)
    print(f"     {kills} kills, {told} times a half was told")
    del common.USERS["beside"]
    server.remove()


def main():
    binary = common.binary()
    print(f"seed {SEED}")
    template = Template(binary)
    server = Server(template, None)
    app_password = furnish(server)
    for scenario in (whole, waiting, hot, one_moment, lost_directory, rotten_record, latency, taken_up, killed, encrypted, refused, odd, given, pruned, killed_parts, killed_beside, parts):
        if scenario.__name__ in (common.sys.argv[3:] or [scenario.__name__]):
            attempt(scenario.__name__, scenario, server, app_password)
    server.stop()
    server.remove()
    template.remove()
    shutil.rmtree(WORK, ignore_errors=True)
    common.finish()


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    main()
