#!/usr/bin/env python3
"""Ways to prove who one is, by clients nobody here wrote: passwords for programs, client certificates (made by openssl), tokens (signed by
python3-jwt; an authority that is asked about them is a small web server in here, since Debian has none), SCRAM by GNU SASL's client.
Usage: sasl.py PATH/TO/troika"""
import base64
import http.server
import imaplib
import json
import os
import smtplib
import ssl
import subprocess
import sys
import threading
import time

if sys.executable != "/usr/bin/python3":      # Debian's modules are the system Python's
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

import jwt                                                                                  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa                      # noqa: E402
from common import PATIENCE, TLS, USERS, Server, Template, address, attempt, binary, check, finish, scratch      # noqa: E402

HERE = scratch()


def connect(server, context=TLS):
    c = imaplib.IMAP4("127.0.0.1", server.port["imap"], timeout=PATIENCE)
    c.starttls(context)
    return c


def logs_in(server, how, context=TLS):
    """how(connection) logs in; True, or the answer that refused it."""
    c = connect(server, context)
    try:
        how(c)
        return c.select("INBOX")[0] == "OK"
    except imaplib.IMAP4.error as e:
        return str(e)
    finally:
        c.shutdown()


def app_passwords(server):
    me = address("alice")
    made = server.cli(["app-password", "add", me, "my phone", "imap"], "").decode().strip()
    check("an app password is five groups of four", len(made) == 24 and made.count("-") == 4, made)
    check("it opens IMAP", logs_in(server, lambda c: c.login(me, made)) is True)
    check("by PLAIN too", logs_in(server, lambda c: c.authenticate("PLAIN", lambda _: f"\0{me}\0{made}".encode())) is True)
    s = smtplib.SMTP("127.0.0.1", server.port["submission"], timeout=PATIENCE)
    s.starttls(context=TLS)
    try:
        s.login(me, made)
        refused = False
    except smtplib.SMTPAuthenticationError:
        refused = True
    check("it does not open submission", refused)
    s.login(me, USERS["alice"])
    s.quit()
    listed = server.cli(["app-password", "list", me], "").decode()
    check("it is listed, and not shown again", "my phone" in listed and "imap" in listed and made not in listed, listed)
    server.cli(["app-password", "del", me, "my phone"], "")
    check("taken back, it opens nothing", "AUTHENTICATIONFAILED" in str(logs_in(server, lambda c: c.login(me, made))))
    check("the user's own goes on", logs_in(server, lambda c: c.login(me, USERS["alice"])) is True)


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=HERE, timeout=PATIENCE)


def certificate(name, email, ca):
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (HERE / f"{name}.ext").write_text(f"subjectAltName=email:{email}\nextendedKeyUsage=clientAuth\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", "2",
            "-extfile", f"{name}.ext")
    context = ssl._create_unverified_context()
    context.load_cert_chain(HERE / f"{name}.pem", HERE / f"{name}.key")
    return context


def make_ca(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
            "-subj", f"/CN={name}")


def certificates(server):
    alice, bob = certificate("alice", address("alice"), "ca"), certificate("bob", address("bob"), "ca")
    forged, stranger = certificate("forged", address("alice"), "other"), certificate("stranger", "x@elsewhere.example", "ca")
    c = connect(server, alice)
    check("EXTERNAL is offered to a good certificate", b"AUTH=EXTERNAL" in c.capability()[1][0], c.capability())
    c.shutdown()
    c = connect(server)
    check("and to nobody else", b"AUTH=EXTERNAL" not in c.capability()[1][0])
    c.shutdown()

    def external(authzid=b""):
        return lambda c: c.authenticate("EXTERNAL", lambda _: authzid)

    check("alice's certificate is alice", logs_in(server, external(), alice) is True)
    check("and may say so", logs_in(server, external(address("alice").encode()), alice) is True)
    check("but not be bob", "AUTHENTICATIONFAILED" in str(logs_in(server, external(address("bob").encode()), alice)))
    check("bob's is bob", logs_in(server, external(address("bob").encode()), bob) is True)
    check("another authority's is nobody", "CANNOT" in str(logs_in(server, external(), forged)))
    check("who holds it may still log in by a password", logs_in(server, lambda c: c.login(address("alice"), USERS["alice"]), forged) is True)
    check("a certificate of no user opens nothing", "AUTHENTICATIONFAILED" in str(logs_in(server, external(), stranger)))


