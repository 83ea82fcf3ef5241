"""Troika as a host of the world: a peer like the others, whose users send through submission and read by IMAP."""
import base64
import email
import email.policy
import imaplib
import os
import re
import signal
import smtplib
import ssl
import subprocess
from pathlib import Path

from mails import ident_of
from peers import Peer
from world import PATIENCE, Failed, end, run, wait_for

LOOSE = ssl._create_unverified_context()
PASSWORD = "correct horse battery"
USERS = ("alice", "bob")
LISTEN = {"smtp": 25, "submission": 587, "imap": 143}


class Troika(Peer):
    def __init__(self, world, name="troika", number=10, binary=None, users=USERS):
        super().__init__(world, name, number)
        self.binary = str(Path(binary).resolve())
        self.data = self.dir / "data"
        self.conf = self.dir / "troika.conf"
        self.process, self.env = None, {}
        self.cli("init", "-d", self.data, "--domain", self.domain)
        for user in users:
            self.add_user(user)
        world.stops.append(self.close)

    def cli(self, *args, stdin=""):
        return run(self.binary, *args, input=stdin, env={**os.environ, **self.env})

    def zone(self):
        """Its operator publishes what `troika dkim show` says."""
        return super().zone() + self.cli("dkim", "show", self.domain, "-d", self.data)

    def add_user(self, user):
        self.cli("user", "add", self.address_of(user), "-d", self.data, "--password-file", "-", stdin=PASSWORD + "\n")

    def address_of(self, user):
        return f"{user}@{self.domain}"

    def configure(self, zones, **sections):
        """sections: name of a section = its lines; "top" = lines outside of all."""
        sections = {"dns": "", "tls": "", **sections}
        sections["dns"] += f'\nroot_hints = "{zones.hints}"\ntrust_anchor = "{zones.anchor}"\ntimeout = "30s"'
        sections["tls"] += f'\ncertificate = "{self.cert}"\nkey = "{self.key}"'
        text = f'hostname = "mx.{self.domain}"\n{sections.pop("top", "")}\n'
        self.conf.write_text(text + "".join(f"{name} {{\n{lines.strip()}\n}}\n" for name, lines in sections.items()))

    def start(self, **env):
        self.env = env or self.env
        listen = [w for proto, port in LISTEN.items() for w in ("--listen", f"{proto}=*:{port}")]
        self.process = self.world.start(self.name, self.binary, "serve", "-d", self.data, "--config", self.conf, *listen, env=self.env)
        for port in LISTEN.values():
            wait_for(f"port {port} of Troika", lambda p=port: self.process.poll() is not None or self.world.is_open(self.name, p))
        if self.process.poll() is not None:
            raise Failed(f"Troika ended with {self.process.returncode}: {self.log()[-600:]}")
        return self

    def stop(self):
        status = end(self.process)
        if status:
            raise Failed(f"Troika ended with {status}: {self.log()}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self, **env):
        self.stop()
        return self.start(**env)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def close(self):
        if self.process and self.process.poll() is None:
            self.stop()

    # ---- what a user does ----

    def plain(self, user):
        return f"\0{self.address_of(user)}\0{PASSWORD}".encode()

    def send(self, user, recipients, message, options=("BODY=8BITMIME",), rcpt_options=(), sender=None):
        """Through submission, with STARTTLS and AUTH; the refused recipients. Raises smtplib's errors."""
        def connect():
            return smtplib.SMTP(self.address, 587, local_hostname="laptop.example", timeout=PATIENCE)
        with self.world.as_user(connect) as s:
            s.starttls(context=LOOSE)
            s.ehlo()
            code, words = s.docmd("AUTH", "PLAIN " + base64.b64encode(self.plain(user)).decode())
            if code != 235:
                raise smtplib.SMTPAuthenticationError(code, words)
            return s.sendmail(self.address_of(user) if sender is None else sender, recipients, message, mail_options=list(options), rcpt_options=list(rcpt_options))

    def imap(self, user="alice"):
        c = self.world.as_user(lambda: imaplib.IMAP4(self.address, 143, timeout=PATIENCE))
        c.starttls(LOOSE)
        c.authenticate("PLAIN", lambda _: self.plain(user))
        return c

    def messages(self, user="alice", ident=None, mailbox="INBOX"):
        """Those of a mailbox as bytes: all, or those with that X-Ident."""
        c = self.imap(user)
        try:
            if c.select(mailbox, readonly=True)[0] != "OK":
                return []
            found = c.search(None, *(("HEADER", "X-Ident", f'"{ident}"') if ident else ("ALL",)))[1][0].split()
            data = c.fetch(b",".join(found), "(BODY.PEEK[])")[1] if found else []
            found = [d[1] for d in data if isinstance(d, tuple)]
            return [m for m in found if ident is None or ident_of(m) == ident]         # SEARCH finds parts of it too
        finally:
            c.logout()

    def notices(self, user="alice", about=None):
        """Delivery status notifications in a user's INBOX: of the message with that X-Ident, or all."""
        out = [Notice(m) for m in self.messages(user)]
        return [n for n in out if n.is_report and (about is None or n.ident == about)]

    def wait_notice(self, about, user="alice", action=None):
        def first():
            return next((n for n in self.notices(user, about) if action is None or any(r["Action"] == action for r in n.recipients)), None)
        return wait_for(f"a notice about {about}", first)

    # ---- what its operator does ----

    def queue(self, *words):
        return self.cli("queue", *words, "-d", self.data)

    def queued(self):
        """How many messages wait."""
        return int(re.search(r"^messages: (\d+)", self.queue("list"), re.M).group(1))

    def retry(self):
        """All that waits is tried now, also where nobody answered."""
        self.queue("retry", "--all")

    def wait_empty(self):
        wait_for("an empty queue", lambda: self.queued() == 0)

    def whole_log(self):
        return (self.world.root / f"{self.name}.log").read_text(errors="replace")

    def faults(self):
        """What `troika check` finds; nothing when all is well."""
        r = subprocess.run([self.binary, "check", "-d", str(self.data)], capture_output=True, text=True, timeout=PATIENCE)
        return "" if r.returncode == 0 else r.stdout + r.stderr


class Notice:
    """A message read as RFC 3464 has it: by Python's email package, which knows nothing of Troika."""

    def __init__(self, raw):
        self.message = email.message_from_bytes(raw, policy=email.policy.default)
        parts = list(self.message.iter_parts()) if self.message.is_multipart() else []
        self.is_report = (self.message.get_content_type() == "multipart/report" and len(parts) >= 2
                          and self.message.get_param("report-type") == "delivery-status")
        if not self.is_report:
            return
        self.text = parts[0].get_content() if parts[0].get_content_maintype() == "text" else ""
        blocks = status_blocks(parts[1])
        self.per_message, self.recipients = (blocks[0], blocks[1:]) if blocks else ({}, [])
        self.returned = parts[2] if len(parts) > 2 else None
        self.ident = original_ident(self.returned)


def status_blocks(part):
    """Python's email reads message/delivery-status, and takes message/global-delivery-status (RFC 6533) for a message."""
    if part.get_content_type() == "message/delivery-status":
        return part.get_payload()
    blocks = re.split(r"\n\n+", bytes(part.get_payload(0)).decode().replace("\r\n", "\n").strip())
    return [email.message_from_string(b + "\n", policy=email.policy.default) for b in blocks]


def original_ident(part):
    """X-Ident of the returned message, whole or its headers alone."""
    found = re.search(rb"^X-Ident: (\S+)", bytes(part), re.M) if part is not None else None
    return found.group(1).decode() if found else None
