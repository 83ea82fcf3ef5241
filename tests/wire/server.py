"""A Troika of its own for each transcript: a prepared data directory, copied, and `troika serve` on free loopback ports."""
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

DOMAIN = "example.org"
USERS = {"alice": "wonderland", "bob": "correct horse battery", "carol": "shropshire-lad"}
PROTOS = ("submission", "submissions", "lmtp", "pop3", "pop3s", "imap", "imaps", "smtp")      # bound in this order
PATIENCE = 180                         # seconds until what does not come is taken for lost: a busy machine must not come near it
RELOADED = re.compile(r"^\S+ \w+ (reload\S*)", re.M)                # an event of the log
SERVES = re.compile(r"\bserve\b.*\bversion\b")        # what the log says when all listeners are there and the sandbox is closed, in text and in JSON
TEMPORARY = 75                         # the exit status that says: try again (sysexits.h)


class Failed(Exception):
    pass


class Template:
    """The directory every server starts from: hashing passwords takes time, so it is done once."""

    def __init__(self, binary):
        self.binary = str(Path(binary).resolve())
        self.root = Path(tempfile.mkdtemp(prefix="troika-wire-"))
        self.data = self.root / "template"
        self.cli("init", "-d", self.data, "--domain", DOMAIN)
        for user, password in USERS.items():
            self.cli("user", "add", f"{user}@{DOMAIN}", "-d", self.data, "--password-file", "-", stdin=password + "\n")

    def cli(self, *args, stdin=""):
        r = subprocess.run([self.binary, *map(str, args)], input=stdin.encode(), capture_output=True, timeout=PATIENCE)
        if r.returncode:
            raise Failed(f"troika {' '.join(map(str, args))}: status {r.returncode}: {r.stderr.decode(errors='replace')[-600:]}")
        return r.stdout

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


class Server:
    def __init__(self, template, config, extra=()):
        """extra: more listeners, as PROTO, PORT, PROTO, PORT ..."""
        self.template = template
        self.extra = [a for proto, port in zip(extra[::2], extra[1::2]) for a in ("--listen", f"{proto}=127.0.0.1:{port}")]
        self.dir = Path(tempfile.mkdtemp(dir=template.root))
        self.data = self.dir / "data"
        # cp keeps the holes of sparse index files.
        subprocess.run(["cp", "-a", "--sparse=always", template.data, self.data], check=True)
        (self.dir / "troika.conf").write_text("\n".join(config or ["auth { allow_plain_without_tls = true }"]) + "\n")
        self.log = self.dir / "log"
        self.proc = None
        self.start()

    def start(self):
        """On free ports; others, when somebody took one between the look and the bind."""
        for attempt in range(5):
            self.port = dict(zip(PROTOS, free_ports(len(PROTOS))))
            listen = [a for p, n in self.port.items() for a in ("--listen", f"{p}=127.0.0.1:{n}")]
            begin = self.log.stat().st_size if self.log.exists() else 0
            with open(self.log, "ab") as log:
                self.proc = subprocess.Popen([self.template.binary, "serve", "-d", str(self.data), "--config",
                                              str(self.dir / "troika.conf"), *listen, *self.extra], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            if self.is_up(begin):
                return
            if self.proc.poll() != TEMPORARY:
                break
        raise Failed(f"the server did not come up (status {self.proc.poll()}); its log ends:\n{self.log_tail(8)}")

    def is_up(self, begin=0):
        """Does it serve? It says so in the log, from that octet on. A port that answers is no proof: it may be another server's, and this one about to end."""
        end = time.monotonic() + PATIENCE
        while not SERVES.search(self.log.read_bytes()[begin:].decode(errors="replace")):
            if self.proc.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def connect(self, proto):
        s = socket.create_connection(("127.0.0.1", self.port[proto]), PATIENCE)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def cli(self, words, stdin):
        return self.template.cli(*words, "-d", self.data, stdin=stdin)

    def told(self):
        return self.log.read_text(errors="replace")

    def reload(self):
        """SIGHUP, and what the log says of it when it is done."""
        before = len(RELOADED.findall(self.told()))
        self.proc.send_signal(signal.SIGHUP)
        said = until(lambda: RELOADED.findall(self.told())[before:])
        if not said:
            raise Failed("nothing was said of the reload")
        return said[0]

    def kill(self):
        self.proc.send_signal(signal.SIGKILL)
        self.proc.wait()

    def stop(self):
        """Ends the server; raises Failed when it does not end as it should."""
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
        try:
            status = self.proc.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"the server did not end within {PATIENCE} s of SIGTERM") from None
        if status:
            raise Failed(f"the server ended with status {status}")

    def log_tail(self, lines=30):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def remove(self):
        if self.proc and self.proc.poll() is None:
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


given = set()                          # ports that were handed out, perhaps to a server that has not bound them yet
given_lock = threading.Lock()


def fresh_port(end):
    with given_lock:
        if len(given) > (end - 10240) // 2:
            given.clear()
        port = random.SystemRandom().choice([p for p in range(10240, end) if p not in given])
        given.add(port)
        return port


def free_ports(n):
    """Ports that nobody has, below those from which the kernel serves outgoing connections: none of these takes one before it is bound. Nor does another server of this script."""
    end = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    held = []
    try:
        while len(held) < n:
            s = socket.socket()
            held.append(s)
            try:
                s.bind(("127.0.0.1", fresh_port(end) if end > 12000 else 0))
            except OSError:
                held.pop().close()
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def until(fn, seconds=PATIENCE):
    """What fn says as soon as that is true, else its last word."""
    end = time.monotonic() + seconds
    while True:
        value = fn()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.05)


def sample(name):
    """A sample message with CRLF line ends."""
    path = Path(__file__).parent / "samples" / f"{name}.eml"
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
