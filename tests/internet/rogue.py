"""A host with many addresses, at each a mail server that misbehaves in a way of its own: so many times, then it is good.

It knows exactly what it said: `accepted` holds what it answered 250 for, `uncertain` what it had whole without an answer getting out.
"""
import select
import smtplib
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

from peers import Peer
from world import NET, PATIENCE, run

STAGES = ("accept", "greeting", "ehlo", "starttls", "mail", "rcpt", "data", "body", "dot", "quit")


class Gone(Exception):
    """The connection ends here."""


# ---- what may happen at a stage; `line` is what a good server would say; true when that was said ----

def close(c, line):
    raise Gone


def reset(c, line):
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Gone


def half(c, line):
    c.send(line[:len(line) // 2] if line else b"2")
    raise Gone


def say(text, then_close=False):
    def act(c, line):
        c.send(text)
        if then_close or text.startswith(b"421"):
            raise Gone
    return act


def slow(seconds):
    def act(c, line):
        time.sleep(seconds)
        c.send(line)
        return True
    return act


def drip(c, line):
    for i in range(len(line)):
        c.send(line[i:i + 1])
        time.sleep(0.02)
    return True


def stall(c, line):
    """Neither reads nor says anything, until the other side is gone."""
    gone = select.poll()
    gone.register(c.sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    gone.poll(2000 * PATIENCE)
    raise Gone


def flood(code, lines):
    def act(c, line):
        for _ in range(lines // 1000):
            c.send((code + b"-" + b"x" * 70 + b"\r\n") * 1000)
        raise Gone
    return act


def answer_then(act):
    """The reply goes out whole, then something happens."""
    def both(c, line):
        c.send(line)
        act(c, line)
    return both


@dataclass
class Server:
    """One address. faults: stage -> act, so many `times`, and then it is good; extensions: what EHLO offers."""
    name: str
    faults: dict = field(default_factory=dict)
    times: int = 1
    extensions: tuple = ("8BITMIME", "ENHANCEDSTATUSCODES")
    identity: tuple = None              # (certificate, key): offers STARTTLS
    rcpt: dict = field(default_factory=dict)       # local part -> replies, one each time, then 250
    address: str = ""
    connections: int = 0
    fired: int = 0
    accepted: list = field(default_factory=list)   # (sender line, recipients, message, over TLS)
    uncertain: list = field(default_factory=list)
    commands: list = field(default_factory=list)
    helo: list = field(default_factory=list)


class Conversation:
    def __init__(self, server, sock):
        self.server, self.sock, self.left, self.tls = server, sock, b"", False
        server.connections += 1

    @property
    def faults(self):
        return self.server.faults if self.server.fired < self.server.times else {}

    def send(self, data):
        self.sock.sendall(data)

    def step(self, stage, line):
        """True when the reply that was due went out."""
        act = self.faults.get(stage)
        if act is None:
            self.send(line)
            return True
        self.server.fired += 1
        return act(self, line)

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        self.left += data

    def line(self):
        while b"\n" not in self.left:
            self.more()
        line, _, self.left = self.left.partition(b"\n")
        return line.rstrip(b"\r").decode(errors="surrogateescape")

    def octets(self, n):
        while len(self.left) < n:
            self.more()
        data, self.left = self.left[:n], self.left[n:]
        return data

    def dotted(self):
        """What follows DATA, unstuffed; a fault of stage `body` strikes in the middle."""
        if "body" in self.faults:
            self.octets(1000)
            self.step("body", b"")
        while not (self.left.startswith(b".\r\n") or b"\r\n.\r\n" in self.left):
            self.more()
        data, _, self.left = (b"\r\n" + self.left).partition(b"\r\n.\r\n")
        return (data + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]

    def offer(self):
        words = list(self.server.extensions) + (["STARTTLS"] if self.server.identity and not self.tls else [])
        names = [self.server.name, *words]
        return b"".join(f"250{'-' if i + 1 < len(names) else ' '}{w}\r\n".encode() for i, w in enumerate(names))

    def start_tls(self):
        if not self.step("starttls", b"220 2.0.0 go ahead\r\n"):
            return
        if "tls" in self.faults:
            self.step("tls", b"")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server.identity)
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.tls, self.left = True, b""

    def talk(self):
        if "accept" in self.faults:
            self.step("accept", b"")
        self.step("greeting", f"220 {self.server.name} ESMTP\r\n".encode())
        mail, recipients = "", []
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper()
            self.server.commands.append(line)
            if verb == "EHLO":
                self.step("ehlo", self.offer())
            elif verb == "HELO":
                self.server.helo.append(line)
                self.send(b"250 hello\r\n")
            elif verb == "STARTTLS":
                self.start_tls()
            elif verb == "MAIL":
                mail, recipients = line, []
                self.step("mail", b"250 2.1.0 ok\r\n")
            elif verb == "RCPT":
                self.recipient(line, recipients)
            elif verb == "DATA":
                if self.step("data", b"354 go ahead\r\n"):
                    self.take(mail, recipients, self.dotted())
            elif verb == "BDAT":
                self.chunk(line, mail, recipients)
            elif verb == "QUIT":
                self.step("quit", b"221 2.0.0 bye\r\n")
                return
            else:
                self.send(b"250 2.0.0 ok\r\n")

    def recipient(self, line, recipients):
        local = line.partition("<")[2].partition("@")[0]
        replies = self.server.rcpt.get(local)
        if replies:
            self.send(replies.pop(0))
        elif self.step("rcpt", b"250 2.1.5 ok\r\n"):
            recipients.append(line.partition("<")[2].partition(">")[0])

    def chunk(self, line, mail, recipients):
        words = line.split()
        self.chunks = getattr(self, "chunks", b"") + self.octets(int(words[1]))
        if words[-1].upper() == "LAST":
            data, self.chunks = self.chunks, b""
            self.take(mail, recipients, data)
        else:
            self.send(b"250 2.0.0 ok\r\n")

    def take(self, mail, recipients, data):
        entry = (mail, list(recipients), data, self.tls)
        act = self.faults.get("dot")
        if act is None or getattr(act, "delivers", False):
            self.server.accepted.append(entry)
        else:
            self.server.uncertain.append(entry)
        self.step("dot", b"250 2.0.0 taken\r\n")


def delivers(act):
    """Marks what happens after the final dot as one where 250 gets out."""
    act.delivers = True
    return act


class Rogue(Peer):
    """servers: to be filled before start; each gets an address, and the domain NAME.rogue.example with it as mail exchanger."""

    def __init__(self, world, name="rogue", number=40):
        super().__init__(world, name, number)
        self.servers = {}

    def add(self, name, faults=None, first=100, **kw):
        s = Server(f"mx-{name}.{self.domain}", faults or {}, **kw)
        s.address = f"{NET}{first + len(self.servers)}"
        self.servers[name] = s
        return s

    def zone(self):
        return super().zone() + "".join(f"{n} MX 10 mx-{n}\nmx-{n} A {s.address}\n" for n, s in self.servers.items())

    def domain_of(self, name):
        return f"{name}.{self.domain}"

    def deliver(self, address, sender, recipients, data, **kw):
        """As a client: straight to a server."""
        def go():
            with smtplib.SMTP(address, 25, local_hostname=self.domain, timeout=PATIENCE) as s:
                return s.sendmail(sender, recipients, data, **kw)
        return self.world.inside(self.name, go)

    def start(self):
        device = f"i{self.address.rsplit('.', 1)[1]}"
        for s in self.servers.values():
            run("ip", "-n", self.world.hosts[self.name][0], "addr", "add", s.address + "/24", "dev", device)
            listener = self.world.inside(self.name, lambda s=s: socket.create_server((s.address, 25), backlog=100))
            self.world.stops.append(listener.close)
            threading.Thread(target=self.serve, args=(s, listener), daemon=True).start()
        return self

    @staticmethod
    def serve(server, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=Rogue.converse, args=(server, sock), daemon=True).start()

    @staticmethod
    def converse(server, sock):
        sock.settimeout(2 * PATIENCE)
        c = Conversation(server, sock)
        try:
            c.talk()
        except (Gone, OSError):
            pass
        finally:
            c.sock.close()
