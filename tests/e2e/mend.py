#!/usr/bin/env python3
"""A backup whose bytes rotted: found, set aside, made whole by the next run, restored.

    tests/e2e/mend.py PATH/TO/troika
"""
import shutil
import subprocess

import common
from common import Server, Template, address, attempt, check

WORK = common.scratch()


def run(binary, *args):
    r = subprocess.run([binary, *map(str, args)], capture_output=True, timeout=300)
    return r.returncode, r.stdout.decode() + r.stderr.decode()


def fill(server):
    c = common.imap(server)
    for i in range(40):
        c.append("INBOX", "", None, f"From: a@example.net\r\nSubject: mend {i}\r\n\r\n{'line of ' * i} {i * 7919}\r\n".encode())
    c.logout()


def rot(binary, server):
    where = WORK / "backup"
    backup = (binary, "backup", "-d", server.data, where)
    check("made", run(*backup)[0] == 0)
    check("sound at first", run(binary, "backup", where, "--verify")[0] == 0)
    pack = max((where / "packs").iterdir(), key=lambda p: p.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 16
    pack.write_bytes(content)
    code, said = run(binary, "backup", where, "--verify")
    check("the damage is found", code == 3 and f"pack {pack.name}" in said, said)
    code, said = run(binary, "backup", "-d", server.data, where, "--mend")
    check("not while one is made", code == 2, (code, said))
    code, said = run(binary, "backup", where, "--mend")
    check("mended", code == 0 and (where / "damaged" / pack.name).exists() and not pack.exists(), said)
    code, said = run(*backup)
    check("the next run brings what was lost", code == 0, said)
    code, said = run(binary, "backup", where, "--verify")
    check("all moments are sound again", code == 0, said)
    code, said = run(binary, "backup", where, "--mend")
    check("nothing more to mend", code == 0 and said.startswith("0 damaged"), said)
    code, said = run(binary, "restore", where, "-d", WORK / "anew")
    check("restored", code == 0, said)
    code, said = run(binary, "check", "-d", WORK / "anew")
    check("troika check finds nothing", code == 0, said[-400:])
    code, said = run(binary, "export", "-d", WORK / "anew", "--user", address("alice"), "--to", "mbox", WORK / "out")
    text = "".join(p.read_text() for p in (WORK / "out").rglob("*") if p.is_file())
    check("every message is there", all(f"Subject: mend {i}\n" in text and f" {i * 7919}\n" in text for i in range(40)), said)


def main():
    binary = common.binary()
    template = Template(binary)
    server = Server(template, None)
    fill(server)
    attempt("rot", rot, binary, server)
    server.stop()
    server.remove()
    template.remove()
    shutil.rmtree(WORK, ignore_errors=True)
    common.finish()


if __name__ == "__main__":
    main()
