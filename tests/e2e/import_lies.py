#!/usr/bin/env python3
"""`troika import` from servers that say what is not so, of themselves, of folders, of messages: nothing here is lost or shown by it, and all else comes."""
import base64
import re
import subprocess

from common import Template, address, attempt, binary, check, finish
from fakes import SECRET, Fake, FakePop, Secured, many, message, with_place


@with_place
def certificates(p):
    """Who has no certificate for the host, by an authority that is trusted, gets no password."""
    where = p.server.dir

    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)

    def authority(name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", where / f"{name}.key", "-out", where / f"{name}.pem", "-days", "10",
                "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")

    def certificate(name, by, host, days=10):
        (where / "ext").write_text(f"subjectAltName={host}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", where / f"{name}.key", "-out", where / "csr", "-subj", "/CN=127.0.0.1")
        openssl("x509", "-req", "-in", where / "csr", "-CA", where / f"{by}.pem", "-CAkey", where / f"{by}.key", "-CAcreateserial", "-days", days, "-extfile", where / "ext",
                "-out", where / f"{name}.pem")

    authority("ours")
    authority("theirs")
    for name, by, host, good in (("right", "ours", "IP:127.0.0.1", True), ("other-host", "ours", "DNS:mail.example.net", False), ("other-address", "ours", "IP:127.0.0.2", False),
                                 ("address-as-name", "ours", "DNS:127.0.0.1", False), ("other-authority", "theirs", "IP:127.0.0.1", False)):
        certificate(name, by, host)
        f = Secured(many(1), where / f"{name}.pem", where / f"{name}.key")
        code, out, mb, s = p.run(f.port, "--retries", 0, "--ca-file", where / "ours.pem", scheme="imaps", insecure=False)
        if good:
            check("the right certificate", code == 0 and f.logins == 1, (code, out))
        else:
            check(f"{name}: refused, and no login was tried", code == 1 and "TLS" in out and f.logins == 0, (code, out))
        f.stop()
    said = []

    def strip(s, c, tag, rest):
        said.append(rest.upper().split()[0])
        if said[-1] == "STARTTLS":          # the answer, and what would be taken as said under TLS
            c.sendall(f"{tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n".encode())
            return True
    for capabilities, greeting in (("IMAP4rev1", b"* OK hi\r\n"), ("IMAP4rev1 STARTTLS", b"* OK hi\r\n"), ("IMAP4rev1 STARTTLS", b"* PREAUTH hi\r\n")):
        f = Fake(many(1), capabilities, greeting=greeting, hook=strip)
        code, out, mb, s = p.run(f.port, "--retries", 0, insecure=False)
        check(f"no TLS ({capabilities}, {greeting.decode().strip()}): no login, no mail", code != 0 and not {"LOGIN", "AUTHENTICATE", "EXAMINE"} & set(said), (code, out, said))
        f.stop()


@with_place
def for_people(p):
    """What a server says is shown on a terminal: it steers none, and no line of the report is the server's. Nor does it tell the password."""
    coded = base64.b64encode(f"\0joe\0{SECRET}".encode()).decode()

    def said(s, c, tag, rest):
        if rest.upper().startswith(("LOGIN", "AUTHENTICATE")):
            c.sendall(f"{tag} NO \x1b]0;mine\x07\x9b2J sorry\r\n".encode("latin-1"))
            return True
    f = Fake({}, hook=said)
    code, out, mb, s = p.run(f.port, "--retries", 0)
    check("a refusal steers no terminal", code == 1 and "sorry" in out and "\x1b" not in out and "\x07" not in out and "\x9b" not in out, (code, out))
    f.stop()

    def echo(s, c, tag, rest):
        if rest.upper().startswith(("LOGIN", "AUTHENTICATE")):
            c.sendall(f"{tag} BAD what is {rest}\r\n".encode())
            return True
    for capabilities in ("IMAP4rev1", "IMAP4rev1 AUTH=PLAIN SASL-IR"):
        f = Fake({}, capabilities, hook=echo)
        code, out, mb, s = p.run(f.port, "--retries", 0)
        check(f"a server that repeats the password: it is not shown ({capabilities})", code == 1 and SECRET not in out and coded not in out and "login refused" in out, (code, out))
        f.stop()
    for capabilities in ("USER", "USER SASL=PLAIN"):
        f = FakePop({"INBOX": {}}, capabilities, greeting=b"+OK\r\n", hook=lambda s, c, w: w[0].upper() in ("PASS", "AUTH") and (c.sendall(b"-ERR what is " + " ".join(w).encode() + b"\r\n") or True))
        code, out, mb, s = p.run(f.port, "--retries", 0, scheme="pop3")
        check(f"the same of POP3 ({capabilities})", code == 1 and SECRET not in out and coded not in out and "login refused" in out, (code, out))
        f.stop()
    f = Fake({"INBOX": {1: ("", message(1))}, "a&AAoACg-  9 messages failed": {}})
    code, out, mb, s = p.run(f.port)
    check("a folder's name makes no line of the report", code == 0 and not re.search(r"^\s*9 messages", out, re.M) and "becomes a__" in out, (code, out))
    f.stop()


