#!/usr/bin/env python3
"""The command line: every subcommand, its exit codes and errors, beside a running server; reload; import and export.
Usage: admin.py PATH/TO/troika"""
import imaplib
import os
import shutil
import signal
import smtplib
import ssl
import subprocess

from common import DOMAIN, PATIENCE, USERS, Server, Template, address, attempt, binary, check, count, finish, imap, pop3, scratch, smtp

HERE = scratch()


class Cli:
    def __init__(self, path, data):
        self.path, self.data = path, str(data)

    def __call__(self, *words, stdin=b""):
        return subprocess.run([self.path, *map(str, words)], input=stdin, capture_output=True, timeout=120)

    def on(self, *words, stdin=b""):
        return self(*words, "-d", self.data, stdin=stdin)


def says(name, r, status, text):
    check(name, r.returncode == status and text.encode() in r.stdout + r.stderr, (r.returncode, r.stdout[-200:], r.stderr[-300:]))


def usage(cli):
    for command in ("init", "user", "domain", "alias", "group", "dkim", "serve", "import", "export", "queue", "search", "audit", "check", "version"):
        says(f"troika {command} --help", cli(command, "--help"), 0, f"troika {command}")
    says("troika without words", cli(), 2, "usage")
    says("an unknown command", cli("frobnicate"), 2, "frobnicate")
    says("an unknown option", cli("serve", "--frobnicate"), 2, "--frobnicate")
    says("an option in the wrong place", cli.on("user", "list", "--repair"), 2, "--repair")
    says("no -d", cli("user", "list"), 2, "-d DIR")
    says("version", cli("version"), 0, "troika ")
    says("a directory without a store", cli("user", "list", "-d", HERE / "nothing"), 1, "troika init")
    says("init twice", cli.on("init", "--domain", DOMAIN), 1, "already")
    says("a bad --listen", cli.on("serve", "--listen", "imap=1143"), 2, "ADDRESS:PORT")
    says("a bad configuration", cli.on("serve", "--config", write("bad.conf", "hostnam = \"x\"\n")), 1, "hostnam")


def write(name, text):
    path = HERE / name
    path.write_text(text)
    return path


def users(cli, server):
    says("user add", cli.on("user", "add", address("dave"), "--password-file", "-", stdin=b"a good password\n"), 0, "")
    says("user add twice", cli.on("user", "add", address("dave"), "--password-file", "-", stdin=b"a good password\n"), 1, "already")
    says("user add in a foreign domain", cli.on("user", "add", "x@elsewhere.test", "--password-file", "-", stdin=b"a good password\n"), 1, "elsewhere.test")
    says("a short password", cli.on("user", "add", address("erin"), "--password-file", "-", stdin=b"short\n"), 1, "8")
    says("a password from a file", cli.on("user", "add", address("erin"), "--password-file", write("pw", "another good one\n")), 0, "")
    says("user list", cli.on("user", "list"), 0, address("erin"))
    c = imaplib.IMAP4_SSL("127.0.0.1", server.port["imaps"], ssl_context=ssl._create_unverified_context())
    check("the new user can log in at once", c.login(address("dave"), "a good password")[0] == "OK")
    c.logout()
    says("user passwd", cli.on("user", "passwd", address("dave"), "--password-file", "-", stdin=b"a better password\n"), 0, "")
    c = imaplib.IMAP4_SSL("127.0.0.1", server.port["imaps"], ssl_context=ssl._create_unverified_context())
    try:
        old = c.login(address("dave"), "a good password")[0]
    except imaplib.IMAP4.error:
        old = "NO"
    check("the old password is dead at once", old == "NO")
    check("the new one lives", c.login(address("dave"), "a better password")[0] == "OK")
    c.logout()
    raw = b"".join(p.read_bytes() for p in (server.data / "store").rglob("*") if p.is_file() and p.stat().st_size < 50_000_000)
    check("no password is in the store in the clear", b"a better password" not in raw and USERS["alice"].encode() not in raw)
    says("user quota", cli.on("user", "quota", address("erin"), "1k"), 0, "")
    says("a bad quota", cli.on("user", "quota", address("erin"), "much"), 1, "much")
    says("user list shows it", cli.on("user", "list"), 0, "of 1024")
    check("over quota is refused for now", refused_code(server, address("erin"), b"Subject: big\r\n\r\n" + b"x" * 1100 + b"\r\n") == 452)
    says("user del", cli.on("user", "del", address("erin")), 0, "")
    says("user del twice", cli.on("user", "del", address("erin")), 1, "")


