#!/usr/bin/env python3
"""Data directories of every version there was, opened by the program of today: nothing is missing or changed, mail comes and goes, the older program could go
on until the upgrade is confirmed, and after that everything is still there. How they are made: tests/golden/make.py."""
import calendar
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from common import ROOT, Failed, Server, Template, address, attempt, binary, check, finish, imap, scratch, smtp

sys.path.insert(0, str(ROOT / "tests" / "golden"))
from seen import seen  # noqa: E402


class Golden(Template):
    """A data directory that is there already."""

    def __init__(self, program, packed):
        self.binary = str(Path(program).resolve())
        self.root = scratch()
        self.data = self.root / "template"
        with tarfile.open(packed) as tar:
            tar.extractall(self.data, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(self.data)


NEWEST = "troika store 3\n"


def level(data):
    return (data / "store" / "FORMAT").read_text()


def run(template, *words):
    return subprocess.run([template.binary, *map(str, words)], capture_output=True, timeout=120, text=True)


def without(facts, subject_user="alice"):
    """The facts but for the message that the test delivers."""
    inbox = facts[subject_user]["mailboxes"]["INBOX"]
    newest = max(inbox["messages"], key=int)
    del inbox["messages"][newest]
    inbox["uidnext"] -= 1
    return facts


@contextlib.contextmanager
def on_the_day(name, where):
    """What was made on a day is looked at late on that day: mail that waits for a day, or was deleted for 30, is still there whenever this runs."""
    shim = where / "later.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", shim, ROOT / "tests" / "internet" / "later.c"], check=True)
    day = calendar.timegm((*map(int, re.match(r"(\d+)-(\d+)-(\d+)", name).groups()), 23, 30, 0))
    before = dict(os.environ)
    os.environ.update(LD_PRELOAD=str(shim), LATER=str(int(day - time.time())), ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def deliver(server):
    with smtp(server) as c:
        c.sendmail("zoe@example.net", [address("alice")], b"Subject: after the upgrade\r\nMessage-ID: <after@example.net>\r\n\r\nx\r\n")


def one(program, packed, facts):
    name = packed.name.removesuffix(".tar.xz")
    template = Golden(program, packed)
    with on_the_day(name, template.root):
        look(name, template, facts)
    template.remove()


def look(name, template, facts):
    first = run(template, "check", "-d", template.data)
    check(f"{name}: check finds no fault", first.returncode == 0, first.stdout + first.stderr)
    deleted = facts.pop("deleted", None)                       # mail in the bin, of programs that have one
    begins = level(template.data)
    status = run(template, "upgrade", "status", "-d", template.data)
    if begins != NEWEST:
        check(f"{name}: the upgrade is offered, not done", f"level {begins.split()[-1]} of" in status.stdout and "upgrade confirm" in status.stdout, status)
    if deleted:
        listed = run(template, "undelete", "list", address("alice"), "-d", template.data).stdout
        check(f"{name}: deleted mail is still to be had", sum(s in listed for s in deleted) == len(deleted), listed)
    server = Server(template, None)
    data = server.data
    check(f"{name}: every message, flag, date, UID and subscription is as it was", seen(server) == facts)
    deliver(server)
    c = imap(server)
    c.select("INBOX")
    check(f"{name}: mail comes, is flagged and goes", c.store("1", "+FLAGS", "(Golden)")[0] == "OK" and c.store("1", "-FLAGS", "(Golden)")[0] == "OK")
    c.logout()
    check(f"{name}: what was written is for the older program too", level(data) == begins, level(data))
    waiting = run(template, "queue", "list", "-d", data).stdout
    confirm = subprocess.Popen([template.binary, "upgrade", "confirm", "-d", str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.01)
    confirm.send_signal(signal.SIGKILL)
    confirm.wait()
    again = run(template, "upgrade", "confirm", "-d", data)
    check(f"{name}: confirmed beside the running server, after a kill", again.returncode == 0 and level(data) == NEWEST, again)
    check(f"{name}: confirmed, every message is still as it was", without(seen(server)) == facts)
    server.stop()
    status = run(template, "upgrade", "status", "-d", data)
    check(f"{name}: no record of an older shape is left", "\n0 of " in status.stdout and "confirm" not in status.stdout, status)
    last = run(template, "check", "-d", data)
    check(f"{name}: check finds no fault afterwards", last.returncode == 0, last.stdout + last.stderr)
    server.start()
    check(f"{name}: the same after a restart", without(seen(server)) == facts)
    check(f"{name}: what waited in the queue waits", run(template, "queue", "list", "-d", data).stdout.count("far@peer") == waiting.count("far@peer"))
    server.stop()
    server.remove()


def newer_is_refused(program):
    template = Template(program)
    (template.data / "store" / "FORMAT").write_text("troika store 4000\n")
    refused = run(template, "user", "list", "-d", template.data)
    check("a newer format is refused in plain words", refused.returncode == 1 and "4000" in refused.stderr and "newer" in refused.stderr, refused)
    try:
        Server(template, None).stop()
        check("no server starts on it", False)
    except Failed:
        check("no server starts on it", True)
    check("and it was not touched", level(template.data) == "troika store 4000\n")
    template.remove()


def main():
    program = binary()
    packed = sorted((ROOT / "tests" / "golden").glob("*.tar.xz"))
    check("there are golden directories", len(packed) >= 3)
    for path in packed:
        facts = json.loads(Path(str(path).removesuffix(".tar.xz") + ".json").read_text())
        attempt(path.name, one, program, path, facts)
    attempt("a newer format", newer_is_refused, program)
    finish()


main()
