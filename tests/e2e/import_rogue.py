#!/usr/bin/env python3
"""`troika import` from servers that lie, drop, throttle, send garbage or never end: a clear error, what can be had is had, once, in bounded memory."""
import base64
import os
import re
import ssl
import subprocess
import threading
import time

from common import PATIENCE, Listener, Server, Template, address, attempt, binary, check, finish, imap, until


SECRET = "any-Secret"
SANITIZED = b"__asan_init" in open(binary(), "rb").read()          # whose memory says nothing


class Fake(Listener):
    """An IMAP server for one account. folders: name -> {uid: (flags, octets)}; hooks are asked before each command: a function of (server, connection, tag, words)
    that returns True when it has dealt with it."""

    def __init__(self, folders, capabilities="IMAP4rev1", attributes=None, greeting=b"* OK ready\r\n", hook=None, ids=None, uidvalidity=7):
        self.folders, self.capabilities, self.attributes, self.greeting, self.hook = folders, capabilities, attributes or {}, greeting, hook
        self.ids, self.uidvalidity = ids or {}, uidvalidity
        self.unasked = ""                                     # what is said of every message beside what was asked for
        self.counts, self.modseq = True, 0                    # is EXISTS said; HIGHESTMODSEQ
        self.fetched, self.singles = [], []
        super().__init__()

    def serve(self, c):
        if callable(self.greeting):
            return self.greeting(c)
        c.sendall(self.greeting)
        f = c.makefile("rb")
        box = name = None
        for line in f:
            tag, rest = line.decode().rstrip("\r\n").split(" ", 1)
            verb = rest.upper()
            if self.hook and self.hook(self, c, tag, rest):
                continue
            if verb.startswith("CAPABILITY"):
                c.sendall(f"* CAPABILITY {self.capabilities}\r\n".encode())
            elif verb.startswith(("LIST", "XLIST", "LSUB")):
                word = verb.split()[0]
                for name in self.folders:
                    c.sendall(f'* {word} ({self.attributes.get(name, "")}) "/" "{name}"\r\n'.encode())
            elif verb.startswith("EXAMINE"):
                name = re.search(r'"(.*)"', rest).group(1)
                box = self.folders[name]
                c.sendall(f"* {len(box)} EXISTS\r\n".encode() if self.counts else b"")
                c.sendall(f"* OK [UIDVALIDITY {self.uidvalidity}] x\r\n* OK [UIDNEXT {max(box, default=0) + 1}] x\r\n".encode())
                c.sendall(f"* OK [HIGHESTMODSEQ {self.modseq}] x\r\n".encode() if self.modseq else b"")
            elif verb.startswith("UID FETCH") and "BODY" in verb:
                uids = self.expand(rest.split()[2], box)
                if len(uids) == 1:
                    self.singles += uids
                for uid in uids:
                    self.fetched.append((name, uid))
                    c.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{{len(box[uid][1])}}}\r\n".encode() + box[uid][1] + b")\r\n")
            elif verb.startswith("UID FETCH"):
                for uid in self.expand(rest.split()[2], box):
                    extra = self.unasked
                    extra += f" X-GM-MSGID {self.ids[(name, uid)]}" if "X-GM-MSGID" in verb else f" EMAILID ({self.ids[(name, uid)]})" if "EMAILID" in verb else ""
                    c.sendall(f"* {uid} FETCH (UID {uid} FLAGS ({box[uid][0]}) INTERNALDATE \"17-Jul-2020 02:44:{uid % 60:02d} +0000\" RFC822.SIZE {len(box[uid][1])}{extra})\r\n"
                              .encode())
            elif verb.startswith("LOGOUT"):
                c.sendall(f"* BYE\r\n{tag} OK\r\n".encode())
                return
            c.sendall(f"{tag} OK done {{5}}\r\n".encode())

    @staticmethod
    def expand(text, box):
        out = []
        for part in text.split(","):
            lo, _, hi = part.partition(":")
            top = max(box, default=0)
            a, b = int(lo), top if hi == "*" else int(hi or lo)
            out += [u for u in sorted(box) if a <= u <= b]
        return out


def message(i, extra=""):
    return f"From: a@example.net\r\nSubject: {i}\r\nMessage-ID: <{i}@x>\r\n\r\n{extra}body {i}\r\n".encode()


def many(n):
    return {"INBOX": {i: ("\\Seen" if i % 2 else "", message(i)) for i in range(1, n + 1)}}


