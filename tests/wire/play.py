"""Plays one transcript one way."""
import contextlib
import imaplib
import json
import select
import shlex
import smtplib
import ssl
import time
import zlib

import transcript as T
from server import DOMAIN, PATIENCE, USERS, Failed, sample, until

BYTES_MAX = 4096              # octets of one piece that are sent one at a time; the rest of it follows at once


class Connection:
    def __init__(self, server, proto):
        self.sock = server.connect(proto)
        self.pending = b""
        self.deflate = self.inflate = None
        if proto.endswith("s"):
            self.begin_tls()

    def begin_tls(self):
        self.sock = ssl._create_unverified_context().wrap_socket(self.sock)

    def begin_compress(self):
        """From here on both directions are raw DEFLATE (RFC 4978)."""
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflate = zlib.decompressobj(-15)
        self.pending = self.inflate.decompress(self.pending)

    def end_compress(self):
        if self.pending:
            raise Failed(f"unexpected {self.pending!r}")
        self.deflate = self.inflate = None

    def send(self, data, one_by_one):
        """Sends, reading meanwhile, so that neither side can block the other for ever."""
        if self.deflate:
            data = self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        head = data[:BYTES_MAX] if one_by_one else b""
        for i in range(len(head)):
            self.sock.sendall(head[i:i + 1])
        rest = data[len(head):]
        if len(rest) < 65536:
            self.sock.sendall(rest)
            return
        for at in range(0, len(rest), 16384):
            self.sock.sendall(rest[at:at + 16384])
            if select.select([self.sock], [], [], 0)[0]:
                with contextlib.suppress(TimeoutError):       # TLS: half a record, or a ticket and no more
                    self.read_more(0.01)

    def read_more(self, seconds):
        """True when bytes came, False at the end of the stream; socket.timeout otherwise."""
        self.sock.settimeout(seconds)
        try:
            got = self.sock.recv(65536)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            got = b""
        except (ConnectionResetError, ssl.SSLError, BrokenPipeError):
            got = b""
        finally:
            self.sock.settimeout(PATIENCE)
        try:
            self.pending += self.inflate.decompress(got) if self.inflate else got
        except zlib.error as e:
            raise Failed(f"not compressed: {e}: {got!r}") from None
        return bool(got)

    def line(self, seconds):
        while b"\r\n" not in self.pending:
            try:
                if not self.read_more(seconds):
                    raise Failed("connection closed" + (f" after {self.pending!r}" if self.pending else ""))
            except TimeoutError:
                raise Failed(f"nothing came for {seconds} s" + (f" after {self.pending!r}" if self.pending else "")) from None
        got, _, self.pending = self.pending.partition(b"\r\n")
        return got

    def quiet(self, seconds):
        try:
            if not self.pending and not self.read_more(seconds):
                raise Failed("connection closed")
        except TimeoutError:
            return
        raise Failed(f"unexpected {self.pending!r}")

    def ends(self):
        try:
            while not self.pending and self.read_more(PATIENCE):
                pass
        except TimeoutError:
            raise Failed("the connection was not closed") from None
        if self.pending:
            raise Failed(f"unexpected {self.pending!r}")

    def close(self):
        self.sock.close()


