#!/usr/bin/env python3
"""The audit trail: every way to log in and to be refused, acts of administration by the command line and by IMAP, and names that try to forge a line.
Usage: audit.py PATH/TO/troika"""
import base64
import hashlib
import hmac
import imaplib
import json
import poplib
import smtplib
import socket
import stat
import subprocess

from common import PATIENCE, TLS, USERS, Server, Template, address, attempt, binary, check, finish

ME, WRONG = address("alice"), "not the password"
SECRET = "tanstaaftanstaaf"


def events(server, *words):
    r = subprocess.run([binary(), "audit", "-d", str(server.data), "--json", *words], capture_output=True, timeout=PATIENCE)
    return [json.loads(line) for line in r.stdout.splitlines()] if r.returncode == 0 else [{"failed": r.stderr.decode()}]


def last(server, n=1):
    return events(server)[-n:]


def told(title, server, n=1, **want):
    """The last n events, the oldest of them as described."""
    got = last(server, n)[0]
    check(title, all(got.get(k) == v for k, v in want.items()), got)
    return got


def imap(server, tls=True):
    c = imaplib.IMAP4("127.0.0.1", server.port["imap"], timeout=PATIENCE)
    if tls:
        c.starttls(TLS)
    return c


def refused(fn, *args):
    try:
        fn(*args)
        return False
    except (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException):
        return True


def scram(c, name, password):
    """RFC 5802 by hand: True when the server took the proof."""
    nonce = "fyko+d2lbbFgONRv9qkxdawL"
    first = f"n={name},r={nonce}"
    state = {}

    def answer(challenge):
        if "server" not in state and not challenge:
            return f"n,,{first}".encode()
        if "server" not in state:
            state["server"] = challenge.decode()
            v = dict(p.split("=", 1) for p in state["server"].split(","))
            salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(v["s"]), int(v["i"]))
            key = hmac.digest(salted, b"Client Key", "sha256")
            bare = f"c=biws,r={v['r']}"
            message = f"{first},{state['server']},{bare}".encode()
            proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.sha256(key).digest(), message, "sha256")))
            return f"{bare},p={base64.b64encode(proof).decode()}".encode()
        return b""

    return c.authenticate("SCRAM-SHA-256", answer)


def logins(server):
    c = imap(server)
    c.login(ME, USERS["alice"])
    told("IMAP LOGIN", server, event="login", ok=True, protocol="imap", mechanism="password", user=ME, ip="127.0.0.1", tls=True)
    c.logout()
    c = imap(server)
    check("a wrong password is refused", refused(c.login, ME, WRONG))
    told("and told", server, event="login", ok=False, protocol="imap", user=ME, why="not permitted")
    check("an unknown user is refused", refused(c.login, "nobody@example.org", WRONG))
    told("and told with the name as given", server, ok=False, user="nobody@example.org", why="not permitted")
    c.authenticate("PLAIN", lambda _: f"\0{ME}\0{USERS['alice']}".encode())
    told("PLAIN", server, ok=True, mechanism="PLAIN", user=ME)
    c.logout()
    c = imap(server)
    check("PLAIN, wrong", refused(c.authenticate, "PLAIN", lambda _: f"\0{ME}\0{WRONG}".encode()))
    told("is told", server, ok=False, mechanism="PLAIN", user=ME)
    answers = iter([ME.encode(), USERS["alice"].encode()])
    c.authenticate("LOGIN", lambda _: next(answers))
    told("AUTHENTICATE LOGIN", server, ok=True, mechanism="LOGIN", user=ME)
    c.logout()
    c = imap(server)
    scram(c, ME, USERS["alice"])
    told("SCRAM", server, ok=True, mechanism="SCRAM-SHA-256", user=ME)
    c.logout()
    c = imap(server)
    check("SCRAM, wrong", refused(scram, c, ME, WRONG))
    told("is told", server, ok=False, mechanism="SCRAM-SHA-256", user=ME, why="not permitted")
    check("a broken message", refused(c.authenticate, "PLAIN", lambda _: b"no NUL in it"))
    told("is told as such", server, ok=False, mechanism="PLAIN", why="malformed")
    c.shutdown()
    c = imap(server, tls=False)
    check("without TLS", refused(c.authenticate, "PLAIN", lambda _: f"\0{ME}\0{USERS['alice']}".encode()))
    told("is told as such", server, ok=False, mechanism="PLAIN", tls=False, why="no TLS")
    c.shutdown()


def pop3(server, tls=True):
    c = poplib.POP3("127.0.0.1", server.port["pop3"], timeout=PATIENCE)
    if tls:
        c.stls(TLS)
    return c


