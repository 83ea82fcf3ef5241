#!/usr/bin/python3
"""Greylisting: Postfix's towards us, by a policy server as its manual has it, and ours towards Postfix and Exim. And a block list. Usage: greylist.py PATH/TO/troika"""
import re
import smtplib
import socket
import threading

from mails import ident_of, message
from rogue import Rogue
from scene import Scene, attempt, check, play
from world import NET, wait_for

POLICY_PORT = 10023


class Greylist:
    """Postfix's SMTPD_POLICY_README: lines of name=value, an empty one, and then the action. A triplet is let in when it returns, once `opened`."""

    def __init__(self, world, host):
        self.seen, self.refused, self.opened = set(), 0, False
        self.listener = world.inside(host, lambda: socket.create_server(("127.0.0.1", POLICY_PORT)))
        world.stops.append(self.listener.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        with sock, sock.makefile("rw") as f:
            request = {}
            for line in f:
                name, _, value = line.strip().partition("=")
                if name:
                    request[name] = value
                    continue
                f.write(f"action={self.judge(request)}\n\n")
                f.flush()
                request = {}

    def judge(self, r):
        triplet = (r["client_address"], r["sender"], r["recipient"])
        if self.opened and triplet in self.seen:
            return "DUNNO"
        self.seen.add(triplet)
        self.refused += 1
        return "450 4.2.0 Greylisted, come back later"


def theirs(scene):
    """Retried without anybody's help, after what they said was written down."""
    t, p = scene.troika, scene["postfix"]
    t.send("alice", [f"u{i}@{p.domain}" for i in range(3)], message("theirs", t.address_of("alice"), f"u0@{p.domain}"))
    text = wait_for("their words in the queue", lambda: (s := t.queue("list")) and "Greylisted" in s and s)
    scene.policy.opened = True
    check("troika queue list shows their words", "4.2.0" in text and f"mx.{p.domain}" in text, text)
    wait_for("all three at Postfix", lambda: len([m for m in p.messages() if ident_of(m) == "theirs"]) >= 3, every=0.2)
    t.wait_empty()
    check("each once", len([m for m in p.messages() if ident_of(m) == "theirs"]) == 3)
    check("nobody was told", not t.notices(), [n.text for n in t.notices()])


def ours(scene):
    """RFC 6647: a stranger is asked to come again, and then is known; users of ours are never asked."""
    t = scene.troika
    for p in (scene["postfix"], scene["exim"]):
        ident, sender = f"ours-{p.name}", f"someone@{p.domain}"
        p.send(sender, [t.address_of("bob")], message(ident, sender, t.address_of("bob")))
        wait_for(f"{p.name} to be asked to come again", lambda p=p: re.search(r"\b45[01] 4\.7\.\d", p.whole_log()))
    for p in (scene["postfix"], scene["exim"]):
        ident, sender = f"ours-{p.name}", f"someone@{p.domain}"
        wait_for(f"{ident} to come again", lambda i=ident: t.messages("bob", i), every=0.2)
        asked = p.whole_log().count(" 4.7.")
        p.send(sender, [t.address_of("bob")], message(ident + "-again", sender, t.address_of("bob")))
        wait_for(f"{ident}, known now", lambda i=ident: t.messages("bob", i + "-again"))
        check(f"{ident}: once, and the next at once", len(t.messages("bob", ident)) == 1 and p.whole_log().count(" 4.7.") == asked)
    t.send("alice", [t.address_of("bob")], message("ours-user", t.address_of("alice"), t.address_of("bob")))
    check("a user is not asked", wait_for("a user's mail", lambda: t.messages("bob", "ours-user")))


def listed(scene):
    """A block list of the world (RFC 5782): refused, but for postmaster (RFC 5321 4.5.1)."""
    t, r = scene.troika, scene["listed"]
    t.configure(scene.zones, guard='dnsbl = { "bl.example=5" }\nreject_points = 5\ndnsbl_limit = "60s"')
    t.restart()
    sender = f"x@{r.domain}"
    try:
        r.deliver(t.address, sender, [t.address_of("bob")], message("listed", sender, t.address_of("bob")))
        check("a listed host: refused", False, "it was taken")
    except smtplib.SMTPRecipientsRefused as e:
        code, text = next(iter(e.recipients.values()))
        check("a listed host: refused with 5.7.1, naming the list", code in (550, 554) and text.startswith(b"5.7.1") and b"bl.example" in text, (code, text))
    r.deliver(t.address, sender, [f"postmaster@{t.domain}"], message("listed-postmaster", sender, f"postmaster@{t.domain}"))
    check("postmaster hears it", wait_for("mail for postmaster", lambda: t.messages("alice", "listed-postmaster")))
    p = scene["exim"]
    p.send(f"other@{p.domain}", [t.address_of("bob")], message("unlisted", f"other@{p.domain}", t.address_of("bob")))
    check("a host that is not listed is welcome", wait_for("its mail", lambda: t.messages("bob", "unlisted")))


def greylist():
    number = 77
    blocked = {"bl.example.": f"{number}.{'.'.join(reversed(NET.strip('.').split('.')))} A 127.0.0.2\n2.0.0.127 A 127.0.0.2\n"}
    guard = 'greylist = true\ngreylist_spf = true\ngreylist_delay = "2s"'
    with Scene(("postfix", "exim"), more={"listed": lambda world, name, _: Rogue(world, name, number)}, zones=blocked, config={"guard": guard}, start=False) as scene:
        policy = scene.policy = Greylist(scene.world, "postfix")
        scene["postfix"].start(smtpd_recipient_restrictions=f"permit_mynetworks, check_policy_service inet:127.0.0.1:{POLICY_PORT}")
        scene["exim"].start()
        scene["listed"].start()
        scene.troika.start()
        for part in (theirs, ours, listed):
            attempt(part.__name__, part, scene)
        check("it was greylisting that held us up", policy.refused >= 3, policy.refused)


play(greylist)
