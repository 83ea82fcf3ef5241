#!/usr/bin/python3
"""What senders are told, and that nobody is told twice or about what is no news. Usage: bounces.py PATH/TO/troika"""
from mails import ident_of, message
from rogue import Rogue
from scene import Scene, attempt, check, play
from troika import Notice
from world import wait_for

# Domains that nobody can send to: zone text, and what the sender is told (RFC 3463, RFC 7505).
DEAD = {
    "nowhere": (None, ("5.1.2", "5.4.4")),
    "nullmx": ("@ MX 0 .\n", ("5.1.10",)),
    "badmx": ("@ MX 10 gone.badmx.example.\n", ("5.4.4", "5.1.2")),
    "mailless": ("@ TXT \"neither MX nor A\"\n", ("5.4.4", "5.1.2")),
}


def field(block, name):
    return " ".join(str(block[name] or "").split())


def check_notice(name, scene, notice, recipient, action, statuses, remote=None):
    """RFC 3464 2.2, 2.3; RFC 3461 6.2; RFC 3834 3: the fields that a program reads."""
    t = scene.troika
    check(f"{name}: one recipient", len(notice.recipients) == 1, notice.message.as_string()[:600])
    r = notice.recipients[0]
    check(f"{name}: Reporting-MTA", field(notice.per_message, "Reporting-MTA").lower() == f"dns; mx.{t.domain}", field(notice.per_message, "Reporting-MTA"))
    check(f"{name}: Final-Recipient", field(r, "Final-Recipient") == f"rfc822; {recipient}", field(r, "Final-Recipient"))
    check(f"{name}: Action {action}", field(r, "Action") == action, field(r, "Action"))
    check(f"{name}: Status {' or '.join(statuses)}", field(r, "Status").split(" ")[0] in statuses, r.as_string())
    if remote:
        check(f"{name}: Remote-MTA and its words", remote in field(r, "Remote-MTA") and field(r, "Diagnostic-Code").startswith("smtp; 5"), r.as_string())
    check(f"{name}: null return path, Auto-Submitted", notice.message["Return-Path"] == "<>" and str(notice.message["Auto-Submitted"]).startswith("auto-"),
          notice.message.as_string()[:600])
    check(f"{name}: the text names the recipient", recipient in notice.text, notice.text[:400])


def send(scene, ident, recipient, body=b"Hello.\r\n", **kw):
    scene.troika.send("alice", [recipient], message(ident, scene.troika.address_of("alice"), recipient, body), **kw)


def unknown_there(scene):
    for peer in scene.peers.values():
        send(scene, f"unknown-{peer.name}", f"nobody@{peer.domain}" if peer.name != "rogue" else f"nobody@{peer.domain_of('plain')}")
    for peer in scene.peers.values():
        ident, domain = f"unknown-{peer.name}", peer.domain if peer.name != "rogue" else peer.domain_of("plain")
        notice = scene.troika.wait_notice(ident)
        # OpenSMTPD says 550 without more: what it means is then up to us
        check_notice(ident, scene, notice, f"nobody@{domain}", "failed", ("5.1.1",) if peer.name != "opensmtpd" else ("5.0.0", "5.1.1"), "mx")


def dead_domains(scene):
    for name in DEAD:
        send(scene, f"dead-{name}", f"x@{name}.example")
    for name, (_, statuses) in DEAD.items():
        check_notice(f"dead-{name}", scene, scene.troika.wait_notice(f"dead-{name}"), f"x@{name}.example", "failed", statuses)


def unknown_here(scene):
    """Refused in the dialogue: it is they who tell their senders."""
    t = scene.troika
    peers = [p for p in scene.peers.values() if p.name != "rogue"]
    for peer in peers:
        ident = f"unknown-from-{peer.name}"
        peer.send(f"sender@{peer.domain}", [t.address_of("nobody")], message(ident, f"sender@{peer.domain}", t.address_of("nobody")))
    for peer in peers:
        ident = f"unknown-from-{peer.name}"
        bounce = wait_for(f"the bounce at {peer.name}", lambda: [m for m in peer.messages() if f"X-Ident: {ident}".encode() in m])
        notice = Notice(bounce[0])
        words = notice.recipients[0].as_string() if notice.is_report else bounce[0].decode(errors="replace")
        check(f"{ident}: refused with 550 5.1.1", "550 5.1.1" in " ".join(words.split()), words)
        check(f"{ident}: by themselves", f"mx.{t.domain}" not in str(notice.per_message["Reporting-MTA"] if notice.is_report else ""))


