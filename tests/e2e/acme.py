#!/usr/bin/env python3
"""A certificate from a real ACME server (pebble) by each challenge: asked for at the start, proven, installed while serving, kept over a restart."""
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import PATIENCE, Template, Server, attempt, binary, check, finish, free_ports, scratch, skip, until  # noqa: E402

NAME = "mail.example.org"
AGAIN = 300                            # seconds until an order that failed is given once more (RETRY_FIRST_S of certificates.c)


class Authority:
    """pebble, and its companion that answers DNS: every name is 127.0.0.1."""

    def __init__(self, http_port, tls_port):
        self.dir = scratch()
        api, management, self.dns, self.companion = free_ports(4)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.dir / "key.pem", "-out", self.dir / "ca.pem"],
                       check=True, capture_output=True)
        (self.dir / "config.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{api}", "managementListenAddress": f"127.0.0.1:{management}", "certificate": str(self.dir / "ca.pem"),
            "privateKey": str(self.dir / "key.pem"), "httpPort": http_port, "tlsPort": tls_port, "ocspResponderURL": "", "externalAccountBindingRequired": False}}))
        self.url = f"https://127.0.0.1:{api}/dir"
        log = open(self.dir / "log", "ab")
        self.processes = [
            subprocess.Popen(["pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{self.dns}", "-http01", "", "-https01", "",
                              "-tlsalpn01", "", "-management", f"127.0.0.1:{self.companion}"], stdout=log, stderr=log),
            subprocess.Popen(["pebble", "-config", self.dir / "config.json", "-dnsserver", f"127.0.0.1:{self.dns}"], stdout=log, stderr=log,
                             # some nonces are refused, so that trying again is tried
                             env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "15", "PATH": "/usr/bin"})]
        for port in (api, self.companion):
            if not until(lambda p=port: is_open(p)):
                raise RuntimeError((self.dir / "log").read_text()[-600:])

    def hook(self):
        """A DNS hook as an administrator would write one: it tells the companion."""
        script = self.dir / "hook"
        script.write_text(f"""#!/bin/sh
case $1 in present) what=set-txt ;; *) what=clear-txt ;; esac
exec curl -sf -d "{{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}}" http://127.0.0.1:{self.companion}/$what
""")
        script.chmod(0o755)
        return script

    def close(self):
        for p in self.processes:
            p.terminate()
            p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        return True
    except OSError:
        return False


def shown(port):
    """Issuer and names of the certificate that IMAPS shows."""
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as s, context.wrap_socket(s, server_hostname=NAME) as t:
        der = t.getpeercert(True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-issuer", "-ext", "subjectAltName"], input=der, capture_output=True, check=True).stdout.decode()
    return text


def wait_shown(port, words):
    until(lambda: all(w in shown(port) for w in words), AGAIN + PATIENCE)
    return shown(port)


def scenario(template, challenge):
    http, https = free_ports(2)
    authority = Authority(http, https)
    conf = [f'hostname = "{NAME}"', f'acme {{ agree = true directory = "{authority.url}" ca_file = "{authority.dir}/ca.pem" contact = "admin@example.org" '
            f'challenge = "{challenge}" dns_hook = "{authority.hook()}"' + (' names = "*.lists.example.org"' if challenge == "dns-01" else "") + " }",
            'mta_sts { mode = enforce }', f'dns {{ servers = "127.0.0.1@{authority.dns}" trust_anchor = "none" }}']
    server = Server(template, conf, extra=("http", http, "https", https))
    try:
        words = ["Pebble", NAME, "mta-sts.example.org"] + (["*.lists.example.org"] if challenge == "dns-01" else [])
        text = wait_shown(server.port["imaps"], words)
        check(f"{challenge}: the certificate is served", all(w in text for w in words), text + server.log_tail(12))
        request = urllib.request.Request(f"https://127.0.0.1:{https}/.well-known/mta-sts.txt", headers={"Host": "mta-sts.example.org"})
        with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=PATIENCE) as r:
            policy = r.read().decode()
        check(f"{challenge}: the MTA-STS policy is served (RFC 8461 3.2)", policy.splitlines() == ["version: STSv1", "mode: enforce", f"mx: {NAME}", "max_age: 604800"], policy)
        log = server.log.read_text()
        orders = log.count("acme.order")
        # an order that the authority did not carry out in time, on a busy machine, is told and given once more
        check(f"{challenge}: asked for once", orders == 1 + log.count("acme.failed"), server.log_tail(30))
        check(f"{challenge}: nothing secret in the log", "PRIVATE" not in server.log.read_text())
        server.stop()
        server.start()
        check(f"{challenge}: served again after a restart, without a new order", "Pebble" in shown(server.port["imaps"]) and
              server.log.read_text().count("acme.order") == orders)
        check(f"{challenge}: ends in good order", server.stop() is None)
    finally:
        server.remove()
        authority.close()


def public_key(server):
    pem = (server.data / "tls" / "acme.pem").read_bytes()
    return subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=pem, capture_output=True, check=True).stdout


def renewals(template):
    """A name more makes a new certificate necessary: with another key, unless the key is to be kept (RFC 7672 3.1.1: TLSA records name it)."""
    http, https = free_ports(2)
    authority = Authority(http, https)

    def conf(names, keep):
        return [f'hostname = "{NAME}"', f'acme {{ agree = true directory = "{authority.url}" ca_file = "{authority.dir}/ca.pem" names = "{names}" keep_key = {keep} }}',
                f'dns {{ servers = "127.0.0.1@{authority.dns}" trust_anchor = "none" }}']
    server = Server(template, conf("a.example.org", "true"), extra=("http", http, "https", https))
    try:
        keys = []
        for names, keep in (("a.example.org", "true"), ("b.example.org", "true"), ("c.example.org", "false")):
            (server.dir / "troika.conf").write_text("\n".join(conf(names, keep)) + "\n")
            server.proc.send_signal(signal.SIGHUP)
            text = wait_shown(server.port["imaps"], ["Pebble", names])
            check(f"renewal: {names} is served", names in text, text + server.log_tail(12))
            keys.append(public_key(server))
        check("renewal: the key stays where it is to be kept", keys[0] == keys[1])
        check("renewal: otherwise it is another", keys[1] != keys[2])
    finally:
        server.remove()
        authority.close()


def refused(template):
    """An authority that cannot be reached: the self-signed one is served, the failure is told, and it is not asked in a loop."""
    (port,) = free_ports(1)
    server = Server(template, [f'hostname = "{NAME}"', f'acme {{ agree = true directory = "https://127.0.0.1:{port}/dir" }}'])
    try:
        until(lambda: "acme.failed" in server.told())
        check("no authority: told in the log", server.told().count("acme.failed") == 1, server.log_tail())
        check("no authority: mail is served all the same", "localhost" in shown(server.port["imaps"]))
    finally:
        server.remove()


if not shutil.which("pebble"):
    skip("ACME", "pebble is not installed")
    finish()
template = Template(binary())
try:
    for kind in ("http-01", "tls-alpn-01", "dns-01"):
        attempt(kind, scenario, template, kind)
    attempt("renewals", renewals, template)
    attempt("no authority", refused, template)
finally:
    template.remove()
finish()
