"""The servers side by side: Troika, and Dovecot with Postfix in front. Each with a configuration and data of its own
below one temporary directory, on loopback ports; stop() ends what start() started and nothing else."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PASSWORD = "Secret.Enough-42"
DOMAIN = "example.org"
MAIL_UID = 5000                 # who owns Dovecot's mail; needs no entry in /etc/passwd
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, log):
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end or process.poll() is not None:
                raise RuntimeError(f"nothing listens on port {port}; {log} ends:\n{tail(log)}") from None
            time.sleep(0.05)


def tail(path, octets=1500):
    try:
        return Path(path).read_bytes()[-octets:].decode(errors="replace")
    except OSError as e:
        return str(e)


def run(*command, stdin=None, timeout=600, env=None):
    r = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, timeout=timeout,
                       env={**os.environ, **(env or {})})
    if r.returncode:
        raise RuntimeError(f"{' '.join(str(c) for c in command)}: exit {r.returncode}: "
                           f"{(r.stderr or r.stdout).decode(errors='replace')[-800:]}")
    return r.stdout.decode(errors="replace")


def family(roots):
    """The processes and all their descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path("/proc", name, "stat").read_text()
                parents[int(name)] = int(stat.rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    found = set(roots)
    while more := {p for p, parent in parents.items() if parent in found} - found:
        found |= more
    return found & (set(parents) | set(roots))


def cpu_seconds(roots):
    """User and system time of the family, also of its members that have ended."""
    ticks = 0
    for pid in family(roots):
        try:
            ticks += sum(int(x) for x in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15])
        except OSError:
            pass
    return ticks / TICK


def pss_kb(roots):
    """Proportional memory of the family: what is shared is counted once."""
    total = 0
    for pid in family(roots):
        try:
            total += int(re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text()).group(1))
        except (OSError, AttributeError):
            pass
    return total


def end_process(process, seconds=15):
    if process and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """What the lines need of a server: ports, processes, filling. setup() once, then start() and stop() as often as wanted."""
    name = ""

    def __init__(self, place, certificate):
        self.dir = Path(place, self.name.lower())
        self.dir.mkdir()
        self.certificate = certificate
        self.port = {p: free_port() for p in ("smtp", "lmtp", "imap", "imaps", "pop3", "sink", "down")}
        self.processes = []

    def roots(self):
        return [p.pid for p in self.processes]

    def cpu(self):
        return cpu_seconds(self.roots())

    def pss(self):
        return pss_kb(self.roots())

    def stop(self):
        for process in reversed(self.processes):
            end_process(process)
        self.processes = []

    def forget(self):
        """Removes what the server keeps to answer faster next time, while it is stopped."""

    def rest(self, seconds=120):
        """Waits until it has done what it does in the background after a change, indexing for instance."""
        end, used = time.monotonic() + seconds, self.cpu()
        while time.monotonic() < end:
            time.sleep(1)
            before, used = used, self.cpu()
            if used - before < 0.02:
                return

    def spawn(self, *command, log, env=None):
        process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=open(log, "ab"),
                                   stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
                                   start_new_session=True)
        self.processes.append(process)
        return process


class Troika(Server):
    name = "Troika"

    def __init__(self, place, certificate, binary):
        super().__init__(place, certificate)
        self.binary, self.data = binary, self.dir / "data"
        self.log = self.dir / "log"

    def config(self):
        """Shipped settings, but for passwords without TLS and many connections of one user."""
        return (f'hostname = "mail.{DOMAIN}"\n'
                'auth { allow_plain_without_tls = true }\n'
                'limits { connections_per_user = "100000" }\n'
                # what Postfix is given too: mail from this machine goes out, to a sink, and to a server that is down
                'smtp { relay_from = "127.0.0.0/8" }\n'
                f'outbound {{ routes = {{ "relay.test smtp:[127.0.0.1]:{self.port["sink"]} tls=none", "down.test smtp:[127.0.0.1]:{self.port["down"]} tls=none" }} }}\n'
                f'tls {{ certificate = "{self.certificate}.pem" key = "{self.certificate}.key" }}\n')

    def setup(self, users):
        run(self.binary, "init", "-d", self.data, "--domain", DOMAIN)
        for user in users:
            run(self.binary, "user", "add", f"{user}@{DOMAIN}", "-d", self.data, "--password-file", "-",
                stdin=PASSWORD.encode() + b"\n")
        (self.dir / "bench.conf").write_text(self.config())

    def start(self):
        serves = {p: n for p, n in self.port.items() if p not in ("sink", "down")}
        listen = [a for p, n in serves.items() for a in ("--listen", f"{p}=127.0.0.1:{n}")]
        process = self.spawn(self.binary, "serve", "-d", self.data, "--config", self.dir / "bench.conf", *listen, log=self.log)
        for port in serves.values():
            wait_port(port, process, self.log)

    def empty_queue(self):
        run(self.binary, "queue", "drop", "--all", "-d", self.data)

    def fill(self, user, mbox):
        run(self.binary, "import", "-d", self.data, "--user", f"{user}@{DOMAIN}", mbox)

    def version(self):
        return run(self.binary, "version").splitlines()[0].strip()


