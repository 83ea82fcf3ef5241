#!/usr/bin/env python3
"""The sandbox: what somebody who has got hold of a thread of the server cannot do (tried from such a thread, by a fault that is there for tests), what ends the server at
once, and that all it is for goes on: every protocol, search with a converter, reload. Without the sandbox the same attempts succeed, so that they are known to be some.
Usage: sandbox.py PATH/TO/troika"""
import base64
import os
import poplib
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
from pathlib import Path

from common import PATIENCE, TLS, USERS, Server, Template, address, attempt, binary, check, count, finish, imap, pop3, scratch, skip, smtp, until

from server import SERVES

HERE = scratch()
OPEN = "auth { allow_plain_without_tls = true }"
# A build with a sanitizer is let do what the sanitizer does.
SANITIZED = any(mark in Path(binary()).read_bytes() for mark in (b"__asan_init", b"__tsan_init"))
LET_DO = ("become dumpable", "clone3", "fork", "memory to write and run", "run what was written", "set limits") if SANITIZED else ()
FATAL = ("mount", "keyctl") if SANITIZED else ("exec", "ptrace", "mount", "keyctl")


class Probed(Server):
    """A server with faults; it may end as soon as it has begun."""

    def __init__(self, template, config, faults):
        os.environ["TROIKA_FAULTS"] = faults
        try:
            super().__init__(template, config)
        finally:
            del os.environ["TROIKA_FAULTS"]

    def attempts(self):
        until(lambda: "sandbox.probed" in self.told())
        return dict(re.findall(r'sandbox.probe what="?([^="]*?)"? result=(\w+)', self.log_tail(2000)))


class Doomed(Probed):
    """One that ends before anybody can look whether it is up."""

    def is_up(self, begin=0):
        return super().is_up(begin) or self.proc.returncode == -signal.SIGSYS


def told(server):
    m = until(lambda: re.search(r"sandbox files=(\w+) landlock=(\d+) calls=(\w+)", server.log_tail(2000)))
    return m.groups() if m else ("?", "0", "?")


def threads(pid):
    """What the kernel says of each thread; those that end meanwhile are left out."""
    status = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            status.append((task / "status").read_text())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return status


def refused(template):
    server = Probed(template, [OPEN], "app.sandbox_probe=1")
    files, abi, calls = told(server)
    check("the log says what holds", calls == "listed" or files != "?", server.log_tail(20))
    results = server.attempts()
    check("everything was tried", len(results) >= 25, sorted(results))
    for what, result in sorted(results.items()):
        if files != "landlock" and re.match("read|write|list|delete|make a d", what) and "allowed" not in what:
            skip(what, "the kernel has no Landlock")
            continue
        if what in LET_DO:
            skip(what, "the sanitizer needs it")
            continue
        wanted = "DONE" if "(allowed)" in what else "refused"
        check(f"{what}: {wanted}", result == wanted, result)
    check("and it goes on serving", count(server) == 0)
    status = threads(server.proc.pid)
    check(f"each of its {len(status)} threads is in the filter", all(re.search(r"Seccomp:\s+2\n", s) and re.search(r"NoNewPrivs:\s+1\n", s) for s in status))
    server.stop()


def fatal(template):
    for what in FATAL:
        server = Doomed(template, [OPEN], f"app.sandbox_probe=1,app.sandbox_{what}=1")
        try:
            status = server.proc.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            status = None
        check(f"{what} ends the server", status == -signal.SIGSYS and SERVES.search(server.told()), (status, server.log_tail(5)))
        server.remove()


def without(template):
    server = Probed(template, [OPEN, "sandbox { enabled = false }"], "app.sandbox_probe=1")
    results = server.attempts()
    check("turned off, the log says so", "sandbox.off" in server.log_tail(2000))
    for what in ("read /etc/passwd", "list /", "write beside the rooms", "fork", "memory to write and run", "listen on a port"):
        check(f"  {what} can be done", results.get(what) == "DONE", results.get(what))
    (server.data / "anything").unlink(missing_ok=True)
    Path("/tmp/troika-probe").unlink(missing_ok=True)
    server.stop()


