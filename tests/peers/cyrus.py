"""Cyrus IMAP as Debian builds it, in a directory of its own, on loopback."""
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from debian import PATIENCE, await_port, free_port, stop, unpacked

USER = "mail"                            # Debian has it from the start
ADMIN = "cyrus"
PASSWORD = "Secret.Enough-42"
BIN = "usr/lib/cyrus/bin"
CONF = """configdirectory: {dir}/lib
partition-default: {dir}/spool
defaultpartition: default
cyrus_user: {user}
cyrus_group: {user}
admins: {admin}
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {dir}/sasldb2
sasl_mech_list: PLAIN
allowplaintext: yes
tls_server_cert: {dir}/cert.pem
tls_server_key: {dir}/key.pem
sievedir: {dir}/sieve
lmtpsocket: {dir}/lib/socket/lmtp
idlesocket: {dir}/lib/socket/idle
syslog_prefix: troika-test
{more}
"""
SERVICES = """START {{
  recover cmd="{bin}/ctl_cyrusdb -C {dir}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="{bin}/imapd -C {dir}/imapd.conf -U 30" listen="127.0.0.1:{imap}" prefork=1 maxchild=100
  lmtp cmd="{bin}/lmtpd -C {dir}/imapd.conf -a" listen="127.0.0.1:{lmtp}" prefork=0 maxchild=20
}}
EVENTS {{
}}
"""


class Cyrus:
    """start, login, stop or kill, start again, remove. users: those who can log in; add makes the mailbox of one. where: a directory of the caller's."""

    def __init__(self, users, more="altnamespace: no\nunixhierarchysep: no", where=None):
        self.root = unpacked("cyrus-common", "cyrus-imapd")
        self.dir = Path(where or tempfile.mkdtemp(prefix="troika-cyrus-"))
        self.dir.chmod(0o755)
        for name in ("lib/socket", "lib/db", "lib/log", "lib/proc", "lib/msg", "lib/lock", "spool", "sieve"):
            (self.dir / name).mkdir(parents=True)
        self.port, self.lmtp = free_port(), free_port()
        names = {"dir": self.dir, "bin": self.root / BIN, "user": USER, "admin": ADMIN, "imap": self.port, "lmtp": self.lmtp, "more": more}
        (self.dir / "imapd.conf").write_text(CONF.format(**names))
        (self.dir / "cyrus.conf").write_text(SERVICES.format(**names))
        (self.dir / "password").write_text(PASSWORD + "\n")
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(self.root / "usr/lib/x86_64-linux-gnu")}
        for user in (ADMIN, *users):
            subprocess.run(["saslpasswd2", "-p", "-c", "-f", self.dir / "sasldb2", "-u", socket.gethostname(), user], input=PASSWORD.encode(), check=True, timeout=60)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem"],
                       check=True, capture_output=True, timeout=120)
        who = pwd.getpwnam(USER)
        for path in (self.dir, *self.dir.rglob("*")):
            os.chown(path, who.pw_uid, who.pw_gid)
        self.proc, self.where = None, where

    def start(self):
        self.proc = subprocess.Popen([self.root / BIN / "master", "-C", self.dir / "imapd.conf", "-M", self.dir / "cyrus.conf", "-p", self.dir / "lib/master.pid", "-D"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.dir / "stderr", "ab"), env=self.environment,
                                     start_new_session=True)
        await_port(self.port, self.proc)

    def run(self, tool, *args, timeout=300):
        return subprocess.run([self.root / BIN / tool, "-C", self.dir / "imapd.conf", *args], capture_output=True, text=True, env=self.environment, timeout=timeout)

    def login(self, user):
        c = imaplib.IMAP4("127.0.0.1", self.port, timeout=PATIENCE)
        c.login(user, PASSWORD)
        return c

    def add(self, user):
        c = self.login(ADMIN)
        typ, why = c.create(f"user.{user}")
        c.logout()
        if typ != "OK":
            raise RuntimeError(f"Cyrus: user.{user}: {why}")

    def stop(self):
        stop(self.proc, signal.SIGTERM)

    def remove(self):
        if self.proc:
            self.stop()
        if not self.where:
            shutil.rmtree(self.dir, ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)