def refused_code(server, to, mail=b"Subject: x\r\n\r\nx\r\n"):
    with smtp(server) as c:
        try:
            c.sendmail("x@example.net", [to], mail)
        except smtplib.SMTPRecipientsRefused as e:
            return list(e.recipients.values())[0][0]
        except smtplib.SMTPDataError as e:
            return e.smtp_code
    return 250


def addresses(cli, server):
    check("an unknown domain is no relay", refused_code(server, "x@second.test") == 554)
    says("domain add", cli.on("domain", "add", "second.test"), 0, "troika dns print second.test")
    check("now its users are unknown", refused_code(server, "x@second.test") == 550)
    says("domain list", cli.on("domain", "list"), 0, "second.test")
    says("alias add", cli.on("alias", "add", "team@second.test", address("alice"), address("bob")), 0, "")
    says("alias list", cli.on("alias", "list"), 0, "team@second.test")
    before = count(server, "alice"), count(server, "bob")
    check("mail to the alias is taken", refused_code(server, "team@second.test") == 250)
    check("both have it", (count(server, "alice"), count(server, "bob")) == (before[0] + 1, before[1] + 1))
    check("subaddress", refused_code(server, f"alice+shop@{DOMAIN}") == 250 and count(server, "alice") == before[0] + 2)
    says("alias add: catch-all", cli.on("alias", "add", "@second.test", address("carol")), 0, "")
    check("catch-all", refused_code(server, "anybody@second.test") == 250 and count(server, "carol") == 1)
    check("postmaster", refused_code(server, "postmaster") == 250)
    says("alias del", cli.on("alias", "del", "team@second.test"), 0, "")
    says("alias del: catch-all", cli.on("alias", "del", "@second.test"), 0, "")
    check("gone", refused_code(server, "team@second.test") == 550)
    says("domain del", cli.on("domain", "del", "second.test"), 0, "")


def groups(cli, server):
    members = b"# the team\nfriend@elsewhere.test\n\n  " + address("bob").encode() + b"\n"
    says("group add", cli.on("group", "add", f"team@{DOMAIN}", "owner=" + address("alice"), "post=members", "description=The team"), 0, "")
    says("group add: the name is taken", cli.on("group", "add", address("alice")), 1, "exists")
    says("group add: no such setting", cli.on("group", "add", f"x@{DOMAIN}", "colour=red"), 1, "no setting 'colour'")
    says("group join", cli.on("group", "join", f"team@{DOMAIN}", address("bob"), "--file", "-", stdin=members), 0, "2 joined")
    says("group join: no address", cli.on("group", "join", f"team@{DOMAIN}", "nobody"), 1, "is not an address")
    says("group set: the rest stays", cli.on("group", "set", f"team@{DOMAIN}", "reply-to=list", "size=1M"), 0, "")
    shown = cli.on("group", "show", f"team@{DOMAIN}")
    for line in ("description=The team", "owner=" + address("alice"), "post=members", "reply-to=list", "size=1048576", "members: 2, disabled: 0"):
        says(f"group show: {line}", shown, 0, line)
    says("group list", cli.on("group", "list"), 0, f"team@{DOMAIN} 2 members")
    check("a stranger may not write", refused_code(server, f"team@{DOMAIN}") == 550)
    says("group set: anyone may write", cli.on("group", "set", f"team@{DOMAIN}", "post=anyone"), 0, "")
    check("now a stranger may", refused_code(server, f"team@{DOMAIN}") == 250)
    check("its owner has an address", refused_code(server, f"team-owner@{DOMAIN}") == 250)
    says("group leave", cli.on("group", "leave", f"team@{DOMAIN}", address("bob"), "stranger@elsewhere.test"), 0, "1 left")
    says("group del", cli.on("group", "del", f"team@{DOMAIN}"), 0, "")
    check("gone", refused_code(server, f"team@{DOMAIN}") == 550)


