"""Servers that lie, drop, throttle, send garbage or never end, for import_rogue.py and import_lies.py, and a Troika that imports from them."""
import os
import re
import ssl
import subprocess
import threading
import time

from common import Listener, Server, address, binary, check, imap


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

    def run(self, port, *args, user="bob", scheme="imap", login="joe", insecure=True, seconds=360, faults=""):
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
