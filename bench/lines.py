"""The lines of the table: what is done to a server, and what is read off.

A line is measured by a function of (bench, server) that returns a Sample. Rates are better when high; times and sizes
when low; the ratio in the table always says how many times Troika is ahead."""

import contextlib
import dataclasses
import re
import select
import subprocess
import time
from pathlib import Path

from mails import BODY_WORD, SUBJECT_WORD
from servers import DOMAIN, PASSWORD

BIG = "big"                                     # has the big mailbox
SPREAD = [f"box{i}" for i in range(20)]         # get the deliveries
IDLE_USERS = 100
COMMAND_TIMEOUT = 180               # seconds
SUMMARY = "(ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)"


@dataclasses.dataclass
class Sample:
    value: float
    cpu: float = 0.0                # seconds of the server's processes
    client: float = 0.0             # share of the time in which the load generator itself was computing
    extra: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Line:
    name: str
    what: str
    unit: str
    aim: float
    measure: object
    repeat: int = 5
    warm: bool = True               # one unmeasured round first

    @property
    def high_is_good(self):
        return self.unit.endswith("/s")

    def ratio(self, troika, peer):
        return troika / peer if self.high_is_good else peer / troika


@dataclasses.dataclass
class Reply:
    seconds: float
    octets: int
    lines: int
    client: float                   # seconds of CPU of the load generator
    first: str                      # the first line


class Session:
    """One logged-in IMAP or POP3 connection of mailload."""

    def __init__(self, bench, server, proto, user):
        self.server = server
        self.process = subprocess.Popen(
            [bench.mailload, "session", proto, str(server.port[proto]), f"{user}@{DOMAIN}", PASSWORD],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, errors="replace")
        self.read("login")

    def read(self, command):
        if not select.select([self.process.stdout], [], [], COMMAND_TIMEOUT)[0]:
            self.process.kill()
            raise RuntimeError(f"no answer to {command} in {COMMAND_TIMEOUT} s")
        line = self.process.stdout.readline()
        if not line or line.startswith("NO"):
            raise RuntimeError(f"{command} failed: {line.strip()}")
        return line

    def send(self, command):
        self.process.stdin.write(command + "\n")
        _, seconds, octets, lines, client, first = self.read(command).rstrip("\n").split(" ", 5)
        return Reply(float(seconds), int(octets), int(lines), float(client), first)

    def sample(self, *commands):
        """The commands one after the other, their times added up, in milliseconds."""
        cpu = self.server.cpu()
        replies = [self.send(command) for command in commands]
        seconds = sum(r.seconds for r in replies)
        return Sample(seconds * 1000, self.server.cpu() - cpu, sum(r.client for r in replies) / seconds,
                      {"octets": sum(r.octets for r in replies)})

    def close(self):
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def messages_in(session, mailbox):
    return int(re.search(r"MESSAGES (\d+)", session.send(f"STATUS {mailbox} (MESSAGES)").first).group(1))


# ---- deliveries ----