def signing(cli):
    """Keys of a domain from its making to the end of the first ones."""
    says("dkim show: a new domain has keys", cli.on("dkim", "show", DOMAIN), 0, f"._domainkey.{DOMAIN}. IN TXT (")
    says("dkim list: they sign", cli.on("dkim", "list"), 0, "active since")
    first = [line.split()[1] for line in cli.on("dkim", "list", DOMAIN).stdout.decode().splitlines()]
    check("an RSA and an Ed25519 key", len(first) == 2, first)
    says("dkim rotate", cli.on("dkim", "rotate", DOMAIN), 0, "troika dkim activate")
    says("dkim add", cli.on("dkim", "add", DOMAIN, "--algorithm", "rsa", "--selector", "mine"), 0, f"mine._domainkey.{DOMAIN}. IN TXT (")
    says("dkim add: the selector is taken", cli.on("dkim", "add", DOMAIN, "--algorithm", "rsa", "--selector", "MINE"), 1, "selector")
    says("dkim add: no such algorithm", cli.on("dkim", "add", DOMAIN, "--algorithm", "dsa"), 1, "ed25519")
    says("dkim activate", cli.on("dkim", "activate", DOMAIN, "mine"), 0, "")
    says("dkim retire", cli.on("dkim", "retire", DOMAIN, *first), 0, "")
    says("dkim list: until when", cli.on("dkim", "list", DOMAIN), 0, "retired since")
    says("dkim del", cli.on("dkim", "del", DOMAIN, *first), 0, "")
    says("dkim del: they are gone", cli.on("dkim", "del", DOMAIN, *first), 1, "has no key")
    says("dkim show: no such domain", cli.on("dkim", "show", "elsewhere.test"), 1, "no domain")


def moving(cli, server):
    c = imap(server)
    c.create("Archive/2026")
    c.append("INBOX", r"(\Seen \Flagged $Forwarded Work-1)", '"17-Jul-2009 02:44:25 -0700"', b"Subject: flagged\r\n\r\nFrom here\r\n>From there\r\n")
    c.logout()
    n = count(server)
    for kind in ("mbox", "maildir"):
        out = HERE / f"out-{kind}"
        says(f"export {kind} while serving", cli.on("export", "--user", address("alice"), "--to", kind, out), 0, "messages exported")
        says(f"export {kind} does not overwrite", cli.on("export", "--user", address("alice"), "--to", kind, out), 1, "exist")
        source = out / "INBOX.mbox" if kind == "mbox" else out
        says(f"import {kind} while serving", cli.on("import", "--user", address("bob"), "--mailbox", f"From-{kind}", source), 0, "messages imported")
        check(f"import {kind}: all are there", count(server, "bob", f"From-{kind}") == n, (count(server, "bob", f"From-{kind}"), n))
    a, b = imap(server), imap(server, "bob")
    a.select("INBOX", readonly=True)
    want = sorted(d[1] for d in a.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(d, tuple))
    for kind in ("mbox", "maildir"):
        b.select(f"From-{kind}", readonly=True)
        got = sorted(d[1] for d in b.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(d, tuple))
        check(f"{kind}: every byte survived", got == want, (len(got), len(want)))
    got = b.search(None, "KEYWORD", "$Forwarded", "KEYWORD", "Work-1", "SUBJECT", "flagged")[1]
    check("maildir: keywords survived", got != [b""] and len(b.search(None, "KEYWORD", "Work-1")[1][0].split()) == 1, got)
    check("maildir: the date survived", b'"17-Jul-2009 09:44:25 +0000"' in b.fetch(got[0].split()[0], "(INTERNALDATE)")[1][0])
    check("maildir: flags survived", b.search(None, "FLAGGED", "SEEN", "SUBJECT", "flagged")[1] != [b""])
    a.logout()
    b.logout()
    says("import of nonsense", cli.on("import", "--user", address("bob"), "/etc/passwd"), 1, "mbox")
    says("import for nobody", cli.on("import", "--user", "nobody@x", HERE / "out-mbox/INBOX.mbox"), 1, "nobody@x")
    says("check while serving", cli.on("check"), 0, "0 faults")