class Place:
    def __init__(self, template):
        self.server = Server(template, None)
        (self.server.dir / "pw").write_text(SECRET + "\n")

    def run(self, port, *args, user="bob", scheme="imap", login="joe", insecure=True, seconds=120, faults=""):
        """(code, output, most memory in MB, seconds)"""
        began = time.monotonic()
        out = self.server.dir / "out"
        with open(out, "wb") as f:
            p = subprocess.Popen([binary(), "import", "-d", str(self.server.data), "--user", address(user), "--password-file", str(self.server.dir / "pw"),
                                  *(["--insecure"] if insecure else []), *map(str, args), f"{scheme}://{login}@127.0.0.1:{port}"], stdout=f, stderr=f,
                                 env={**os.environ, "TROIKA_FAULTS": faults})
        timer = threading.Timer(seconds, p.kill)
        timer.start()
        _, status, usage = os.wait4(p.pid, 0)
        timer.cancel()
        return os.waitstatus_to_exitcode(status), out.read_text(errors="replace"), 0 if SANITIZED else usage.ru_maxrss / 1024, time.monotonic() - began

    def bodies(self, folder="INBOX", user="bob"):
        c = imap(self.server, user)
        typ, data = c.select(f'"{folder}"', readonly=True)
        if typ != "OK":
            return None
        got = [p[1] for p in c.uid("FETCH", "1:*", "(BODY.PEEK[])")[1] if isinstance(p, tuple)] if int(data[0]) else []
        c.logout()
        return sorted(got)

    def close(self):
        r = subprocess.run([binary(), "check", "-d", str(self.server.data)], capture_output=True, text=True)
        check("the store is whole", r.returncode == 0, r.stdout)
        self.server.stop()


def with_place(fn):
    def inner(template):
        p = Place(template)
        try:
            fn(p)
        finally:
            p.close()
    inner.__name__ = fn.__name__
    return inner


def endless(prefix, chunk):
    def greet(c):
        c.sendall(prefix)
        while True:
            c.sendall(chunk)
    return greet