@with_place
def odd_names(p):
    """Of users and of folders."""
    token, said = p.server.dir / "token", []
    token.write_text("t0ken\n")

    def bearer(s, c, tag, rest):
        if rest.upper().startswith("AUTHENTICATE OAUTHBEARER "):
            said.append(base64.b64decode(rest.split()[2]))
            c.sendall(f"{tag} OK in\r\n".encode())
            return True
    f = Fake(many(1), "IMAP4rev1 AUTH=OAUTHBEARER SASL-IR", hook=bearer)
    code, out, mb, s = p.run(f.port, "--token-file", token, login="a%2Cb=c")
    # RFC 5801 4: a comma and an equals sign of a name have their own way to be written
    check("OAUTHBEARER: a name with a comma", code == 0 and said == [b"n,a=a=2Cb=3Dc,\1auth=Bearer t0ken\1\1"], (code, out, said))
    f.stop()
    boxes = {"INBOX": {1: ("", message(1))}, "c&AAA-d": {1: ("", message(3))}, "..": {1: ("", message(4))}, "x" * 3000: {1: ("", message(5))}}
    f = Fake({**boxes, "a\0b": {1: ("", message(2))}})
    code, out, mb, s = p.run(f.port, "--retries", 0, user="carol")
    check("a folder's name with NUL is none", code in (1, 75) and "cannot be read" in out, (code, out[-600:]))
    f.stop()
    f = Fake(boxes)
    for known in (0, 4):
        code, out, mb, s = p.run(f.port, user="carol")
        check("names of dots, of a coded NUL, without end", code == 0 and f"{4 - known} messages imported" in out and "damaged" not in out, (code, out[-600:]))
    f.stop()


@with_place
def bad_folder(p):
    """A folder at which the server breaks the connection each time keeps no other from being brought over."""
    def hook(s, c, tag, rest):
        if rest.upper().startswith("EXAMINE") and "Bad" in rest:
            raise OSError
    boxes = {"Bad": {1: ("", message(1))}, "Good": {1: ("", message(2))}, "Fine": {1: ("", message(3))}}
    for connections in (1, 2):
        f = Fake(boxes, hook=hook)
        code, out, mb, s = p.run(f.port, "--retries", 1, "--connections", connections, user="alice" if connections == 1 else "bob")
        user = "alice" if connections == 1 else "bob"
        check(f"{connections} connections: the others come", code == 75 and "Bad: " in out and p.bodies("Good", user) == [message(2)] and p.bodies("Fine", user) == [message(3)], (code, out))
        f.stop()


@with_place
def told_of_some(p):
    """A server that says how many messages there are and tells of fewer, as if it had stumbled: what it left out is neither removed here nor taken for brought over."""
    box = many(6)["INBOX"]
    want, tells = sorted(b for _, b in box.values()), {"uids": range(1, 7)}

    def some(s, c, tag, rest):
        verb = rest.upper()
        if verb.startswith("UID FETCH") and "BODY" not in verb:
            for uid in sorted(set(tells["uids"]) & set(s.expand(rest.split()[2], box))):
                c.sendall(f"* {uid} FETCH (UID {uid} FLAGS ({box[uid][0]}) INTERNALDATE \"17-Jul-2020 02:44:{uid:02d} +0000\" RFC822.SIZE {len(box[uid][1])})\r\n".encode())
            c.sendall(f"{tag} OK\r\n".encode())
            return True
    for user, capabilities in (("bob", "IMAP4rev1"), ("carol", "IMAP4rev1 CONDSTORE ENABLE")):
        f = Fake({"INBOX": box}, capabilities, hook=some)
        f.modseq = 5 if "CONDSTORE" in capabilities else 0
        tells["uids"] = (1, 4)
        code, out, mb, s = p.run(f.port, user=user)
        check(f"two of six are told of ({capabilities}): that is told", code == 1 and "2 messages imported" in out and "tells of 2 of 6 messages" in out, (code, out))
        tells["uids"] = range(1, 7)
        code, out, mb, s = p.run(f.port, user=user)
        check("the next run brings the others", code == 0 and "4 messages imported" in out and p.bodies(user=user) == want, (code, out))
        tells["uids"] = (2,)
        code, out, mb, s = p.run(f.port, "--delete", user=user)
        check("nothing is removed that was only left out", " removed" not in out and p.bodies(user=user) == want, (code, out))
        f.stop()

    f = Fake({"INBOX": box})
    f.counts = False
    code, out, mb, s = p.run(f.port, "--delete")
    check("nor where the server does not say how many there are", code == 1 and " removed" not in out and p.bodies() == want, (code, out))
    f.stop()


@with_place
def odd_ids(p):
    """RFC 1939 7: two identical messages may have one id, where it is made of their content. And what a server should not do: one id for different ones, ids that are too long."""
    twin = message(1)
    boxes = {"INBOX": {1: ("", twin), 2: ("", message(2)), 3: ("", twin), 4: ("", message(4))}}
    want = sorted(b for _, b in boxes["INBOX"].values())
    for user, name, ids in (("bob", "of the content", {1: "h1", 2: "h2", 3: "h1", 4: "h4"}), ("carol", "all the same", {i: "x" for i in range(1, 5)}),
                            ("alice", "of 80 octets", {i: "i" * 79 + str(i) for i in range(1, 5)})):
        def uidl(s, c, words, ids=ids):
            if words[0].upper() == "UIDL":
                c.sendall(b"+OK\r\n" + "".join(f"{i} {x}\r\n" for i, x in ids.items()).encode() + b".\r\n")
                return True
        f = FakePop(boxes, "UIDL USER", greeting=b"+OK\r\n", hook=uidl)
        code, out, mb, s = p.run(f.port, scheme="pop3", user=user)
        check(f"POP3, ids {name}: all messages come", code == 0 and "4 messages imported" in out and p.bodies(user=user) == want, (code, out))
        code, out, mb, s = p.run(f.port, scheme="pop3", user=user)
        check("and once", code == 0 and "0 messages imported" in out and p.bodies(user=user) == want, (code, out))
        f.stop()


def main():
    template = Template(binary())
    try:
        for scenario in (certificates, for_people, odd_names, bad_folder, told_of_some, odd_ids):
            attempt(scenario.__name__, scenario, template)
    finally:
        template.remove()
    finish()


main()