def other_protocols(server):
    c = pop3(server)
    c.user(ME)
    c.pass_(USERS["alice"])
    told("POP3 USER and PASS", server, ok=True, protocol="pop3", mechanism="password", user=ME, tls=True)
    c.quit()
    server.cli(["user", "passwd", ME, "--secret-file", "-"], SECRET + "\n")
    c = pop3(server)
    c.apop(ME, SECRET)
    told("APOP", server, ok=True, protocol="pop3", mechanism="APOP", user=ME)
    c.quit()
    c = pop3(server)
    check("APOP, wrong", refused(c.apop, ME, WRONG))
    told("is told", server, ok=False, mechanism="APOP", user=ME)
    c.close()
    s = smtplib.SMTP("127.0.0.1", server.port["submission"], timeout=PATIENCE)
    s.starttls(context=TLS)
    s.ehlo()
    s.user, s.password = ME, SECRET
    s.auth("CRAM-MD5", s.auth_cram_md5)
    told("CRAM-MD5 on submission", server, ok=True, protocol="smtp", mechanism="CRAM-MD5", user=ME)
    s.quit()
    made = server.cli(["app-password", "add", ME, "my phone", "smtp"], "").decode().strip()
    got = told("making an app password", server, event="app-password.add", ok=True, protocol="cli", object=ME, detail="my phone smtp")
    check("its text is not in the trail", made not in json.dumps(events(server)))
    check("the actor is a user of the machine", got["actor"].startswith("cli:") and got["actor"].endswith(")"), got["actor"])
    s = smtplib.SMTP("127.0.0.1", server.port["submission"], timeout=PATIENCE)
    s.starttls(context=TLS)
    s.login(ME, made)
    told("a login by it names it", server, ok=True, protocol="smtp", user=ME, name="my phone")
    s.quit()
    for _ in range(2):
        server.cli(["user", "disable", ME], "")
        told("disabling a user", server, event="user.disable", object=ME, ok=True)
    c = imap(server)
    check("who is disabled is refused", refused(c.login, ME, USERS["alice"]))
    told("and told", server, ok=False, user=ME, why="not permitted")
    c.shutdown()
    server.cli(["user", "enable", ME], "")
    c = imap(server)
    c.login(ME, USERS["alice"])
    told("enabled again", server, ok=True, user=ME)
    c.logout()