@with_place
def greetings(p):
    cases = [("a web server", b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak IMAP"), ("nothing but an end", b"", "closed the connection"),
             ("binary garbage", bytes(range(256)) * 10 + b"\r\n", "does not speak IMAP"), ("BYE", b"* BYE too busy\r\n", "too busy"),
             ("an endless line", endless(b"* OK ", b"x" * 65536), "line over"), ("a literal of 10 GB", b"* LIST {10000000000}\r\n", "does not speak IMAP"),
             ("an endless literal of 1 MB and more", endless(b"* LIST {2000000}\r\n", b"x" * 65536), "does not speak IMAP"),
             ("many literals", endless(b"* LIST ", b"{1000}\r\n" + b"x" * 1000), "does not speak IMAP")]
    for name, greeting, expected in cases:
        f = Fake({}, greeting=greeting if callable(greeting) else (lambda c, g=greeting: c.sendall(g)))
        code, out, mb, s = p.run(f.port, "--retries", 0)
        check(f"greeting: {name}", code in (1, 75) and expected in out and mb < 150, (code, out, mb))
        f.stop()
    f = Fake({}, greeting=lambda c: time.sleep(30))
    code, out, mb, s = p.run(f.port, "--retries", 0, "--timeout", "1s")
    check("greeting: silence", code == 75 and "silent" in out and s < 10, (code, out, s))
    f.stop()
    pre = Fake(many(3), greeting=b"* PREAUTH hello\r\n")
    r = subprocess.run([binary(), "import", "-d", str(p.server.data), "--user", address("bob"), "--password-file", str(p.server.dir / "pw"),
                        f"imap://joe@127.0.0.1:{pre.port}"], capture_output=True, text=True)
    check("PREAUTH in plain text is refused", r.returncode == 1 and "STARTTLS" in r.stdout, r.stdout + r.stderr)
    pre.stop()


class Secured(Fake):
    """The same over TLS from the start."""

    def __init__(self, folders, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.logins = 0
        super().__init__(folders, hook=self.count)

    def serve(self, c):
        with self.context.wrap_socket(c, server_side=True) as secured:
            super().serve(secured)

    def count(self, s, c, tag, rest):
        self.logins += rest.upper().startswith(("LOGIN", "AUTHENTICATE"))


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
def never_ending(p):
    def after(verb, chunk):
        def hook(s, c, tag, rest):
            if rest.upper().startswith(verb):
                while True:
                    c.sendall(chunk)
        return hook
    cases = [("LOGIN", b"* OK still there\r\n" * 1000, "without end"), ("LIST", b"".join(b'* LIST () "/" "f%d"\r\n' % i for i in range(20000)), "more than"),
             ("LIST", b'* LIST () "/" "same"\r\n' * 1000, "without end"), ("EXAMINE", b"* 1 EXISTS\r\n" * 1000, "without end"),
             ("UID FETCH 1:3", b'* 1 FETCH (UID 9 BODY[] "x")\r\n' * 1000, "without end"),
             ("UID FETCH 1:*", b"".join(b"* 1 FETCH (UID %d FLAGS ())\r\n" % i for i in range(1, 300000)), "more messages than there are")]
    for verb, chunk, expected in cases:
        f = Fake(many(3), hook=after(verb, chunk))
        code, out, mb, s = p.run(f.port, "--retries", 0)
        check(f"{verb}: answers that never end", code in (1, 75) and expected in out and mb < 150, (code, out, mb))
        f.stop()


@with_place
def drops(p):
    """A server that ends every connection after three messages: all come, in the end."""
    count = {"n": 0}

    def hook(s, c, tag, rest):
        if "BODY" not in rest:
            return False
        uids = s.expand(rest.split()[2], s.folders["INBOX"])
        for uid in uids:
            count["n"] += 1
            if count["n"] % 4 == 0:
                c.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{500}}\r\nhalf".encode())
                raise OSError
            body = s.folders["INBOX"][uid][1]
            c.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{{len(body)}}}\r\n".encode() + body + b")\r\n")
        c.sendall(f"{tag} OK\r\n".encode())
        return True
    f = Fake(many(10), hook=hook)
    code, out, mb, s = p.run(f.port)
    check("what came is counted once", "10 messages imported" in out and " known" not in out, out)
    check("connections that break after three messages", code == 0 and p.bodies() == sorted(m for _, m in f.folders["INBOX"].values()), (code, out))
    f.stop()

    def poison(s, c, tag, rest):
        if "BODY" in rest and 5 in s.expand(rest.split()[2], s.folders["INBOX"]):
            raise OSError
    f = Fake(many(12), hook=poison)
    code, out, mb, s = p.run(f.port, user="carol")
    rest = sorted(m for u, (_, m) in f.folders["INBOX"].items() if u != 5)
    check("a message that breaks the connection is passed over and told", code == 1 and "message 5 failed" in out and p.bodies(user="carol") == rest, (code, out))
    f.hook = None
    code, out, mb, s = p.run(f.port, user="carol")
    check("and comes when it can", code == 0 and "1 messages imported" in out and len(p.bodies(user="carol")) == 12, (code, out))
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
def by_turns(p):
    """RFC 9051 5.5: of two commands under way at once a server may give messages by turns and end the later one first. Nothing is asked for again."""
    held = []

    def hook(s, c, tag, rest):
        if "BODY" not in rest:
            return False
        held.append((tag, s.expand(rest.split()[2], s.folders["INBOX"])))
        s.singles += held[-1][1] if len(held[-1][1]) == 1 else []
        if len(held) < 2:
            return True
        (first, a), (second, b) = held
        held.clear()
        for uid in [uid for pair in zip(b, a) for uid in pair] + b[len(a):] + a[len(b):]:
            body = s.folders["INBOX"][uid][1]
            c.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{{len(body)}}}\r\n".encode() + body + b")\r\n")
        c.sendall(f"{second} OK\r\n{first} OK\r\n".encode())
        return True
    f = Fake(many(128), hook=hook)
    code, out, mb, s = p.run(f.port)
    check("two commands answered by turns", code == 0 and "128 messages imported" in out and "lost" not in out and p.bodies() == sorted(m for _, m in f.folders["INBOX"].values()), out)
    check("nothing was asked for again", not f.singles, f.singles)
    f.stop()


