#!/usr/bin/env python3
"""Runs the Dovecot project's imaptest against a Troika of its own. Not part of ./test: imaptest is no Debian package.

    tests/imaptest.py BINARY --imaptest PROGRAM --tests DIR     the scripted groups (DIR: its src/tests)
    tests/imaptest.py BINARY --imaptest PROGRAM --stress 600    20 clients, 600 seconds
        [--clients 20] [--profile rev1|qresync] [--mbox FILE]
    [--keep] keeps the server's log.

Prints what imaptest says and ends with "N passed, N failed".
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "wire"))
from server import Server, Template                                                        # noqa: E402

CONFIG = ["auth { allow_plain_without_tls = true }", "limits { connections_per_ip = 10000 connections_per_user = 10000 }"]


def mailbox_of(place):
    """A small mbox, for when none is given: a hundred messages of different shapes."""
    out = place / "mbox"
    with open(out, "w") as f:
        for i in range(100):
            f.write(f"From a@example.org Thu Jan  1 00:00:{i % 60:02} 2026\n"
                    f"From: Writer {i} <w{i}@example.org>\nTo: alice@example.org\nSubject: Message {i % 7} of {i}\n"
                    f"Date: Thu, 1 Jan 2026 00:{i % 60:02}:00 +0000\nMessage-ID: <{i}@example.org>\n\n" + f"Line {i}\n" * (i + 1) + "\n")
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("--imaptest", required=True)
    p.add_argument("--tests")
    p.add_argument("--stress", type=int)
    p.add_argument("--clients", type=int, default=20)
    p.add_argument("--profile", choices=("rev1", "qresync"), default="rev1")
    p.add_argument("--mbox")
    p.add_argument("--keep", action="store_true")
    p.add_argument("more", nargs="*", help="passed on to imaptest")
    a = p.parse_args()
    template = Template(a.binary)
    server = Server(template, CONFIG)
    try:
        mbox = Path(a.mbox) if a.mbox else mailbox_of(Path(tempfile.mkdtemp(dir=template.root)))
        common = [a.imaptest, "host=127.0.0.1", f"port={server.port['imap']}", f"mbox={mbox}"]
        if a.tests:
            # without the domain: "@" may not stand in the access of a URL (RFC 5092 section 11)
            command = common + ["user=alice", "pass=wonderland", f"test={a.tests}"]
        else:
            command = common + ["user=alice@example.org", "pass=wonderland", f"clients={a.clients}", f"secs={a.stress}", "msgs=100"]
            if a.profile == "qresync":
                command.append("qresync")
        run = subprocess.run(command + a.more, capture_output=True, text=True, errors="replace", timeout=(a.stress or 0) + 300)
        text = run.stdout + run.stderr
        print(text)
        groups = re.search(r"(\d+) test groups: (\d+) failed", text)
        if groups:
            failed = int(groups[2])
            print(f"{int(groups[1]) - failed} passed, {failed} failed")
        else:
            errors = [line for line in text.splitlines() if re.search(r"Error|Panic|Fatal|BAD|stalled", line)]
            print(f"{0 if errors or run.returncode else 1} passed, {len(errors) or run.returncode} failed")
            failed = len(errors) or run.returncode
        return failed != 0
    finally:
        if a.keep:
            print(server.log.read_text(errors="replace")[-4000:])
        server.stop()
        template.remove()


if __name__ == "__main__":
    sys.exit(main())