def bearer(token, user=None):
    name = f"a={user}," if user else ","
    return f"n,{name}\1host=localhost\1auth=Bearer {token}\1\1".encode()


def xoauth2(token, user):
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


def by(mechanism, message):
    """imaplib sends the second answer, to the refusal, as well: ^A, RFC 7628 3.2.3."""
    answers = iter([message, b"\1"])
    return lambda c: c.authenticate(mechanism, lambda _: next(answers))


def jwk(key, kid):
    algorithm = {rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm, ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm}
    for kind, maker in algorithm.items():
        if isinstance(key, kind):
            if hasattr(maker, "to_jwk"):
                try:
                    return {**json.loads(maker.to_jwk(key.public_key())), "kid": kid, "use": "sig"}
                except (AttributeError, TypeError):
                    pass
            n = key.public_key().public_numbers()

            def number(v):
                return base64.urlsafe_b64encode(v.to_bytes(32, "big")).rstrip(b"=").decode()
            return {"kty": "EC", "crv": "P-256", "x": number(n.x), "y": number(n.y), "kid": kid, "use": "sig"}
    raw = key.public_key().public_bytes_raw() if hasattr(key.public_key(), "public_bytes_raw") else key.public_key().public_bytes(
        __import__("cryptography.hazmat.primitives.serialization", fromlist=["x"]).Encoding.Raw,
        __import__("cryptography.hazmat.primitives.serialization", fromlist=["x"]).PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), "kid": kid}


KEYS = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1()), "EdDSA": ed25519.Ed25519PrivateKey.generate()}
OTHER = ec.generate_private_key(ec.SECP256R1())


def claims(user="alice", **more):
    now = int(time.time())
    return {"iss": "https://id.example.org", "aud": "mail", "email": address(user), "exp": now + 300, "iat": now, **more}


def tokens(server):
    for alg, key in KEYS.items():
        token = jwt.encode(claims(), key, alg, headers={"kid": alg})
        check(f"OAUTHBEARER with {alg}", logs_in(server, by("OAUTHBEARER", bearer(token, address("alice")))) is True)
    token = jwt.encode(claims(), KEYS["ES256"], "ES256")
    check("without a key id", logs_in(server, by("OAUTHBEARER", bearer(token))) is True)
    check("XOAUTH2", logs_in(server, by("XOAUTH2", xoauth2(token, address("alice")))) is True)
    bad = {
        "for another user than named": (claims("bob"), KEYS["ES256"], "ES256"),
        "expired": (claims(exp=int(time.time()) - 120), KEYS["ES256"], "ES256"),
        "not valid yet": (claims(nbf=int(time.time()) + 600), KEYS["ES256"], "ES256"),
        "of another issuer": (claims(iss="https://evil.example"), KEYS["ES256"], "ES256"),
        "for another audience": (claims(aud=["web", "chat"]), KEYS["ES256"], "ES256"),
        "with an address that is not verified": (claims(email_verified=False), KEYS["ES256"], "ES256"),
        "with one that is not, said in a string": (claims(email_verified="false"), KEYS["ES256"], "ES256"),
        "of another key": (claims(), OTHER, "ES256"),
        "without end": ({k: v for k, v in claims().items() if k != "exp"}, KEYS["ES256"], "ES256"),
        "of a user who is not there": (claims("nobody"), KEYS["ES256"], "ES256"),
        "signed with a secret": (claims(), "x" * 40, "HS256"),
        "not signed": (claims(), None, "none"),
    }
    for name, (what, key, alg) in bad.items():
        token = jwt.encode(what, key, alg)
        for mechanism, message in (("OAUTHBEARER", bearer(token, address("alice"))), ("XOAUTH2", xoauth2(token, address("alice")))):
            said = str(logs_in(server, by(mechanism, message)))
            check(f"{mechanism}: a token {name} is refused", "AUTHENTICATIONFAILED" in said, said)
    check("an audience among several will do", logs_in(server, by("OAUTHBEARER", bearer(jwt.encode(claims(aud=["web", "mail"]), KEYS["RS256"], "RS256")))) is True)
    s = smtplib.SMTP("127.0.0.1", server.port["submission"], timeout=PATIENCE)
    s.starttls(context=TLS)
    s.ehlo()
    token = jwt.encode(claims(), KEYS["EdDSA"], "EdDSA")
    code, _ = s.docmd("AUTH", "XOAUTH2 " + base64.b64encode(xoauth2(token, address("alice"))).decode())
    check("XOAUTH2 in submission", code == 235, code)
    s.quit()


