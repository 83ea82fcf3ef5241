#!/usr/bin/python3
"""Peers that are away, and peers that say "later" for a day: mail waits, its sender hears of it, and it arrives once or comes back.
Usage: delays.py PATH/TO/troika"""
import re
import time
from email.utils import parsedate_to_datetime

from clock import Clock
from mails import ident_of, message
from rogue import Rogue
from scene import Scene, attempt, check, play
from world import wait_for

HOUR, DAY = 3600, 86400
UNITS = {"s": 1, "m": 60, "h": HOUR, "d": DAY}


def send(scene, ident, to):
    scene.troika.send("alice", [to], message(ident, scene.troika.address_of("alice"), to))


def at(peer, ident):
    return [m for m in peer.messages() if ident_of(m) == ident]


def cable(scene):
    """The peer's cable is pulled; put back, mail arrives once."""
    t, p = scene.troika, scene["postfix"]
    scene.world.cable("postfix", False)
    for i in range(3):
        send(scene, f"cable-{i}", f"someone@{p.domain}")
    text = wait_for("a reason in the queue", lambda: (s := t.queue("list")) and "tried" in s and s, every=0.5)
    check("troika queue list shows who and why", f"someone@{p.domain}" in text and re.search(r"\b4\.4\.\d+\b", text), text)
    check("all three wait", t.queued() == 3, text)
    t.restart()
    check("all three wait after a restart", t.queued() == 3, t.queue("list"))
    scene.world.cable("postfix", True)
    wait_for("all three at Postfix", lambda: t.retry() is None and all(at(p, f"cable-{i}") for i in range(3)), every=2)
    t.wait_empty()
    check("each arrived once", all(len(at(p, f"cable-{i}")) == 1 for i in range(3)), [len(at(p, f"cable-{i}")) for i in range(3)])
    check("nobody was told", not t.notices(), [n.text for n in t.notices()])


def tried(scene, times):
    found = re.search(r"tried (\d+) time", scene.troika.queue("list"))
    return found and int(found.group(1)) >= times


def expiry(scene, clock):
    """Told of the delay after four hours, of the end after five days (RFC 5321 4.5.4.1, RFC 3464 2.3.9), not before, and once."""
    t, start = scene.troika, clock.ahead
    send(scene, "expiry", f"x@{scene['rogue'].domain_of('never')}")
    wait_for("the first try", lambda: tried(scene, 1))
    clock.set(start + 4 * HOUR - 1800)             # the scenario itself takes its time on top
    wait_for("the second try", lambda: tried(scene, 2))
    check("nobody is told before four hours", not t.notices(about="expiry"))
    clock.set(start + 4 * HOUR + 60)
    r = t.wait_notice("expiry", action="delayed").recipients[0]
    check("Action delayed, with the status that was last said", r["Status"] == "4.2.0" and "try again" in r.as_string(), r.as_string())
    until = r["Will-Retry-Until"] and parsedate_to_datetime(r["Will-Retry-Until"]).timestamp() - time.time()
    check("Will-Retry-Until: five days", until and abs(until - start - 5 * DAY) < HOUR, r.as_string())
    clock.set(start + 5 * DAY - HOUR)
    wait_for("a try on the fifth day", lambda: tried(scene, 3))
    check("it still waits, and nothing more was told", t.queued() == 1 and len(t.notices(about="expiry")) == 1, t.queue("list"))
    clock.set(start + 5 * DAY + 60)
    r = t.wait_notice("expiry", action="failed").recipients[0]
    check("Action failed, with what was last said", str(r["Status"])[:2] in ("4.", "5.") and "try again" in r.as_string(), r.as_string())
    t.wait_empty()
    check("one warning, one failure", len(t.notices(about="expiry")) == 2, [n.recipients[0]["Action"] for n in t.notices(about="expiry")])


def next_in(text):
    """Seconds to the next try, from `queue list`."""
    found = re.search(r"next in ((?:\d+[smhd] ?)+)", text)
    return found and sum(int(n) * UNITS[u] for n, u in re.findall(r"(\d+)([smhd])", found.group(1)))


def a_day(scene, clock):
    """The clock set on from try to try: a peer that says 450 for a day, then relents."""
    t, day, start = scene.troika, scene["rogue"].servers["day"], clock.ahead
    intervals = []
    send(scene, "day", f"x@{scene['rogue'].domain_of('day')}")
    while clock.ahead - start < DAY:
        wait_for(f"try {len(intervals) + 1}", lambda: tried(scene, len(intervals) + 1))
        text = t.queue("list")
        if not next_in(text):
            check(f"try {len(intervals) + 1}: the next one has its time", False, text)
            return
        intervals.append(next_in(text))
        clock.set(clock.ahead + intervals[-1] + 61)
    print("     seconds between tries:", intervals)
    # RFC 5321 4.5.4.1: a few quick tries, then hours apart
    check("the intervals grow", intervals[0] < 600 and all(b > a for a, b in zip(intervals, intervals[1:]) if b < 3 * HOUR), intervals)
    check("and end at hours", 2 * HOUR <= max(intervals) <= 5 * HOUR, intervals)
    check("no try without need", sum(c.startswith("RCPT") for c in day.commands) <= len(intervals) + 1, day.commands)
    check("told of the delay, once", [n.recipients[0]["Action"] for n in t.notices(about="day")] == ["delayed"], [n.text for n in t.notices(about="day")])
    day.rcpt.clear()
    wait_for("delivery when it relents", lambda: t.retry() is None and day.accepted, every=1)
    t.wait_empty()
    check("delivered once", len(day.accepted) == 1, len(day.accepted))


def delays():
    def rogue(world, name, number):
        r = Rogue(world, name, number)
        for server in ("never", "day"):
            r.add(server, rcpt={"x": [b"450 4.2.0 try again\r\n"] * 1000})
        return r
    with Scene(("postfix",), more={"rogue": rogue}) as scene:
        attempt("cable", cable, scene)
        clock = Clock(scene)
        clock.set(0)
        for part in (expiry, a_day):
            attempt(part.__name__, part, scene, clock)


play(delays)
