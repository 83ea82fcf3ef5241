#!/usr/bin/python3
"""Mail servers that die, dawdle, babble and flood at every stage of the dialogue: nothing is lost, and nothing comes twice but where SMTP cannot
know (after the final dot, RFC 5321 6.1: the answer that never came). Usage: rogues.py PATH/TO/troika"""
import email
import email.policy

import rogue
from mails import EIGHT, MIME8, ident_of, large, message, same
from rogue import Rogue, Server, answer_then, delivers, drip, flood, half, say, slow
from scene import Scene, attempt, check, play
from world import wait_for

BODY = large(100_000)
GARBAGE = (b"hello there\r\n", b"2\r\n", b"25O ok\r\n", b"999 what\r\n", b"\0\1\2\xff\xfe\r\n", b"250" + b"x" * 100_000 + b"\r\n", b"\r\n")

# name -> faults of the first connection. All of these try again and deliver once.
AGAIN = {f"{what.__name__}-{stage}": {stage: what} for what in (rogue.close, rogue.reset, half)
         for stage in ("greeting", "ehlo", "mail", "rcpt", "data")}
AGAIN.update({f"{what.__name__}-{stage}": {stage: what} for what in (rogue.close, rogue.reset) for stage in ("accept", "body")})
AGAIN.update({f"421-{stage}": {stage: say(b"421 4.3.2 closing down\r\n")} for stage in ("greeting", "ehlo", "mail", "rcpt", "data")})
AGAIN.update({f"450-{stage}": {stage: say(b"450 4.3.0 not now\r\n")} for stage in ("mail", "rcpt", "data", "dot")})
AGAIN["421-dot"] = {"dot": say(b"421 4.3.2 closing down\r\n")}
AGAIN.update({f"garbage-{stage}-{i}": {stage: say(text, then_close=True)} for i, text in enumerate(GARBAGE) for stage in ("greeting", "mail", "data")})
AGAIN.update({f"flood-{stage}": {stage: flood(b"250", 200_000)} for stage in ("greeting", "ehlo", "mail")})
# these deliver at once
AT_ONCE = {f"slow-{stage}": {stage: slow(1.5)} for stage in ("greeting", "ehlo", "mail", "rcpt", "data")}
AT_ONCE.update({f"drip-{stage}": {stage: drip} for stage in ("greeting", "ehlo", "mail", "rcpt", "data")})
AT_ONCE["slow-dot"] = {"dot": delivers(slow(2))}
AT_ONCE["drip-dot"] = {"dot": delivers(lambda c, line: drip(c, line))}
AT_ONCE["close-after-reply"] = {"dot": delivers(answer_then(rogue.close))}
AT_ONCE["reset-after-reply"] = {"dot": delivers(answer_then(lambda c, line: (slow(0.2)(c, b""), rogue.reset(c, line))))}
AT_ONCE["close-quit"] = {"quit": rogue.close}
AT_ONCE["garbage-quit"] = {"quit": say(b"nonsense\r\n", then_close=True)}
AT_ONCE["ehlo-500"] = {"ehlo": say(b"500 5.5.1 never heard of it\r\n")}
AT_ONCE["ehlo-502"] = {"ehlo": say(b"502 not implemented\r\n")}
AT_ONCE["many-lines"] = {"mail": say(b"250-" + b"2.1.0 a\r\n250-".join([b"2.1.0 b"] * 20) + b"\r\n250 2.1.0 ok\r\n")}
# had whole, and no answer got out: tried again, so it may be there twice
UNSURE = {"close-dot": {"dot": rogue.close}, "reset-dot": {"dot": rogue.reset}, "half-dot": {"dot": lambda c, line: half(c, b"2")},
          "garbage-dot": {"dot": say(b"done\r\n", then_close=True)}}
# never a word more
STALLS = {f"stall-{stage}": {stage: rogue.stall} for stage in ("greeting", "ehlo", "mail", "rcpt", "data", "body", "dot")}
# for good: the sender is told
REFUSED = {f"554-{stage}": {stage: say(b"554 5.7.1 go away\r\n")} for stage in ("mail", "rcpt", "data", "dot")}