def send_all(server, proto, sessions, users, messages, domain=DOMAIN, octets=4096):
    """smtp-source, one process for each mailbox, all at once."""
    senders = [subprocess.Popen(
        ["smtp-source", *(["-L"] if proto == "lmtp" else []), "-s", str(sessions // len(users)), "-l", str(octets), "-m", str(messages // len(users)),
         "-f", "sender@sender.test", "-t", f"{user}@{domain}", f"127.0.0.1:{server.port[proto]}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for user in users]
    faults = b""
    for sender in senders:
        try:
            faults += sender.communicate(timeout=COMMAND_TIMEOUT)[1]
        except subprocess.TimeoutExpired:
            sender.kill()
            faults += sender.communicate()[1] + b"took too long"
    if faults or any(s.returncode for s in senders):
        raise RuntimeError(f"smtp-source: {faults.decode(errors='replace')[-300:]}")


def deliver(proto, sessions, users, messages):
    """From the first connection until the last message can be seen in its mailbox."""
    def measure(bench, server):
        n = max(len(users), bench.shrunk(messages) // len(users) * len(users))
        with contextlib.ExitStack() as stack:
            watchers = [stack.enter_context(Session(bench, server, "imap", user)) for user in users]

            def there():
                return sum(messages_in(w, "INBOX") for w in watchers)

            before, cpu, begin = there(), server.cpu(), time.monotonic()
            send_all(server, proto, sessions, users, n)
            accepted = time.monotonic() - begin
            while (arrived := there() - before) < n:
                if time.monotonic() - begin > COMMAND_TIMEOUT:
                    raise RuntimeError(f"only {arrived} of {n} messages arrived")
                time.sleep(0.02)
            seconds = time.monotonic() - begin
            time.sleep(0.3)                     # Postfix removes its queue files
        used = server.cpu() - cpu
        return Sample(n / seconds, used / n, 0, {"accepted": n / accepted})
    return measure


# ---- the queue ----

def accept(sessions, messages, octets):
    """Into the queue, for a domain whose server is down: the rate of the 250s."""
    def measure(bench, server):
        n = max(sessions, bench.shrunk(messages))
        cpu, begin = server.cpu(), time.monotonic()
        send_all(server, "smtp", sessions, ["user"], n, "down.test", octets)
        seconds, used = time.monotonic() - begin, server.cpu() - cpu
        server.empty_queue()
        return Sample(n / seconds, used / n)
    return measure


class Sink:
    """Postfix's smtp-sink: takes everything and counts."""

    def __init__(self, port):
        self.count = 0
        self.process = subprocess.Popen(["smtp-sink", "-u", "postfix", "-c", f"127.0.0.1:{port}", "1000"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(0.3)

    def wait(self, n):
        tail = b""
        end = time.monotonic() + COMMAND_TIMEOUT
        while self.count < n:
            if not select.select([self.process.stdout], [], [], 5)[0] and time.monotonic() > end:
                raise RuntimeError(f"only {self.count} of {n} messages arrived")
            tail = (tail + self.process.stdout.read1(65536))[-4096:]
            self.count = max([self.count, *(int(x) for x in re.findall(rb"mesg=(\d+)", tail))])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def relay(sessions, messages, octets):
    """In and out again: from the first connection until the last message is in the sink."""
    def measure(bench, server):
        n = max(sessions, bench.shrunk(messages))
        with Sink(server.port["sink"]) as sink:
            cpu, begin = server.cpu(), time.monotonic()
            send_all(server, "smtp", sessions, ["user"], n, "relay.test", octets)
            accepted = time.monotonic() - begin
            sink.wait(n)
            seconds = time.monotonic() - begin
            time.sleep(0.3)
            return Sample(n / seconds, (server.cpu() - cpu) / n, 0, {"accepted": n / accepted})
    return measure


# ---- logins ----

def logins(proto, user, connections):
    def measure(bench, server):
        cpu = server.cpu()
        r = subprocess.run([bench.mailload, "logins", proto, str(server.port[proto]), f"{user}@{DOMAIN}", PASSWORD,
                            str(connections), "0.7" if bench.quick else "2"], capture_output=True, text=True, timeout=COMMAND_TIMEOUT)
        if r.returncode:
            raise RuntimeError(r.stderr[-300:])
        done, seconds, client = (float(x) for x in r.stdout.split())
        return Sample(done / seconds, (server.cpu() - cpu) / done, client / seconds)
    return measure


# ---- the big mailbox ----

def selected(*commands, undo=()):
    """The commands on a connection that has the big mailbox open; undo makes ready for the next round."""
    def measure(bench, server):
        session = bench.big_session(server)
        sample = session.sample(*commands)
        for command in undo:
            session.send(command)
        return sample
    return measure


def select_fresh(bench, server):
    with Session(bench, server, "imap", BIG) as session:
        return session.sample("SELECT INBOX")


def with_capability(name, measure):
    """A line for servers that have the extension."""
    def asked(bench, server):
        if name not in bench.big_session(server).send("CAPABILITY").first.split():
            raise RuntimeError(f"it does not have {name}")
        return measure(bench, server)
    return asked


def cold(command, forget=False):
    """The command alone, on a server just started that must read everything from the disk. Forget: nobody has asked it
    about these messages before."""
    def measure(bench, server):
        bench.close_sessions()
        server.stop()
        if forget:
            server.forget()
        subprocess.run(["sync"], check=True, timeout=COMMAND_TIMEOUT)
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
        server.start()
        return bench.big_session(server).sample(command)
    return measure


def some(bench):
    """How many messages COPY, MOVE and EXPUNGE take: a tenth of the mailbox, 10,000 of 100,000."""
    return bench.messages // 10


def empty_copies(session, bench):
    """EXPUNGE of what COPY made; the sample of the EXPUNGE alone."""
    for command in ("SELECT Copies", "STORE 1:* +FLAGS.SILENT (\\Deleted)"):
        session.send(command)
    sample = session.sample("EXPUNGE")
    session.send("SELECT INBOX")
    return sample


def copy(bench, server):
    session = bench.big_session(server)
    sample = session.sample(f"COPY 1:{some(bench)} Copies")
    empty_copies(session, bench)
    return sample


def move(bench, server):
    session = bench.big_session(server)
    sample = session.sample(f"MOVE 1:{some(bench)} Copies")
    for command in ("SELECT Copies", "MOVE 1:* INBOX", "SELECT INBOX"):
        session.send(command)
    return sample


def expunge(bench, server):
    session = bench.big_session(server)
    session.send(f"COPY 1:{some(bench)} Copies")
    return empty_copies(session, bench)


# ---- POP3 ----

def pop3_list(bench, server):
    """With the login, which is where a server opens the maildrop."""
    cpu, begin = server.cpu(), time.monotonic()
    with Session(bench, server, "pop3", BIG) as session:
        entered = time.monotonic() - begin
        sample = session.sample("STAT", "UIDL", "LIST")
        sample.value += entered * 1000
        sample.cpu = server.cpu() - cpu
        session.send("QUIT")
    return sample


def pop3_retr(bench, server):
    with Session(bench, server, "pop3", BIG) as session:
        sample = session.sample(*(f"RETR {i}" for i in range(1, bench.shrunk(2000) + 1)))
        session.send("QUIT")
    return sample


# ---- memory ----

def idle(proto, connections, *more):
    """PSS of all processes of the server: what N connections add, for each. More: what they do after SELECT."""
    def measure(bench, server):
        n = bench.shrunk(connections)
        server.stop()                           # or memory that earlier lines gave back would be used again
        server.start()
        subprocess.run([bench.mailload, "idle", proto, str(server.port[proto]), f"idle%@{DOMAIN}", PASSWORD,
                        str(IDLE_USERS), str(IDLE_USERS), "SELECT INBOX", *more], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, check=True, timeout=COMMAND_TIMEOUT)
        time.sleep(0.5)
        before, begin = server.pss(), time.monotonic()
        holder = subprocess.Popen([bench.mailload, "idle", proto, str(server.port[proto]), f"idle%@{DOMAIN}", PASSWORD,
                                   str(n), str(IDLE_USERS), "SELECT INBOX", *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            if not select.select([holder.stdout], [], [], COMMAND_TIMEOUT)[0] or holder.stdout.readline() != b"ready\n":
                raise RuntimeError(f"{n} connections did not get in")
            opened = time.monotonic() - begin
            time.sleep(1)
            return Sample((server.pss() - before) / n, 0, 0, {"opened": n / opened, "connections": n})
        finally:
            holder.stdin.close()
            try:
                holder.wait(60)
            except subprocess.TimeoutExpired:
                holder.kill()
                holder.wait()
            holder.stdout.close()
    return measure


LINES = [
    Line("deliver-1", "durable deliveries, 1 session, 1 mailbox", "msg/s", 5, deliver("smtp", 1, SPREAD[:1], 1000), 3, False),
    Line("deliver-20", "durable deliveries, 20 sessions, 1 mailbox", "msg/s", 5, deliver("smtp", 20, SPREAD[:1], 2000), 3, False),
    Line("deliver-100", "durable deliveries, 100 sessions, 1 mailbox", "msg/s", 5, deliver("smtp", 100, SPREAD[:1], 3000), 3, False),
    Line("deliver-100x20", "durable deliveries, 100 sessions, 20 mailboxes", "msg/s", 5, deliver("smtp", 100, SPREAD, 3000), 3, False),
    Line("deliver-lmtp", "20 sessions of LMTP, 1 mailbox: Dovecot without Postfix", "msg/s", 3, deliver("lmtp", 20, SPREAD[:1], 2000), 3, False),
    *(Line(f"accept-{s}", f"into the queue, {s} sessions, 4 KB", "msg/s", 10, accept(s, n, 4096), 3, False) for s, n in ((1, 500), (20, 2000), (100, 3000), (200, 4000))),
    Line("accept-100k", "into the queue, 20 sessions, 100 KB", "msg/s", 10, accept(20, 600, 100_000), 3, False),
    *(Line(f"relay-{s}", f"in and out to a sink, {s} sessions, 4 KB", "msg/s", 10, relay(s, n, 4096), 3, False) for s, n in ((1, 500), (20, 2000), (100, 3000), (200, 4000))),
    Line("relay-100k", "in and out to a sink, 20 sessions, 100 KB", "msg/s", 10, relay(20, 600, 100_000), 3, False),
    Line("login-1", "IMAP login and logout, 1 connection", "login/s", 3, logins("imap", BIG, 1), 3, False),
    Line("login-8", "IMAP login and logout, 8 connections", "login/s", 3, logins("imap", BIG, 8), 3, False),
    Line("login-64", "IMAP login and logout, 64 connections", "login/s", 3, logins("imap", BIG, 64), 3, False),
    Line("login-tls-1", "the same over TLS, 1 connection", "login/s", 3, logins("imaps", BIG, 1), 3, False),
    Line("login-tls-8", "the same over TLS, 8 connections", "login/s", 3, logins("imaps", BIG, 8), 3, False),
    Line("login-tls-64", "the same over TLS, 64 connections", "login/s", 3, logins("imaps", BIG, 64), 3, False),
    Line("login-hash-8", "as login-8, password hashes as each makes them", "login/s", 3, logins("imap", "slow", 8), 3, False),
    Line("select", "SELECT on a new connection", "ms", 2, select_fresh, 11),
    Line("fetch-flags", "FETCH 1:* (UID FLAGS)", "ms", 2, selected("FETCH 1:* (UID FLAGS)")),
    Line("fetch-envelope", f"FETCH 1:* {SUMMARY}", "ms", 10, selected(f"FETCH 1:* {SUMMARY}")),
    Line("fetch-fields", "FETCH 1:* BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE MESSAGE-ID)]", "ms", 2,
         selected("FETCH 1:* BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE MESSAGE-ID)]")),
    Line("fetch-body", "FETCH 1:* BODY.PEEK[]", "ms", 3, selected("FETCH 1:* BODY.PEEK[]")),
    Line("store-all", "STORE 1:* +FLAGS (\\Flagged)", "ms", 2, selected("STORE 1:* +FLAGS (\\Flagged)", undo=["STORE 1:* -FLAGS.SILENT (\\Flagged)"])),
    Line("search-subject", f"SEARCH SUBJECT {SUBJECT_WORD}", "ms", 2, selected(f"SEARCH SUBJECT {SUBJECT_WORD}")),
    Line("search-body", f"SEARCH BODY {BODY_WORD}, a word", "ms", 100, selected(f"SEARCH BODY {BODY_WORD}"), 3),
    Line("sort-date", "SORT (DATE) UTF-8 ALL", "ms", 2, with_capability("SORT", selected("SORT (DATE) UTF-8 ALL"))),
    Line("thread-references", "THREAD REFERENCES UTF-8 ALL", "ms", 2,
         with_capability("THREAD=REFERENCES", selected("THREAD REFERENCES UTF-8 ALL"))),
    Line("copy-10k", "COPY of a tenth of the mailbox", "ms", 5, copy, 3),
    Line("move-10k", "MOVE of as many", "ms", 5, move, 3),
    Line("expunge-10k", "EXPUNGE of as many", "ms", 2, expunge, 3),
    Line("fetch-envelope-cold", f"server and page cache cold: FETCH 1:* {SUMMARY}", "ms", 50, cold(f"FETCH 1:* {SUMMARY}"), 3, False),
    Line("fetch-envelope-first", "likewise, and Dovecot without what it cached of earlier commands", "ms", 50,
         cold(f"FETCH 1:* {SUMMARY}", forget=True), 2, False),
    Line("search-subject-cold", f"likewise: SEARCH SUBJECT {SUBJECT_WORD}", "ms", 2, cold(f"SEARCH SUBJECT {SUBJECT_WORD}"), 3, False),
    Line("pop3-list", "POP3 login, STAT, UIDL, LIST", "ms", 3, pop3_list),
    Line("pop3-retr", "POP3 RETR of 2,000 messages, one after the other", "ms", 3, pop3_retr),
    Line("idle", "memory of an idle IMAP connection, mailbox open", "KB", 3, idle("imap", 5000), 1, False),
    Line("idle-idle", "memory of a connection in IDLE, mailbox open", "KB", 3, idle("imap", 10000, "IDLE"), 1, False),
    Line("idle-tls", "the same over TLS", "KB", 3, idle("imaps", 1000), 1, False),
]
USERS = [BIG, "slow", *SPREAD, *(f"idle{i}" for i in range(IDLE_USERS))]