DOVECOT_CONF = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
default_process_limit = 20000
default_client_limit = 12000
default_vsz_limit = 0
disable_plaintext_auth = no
auth_mechanisms = plain
auth_cache_size = 10M
auth_cache_ttl = 1 hour
auth_failure_delay = 0
ssl = yes
ssl_cert = <{cert}.pem
ssl_key = <{cert}.key
mail_location = {format}:~/mail
first_valid_uid = {uid}
mail_max_userip_connections = 100000
passdb {{
  driver = passwd-file
  args = username_format=%u {dir}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {dir}/users
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
  service_count = 0
  process_min_avail = {cores}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
  service_count = 0
  process_min_avail = {cores}
}}
service imap {{
  process_limit = 12000
  process_min_avail = {cores}
}}
service lmtp {{
  unix_listener {dir}/lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    port = {lmtp}
  }}
  process_min_avail = {cores}
}}
"""

POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/postfix/queue
data_directory = {dir}/postfix/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.{domain}
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{dir}/postfix/mailboxes
virtual_transport = lmtp:unix:{dir}/lmtp
smtpd_peername_lookup = no
in_flow_delay = 0
default_process_limit = 200
lmtp_destination_concurrency_limit = 40
initial_destination_concurrency = 40
lmtp_connection_cache_destinations = unix:{dir}/lmtp
transport_maps = inline:{{ {{ relay.test = smtp:[127.0.0.1]:{sink} }}, {{ down.test = smtp:[127.0.0.1]:{down} }} }}
smtp_destination_concurrency_limit = 40
smtp_connection_cache_destinations = [127.0.0.1]:{sink}
smtp_tls_security_level = none
"""

POSTFIX_MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
postlog   unix-dgram n  -       n       -       1       postlogd
"""


class Peer(Server):
    """Dovecot (IMAP, POP3, LMTP) with Postfix in front (SMTP, queue), as Debian builds them."""
    name = "Dovecot"

    def __init__(self, place, certificate, mail_format="sdbox"):
        super().__init__(place, certificate)
        self.format = mail_format
        self.dir.chmod(0o755)
        self.doveadm_conf = self.dir / "dovecot.conf"

    def setup(self, users):
        for sub in ("run", "home", "postfix", "postfix/queue", "postfix/data"):
            (self.dir / sub).mkdir()
        os.chown(self.dir / "home", MAIL_UID, MAIL_UID)
        shutil.chown(self.dir / "postfix/data", "postfix", "postfix")
        # Salted SHA-256 costs nothing beside the rest of a login: Troika remembers a password that was right, Dovecot 2.3
        # hashes at each login; this takes the hash out of the comparison. User "slow" has what Dovecot makes by default.
        hashed = {u: run("doveadm", "pw", "-s", "BLF-CRYPT" if u == "slow" else "SSHA256", "-p", PASSWORD).strip()
                  for u in ("slow", "any")}
        lines = [f"{u}@{DOMAIN}:{hashed['slow' if u == 'slow' else 'any']}:{MAIL_UID}:{MAIL_UID}::{self.dir}/home/{u}::\n" for u in users]
        (self.dir / "users").write_text("".join(lines))
        (self.dir / "postfix/mailboxes").write_text("".join(f"{u}@{DOMAIN} x\n" for u in users))
        self.doveadm_conf.write_text(DOVECOT_CONF.format(
            dir=self.dir, cert=self.certificate, format=self.format, uid=MAIL_UID, cores=os.cpu_count(), **self.port))
        (self.dir / "postfix/main.cf").write_text(POSTFIX_MAIN.format(dir=self.dir, domain=DOMAIN, **self.port))
        (self.dir / "postfix/master.cf").write_text(POSTFIX_MASTER.format(**self.port))
        run("postfix", "-c", self.dir / "postfix", "check")         # makes the queue directories

    def start(self):
        log = self.dir / "dovecot.log"
        dovecot = self.spawn("dovecot", "-F", "-c", self.doveadm_conf, log=log)
        for proto in ("imap", "imaps", "pop3", "lmtp"):
            wait_port(self.port[proto], dovecot, log)
        postfix = self.spawn("/usr/lib/postfix/sbin/master", "-c", self.dir / "postfix", "-d", log=self.dir / "postfix.err",
                             env={"MAIL_CONFIG": str(self.dir / "postfix")})
        wait_port(self.port["smtp"], postfix, self.dir / "postfix.err")

    def empty_queue(self):
        run("postsuper", "-c", self.dir / "postfix", "-d", "ALL")

    def forget(self):
        for path in (self.dir / "home").rglob("dovecot.index.cache"):
            path.unlink()

    def fill(self, user, mbox):
        """mail_fsync off for this: the filling is not measured."""
        place = self.dir / "import"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        os.link(mbox, place / "inbox")
        for path in (place, place / "inbox"):
            os.chown(path, MAIL_UID, MAIL_UID)
        run("doveadm", "-c", self.doveadm_conf, "-o", "mail_fsync=never", "import", "-u", f"{user}@{DOMAIN}",
            f"mbox:{place}:INBOX={place}/inbox:INDEX=MEMORY", "", "ALL")

    def version(self):
        return (f"Dovecot {run('dovecot', '--version').split()[0]} ({self.format}), "
                f"Postfix {run('postconf', '-h', 'mail_version').strip()}")