def forgiving(world, name, number):
    """All of them on one host; the refusing ones refuse whoever comes."""
    r = Rogue(world, name, number)
    for kind in (AGAIN, AT_ONCE, UNSURE):
        for server, faults in kind.items():
            r.add(server, faults)
    for server, faults in REFUSED.items():
        r.add(server, faults, times=1000)
    for server, stall in STALLS.items():
        r.add(server, stall, times=1000)
    r.add("no-8bit", extensions=())
    r.add("prompt")
    r.add("small", extensions=("SIZE 20000", "8BITMIME"))
    r.add("chunking", extensions=("CHUNKING", "PIPELINING", "8BITMIME"))
    r.add("partly", rcpt={"later": [b"450 4.2.1 not now\r\n"], "never": [b"550 5.1.1 unknown\r\n"]}, extensions=("PIPELINING", "8BITMIME"))
    r.add("full", rcpt={f"u{i}": [b"452 4.5.3 too many\r\n"] for i in range(10, 20)})
    return r


def send(scene, name, user="x", body=BODY, extra=b"", to=None):
    to = to or [f"{user}@{scene['rogue'].domain_of(name)}"]
    mail = message(name, scene.troika.address_of("alice"), to[0], body, extra)
    scene.troika.send("alice", to, mail)
    return mail


def arrived(server, ident):
    return [m for _, _, m, _ in server.accepted if ident_of(m) == ident]


def faults(scene):
    t, servers = scene.troika, scene["rogue"].servers
    sent = {name: send(scene, name) for name in (*AGAIN, *AT_ONCE, *UNSURE)}
    for name in REFUSED:
        send(scene, name)
    wait_for("all faults to strike", lambda: all(servers[n].fired for n in (*sent, *REFUSED)))
    wait_for("those that deliver at once", lambda: all(arrived(servers[n], n) for n in AT_ONCE))
    listed = t.queue("list")
    waiting = {n for n in (*AGAIN, *UNSURE) if not arrived(servers[n], n)}        # asked after the list: what is not there now was in it
    check("what did not get through waits in the queue", all(f"x@{scene['rogue'].domain_of(n)}"[:34] in listed for n in waiting), listed[-600:])

    def all_there():
        t.retry()
        return all(arrived(servers[n], n) for n in sent)
    try:
        wait_for("all to be delivered", all_there, every=1)
    finally:
        for name, mail in sent.items():
            got, unsure = arrived(servers[name], name), [m for _, _, m, _ in servers[name].uncertain if ident_of(m) == name]
            check(f"{name}: delivered once, as it was sent", len(got) == 1 and same(mail, got[0]), f"{len(got)} taken; {t.queue('list', '--recipient', f'x@rogue.example')}")
            once_more = 1 if name in UNSURE or AGAIN.get(name, {}).keys() & {"dot"} else 0
            check(f"{name}: sent whole {1 + once_more} time(s)", len(unsure) == once_more, len(unsure))
    for name in REFUSED:
        notice = t.wait_notice(name)
        check(f"{name}: the sender is told, with their words", "go away" in notice.recipients[0].as_string() and notice.recipients[0]["Status"] == "5.7.1",
              notice.recipients[0].as_string())
        check(f"{name}: not tried again", servers[name].connections == 1, servers[name].connections)
    t.wait_empty()
    told = [n.ident for n in t.notices()]
    check("nobody is told about what arrived, or twice", sorted(told) == sorted(REFUSED), told)


