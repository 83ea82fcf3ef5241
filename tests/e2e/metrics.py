#!/usr/bin/env python3
"""What is seen from outside: every kind of refusal moves its figure and is explained in the log; health; sessions; `troika top`, `troika status`.

    tests/e2e/metrics.py PATH/TO/troika
"""
import copy
import http.client
import json
import os
import re
import select
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager

from common import PATIENCE, ROOT, TLS, USERS, Server, Template, address, attempt, binary, check, count, finish, free_ports, imap, pop3, skip, smtp, until  # noqa: F401

import sys

sys.path.append("/usr/lib/python3/dist-packages")      # Debian's, when another Python comes first
try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
    from prometheus_client.parser import text_string_to_metric_families as parse_text
except ImportError:
    parse_text = parse_openmetrics = None

PLAIN = "auth { allow_plain_without_tls = true }"


# ---- asking ----

class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


def ask(server, path, headers=None):
    c = Local(server.data / "run" / "troika.sock")
    try:
        c.request("GET", path, headers=headers or {})
        r = c.getresponse()
        return r.status, r.getheader("Content-Type"), r.read().decode()
    finally:
        c.close()


def figure(server, name, **labels):
    """A figure by its name and labels, the sum of those that have at least these labels."""
    total = 0.0
    for line in ask(server, "/metrics")[2].splitlines():
        m = re.fullmatch(r"([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)", line)
        if m and m[1] == name:
            have = dict(re.findall(r'(\w+)="([^"]*)"', m[2] or ""))
            if all(have.get(k) == v for k, v in labels.items()):
                total += float(m[3])
    return total


@contextmanager
def running(template, *config, extra=()):
    s = Server(template, [PLAIN, *config], extra)
    try:
        until((s.data / "run" / "troika.sock").exists)
        yield s
        s.stop()
    finally:
        s.remove()


@contextmanager
def moves(server, what, name, by=1, log=None, **labels):
    """The figure grows by at least so much, and the log says why."""
    before, size = figure(server, name, **labels), len(server.told())
    yield
    grown = until(lambda: figure(server, name, **labels) >= before + by)
    check(f"{what}: counted", grown, f"{name}{labels}: {before} -> {figure(server, name, **labels)}")
    if log:
        check(f"{what}: explained", until(lambda: re.search(log, server.told()[size:])), f"no {log!r} in {server.log_tail(5)}")


def say(sock, text, wait=b"\n"):
    sock.sendall(text if isinstance(text, bytes) else text.encode())
    got = b""
    while wait not in got:
        piece = sock.recv(65536)
        if not piece:
            break
        got += piece
    return got


def speak(server, proto):
    s = server.connect(proto)
    s.settimeout(PATIENCE)
    say(s, b"")
    return s


def login(server, user="alice"):
    s = speak(server, "imap")
    say(s, f"a LOGIN {address(user)} {{{len(USERS[user])}+}}\r\n{USERS[user]}\r\n", b"a ")
    return s


# ---- the format ----

