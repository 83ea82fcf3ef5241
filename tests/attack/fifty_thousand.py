#!/usr/bin/env python3
"""50,000 IMAP connections at once, in a machine of our own without this one's limit of descriptors (tests/guest): nearly half never read the greeting, others stop in
the middle of a TLS handshake (these come on top), are logged in and in IDLE, or send garbage slowly. Memory stays under what the configuration allows, a friend is served, everybody in
IDLE is told of new mail, a flood of handshakes beyond the ceiling is cut off, and when the crowd has gone its memory comes back.
Usage: fifty_thousand.py PATH/TO/troika [CONNECTIONS]"""
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "guest")]
from common import DOMAIN, attempt, binary, check, finish, skip  # noqa: E402
from guest import Guest, Image, Unavailable  # noqa: E402

BUILD = Path(binary()).resolve().parent
CROWD = int(sys.argv[2]) if len(sys.argv) > 2 else 50000
SHARES = {"silent": 0.46, "hello": 0.025, "idle": 0.25, "garbage": 0.29}      # handshakes come on top: the server ends each after 30 seconds
FLOOD = 3000                           # more handshakes than connection_memory bears, with those of the crowd
PASSWORD = "wonderland-of-many"
CONNECTION_MEMORY_MB = max(128, CROWD * 5 // 1000)      # buffers and handshakes under way: limits { connection_memory }
OWN_KB = 2                             # what a connection costs besides, at most
BASE_MB = 64                           # the server with nobody connected
# Bounds in emulation on a busy machine, not expectations: a crowd that gathers is waited for as long as it gets on.
FRIEND_SECONDS, STALL_SECONDS, CROWD_SECONDS, LEAVE_SECONDS = 120, 240, 3600, 300
CONFIG = f"""hostname = "troika.example"
auth {{ allow_plain_without_tls = true verify_cache = 1h }}
limits {{ connections = {CROWD + 2 * FLOOD} connections_per_ip = {CROWD + 2 * FLOOD} connections_per_user = {CROWD} connection_memory = {CONNECTION_MEMORY_MB}M }}
timeouts {{ login = 1h }}
"""
SERVE = ("ulimit -n 1000000; troika serve -d /var/troika --config /etc/troika.conf --listen smtp=127.0.0.1:25 --listen imap=127.0.0.1:143 "
         "--listen imaps=127.0.0.1:993 >/log 2>&1 & echo $! >/pid")
DELIVER = ["< 220 ", "> EHLO friend.example.net", "< 250 ", "> MAIL FROM:<friend@example.net>", "< 250 ", "> RCPT TO:<{to}>", "< 250 ", "> DATA", "< 354 ",
           "> Subject: {subject}", "> ", "> x", "> .", "< 250 ", "> QUIT", "< 221 "]
FETCH = ["< * OK ", "> a LOGIN {to} \"{password}\"", "< a OK ", "> b SELECT INBOX", "< b OK ", "> c FETCH * (BODY.PEEK[])", "< Subject: {subject}", "< c OK ",
         "> d LOGOUT", "< d OK "]


def address(user):
    return f"{user}@{DOMAIN}"


def talk(guest, port, lines, **words):
    """Plays a dialogue; how many seconds it took."""
    words = " ".join("'" + line.format(**words) + "'" for line in lines)
    return int(guest.must(f"printf '%s\\n' {words} | talk {port} {FRIEND_SECONDS}", FRIEND_SECONDS * len(lines))) / 1000


def friend(guest, subject):
    """Mail is taken and read; how long the friend waited."""
    return talk(guest, 25, DELIVER, to=address("friend"), subject=subject) + talk(guest, 143, FETCH, to=address("friend"), subject=subject, password=PASSWORD)


def memory(guest):
    """(anonymous memory now, the most that was ever resident without the pages of files, which cost nothing) in MB."""
    text = guest.must("cat /proc/$(cat /pid)/status")
    anon, most, files = (int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024 for name in ("RssAnon", "VmHWM", "RssFile"))
    return anon, most - files


def connections(guest):
    return int(guest.must("ls /proc/$(cat /pid)/fd 2>/dev/null | wc -l"))


def begin_crowd(guest, name, **numbers):
    counts = " ".join(str(numbers.get(kind, 0)) for kind in SHARES)
    guest.must(f"ulimit -n 1000000; crowd_client 143 993 {address('crowd')} {PASSWORD} {counts} >/{name} 2>&1 & echo $! >/{name}.pid")


def figures(guest, name):
    """The last line that the crowd told of itself; empty before the first."""
    line = guest.must(f"tail -n 1 /{name}")
    return {k: int(v) if v.isdigit() else v for k, v in re.findall(r"(\w+)=(\w+)", line)}


def wait_figures(guest, name, ready, progress):
    """The figures when they are ready; or when the one named progress has not changed for long."""
    end, last, stalled = time.monotonic() + CROWD_SECONDS, None, time.monotonic() + STALL_SECONDS
    while True:
        now = figures(guest, name)
        if now.get(progress) != last:
            last, stalled = now.get(progress), time.monotonic() + STALL_SECONDS
        if (now and ready(now)) or time.monotonic() > min(end, stalled):
            return now
        time.sleep(1)


def prepare(guest):
    guest.must("sysctl -qw fs.nr_open=2000000 fs.file-max=4000000 net.core.somaxconn=8192 net.ipv4.tcp_max_syn_backlog=8192 "
               "net.ipv4.ip_local_port_range='1024 65000'")
    guest.must(f"troika init -d /var/troika --domain {DOMAIN} --owner troika")
    for user in ("friend", "crowd"):
        guest.must(f"echo {PASSWORD} | troika user add {address(user)} -d /var/troika --password-file -")
    guest.must(SERVE)
    check("the server is up", guest.wait_for("grep -q ' serve version' /log", FRIEND_SECONDS * 3), guest.must("tail -n 20 /log"))


def walls(guest):
    """The sandbox under Debian's own kernel."""
    log, status = guest.must("cat /log"), guest.must("cat /proc/$(cat /pid)/task/*/status 2>/dev/null; true")
    kernel = guest.must("uname -r").strip()
    check(f"Linux {kernel}: Landlock holds the files and seccomp the calls", re.search(r"sandbox files=landlock landlock=[1-9]\d* calls=listed", log), log[-800:])
    threads = len(re.findall(r"^Pid:", status, re.M))
    for what, pattern in (("in the filter", r"^Seccomp:\s+2$"), ("without new privileges", r"^NoNewPrivs:\s+1$"), ("without any right of root", r"^CapEff:\s+0+$"), ("the owner's", r"^Uid:\s+990\s+990\s+990"),
                          ("without huge pages", r"^THP_enabled:\s+0$")):
        check(f"each of {threads} threads is {what}", len(re.findall(pattern, status, re.M)) == threads, status[-900:])


def gather(guest, ceiling):
    wanted = {kind: int(CROWD * share) for kind, share in SHARES.items()}
    wanted["silent"] += CROWD + wanted["hello"] - sum(wanted.values())
    talk(guest, 143, FETCH[:3], to=address("crowd"), password=PASSWORD)      # its password is verified once, and known for an hour
    begin = time.monotonic()
    begin_crowd(guest, "crowd", **wanted)
    waits = []

    def ready(now):
        waits.append(friend(guest, f"while they come {len(waits)}"))
        return now["opened"] == "all"
    now = wait_figures(guest, "crowd", ready, "settled")
    held = {kind: now.get(kind, 0) for kind in SHARES}
    print(f"     opened in {time.monotonic() - begin:.0f} s: {held}; friends meanwhile waited {max(waits):.2f} s at most")
    handshakes = held.pop("hello")
    check(f"{sum(held.values())} connections are there at once, and {handshakes} handshakes", all(held[k] == wanted[k] for k in held), guest.must("tail -n 1 /crowd"))
    check("the server holds them all", connections(guest) > CROWD, connections(guest))
    anon, peak = memory(guest)
    check(f"its memory stays under {ceiling} MB: {anon:.0f} anonymous, {peak:.0f} resident at the peak", max(anon, peak) < ceiling)
    check(f"a friend is served in {friend(guest, 'in the crowd'):.2f} s", True)
    return wanted


def tell(guest, wanted):
    begin = time.monotonic()
    talk(guest, 25, DELIVER, to=address("crowd"), subject="to everybody")
    now = wait_figures(guest, "crowd", lambda f: f["told"] >= wanted["idle"], "told")
    check(f"all {wanted['idle']} in IDLE are told of new mail in {time.monotonic() - begin:.1f} s", now["told"] == wanted["idle"], now)


def flood(guest, ceiling):
    """They are cut off beyond the ceiling, or when their time is up, which is short near it; which comes first depends on the machine."""
    begin_crowd(guest, "flood", hello=FLOOD)
    now = wait_figures(guest, "flood", lambda f: f.get("opened") == "all" and f["hello_cut"] > 0, "hello_cut")
    late, over = (int(guest.must(f"grep -c '{what}' /log || true")) for what in ("rt.late .*stage=handshake", "memory ceiling"))
    check(f"of {FLOOD} handshakes more that never end, {late} are cut off in time and {over} at the ceiling", now.get("hello_cut", 0) > 0 and late + over > 0, now)
    anon, peak = memory(guest)
    check(f"memory stays under {ceiling} MB: {anon:.0f} anonymous, {peak:.0f} at the peak", max(anon, peak) < ceiling)
    check(f"a friend is served in {friend(guest, 'in the flood'):.2f} s", True)


def leave(guest, before):
    guest.must("kill -9 $(cat /crowd.pid) $(cat /flood.pid)")
    end = time.monotonic() + LEAVE_SECONDS
    while connections(guest) > 1000 and time.monotonic() < end:
        time.sleep(1)
    check("the crowd has gone, and no descriptor stays", connections(guest) < 1000,
          (connections(guest), guest.run("ps | grep crowd_client; tail -n 1 /flood; cat /proc/net/sockstat; tail -n 3 /log")))
    most = before + BASE_MB + CROWD * OWN_KB // 1024          # the table of connections does not shrink
    while memory(guest)[0] > most and time.monotonic() < end:
        time.sleep(1)
    anon = memory(guest)[0]
    check(f"its memory comes back: {anon:.0f} MB, {before:.0f} before", anon <= most)
    check(f"a friend is served in {friend(guest, 'afterwards'):.2f} s", True)
    guest.must("kill $(cat /pid)")
    check("the server ends when told to", guest.wait_for("! kill -0 $(cat /pid)", LEAVE_SECONDS), guest.must("tail -n 20 /log"))
    check("its store is sound", guest.run("troika check -d /var/troika")[0] == 0)


def scenes(image):
    ceiling = BASE_MB + CONNECTION_MEMORY_MB + (CROWD + FLOOD) * OWN_KB // 1024
    with Guest(image, memory=2048 + CROWD // 20) as guest:
        prepare(guest)
        walls(guest)
        friend(guest, "before")
        before = memory(guest)[0]
        wanted = gather(guest, ceiling)
        tell(guest, wanted)
        flood(guest, ceiling)
        leave(guest, before)


def main():
    programs = [BUILD / "troika", BUILD / "tests/attack/crowd_client", BUILD / "tests/guest/talk"]
    subprocess.run(["ninja", "-C", BUILD, *(p.relative_to(BUILD) for p in programs)], check=True, stdout=subprocess.DEVNULL)
    try:
        image = Image(BUILD, programs, {"etc/troika.conf": CONFIG.encode()})
    except Unavailable as e:
        skip(f"{CROWD} connections", e)
        finish()
    try:
        attempt(f"{CROWD} connections", scenes, image)
    finally:
        image.remove()
    finish()


main()