@with_place
def refusals(p):
    def no(s, c, tag, rest):
        if "BODY" in rest and 7 in s.expand(rest.split()[2], s.folders["INBOX"]):
            c.sendall(f"{tag} NO [SERVERBUG] cannot read message\r\n".encode())
            return True
    f = Fake(many(12), hook=no)
    code, out, mb, s = p.run(f.port)
    check("a message that is refused costs no other", code == 1 and "message 7 failed" in out and len(p.bodies()) == 11, (code, out))
    f.stop()

    def nil(s, c, tag, rest):
        if "BODY" in rest:
            for u in s.expand(rest.split()[2], s.folders["INBOX"]):
                c.sendall(f"* {u} FETCH (UID {u} BODY[] NIL)\r\n* 1 FETCH (UID 4000 BODY[] \"unasked\")\r\n".encode())
            c.sendall(f"{tag} OK\r\n".encode())
            return True
    f = Fake(many(2), hook=nil)
    code, out, mb, s = p.run(f.port, user="carol")
    check("a server without bodies, and with one that nobody asked for", code == 1 and "2 failed" in out and p.bodies(user="carol") == [], (code, out))
    f.stop()
    waits = {"n": 0}

    def throttled(s, c, tag, rest):
        if "BODY" in rest and waits["n"] < 1:
            waits["n"] += 1
            c.sendall(f"{tag} NO Request is throttled. Suggested Backoff Time: 1500 milliseconds\r\n".encode())
            return True
    f = Fake(many(5), hook=throttled)
    code, out, mb, s = p.run(f.port, user="alice")
    check("throttled: it waits and goes on", code == 0 and "5 messages imported" in out and 1.4 < s < 20, (code, out, s))
    f.stop()

    def busy(s, c, tag, rest):
        if rest.upper().startswith("LOGIN"):
            c.sendall(f"{tag} NO [UNAVAILABLE] Temporary authentication failure\r\n".encode())
            return True
    f = Fake(many(5), hook=busy)
    code, out, mb, s = p.run(f.port, "--retries", 0, user="alice")
    check("[UNAVAILABLE] at login is for now", code == 75 and "UNAVAILABLE" in out, (code, out))
    f.stop()

    def folder(s, c, tag, rest):
        if rest.startswith('EXAMINE "Bad"'):
            c.sendall(f"{tag} NO Mailbox is locked\r\n".encode())
            return True
    boxes = many(3)
    boxes["Bad"] = {1: ("", message(1))}
    boxes["Good"] = {1: ("", message(50))}
    f = Fake(boxes, hook=folder)
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=Other", user="alice")
    check("a folder that is refused costs no other", code == 1 and "Bad: folder failed" in out and len(p.bodies("Good", "alice")) == 1, (code, out))
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
def odd_messages(p):
    big = b"Subject: big\r\n\r\n" + b"x" * (70 << 20)
    f = Fake({"INBOX": {1: ("", message(1)), 2: ("", big), 3: ("", message(3))}})
    code, out, mb, s = p.run(f.port)
    check("over 64 MB: skipped and told, not fetched", code == 0 and "message 2 skipped" in out and "1 skipped" in out and ("INBOX", 2) not in f.fetched, (code, out))
    check("the others come", p.bodies() == sorted([message(1), message(3)]))
    f.stop()

    def liar(s, c, tag, rest):
        if rest.startswith("UID FETCH") and "BODY" not in rest:
            for u in (1, 2, 3):
                c.sendall(f"* {u} FETCH (UID {u} FLAGS () RFC822.SIZE 5)\r\n".encode())
            c.sendall(f"{tag} OK\r\n".encode())
            return True
    f.hook = liar
    f = Fake(f.folders, hook=liar)
    code, out, mb, s = p.run(f.port, user="carol")
    check("over 64 MB and said to be 5 bytes: thrown away as it comes", code == 0 and "message 2 skipped" in out and len(p.bodies(user="carol")) == 2 and mb < 400, (code, out, mb))
    f.stop()
    boxes = {"INBOX": {1: ("", b"Subject: bare\n\nline\nline\r\nlast"), 2: ("", b"Subject: nul\r\n\r\na\0b\r\n"), 3: ("", b""), 4: ("\\Seen \\Odd we]ird ok", b"no header at all"),
                       5: ("", b"Subject: " + b"long" * 100000 + b"\r\n\r\nx\r\n")}}
    f = Fake(boxes)
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=Odd")
    check("bare LF, NUL, nothing, no header, a line of 400 KB", code == 0 and "5 messages imported" in out and "2 flags that cannot be kept" in out, (code, out))
    got = p.bodies("Odd")
    check("line ends become CRLF, the rest stays", b"Subject: bare\r\n\r\nline\r\nline\r\nlast" in got and b"no header at all" in got, got[:2])
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=Odd")
    check("again: nothing", code == 0 and "5 known" in out, (code, out))
    f.uidvalidity = 8
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=Odd")
    check("another UIDVALIDITY: all are recognised", code == 0 and "5 recognised" in out and len(p.bodies("Odd")) == 5, (code, out))
    f.stop()


