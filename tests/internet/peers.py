"""Neighbours in the world: Postfix, Exim and OpenSMTPD of Debian, each on a host of its own, keeping mail as files.

All accept mail for their own domain (any local part but `nobody`) and, from 127.0.0.1 of their own host, send to the world.
"""
import fcntl
import os
import pwd
import shutil
import smtplib
import subprocess
from pathlib import Path

from world import PATIENCE, Failed, run, unpack


def need_user(name):
    with open("/var/lock/troika-tests-users", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)                      # another scenario may be at it
        return made_user(name)


def made_user(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        run("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", "-U", name)
        return pwd.getpwnam(name)


EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def certificate(folder, *names, days=30, kind=EC):
    """A self-signed certificate; returns (certificate, key)."""
    folder.mkdir(parents=True, exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    run("openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", days, "-subj", f"/CN={names[0]}",
        "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names), "-keyout", key, "-out", cert)
    key.chmod(0o644)
    return cert, key


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder):
        self.dir = folder
        folder.mkdir(parents=True)
        self.root, self.root_key = folder / "root.pem", folder / "root.key"
        run("openssl", "req", "-x509", "-newkey", *EC, "-nodes", "-days", "30", "-subj", "/CN=Test Root", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign", "-keyout", self.root_key, "-out", self.root)

    def issue(self, *names):
        """(certificate chain with the root, key), and the leaf's SPKI digest."""
        base = self.dir / names[0]
        key, request, cert, extensions = (base.with_name(base.name + end) for end in (".key", ".csr", ".pem", ".ext"))
        extensions.write_text("subjectAltName=" + ",".join("DNS:" + n for n in names) + "\nbasicConstraints=CA:FALSE\n")
        run("openssl", "req", "-newkey", *EC, "-nodes", "-subj", f"/CN={names[0]}", "-keyout", key, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self.root_key, "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", cert)
        with open(cert, "a", encoding="ascii") as f:
            f.write(self.root.read_text())
        key.chmod(0o644)
        return cert, key


def spki_digest(cert):
    """What a TLSA record with selector 1 and matching type 1 holds."""
    return subprocess.run(f"openssl x509 -in {cert} -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum", shell=True, capture_output=True, text=True,
                          check=True).stdout.split()[0]


class Peer:
    """name: of the host; domain: NAME.example."""
    key_kind = EC
    has_tls = True
    extensions = frozenset(("SMTPUTF8",))

    def __init__(self, world, name, number):
        self.world, self.name, self.domain = world, name, f"{name}.example"
        self.address = world.host(name, number)
        self.dir = world.root / name
        self.dir.mkdir()
        self.mail = self.dir / "mail"
        self.mail.mkdir()
        self.mail.chmod(0o777)
        self.cert, self.key = certificate(self.dir / "tls", self.domain, f"mx.{self.domain}", kind=self.key_kind)

    def zone(self):
        return f"@ MX 10 mx\nmx A {self.address}\n@ TXT \"v=spf1 mx -all\"\n"

    def zones(self):
        """All that are this host's."""
        return {self.domain + ".": self.zone()}

    def copies(self, recipients):
        """How many files a message to so many recipients becomes."""
        return recipients

    def tlsa(self):
        return f"_25._tcp.mx TLSA 3 1 1 {spki_digest(self.cert)}\n"

    def messages(self):
        """All that was delivered here, as bytes."""
        return [f.read_bytes() for f in sorted(self.mail.rglob("*")) if f.is_file() and f.parent.name in ("new", "cur")]

    def send(self, sender, recipients, message, options=("BODY=8BITMIME",)):
        """Gives a message to this server as one of its own users would."""
        def go():
            with smtplib.SMTP(self.address, 25, local_hostname="localhost", timeout=PATIENCE) as s:
                return s.sendmail(sender, recipients, message, mail_options=list(options))
        return self.world.inside(self.name, go)

    def logs(self):
        return [self.world.root / f"{self.name}.log"]

    def whole_log(self):
        return "".join(f.read_text(errors="replace") for f in self.logs() if f.exists())

    def log(self):
        return self.whole_log()[-3000:]


class Postfix(Peer):
    def start(self, **settings):
        etc, need = self.dir / "etc", need_user("postfix")
        etc.mkdir(exist_ok=True)
        for folder in ("queue", "data"):
            (self.dir / folder).mkdir(exist_ok=True)
        os.chown(self.dir / "data", need.pw_uid, need.pw_gid)
        users = etc / "users"
        users.write_text("if !/^nobody@/\n/./ all/\nendif\n")
        main = {
            "compatibility_level": "3.6", "queue_directory": self.dir / "queue", "data_directory": self.dir / "data", "myhostname": f"mx.{self.domain}",
            "mydestination": "", "mynetworks": f"127.0.0.0/8 {self.address}/32", "virtual_mailbox_domains": self.domain, "virtual_mailbox_base": self.mail,
            "virtual_mailbox_maps": f"regexp:{users}", "virtual_uid_maps": f"static:{need.pw_uid}", "virtual_gid_maps": f"static:{need.pw_gid}",
            "inet_protocols": "ipv4", "inet_interfaces": "all", "smtpd_tls_cert_file": self.cert, "smtpd_tls_key_file": self.key,
            "smtpd_tls_security_level": "may", "smtp_tls_security_level": "may", "smtpd_relay_restrictions": "permit_mynetworks,reject_unauth_destination",
            "maillog_file": self.world.root / f"{self.name}.log", "maillog_file_prefixes": "/var,/tmp,/dev/stdout", "minimal_backoff_time": "5s",
            "maximal_backoff_time": "20s", "queue_run_delay": "5s", "disable_vrfy_command": "no", "smtpd_peername_lookup": "no", "virtual_minimum_uid": "1",
            "alias_maps": "", "smtp_dns_support_level": "enabled", "smtp_host_lookup": "dns", **settings}
        (etc / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in main.items()))
        master = Path("/usr/share/postfix/master.cf.dist").read_text()
        lines = [line for line in master.splitlines() if line.strip() and not line.startswith("#")]
        (etc / "master.cf").write_text("\n".join(unchroot(line) for line in lines) + "\npostlog unix-dgram n - n - 1 postlogd\n")
        self.world.on(self.name, "postfix", "-c", etc, "start")
        self.world.stops.append(lambda: self.world.on(self.name, "postfix", "-c", etc, "stop", check=False))
        self.world.wait_port(self.name, 25)
        return self

    def flush(self):
        self.world.on(self.name, "postqueue", "-c", self.dir / "etc", "-f")

    def queued(self):
        out = self.world.on(self.name, "postqueue", "-c", self.dir / "etc", "-j", check=False)
        return len(out.splitlines())


def unchroot(line):
    """postlog is set by ourselves; nothing runs in a chroot."""
    words = line.split()
    if line.startswith((" ", "\t")) or len(words) < 8:
        return line
    if words[0] == "postlog":
        return ""
    words[4] = "n"
    return " ".join(words)


class Unpacked(Peer):
    """A server whose package cannot be installed beside the others: laid over /usr in the mount namespace that it is started in."""

    def start_over(self, command):
        root = unpack()
        return self.world.start(self.name, "sh", "-c", f"mount -t overlay overlay -o lowerdir={root}/usr:/usr /usr && exec {command}")


class Exim(Unpacked):
    def start(self):
        user = need_user("Debian-exim")
        for folder in ("spool", "log"):
            (self.dir / folder).mkdir()
            os.chown(self.dir / folder, user.pw_uid, user.pw_gid)
        conf = self.dir / "exim.conf"
        conf.write_text(f"""
primary_hostname = mx.{self.domain}
spool_directory = {self.dir}/spool
log_file_path = {self.dir}/log/%slog
domainlist local_domains = {self.domain}
hostlist own = 127.0.0.1 : {self.address}
acl_smtp_rcpt = check_rcpt
tls_advertise_hosts = *
tls_certificate = {self.cert}
tls_privatekey = {self.key}
daemon_smtp_ports = 25
local_interfaces = 0.0.0.0
host_lookup =
disable_ipv6 = true
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
never_users =
begin acl
check_rcpt:
  accept hosts = +own
  deny domains = +local_domains
    local_parts = nobody
    message = 5.1.1 unknown user
  accept domains = +local_domains
  deny message = relay not permitted
begin routers
world:
  driver = dnslookup
  domains = ! +local_domains
  transport = remote
  no_more
here:
  driver = accept
  transport = maildir
begin transports
remote:
  driver = smtp
maildir:
  driver = appendfile
  directory = {self.mail}/all
  maildir_format
  create_directory
  delivery_date_add
  envelope_to_add
  return_path_add
  user = Debian-exim
begin retry
* * F,1h,10s
""")
        conf.chmod(0o644)
        self.start_over(f"/usr/sbin/exim4 -C {conf} -bdf -q10s")
        self.world.wait_port(self.name, 25)
        return self

    def logs(self):
        return [self.dir / "log" / "mainlog", *super().logs()]


class OpenSMTPD(Unpacked):
    """That of Debian 12 says STARTTLS when it has a key, and then every handshake fails: its way of keeping keys in a process apart does not
    go together with OpenSSL 3. So it has none, but where a peer with broken TLS is wanted."""
    key_kind = ("rsa:2048",)
    has_tls = False
    extensions = frozenset()

    def start(self, broken_tls=False):
        need_user("opensmtpd")
        need_user("opensmtpq")
        user = need_user("vmail-test")
        os.chown(self.mail, user.pw_uid, user.pw_gid)
        (self.dir / "passwd").write_text(f"@: {user.pw_uid}:{user.pw_gid}:/\n")
        conf = self.dir / "smtpd.conf"
        conf.write_text(f"""
{f'pki mx.{self.domain} cert "{self.cert}"' if broken_tls else ""}
{f'pki mx.{self.domain} key "{self.dir}/tls/private.pem"' if broken_tls else ""}
table all {{ "@" = "vmail-test" }}
smtp max-message-size 40M
listen on 0.0.0.0 port 25 hostname mx.{self.domain} {f"tls pki mx.{self.domain}" if broken_tls else ""}
action "keep" maildir "{self.mail}/all" virtual <all>
action "send" relay helo mx.{self.domain}
match from any for domain "{self.domain}" ! rcpt-to "nobody@{self.domain}" action "keep"
match from src {{ 127.0.0.1, {self.address} }} for any action "send"
""")
        private = self.dir / "tls" / "private.pem"
        shutil.copy(self.key, private)
        private.chmod(0o600)
        # its folders are fixed at compile time: they are made in a /var of its own
        var = self.dir / "var"
        for folder in ("lib/opensmtpd/empty", "spool/smtpd", "run", "mail", "log"):
            (var / folder).mkdir(parents=True)
        (var / "spool/smtpd").chmod(0o711)
        (var / "run").rmdir()
        (var / "run").symlink_to("/run")
        self.start_over(f"sh -c 'mount --bind {var} /var && exec /usr/sbin/smtpd -d -f {conf}'")
        self.world.wait_port(self.name, 25)
        return self


KINDS = {"postfix": Postfix, "exim": Exim, "opensmtpd": OpenSMTPD}
__all__ = ["Postfix", "Exim", "OpenSMTPD", "KINDS", "Failed", "certificate"]
