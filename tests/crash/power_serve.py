#!/usr/bin/env python3
"""Power failures of the whole server: `troika serve` is recorded while mail comes in by SMTP, is appended, flagged and expunged by IMAP and waits in the queue; from
states of disk that a cut could have left `troika check`, `export` and `queue list` must tell of everything acknowledged, and some are served again.
Usage: power_serve.py PATH/TO/troika [STATES [SEED]]"""
import hashlib
import os
import random
import re
import shutil
import smtplib
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from common import PATIENCE, TLS, USERS, Server, Template, address, attempt, check, finish, free_ports, imap, smtp  # noqa: E402

BUILD = Path(sys.argv[1]).resolve().parent
STATES = int(sys.argv[2]) if len(sys.argv) > 2 else 48
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 20261126
POWER, RECORDER = BUILD / "tests/crash/power", BUILD / "tests/crash/power_recorder.so"
RECORD = struct.Struct("=IHHQQQQII")       # struct disk_record of record.h
MAGIC, MARK = 0x52574F50, 9


def body(ident):
    size = random.Random(ident).choice((200, 3000, 9000, 300_000))
    return f"Subject: {ident}\r\nX-Cut: {ident}\r\n\r\n".encode() + (hashlib.sha256(ident.encode()).hexdigest() + "\r\n").encode() * (size // 66 + 1)


class Recorded(Server):
    """A server that is recorded from its first start on."""

    def start(self):
        if self.proc is None:
            self.record = self.dir / "record"
            subprocess.run([POWER, "begin", self.data, self.record], check=True)
            self.fd = os.open(self.record, os.O_WRONLY | os.O_APPEND)
            self.marks, self.lock = ["begin"], threading.Lock()
            os.environ.update(LD_PRELOAD=str(RECORDER), POWER_LOG=str(self.record), POWER_DIR=str(self.data), POWER_SYNC_US="300")
        try:
            super().start()
        finally:
            for name in ("LD_PRELOAD", "POWER_LOG", "POWER_DIR", "POWER_SYNC_US"):
                os.environ.pop(name, None)

    def mark(self, what, ident):
        text = f"{what} {ident}".encode()
        with self.lock:
            self.marks.append((what, ident))
            os.write(self.fd, RECORD.pack(MAGIC, MARK, 0, 0, 0, 0, 0, 0, len(text)) + text + bytes(-len(text) % 8))


def by_smtp(server, ident):
    with smtp(server) as c:
        c.sendmail("x@example.net", [address("bob")], body(ident))
    server.mark("kept", ident)


def by_queue(server, ident):
    c = smtplib.SMTP("127.0.0.1", server.port["submission"], local_hostname="client.example.net", timeout=PATIENCE)
    c.starttls(context=TLS)
    c.login(address("alice"), USERS["alice"])
    c.sendmail(address("alice"), [f"{ident}@far.example"], f"From: {address('alice')}\r\nTo: x@far.example\r\nSubject: {ident}\r\n\r\nout\r\n")
    server.mark("queued", ident)
    c.quit()


def by_imap(server, ident):
    c = imap(server, "bob")
    if c.append("INBOX", None, None, body(ident))[0] == "OK":
        server.mark("kept", ident)
    c.select("INBOX")
    uid = c.uid("SEARCH", "SUBJECT", ident)[1][0].split()[0].decode()
    c.uid("STORE", uid, "+FLAGS.SILENT", r"(\Flagged)")
    if random.random() < 0.4:
        server.mark("expunging", ident)
        c.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
        if c.uid("EXPUNGE", uid)[0] == "OK":
            server.mark("expunged", ident)
    c.logout()


def load(server, seconds):
    """For so long, and until there is enough of everything, which on a slow machine takes longer."""
    end = time.monotonic() + seconds

    def goes_on():
        said = [m[0] for m in server.marks[1:]]
        enough = said.count("kept") >= 20 and said.count("queued") >= 3 and said.count("expunged") >= 2
        return time.monotonic() < end or (not enough and time.monotonic() < end + PATIENCE)

    def work(way, label):
        n = 0
        while goes_on():
            n += 1
            way(server, f"{label}-{n}")

    threads = [threading.Thread(target=work, args=(way, f"w{i}"), daemon=True) for i, way in enumerate((by_smtp, by_smtp, by_imap, by_imap, by_queue))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(2 * PATIENCE)


def cli(server, *args):
    return subprocess.run([server.template.binary, *map(str, args)], capture_output=True, timeout=120, check=False)


def judge(server, state, marks):
    """What is wrong with it."""
    said = {what: {m[1] for m in marks if m[0] == what} for what in ("kept", "queued", "expunging", "expunged")}
    r = cli(server, "check", "-d", state)
    problems = [] if r.returncode == 0 else [f"check: {(r.stdout + r.stderr).decode(errors='replace')[-500:]}"]
    mail = state.parent / f"{state.name}.mbox"
    r = cli(server, "export", "-d", state, "--user", address("bob"), "--to", "mbox", "--mailbox", "INBOX", mail)
    text = b"".join(p.read_bytes() for p in (mail.rglob("*") if mail.is_dir() else [mail]) if p.is_file()) if mail.exists() else b""
    parts = text.split(b"\nX-Cut: ")[1:]
    found = {}
    for part in parts:
        ident = part[:part.index(b"\n")].strip().decode()
        found[ident] = part
    problems += [f"export: {r.stderr.decode(errors='replace')[-300:]}"] if r.returncode else []
    lost = [i for i in said["kept"] - said["expunging"] if i not in found]
    wrong = [i for i, part in found.items() if part.count(hashlib.sha256(i.encode()).hexdigest().encode()) != body(i).count(b"\r\n") - 3]
    risen = [i for i in said["expunged"] if i in found]
    listed = cli(server, "queue", "list", "-d", state).stdout.decode(errors="replace")
    unqueued = [i for i in said["queued"] if not re.search(rf"\b{i}@far", listed)]
    problems += [f"{name} {ids[:5]}" for name, ids in (("lost", lost), ("changed", wrong), ("risen", risen), ("not in the queue", unqueued)) if ids]
    return problems


def serve_again(server, state, label):
    shutil.rmtree(server.data)
    shutil.copytree(state, server.data)
    server.start()
    with smtp(server) as c:
        c.sendmail("x@example.net", [address("bob")], b"Subject: after\r\nX-Cut: after\r\n\r\nx\r\n")
    c = imap(server, "bob")
    c.select("INBOX")
    check(f"{label}: it is served again", len(c.search(None, "SUBJECT", "after")[1][0].split()) == 1)
    c.logout()
    server.kill()


def make_states(server, name, n, *lie):
    """(directory, the marks until then, what became of what was under way) of each."""
    where = server.dir / name
    where.mkdir()
    subprocess.run([POWER, "states", server.record, where, str(n), str(SEED), *lie], check=True)
    found = []
    for state in sorted((p for p in where.iterdir() if p.is_dir()), key=lambda p: int(p.name)):
        marks, about = (where / f"{state.name}.marks").read_text().strip().split(" ", 1)
        found.append((state, server.marks[:int(marks)], about))
    return found


def campaign():
    subprocess.run(["ninja", "-C", BUILD, "tests/crash/power", "tests/crash/power_recorder.so"], check=True, stdout=subprocess.DEVNULL)
    if os.access("/dev/shm", os.W_OK):         # states are written by the dozen
        tempfile.tempdir = "/dev/shm"
    template = Template(sys.argv[1])
    server = Recorded(template, ['hostname = "troika.example"', "sandbox { enabled = false }",
                                 f'outbound {{ routes = {{ "* smtp:[127.0.0.1]:{free_ports(1)[0]}" }} }}'])
    try:
        load(server, 1.5)
        server.kill()
        states = make_states(server, "states", STATES)
        check(f"{len(states)} states from {os.path.getsize(server.record) // 1024} KB of record and {len(server.marks)} marks", len(states) >= STATES)
        wrong = 0
        for state, marks, about in states:
            problems = judge(server, state, marks)
            wrong += bool(problems)
            if problems:
                check(f"state {state.name} ({about}), {len(marks)} marks", False, problems)
        check(f"everything acknowledged is there in all {len(states)}, and troika check is clean", wrong == 0)
        lies = make_states(server, "lies", 10, "data")
        wrong = sum(bool(judge(server, state, marks)) for state, marks, _ in lies)
        check(f"a disk whose syncs do nothing is noticed ({wrong} of {len(lies)} states)", wrong > 0)
        for state, _, about in states[::12]:
            serve_again(server, state, f"state {state.name} ({about})")
    finally:
        server.remove()
        template.remove()
    print(f"{STATES} states of the whole server, seed {SEED}")


attempt("power of the whole server", campaign)
finish()