@with_place
def old_servers(p):
    """Courier and Cyrus of old: everything below INBOX, no NAMESPACE; Gmail of old: XLIST."""
    boxes = {"INBOX": {1: ("", message(1))}, "INBOX/Gesendete Objekte": {1: ("", message(2))}, "INBOX/Foo": {1: ("", message(3))}, "INBOX/Foo/Bar": {1: ("", message(4))}}
    f = Fake(boxes)
    code, out, mb, s = p.run(f.port)
    check("a prefix goes, a name is known", code == 0 and p.bodies("Sent") == [message(2)] and p.bodies("Foo") == [message(3)] and p.bodies("Foo/Bar") == [message(4)], out)
    f.stop()
    boxes = {"Posteingang": {1: ("", message(1))}, "Raus": {1: ("", message(2))}, 'quote"d \\ back': {1: ("", message(3))}}
    f = Fake({k.replace("\\", "\\\\").replace('"', '\\"'): v for k, v in boxes.items()}, "IMAP4rev1 XLIST", {"Posteingang": "\\Inbox", "Raus": "\\Sent"})
    code, out, mb, s = p.run(f.port, user="carol")
    check("XLIST", code == 0 and p.bodies("INBOX", "carol") == [message(1)] and p.bodies("Sent", "carol") == [message(2)], out)
    c = imap(p.server, "carol")
    check("quotes in a name", b'quote' in b"".join(c.list()[1]) and "3 messages imported" in out, (out, c.list()))
    c.logout()
    f.stop()


@with_place
def labels(p):
    """Gmail: one email under several labels."""
    m = {i: message(i) for i in range(1, 21)}
    boxes = {"INBOX": {i: ("\\Seen", m[i]) for i in range(1, 11)}, "Travel": {i: ("\\Seen \\Flagged", m[i + 4]) for i in range(1, 11)},
             "[Gmail]/All Mail": {i: ("\\Seen", m[i]) for i in range(1, 21)}, "[Gmail]/Starred": {1: ("\\Flagged", m[5])}, "[Gmail]/Sent Mail": {1: ("\\Seen", m[20])}}
    ids = {(name, uid): 1000 + int(re.search(rb"Subject: (\d+)", b).group(1)) for name, box in boxes.items() for uid, (_, b) in box.items()}
    attributes = {"[Gmail]/All Mail": "\\All", "[Gmail]/Starred": "\\Flagged", "[Gmail]/Sent Mail": "\\Sent"}
    f = Fake(boxes, "IMAP4rev1 X-GM-EXT-1 SPECIAL-USE", attributes, ids=ids)
    code, out, mb, s = p.run(f.port)
    check("Gmail: an import", code == 0 and "20 messages imported" in out and "6 copied here" in out and "15 of all mail are in other folders" in out, out)
    check("every body is fetched once", len(f.fetched) == 20, len(f.fetched))
    check("the labels hold what they hold", p.bodies("Travel") == sorted(b for _, b in boxes["Travel"].values()) and p.bodies() == sorted(b for _, b in boxes["INBOX"].values()))
    check("Sent Mail is Sent; the rest of All Mail is in Archive", p.bodies("Sent") == [m[20]] and p.bodies("Archive") == sorted(m[i] for i in range(15, 20)))
    c = imap(p.server, "bob")
    c.select("Travel", readonly=True)
    check("a copy has the flags of its label", len(c.search(None, "FLAGGED")[1][0].split()) == 10)
    c.select("INBOX", readonly=True)
    check("and the first keeps its own", c.search(None, "FLAGGED")[1][0] == b"")
    code, out, mb, s = p.run(f.port)
    check("Gmail again: nothing", code == 0 and "0 messages imported" in out and len(f.fetched) == 20, out)
    del boxes["INBOX"][1]                                     # archived there
    code, out, mb, s = p.run(f.port, "--delete")
    check("archived there, archived here", code == 0 and "1 removed" in out and m[1] in p.bodies("Archive") and m[1] not in p.bodies(), out)
    for x in (p.server.data / "import").iterdir():
        x.unlink()
    code, out, mb, s = p.run(f.port)
    check("Gmail without notes: no doubles", code == 0 and "0 messages imported" in out and "0 copied;" not in out and len(p.bodies("Travel")) == 10 and
          len(p.bodies("Archive")) == 6, out)
    c.logout()
    f.stop()