class Authority(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Authority.asked.append((self.path, self.headers["Authorization"], body))
        good = "token=good%2Btoken" in body
        answer = {"active": good, **({"email": address("bob"), "iss": "https://id.example.org", "aud": "mail"} if good else {})}
        data = json.dumps(answer).encode()
        self.send_response(500 if "broken" in body else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def introspection(server):
    check("a token that the authority knows", logs_in(server, by("OAUTHBEARER", bearer("good+token"))) is True)
    path, basic, body = Authority.asked[-1]
    check("it was asked as RFC 7662 has it", path == "/introspect" and "token_type_hint=access_token" in body
          and base64.b64decode(basic.split()[1]) == b"troika:s%3Acret", (path, basic, body))
    check("one that it does not know", "AUTHENTICATIONFAILED" in str(logs_in(server, by("OAUTHBEARER", bearer("bad")))))
    check("for somebody else", "AUTHENTICATIONFAILED" in str(logs_in(server, by("OAUTHBEARER", bearer("good+token", address("alice"))))))
    said = str(logs_in(server, by("OAUTHBEARER", bearer("broken"))))
    check("an authority out of order is not the client's fault", "UNAVAILABLE" in said, said)


def scram(server):
    for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
        r = subprocess.run(["gsasl", "--client", "--imap", "--connect", f"127.0.0.1:{server.port['imap']}", "--mechanism", mechanism, "--no-starttls", "--no-cb",
                            "-a", address("alice"), "-p", USERS["alice"], "-z", ""], input=b"", capture_output=True, timeout=PATIENCE)
        check(f"{mechanism} by gsasl's client", r.returncode == 0 and b"Client authentication finished" in r.stdout + r.stderr, (r.stdout + r.stderr)[-400:])


def main():
    template = Template(binary())
    make_ca("ca")
    make_ca("other")
    (HERE / "keys.json").write_text(json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}] + [jwk(k, name) for name, k in KEYS.items()]}))
    authority = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Authority)
    threading.Thread(target=authority.serve_forever, daemon=True).start()
    limits = "fail_limit = 1000 account_limit = 1000"
    same = 'oauth_issuer = "https://id.example.org" oauth_audience = mail'
    for scene, config in ((app_passwords, f"auth {{ {limits} }}"),
                          (scram, f"auth {{ {limits} allow_plain_without_tls = true }}"),
                          (certificates, f'auth {{ {limits} }}\ntls {{ client_ca = "{HERE}/ca.pem" }}'),
                          (tokens, f'auth {{ {limits} oauth_keys = "{HERE}/keys.json" {same} }}'),
                          (introspection, f'auth {{ {limits} oauth_introspection = "http://127.0.0.1:{authority.server_port}/introspect" oauth_allow_http = true '
                                          f'oauth_client_id = troika oauth_client_secret = "s:cret" {same} }}')):
        server = Server(template, [config])
        try:
            attempt(scene.__name__, scene, server)
        finally:
            server.stop()
            server.remove()
    template.remove()
    finish()


main()
