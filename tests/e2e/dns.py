#!/usr/bin/env python3
"""`troika dns`: what it prints is a zone that Knot takes and serves, `check` finds all of it right, and says of each broken or missing record what is wrong.
And the page by which mail programs set themselves up."""
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import DOMAIN, PATIENCE, Server, Template, attempt, binary, check, finish, free_ports, scratch, skip, until  # noqa: E402

HOST = f"mail.{DOMAIN}"
ADDRESSES = f"{HOST}. 300 IN A 192.0.2.1\n{HOST}. 300 IN AAAA 2001:db8::1\n"
REVERSE = {"2.0.192.in-addr.arpa": f"1 300 IN PTR {HOST}.\n",
           "8.b.d.0.1.0.0.2.ip6.arpa": f"1{'.0' * 23} 300 IN PTR {HOST}.\n"}
HEAD = "$ORIGIN {}.\n@ 300 IN SOA ns.{} hostmaster.{} 1 300 60 86400 1\n@ 300 IN NS ns.invalid.\n"


class Names:
    """Knot on a port of loopback: the domain, its parents (empty), and the way back. Nothing else is answered."""

    def __init__(self, zone, signed=False):
        self.dir = scratch()
        (self.port,) = free_ports(1)
        self.zones = {DOMAIN: zone, **REVERSE, DOMAIN.split(".", 1)[1]: ""}
        conf = [f"server:\n  rundir: {self.dir}\n  listen: 127.0.0.1@{self.port}\ndatabase:\n  storage: {self.dir}\nlog:\n- target: stderr\n  any: error\n"
                "policy:\n- id: one\n  algorithm: ecdsap256sha256\n  single-type-signing: on\nzone:\n"]
        for name, text in self.zones.items():
            self.write(name, text)
            signing = "  dnssec-signing: on\n  dnssec-policy: one\n" if signed and name == DOMAIN else ""
            conf.append(f"- domain: {name}\n  storage: {self.dir}\n  file: {name}.zone\n  zonefile-sync: -1\n  zonefile-load: difference-no-serial\n"
                        f"  journal-content: all\n  semantic-checks: off\n{signing}")
        (self.dir / "knot.conf").write_text("".join(conf))
        self.process = subprocess.Popen(["knotd", "-c", self.dir / "knot.conf"], stderr=open(self.dir / "log", "wb"))
        until(lambda: self.process.poll() is not None or self.answers(signed))
        if not self.answers(signed):
            raise RuntimeError("knotd does not answer: " + (self.dir / "log").read_text()[-500:])

    def answers(self, signed):
        said = self.ask(DOMAIN, "SOA")
        return "NOERROR" in said and ("RRSIG" in said or not signed)

    def ask(self, name, kind):
        return subprocess.run(["kdig", "@127.0.0.1", "-p", str(self.port), "+dnssec", "+timeout=1", "+retry=0", kind, name], capture_output=True, check=False).stdout.decode()

    def write(self, name, text):
        (self.dir / f"{name}.zone").write_text(HEAD.format(name, f"{name}.", f"{name}.") + text)

    def set(self, name, text):
        self.write(name, text)
        r = subprocess.run(["knotc", "-c", self.dir / "knot.conf", "-b", "zone-reload", name], capture_output=True, check=False)
        if r.returncode or b"OK" not in r.stdout:
            raise RuntimeError(f"the zone was not taken: {r.stdout} {r.stderr} {(self.dir / 'log').read_text()[-500:]}\n{text}")

    def anchor(self):
        keys = subprocess.run(["keymgr", "-c", self.dir / "knot.conf", DOMAIN, "ds"], capture_output=True, check=True).stdout.decode()
        path = self.dir / "anchor"
        path.write_text("".join(line.replace(" DS ", " IN DS ") + "\n" for line in keys.splitlines()))
        return path

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Installation:
    """A data directory with a certificate of its own and everything on that print can print."""

    def __init__(self, template):
        self.binary, self.dir = template.binary, scratch()
        self.data = self.dir / "data"
        subprocess.run(["cp", "-a", "--sparse=always", template.data, self.data], check=True)
        template.cli("alias", "add", f"dmarc@{DOMAIN}", f"alice@{DOMAIN}", "-d", self.data)
        self.conf = self.dir / "troika.conf"
        self.new_key()

    def new_key(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
                        "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem"], check=True, capture_output=True)
        (self.dir / "cert.pem").chmod(0o644)
        self.dir.chmod(0o755)

    def configure(self, port, anchor="none", more="", timeout="60s"):
        self.conf.write_text(f'hostname = "{HOST}"\nmta_sts {{ mode = enforce }}\ntls {{ certificate = "{self.dir}/cert.pem" key = "{self.dir}/key.pem" }}\n'
                             f'dns {{ servers = "127.0.0.1@{port}" trust_anchor = "{anchor}" timeout = "{timeout}" }}\n{more}')

    def run(self, verb, domain=DOMAIN):
        r = subprocess.run([self.binary, "dns", verb, domain, "-d", self.data, "--config", self.conf], capture_output=True, timeout=PATIENCE, check=False)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def zone(self):
        status, text, error = self.run("print")
        if status:
            raise RuntimeError(error)
        return text

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def blocks(text):
    """Findings of `check`: (state, title, owner) -> what is said about it."""
    found = {}
    for line in text.splitlines():
        m = re.match(r"(right|wrong|missing|cannot tell) +(zone|MX|A, AAAA|[A-Za-z-]+) +(\S+)", line)
        if m:
            last = (m[2], m[3])
            found[last] = (m[1], line + "\n")
        elif found:
            found[last] = (found[last][0], found[last][1] + line + "\n")
    return found