def rights(template):
    """Started as root over somebody else's directory: that user, a low port, and no right left in any thread."""
    if os.geteuid() != 0:
        skip("rights", "needs root")
        return
    home = HERE / "home"
    home.mkdir(mode=0o755)
    HERE.chmod(0o755)
    template.cli("init", "-d", home / "data", "--domain", "example.org", "--owner", "nobody")
    log = open(home / "log", "wb")
    p = subprocess.Popen([template.binary, "serve", "-d", str(home / "data"), "--listen", "lmtp=127.0.0.77:24"], stdout=log, stderr=log)
    try:
        check("a low port is bound", until(lambda: b" serve version" in (home / "log").read_bytes()), (home / "log").read_bytes()[-500:])
        status = threads(p.pid)
        check("nobody's process", all(re.search(r"Uid:\s+65534\s+65534\s+65534", s) for s in status))
        check(f"no right in effect in any of {len(status)} threads", all(re.search(r"CapEff:\s+0+\n", s) for s in status), [re.findall(r"Cap.*", s) for s in status])
    finally:
        p.terminate()
        p.wait(PATIENCE)


# ---- what it is for ----

def message(subject, attachment=None):
    text = f"From: {address('bob')}\r\nTo: {address('alice')}\r\nSubject: {subject}\r\n"
    if not attachment:
        return text + "\r\nhello\r\n"
    return (text + "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsee below\r\n"
            "--x\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(attachment).decode() + "\r\n--x--\r\n")


def protocols(server):
    with smtp(server) as s:
        s.starttls(context=TLS)
        s.sendmail(address("bob"), [address("alice")], message("by SMTP"))
    with smtplib.SMTP("127.0.0.1", server.port["submission"], timeout=PATIENCE) as s:
        s.starttls(context=TLS)
        s.login(address("bob"), USERS["bob"])
        s.sendmail(address("bob"), [address("alice")], message("by submission"))
    with smtplib.LMTP("127.0.0.1", server.port["lmtp"], timeout=PATIENCE) as s:
        s.sendmail(address("bob"), [address("alice")], message("by LMTP"))
    check("SMTP, submission, LMTP and IMAP", count(server) == 3)
    c = pop3(server)
    check("POP3", c.stat()[0] == 3)
    c.quit()
    c = poplib.POP3_SSL("127.0.0.1", server.port["pop3s"], context=TLS, timeout=PATIENCE)
    c.user(address("alice"))
    c.pass_(USERS["alice"])
    c.quit()
    server.cli(["app-password", "add", address("alice"), "x"], "")
    check("the command line beside it", "x" in server.cli(["app-password", "list", address("alice")], "").decode())


CONVERTER = """#!/bin/sh
[ "$2" = a.pdf ] || exit 1
cat >/dev/null
echo converted aardvark
cat {data}/troika.conf >/dev/null 2>&1 && echo configurationread
cat {data}/store/* >/dev/null 2>&1 && echo storeread
echo x >/tmp/troika-converter-was-here 2>/dev/null && echo tmpwritten
echo x >./own 2>/dev/null && echo ownwritten
python3 - <<'END'
import socket
for family, kind in ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_DGRAM), (socket.AF_NETLINK, socket.SOCK_RAW)):
    try:
        socket.socket(family, kind)
        print("networkopen")
    except PermissionError:
        print("networkclosed")
try:
    socket.socket(socket.AF_UNIX).connect("{data}/run/troika.sock")
    print("controlopen")
except OSError as e:
    print("controlclosed" if e.errno == 13 else "controlstrange")
import os
try:
    os.setsid()
    print("sessionopen")
except PermissionError:
    print("sessionclosed")
END
"""


def children_of(pid):
    """pid, name, pid, name ..."""
    return subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()


def is_called(pid, name):
    return subprocess.run(["ps", "-o", "comm=", "-p", pid], capture_output=True, text=True).stdout.strip() == name


def kill_porters(server, warden):
    """kill -9, again and again, while attachments are converted: another porter comes each time, and the server does not notice."""
    dead = ""
    for i in range(3):
        with smtp(server) as s:
            for k in range(5):
                s.sendmail(address("bob"), [address("alice")], message(f"load {i} {k}", b"%PDF-1.4 nothing"))
        porter = until(lambda: (c := children_of(warden)) and len(c) == 2 and c[0] != dead and c)
        dead = porter[0]
        os.kill(int(dead), signal.SIGKILL)
    with smtp(server) as s:
        s.sendmail(address("bob"), [address("alice")], message("after them", b"%PDF-1.4 nothing"))
    c = imap(server)
    c.select("INBOX")
    found = until(lambda: c.noop() and c.search(None, "SUBJECT", "after", "BODY", "aardvark")[1] != [b""])
    c.logout()
    check("three porters are killed: the fourth converts", found and server.proc.poll() is None, server.log_tail(10))
    check("and the log tells of each", until(lambda: server.told().count("porter.died signal=9") >= 3) and server.told().count("porter.died signal=9") == 3, server.log_tail(10))


def converter(template):
    path = HERE / "converter"
    server = Server(template, [OPEN, f'search {{ converter = "{path}" }}'])
    path.write_text(CONVERTER.format(data=server.data))
    path.chmod(0o755)
    with smtp(server) as s:
        s.sendmail(address("bob"), [address("alice")], message("with a file", b"%PDF-1.4 nothing"))
    c = imap(server)
    c.select("INBOX")
    until(lambda: c.search(None, "BODY", "aardvark")[1] != [b""])
    finds = {w: c.search(None, "BODY", w)[1] != [b""] for w in
             ("aardvark", "ownwritten", "networkclosed", "networkopen", "configurationread", "storeread", "tmpwritten", "controlclosed", "controlopen", "sessionclosed", "sessionopen")}
    c.logout()
    check("a converter runs, by the porter", finds["aardvark"], server.log_tail(20))
    check("in a directory of its own", finds["ownwritten"])
    check("without a network", finds["networkclosed"] and not finds["networkopen"], finds)
    check("nor the sockets of this machine, the server's among them", finds["controlclosed"] and not finds["controlopen"], finds)
    check("and no way out of its group, so that nothing of it survives it", finds["sessionclosed"] and not finds["sessionopen"], finds)
    if told(server)[0] == "landlock":
        check("without the data directory", not finds["configurationread"] and not finds["storeread"], finds)
        check("and nothing else to write", not finds["tmpwritten"], finds)
    warden = children_of(server.proc.pid)
    check("the porter's warden is its only child", warden[1:] == ["troika-warden"], warden)
    kill_porters(server, warden[0])
    porter = children_of(warden[0])
    server.stop()
    check("both end with it", until(lambda: not any(is_called(pid, name) for pid, name in ((warden[0], "troika-warden"), (porter[0], "troika-porter")))))
    Path("/tmp/troika-converter-was-here").unlink(missing_ok=True)


def certificate(folder, name):
    folder.mkdir(exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / "k.new"), "-out", str(folder / "c.new"),
                    "-days", "2", "-subj", f"/CN={name}"], check=True, capture_output=True, timeout=PATIENCE)
    (folder / "k.new").rename(folder / "k.pem")
    (folder / "c.new").rename(folder / "c.pem")