def odd_sources(cli, server):
    """What cannot be imported is told; all else comes."""
    maildir, box = HERE / "odd", HERE / "odd.mbox"
    c = imap(server, "carol")
    c.append("INBOX", None, None, b"Subject: gone\r\n\r\n")
    c.select("INBOX")
    c.store("1:*", "+FLAGS", r"(\Deleted)")
    c.expunge()                                               # now there is a mailbox of deleted messages
    c.logout()
    for sub in ("cur", "new", "tmp", ".Below/cur", ".Below/new", ".None/cur"):
        (maildir / sub).mkdir(parents=True)
    for i in range(5):
        (maildir / "cur" / f"{i}.x:2,S").write_text(f"Subject: {i}\n\nhere\n")
        (maildir / ".Below" / "new" / f"{i}.x").write_text(f"Subject: {i}\n\nbelow\n")
    (maildir / "cur" / "1.folder").mkdir()
    (maildir / "cur" / "2.link").symlink_to("/etc/passwd")
    os.mkfifo(maildir / "cur" / "3.pipe")
    with open(maildir / "new" / "4.large", "wb") as f:
        f.truncate(70 << 20)
    for i, name in enumerate((".100% sure", ".a&AAo-b", ".Recently Deleted", ".Recently Deleted.below")):
        (maildir / name / "cur").mkdir(parents=True)
        (maildir / name / "cur" / "1.x:2,").write_text(f"Subject: odd {i}\n\nhere\n")
    imported = cli.on("import", "--user", address("carol"), maildir)
    says("a Maildir with things that are no messages", imported, 1, "14 messages imported, 4 failed")
    for name in ("1.folder", "2.link", "3.pipe", "4.large"):
        says(f"{name} is told", imported, 1, name)
    for folder, n in (("INBOX", 5), ("Below", 5), ('"100_ sure"', 1), ("a_b", 1), ('"Recently Deleted~2"', 1), ('"Recently Deleted~2/below"', 1)):
        check(f"{folder}: all messages are there", count(server, "carol", folder) == n, (count(server, "carol", folder), imported))
    with open(box, "wb") as f:
        for i in range(100):
            f.write(b"From a@example.net Thu Aug 22 12:36:23 2002\nSubject: %d\n\n%s\n\n" % (i, b"x" * (70 << 20) if i == 40 else b"short"))
    imported = cli.on("import", "--user", address("carol"), "--mailbox", "Large", box)
    says("an mbox with a message that is too large", imported, 1, "99 messages imported, 1 failed")
    check("all others are there", count(server, "carol", "Large") == 99, imported)
    says("nothing is left over", cli.on("check"), 0, "0 faults")


def reload(server):
    """SIGHUP: a new limit and a new certificate hold for new connections, old ones live on."""
    c = imap(server)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(HERE / "k.pem"),
                    "-out", str(HERE / "c.pem"), "-days", "2", "-subj", "/CN=reloaded.test"], check=True, capture_output=True)
    conf = server.dir / "troika.conf"
    old = conf.read_text()
    conf.write_text(old + f'limits {{ message_size = "100K" }}\ntls {{ certificate = "{HERE}/c.pem" key = "{HERE}/k.pem" }}\n')
    check("SIGHUP is heard", server.reload() == "reload", server.log_tail())
    with smtp(server) as m:
        m.ehlo()
        check("SIGHUP changes a limit", m.esmtp_features["size"] == "102400", m.esmtp_features)
    pem = ssl.get_server_certificate(("127.0.0.1", server.port["imaps"]))
    check("SIGHUP changes the certificate", pem.split() == (HERE / "c.pem").read_text().split())
    check("the old connection lives on", c.noop()[0] == "OK")
    conf.write_text("nonsense here\n")
    check("a broken configuration is refused", server.reload() == "reload.failed", server.log_tail())
    check("and changes nothing", c.noop()[0] == "OK" and server.proc.poll() is None)
    c.logout()
    conf.write_text(old)
    check("the old one is taken again", server.reload() == "reload", server.log_tail())


def drain(server):
    """SIGTERM: the command in flight is finished, the idle are told."""
    idle = imap(server)
    p = pop3(server, "bob")
    n = p.stat()[0]
    p.dele(1)
    server.proc.send_signal(signal.SIGTERM)
    said = idle.readline()
    check("IMAP hears BYE", said.startswith(b"* BYE"), said)
    check("it ends with 0", server.proc.wait(PATIENCE) == 0)
    server.start()
    check("POP3 deletions of an unfinished session are not done", count(server, "bob") == n > 0, n)


def log_is_clean(server):
    text = server.log.read_text(errors="replace")
    check("no password in the log", not any(p in text for p in USERS.values()) and "a better password" not in text)
    check("logins are in the log", "login" in text)


def main():
    template = Template(binary())
    server = Server(template, ["auth { allow_plain_without_tls = true }", f'sandbox {{ read = {{ "{HERE}" }} }}'])
    cli = Cli(template.binary, server.data)
    try:
        attempt("usage", usage, cli)
        attempt("users", users, cli, server)
        attempt("addresses", addresses, cli, server)
        attempt("groups", groups, cli, server)
        attempt("signing", signing, cli)
        attempt("moving", moving, cli, server)
        attempt("odd sources", odd_sources, cli, server)
        attempt("reload", reload, server)
        attempt("drain", drain, server)
        attempt("log", log_is_clean, server)
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()
        shutil.rmtree(HERE, ignore_errors=True)
    finish()


main()