@with_place
def five_labels(p):
    """As Google documents it: a folder that is none, labels told unasked; a large email under five labels, and in All Mail, is fetched once and kept once."""
    large = message(1, "large line of mail\r\n" * (4 << 16))
    names = ["INBOX", "Muy Importante", "Work", "Work/Tr&AOg-s", "[Gmail]/Sent Mail"]
    everything = [*names, "[Gmail]/All Mail", "[Gmail]/Important"]
    boxes = {name: {5: ("\\Seen", large)} for name in everything} | {"[Gmail]": {}}
    f = Fake(boxes, "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS COMPRESS=DEFLATE ENABLE MOVE CONDSTORE ESEARCH SPECIAL-USE",
             {"[Gmail]": "\\HasChildren \\Noselect", "[Gmail]/All Mail": "\\All \\HasNoChildren", "[Gmail]/Important": "\\HasNoChildren \\Important",
              "[Gmail]/Sent Mail": "\\HasNoChildren \\Sent"}, ids={(name, 5): 1278455344230334865 for name in everything})
    f.unasked = ' X-GM-THRID 1266894439832287888 X-GM-LABELS (\\Inbox \\Sent Important "Muy Importante" "Tr&AOg-s")'
    code, out, mb, s = p.run(f.port)
    here = ["INBOX", "Muy Importante", "Work", "Work/Tr&AOg-s", "Sent"]
    check("Gmail: an email under five labels is in five mailboxes, and not in Archive", code == 0 and all(p.bodies(name) == [large] for name in here) and p.bodies("Archive") == [], out)
    check("it is fetched once", len(f.fetched) == 1, f.fetched)
    kept = sum(x.stat().st_blocks * 512 for x in (p.server.data / "store" / "blobs").iterdir())
    check("and kept once", kept < 2 * len(large), kept)
    code, out, mb, s = p.run(f.port)
    check("again: nothing", code == 0 and "0 messages imported" in out and len(f.fetched) == 1, out)
    f.stop()


