#!/usr/bin/python3
"""SPF, DKIM and DMARC between the hosts of the world, by the records that they publish; our signatures verified by another's code (dkimpy).
Usage: proofs.py PATH/TO/troika"""
import base64
import re
import smtplib
import subprocess

import dkim
from mails import EIGHT, MIME8, ident_of, message
from rogue import Rogue
from scene import Scene, attempt, check, play, txt
from world import wait_for


class Forger(Rogue):
    """Sends in the name of others, or in its own with a key."""

    def __init__(self, world, name, number):
        super().__init__(world, name, number)
        self.private = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
        self.public = base64.b64encode(subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=self.private, capture_output=True, check=True).stdout).decode()

    def zones(self):
        key = f"sel._domainkey TXT \"v=DKIM1; k=rsa; \" \"p={self.public[:200]}\" \"{self.public[200:]}\"\n"
        return {self.domain + ".": self.zone(),
                "strict.example.": f"@ MX 10 mx\nmx A {self.address}\n@ TXT \"v=spf1 -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\n{key}",
                "soft.example.": "@ TXT \"v=spf1 -all\"\n_dmarc TXT \"v=DMARC1; p=quarantine\"\n",
                "watching.example.": "@ TXT \"v=spf1 ~all\"\n_dmarc TXT \"v=DMARC1; p=none\"\n"}

    def sign(self, mail, domain="strict.example"):
        return dkim.sign(mail, b"sel", domain.encode(), self.private, canonicalize=(b"relaxed", b"relaxed"), include_headers=[b"from", b"to", b"subject", b"date"]) + mail


def results(mail):
    """The topmost Authentication-Results, unfolded."""
    found = re.search(rb"^Authentication-Results:((?:.*\r\n[ \t])*.*)", mail, re.M | re.I)
    return " ".join(found.group(1).decode().split()) if found else ""


def got(scene, ident, mailbox="INBOX"):
    return wait_for(f"{ident} in {mailbox}", lambda: scene.troika.messages("alice", ident, mailbox))[0]


def own_mail(scene):
    """Each neighbour publishes SPF for its host and a strict DMARC policy: its mail passes."""
    t = scene.troika
    for p in (scene["postfix"], scene["exim"]):
        ident = f"spf-{p.name}"
        p.send(f"someone@{p.domain}", [t.address_of("alice")], message(ident, f"someone@{p.domain}", t.address_of("alice")))
        ar = results(got(scene, ident))
        check(f"{ident}: our name stands first", ar.startswith(f"mx.{t.domain}"), ar)
        check(f"{ident}: spf=pass", re.search(rf"spf=pass .*smtp\.mailfrom=\S*{p.domain}", ar), ar)
        check(f"{ident}: dmarc=pass", re.search(rf"dmarc=pass .*header\.from={p.domain}", ar), ar)


def refused(scene, name, sender, mail):
    t = scene.troika
    try:
        scene["forger"].deliver(t.address, sender, [t.address_of("alice")], mail)
        check(f"{name}: refused", False, "it was taken")
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused) as e:
        code, text = (e.smtp_code, e.smtp_error) if hasattr(e, "smtp_code") else next(iter(e.recipients.values()))
        check(f"{name}: refused with 550 5.7.1 or nearer", code == 550 and text.startswith(b"5.7."), (code, text))
    check(f"{name}: is nowhere", not any(t.messages("alice", ident_of(mail), box) for box in ("INBOX", "Junk")))