def test_format(template):
    with running(template) as s:
        status, kind, text = ask(s, "/metrics")
        check("text format", status == 200 and kind.startswith("text/plain; version=0.0.4"), (status, kind))
        ostatus, okind, otext = ask(s, "/metrics", {"Accept": "application/openmetrics-text; version=1.0.0,text/plain;q=0.5"})
        check("OpenMetrics on request", ostatus == 200 and okind.startswith("application/openmetrics-text; version=1.0.0") and otext.endswith("# EOF\n"), okind)
        if parse_text:
            families = list(parse_text(text))
            check("a Prometheus parser reads it", len(families) > 60, len(families))
            check("an OpenMetrics parser reads it", len(list(parse_openmetrics(otext))) == len(families), len(families))
        else:
            skip("parsers", "python3-prometheus-client is not installed")
        series = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
        check("no series twice", len(series) == len(set(series)), [x for x in series if series.count(x) > 1][:3])
        names = re.findall(r"^# TYPE (\S+)", text, re.M)
        check("no family twice", len(names) == len(set(names)), [n for n in names if names.count(n) > 1])
        page = ROOT / "doc" / "admin" / "monitoring.md"
        known = set(re.findall(r"`((?:troika|process)_\w+)`", page.read_text())) if page.exists() else set()
        check("every figure is in doc/admin/monitoring.md", set(names) <= known, sorted(set(names) - known))
        allocator = {n for n in known if n.startswith("troika_memory_")}       # there is another one under a sanitizer
        names += [n for n in allocator if n not in names] if "troika_memory_allocated_bytes" not in names else []
        check("and no others", known <= set(names), sorted(known - set(names)))
        boards = json.loads((ROOT / "packaging" / "grafana.json").read_text())["panels"]
        rules = (ROOT / "packaging" / "alerts.yml").read_text() + "\n".join(t["expr"] for p in boards for t in p["targets"])
        used = set(re.findall(r"\b((?:troika|process)_\w+?)(?:_bucket|_sum|_count)?\b", rules))
        check("alerts and dashboard use figures that are there", used <= set(names), sorted(used - set(names)))
        check("labels never hold a peer", "127.0.0.1" not in text and "example.org" not in text)
        check("what is not there is 404", ask(s, "/")[0] == 404 and ask(s, "/metricsx")[0] == 404)
        check("the socket is its owner's", (s.data / "run" / "troika.sock").stat().st_mode & 0o777 == 0o600)
        check("descriptors and memory are seen", figure(s, "process_open_fds") > 10 and figure(s, "process_resident_memory_bytes") > 1e6)


def test_port(template):
    port = free_ports(1)[0]
    with running(template, f'metrics {{ listen = "127.0.0.1:{port}" }}') as s:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        for path, wanted in (("/metrics", 200), ("/health", 200), ("/sessions", 200), ("/nothing", 404)):
            c.request("GET", path)
            r = c.getresponse()
            r.read()
            check(f"port: {path}", r.status == wanted, r.status)
        before = figure(s, "troika_http_requests_total", result="refused")
        c.request("POST", "/metrics", "x=1")
        check("port: no POST", c.getresponse().status in (405, 413))
        check("port: that is counted", until(lambda: figure(s, "troika_http_requests_total", result="refused") > before), before)


# ---- refusals ----

def smtp_session(server, *lines):
    s = speak(server, "smtp")
    replies = [say(s, line + "\r\n", b"\r\n").decode() for line in lines]
    s.close()
    return replies


def test_smtp(template):
    envelope = ("EHLO client.example.net", "MAIL FROM:<x@example.net>")
    with running(template, "limits { recipients = 100 message_size = 100000 }", "smtp { errors = 5 }") as s:
        cases = [
            ("unknown user", (*envelope, f"RCPT TO:<{address('nobody')}>"), "unknown user", r"smtp.rcpt-refused"),
            ("relay denied", (*envelope, "RCPT TO:<x@elsewhere.example>"), "relay denied", r"smtp.rcpt-refused"),
            ("size", (envelope[0], envelope[1] + " SIZE=200000"), "size", r"smtp.refused .*code=552"),
            ("too many recipients", (*envelope, *[f"RCPT TO:<{address('alice')}>"] * 101), "too many recipients", r"smtp.refused .*code=452"),
            ("syntax", ("FROBNICATE",), "syntax", r"smtp.refused .*code=500"),
            ("sequence", (envelope[0], "DATA"), "sequence", r"smtp.refused .*code=503"),
            ("bad address", (envelope[0], "MAIL FROM:<@@>"), "bad address", r"smtp.refused .*code=501"),
            ("too many errors", ("X",) * 7, "too many errors, messages or connections", r"smtp.too-many-errors"),
        ]
        for name, lines, why, log in cases:
            with moves(s, f"SMTP {name}", "troika_smtp_refused_total", log=log, why=why):
                smtp_session(s, *lines)
        with moves(s, "SMTP bare line end", "troika_smtp_refused_total", log=r"smtp.false-end", why="line ends"):
            smtp_session(s, *envelope, f"RCPT TO:<{address('alice')}>", "DATA", "Subject: x\r\n\r\nx\n.\n")
        with moves(s, "SMTP login needed", "troika_smtp_refused_total", log=r"smtp.refused .*code=530", why="login needed"):
            c = speak(s, "submission")
            say(c, "EHLO x.example\r\n")
            say(c, "MAIL FROM:<a@b.example>\r\n")
        with moves(s, "SMTP login failed", "troika_logins_total", log=r"smtp.login-failed", proto="smtp", result="wrong credentials"):
            say(c, "AUTH PLAIN AGFsaWNlQGV4YW1wbGUub3JnAHdyb25n\r\n")
            c.close()
        with moves(s, "SMTP messages", "troika_smtp_messages_total", log=r"smtp.accept", mode="mx"):
            with smtp(s) as c:
                c.sendmail("x@example.net", [address("alice")], "Subject: hello\r\n\r\nx\r\n")
        check("SMTP commands are timed", figure(s, "troika_smtp_command_seconds_count", command="(message)") >= 1
              and figure(s, "troika_smtp_command_seconds_count", command="RCPT") >= 100)


