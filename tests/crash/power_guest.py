#!/usr/bin/env python3
"""Power cuts of a whole machine: Linux, a file system on a virtio disk and the server under SMTP load, ended at a random moment. The disk (tests/guest/disk.py) loses any
part of what it was not told to flush. The machine boots again on it: the file system recovers, `troika check` is clean, every message and every entry of the queue that
was acknowledged over a virtio port before the cut is there, whole and once. A disk that lies about flushing must be noticed.
Usage: power_guest.py PATH/TO/troika [ROUNDS [SEED [FILE-SYSTEM ...]]]"""
import collections
import random
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "guest")]
from common import DOMAIN, attempt, binary, check, finish, skip  # noqa: E402
from disk import Disk  # noqa: E402
from guest import EVENTS, Guest, Image, Unavailable  # noqa: E402

BUILD = Path(binary()).resolve().parent
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
MAKERS = {"ext4": "mkfs.ext4 -q -F -b 4096", "xfs": "mkfs.xfs -q -f -s size=4096", "btrfs": "mkfs.btrfs -q -f"}
FILE_SYSTEMS = sys.argv[4:] or list(MAKERS)
DISK_MB = 512
SENDERS = 8
FIRST_SECONDS = 600                    # a bound for the first message in emulation, not an expectation
RISK_SECONDS = 3                       # how long a cut is put off for something to lose
LOAD_SECONDS = (0, 5)                  # from then until the cut
USER = f"bob@{DOMAIN}"
CONFIG = """hostname = "troika.example"
smtp { relay_from = "127.0.0.0/8" }
outbound { routes = { "* smtp:[127.0.0.1]:9" } }
"""
rnd = random.Random(SEED)


class Witness:
    """What was acknowledged, in all lives of the machine."""

    def __init__(self):
        self.said = {"kept": set(), "queued": set()}
        self.rest = b""

    def count(self):
        return sum(map(len, self.said.values()))

    def listen(self, events, seconds, enough=None):
        """For so long, until so many more were acknowledged, or until the machine is gone. A line that was cut short was not said."""
        end, enough = time.monotonic() + seconds, self.count() + (enough or 1 << 30)
        while self.count() < enough and (left := end - time.monotonic()) > 0:
            events.settimeout(left)
            try:
                got = events.recv(65536)
            except TimeoutError:
                return
            if not got:
                return
            *lines, self.rest = (self.rest + got).split(b"\n")
            for line in lines:
                what, ident = line.decode().split()
                self.said[what].add(ident)


def prepare(guest):
    guest.must(f"troika init -d /mnt/data --domain {DOMAIN} --owner troika; sync")
    guest.must(f"echo wonderland-of-mail | troika user add {USER} -d /mnt/data --password-file -")


def whole(ident, part):
    """Each line of a message is there."""
    lines = int(re.match(rb" (\d+)\n", part[len(ident):])[1])
    return re.findall(rb"^%s (\d+) the quick.* dark$" % re.escape(ident.encode()), part, re.M) == [b"%d" % i for i in range(lines)]


def judge(guest, witness):
    """What is wrong with what survived."""
    problems = []
    status, output = guest.run("troika check -d /mnt/data")
    if status:
        problems.append(f"check: {output.decode(errors='replace')[-500:]}")
    status, output = guest.run(f"rm -rf /tmp/mail; troika export -d /mnt/data --user {USER} --to mbox --mailbox INBOX /tmp/mail")
    if status:
        problems.append(f"export: {output.decode(errors='replace')[-300:]}")
    text = guest.run("find /tmp/mail -type f -exec cat {} +")[1].replace(b"\r\n", b"\n")
    parts = [(p.split(b" ", 1)[0].decode(errors="replace"), p) for p in text.split(b"\nX-Cut: ")[1:]]
    found = collections.Counter(ident for ident, _ in parts)
    listed = set(re.findall(r"\b([\w-]+)@far\.example", guest.run("troika queue list -d /mnt/data")[1].decode(errors="replace")))
    for name, idents in (("lost", witness.said["kept"] - found.keys()), ("not in the queue", witness.said["queued"] - listed),
                         ("changed", [i for i, p in parts if not whole(i, p)]), ("twice", [i for i, n in found.items() if n > 1])):
        if idents:
            problems.append(f"{len(idents)} {name}: {sorted(idents)[:5]}")
    return problems


def mount(guest, kind):
    status, output = guest.run(f"mount -t {kind} /dev/vda /mnt")
    return [] if status == 0 else [f"mount: {output.decode(errors='replace')} {guest.console_tail(400)}"]


def live(guest, disk, witness, life):
    """Serves under load until the power goes."""
    guest.must("troika serve -d /mnt/data --config /etc/troika.conf --listen smtp=127.0.0.1:25 >/log 2>&1 & echo $! >/pid")
    if not guest.wait_for("grep -q ' serve version' /log", FIRST_SECONDS):
        raise RuntimeError(guest.must("tail -n 20 /log"))
    guest.must(f"mail_client 25 {SENDERS} {life} {USER} {EVENTS} >/client 2>&1 &")
    before, witness.rest = witness.count(), b""
    witness.listen(guest.events, FIRST_SECONDS, enough=1)
    witness.listen(guest.events, rnd.uniform(*LOAD_SECONDS))
    disk.wait_for_risk(rnd.choice((0, 1, 4, 16, 64)), RISK_SECONDS)
    guest.kill()
    witness.listen(guest.events, FIRST_SECONDS)        # what is on its way
    return witness.count() - before, disk.cut(rnd)


def campaign(image, kind):
    path = image.dir / kind
    with open(path, "wb") as f:
        f.truncate(DISK_MB << 20)
    subprocess.run([*MAKERS[kind].split(), path], check=True, stdout=subprocess.DEVNULL)
    disk, witness = Disk(path), Witness()
    about = ""
    for life in range(ROUNDS + 2):
        with Guest(image, disk=disk.socket_path) as guest:
            problems = mount(guest, kind)
            if life == 0:
                prepare(guest)
            else:
                problems = problems or judge(guest, witness)
                total = " and ".join(f"{len(ids)} {what}" for what, ids in witness.said.items())
                if disk.lies:
                    check(f"{kind}: a disk that lies is noticed ({'; '.join(problems)[:150]})", problems)
                    break
                check(f"{kind}, cut {life}: {total} are there, troika check is clean ({about})", not problems, problems)
            disk.lies = life == ROUNDS         # the last life of all
            acknowledged, about = live(guest, disk, witness, f"{kind}{life}")
            check(f"{kind}: {acknowledged} acknowledged before the cut", acknowledged > 0, guest.console_tail())
    disk.close()


def main():
    programs = [BUILD / "troika", BUILD / "tests/guest/mail_client"]
    subprocess.run(["ninja", "-C", BUILD, *(p.relative_to(BUILD) for p in programs)], check=True, stdout=subprocess.DEVNULL)
    for kind in FILE_SYSTEMS:
        try:
            image = Image(BUILD, programs, {"etc/troika.conf": CONFIG.encode()}, [kind])
        except Unavailable as e:
            skip("power cuts of a machine", e)
            break
        try:
            attempt(f"{kind}: power cuts", campaign, image, kind)
        finally:
            image.remove()
    print(f"seed {SEED}")
    finish()


main()
