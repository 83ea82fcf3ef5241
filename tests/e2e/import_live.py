#!/usr/bin/env python3
"""`troika import` from live accounts: Troika, and Dovecot, over the network, and its sdbox and mdbox through its own imap. What a server may do wrong is in
import_rogue.py and import_lies.py."""
import imaplib
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from common import DOMAIN, PATIENCE, TLS, USERS, Listener, Server, Template, address, attempt, binary, check, contents, finish, free_ports, imap, message, number, run_import, same_instant, skip

def secret(server, user="alice"):
    path = server.dir / f"secret-{user}"
    path.write_text(USERS[user] + "\n")
    return path


def from_troika(template):
    s = Server(template, None)
    try:
        c = imap(s)
        flags = ["()", "(\\Seen)", "(\\Seen \\Answered $Forwarded)", "(\\Flagged Work-1)", "(\\Draft)", "(\\Deleted)"]
        for i in range(150):
            c.append("INBOX", flags[i % 6], f'"17-Jul-20{i % 20:02d} 02:44:{i % 60:02d} -0730"', message(i))
        c.append("INBOX", "()", '"01-Jan-2001 00:00:00 +0000"', message(7000, 9 << 20))
        for name in ('"Work/Projects/A & B"', '"Entw&APw-rfe 2"', '"a.b"'):
            c.create(name.replace(" & ", " &- "))
            c.subscribe(name.replace(" & ", " &- "))
            for i in range(3):
                c.append(name.replace(" & ", " &- "), "(\\Seen)", None, message(200 + i))
        c.append("Sent", "(\\Seen)", None, message(300))
        c.unsubscribe("Junk")
        pw = secret(s)
        source = f"imap://alice%40{DOMAIN}@127.0.0.1:{s.port['imap']}"

        code, out = run_import(s.data, "--password-file", pw, source)
        check("a certificate that nobody vouches for is refused", code == 1 and "certificate" in out, out)
        code, out = run_import(s.data, "--password-file", "-", "--insecure", source, stdin=b"wrong password\n")
        check("a wrong password is told, and not tried again", code == 1 and "login refused" in out, out)
        options = ["--password-file", pw, "--insecure"]
        code, out = run_import(s.data, *options, "--dry-run", source)
        check("a dry run counts", code == 0 and "161 messages would be imported" in out, out)
        b = imap(s, "bob")
        check("and changes nothing", contents(b, "INBOX") == [] and b"Work" not in b"".join(b.list()[1]))
        code, out = run_import(s.data, *options, source)
        check("an import", code == 0 and "161 messages imported" in out, out)
        folders = ("INBOX", "Work/Projects/A &- B", "Entw&APw-rfe 2", "a.b", "Sent")
        for folder in folders:
            check(f"{folder}: the same octets, flags, dates", same_instant(contents(c, folder), contents(b, folder)))
        subscribed = b"".join(b.lsub()[1])
        check("subscriptions", b"A &- B" in subscribed, subscribed)
        code, out = run_import(s.data, *options, source)
        check("again: nothing", code == 0 and "0 messages imported" in out and "161 known" in out, out)

        # what changes there comes; what changed here stays
        c.select("INBOX")
        b.select("INBOX")
        c.store("1", "+FLAGS", "(\\Answered Added)")
        c.store("2", "-FLAGS", "(\\Seen)")
        b.store("3", "+FLAGS", "(\\Flagged)")
        c.append("INBOX", "(\\Seen)", None, message(400))
        code, out = run_import(s.data, *options, source)
        check("one new message", code == 0 and "1 messages imported" in out and "2 with new flags" in out, out)
        got = [set(x.split()) for x in re.findall(r"FLAGS \(([^)]*)\)", str(b.fetch("1:3", "(FLAGS)")[1]))]
        check("flags that changed there", {"\\\\Answered", "Added"} <= got[0] and "\\\\Seen" not in got[1], got)
        check("flags that changed here", "\\\\Flagged" in got[2] and "\\\\Seen" in got[2], got)

        # what vanishes there
        c.store("1:10", "+FLAGS", "(\\Deleted)")
        c.uid("EXPUNGE", "1:10")
        c.delete('"a.b"')
        code, out = run_import(s.data, *options, source)
        check("without --delete it stays", code == 0 and len(contents(b, "INBOX", False)) == 152, out)
        code, out = run_import(s.data, *options, "--delete", source)
        check("with --delete it goes", code == 0 and "13 removed" in out and same_instant(contents(c, "Sent"), contents(b, "Sent")), out)
        check("the folder too", contents(b, "a.b") is None and len(contents(b, "INBOX", False)) == 142)

        # the state is lost
        for f in (s.data / "import").iterdir():
            f.unlink()
        code, out = run_import(s.data, *options, source)
        check("without its notes, everything is recognised", code == 0 and "0 messages imported" in out and number(out, "recognised") >= 140, out)

        code, out = run_import(s.data, *options, "--mailbox-map", "INBOX=Popped", f"pop3s://alice%40{DOMAIN}@127.0.0.1:{s.port['pop3s']}")
        n = len(contents(c, "INBOX", False))
        check("POP3", code == 0 and f"{n} messages imported" in out, out)
        check("POP3: the same octets", [x[2] for x in contents(c, "INBOX")] == [x[2] for x in contents(b, "Popped")])
        code, out = run_import(s.data, *options, "--mailbox-map", "INBOX=Popped", f"pop3s://alice%40{DOMAIN}@127.0.0.1:{s.port['pop3s']}")
        check("POP3 again: nothing", code == 0 and f"{n} known" in out and "0 messages imported" in out, out)
        c.logout()
        b.logout()
        check("the store is whole", subprocess.run([binary(), "check", "-d", str(s.data)], capture_output=True).returncode == 0)
    finally:
        s.stop()