def test_guard(template):
    with running(template, 'guard { exempt = "192.0.2.0/24" greylist = true }', 'smtp { unchecked_from = "192.0.2.0/24" }') as s:
        with moves(s, "greylist", "troika_smtp_refused_total", log=r"guard.refused .*", why="guard"), moves(s, "greylist hit", "troika_guard_hits_total", why="greylist"):
            smtp_session(s, "EHLO client.example.net", "MAIL FROM:<x@example.net>", f"RCPT TO:<{address('alice')}>")


def test_milter(template):
    port = free_ports(1)[0]        # nobody listens there
    with running(template, f'milter {{ filters = {{ "inet:127.0.0.1:{port}" }} }}') as s:
        with moves(s, "milter", "troika_smtp_refused_total", log=r"milter.failed|smtp.gate-refused", why="milter"):
            smtp_session(s, "EHLO client.example.net", "MAIL FROM:<x@example.net>", f"RCPT TO:<{address('alice')}>", "DATA")


def test_imap(template):
    with running(template, "limits { connections_per_user = 2 message_size = 65536 }", "log { slow_ms = 1 }") as s:
        c = login(s)
        for name, line, result, code in (
                ("no such mailbox", "b SELECT Nowhere", "NO", "NONEXISTENT"), ("bad arguments", "b SELECT", "BAD", "none"),
                ("literal too big", "b APPEND INBOX {99000000}", "NO", None), ("unknown command", "b FROB", "BAD", "none")):
            labels = {"result": result, **({"code": code} if code else {})}
            with moves(s, f"IMAP {name}", "troika_imap_refused_total", log=r"imap.refused ", **labels):
                say(c, line + "\r\n", b"b ")
        with moves(s, "IMAP login failed", "troika_logins_total", log=r"imap.login-failed", proto="imap", result="wrong credentials"):
            d = speak(s, "imap")
            say(d, f"a LOGIN {address('alice')} wrong\r\n")
            d.close()
        with moves(s, "IMAP bad commands", "troika_imap_byes_total", why="Too many bad commands"):
            d = speak(s, "imap")
            say(d, b"x\r\n" * 10, b"BYE")
            d.close()
        with moves(s, "too many of a user", "troika_rt_users_refused_total", log=r"rt.user_refused"):
            others = [login(s), login(s)]
        with moves(s, "slow", "troika_rt_slow_commands_total", log=r" slow .*proto=imap .*what=APPEND"):
            # a fast disk may take less than a millisecond
            until(lambda: say(c, "c APPEND INBOX {5+}\r\n\r\n\r\nx\r\n", b"c ") and re.search(" slow .*what=APPEND", s.told()))
        for o in (c, *others):
            o.close()
        with moves(s, "POP3 login failed", "troika_pop3_refused_total", log=r"pop3.refused .*code=AUTH", code="AUTH"):
            p = speak(s, "pop3")
            say(p, f"USER {address('bob')}\r\n")
            say(p, "PASS wrong\r\n")
        say(p, f"USER {address('bob')}\r\n")
        say(p, f"PASS {USERS['bob']}\r\n")
        with moves(s, "POP3 maildrop in use", "troika_pop3_refused_total", log=r"pop3.refused .*IN-USE", code="IN-USE"):
            q = speak(s, "pop3")
            say(q, f"USER {address('bob')}\r\n")
            say(q, f"PASS {USERS['bob']}\r\n")
            q.close()
        p.close()
        with moves(s, "TLS failed", "troika_rt_tls_handshakes_total", log=r"rt.tls_failed", result="failed"):
            t = s.connect("imaps")
            t.sendall(b"GET / HTTP/1.0\r\n\r\n")
            t.recv(100)
            t.close()
        check("logins are counted", figure(s, "troika_logins_total", proto="imap", mechanism="password", result="ok") >= 3)
        check("IMAP commands are timed", figure(s, "troika_imap_command_seconds_count", command="APPEND") >= 1)


