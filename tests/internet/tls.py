#!/usr/bin/python3
"""TLS by what a domain publishes: DANE (RFC 7672), MTA-STS (RFC 8461), REQUIRETLS (RFC 8689), and nothing at all. Usage: tls.py PATH/TO/troika"""
import http.server
import ssl
import threading

from mails import ident_of, message
from peers import Authority, certificate, spki_digest
from rogue import Rogue, say
from scene import Scene, attempt, check, play
from world import wait_for

WRONG = "0" * 64
STS_DOMAINS = ("sts-good", "sts-selfsigned", "sts-othername", "sts-othermx", "sts-notls", "sts-testing", "sts-none")
STARTTLS_BREAKS = {
    "tls-454": {"starttls": say(b"454 4.7.0 not now\r\n")},
    "tls-501": {"starttls": say(b"501 5.5.2 what\r\n")},
    "tls-garbage": {"tls": say(b"this is no TLS\r\n" * 10, then_close=True)},
    "tls-closes": {"tls": say(b"", then_close=True)},
}


class Policies(http.server.BaseHTTPRequestHandler):
    """https://mta-sts.DOMAIN/.well-known/mta-sts.txt for the domains of the rogue host."""
    asked = []

    def do_GET(self):
        host = self.headers["Host"].partition(":")[0]
        self.asked.append(host)
        name = host.removeprefix("mta-sts.").partition(".")[0]
        mode = {"sts-testing": "testing", "sts-none": "none"}.get(name, "enforce")
        mx = "mx-elsewhere.example" if name in ("sts-othermx", "sts-testing") else "mx-" + host.removeprefix("mta-sts.")
        body = f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n".encode()
        self.send_response(200 if self.path == "/.well-known/mta-sts.txt" else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def serve_policies(rogue, address, identity):
    server = rogue.world.inside(rogue.name, lambda: http.server.ThreadingHTTPServer((address, 443), Policies))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rogue.world.stops.append(server.server_close)


class Cast(Rogue):
    """Servers with every kind of certificate, and the zones that say what to expect of them: NAME.example. for DANE, so that each can be signed,
    unsigned or broken by itself, NAME.rogue.example for the rest."""

    def __init__(self, world, name, number):
        super().__init__(world, name, number)
        self.authority = ca = Authority(world.root / "ca")
        self.selfsigned = certificate(world.root / "selfsigned", "whatever.example")
        self.digest = spki_digest(self.selfsigned[0])
        right, wrong, root = f"3 1 1 {self.digest}", f"3 1 1 {WRONG}", f"2 1 1 {spki_digest(ca.root)}"
        self.tlsa_of = {}
        for server, tlsa in {"dane-right": right, "dane-wrong": wrong, "dane-unsigned": wrong, "dane-unusable": f"1 1 1 {WRONG}", "bogus": right,
                             "override": wrong, "requiretls-plain": right}.items():
            self.publish(server, tlsa, identity=self.selfsigned)
        self.publish("requiretls", right, identity=self.selfsigned, extensions=("REQUIRETLS", "8BITMIME"))
        self.publish("dane-notls", right)
        self.publish("dane-ta", root, identity=ca.issue("mx.dane-ta.example"))
        self.publish("dane-ta-othername", root, identity=ca.issue("mx.somewhere-else.example"))
        for server in ("sts-good", "sts-othermx", "sts-testing", "sts-none"):
            self.add(server, identity=ca.issue(f"mx-{server}.{self.domain}"))
        self.add("sts-selfsigned", identity=self.selfsigned)
        self.add("sts-othername", identity=ca.issue("mx.nobody.example"))
        self.add("sts-notls")
        self.add("sts-badfetch", identity=self.selfsigned)
        for server, broken in STARTTLS_BREAKS.items():
            self.add(server, broken, times=1000, identity=self.selfsigned)

    def publish(self, server, tlsa, **kw):
        self.add(server, **kw)
        self.tlsa_of[server] = tlsa

    def dane_zone(self, server, tlsa):
        return f"@ MX 10 mx\nmx A {self.servers[server].address}\n_25._tcp.mx TLSA {tlsa}\n"

    def zones(self):
        where = {**dict.fromkeys(STS_DOMAINS, self.address), "sts-badfetch": self.servers["sts-badfetch"].address}
        own = self.zone() + "".join(f"_mta-sts.{d} TXT \"v=STSv1; id=1;\"\nmta-sts.{d} A {address}\n" for d, address in where.items())
        return {self.domain + ".": own, **{f"{server}.example.": self.dane_zone(server, tlsa) for server, tlsa in self.tlsa_of.items()}}

    def start(self):
        super().start()
        serve_policies(self, self.address, self.authority.issue(*(f"mta-sts.{d}.{self.domain}" for d in STS_DOMAINS)))
        serve_policies(self, self.servers["sts-badfetch"].address, self.selfsigned)
        return self


def send(scene, name, domain=None, extra=b"", **kw):
    to = f"x@{domain or name + '.example'}"
    scene.troika.send("alice", [to], message(name, scene.troika.address_of("alice"), to, extra=extra), **kw)


def arrived(scene, name):
    return [e for e in scene["rogue"].servers[name].accepted if ident_of(e[2]) == name]


def check_arrives(scene, name, over_tls, why):
    try:
        got = wait_for(f"{name}", lambda: arrived(scene, name))
    except Exception as e:                                    # noqa: BLE001
        check(f"{name}: {why}", False, f"{e}; {scene.troika.queue('list')}")
        return
    check(f"{name}: {why}", len(got) == 1 and got[0][3] == over_tls, f"{len(got)} times, over TLS: {got[0][3]}")


def reason(scene, name):
    """What `troika queue list` says of the one message to it."""
    t = scene.troika
    recipient = f"x@{name}.example" if f"{name}.example." in scene.zones.zones else f"x@{scene['rogue'].domain_of(name)}"
    lines = t.queue("list", "--recipient", recipient).splitlines()
    return " ".join(" ".join(lines[2:-1]).split())


def check_waits(scene, name, words, why):
    """Deferred, with a reason that an operator understands; nothing of it went out."""
    try:
        text = wait_for(name, lambda: (r := reason(scene, name)) and "tried" in r and r)
    except Exception as e:                                    # noqa: BLE001
        check(f"{name}: {why}", False, f"{e}; {scene.troika.queue('list')}")
        return
    server = scene["rogue"].servers[name]
    check(f"{name}: {why}", any(w in text for w in words), text)
    check(f"{name}: nothing left us", not server.accepted and not any(c.startswith("MAIL") for c in server.commands), server.commands)


def dane(scene, cast):
    for name in ("dane-right", "dane-wrong", "dane-unsigned", "dane-unusable", "bogus", "dane-notls", "dane-ta", "dane-ta-othername"):
        send(scene, name)
    send(scene, "override", extra=b"TLS-Required: No\r\n")
    check_arrives(scene, "dane-right", True, "3 1 1 of a self-signed certificate")
    check_arrives(scene, "dane-ta", True, "2 1 1 of an authority, and the name fits")
    check_arrives(scene, "dane-unsigned", True, "TLSA without DNSSEC is nothing (RFC 7672 2.1.1)")
    check_arrives(scene, "dane-unusable", True, "only usages that SMTP does not know: any TLS (RFC 7672 3.1.3)")
    check_arrives(scene, "override", True, "TLS-Required: No (RFC 8689 3)")
    check_waits(scene, "dane-wrong", ("DANE", "TLSA"), "the digest fits no certificate")
    check_waits(scene, "dane-notls", ("STARTTLS", "TLS"), "TLSA, but no STARTTLS (RFC 7672 2.2)")
    check_waits(scene, "dane-ta-othername", ("DANE", "TLSA", "name"), "the authority fits, the name does not (RFC 7672 3.2.3)")
    check_waits(scene, "bogus", ("DNS",), "its DNS answers are bogus")
    scene.zones.set("dane-wrong.example.", cast.dane_zone("dane-wrong", f"3 1 1 {cast.digest}"))
    wait_for("dane-wrong mended", lambda: scene.troika.retry() is None and arrived(scene, "dane-wrong"), every=1)
    check_arrives(scene, "dane-wrong", True, "delivered once the zone is mended")


def postfix_dane(scene, cast):
    p = scene["postfix"]
    send(scene, "dane-postfix", p.domain)
    wait_for("mail at Postfix", lambda: any(ident_of(m) == "dane-postfix" for m in p.messages()))
    check("Postfix with TLSA 3 1 1 in a signed zone: delivered", True)


def sts(scene, cast):
    rogue = scene["rogue"]
    for name in (*STS_DOMAINS, "sts-badfetch"):
        send(scene, name, rogue.domain_of(name))
    check_arrives(scene, "sts-good", True, "enforce: a certificate of the authority for the name")
    check_arrives(scene, "sts-testing", True, "testing: delivered though the MX is not in the policy")
    check_arrives(scene, "sts-none", True, "mode none")
    check_arrives(scene, "sts-badfetch", True, "a policy that cannot be fetched is none (RFC 8461 5.1)")
    check_waits(scene, "sts-selfsigned", ("certificate", "MTA-STS"), "enforce: self-signed")
    check_waits(scene, "sts-othername", ("certificate", "name", "MTA-STS"), "enforce: a certificate for another name")
    check_waits(scene, "sts-othermx", ("MTA-STS", "policy"), "enforce: the MX is not in the policy")
    check_waits(scene, "sts-notls", ("STARTTLS", "TLS"), "enforce: no STARTTLS")
    asked = Policies.asked.count(f"mta-sts.sts-good.{rogue.domain}")
    send(scene, "sts-good", rogue.domain_of("sts-good"))
    wait_for("a second message", lambda: len(arrived(scene, "sts-good")) == 2)
    check("the policy was remembered", Policies.asked.count(f"mta-sts.sts-good.{rogue.domain}") == asked == 1, asked)


def require_tls(scene, cast):
    servers = scene["rogue"].servers
    for name in ("requiretls", "requiretls-plain"):
        send(scene, name, options=("REQUIRETLS",))
    check_arrives(scene, "requiretls", True, "REQUIRETLS to a peer that has it, over TLS that DANE verifies")
    check("requiretls: passed on", "REQUIRETLS" in servers["requiretls"].accepted[0][0].split(), servers["requiretls"].accepted[0][0])
    notice = scene.troika.wait_notice("requiretls-plain")
    check("requiretls-plain: a peer without it: told 5.7.30 (RFC 8689 4.2.1)", notice.recipients[0]["Status"] == "5.7.30" and not servers["requiretls-plain"].accepted,
          notice.recipients[0].as_string())


def opportunistic(scene, cast):
    """Broken TLS where nothing is promised is no reason to keep mail: RFC 7435."""
    rogue = scene["rogue"]
    for name in STARTTLS_BREAKS:
        send(scene, name, rogue.domain_of(name))
    send(scene, "tls-opensmtpd", scene["opensmtpd"].domain)
    for name in STARTTLS_BREAKS:
        check_arrives(scene, name, False, "falls back to plain")
    wait_for("mail at OpenSMTPD", lambda: any(ident_of(m) == "tls-opensmtpd" for m in scene["opensmtpd"].messages()))
    check("OpenSMTPD, whose handshakes fail: falls back to plain", True)


def tls():
    with Scene(("postfix", "opensmtpd"), more={"rogue": Cast}, unsigned=("dane-unsigned.example.",), broken=("bogus.example.",), start=False) as scene:
        cast = scene["rogue"]
        scene.zones.set(scene["postfix"].domain + ".", scene["postfix"].zone() + scene["postfix"].tlsa())
        for peer in scene.peers.values():
            peer.start(**({"broken_tls": True} if peer.name == "opensmtpd" else {}))
        scene.troika.configure(scene.zones, outbound=f'ca_file = "{cast.authority.root}"')
        scene.troika.start()
        for part in (dane, postfix_dane, sts, require_tls, opportunistic):
            attempt(part.__name__, part, scene, cast)


play(tls)