# ---- Dovecot: a private instance, and its imap alone ----

MAIL_UID = 5000
MASTER = "Master.Secret-77"
DOVECOT = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = {protocols}
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain
auth_master_user_separator = *
auth_failure_delay = 0
default_vsz_limit = 0
mail_location = {location}
mail_uid = {uid}
mail_gid = {uid}
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 1000
passdb {{
  driver = static
  args = password={master}
  master = yes
  result_success = continue
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={dir}/home/%u
}}
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = {separator}
  mailbox Postausgang {{
    auto = create
    special_use = \\Sent
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""


def beside_a_bin(template):
    """A folder that is called like the bin here: it gets another name, and all others come too."""
    s = Server(template, None)
    try:
        c, b = imap(s), imap(s, "bob")
        for i, folder in enumerate(["Recently Deleted", "Recently Deleted/below", "Zebra"]):
            c.create(f'"{folder}"')
            c.append(f'"{folder}"', "(\\Seen)", None, message(i))
        b.append("INBOX", None, None, message(9))
        b.select("INBOX")
        b.store("1", "+FLAGS", "(\\Deleted)")
        b.expunge()
        bin_here = contents(b, "Recently Deleted")
        check("bob has a bin", bin_here and len(bin_here) == 1, bin_here)
        options = ["--password-file", secret(s), "--insecure", f"imap://alice%40{DOMAIN}@127.0.0.1:{s.port['imap']}"]
        code, out = run_import(s.data, *options)
        check("beside a bin", code == 0 and "Recently Deleted: becomes Recently Deleted~2" in out, out)
        for there, here in (("Recently Deleted", "Recently Deleted~2"), ("Recently Deleted/below", "Recently Deleted~2/below"), ("Zebra", "Zebra")):
            check(f"beside a bin: {there}", same_instant(contents(c, there), contents(b, here)), out)
        check("the bin is as it was", contents(b, "Recently Deleted") == bin_here)
        code, out = run_import(s.data, *options)
        check("beside a bin, once more: nothing", code == 0 and "0 messages imported" in out, out)
        code, out = run_import(s.data, "--mailbox-map", "Zebra=Recently Deleted", *options)
        check("beside a bin: nothing is mapped into it", code != 0 and "--mailbox-map" in out, out)
    finally:
        s.stop()


class Dovecot:
    """In a directory of its own; with start() it listens on loopback."""

    def __init__(self, location="sdbox:~/mail", protocols="imap pop3", prefix="", separator="/", ssl=True):
        self.dir = Path(tempfile.mkdtemp(prefix="troika-dovecot-"))
        self.dir.chmod(0o755)
        (self.dir / "home").mkdir()
        os.chown(self.dir / "home", MAIL_UID, MAIL_UID)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem"],
                       check=True, capture_output=True)
        self.port = dict(zip(("imap", "imaps", "pop3"), free_ports(3)))
        self.conf = self.dir / "dovecot.conf"
        self.conf.write_text(DOVECOT.format(dir=self.dir, location=location, protocols=protocols, prefix=prefix, separator=separator, uid=MAIL_UID, master=MASTER,
                                            password="Secret.Enough-42", ssl="yes" if ssl else "no", **self.port))
        (self.dir / "password").write_text("Secret.Enough-42\n")
        (self.dir / "master").write_text(MASTER + "\n")
        self.proc = None

    def start(self):
        self.proc = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(self.conf)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=open(self.dir / "stderr", "ab"), start_new_session=True)
        end = time.monotonic() + PATIENCE
        for p in self.port.values():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", p), 1).close()
                    break
                except OSError:
                    if time.monotonic() > end or self.proc.poll() is not None:
                        raise RuntimeError(f"dovecot: {(self.dir / 'stderr').read_text()}") from None
                    time.sleep(0.05)

    def client(self, user):
        c = imaplib.IMAP4_SSL("127.0.0.1", self.port["imaps"], ssl_context=TLS, timeout=PATIENCE)
        c.login(user, "Secret.Enough-42")
        return c

    def remove(self):
        if self.proc:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(15)
            except subprocess.TimeoutExpired:
                self.proc.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def have_dovecot(name):
    if os.path.exists("/usr/lib/dovecot/imap") and os.geteuid() == 0:
        return True
    skip(name, "Debian's dovecot-imapd is not installed, or this is not root")
    return False