def test_silence(template):
    with running(template, "timeouts { login = 1s }") as s:
        with moves(s, "IMAP login too slow", "troika_imap_byes_total", why="Logging in took too long"), \
                moves(s, "silence", "troika_rt_timeouts_total", stage="session"):
            d = s.connect("imap")
            say(d, b"", b"BYE")
            d.close()


def test_connections(template):
    with running(template, "limits { connections = 8 }") as s:
        held = []
        with moves(s, "too many connections", "troika_rt_refused_total", log=r"rt.refused .*too many connections"):
            held = [socket.create_connection(("127.0.0.1", s.port["imap"]), PATIENCE) for _ in range(12)]
        for h in held:
            h.close()


# ---- health ----

def ready(server):
    status, _, text = ask(server, "/ready")
    return status, {c["name"]: c.get("why", "") for c in json.loads(text)["checks"] if not c["ok"]}


def test_full_disk(template):
    mount = tempfile.mkdtemp(prefix="troika-small-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", mount], capture_output=True).returncode:
        os.rmdir(mount)
        skip("a full disk", "no right to mount")
        return
    small = copy.copy(template)
    small.root = type(template.root)(mount)
    try:
        with running(small) as s:
            check("ready", until(lambda: ready(s)[0] == 200), ready(s))
            subprocess.run(["fallocate", "-n", "-l", "256K", s.log], check=True)      # the log is on that disk, too
            filler = os.open(s.dir / "filler", os.O_WRONLY | os.O_CREAT)
            try:
                while True:
                    os.write(filler, bytes(4096))
            except OSError:
                os.close(filler)
            check("full disk: 503, and why", until(lambda: ready(s)[0] == 503 and "disk" in ready(s)[1]), ready(s))
            check("full disk: alive", ask(s, "/health")[0] == 200)
            check("full disk: troika status fails", subprocess.run([template.binary, "status", "-d", s.data], capture_output=True).returncode == 1)
            check("full disk: logged", until(lambda: "health.disk" in s.told()))
            with moves(s, "full disk", "troika_smtp_refused_total"):
                try:
                    with smtp(s) as c:
                        c.sendmail("x@example.net", [address("alice")], "Subject: x\r\n\r\n" + "x" * 70 + "\r\n" * 20000)
                except Exception:                            # noqa: BLE001  refused, as it must be
                    pass
            os.unlink(s.dir / "filler")
            check("and well again", until(lambda: ready(s)[0] == 200), ready(s))
            with smtp(s) as c:
                c.sendmail("x@example.net", [address("alice")], "Subject: x\r\n\r\nx\r\n")
            check("mail comes again", count(s) == 1)
    finally:
        subprocess.run(["umount", "-l", mount])
        os.rmdir(mount)