def printed(home):
    """The text is a zone as it stands, and says what only a person knows as comments."""
    home.configure(1)
    text = home.zone()
    file = home.dir / "example.zone"
    file.write_text(HEAD.format(DOMAIN, f"{DOMAIN}.", f"{DOMAIN}.") + text)
    r = subprocess.run(["kzonecheck", "-o", DOMAIN, file], capture_output=True, check=False)
    check("print: kzonecheck takes it as it is", r.returncode == 0, r.stdout + r.stderr)
    wanted = [f"{DOMAIN}. 3600 IN MX 10 {HOST}.", "v=spf1 mx -all", "._domainkey.", "_dmarc.", f"rua=mailto:dmarc@{DOMAIN}", "_mta-sts.", "mta-sts.", "_smtp._tls.", "_25._tcp.",
              "_submissions._tcp.", "_imaps._tcp.", "_pop3s._tcp.", "autoconfig."]
    check("print: everything is there", all(w in text for w in wanted), [w for w in wanted if w not in text])
    spki = subprocess.run(f"openssl x509 -in {home.dir}/cert.pem -noout -pubkey | openssl pkey -pubin -outform der | sha256sum", shell=True, capture_output=True, check=True)
    check("print: TLSA is the key's digest as openssl says it", f"TLSA 3 1 1 {spki.stdout.decode().split()[0]}" in text, text)
    check("print: comments fit a terminal", all(len(line) <= 80 for line in text.splitlines() if line.startswith("; ") and " IN " not in line))
    (home.data / "tls").mkdir(exist_ok=True)
    acme = home.data / "tls" / "acme.pem"
    acme.write_bytes((home.dir / "key.pem").read_bytes() + (home.dir / "cert.pem").read_bytes())
    for keep in ("false", "true"):
        home.conf.write_text(f'hostname = "{HOST}"\nacme {{ agree = true keep_key = {keep} }}\n')
        lines = [line for line in home.zone().splitlines() if "TLSA 3 1 1" in line]
        check(f"print: TLSA beside ACME, keep_key = {keep}", len(lines) == 1 and lines[0].startswith("; ") == (keep == "false"), lines)
    acme.unlink()
    home.configure(1)
    status, _, error = home.run("print", "example.net")
    check("print: a foreign domain is refused with the cure", status == 1 and "troika domain add example.net" in error, (status, error))
    home.conf.write_text('hostname = "localhost"\n')
    status, _, error = home.run("print")
    check("print: a host name that is none is refused with the cure", status == 1 and "set hostname" in error, (status, error))


def all_right(home):
    home.configure(1)
    names = Names(home.zone() + ADDRESSES)
    try:
        home.configure(names.port)
        status, text, error = home.run("check")
        found = blocks(text)
        check("check: all is right", status == 0 and len(found) >= 18 and all(state == "right" for state, _ in found.values()), text + error)
        check("check: at most 80 columns", all(len(line) <= 80 for line in text.splitlines()), [line for line in text.splitlines() if len(line) > 80])
        attempt("broken", broken, home, names)
    finally:
        names.close()


def swap(pattern, replacement):
    def change(zone):
        text, n = re.subn(pattern, replacement, zone, flags=re.M | re.S)
        assert n, f"{pattern} is not in the zone"
        return text
    return change


def add(line):
    return lambda zone: zone + line + "\n"