def forged(scene):
    t, forger, to = scene.troika, scene["forger"], scene.troika.address_of("alice")
    refused(scene, "forged-postfix", f"someone@{scene['postfix'].domain}", message("forged-postfix", f"boss@{scene['postfix'].domain}", to))
    refused(scene, "forged-strict", f"x@{forger.domain}", message("forged-strict", "boss@strict.example", to))
    forger.deliver(t.address, f"x@{forger.domain}", [to], message("forged-soft", "boss@soft.example", to))
    mail = got(scene, "forged-soft", "Junk")
    check("p=quarantine: in Junk, and only there", not t.messages("alice", "forged-soft"), results(mail))
    check("p=quarantine: dmarc=fail", "dmarc=fail" in results(mail), results(mail))
    lie = f"Authentication-Results: mx.{t.domain}; dmarc=pass header.from=watching.example\r\n".encode()
    forger.deliver(t.address, "x@watching.example", [to], lie + message("forged-watching", "boss@watching.example", to))
    mail = got(scene, "forged-watching")
    check("p=none: delivered, spf=softfail, dmarc=fail", "spf=softfail" in results(mail) and "dmarc=fail" in results(mail), results(mail))
    check("a result in our name that is not ours is taken out (RFC 8601 5)", mail.count(f"mx.{t.domain}; dmarc=pass".encode()) == 0, mail[:900])


def signed(scene):
    """Signed by dkimpy: believed from anywhere, as long as nobody touches it."""
    t, forger, to = scene.troika, scene["forger"], scene.troika.address_of("alice")
    forger.deliver(t.address, f"x@{forger.domain}", [to], forger.sign(message("signed", "boss@strict.example", to, EIGHT, MIME8)), mail_options=["BODY=8BITMIME"])
    ar = results(got(scene, "signed"))
    check("signed: dkim=pass", re.search(r"dkim=pass .*header\.d=strict\.example", ar), ar)
    check("signed: dmarc=pass", "dmarc=pass" in ar, ar)
    refused(scene, "signed-touched", f"x@{forger.domain}", forger.sign(message("signed-touched", "boss@strict.example", to)).replace(b"Hello.", b"Hello!"))


def ours(scene):
    """What leaves us: signed so that others verify it, and aligned."""
    t, p = scene.troika, scene["postfix"]
    for ident, body in {"ours": b"Hello.\r\n", "ours-8bit": EIGHT}.items():
        t.send("alice", [f"someone@{p.domain}"], message(ident, t.address_of("alice"), f"someone@{p.domain}", body, MIME8))
        mail = wait_for(f"{ident} at Postfix", lambda i=ident: [m for m in p.messages() if ident_of(m) == i])[0]
        mail = mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        fields = re.findall(rb"^DKIM-Signature:(?:.*\r\n[ \t])*.*", mail, re.M | re.I)
        check(f"{ident}: signed", fields, mail[:800])
        for i, field in enumerate(fields):
            algorithm = re.search(rb"a=([\w-]+)", field).group(1).decode()
            try:
                ok = dkim.DKIM(mail).verify(i, dnsfunc=txt(scene.world))
            except dkim.DKIMException as e:
                ok = str(e)
            check(f"{ident}: dkimpy verifies the {algorithm} signature", ok is True, ok or field)
            check(f"{ident}: for our domain, over From", re.search(rf"d={re.escape(t.domain)}".encode(), field) and re.search(rb"[h:]\s*=?[^;]*from", field, re.I), field)
    notice_to = f"x@{scene['forger'].domain_of('listens')}"
    t.cli("alias", "add", t.address_of("forward"), f"nobody@{p.domain}", "-d", t.data)
    scene["forger"].deliver(t.address, notice_to, [t.address_of("forward")], message("notice", notice_to, t.address_of("forward")))
    listens = scene["forger"].servers["listens"]
    notice = wait_for("our notice elsewhere", lambda: listens.accepted)[0][2]
    try:
        ok = dkim.DKIM(notice).verify(dnsfunc=txt(scene.world))
    except dkim.DKIMException as e:
        ok = str(e)
    check("a notice that we send is signed too", ok is True, ok or notice[:800])


def proofs():
    def forger(world, name, number):
        f = Forger(world, name, number)
        f.add("listens")
        return f
    with Scene(("postfix", "exim"), more={"forger": forger}) as scene:
        for p in (scene["postfix"], scene["exim"], scene.troika):
            scene.zones.set(p.domain + ".", p.zone() + "_dmarc TXT \"v=DMARC1; p=reject\"\n")
        for part in (own_mail, forged, signed, ours):
            attempt(part.__name__, part, scene)


play(proofs)