def big_message(size=6 << 20):
    return b"Subject: big\r\n\r\n" + (b"x" * 76 + b"\r\n") * (size // 78)


def stuck_reader(server):
    """A session whose FETCH cannot end: nobody reads it."""
    c = imap(server)
    c.append("INBOX", None, None, big_message())
    c.logout()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", server.port["imap"]))
    say(s, b"")
    say(s, f"a LOGIN {address('alice')} {USERS['alice']}\r\nb SELECT INBOX\r\n", b"\nb ")
    s.sendall(b"c FETCH 1 BODY[]\r\n")
    return s


def test_drain(template):
    with running(template, "timeouts { drain = 20s }") as s:
        stuck = stuck_reader(s)
        check("a command under way is seen", until(lambda: any(x["command"] == "FETCH" for x in json.loads(ask(s, "/sessions")[2])["sessions"])))
        check("ready before", until(lambda: ready(s)[0] == 200), ready(s))
        s.proc.terminate()
        check("draining: 503, and why", until(lambda: ready(s)[0] == 503 and "draining" in ready(s)[1]))
        check("draining: alive", ask(s, "/health")[0] == 200)
        check("the drain ends", s.proc.wait(PATIENCE) == 0)          # nobody reads: it would not without its limit
        check("it says whom it cut off", re.search("rt.drain_late", s.log.read_text()))
        check("the socket is gone", not (s.data / "run" / "troika.sock").exists())
        r = subprocess.run([template.binary, "status", "-d", s.data], capture_output=True, text=True)
        check("troika status without a server", r.returncode == 1 and "no server runs" in r.stderr, r.stderr)
        stuck.close()


PDF = (b"Subject: a file\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf; name=x.pdf\r\nContent-Disposition: attachment; filename=x.pdf\r\n"
       b"Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n")


def test_stop(template):
    """What works in the background does not keep the server: a converter that hangs, an index that is being written."""
    script = tempfile.NamedTemporaryFile("w", suffix=".sh", delete=False)
    script.write("#!/bin/sh\nsleep 1000\n")
    script.close()
    os.chmod(script.name, 0o755)
    try:
        with running(template, f'search {{ converter = "{script.name}" }}') as s:
            c = imap(s)
            c.append("INBOX", None, None, PDF)
            c.logout()
            check("the converter is asked", until(lambda: subprocess.run(["pgrep", "-f", script.name], capture_output=True).returncode == 0))
            s.proc.terminate()
            check("a stop waits for no converter", s.proc.wait(PATIENCE) == 0, s.proc.returncode)
    finally:
        os.unlink(script.name)


def test_kill(template):
    with running(template) as s:
        s.kill()
        check("a kill leaves the socket", (s.data / "run" / "troika.sock").exists())
        s.start()
        check("the next server replaces it", until(lambda: ready(s)[0] == 200), ready(s))
        other = Server.__new__(Server)
        other.__dict__.update(s.__dict__)
        other.proc = None
        other.start()                                        # a second one over the same directory, which leaves it alone
        try:
            check("a second server says so", until(lambda: "monitor.no-socket" in s.told()))
        finally:
            other.stop()
        check("and takes it from nobody", ask(s, "/health")[0] == 200)


def test_supervisor(template):
    path = tempfile.mktemp(prefix="troika-notify-")
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(path)
    heard.settimeout(PATIENCE)
    os.environ.update(NOTIFY_SOCKET=path, WATCHDOG_USEC="60000000")
    try:
        with running(template) as s:
            check("READY=1", heard.recv(100) == b"READY=1")
            check("WATCHDOG=1", heard.recv(100) == b"WATCHDOG=1")
            s.proc.terminate()
            said = b""
            while said != b"STOPPING=1":
                said = heard.recv(100)                       # fails when nothing comes
            check("STOPPING=1", said == b"STOPPING=1")
            s.proc.wait(PATIENCE)
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        heard.close()
        os.unlink(path)


# ---- who does what ----

def test_top(template):
    with running(template, "search { enabled = false }") as s:
        c = imap(s)
        for _ in range(4):
            c.append("INBOX", None, None, big_message(4 << 20))
        c.select()
        words = " ".join(f'NOT TEXT "word{n}"' for n in range(40))
        over = threading.Event()

        def search():
            while not over.is_set():
                c.search(None, words)

        t = threading.Thread(target=search)
        t.start()
        try:
            def top():
                return subprocess.run([template.binary, "top", "-d", s.data, "--once"], capture_output=True, text=True, timeout=PATIENCE)
            shown = until(lambda: (lambda r: r if "SEARCH" in r.stdout else None)(top()))
            check("top --once shows the search", shown and re.search(rf"imap  \+ {address('alice')[:16]}.*SEARCH", shown.stdout), shown and shown.stdout)
            check("top --once: the head", shown and "ready" in shown.stdout and "conns " in shown.stdout and "store " in shown.stdout)
            r = subprocess.run([template.binary, "top", "-d", s.data, "--json"], capture_output=True, text=True, timeout=PATIENCE)
            j = json.loads(r.stdout)
            mine = [x for x in j["sessions"] if x["user"] == address("alice")]
            check("top --json", j["status"]["server"]["connections"] >= 2 and mine and mine[0]["proto"] == "imap" and mine[0]["tls"].startswith("TLS"), mine)
        finally:
            over.set()
            t.join()
        r = subprocess.run([template.binary, "status", "-d", s.data], capture_output=True, text=True)
        check("troika status", r.returncode == 0 and "ready" in r.stdout and "disk" in r.stdout, r.stdout + r.stderr)
        c.logout()
        idle = imap(s)
        idle.select()
        idle.send(b"x IDLE\r\n")
        idle.readline()
        check("who idles is seen", until(lambda: any(x["state"] == "idle" for x in json.loads(ask(s, "/sessions")[2])["sessions"])))
        idle.send(b"DONE\r\n")
        idle.readline()
        idle.logout()


def test_live(template):
    """In a terminal of 80 by 24, which grows; keys."""
    import fcntl
    import pty
    import struct
    import termios
    with running(template) as s:
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(template.binary, [template.binary, "top", "-d", str(s.data)])
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        seen = b""

        def shows(*words):
            """Reads until all of them came since the last call."""
            nonlocal seen
            seen = b""

            def more():
                nonlocal seen
                if select.select([fd], [], [], 0.1)[0]:
                    try:
                        seen += os.read(fd, 65536)
                    except OSError:                          # it ended
                        return True
                return all(w in seen for w in words)
            until(more)
            return all(w in seen for w in words)
        check("live: draws", shows(b"conns ", b"by activity", b"\x1b[?1049h"), seen[-300:])
        os.write(fd, b"u")
        check("live: sorts by a key", shows(b"by user"), seen[-300:])
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
        check("live: follows the size", shows(b"\x1b[50;1H"), seen[-300:])
        os.write(fd, b"q")
        shows(b"\x1b[?1049l")
        status = os.waitpid(pid, 0)[1]
        check("live: q ends it, and gives the terminal back", status == 0 and b"\x1b[?1049l" in seen, (status, seen[-100:]))
        os.close(fd)


def test_no_leak(template):
    with running(template) as s:
        def scrape(n):
            c = Local(s.data / "run" / "troika.sock")
            for i in range(n):
                c.request("GET", ("/metrics", "/sessions", "/status", "/ready")[i % 4])
                r = c.getresponse()
                r.read()
                if r.getheader("Connection") == "close":
                    c.close()
            c.close()
        scrape(300)
        memory, files = figure(s, "process_resident_memory_bytes"), figure(s, "process_open_fds")
        began = time.monotonic()
        scrape(1000)
        took = time.monotonic() - began
        grown = figure(s, "process_resident_memory_bytes") - memory
        if figure(s, "troika_memory_allocated_bytes"):
            check("1000 scrapes leak no memory", grown < 2 << 20, grown)
        else:
            skip("1000 scrapes leak no memory", "the sanitizer keeps what was freed")
        check("and no descriptor", until(lambda: figure(s, "process_open_fds") <= files + 1), figure(s, "process_open_fds"))
        print(f"     1000 scrapes: {took * 1000:.0f} us each, {grown / 1024:.0f} KB more")


def main():
    template = Template(binary())
    try:
        for test in (test_format, test_port, test_smtp, test_guard, test_milter, test_imap, test_silence, test_connections, test_full_disk, test_drain, test_stop, test_kill,
                     test_supervisor, test_top, test_live, test_no_leak):
            attempt(test.__name__, test, template)
    finally:
        template.remove()
    finish()


if __name__ == "__main__":
    main()