def bounced_bounce(scene):
    """Forwarded mail fails, and so does the notice to its sender: nobody is told about a notice (RFC 5321 6.1)."""
    t, rogue = scene.troika, scene["rogue"]
    t.cli("alias", "add", t.address_of("forward"), f"nobody@{scene['postfix'].domain}", "-d", t.data)
    refuses, listens = rogue.servers["refuses"], rogue.servers["listens"]
    for name in ("refuses", "listens"):
        sender = f"sender@{rogue.domain_of(name)}"
        rogue.deliver(t.address, sender, [t.address_of("forward")], message(f"bounce-{name}", sender, t.address_of("forward")))
    told = wait_for("the notice to a sender elsewhere", lambda: list(listens.accepted))
    notice = Notice(told[0][2])
    check("bounce elsewhere: sent with a null sender", told[0][0].startswith("MAIL FROM:<>"), told[0][0])
    check("bounce elsewhere: a report about the message", notice.is_report and notice.ident == "bounce-listens", told[0][2][:400])
    wait_for("the notice that is refused", lambda: any(c.startswith("RCPT") for c in refuses.commands))
    t.wait_empty()
    tries = sum(c.startswith("MAIL") for c in refuses.commands)
    check("a bounce that bounces dies after one try", tries == 1 and not refuses.accepted, refuses.commands)
    about = [n.ident for user in ("alice", "bob") for n in t.notices(user) if n.ident in ("bounce-refuses", "bounce-listens")]
    check("and nobody else hears of it", not about, about)
    check("the bounce elsewhere was sent once", len(listens.accepted) == 1, len(listens.accepted))


def success(scene):
    """RFC 3461: NOTIFY, RET, ENVID, ORCPT asked of us."""
    t, rogue = scene.troika, scene["rogue"]
    cases = {"local": t.address_of("bob"), "relayed": f"someone@{rogue.domain_of('plain')}", "passed-on": f"someone@{scene['postfix'].domain}"}
    for name, to in cases.items():
        send(scene, f"success-{name}", to, options=("RET=HDRS", f"ENVID=env+2B{name}"), rcpt_options=("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;first+2Bone@example.net"))
    for name, action in (("local", "delivered"), ("relayed", "relayed")):
        ident = f"success-{name}"
        notice = t.wait_notice(ident)
        check_notice(ident, scene, notice, cases[name], action, ("2.1.5", "2.0.0", "2.6.0"))
        check(f"{ident}: Original-Envelope-Id", field(notice.per_message, "Original-Envelope-Id") == f"env+{name}", notice.per_message)
        check(f"{ident}: Original-Recipient", field(notice.recipients[0], "Original-Recipient") == "rfc822; first+one@example.net", notice.recipients[0].as_string())
        check(f"{ident}: headers only", notice.returned.get_content_type() == "text/rfc822-headers", notice.returned.get_content_type())
    notice = t.wait_notice("success-passed-on")
    check("success-passed-on: it is Postfix that tells", field(notice.per_message, "Reporting-MTA") == f"dns; mx.{scene['postfix'].domain}", notice.per_message)
    check("success-passed-on: with the ENVID", field(notice.per_message, "Original-Envelope-Id") == "env+passed-on", notice.per_message)
    send(scene, "never", f"nobody@{scene['postfix'].domain}", rcpt_options=("NOTIFY=NEVER",))
    send(scene, "quiet", f"someone@{scene['postfix'].domain}", rcpt_options=("NOTIFY=FAILURE",))
    wait_for("mail at Postfix", lambda: any(ident_of(m) == "quiet" for m in scene["postfix"].messages()))
    t.wait_empty()
    told = [n.ident for n in t.notices()]
    check("NOTIFY=NEVER: no notice", "never" not in told)
    check("NOTIFY=FAILURE: no notice of success", "quiet" not in told)
    check("each was told once", len(told) == len(set(told)), told)


def returned(scene):
    """RFC 3461 4.3: what comes back of the message."""
    t, to = scene.troika, f"nobody@{scene['postfix'].domain}"
    marks = b"mark-in-body\r\n"
    for name, options in (("full", ("RET=FULL",)), ("hdrs", ("RET=HDRS",))):
        send(scene, f"ret-{name}", to, marks, options=options)
    full, hdrs = t.wait_notice("ret-full"), t.wait_notice("ret-hdrs")
    check("RET=FULL: the whole message", full.returned.get_content_type() == "message/rfc822" and marks.strip() in bytes(full.returned))
    check("RET=HDRS: its header fields alone", hdrs.returned.get_content_type() == "text/rfc822-headers" and marks.strip() not in bytes(hdrs.message))


def bounces():
    def rogue(world, name, number):
        r = Rogue(world, name, number)
        r.add("plain", rcpt={"nobody": [b"550 5.1.1 no such user\r\n"]})
        r.add("refuses", rcpt={"sender": [b"550 5.1.1 no such user\r\n"] * 10})
        r.add("listens")
        return r
    zones = {f"{name}.example.": zone for name, (zone, _) in DEAD.items() if zone}
    with Scene(("postfix", "exim", "opensmtpd"), more={"rogue": rogue}, zones=zones) as scene:
        for part in (unknown_there, dead_domains, unknown_here, bounced_bounce, success, returned):
            attempt(part.__name__, part, scene)


play(bounces)
