#!/usr/bin/python3
"""What domains are told a day later, where they ask for it: who sent mail in their name (RFC 7489 7.2), and how TLS to them fared (RFC 8460). Read by
Python's email, zlib, XML and JSON. Usage: reports.py PATH/TO/troika"""
import email
import email.policy
import gzip
import json
import time
import xml.etree.ElementTree as xml
from unittest import mock

import dkim
from clock import Clock
from mails import ident_of, message
from peers import certificate
from rogue import Rogue
from scene import Scene, attempt, check, play, txt
from world import wait_for

DAY = 86400


def of_kind(peer, to):
    """The reports in a neighbour's mail for that address: messages as Python reads them, and as they are."""
    out = []
    for raw in peer.messages():
        m = email.message_from_bytes(raw, policy=email.policy.default)
        if m["To"] and to in m["To"] and not ident_of(raw):
            out.append((m, raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")))
    return out


def attachment(m, kind):
    return next(p for p in m.walk() if p.get_content_type() == kind)


def check_sender(scene, name, raw):
    now = time.time()
    try:
        with mock.patch("time.time", lambda: now + scene.ahead):  # the day of the report
            ok = dkim.DKIM(raw).verify(dnsfunc=txt(scene.world))
    except dkim.DKIMException as e:
        ok = str(e)
    check(f"{name}: signed by us", ok is True, ok)


def mail_of_the_day(scene):
    t, p, rogue = scene.troika, scene["postfix"], scene["rogue"]
    for i in range(2):
        p.send(f"someone@{p.domain}", [t.address_of("bob")], message(f"own-{i}", f"someone@{p.domain}", t.address_of("bob")))
    rogue.deliver(t.address, f"x@{rogue.domain}", [t.address_of("bob")], message("forged", f"boss@{p.domain}", t.address_of("bob")))
    t.send("alice", [f"someone@{p.domain}"], message("good-tls", t.address_of("alice"), f"someone@{p.domain}"))
    wrong = f"x@{rogue.domain_of('wrong')}"
    t.send("alice", [wrong], message("bad-tls", t.address_of("alice"), wrong))
    wait_for("mail from there", lambda: len(t.messages("bob")) == 3)
    wait_for("mail there", lambda: any(ident_of(m) == "good-tls" for m in p.messages()))
    wait_for("mail that waits", lambda: "TLSA" in t.queue("list") or "DANE" in t.queue("list"))


def dmarc(scene):
    p, rogue = scene["postfix"], scene["rogue"]
    (m, raw), = wait_for("the DMARC report", lambda: of_kind(p, "dmarc@"))
    check_sender(scene, "dmarc", raw)
    part = attachment(m, "application/gzip")
    names = part.get_filename().split("!")
    check("dmarc: named RECEIVER!DOMAIN!BEGIN!END.xml.gz (RFC 7489 7.2.1.1)", names[1] == p.domain and len(names) >= 4 and names[-1].endswith(".xml.gz"), names)
    report = xml.fromstring(gzip.decompress(part.get_content()))
    for e in report.iter():
        e.tag = e.tag.rpartition("}")[2]
    check("dmarc: about the domain and its policy", (report.findtext("policy_published/domain"), report.findtext("policy_published/p")) == (p.domain, "none"), xml.tostring(report))
    rows = {r.findtext("row/source_ip"): (r.findtext("row/count"), r.findtext("row/policy_evaluated/spf"), r.findtext("row/policy_evaluated/disposition"),
                                          r.findtext("identifiers/header_from")) for r in report.iter("record")}
    check("dmarc: two of its own, one forged", rows == {p.address: ("2", "pass", "none", p.domain), rogue.address: ("1", "fail", "none", p.domain)}, rows)


def tls(scene):
    p = scene["postfix"]
    reports = wait_for("the TLS reports", lambda: len(r := of_kind(p, "tlsrpt@")) == 2 and r)
    by_domain = {}
    for m, raw in reports:
        check("tls: TLS-Report-Domain and TLS-Report-Submitter (RFC 8460 5.3)", m["TLS-Report-Domain"] and m["TLS-Report-Submitter"], m.as_string()[:500])
        check("tls: multipart/report; report-type=tlsrpt", (m.get_content_type(), m.get_param("report-type")) == ("multipart/report", "tlsrpt"), m["Content-Type"])
        check_sender(scene, "tls", raw)
        by_domain[m["TLS-Report-Domain"]] = json.loads(gzip.decompress(attachment(m, "application/tlsrpt+gzip").get_payload(decode=True)))
    good, bad = by_domain[p.domain]["policies"][0], by_domain[scene["rogue"].domain_of("wrong")]["policies"][0]
    check("tls: one session that went well", (good["summary"]["total-successful-session-count"], good["summary"]["total-failure-session-count"]) == (1, 0), good)
    check("tls: none that went well where the digest is wrong", bad["summary"]["total-successful-session-count"] == 0 and bad["summary"]["total-failure-session-count"] >= 1, bad)
    check("tls: by policy tlsa, result-type as RFC 8460 4.3 has it", bad["policy"]["policy-type"] == "tlsa" and
          bad["failure-details"][0]["result-type"] in ("validation-failure", "tlsa-invalid", "certificate-not-trusted"), bad)


class Wrong(Rogue):
    def __init__(self, world, name, number):
        super().__init__(world, name, number)
        self.add("wrong", identity=certificate(world.root / "wrong", "whatever.example"))

    def zone(self):
        return super().zone() + f"_25._tcp.mx-wrong TLSA 3 1 1 {'0' * 64}\n_smtp._tls.wrong TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@postfix.example\"\n"


def reports():
    with Scene(("postfix",), more={"rogue": Wrong}) as scene:
        p = scene["postfix"]
        scene.zones.set(p.domain + ".", p.zone() + f"_dmarc TXT \"v=DMARC1; p=none; rua=mailto:dmarc@{p.domain}\"\n_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@{p.domain}\"\n")
        clock = Clock(scene)
        clock.set(DAY - int(time.time()) % DAY + DAY // 2)        # noon: no midnight comes in between
        attempt("mail of the day", mail_of_the_day, scene)
        scene.ahead = clock.ahead + DAY
        clock.set(scene.ahead)
        for part in (dmarc, tls):
            attempt(part.__name__, part, scene)


play(reports)