MX, SPF = f"^{DOMAIN}. 3600 IN MX .*?\n", f'^{DOMAIN}. 3600 IN TXT "v=spf1.*?\n'
DKIM_RSA = r'^(r\d+)\._domainkey[^\n]*\n.*? \)\n'

# (what, change, title, owner, state, text, exit status)
BROKEN = [
    ("no MX", swap(MX, ""), "MX", DOMAIN, "missing", f"{DOMAIN}. 3600 IN MX 10 {HOST}.", 3),
    ("no MX but an address", lambda z: swap(MX, f"{DOMAIN}. 300 IN A 192.0.2.1\n")(z), "MX", DOMAIN, "missing", "all the same", 3),
    ("null MX", swap(MX, f"{DOMAIN}. 300 IN MX 0 .\n"), "MX", DOMAIN, "wrong", "takes no mail", 3),
    ("MX elsewhere", swap(MX, f"{DOMAIN}. 300 IN MX 5 mx.elsewhere.{DOMAIN}.\nmx.elsewhere.{DOMAIN}. 300 IN A 192.0.2.99\n"), "MX", DOMAIN, "wrong", f"does not come to {HOST}", 3),
    ("MX to an alias", swap(MX, f"{DOMAIN}. 300 IN MX 5 alias.{DOMAIN}.\nalias.{DOMAIN}. 300 IN CNAME {HOST}.\n"), "MX", DOMAIN, "wrong", "CNAME", 3),
    ("MX to nothing besides", add(f"{DOMAIN}. 3600 IN MX 20 gone.{DOMAIN}."), "MX", DOMAIN, "wrong", "no address", 3),
    ("MX that the policy does not name", add(f"{DOMAIN}. 3600 IN MX 20 second.{DOMAIN}.\nsecond.{DOMAIN}. 300 IN A 192.0.2.99"), "MX", DOMAIN, "wrong", "MTA-STS policy", 3),
    ("no address", swap(f"^{HOST}. 300 IN A+.*?\n", ""), "A, AAAA", HOST, "missing", "publish A and AAAA", 3),
    ("loopback", swap("192.0.2.1$", "127.0.0.1"), "A, AAAA", HOST, "wrong", "loopback", 3),
    ("an address without a way back", swap("192.0.2.1$", "192.0.2.2"), "PTR", HOST, "missing", "192.0.2.2 leads to no name", 3),
    ("no SPF", swap(SPF, ""), "SPF", DOMAIN, "missing", "v=spf1 mx -all", 3),
    ("SPF without us", swap(SPF, f'{DOMAIN}. 300 IN TXT "v=spf1 ip4:192.0.2.7 -all"\n'), "SPF", DOMAIN, "wrong", '"fail"', 3),
    ("two SPF", add(f'{DOMAIN}. 3600 IN TXT "v=spf1 -all"'), "SPF", DOMAIN, "wrong", "2 SPF records", 3),
    ("SPF with too many lookups", swap(SPF, f'{DOMAIN}. 300 IN TXT "v=spf1 {"a:ns.invalid " * 11}mx -all"\n'), "SPF", DOMAIN, "wrong", "permerror", 3),
    ("SPF for everybody", swap(SPF, f'{DOMAIN}. 300 IN TXT "v=spf1 mx +all"\n'), "SPF", DOMAIN, "wrong", "whole world", 3),
    ("SPF another way", swap(SPF, f'{DOMAIN}. 300 IN TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all"\n'), "SPF", DOMAIN, "right", "ip4", 0),
    ("no SPF of the host", swap(f'^{HOST}. 3600 IN TXT .*?\n', ""), "SPF", HOST, "missing", "v=spf1 a -all", 0),
    ("no DKIM key", swap(DKIM_RSA, ""), "DKIM", "RSA", "missing", "publish", 3),
    ("another DKIM key", swap("k=ed25519; p=...", "k=ed25519; p=AAA"), "DKIM", "ED", "wrong", "another key", 3),
    ("a revoked DKIM key", swap("k=ed25519; p=[^\"]*", "k=ed25519; p="), "DKIM", "ED", "wrong", "revoked", 3),
    ("a DKIM key written another way", swap("v=DKIM1; k=ed25519; ", "k=ed25519;v=DKIM1;"), "DKIM", "ED", "wrong", "another version", 3),
    ("a DKIM key with notes", swap("v=DKIM1; k=ed25519; ", "v=DKIM1; t=y; n=ours; k=ed25519; "), "DKIM", "ED", "right", "t=y", 0),
    ("no DMARC", swap("^_dmarc.*?\n", ""), "DMARC", f"_dmarc.{DOMAIN}", "missing", "v=DMARC1; p=none", 0),
    ("DMARC without a policy", swap("p=none;.*?\"", 'p=some"'), "DMARC", f"_dmarc.{DOMAIN}", "wrong", "no policy", 3),
    ("DMARC reports to nobody", swap("dmarc@", "nobody@"), "DMARC", f"_dmarc.{DOMAIN}", "wrong", "nobody here", 3),
    ("DMARC reports to strangers", swap(f"dmarc@{DOMAIN}", "a@else.org"), "DMARC", f"_dmarc.{DOMAIN}", "wrong", "RFC 7489 7.1", 3),
    ("DMARC that is stricter", swap("p=none", "p=reject; adkim=s"), "DMARC", f"_dmarc.{DOMAIN}", "right", "reject", 0),
    ("an old MTA-STS id", swap("v=STSv1; id=", "v=STSv1; id=0"), "MTA-STS", f"_mta-sts.{DOMAIN}", "wrong", "another policy", 3),
    ("no MTA-STS id", swap("^_mta-sts.*?\n", ""), "MTA-STS", f"_mta-sts.{DOMAIN}", "missing", "v=STSv1", 3),
    ("no host of the policy", swap("^mta-sts.*?\n", ""), "MTA-STS", f"mta-sts.{DOMAIN}", "missing", "CNAME", 3),
    ("another host of the policy", swap("^mta-sts.*?\n", f"mta-sts.{DOMAIN}. 300 IN A 192.0.2.99\n"), "MTA-STS", f"mta-sts.{DOMAIN}", "wrong", "does not lead", 3),
    ("no TLS-RPT", swap("^_smtp._tls.*?\n", ""), "TLS-RPT", f"_smtp._tls.{DOMAIN}", "missing", "v=TLSRPTv1", 0),
    ("TLS-RPT to nowhere", swap("rua=mailto:postmaster@", "rua=postmaster@"), "TLS-RPT", f"_smtp._tls.{DOMAIN}", "wrong", "nowhere", 3),
    ("no TLSA", swap("^_25._tcp.*?\n", ""), "TLSA", f"_25._tcp.{HOST}", "missing", "3 1 1", 0),
    ("TLSA of another key", swap("TLSA 3 1 1 ....", "TLSA 3 1 1 0000"), "TLSA", f"_25._tcp.{HOST}", "wrong", "none is of the certificate", 3),
    ("no SRV", swap("^_imaps.*?\n", ""), "SRV", f"_imaps._tcp.{DOMAIN}", "missing", "993", 0),
    ("SRV to another port", swap("SRV 0 1 993", "SRV 0 1 994"), "SRV", f"_imaps._tcp.{DOMAIN}", "wrong", "port 993", 3),
    ("SRV that refuses", swap("SRV 0 1 993 .*?$", "SRV 0 0 0 ."), "SRV", f"_imaps._tcp.{DOMAIN}", "wrong", "not offered", 3),
    ("no autoconfig", swap("^autoconfig.*?\n", ""), "autoconfig", f"autoconfig.{DOMAIN}", "missing", "CNAME", 0),
]