def from_dovecot(template):
    """Over the network: certificates, the prefix of old servers, separators, special use, a master user, POP3."""
    d = Dovecot("sdbox:~/mail:LAYOUT=index", prefix="INBOX.", separator=".")
    s = Server(template, None)
    try:
        d.start()
        c = d.client("joe")
        names = ["INBOX.Work.a/b", "INBOX.50% off*", "INBOX.Entw&APw-rfe", "INBOX.Deep.er.and.deeper"]
        for k, name in enumerate(names):
            check(f"Dovecot makes {name}", c.create(f'"{name}"')[0] == "OK")
            c.subscribe(f'"{name}"')
            for i in range(5):
                c.append(f'"{name}"', "(\\Seen $MDNSent)" if i % 2 else "()", f'" {i + 1}-Feb-2012 05:06:07 +0100"', message(k * 10 + i))
        for i in range(80):
            c.append("INBOX", "(\\Flagged custom)" if i % 3 else "(\\Answered)", None, message(500 + i))
        c.append("INBOX.Postausgang", "(\\Seen)", None, message(900))
        ca = d.dir / "cert.pem"
        options = ["--password-file", d.dir / "password", "--ca-file", ca]
        source = f"imaps://joe@127.0.0.1:{d.port['imaps']}"
        code, out = run_import(s.data, *options, source)
        check("Dovecot: an import with a certificate that is checked", code == 0 and "101 messages imported" in out, out)
        check("Dovecot: names that cannot be are told", "a_b" in out and "50_ off_" in out, out)
        b = imap(s, "bob")
        pairs = [("INBOX", "INBOX"), ("INBOX.Work.a/b", "Work/a_b"), ("INBOX.50% off*", "50_ off_"), ("INBOX.Entw&APw-rfe", "Drafts"),
                 ("INBOX.Deep.er.and.deeper", "Deep/er/and/deeper"), ("INBOX.Postausgang", "Sent")]
        for there, here in pairs:
            check(f"Dovecot: {there} -> {here}", same_instant(contents(c, there), contents(b, here)))
        check("Dovecot: Postausgang is our Sent", b"Postausgang" not in b"".join(b.list()[1]))
        c.select("INBOX")
        c.store("1:20", "+FLAGS", "(\\Deleted)")
        c.expunge()
        c.store("1:3", "+FLAGS", "(later)")
        c.append("INBOX", "(\\Seen)", None, message(999))
        code, out = run_import(s.data, *options, "--delete", source)
        check("Dovecot: what changed", code == 0 and "1 messages imported" in out and "3 with new flags" in out and "20 removed" in out, out)
        check("Dovecot: and is the same again", same_instant(contents(c, "INBOX"), contents(b, "INBOX")))

        code, out = run_import(s.data, "--password-file", d.dir / "password", "--ca-file", ca, "--only", "Work/*", f"imap://joe@localhost:{d.port['imap']}", user="carol")
        check("Dovecot: STARTTLS; --only; \"/\" in names", code == 0 and "5 messages imported" in out, out)
        pin = subprocess.run(["openssl", "x509", "-in", ca, "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True).stdout.split("=")[1].strip()
        base = ["--password-file", d.dir / "password"]
        code, out = run_import(s.data, *base, "--fingerprint", pin, source, user="carol")
        check("Dovecot: a certificate by its fingerprint", code == 0, out)
        code, out = run_import(s.data, *base, "--fingerprint", "00" * 32, source, user="carol")
        check("Dovecot: another certificate than that is refused", code == 1 and "TLS" in out, out)
        code, out = run_import(s.data, "--password-file", d.dir / "master", "--authuser", "admin", "--ca-file", ca, source, user="alice")
        check("Dovecot: by a master user", code == 0 and "82 messages imported" in out, out)
        a = imap(s, "alice")
        code, out = run_import(s.data, *options, "--mailbox-map", "INBOX=From POP3", f"pop3://joe@localhost:{d.port['pop3']}", user="alice")
        check("Dovecot: POP3 with STLS", code == 0 and "61 messages imported" in out, out)
        check("Dovecot: POP3: the same octets", [x[2] for x in contents(c, "INBOX")] == [x[2] for x in contents(a, "From POP3")])
        code, out = run_import(s.data, *options, "--mailbox-map", "INBOX=From POP3", f"pop3://joe@localhost:{d.port['pop3']}", user="alice")
        check("Dovecot: POP3 again", code == 0 and "61 known" in out and "0 messages imported" in out, out)
        code, out = run_import(s.data, "--mailbox-map", "INBOX=By doveadm", "--only", "INBOX", f"imap-pipe:doveadm -c {d.conf} exec imap -u joe", user="alice")
        check("Dovecot: through doveadm", code == 0 and "61 messages imported" in out, out)
        check("Dovecot: nothing was deleted there", len(contents(c, "INBOX", False)) == 61)
        for x in (a, b, c):
            x.logout()
    finally:
        s.stop()
        d.remove()


def through_pipes(template):
    """Dovecot's stores through its own imap, and Maildir the same way."""
    for kind in ("sdbox", "mdbox", "maildir"):
        d = Dovecot(ssl=False)
        s = Server(template, None)
        try:
            command = f"USER=joe HOME={d.dir}/home exec /usr/lib/dovecot/imap -c {d.conf} -o mail_location={kind}:{d.dir}/home/{kind} 2>>{d.dir}/stderr"
            c = imaplib.IMAP4_stream(command)
            c.create("Lists")
            for i in range(60):
                c.append("INBOX" if i % 2 else "Lists", "(\\Seen $Junk)" if i % 3 else "()", f'"{i % 28 + 1:2d}-Mar-2015 05:06:07 +0000"', message(i, i * 1000))
            there = [contents(c, "INBOX"), contents(c, "Lists")]
            c.logout()
            code, out = run_import(s.data, f"imap-pipe:{command}")
            check(f"{kind}: an import through a pipe", code == 0 and "60 messages imported" in out, out)
            b = imap(s, "bob")
            check(f"{kind}: the same octets, flags, dates", same_instant(there[0], contents(b, "INBOX")) and same_instant(there[1], contents(b, "Lists")))
            code, out = run_import(s.data, f"imap-pipe:{command}")
            check(f"{kind}: again: nothing", code == 0 and "60 known" in out, out)
            b.logout()
        finally:
            s.stop()
            d.remove()
    s = Server(template, None)
    try:
        # as root, over a data directory that is somebody else's: the command keeps the rights, what is written does not
        s.stop()
        for path in [s.data, *s.data.rglob("*")]:
            os.chown(path, MAIL_UID, MAIL_UID)
        for path in (s.dir, s.dir.parent):
            path.chmod(0o755)
        os.chown(s.dir, MAIL_UID, MAIL_UID)
        fake = "printf '* PREAUTH hi\\r\\n'; while read -r tag rest; do printf '* LIST () \"/\" INBOX\\r\\n* 0 EXISTS\\r\\n%s OK\\r\\n' \"$tag\"; done"
        code, out = run_import(s.data, f"imap-pipe:id -u >{s.dir}/who; {fake}")
        owners = {f.stat().st_uid for f in (s.data / "import").iterdir()} if (s.data / "import").is_dir() else None
        check("a pipe has the rights of who calls, files are the owner's", code == 0 and (s.dir / "who").read_text().strip() == "0" and owners == {MAIL_UID}, (code, out, owners))
        code, out = run_import(s.data, "--retries", "1", "imap-pipe:exit 3")
        check("a command that ends at once is told", code == 75 and "closed the connection" in out, out)
        code, out = run_import(s.data, "--retries", "0", "imap-pipe:cat /etc/services")
        check("a command that does not speak IMAP is told", code in (1, 75) and "does not speak IMAP" in out, out)
    finally:
        s.stop()


def many(template):
    """20 accounts in parallel, killed again and again: nothing is missing, nothing is there twice."""
    d = Dovecot()
    s = Server(template, "auth { allow_plain_without_tls = true }|limits { connections_per_user = \"1000\" }".split("|"))
    try:
        d.start()
        users = [f"u{i}" for i in range(20)]
        for k, u in enumerate(users):
            s.cli(["user", "add", f"{u}@{DOMAIN}", "--password-file", "-"], "Secret.Enough-42\n")
            c = d.client(u)
            c.create("Lists")
            for i in range(60 + 5 * k):
                c.append("Lists" if i % 4 == 0 else "INBOX", "(\\Seen)" if i % 2 else "(\\Flagged x)", None, message(k * 1000 + i, 500 * (i % 40)))
            c.append("INBOX", "()", None, message(k * 1000, 0))          # twice there, twice here
            c.append("INBOX", "()", None, message(k * 1000, 0))
            c.logout()
        accounts = d.dir / "accounts"
        accounts.write_text("# SOURCE USER SECRET\n\n" + "".join(f"imaps://{u}@127.0.0.1:{d.port['imaps']} {u}@{DOMAIN} pass:Secret.Enough-42\n" for u in users))
        accounts.chmod(0o600)
        command = [binary(), "import", "-d", str(s.data), "--accounts", str(accounts), "--jobs", "8", "--ca-file", str(d.dir / "cert.pem")]
        kills = 0
        for pause in [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.1, 0.2, 0.3, 0.4, 0.15, 0.25, 0.35]:
            p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(pause)
            kills += p.poll() is None
            p.kill()
            p.wait()
        r = subprocess.run(command, capture_output=True, text=True, timeout=300)
        check(f"20 accounts, killed {kills} times, then left alone", r.returncode == 0 and kills > 3 and "0 of 20 accounts failed" in r.stdout, r.stdout + r.stderr)
        wrong = []
        for u in users:
            c = d.client(u)
            b = imaplib.IMAP4("127.0.0.1", s.port["imap"], timeout=PATIENCE)
            b.login(f"{u}@{DOMAIN}", "Secret.Enough-42")
            wrong += [f"{u} {f}" for f in ("INBOX", "Lists") if not same_instant(contents(c, f), contents(b, f))]
            c.logout()
            b.logout()
        check("nothing is missing, nothing is doubled", not wrong, wrong)
        r = subprocess.run(command, capture_output=True, text=True, timeout=300)
        check("once more: nothing", r.returncode == 0 and r.stdout.splitlines()[-1].startswith("0 messages imported"), r.stdout)
        p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        r = subprocess.run(command, capture_output=True, text=True, timeout=300)
        out = p.communicate(timeout=300)[0]
        check("two at once do not mix", p.returncode in (0, 75) and r.returncode in (0, 75), out[-300:] + r.stdout[-300:])
        accounts.write_text(f"imaps://u0@127.0.0.1:{d.port['imaps']} nobody@{DOMAIN} pass:x\nimaps://u1@127.0.0.1:{d.port['imaps']} u1@{DOMAIN} pass:Secret.Enough-42\n")
        r = subprocess.run(command, capture_output=True, text=True, timeout=300)
        check("one that fails does not keep the others", r.returncode == 1 and "there is no user nobody" in r.stdout and "1 of 2 accounts failed" in r.stdout, r.stdout)
        accounts.write_text("imaps://u0@h\n")
        r = subprocess.run(command, capture_output=True, text=True, timeout=300)
        check("a line that makes no sense is told", r.returncode == 2 and "line 1" in r.stderr, r.stderr)
        check("the store is whole", subprocess.run([binary(), "check", "-d", str(s.data)], capture_output=True).returncode == 0)
    finally:
        s.stop()
        d.remove()


class FarAway(Listener):
    """A proxy on loopback: every octet comes so many seconds later, both ways."""

    def __init__(self, port, delay):
        self.to, self.delay = port, delay
        super().__init__()

    def serve(self, here):
        with socket.create_connection(("127.0.0.1", self.to)) as there:
            threads = []
            for a, b in ((here, there), (there, here)):
                line = queue.Queue()
                threads += [threading.Thread(target=self.receive, args=(a, line), daemon=True), threading.Thread(target=self.send, args=(b, line), daemon=True)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()

    def receive(self, s, line):
        octets = b"x"
        while octets:
            try:
                octets = s.recv(1 << 16)
            except OSError:
                octets = b""
            line.put((time.monotonic() + self.delay, octets))

    @staticmethod
    def send(s, line):
        try:
            while True:
                when, octets = line.get()
                time.sleep(max(0.0, when - time.monotonic()))
                if not octets:
                    s.shutdown(socket.SHUT_WR)
                    return
                s.sendall(octets)
        except OSError:
            pass


def far_away(template):
    """One account on a server that is 100 ms away, by one connection and by three; killed on the way too. The times are told, and judge nothing."""
    d = Dovecot()
    s = Server(template, None)
    far = None
    try:
        d.start()
        c = d.client("joe")
        folders = ["INBOX"] + [f"Project {k}" for k in range(24)]
        for k, folder in enumerate(folders):
            c.create(f'"{folder}"')
            for i in range(20 if k else 200):
                c.append(f'"{folder}"', "(\\Seen)" if i % 2 else "(\\Flagged x)", None, message(k * 1000 + i, 300 * (i % 20)))
        far = FarAway(d.port["imaps"], 0.05)
        options = ["--password-file", d.dir / "password", "--ca-file", d.dir / "cert.pem", f"imaps://joe@127.0.0.1:{far.port}"]
        took = {}
        for user, n in (("alice", 1), ("bob", 3)):
            for what in ("all", "again"):
                before, began = far.connections, time.monotonic()
                code, out = run_import(s.data, "--connections", n, *options, user=user)
                took[f"{n}, {what}"] = f"{time.monotonic() - began:.1f} s"
                check(f"far away, {n} connections: {what}", code == 0 and far.connections == before + n and
                      ("680 messages imported" if what == "all" else "0 messages imported") in out, (out, far.connections - before))
        kills = 0
        for pause in (0.5, 0.8, 1.1, 1.4, 1.7, 2.0):
            p = subprocess.Popen([binary(), "import", "-d", str(s.data), "--user", address("carol"), *map(str, options)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            time.sleep(pause)
            kills += p.poll() is None
            p.kill()
            p.wait()
        code, out = run_import(s.data, *options, user="carol")
        check(f"far away, three connections killed {kills} times, then left alone", code == 0 and kills, out)
        for user in USERS:
            b = imap(s, user)
            wrong = [f for f in folders if not same_instant(contents(c, f), contents(b, f))]
            check(f"far away: {user} has all of it once", not wrong, wrong)
            b.logout()
        c.logout()
        print("100 ms away, connections and time:", took)
    finally:
        if far:
            far.stop()
        s.stop()
        d.remove()


def main():
    template = Template(binary())
    try:
        attempt("from Troika", from_troika, template)
        attempt("beside a bin", beside_a_bin, template)
        if have_dovecot("from Dovecot"):
            attempt("from Dovecot", from_dovecot, template)
            attempt("through pipes", through_pipes, template)
            attempt("many", many, template)
            attempt("far away", far_away, template)
    finally:
        template.remove()
    finish()


main()
