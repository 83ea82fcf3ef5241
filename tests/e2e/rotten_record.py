#!/usr/bin/env python3
"""A bit flips in a record of the directory: nobody is shown another's account, the check names it, the repair sets it aside, and the user is adopted again.

    tests/e2e/rotten_record.py PATH/TO/troika
"""
import shutil
import subprocess

import common
from common import check

WORK = common.scratch()


def flip(directory, bytes_before):
    """A bit of the octet behind them, in the newest copy of the record and in older ones."""
    path = directory / "store/index/data.mdb"
    data = bytearray(path.read_bytes())
    at = data.find(bytes_before)
    check("the record is there", at >= 0)
    while at >= 0:
        data[at + len(bytes_before)] ^= 4
        at = data.find(bytes_before, at + 1)
    path.write_bytes(data)


def main():
    binary = common.binary()
    data = WORK / "data"
    password = WORK / "password"
    password.write_text("a long password\n")

    def run(*args):
        r = subprocess.run([binary, *map(str, args), "-d", data], capture_output=True, timeout=120)
        return r.returncode, r.stdout.decode() + r.stderr.decode()

    check("made", run("init", "--domain", "example.org")[0] == 0)
    for name in ("ann", "bob"):
        check(f"{name} added", run("user", "add", f"{name}@example.org", "--password-file", password)[0] == 0)
    check("sound", run("check")[0] == 0)

    flip(data, b"uexample.org\0ann\x01\x0a")
    code, said = run("user", "list")
    check("no account is shown for ann", code != 0 and "damaged" in said, said)
    code, said = run("check")
    check("the check finds one fault", code == 3 and "1 faults found" in said and "fails its checksum" in said, said)
    code, said = run("check", "--repair")
    check("the repair sets it aside, and says what is missing", code == 3 and "quarantine" in said and "account 1 has no user" in said, said)
    check("a copy of it is kept", len(list((data / "store/quarantine").glob("value-*"))) == 1)
    code, said = run("check")
    check("then there is nothing more", code == 0 and "0 faults found" in said, said)
    code, said = run("user", "adopt", "ann@example.org", "1", "--password-file", password)
    check("ann gets her account again", code == 0, said)
    code, said = run("user", "list")
    check("both are there", "ann@example.org" in said and "bob@example.org" in said, said)
    code, said = run("check")
    check("and all is sound", code == 0, said)

    # without the counter an account id would be given out again
    flip(data, b"naccount")
    check("the counter fails", run("check")[0] == 3)
    run("check", "--repair")
    code, said = run("user", "add", "carl@example.org", "--password-file", password)
    check("an account is made", code == 0, said)
    told = [run("user", "adopt", "dora@example.org", n, "--password-file", password)[1] for n in range(1, 4)]
    check("of a number that cannot have been given out", "belongs to ann" in told[0] and not any("carl" in t for t in told), told)
    check("sound at the end", run("check")[0] == 0)
    shutil.rmtree(WORK, ignore_errors=True)
    common.finish()


if __name__ == "__main__":
    main()