def broken(home, names):
    zone = home.zone() + ADDRESSES
    keys = {kind: re.search(rf"^{letter}\d+\._domainkey\S*(?=\. )", zone, re.M)[0] for kind, letter in (("RSA", "r"), ("ED", "e"))}
    for what, change, title, owner, state, text, status in BROKEN:
        try:
            names.set(DOMAIN, change(zone))
        except (RuntimeError, AssertionError) as e:
            check(f"check: {what}", False, e)
            continue
        got, out, error = home.run("check")
        said = blocks(out).get((title, keys.get(owner, owner)), ("nothing", ""))
        check(f"check: {what}: {state}", said[0] == state and text in re.sub(r"\s+", " ", said[1]) and got == status, f"{got} {said} {out if said[0] == state else ''} {error}")
    names.set(DOMAIN, zone)
    names.set("2.0.192.in-addr.arpa", "1 300 IN PTR other.elsewhere.invalid.\n")
    status, out, _ = home.run("check")
    check("check: a way back that leads elsewhere: cannot tell, or wrong", status == 3 and blocks(out)[("PTR", HOST)][0] in ("wrong", "cannot tell"), out)
    names.set("2.0.192.in-addr.arpa", f"1 300 IN PTR {DOMAIN}.\n")
    status, out, _ = home.run("check")
    check("check: a way back by a name without that address: wrong", status == 3 and blocks(out)[("PTR", HOST)][0] == "wrong", out)
    names.set("2.0.192.in-addr.arpa", REVERSE["2.0.192.in-addr.arpa"])
    home.configure(names.port, more='listen { smtp = { "*:25" } submissions = { "*:465" } imaps = { "*:993" } }\n')
    status, out, _ = home.run("check")
    check("check: a service that is published but not offered: wrong", status == 3 and blocks(out)[("SRV", f"_pop3s._tcp.{DOMAIN}")][0] == "wrong", out)
    names.set(DOMAIN, home.zone() + ADDRESSES)
    status, out, _ = home.run("check")
    check("check: a zone printed for fewer services is right", status == 0, out)


