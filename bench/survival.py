#!/usr/bin/python3
"""Troika, Dovecot and Cyrus as Debian builds them, on one machine in one run: what is left of acknowledged mail after kill -9, and after a power cut under ext4.

    bench/survival.py PATH/TO/troika [STATES [SEED [NAME...]]]      as root; installs $survival_packages of tools/packages.sh, unpacks Cyrus

NAME is one of Troika, "Dovecot mbox", "Dovecot mbox, always", "Dovecot Maildir", "Dovecot Maildir, always", Cyrus; without one, all. With SURVIVAL_KEEP=DIR in the
environment the image of each state with loss goes to DIR as it was before anybody mounted it, with the list of what should be in it.

Mail comes in by LMTP and by IMAP APPEND, several at a time, onto an ext4 of its own (data=ordered, barriers: the defaults) whose disk remembers every write and
every flush (survival_disk.py). The server is killed in the middle, started again, and everything acknowledged is looked for; then STATES disks are made that a cut
at some moment could have left, each is mounted (ext4 replays its journal), the server started on it, and everything acknowledged before that moment is looked
for over IMAP, byte for byte. Where something cannot be read or is not there, the server gets the repair that its manual names; only what is not there after that
is lost."""
import ctypes
import hashlib
import imaplib
import json
import os
import random
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "peers"), str(ROOT / "bench")]
from cyrus import BIN, PASSWORD, USER, Cyrus  # noqa: E402
from debian import Missing, await_port, free_port  # noqa: E402

if "SURVIVAL_KIND" not in os.environ:
    subprocess.run(["bash", "-c", '. tools/packages.sh && need "what survives" $survival_packages'], cwd=ROOT, check=True)
from survival_disk import FATES, Disk, dice_of  # noqa: E402

BINARY = Path(sys.argv[1]).resolve()
STATES = int(sys.argv[2]) if len(sys.argv) > 2 else 100
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
WANTED = sys.argv[4:]
MEGABYTES = 128
LOAD_SECONDS = 2.5
KILLS = 5
LIES = 5                                 # states of a disk whose flushes meant nothing for the last half: losses must be found there
MAIL_UID = 5000
CLIENT_SECONDS = 240
KEEP = os.environ.get("SURVIVAL_KEEP")


