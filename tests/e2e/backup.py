#!/usr/bin/env python3
"""Backup and restore, hot and whole, killed and encrypted; every message compared byte for byte.

    tests/e2e/backup.py PATH/TO/troika [SEED]
"""
import hashlib
import os
import random
import re
import shutil
import subprocess
import threading
import time

import common
from common import DOMAIN, Server, Template, address, attempt, check

SEED = int(common.sys.argv[2]) if len(common.sys.argv) > 2 else 20261126
RANDOM = random.Random(SEED)
WORK = common.scratch()
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
        return tuple(1000 * v[int(len(v) * q)] for q in (0.5, 0.95)) if v else (0, 0)


def subjects(server, user):
    c = common.imap(server, user)
    c.select("INBOX", readonly=True)
    typ, data = c.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    c.logout()
    return {item[1].decode().split(":", 1)[1].strip() for item in data if isinstance(item, tuple)}


def hot(server, app_password):
    """While mail comes in: what was acknowledged before the run began is in it, and nobody waits much longer."""
    where = WORK / "hot"
    load = Load(server)
    time.sleep(4)
    began = time.monotonic()
    quiet = load.quantiles(began - 3, began)
    rounds = 0
    while time.monotonic() < began + 4:
        before = time.monotonic()
        backup(server, where)
        rounds += 1
    ended = time.monotonic()
    busy = load.quantiles(began, ended)
    load.end()
    print(f"     latency of an acknowledged message, ms: p50 {quiet[0]:.1f}, p95 {quiet[1]:.1f}; while backups ran ({rounds}): p50 {busy[0]:.1f}, p95 {busy[1]:.1f}")
    promised = {name for at, name in load.acknowledged if at < before}
    binary = server.template.binary
    run(binary, "restore", where, "-d", WORK / "hot-restored")
    check("hot: troika check finds nothing", run(binary, "check", "-d", WORK / "hot-restored", ok=False).returncode == 0)
    restored = serve(binary, WORK / "hot-restored")
    there = {(user, s) for user in ("alice", "bob") for s in subjects(restored, user)}
    check(f"hot: all {len(promised)} messages acknowledged before the run are in it", not promised - there, sorted(promised - there)[:5])
    restored.remove()


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
            check("killed: nothing half has the name", not (WORK / "killed-restored").exists())
    if not (WORK / "killed-restored").exists():
        run(binary, "restore", where, "-d", WORK / "killed-restored")
    check("killed: nothing is left behind", not (WORK / "killed-restored.restoring").exists())
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


def main():
    binary = common.binary()
    print(f"seed {SEED}")
    template = Template(binary)
    server = Server(template, None)
    app_password = furnish(server)
    for scenario in (whole, hot, killed, encrypted, refused, pruned):
        attempt(scenario.__name__, scenario, server, app_password)
    server.stop()
    server.remove()
    template.remove()
    shutil.rmtree(WORK, ignore_errors=True)
    common.finish()


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    main()
