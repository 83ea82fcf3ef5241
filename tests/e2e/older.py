#!/usr/bin/env python3
"""An older program and today's take turns on one store, killed in between: until the upgrade is confirmed each sees all that the other did; afterwards the
older one says that it cannot, and touches nothing. The older programs are built from the history of this repository, once, into build-older/.

    tests/e2e/older.py PATH/TO/troika"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from io import BytesIO
from pathlib import Path

from common import PATIENCE, ROOT, Failed, Server, Template, address, attempt, binary, check, finish, imap, pop3, skip, smtp, until

sys.path.insert(0, str(ROOT / "tests" / "golden"))
from seen import seen  # noqa: E402

# commit, the level of the stores that it makes, what it is
PROGRAMS = [("80da848", 1, "the last before levels"), ("2b74512", 2, "that of the golden directory 2026-11-26-survival")]
BUILD_SECONDS = 1800                     # a slow machine with everything else under way
TURNS = 6                                # of the two programs under load, each ended by kill -9
CONFIRM_KILLS = 5


def run(program, *words):
    return subprocess.run([program, *map(str, words)], capture_output=True, timeout=2 * PATIENCE, text=True)


# ---- the older program ----

def quiet(*command, **more):
    r = subprocess.run(list(map(str, command)), capture_output=True, timeout=BUILD_SECONDS, **more)
    if r.returncode:
        raise Failed(f"{command[0]} {command[1]}: {(r.stdout + r.stderr)[-500:].decode(errors='replace')}")
    return r.stdout


def built(commit):
    """The program of this commit, or None where the history does not hold it. Without optimization: it is built for minutes of use."""
    home = ROOT / "build-older" / commit
    program = home / "troika"
    if program.is_file():
        return str(program)
    if subprocess.run(["git", "-C", ROOT, "cat-file", "-e", commit + "^{commit}"], capture_output=True).returncode:
        return None
    shutil.rmtree(home, ignore_errors=True)
    source, build = home / "source", home / "build"
    with tarfile.open(fileobj=BytesIO(quiet("git", "-C", ROOT, "archive", commit))) as tar:
        tar.extractall(source, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(source)
    environment = {k: v for k, v in os.environ.items() if k not in ("CC", "CFLAGS")}      # meson finds ccache by itself
    quiet("meson", "setup", "--buildtype=plain", "-Dwerror=false", build, source, env=environment)
    quiet("ninja", "-C", build, "-j", min(2, os.cpu_count() or 1), "troika", env=environment)
    shutil.copy2(build / "troika", home / "troika.new")
    (home / "troika.new").rename(program)
    shutil.rmtree(source)
    shutil.rmtree(build)
    return str(program)


# ---- what is done ----

def message(subject, size=1):
    return f"From: Zoë <zoe@example.net>\r\nSubject: {subject}\r\nMessage-ID: <{subject.replace(' ', '-')}@example.net>\r\n\r\n".encode() + b"line\r\n" * size


def live(server, word):
    """A little of everything that changes a store."""
    with smtp(server) as c:
        for n in range(30):
            c.sendmail("zoe@example.net", [address("alice")] + [address("bob")] * (n % 3 == 0), message(f"{word} {n}", n * 40))
    c = imap(server)
    for name in (f"{word}", f"{word}/inner", f"{word}/gone", f"{word}/&AOk-t&AOk-"):
        c.create(f'"{name}"')
    c.subscribe(f'"{word}/inner"')
    for n in range(5):
        c.append(f'"{word}/&AOk-t&AOk-"', f"(\\Draft ${word})", '"01-Jan-2020 12:00:00 +0100"', message(f"{word} appended {n}"))
    c.select("INBOX")
    c.store("1:9", "+FLAGS", "(\\Seen)")
    c.store("3,4", "+FLAGS", f"(\\Flagged \\Answered {word})")
    c.store("7", "-FLAGS", "(\\Seen)")
    c.copy("2:12", f'"{word}/inner"')
    c.copy("5", f'"{word}/gone"')
    c.store("10:14", "+FLAGS", "(\\Deleted)")
    c.expunge()
    c.delete(f'"{word}/gone"')
    c.rename(f'"{word}"', f'"{word} renamed"')
    c.setacl("INBOX", address("carol"), "lr")
    c.logout()
    p = pop3(server, "bob")
    p.dele(1)
    p.quit()


def swap(server, program):
    """The other program on the same directory."""
    server.template.binary = program
    server.start()


def under_load(server, word, acknowledged):
    """Appends until the server is killed in the middle; what it acknowledged is noted."""
    def append():
        try:
            c = imap(server, "carol")
            for n in range(100000):
                if c.append("INBOX", "(\\Seen)", None, message(f"{word} {n}", n % 50))[0] == "OK":
                    acknowledged.add(f"{word} {n}")
        except Exception:                                      # noqa: BLE001  the connection is cut somewhere
            pass
    thread = threading.Thread(target=append)
    before = len(acknowledged)
    thread.start()
    until(lambda: len(acknowledged) >= before + 10)
    time.sleep(random.uniform(0, 0.4))
    server.kill()
    thread.join(PATIENCE)


def subjects(server, user):
    c = imap(server, user)
    c.select("INBOX", readonly=True)
    headers = c.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]      # by UID: there may be none
    found = [d[1].decode().strip().removeprefix("Subject: ") for d in headers if isinstance(d, tuple)]
    c.logout()
    return found


def level(server):
    return (server.data / "store" / "FORMAT").read_text()


def sound(name, server, programs):
    for what, program in programs.items():
        r = run(program, "check", "-d", server.data)
        check(f"{name}: `check` of the {what} program finds no fault", r.returncode == 0, r.stdout + r.stderr)


# ---- the scenario ----

def take_turns(name, server, programs):
    """old has made the store and stopped."""
    facts = None
    for turn, which in enumerate(("older", "newer", "older", "newer")):
        swap(server, programs[which])
        if facts:
            check(f"{name}: the {which} program sees what the other left, killed", seen(server) == facts)
        live(server, f"turn{turn}")
        facts = seen(server)
        server.kill()
    acknowledged, missing, doubled = set(), [], []
    for turn in range(TURNS):
        swap(server, programs["older" if turn % 2 else "newer"])
        there = subjects(server, "carol")
        missing += sorted(acknowledged - set(there))
        doubled += [s for s in set(there) if there.count(s) > 1]
        under_load(server, f"load {turn}", acknowledged)
    check(f"{name}: {TURNS} turns under load, each killed: none of {len(acknowledged)} acknowledged messages is lost or doubled", acknowledged and not missing and not doubled,
          (len(acknowledged), missing[:5], doubled[:5]))
    sound(name, server, programs)
    swap(server, programs["older"])
    facts = seen(server)
    check(f"{name}: a last look of the older one: all is there", acknowledged <= set(subjects(server, "carol")))
    server.stop()
    return facts


def confirm_killed(server, program):
    for _ in range(CONFIRM_KILLS):
        p = subprocess.Popen([program, "upgrade", "confirm", "-d", str(server.data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.15))
        p.send_signal(signal.SIGKILL)
        p.wait()


def refused(name, server, older):
    """The older program says so, whatever it is asked for, and leaves all alone."""
    before = level(server)
    for words in (("user", "list"), ("check",), ("export", "--user", address("alice"), "--to", "mbox", server.dir / "out"), ("queue", "list")):
        r = run(older, *words, "-d", server.data)
        check(f"{name}: the older `{words[0]}` refuses in plain words", r.returncode not in (0, 75) and "newer program" in r.stdout + r.stderr, r)
    try:
        swap(server, older)
        check(f"{name}: the older program does not serve it", False)
        server.stop()
    except Failed:
        check(f"{name}: the older program does not serve it, and says why", "newer program" in server.log_tail(), server.log_tail(3))
    check(f"{name}: the format is what it was", level(server) == before)


def one(name, older, its_level, newer):
    programs = {"older": older, "newer": newer}
    template = Template(older)
    server = Server(template, None)
    try:
        begins = level(server)
        check(f"{name}: it makes stores of level {its_level}", begins == f"troika store {its_level}\n", begins)
        server.stop()
        facts = take_turns(name, server, programs)
        check(f"{name}: all this did not change the level", level(server) == begins, level(server))
        fresh = Template(newer)
        newest = (fresh.data / "store" / "FORMAT").read_text()
        fresh.remove()
        confirm_killed(server, newer)
        if level(server) == begins:
            swap(server, older)
            check(f"{name}: confirmation killed before it counted: the older one goes on", seen(server) == facts)
            server.stop()
        r = run(newer, "upgrade", "confirm", "-d", server.data)
        check(f"{name}: confirmed after {CONFIRM_KILLS} kills", r.returncode == 0 and level(server) == newest, r)
        if newest == begins:
            swap(server, older)
            check(f"{name}: of the same level, it goes on after a confirmation too", seen(server) == facts)
            server.stop()
        else:
            refused(name, server, older)
        swap(server, newer)
        check(f"{name}: and today's program sees all as it was", seen(server) == facts)
        live(server, "afterwards")
        server.stop()
        sound(name, server, {"newer": newer})
    finally:
        server.remove()
        template.remove()


def main():
    newer = str(Path(binary()).resolve())
    for commit, its_level, what in PROGRAMS:
        name = f"{commit}, {what}"
        if not shutil.which("git") or not shutil.which("meson"):
            skip(name, "git or meson is not there to build it")
            continue
        try:
            older = built(commit)
        except (Failed, subprocess.TimeoutExpired) as e:
            check(f"{name}: it builds", False, e)
            continue
        if older is None:
            skip(name, "this copy of the repository has no such commit (cloned with a depth?)")
            continue
        attempt(name, one, name, older, its_level, newer)
    finish()


main()