def text_of(ident):
    size = random.Random(ident).choice((200, 3000, 3000, 9000, 60000))
    return (hashlib.sha256(ident.encode()).hexdigest() + "\r\n").encode() * (size // 66 + 1)


def mail(ident):
    return f"From: a@example.net\r\nTo: bob@example.org\r\nSubject: {ident}\r\nX-Cut: {ident}\r\n\r\n".encode() + text_of(ident)


# ---- the servers: made once, started on whatever is mounted ----

class Troika:
    name, note = "Troika", "defaults"

    def __init__(self, at):
        self.at, self.port, self.lmtp, self.proc = at, free_port(), free_port(), None
        self.user, self.to = "bob@example.org", "bob@example.org"
        self.cli("init", "--domain", "example.org")
        self.cli("user", "add", self.user, "--password-file", "-", stdin=PASSWORD + "\n")
        (at / "serve.conf").write_text("auth { allow_plain_without_tls = true }\nlimits { connections_per_user = \"1000\" }\n")

    def cli(self, *words, stdin="", check=True):
        return subprocess.run([BINARY, *words, "-d", self.at / "data"], input=stdin, text=True, capture_output=True, check=check, timeout=120)

    def start(self, hurry=False):
        self.proc = subprocess.Popen([BINARY, "serve", "-d", self.at / "data", "--config", self.at / "serve.conf", "--listen", f"imap=127.0.0.1:{self.port}",
                                      "--listen", f"lmtp=127.0.0.1:{self.lmtp}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     start_new_session=True)
        await_port(self.lmtp, self.proc)

    def complaint(self):
        r = self.cli("check", check=False)
        return r.stdout.splitlines()[0] if r.returncode else ""

    def repair(self):
        self.cli("check", "--repair", check=False)

    def remove(self):
        pass


DOVECOT = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_username_format = %Ln
postmaster_address = postmaster@example.org
default_vsz_limit = 0
first_valid_uid = 1
mail_uid = {uid}
mail_gid = {uid}
mail_location = {location}
mail_max_userip_connections = 1000
mbox_dotlock_change_timeout = {patience} s
{more}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={at}/home/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
namespace inbox {{
  inbox = yes
}}
"""


class Dovecot:
    location, more = "mbox:~/mail:INBOX={at}/spool/%u", ""

    def __init__(self, at):
        self.at, self.dir, self.port, self.lmtp, self.proc = at, at.parent / "dovecot", free_port(), free_port(), None
        self.user, self.to = "bob", "bob@example.org"
        self.dir.mkdir()
        for name in ("home", "spool"):
            (at / name).mkdir()
            os.chown(at / name, MAIL_UID, MAIL_UID)

    def start(self, hurry=False):
        """hurry: with the lock of an mbox whose holder is gone; the default is two minutes."""
        text = DOVECOT.format(dir=self.dir, at=self.at, uid=MAIL_UID, location=self.location.format(at=self.at), more=self.more, password=PASSWORD,
                              patience=2 if hurry else 120, imap=self.port, lmtp=self.lmtp)
        (self.dir / "dovecot.conf").write_text(text)
        (self.dir / "log").write_text("")
        self.proc = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", self.dir / "dovecot.conf"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, start_new_session=True)
        await_port(self.port, self.proc)

    def complaint(self):
        said = re.search(r"(Error|Panic|Fatal): .*", (self.dir / "log").read_text(errors="replace"))
        return said.group(0) if said else ""

    def repair(self):
        subprocess.run(["doveadm", "-c", self.dir / "dovecot.conf", "force-resync", "-u", "bob", "INBOX"], capture_output=True, timeout=120)

    def remove(self):
        pass


class DovecotMbox(Dovecot):
    name, note = "Dovecot mbox", "Debian's default: mbox, mail_fsync = optimized"


class DovecotMboxAlways(Dovecot):
    name, note, more = "Dovecot mbox, always", "mbox, mail_fsync = always", "mail_fsync = always"


class DovecotMaildir(Dovecot):
    name, note, location = "Dovecot Maildir", "Maildir, mail_fsync = optimized", "maildir:~/Maildir"


class DovecotMaildirAlways(DovecotMaildir):
    name, note, more = "Dovecot Maildir, always", "Maildir, mail_fsync = always", "mail_fsync = always"


class CyrusHere(Cyrus):
    name, note = "Cyrus", "Debian's default"

    def __init__(self, at):
        super().__init__(["bob"], where=at)
        self.user, self.to = "bob", "bob"
        self.start()
        self.add("bob")
        self.stop()

    def start(self, hurry=False):
        super().start()

    def complaint(self):
        return ""                                              # it says so to syslog alone

    def repair(self):
        for tool, args in (("reconstruct", ["-r", "-f", "user.bob"]), ("reconstruct", ["-r", "-f", "-G", "user.bob"])):
            subprocess.run(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", self.root / BIN / tool, "-C", self.dir / "imapd.conf", *args],
                           env=self.environment, capture_output=True, timeout=120)


# ---- load and judgement ----

def adopt():
    """Whatever loses its parent becomes a child of this process, so that kill finds it. PR_SET_CHILD_SUBREAPER."""
    if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def children():
    """Of the main thread, which alone starts processes and is given those that lost their parent."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def kill(server):
    """Every process that was started, at once, and then those that left its group."""
    if server.proc.poll() is None:
        os.killpg(server.proc.pid, signal.SIGKILL)
        server.proc.wait()
    while left := children():
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def client(server):
    c = imaplib.IMAP4("127.0.0.1", server.port, timeout=CLIENT_SECONDS)
    c.login(server.user, PASSWORD)
    return c


def load(server, disk, label, acknowledged, seconds):
    end = time.monotonic() + seconds

    def by_lmtp(k):
        c = smtplib.LMTP("127.0.0.1", server.lmtp, timeout=30)
        n = 0
        while time.monotonic() < end:
            ident = f"{label}-lmtp{k}-{n}"
            c.sendmail("a@example.net", [server.to], mail(ident))
            acknowledged.append((disk.now(), ident))
            n += 1

    def by_append(k):
        c = client(server)
        n = 0
        while time.monotonic() < end:
            ident = f"{label}-append{k}-{n}"
            if c.append("INBOX", None, None, mail(ident))[0] == "OK":
                acknowledged.append((disk.now(), ident))
            n += 1

    def quietly(work, k):
        try:
            work(k)
        except (OSError, imaplib.IMAP4.error, smtplib.SMTPException, AttributeError):
            pass                                               # killed
    threads = [threading.Thread(target=quietly, args=(work, k), daemon=True) for work in (by_lmtp, by_append) for k in range(2)]
    for t in threads:
        t.start()
    time.sleep(seconds * 0.8)
    kill(server)
    for t in threads:
        t.join(60)


def found(server):
    """ident -> is it whole?"""
    c = client(server)
    typ, data = c.select("INBOX", readonly=True)
    if typ != "OK":
        raise imaplib.IMAP4.error(str(data))
    there = {}
    for part in c.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]:
        if isinstance(part, tuple):
            head, _, body = part[1].partition(b"\r\n\r\n")
            ident = re.search(rb"^X-Cut: (\S+)", head, re.M)
            if ident:
                there[ident.group(1).decode()] = body.rstrip(b"\r\n") == text_of(ident.group(1).decode()).rstrip(b"\r\n")
    c.logout()
    return there


class Unreadable(Exception):
    """By any of the ways that the server's manual knows."""


def look(server, acknowledged):
    """(what is there, why it had to be repaired by hand). Twice before that, because some servers mend on the first look."""
    why = ""
    for hand in (False, False, True):
        try:
            if hand:
                server.repair()
            if server.proc.poll() is not None:
                server.start(hurry=True)
            there = found(server)
            if hand or all(map(there.get, acknowledged)):
                return there, str(why) if hand else ""
            why = "acknowledged mail is not there"
        except (OSError, RuntimeError, imaplib.IMAP4.error) as e:
            why = e
        time.sleep(1)
    raise Unreadable(why)


def judge(server, acknowledged, sums):
    try:
        server.start(hurry=True)
    except RuntimeError:
        kill(server)                                           # look tries again
    try:
        there, by_hand = look(server, acknowledged)
    except Unreadable as why:
        sums["unreadable"] += 1
        there, by_hand = {}, str(why)
    finally:
        kill(server)
    lost = [i for i in acknowledged if not there.get(i)]
    sums["lost"] += len(lost)
    sums["states with loss"] += bool(lost)
    sums["damaged shown"] += any(not whole for whole in there.values())
    sums["repaired by hand"] += bool(by_hand)
    said = server.complaint()
    sums["complained"] += bool(said)
    sums["said"] |= {re.sub(r"/dev/shm/[^/ ]*|[0-9]+", "*", what)[:200] for what in (said, by_hand)}


def look_at_state(disk, server, image, acknowledged, sums, keep=None):
    before = sums["states with loss"]
    first = Path(shutil.copy(image, f"{image}-first")) if keep else None
    sums["acknowledged"] += len(acknowledged)
    try:
        disk.mount(image)
    except subprocess.CalledProcessError:                      # ext4 itself cannot be mounted
        sums["unreadable"] += 1
        sums["lost"] += len(acknowledged)
        sums["states with loss"] += bool(acknowledged)
    else:
        judge(server, acknowledged, sums)
        disk.unmount()
    image.unlink()
    if keep and sums["states with loss"] > before:
        kept = Path(keep) / f"{server.name}-{os.getpid()}-{image.name}"
        shutil.move(first, kept)
        Path(f"{kept}.acknowledged").write_text(json.dumps(acknowledged))
    elif keep:
        first.unlink()


def fresh_sums():
    return dict.fromkeys(("acknowledged", "lost", "states with loss", "unreadable", "repaired by hand", "complained", "damaged shown"), 0) | {"said": set()}


def one(kind):
    dice = dice_of(SEED)
    disk = Disk(MEGABYTES)
    server = None
    try:
        disk.mount()
        disk.at.chmod(0o755)
        server = kind(disk.at)
        disk.forget()
        acknowledged, kills, cuts, lies = [], fresh_sums(), fresh_sums(), fresh_sums()
        for k in range(KILLS):
            server.start()
            load(server, disk, f"k{k}", acknowledged, LOAD_SECONDS)
            end = disk.now()
            judge(server, [i for _, i in acknowledged], kills)
        kills["acknowledged"] = len(acknowledged)
        disk.unmount()
        moments = [at for at, _ in acknowledged]
        for n in range(STATES):
            cut = dice.choice(moments) if n % 2 else dice.randrange(moments[0], end)
            look_at_state(disk, server, disk.state(cut, FATES[n % len(FATES)], dice), [i for at, i in acknowledged if at <= cut], cuts, KEEP)
        for n in range(LIES):
            look_at_state(disk, server, disk.state(end, "all lost", dice, end // 2), [i for _, i in acknowledged], lies)
        print(f"{kind.name:24} kill -9 ×{KILLS}: {kills['acknowledged']} acknowledged, {kills['lost']} lost\n"
              f"{'':24} power cuts: {STATES} states, {cuts['states with loss']} with loss, {cuts['lost']} of {cuts['acknowledged']} acknowledged lost, "
              f"{cuts['unreadable']} unreadable, {cuts['repaired by hand']} repaired by hand, {cuts['complained']} with complaints, "
              f"{cuts['damaged shown']} that show damaged mail   ({kind.note})\n"
              f"{'':24} a disk that lies: loss noticed in {lies['states with loss']} of {LIES} states", flush=True)
        for said in sorted(cuts["said"] - {""})[:4]:
            print(f"{'':24}   says: {said}", flush=True)
    finally:
        if server:
            if server.proc:
                kill(server)
            server.remove()
        disk.remove()


def main():
    """All kinds at once, each in a process and a mount namespace of its own."""
    kinds = {kind.name: kind for kind in (Troika, DovecotMbox, DovecotMboxAlways, DovecotMaildir, DovecotMaildirAlways, CyrusHere)}
    if "SURVIVAL_KIND" in os.environ:
        adopt()
        try:
            one(kinds[os.environ["SURVIVAL_KIND"]])
        except Missing as why:
            print(f"{os.environ['SURVIVAL_KIND']}: not looked at: {why}")
        return
    print(f"{STATES} states each, seed {SEED}; Linux {os.uname().release}, ext4 by loop", flush=True)
    runs = [subprocess.Popen(["unshare", "--mount", "--propagation", "slave", sys.executable, __file__, *sys.argv[1:4]], env={**os.environ, "SURVIVAL_KIND": name})
            for name in WANTED or kinds]
    sys.exit(any([run.wait() for run in runs]))


main()