def shown(server):
    return ssl.get_server_certificate(("127.0.0.1", server.port["imaps"])).split()


def reload(template):
    one, two = HERE / "one", HERE / "two"
    certificate(one, "one.test")
    server = Server(template, [OPEN, f'tls {{ certificate = "{one}/c.pem" key = "{one}/k.pem" }}'])
    check("a configured certificate", shown(server) == (one / "c.pem").read_text().split())
    certificate(one, "renewed.test")
    server.reload()
    check("one that is renewed in its place is taken", shown(server) == (one / "c.pem").read_text().split(), server.log_tail(5))
    certificate(two, "two.test")
    conf = server.dir / "troika.conf"
    fresh = server.dir / "troika.conf.new"
    fresh.write_text(conf.read_text().replace(str(one), str(two)) + 'limits { message_size = "100K" }\n')
    fresh.rename(conf)
    server.reload()
    if told(server)[0] == "landlock":
        check("one in a place that the start did not know is refused, with a hint", "sandbox { read }" in server.told(), server.log_tail(5))
        check("  the old one goes on", shown(server) == (one / "c.pem").read_text().split())
    with smtp(server) as s:
        s.ehlo()
        check("  and the rest is taken", s.esmtp_features["size"] == "102400")
    server.stop()
    server = Server(template, [OPEN, f'tls {{ certificate = "{one}/c.pem" key = "{one}/k.pem" }}', f'sandbox {{ read = {{ "{two}" }} }}'])
    conf = server.dir / "troika.conf"
    conf.write_text(conf.read_text().replace(f'"{one}/', f'"{two}/'))
    server.reload()
    check("sandbox { read } makes room for it", shown(server) == (two / "c.pem").read_text().split(), server.log_tail(3))
    server.stop()


def main():
    template = Template(binary())
    try:
        for fn in (refused, fatal, without, rights, converter, reload):
            attempt(fn.__name__, fn, template)
        server = Server(template, [OPEN])
        attempt("protocols", protocols, server)
        server.stop()
    finally:
        template.remove()
        shutil.rmtree(HERE, ignore_errors=True)
    finish()


if __name__ == "__main__":
    main()