class Player:
    def __init__(self, t, way, server, verbose):
        self.t, self.way, self.server, self.verbose = t, way, server, verbose
        self.known, self.conns, self.protos = {}, {}, {}
        self.step = None

    def conn(self, number):
        if number not in self.conns:
            self.conns[number] = Connection(self.server, self.protos.get(number, self.t.proto))
        return self.conns[number]

    def run(self):
        steps, i = self.t.steps, 0
        while i < len(steps):
            batch = self.batch(steps, i)
            if self.way == "all":
                data = b"".join(T.to_send(s, self.known) for s in batch if s.kind == "send")
                if data:
                    self.show("C", data)
                    self.step = batch[0]
                    self.conn(batch[0].conn).send(data, False)
            self.play(batch)
            i += len(batch)
        for c in self.conns.values():
            c.close()

    def batch(self, steps, i):
        """Steps that stand together: up to a directive, another connection, or a name that is not known yet."""
        if steps[i].kind == "directive":
            return [steps[i]]
        end, captures = i, False
        while end < len(steps) and steps[end].kind != "directive" and steps[end].conn == steps[i].conn:
            if end > i and steps[end].kind == "send" and captures and T.unknown(steps[end].text, self.known):
                break
            captures = captures or b":=" in steps[end].text
            end += 1
        return steps[i:end]

    def play(self, batch):
        at = 0
        while at < len(batch):
            self.step = s = batch[at]
            if s.kind == "directive":
                self.directive(s)
            elif s.kind == "expect":
                group = [s]
                while s.how == "*" and at + 1 < len(batch) and batch[at + 1].how == "*" and batch[at + 1].kind == "expect":
                    at += 1
                    group.append(batch[at])
                self.expect(group, batch[at + 1:])
            elif self.way != "all":
                data = T.to_send(s, self.known)
                self.show("C", data)
                self.conn(s.conn).send(data, self.way == "bytes")
            at += 1

    def expect(self, group, following):
        if group[0].how == "?":
            self.expect_any(group[0], following)
            return
        left = list(group)
        while left:
            self.step = left[0]
            got = self.conn(left[0].conn).line(PATIENCE)
            self.show("S", got)
            for s in left:
                if m := T.to_expect(s, self.known).fullmatch(got):
                    self.known.update({k.encode(): v for k, v in m.groupdict().items()})
                    left.remove(s)
                    break
            else:
                wanted = " or ".join(f"{s.text.decode()!r}" for s in left)
                raise Failed(f"got      {got.decode(errors='backslashreplace')!r}\n    expected {wanted}")

    def expect_any(self, s, following):
        """Lines like this, until the next expected line comes."""
        after = next((f for f in following if f.kind == "expect" and f.how != "?"), None)
        if after is None:
            raise Failed("S?: needs an S: line behind it")
        c = self.conn(s.conn)
        while True:
            got = c.line(PATIENCE)
            if T.to_expect(after, self.known).fullmatch(got) or not T.to_expect(s, self.known).fullmatch(got):
                c.pending = got + b"\r\n" + c.pending
                return
            self.show("S", got)

    def directive(self, s):
        word, *args = s.words
        fn = getattr(self, "do_" + word, None)
        if not fn:
            raise T.Bad(f"unknown directive %{word}")
        fn(s, *args)

    def do_barrier(self, s):
        pass

    def do_append(self, s, user, mailbox, name, *rest):
        c = imaplib.IMAP4("127.0.0.1", self.server.port["imap"], timeout=PATIENCE)
        c.login(f"{user}@{DOMAIN}", USERS[user])
        c.create(mailbox)
        text = s.text.decode()
        flags = text[text.index("("):text.index(")") + 1] if "(" in text else None
        date = text[text.index('"'):] if '"' in text else None
        status, data = c.append(mailbox, flags, date, sample(name))
        c.logout()
        if status != "OK":
            raise Failed(f"APPEND: {data}")

    def do_deliver(self, s, user, name):
        with smtplib.SMTP("127.0.0.1", self.server.port["smtp"], local_hostname="client.example.net", timeout=PATIENCE) as c:
            c.sendmail("sender@example.net", [f"{user}@{DOMAIN}"], sample(name))

    def do_cli(self, s, *words):
        text, _, stdin = s.text.decode().partition(" <<< ")
        self.server.cli(shlex.split(text), stdin + "\n" if stdin else "")

    def do_connect(self, s, number, proto):
        self.protos[int(number)] = proto
        self.conn(int(number))

    def do_tls(self, s, number=1):
        self.conn(int(number)).begin_tls()

    def do_compress(self, s, number=1):
        self.conn(int(number)).begin_compress()

    def do_uncompress(self, s, number=1):
        self.conn(int(number)).end_compress()

    def do_closed(self, s, number=1):
        self.conn(int(number)).ends()

    def do_close(self, s, number=1):
        self.conns.pop(int(number)).close()

    def do_noticed(self, s):
        """Until the server has noticed which connections were closed here."""
        def sessions():
            return sum(x["proto"] != "watch" for x in json.loads(self.server.cli(["top", "--json"], ""))["sessions"])
        if not until(lambda: sessions() <= len(self.conns)):
            raise Failed("the server holds on to a connection that was closed")

    def do_silence(self, s, ms, number=1):
        self.conn(int(number)).quiet(int(ms) / 1000)

    def do_wait(self, s, ms):
        time.sleep(int(ms) / 1000)

    def do_kill(self, s):
        self.server.kill()
        for c in self.conns.values():
            c.close()
        self.conns.clear()
        self.server.start()

    def show(self, who, data):
        if self.verbose:
            print(f"    {who}: {data[:300].decode(errors='backslashreplace')!r}", flush=True)
