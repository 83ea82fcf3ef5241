#!/usr/bin/env python3
"""Power failures: what the store and the model write is recorded, the states of disk that a cut could have left are built from that, and each is opened and
checked (power.c, disk.h). Then the same with disks that lie, which must be noticed. Usage: power.py PATH/TO/troika [STATES [SEED]]"""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from common import check, finish  # noqa: E402

BUILD = Path(sys.argv[1]).resolve().parent
STATES = int(sys.argv[2]) if len(sys.argv) > 2 else 3600
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 20261126
LIES = {"data": "fdatasync and fsync of files do nothing", "names": "fsync of directories does nothing", "dsync": "O_DSYNC does nothing"}


def campaign(play, states, *lie):
    """The line that the campaign says about itself, and how many states there were and how many were wrong."""
    r = subprocess.run([BUILD / "tests/crash/power", BUILD / "tests/crash/power_recorder.so", play, str(states), str(SEED), *lie],
                       capture_output=True, text=True, timeout=3600)
    print(r.stdout + r.stderr, end="", flush=True)
    found = re.search(r": (\d+) states .* (\d+) wrong", r.stdout)
    return r.returncode, *(map(int, found.groups()) if found else (0, 0))


def main():
    subprocess.run(["ninja", "-C", BUILD, "tests/crash/power", "tests/crash/power_recorder.so"], check=True, stdout=subprocess.DEVNULL)
    total = 0
    for play, share in (("store", STATES * 2 // 3), ("mail", STATES // 3)):
        status, states, wrong = campaign(play, share)
        total += states
        check(f"{play}: after each of {states} states everything acknowledged is there and nothing is half done", status == 0 and states and not wrong,
              f"status {status}, {wrong} wrong, seed {SEED}")
        for lie, what in LIES.items():
            status, states, wrong = campaign(play, 120, lie)
            check(f"{play}: that {what} is noticed ({wrong} of {states} states)", status == 0 and wrong > 0, f"status {status}, seed {SEED}")
    print(f"{total} states of disk, seed {SEED}")
    finish()


main()
