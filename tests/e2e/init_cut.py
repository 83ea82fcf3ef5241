#!/usr/bin/env python3
"""`troika init` that was cut short: killed at any moment, or failed, it leaves a directory that says so, and the next one begins anew; nothing of others' is touched.

    tests/e2e/init_cut.py PATH/TO/troika"""
import random
import shutil
import subprocess
import time

from common import DOMAIN, Server, Template, address, attempt, binary, check, count, finish, scratch, smtp

ROUNDS = 40
WORK = scratch()


def run(*words, stdin=""):
    return subprocess.run([binary(), *map(str, words)], input=stdin, capture_output=True, timeout=120, text=True)


def init(data, domain=DOMAIN):
    return run("init", "-d", data, "--domain", domain)


def listing(data):
    return sorted(str(p.relative_to(data)) for p in data.rglob("*") if p.name != "lock.mdb" and "audit" not in p.parts)


def usable(data):
    """Why it is not, or ''."""
    added = run("user", "add", address("dave"), "-d", data, "--password-file", "-", stdin="secret-of-dave\n")
    checked = run("check", "-d", data)
    keys = run("dkim", "list", "-d", data)
    return "" if added.returncode == checked.returncode == keys.returncode == 0 and keys.stdout.count(DOMAIN) >= 2 else f"{added} {checked} {keys}"


def killed():
    """kill -9 up to three times, at random moments of the time that a whole one takes; then one that is let finish."""
    whole = WORK / "whole"
    check("one that is left alone", init(whole).returncode == 0)
    began = time.monotonic()
    init(WORK / "again")
    takes = time.monotonic() - began
    expected = listing(whole)
    wrong, kills, unfinished, refused = [], 0, 0, 0
    for i in range(ROUNDS):
        data = WORK / f"killed-{i}"
        done = False
        for _ in range(random.randrange(1, 4)):
            p = subprocess.Popen([binary(), "init", "-d", data, "--domain", DOMAIN], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, takes * 1.1))
            p.kill()
            kills += p.wait() != 0
            takes *= 0.9 if p.returncode == 0 else 1.03       # the machine may be busier, or less so
            done = p.returncode == 0 or done
            if (data / "unfinished").exists():
                unfinished += 1
                said = run("user", "list", "-d", data)
                refused += said.returncode == 1 and "init" in said.stderr
        last = init(data)
        if last.returncode and "holds a Troika already" not in last.stderr:
            wrong.append((i, "not made", last))
        elif last.returncode == 0 and done:
            wrong.append((i, "made twice", last))
        elif listing(data) != expected:
            wrong.append((i, "another directory", listing(data)))
        elif i % 8 == 0 and usable(data):
            wrong.append((i, usable(data)))
        shutil.rmtree(data)
    check(f"killed {kills} times, {unfinished} times with something made: the next begins anew", not wrong and unfinished, (wrong[:2], kills, unfinished))
    check("what is not finished is refused, with what to do", refused == unfinished, (refused, unfinished))
    check("what came of it can be used", usable(whole) == "", usable(whole))
    check("a finished one is not made anew", init(whole).returncode == 1 and run("user", "list", "-d", whole).stdout.count("dave") == 1)


def failed():
    data = WORK / "failed"
    r = init(data, "no domain")
    check("a domain that is none is refused", r.returncode == 1, r)
    r = init(data)
    check("and another one can be given at once", r.returncode == 0 and usable(data) == "", r)
    check("its configuration names the right one", "no domain" not in (data / "troika.conf").read_text())


def of_others():
    """What is in the directory and was not made by init."""
    data = WORK / "others"
    (data / "tls").mkdir(parents=True)
    (data / "tls" / "mine.pem").write_text("key")
    (data / "notes").write_text("mine")
    for attempt_ in range(3):
        p = subprocess.Popen([binary(), "init", "-d", data, "--domain", DOMAIN], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.03 * attempt_)
        p.kill()
        p.wait()
    if (data / "unfinished").exists() and (data / "troika.conf").exists():
        (data / "troika.conf").write_text("changed")
        r = init(data)
        check("a configuration that was changed meanwhile is not removed", r.returncode == 1 and (data / "troika.conf").read_text() == "changed", r)
        (data / "troika.conf").unlink()
    r = init(data)
    check("files of others stay", (r.returncode == 0 or "already" in r.stderr) and (data / "tls" / "mine.pem").read_text() == "key" and
          (data / "notes").read_text() == "mine", r)
    data = WORK / "configured"
    data.mkdir()
    (data / "troika.conf").write_text("mine")
    r = init(data)
    check("a configuration without a store is not written over", r.returncode == 1 and (data / "troika.conf").read_text() == "mine" and
          [p.name for p in data.iterdir()] == ["troika.conf"], r)
    data = WORK / "foreign"
    (data / "store").mkdir(parents=True)
    (data / "store" / "FORMAT").write_text("troika store 1\n")
    r = init(data)
    check("a store without the mark is never removed", r.returncode == 1 and (data / "store" / "FORMAT").exists() and not (data / "unfinished").exists(), r)


def unknown_inside():
    """A store that is called unfinished, with something in it that init never makes."""
    data = WORK / "unknown"
    (data / "store").mkdir(parents=True)
    (data / "unfinished").write_text(DOMAIN)
    (data / "store" / "mail").write_text("mine")
    r = init(data)
    check("what init never makes is not removed", r.returncode != 0 and "cannot remove" in r.stderr and (data / "store" / "mail").read_text() == "mine", r)


def at_once():
    wrong = []
    for i in range(8):
        data = WORK / f"at-once-{i}"
        both = [subprocess.Popen([binary(), "init", "-d", data, "--domain", DOMAIN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        said = [p.communicate(timeout=120)[1] for p in both]
        if sorted(p.returncode == 0 for p in both) != [False, False, True] or not all("another troika init" in s or "already" in s for s in said if s) or \
           (i % 4 == 0 and usable(data)):
            wrong.append(said)
    check("of three at once one makes it, and the others say so", not wrong, wrong)


def served():
    """Mail in a directory that was made on the second try."""
    template = Template(binary())
    shutil.rmtree(template.data)
    (template.data).mkdir()
    (template.data / "unfinished").write_text(DOMAIN)
    (template.data / "store" / "index").mkdir(parents=True)
    (template.data / "store" / "blobs").mkdir()
    (template.data / "store" / "index" / "data.mdb").write_bytes(b"\0" * 5000)
    check("a torn index of the first try is no hindrance", init(template.data).returncode == 0)
    template.cli("user", "add", address("alice"), "-d", template.data, "--password-file", "-", stdin="wonderland\n")
    server = Server(template, None)
    with smtp(server) as c:
        c.sendmail("zoe@example.net", [address("alice")], b"Subject: first\r\n\r\nx\r\n")
    check("it serves", count(server) == 1)
    server.stop()
    template.remove()


def main():
    for scenario in (killed, failed, of_others, unknown_inside, at_once, served):
        attempt(scenario.__name__, scenario)
    shutil.rmtree(WORK, ignore_errors=True)
    finish()


main()