def proof_and_gone(server):
    """Who proves a password and hangs up before the last empty word is in the trail all the same."""
    before = len(events(server, "--user", ME))
    c = imap(server)
    step = {"n": 0}

    def hang_up(challenge):
        step["n"] += 1
        if step["n"] == 3:
            raise ConnectionAbortedError
        return step["answer"](challenge)

    nonce = "abcdefghijklmnopqrstuvwx"
    first = f"n={ME},r={nonce}"

    def answer(challenge):
        if not challenge:
            return f"n,,{first}".encode()
        v = dict(p.split("=", 1) for p in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac("sha256", USERS["alice"].encode(), base64.b64decode(v["s"]), int(v["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        bare = f"c=biws,r={v['r']}"
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.sha256(key).digest(), f"{first},{challenge.decode()},{bare}".encode(), "sha256")))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()

    step["answer"] = answer
    try:
        c.authenticate("SCRAM-SHA-256", hang_up)
    except ConnectionAbortedError:
        pass
    c.shutdown()
    check("the proof is told, once", len(events(server, "--user", ME)) == before + 1, last(server, 2))
    told("as good", server, ok=True, mechanism="SCRAM-SHA-256", user=ME)


def acts(server):
    words = [(["user", "add", "dave@example.org", "--password-file", "-"], "user.add", "dave@example.org"), (["alias", "add", "sales@example.org", ME], "alias.add", "sales@example.org"),
             (["quota", "set", ME, "storage=1G"], "quota.set", ME), (["acl", "set", ME, "INBOX", "bob@example.org", "lr"], "acl.set", ME),
             (["domain", "add", "two.example"], "domain.add", "two.example"), (["dkim", "rotate", "two.example"], "dkim.rotate", "two.example"),
             (["group", "add", "list@example.org", f"owner={ME}"], "group.add", "list@example.org"), (["user", "del", "dave@example.org"], "user.del", "dave@example.org"),
             (["queue", "hold", "--all"], "queue.hold", None), (["check", "--repair"], "check.repair", None)]
    for line, event, object_ in words:
        server.cli(line, "a password of dave\n")
        got = told("troika " + " ".join(line[:2]), server, event=event, ok=True, protocol="cli")
        check("  whom it was about", object_ is None or got["object"] == object_, got)
    text = (server.data / "audit").glob("*.jsonl").__next__().read_text()
    check("no password in it", "a password of dave" not in text and USERS["alice"] not in text and SECRET not in text)
    check("what only looks is not told", "list" not in {e["event"].split(".")[-1] for e in events(server)})
    subprocess.run([binary(), "user", "del", "nobody@example.org", "-d", server.data], capture_output=True, timeout=PATIENCE)
    told("what failed is told too", server, event="user.del", ok=False, object="nobody@example.org", why="not found")
    c = imap(server)
    c.login(ME, USERS["alice"])
    c.setacl("INBOX", "bob@example.org", "+s")
    told("SETACL", server, event="acl.set", ok=True, protocol="imap", actor=ME, object=f"{ME}: INBOX", detail="bob@example.org +s")
    c.deleteacl("INBOX", "bob@example.org")
    told("DELETEACL", server, event="acl.del", ok=True, protocol="imap", actor=ME)
    c.setquota(ME, "(STORAGE 5000)")
    told("SETQUOTA by the administrator", server, event="quota.set", ok=True, actor=ME, object=ME, detail="storage=5000K")
    c.logout()
    c = imap(server)
    c.login(address("bob"), USERS["bob"])
    c.setquota(address("bob"), "(STORAGE 5000)")
    told("SETQUOTA by somebody else", server, event="quota.set", ok=False, actor=address("bob"), why="not permitted")
    c.logout()


def injection(server):
    evil = ['x"},{"a":"', 'y\\', '", "ok": true, "user": "' + ME, "e\x7fsc", "gr\u00fc\u00df\u202egnp"]
    before = len(events(server))
    for name in evil:
        c = imap(server)
        check(f"refused: {name!r}", refused(c.authenticate, "PLAIN", lambda _, n=name: f"\0{n}\0{WRONG}".encode()))
        told("told as it was given", server, ok=False, user=name)
        c.shutdown()
    c = imap(server)
    name = 'a\r\n{"time":"2026-01-01T00:00:00.000Z","event":"login","ok":true,"user":"b"}\r\n'
    check("line ends in a name", refused(c.authenticate, "PLAIN", lambda _: f"\0{name}\0{WRONG}".encode()))
    told("make no second line", server, ok=False, user=name)
    check("a name without end", refused(c.authenticate, "PLAIN", lambda _: f"\0{'n' * 5000}\0{WRONG}".encode()))
    got = told("is cut", server, ok=False)
    check("  to 256 bytes, and says so", got["user"] == "n" * 256 + "...", len(got["user"]))
    c.shutdown()
    check("a line each", len(events(server)) == before + len(evil) + 2)
    text = subprocess.run([binary(), "audit", "-d", str(server.data)], capture_output=True, timeout=PATIENCE).stdout.decode()
    check("nothing of it steers a terminal", not any(ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 or c == "\u202e" for c in text))


def reading(server):
    check("--failed", all(not e["ok"] for e in events(server, "--failed")) and events(server, "--failed"))
    check("--user finds logins and acts", {"login", "app-password.add", "acl.set"} <= {e["event"] for e in events(server, "--user", ME.upper())})
    check("--ip", not events(server, "--ip", "192.0.2.1") and events(server, "--ip", "127.0.0.1"))
    check("--since", not events(server, "--since", "2099-01-01") and events(server, "--since", "1h") and events(server, "--since", "2026-01-01T00:00"))
    r = subprocess.run([binary(), "audit", "-d", str(server.data), "--since", "yesterday"], capture_output=True, timeout=PATIENCE)
    check("a time that is none", r.returncode == 2, r.stderr)
    files = list((server.data / "audit").iterdir())
    check("for nobody else to read", all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in files) and stat.S_IMODE((server.data / "audit").stat().st_mode) == 0o700)
    r = subprocess.run([binary(), "audit", "-d", str(server.data), "--user", ME, "--failed"], capture_output=True, timeout=PATIENCE)
    check("for people", f"FAILED login imap PLAIN {ME} from 127.0.0.1 TLS: not permitted" in r.stdout.decode(), r.stdout[-500:])


def main():
    template = Template(binary())
    try:
        server = Server(template, [f'imap {{ admins = "{ME}" }}', "auth { fail_limit = 1000 }"])
        try:
            for fn in (logins, other_protocols, proof_and_gone, acts, injection, reading):
                attempt(fn.__name__, fn, server)
        finally:
            server.stop()
        check("start and stop of the server", "serve" in {e["event"] for e in events(server)})
    finally:
        template.remove()
    finish()


if __name__ == "__main__":
    socket.setdefaulttimeout(PATIENCE)
    main()
