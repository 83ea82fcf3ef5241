#!/usr/bin/python3
"""Greylisting: Postfix's towards us, by a policy server as its manual has it. Usage: greylist.py PATH/TO/troika"""
import socket
import threading
import time

from mails import ident_of, message
from scene import Scene, attempt, check, play
from world import wait_for

PATIENCE = 2
POLICY_PORT = 10023


class Greylist:
    """Postfix's SMTPD_POLICY_README: lines of name=value, an empty one, and then the action. A triplet is let in when it returns after PATIENCE."""

    def __init__(self, world, host):
        self.seen, self.refused = {}, 0
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
        first = self.seen.setdefault((r["client_address"], r["sender"], r["recipient"]), time.monotonic())
        if time.monotonic() - first >= PATIENCE:
            return "DUNNO"
        self.refused += 1
        return "450 4.2.0 Greylisted, come back later"


def theirs(scene):
    """Retried without anybody's help, after what they said was written down."""
    t, p = scene.troika, scene["postfix"]
    t.send("alice", [f"u{i}@{p.domain}" for i in range(3)], message("theirs", t.address_of("alice"), f"u0@{p.domain}"))
    text = wait_for("their words in the queue", lambda: (s := t.queue("list")) and "Greylisted" in s and s)
    check("troika queue list shows their words", "4.2.0" in text and f"mx.{p.domain}" in text, text)
    wait_for("all three at Postfix", lambda: len([m for m in p.messages() if ident_of(m) == "theirs"]) >= 3, 40, every=0.2)
    t.wait_empty()
    check("each once", len([m for m in p.messages() if ident_of(m) == "theirs"]) == 3)
    check("nobody was told", not t.notices(), [n.text for n in t.notices()])


def greylist():
    with Scene(("postfix",), start=False) as scene:
        policy = Greylist(scene.world, "postfix")
        scene["postfix"].start(smtpd_recipient_restrictions=f"permit_mynetworks, check_policy_service inet:127.0.0.1:{POLICY_PORT}")
        scene.troika.start()
        attempt("theirs", theirs, scene)
        check("it was greylisting that happened", policy.refused >= 3, policy.refused)
        check("troika check finds nothing", not scene.troika.faults(), scene.troika.faults())


play(greylist)