def signed(home):
    """DNSSEC: TLSA counts; a broken chain of trust is said once and clearly."""
    home.configure(1)
    names = Names(home.zone() + ADDRESSES, signed=True)
    try:
        home.configure(names.port, names.anchor())
        status, out, error = home.run("check")
        check("signed: all is right", status == 0 and "and signed (DNSSEC)" in out, out + error)
        home.new_key()
        status, out, _ = home.run("check")
        said = blocks(out)[("TLSA", f"_25._tcp.{HOST}")]
        check("signed: a new key without its record: wrong, with the record", status == 3 and said[0] == "wrong" and "delivers nothing" in said[1] and "IN TLSA 3 1 1" in said[1], out)
        anchor = home.dir / "other.anchor"
        anchor.write_text(re.sub(r"[0-9A-Fa-f]{64}", "0" * 64, names.anchor().read_text()))
        home.configure(names.port, anchor)
        status, out, _ = home.run("check")
        found = blocks(out)
        check("signed with a broken chain: the zone is wrong, the rest cannot be told", status == 3 and found[("zone", DOMAIN)][0] == "wrong" and
              found[("MX", DOMAIN)][0] == "cannot tell", out)
    finally:
        names.close()
    home.configure(names.port, timeout="5s")
    status, out, _ = home.run("check")
    check("no name server: nothing can be told, and that soon", status == 3 and all(state == "cannot tell" for state, _ in blocks(out).values()), out)


def page(template):
    (port,) = free_ports(1)
    server = Server(template, [f'hostname = "{HOST}"'], extra=("http", port))

    def get(host, path):
        try:
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host}), timeout=PATIENCE) as r:
                return r.status, r.headers["Content-Type"], r.read()
        except urllib.error.HTTPError as e:
            return e.code, "", b""
    try:
        status, kind, body = get(f"autoconfig.{DOMAIN}", f"/mail/config-v1.1.xml?emailaddress=alice%40{DOMAIN}")
        check("autoconfig: the page is there", status == 200 and kind == "text/xml", (status, kind))
        provider = ElementTree.fromstring(body).find("emailProvider")
        servers = [(s.tag, s.get("type"), *(s.findtext(t) for t in ("hostname", "port", "socketType", "username", "authentication")))
                   for s in provider if s.tag.endswith("Server")]
        common = (HOST, "%EMAILADDRESS%", "password-cleartext")
        wanted = [("incomingServer", "imap", "993", "SSL"), ("incomingServer", "imap", "143", "STARTTLS"), ("incomingServer", "pop3", "995", "SSL"),
                  ("incomingServer", "pop3", "110", "STARTTLS"), ("outgoingServer", "smtp", "465", "SSL"), ("outgoingServer", "smtp", "587", "STARTTLS")]
        check("autoconfig: every server is told, the better first", servers == [(tag, kind, common[0], port, socket, *common[1:]) for tag, kind, port, socket in wanted], servers)
        check("autoconfig: the domain is told", provider.get("id") == DOMAIN and provider.findtext("domain") == DOMAIN)
        check("autoconfig: at the domain itself", get(DOMAIN, "/.well-known/autoconfig/mail/config-v1.1.xml")[0] == 200)
        check("autoconfig: not for strangers", get("autoconfig.example.net", "/mail/config-v1.1.xml")[0] == 404)
    finally:
        server.remove()


template = Template(binary())
try:
    attempt("autoconfig", page, template)
    if shutil.which("knotd") and shutil.which("kzonecheck"):
        home = Installation(template)
        try:
            for scenario in (printed, all_right, signed):
                attempt(scenario.__name__, scenario, home)
        finally:
            home.close()
    else:
        skip("troika dns", "knot or kzonecheck is not installed")
finally:
    template.remove()
finish()