@with_place
def killed(p):
    """kill -9 in a loop, with a server that is slow enough to be caught anywhere."""
    def slow(s, c, tag, rest):
        if "BODY" in rest:
            time.sleep(0.02)
    boxes = {f"F{k}": {i: ("\\Seen" if i % 3 else "x y", message(k * 1000 + i, "z" * (i % 50) * 100)) for i in range(1, 400)} for k in range(3)}
    boxes["F0"][400] = ("", message(1))
    boxes["F0"][401] = ("", message(1))                       # two that are equal
    f = Fake({"INBOX": {}, **boxes}, hook=slow)
    kills = 0
    for i in range(25):
        q = subprocess.Popen([binary(), "import", "-d", str(p.server.data), "--user", address("bob"), "--password-file", str(p.server.dir / "pw"), "--insecure",
                              f"imap://joe@127.0.0.1:{f.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.06 + 0.013 * (i % 12))
        kills += q.poll() is None
        q.kill()
        q.wait()
    code, out, mb, s = p.run(f.port)
    same = [name for name in boxes if p.bodies(name) != sorted(b for _, b in boxes[name].values())]
    check(f"killed {kills} times: nothing is missing, nothing doubled", code == 0 and kills >= 10 and not same, (out, same, kills))
    check("and little was fetched twice", len(f.fetched) < 1199 + 150 * kills, len(f.fetched))
    q = subprocess.Popen([binary(), "import", "-d", str(p.server.data), "--user", address("carol"), "--password-file", str(p.server.dir / "pw"), "--insecure",
                          f"imap://joe@127.0.0.1:{f.port}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    before = len(f.fetched)
    until(lambda: len(f.fetched) > before)                    # it is at work
    q.terminate()
    out = q.communicate(timeout=PATIENCE)[0]
    check("SIGTERM: it ends at once and says how to go on", q.returncode == 75 and "run it again" in out, (q.returncode, out))
    f.stop()


@with_place
def several(p):
    """Connections beside the first one: folders are parted among them; those that the server refuses or breaks are done without."""
    boxes = {f"F{k}": {i: ("\\Seen" if i % 3 else "x", message(k * 1000 + i)) for i in range(1, 90)} for k in range(6)}

    def whole(user):
        return [name for name in boxes if p.bodies(name, user) != sorted(b for _, b in boxes[name].values())]
    meet = {"in": 0, "most": 0, "lock": threading.Lock()}

    def together(s, c, tag, rest):                            # two who fetch wait for each other, a second at most
        if "BODY" in rest:
            with meet["lock"]:
                meet["in"] += 1
                meet["most"] = max(meet["most"], meet["in"])
            end = time.monotonic() + 1
            while meet["most"] < 2 and time.monotonic() < end:
                time.sleep(0.01)
            with meet["lock"]:
                meet["in"] -= 1
    f = Fake(boxes, hook=together)
    code, out, mb, s = p.run(f.port, user="alice")
    check("three connections share the folders, all comes once", code == 0 and not whole("alice") and f.connections == 3 and len(f.fetched) == 534, (out, f.connections, len(f.fetched)))
    check("and fetch at the same time", meet["most"] >= 2, meet["most"])
    code, out, mb, s = p.run(f.port, user="alice")
    check("again: nothing", code == 0 and "0 messages imported" in out and len(f.fetched) == 534, out)
    f.stop()
    f = Fake(boxes)
    code, out, mb, s = p.run(f.port, "--connections", 1, "--mailbox-map", "F0=One", user="alice")
    check("with --connections 1 there is one", code == 0 and f.connections == 1, (out, f.connections))
    f.stop()

    def only_one(s, c, tag, rest):
        if rest.upper().startswith("LOGIN") and s.connections > 1:
            c.sendall(f"{tag} NO [LIMIT] Too many simultaneous connections\r\n".encode())
            return True
    f = Fake(boxes, hook=only_one)
    code, out, mb, s = p.run(f.port)
    check("a server that lets in one alone", code == 0 and not whole("bob") and "534 messages imported" in out, out)
    f.stop()
    breaks = {"left": 2}

    def breaking(s, c, tag, rest):
        if "BODY" in rest and breaks["left"] > 0:
            breaks["left"] -= 1
            raise OSError
    f = Fake(boxes, hook=breaking)
    code, out, mb, s = p.run(f.port, user="carol")
    check("connections that break are made again, all comes once", code == 0 and not whole("carol") and "534 messages imported" in out, out)
    f.stop()


@with_place
def unnoted(p):
    """Killed exactly where a message is stored and not noted, a flag set and not noted, a message removed and not noted, again and again."""
    m = {i: message(i) for i in range(1, 301)}
    boxes = {"INBOX": {i: ("\\Seen", m[i]) for i in range(1, 301)}, "Label": {i: ("\\Flagged k", m[i]) for i in range(1, 301, 3)}}
    boxes["INBOX"][400] = boxes["INBOX"][401] = ("", m[1])
    ids = {(name, uid): int(re.search(rb"Subject: (\d+)", b).group(1)) + uid // 400 * uid for name, box in boxes.items() for uid, (_, b) in box.items()}
    f = Fake(boxes, "IMAP4rev1 OBJECTID", ids=ids)

    def until_done(*args):
        kills = 0
        while True:
            code, out, mb, s = p.run(f.port, *args, faults=f"migrate.kill={1 + kills}")
            if code != -9:
                return kills, code, out
            kills += 1

    def same(name):
        return p.bodies(name) == sorted(b for _, b in boxes[name].values())
    kills, code, out = until_done()
    check(f"killed {kills} times between a message and its note", code == 0 and kills >= 3 and same("INBOX") and same("Label"), (kills, code, out))
    for i in range(10, 200):
        boxes["INBOX"][i] = ("\\Answered z", m[i])
    kills, code, out = until_done()
    c = imap(p.server, "bob")
    c.select("INBOX", readonly=True)
    check(f"killed {kills} times between flags and their note", code == 0 and kills and len(c.search(None, "ANSWERED")[1][0].split()) == 190 and
          len(c.search(None, "KEYWORD", "z")[1][0].split()) == 190, (kills, code, out))
    c.select("Label", readonly=True)
    check("copies have the flags of their folder", len(c.search(None, "FLAGGED")[1][0].split()) == 100 and len(c.search(None, "SEEN")[1][0].split()) == 0)
    c.logout()
    for i in range(10, 100):
        del boxes["INBOX"][i]
    del boxes["Label"]
    kills, code, out = until_done("--delete")
    check(f"killed {kills} times between an end and its note", code == 0 and kills and same("INBOX") and p.bodies("Label") is None, (kills, code, out))
    f.stop()


class FakePop(Fake):
    """The same for POP3: hook(server, connection, words) may deal with a command."""

    def serve(self, c):
        c.sendall(self.greeting)
        for line in c.makefile("rb"):
            words = line.decode().split()
            verb = words[0].upper()
            if self.hook and self.hook(self, c, words):
                continue
            box = self.folders["INBOX"]
            if verb == "CAPA" and self.capabilities is None:
                c.sendall(b"-ERR what?\r\n")
            elif verb == "CAPA":
                c.sendall(b"+OK\r\n" + "".join(x.replace("=", " ") + "\r\n" for x in self.capabilities.split()).encode() + b".\r\n")
            elif verb in ("LIST", "UIDL"):
                c.sendall(b"+OK\r\n" + "".join(f"{i} {len(box[i][1]) if verb == 'LIST' else 'id' + str(i)}\r\n" for i in sorted(box)).encode() + b".\r\n")
            elif verb == "RETR":
                self.fetched.append(int(words[1]))
                lines = box[int(words[1])][1].replace(b"\r\n.", b"\r\n..")
                c.sendall(b"+OK\r\n" + lines + b".\r\n")
            else:
                c.sendall(b"+OK\r\n")
                if verb == "QUIT":
                    return


@with_place
def pop3(p):
    boxes = {"INBOX": {i: ("", message(i, ".dot\r\n..two\r\n")) for i in range(1, 31)}}
    want = sorted(b for _, b in boxes["INBOX"].values())
    for user, capabilities, name in (("bob", "UIDL USER PIPELINING", "pipelined"), ("carol", None, "without CAPA")):
        f = FakePop(boxes, capabilities, greeting=b"+OK ready\r\n")
        code, out, mb, s = p.run(f.port, scheme="pop3", user=user)
        check(f"POP3 {name}", code == 0 and "30 messages imported" in out and p.bodies(user=user) == want, out)
        code, out, mb, s = p.run(f.port, scheme="pop3", user=user)
        check(f"POP3 {name} again: nothing is fetched", code == 0 and "30 known" in out and len(f.fetched) == 30, out)
        f.stop()

    def no_uidl(s, c, words):
        if words[0].upper() == "UIDL":
            c.sendall(b"-ERR\r\n")
            return True
    f = FakePop(boxes, None, greeting=b"+OK ready <1.2@h>\r\n", hook=no_uidl)
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=P", scheme="pop3")
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=P", scheme="pop3")
    check("POP3 without UIDL: recognised by content", code == 0 and "30 recognised" in out and p.bodies("P") == want, out)
    f.stop()
    for what, hook, expected in (("endless line", lambda s, c, w: w[0].upper() == "RETR" and endless(b"+OK\r\n", b"x" * 65536)(c), "line over"),
                                 ("endless message", lambda s, c, w: w[0].upper() == "LIST" and endless(b"+OK\r\n", b"1 5\r\n" * 1000)(c), "does not speak POP3"),
                                 ("garbage", lambda s, c, w: w[0].upper() == "UIDL" and (c.sendall(b"+OK\r\nfoo\r\n.\r\n") or True), "does not speak POP3"),
                                 ("silence", lambda s, c, w: w[0].upper() == "RETR" and (time.sleep(5) or True), "silent")):
        f = FakePop(boxes, "UIDL USER", greeting=b"+OK\r\n", hook=hook)
        code, out, mb, s = p.run(f.port, "--retries", 0, "--timeout", "2s", "--mailbox-map", "INBOX=Q", scheme="pop3")
        check(f"POP3: {what}", code in (1, 75) and expected in out and mb < 300, (code, out, mb))
        f.stop()

    def in_use(s, c, words):
        if words[0].upper() == "PASS":
            c.sendall(b"-ERR [IN-USE] locked\r\n")
            return True
    f = FakePop(boxes, "UIDL USER", greeting=b"+OK\r\n", hook=in_use)
    code, out, mb, s = p.run(f.port, "--retries", 0, scheme="pop3")
    check("POP3: [IN-USE] is for now", code == 75 and "locked" in out, (code, out))
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


@with_place
def quota(p):
    s = p.server
    s.cli(["quota", "set", address("bob"), "messages=50"], "")
    f = Fake(many(100))
    code, out, mb, _ = p.run(f.port)
    check("a quota is honoured and told", code == 1 and "quota" in out, (code, out))
    code, out, mb, _ = p.run(f.port, "--ignore-quota")
    check("or not, when it is said so", code == 0 and len(p.bodies()) == 100, (code, out))
    f.stop()


def main():
    template = Template(binary())
    try:
        for scenario in (greetings, certificates, for_people, odd_names, never_ending, drops, bad_folder, by_turns, refusals, told_of_some, odd_messages, old_servers, labels, five_labels, killed, several, unnoted, pop3, odd_ids, quota):
            attempt(scenario.__name__, scenario, template)
    finally:
        template.remove()
    finish()


main()