def poor(scene):
    """Peers that can little, and recipients of one message that fare differently (RFC 5321 4.2.5, RFC 6152 3, RFC 1870 6.1)."""
    t, servers = scene.troika, scene["rogue"].servers
    text = "Grüße aus Łódź, 東京 и Москвы\r\n" * 3
    send(scene, "no-8bit", body=text.encode(), extra=MIME8)
    got = wait_for("the message made 7bit", lambda: arrived(servers["no-8bit"], "no-8bit"))
    check("no 8BITMIME: nothing above ASCII", got[0].isascii(), got[0][-300:])
    check("no 8BITMIME: reads the same", email.message_from_bytes(got[0], policy=email.policy.default).get_content().splitlines() == text.splitlines(), got[0][-300:])
    send(scene, "small")
    notice = t.wait_notice("small")
    check("SIZE too small: told 5.3.4, never sent", notice.recipients[0]["Status"] == "5.3.4" and not servers["small"].accepted, notice.recipients[0].as_string())
    mail = send(scene, "chunking", body=EIGHT + b".\r\n..\r\n", extra=MIME8)
    got = wait_for("the message in chunks", lambda: arrived(servers["chunking"], "chunking"))
    check("CHUNKING: used, and as it was sent", same(mail, got[0]) and any(c.startswith("BDAT") for c in servers["chunking"].commands), got[0][-300:])
    domain = scene["rogue"].domain_of("partly")
    send(scene, "partly", to=[f"{u}@{domain}" for u in ("now", "later", "never")])
    wait_for("the one that is taken", lambda: servers["partly"].accepted)
    check("one of three: taken for it alone", servers["partly"].accepted[0][1] == [f"now@{domain}"], servers["partly"].accepted[0][1])
    notice = t.wait_notice("partly")
    check("one of three: told alone", [r["Final-Recipient"] for r in notice.recipients] == [f"rfc822; never@{domain}"], notice.message.as_string()[:500])
    wait_for("the one that came later", lambda: t.retry() is None and len(servers["partly"].accepted) == 2, every=1)
    check("one of three: later, once", servers["partly"].accepted[1][1] == [f"later@{domain}"], servers["partly"].accepted)
    domain = scene["rogue"].domain_of("full")
    send(scene, "full", to=[f"u{i}@{domain}" for i in range(20)])
    wait_for("all twenty", lambda: t.retry() is None and sum(len(e[1]) for e in servers["full"].accepted) >= 20, every=1)
    t.wait_empty()
    reached = sorted(r for e in servers["full"].accepted for r in e[1])
    check("452 for half of them: each once", reached == sorted(f"u{i}@{domain}" for i in range(20)), reached)


def stalled(scene):
    """Servers that fall silent hold up nobody else's mail, nor the end of the server (which the scene checks when it closes)."""
    t, servers = scene.troika, scene["rogue"].servers
    for name in STALLS:
        for _ in range(3):
            send(scene, name, body=large() if name == "stall-body" else BODY)
    wait_for("all of them to be silent", lambda: all(servers[n].fired for n in STALLS))
    send(scene, "prompt")
    wait_for("mail for another", lambda: arrived(servers["prompt"], "prompt"))        # the silent are so for longer than anybody waits here
    wait_for("what the silent ones have to be all in the queue", lambda: t.queued() == 3 * len(STALLS))      # the prompt one's goes a moment after it is there
    t.kill()
    check("and after a kill", t.queued() == 3 * len(STALLS), t.queue("list"))
    for name in STALLS:
        servers[name].times = 0
    t.start()
    wait_for("all of it", lambda: t.retry() is None and all(len(arrived(servers[n], n)) == 3 for n in STALLS), every=1)
    t.wait_empty()
    check("none of it twice", all(len(arrived(servers[n], n)) == 3 for n in STALLS))


def silent_end(scene):
    """SIGTERM does not wait for the silent: the scene closes with one of them at work."""
    servers = scene["rogue"].servers
    servers["stall-data"].times, servers["stall-data"].fired = 1000, 0
    send(scene, "stall-data")
    wait_for("silence", lambda: servers["stall-data"].fired)


def rogues():
    with Scene(more={"rogue": forgiving}, config={"timeouts": 'drain = "2s"'}) as scene:
        for part in (faults, poor, stalled, silent_end):
            attempt(part.__name__, part, scene)


play(rogues)
