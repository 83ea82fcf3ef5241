#!/usr/bin/python3
"""kill -9 of Troika again and again while Postfix sends to it and it sends to Postfix: all that was accepted arrives, and comes twice only where SMTP
cannot know. Usage: kill.py PATH/TO/troika [ROUNDS]"""
import collections
import random
import smtplib
import sys
import threading
import time

from mails import ident_of, large, message, same
from scene import Scene, attempt, check, play
from world import wait_for

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 6
SIZES = (200, 200, 3000, 40_000)
IN_FLIGHT = 20                        # jobs at once to one destination, the default


class Traffic:
    """Senders on both sides; what each side said yes to."""

    def __init__(self, scene):
        self.scene, self.lock = scene, threading.Lock()
        self.inward, self.outward = {}, {}                    # ident -> message, acknowledged
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=fn, args=(i,), daemon=True) for i, fn in enumerate((self.send_in, self.send_out, self.send_out))]
        for t in self.threads:
            t.start()

    def messages(self, name, sender, to):
        n = 0
        while not self.stop.is_set():
            ident = f"{name}-{n}"
            yield ident, message(ident, sender, to, large(random.choice(SIZES), n))
            n += 1

    def note(self, where, ident, mail):
        with self.lock:
            where[ident] = mail

    def send_in(self, i):
        p, to = self.scene["postfix"], self.scene.troika.address_of("bob")
        for ident, mail in self.messages(f"in-{i}", f"someone@{p.domain}", to):
            p.send(f"someone@{p.domain}", [to], mail)
            self.note(self.inward, ident, mail)
            time.sleep(0.05)

    def send_out(self, i):
        t, to = self.scene.troika, f"someone@{self.scene['postfix'].domain}"
        for ident, mail in self.messages(f"out-{i}", t.address_of("alice"), to):
            try:
                t.send("alice", [to], mail)
                self.note(self.outward, ident, mail)
            except (OSError, smtplib.SMTPException):          # the power went; it may have been taken all the same
                time.sleep(0.1)


def account(name, acknowledged, arrived, doubles_allowed):
    by_ident = collections.defaultdict(list)
    for m in arrived:
        by_ident[ident_of(m)].append(m)
    lost = [i for i in acknowledged if not by_ident[i]]
    check(f"{name}: all {len(acknowledged)} that were accepted arrived", not lost and len(acknowledged) > ROUNDS, lost[:10])
    wrong = [i for i, mail in acknowledged.items() if not all(same(mail, m) for m in by_ident[i])]
    check(f"{name}: as they were sent", not wrong, wrong[:10])
    doubles = sum(len(v) - 1 for v in by_ident.values() if v)
    check(f"{name}: {doubles} came twice, of at most {doubles_allowed} where the answer was lost", doubles <= doubles_allowed)


def kills(scene):
    t, p = scene.troika, scene["postfix"]
    random.seed(20261126)
    traffic = Traffic(scene)
    for k in range(ROUNDS):
        before = len(traffic.inward), len(traffic.outward)
        wait_for("traffic both ways", lambda: len(traffic.inward) > before[0] and len(traffic.outward) > before[1])
        time.sleep(random.uniform(0, 1.5))
        t.kill()
        began = time.monotonic()
        t.start()
        check(f"kill {k}: up again without repair", t.process.poll() is None, f"{time.monotonic() - began:.1f} s")
    wait_for("enough traffic", lambda: min(len(traffic.inward), len(traffic.outward)) > ROUNDS)
    traffic.stop.set()
    for thread in traffic.threads:
        thread.join()
    p.flush()
    wait_for("Postfix to send all", lambda: p.queued() == 0, every=0.5)
    wait_for("Troika to send all", lambda: t.retry() is None and t.queued() == 0, every=0.5)
    log = (scene.world.root / "postfix.log").read_text(errors="replace")
    account("to Troika", traffic.inward, t.messages("bob"), log.count("message may be sent more than once"))
    account("from Troika", traffic.outward, p.messages(), ROUNDS * IN_FLIGHT)
    check("nobody got a notice", not t.notices() and not any("Delivery" in str(m[:2000]) for m in p.messages() if b"X-Ident" not in m), len(t.notices()))


def kill():
    with Scene(("postfix",)) as scene:
        attempt("kills", kills, scene)


play(kill)
