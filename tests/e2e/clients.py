#!/usr/bin/env python3
"""Programs nobody here wrote: curl, swaks, msmtp, mutt, mbsync, fetchmail, each doing its own job over TLS.
Usage: clients.py PATH/TO/troika [curl|swaks|msmtp|mutt|mbsync|fetchmail ...]"""
import os
import shutil
import subprocess
import sys
import time

from common import PATIENCE, USERS, Server, Template, address, attempt, binary, check, count, finish, imap, scratch

ALICE, BOB = address("alice"), address("bob")
HERE = scratch()


def run(*words, stdin=b"", env=None, timeout=PATIENCE):
    return subprocess.run([str(w) for w in words], input=stdin, capture_output=True, timeout=timeout,
                          env={**os.environ, "HOME": str(HERE), "TERM": "dumb", **(env or {})})


def succeeded(name, r, want=b""):
    return check(name, r.returncode == 0 and want in r.stdout + r.stderr, f"exit {r.returncode}: {(r.stdout + r.stderr)[-400:]}")


def write(name, text, mode=0o600):
    path = HERE / name
    path.write_text(text)
    path.chmod(mode)
    return path


def curl(server):
    mail = write("hello.eml", f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: curl-hello\r\n\r\nhello from curl\r\n")
    login = ("-u", f"{ALICE}:{USERS['alice']}")
    send = ("--mail-from", ALICE, "--mail-rcpt", BOB, "-T", mail)
    p = server.port
    succeeded("curl smtp (port 25)", run("curl", "-sS", f"smtp://127.0.0.1:{p['smtp']}/client.example.net", *send))
    succeeded("curl smtp with STARTTLS and AUTH", run("curl", "-sSk", "--ssl-reqd", f"smtp://127.0.0.1:{p['submission']}", *login, *send))
    succeeded("curl smtps with AUTH", run("curl", "-sSk", f"smtps://127.0.0.1:{p['submissions']}", *login, *send))
    for mechanism in ("PLAIN", "LOGIN"):
        succeeded(f"curl AUTH {mechanism}", run("curl", "-sSk", "--ssl-reqd", "--login-options", f"AUTH={mechanism}",
                                                f"smtp://127.0.0.1:{p['submission']}", *login, *send))
    login = ("-u", f"{BOB}:{USERS['bob']}")
    for name, url in (("pop3 with STLS", f"pop3://127.0.0.1:{p['pop3']}/1"), ("pop3s", f"pop3s://127.0.0.1:{p['pop3s']}/1"),
                      ("imap with STARTTLS", f"imap://127.0.0.1:{p['imap']}/INBOX;MAILINDEX=1"),
                      ("imaps", f"imaps://127.0.0.1:{p['imaps']}/INBOX;MAILINDEX=1")):
        succeeded(f"curl {name} reads it", run("curl", "-sSk", "--ssl-reqd", url, *login), b"hello from curl")
    succeeded("curl imaps SEARCH", run("curl", "-sSk", f"imaps://127.0.0.1:{p['imaps']}/INBOX?SUBJECT%20curl-hello", *login), b"* SEARCH 1")
    succeeded("curl imaps APPEND", run("curl", "-sSk", f"imaps://127.0.0.1:{p['imaps']}/Drafts", *login, "-T", mail))
    check("the APPEND is in Drafts", count(server, "bob", "Drafts") == 1)


def swaks(server):
    p, before = server.port, count(server, "bob")
    base = ("swaks", "--timeout", PATIENCE, "--server", "127.0.0.1", "--helo", "client.example.net", "--from", ALICE, "--to", BOB)
    auth = ("--auth-user", ALICE, "--auth-password", USERS["alice"])
    succeeded("swaks plain", run(*base, "--port", p["smtp"]))
    succeeded("swaks pipelined", run(*base, "--port", p["smtp"], "--pipeline"))
    succeeded("swaks TLS AUTH PLAIN", run(*base, "--port", p["submission"], "--tls", *auth, "--auth", "PLAIN"))
    succeeded("swaks TLS on connect AUTH LOGIN", run(*base, "--port", p["submissions"], "--tls-on-connect", *auth, "--auth", "LOGIN"))
    succeeded("swaks LMTP", run(*base, "--port", p["lmtp"], "--protocol", "LMTP"))
    bad = run(*base, "--port", p["submission"], "--tls", "--auth-user", ALICE, "--auth-password", "wrong-password", "--auth", "PLAIN")
    check("swaks with a wrong password is refused", bad.returncode != 0 and b"535" in bad.stdout, bad.stdout[-300:])
    check("all five arrived", count(server, "bob") == before + 5)


def msmtp(server):
    before = count(server, "bob")
    rc = write("msmtprc", f"account a\nhost 127.0.0.1\nport {server.port['submission']}\ntls on\ntls_starttls on\ntls_certcheck off\nauth on\n"
                          f"user {ALICE}\npassword {USERS['alice']}\nfrom {ALICE}\n")
    succeeded("msmtp sends", run("msmtp", "-C", rc, "-a", "a", BOB, stdin=f"To: {BOB}\nSubject: msmtp\n\n.dot\n..dots\n".encode()))
    check("it arrived", count(server, "bob") == before + 1)
    c = imap(server, "bob")
    c.select("INBOX", readonly=True)
    raw = c.fetch("*", "(BODY.PEEK[])")[1][0][1]
    check("its dots are right", raw.endswith(b"\r\n\r\n.dot\r\n..dots\r\n"), raw[-60:])
    check("submission added Date and Message-ID", b"\r\nDate: " in raw and b"\r\nMessage-ID: <" in raw.replace(b"Message-Id", b"Message-ID"))
    c.logout()


def mutt(server):
    rc = write("muttrc", f"set imap_user=\"{ALICE}\"\nset imap_pass=\"{USERS['alice']}\"\nset ssl_verify_host=no\nset ssl_verify_dates=no\n"
                         f"set smtp_url=\"smtps://{ALICE}@127.0.0.1:{server.port['submissions']}/\"\nset smtp_pass=\"{USERS['alice']}\"\n"
                         f"set from=\"{ALICE}\"\nset use_from=yes\nset copy=no\nset certificate_file=\"{HERE}/certs\"\n"
                         f"set timeout=5\n"
                         # mutt 2.2 of Debian 12 picks SCRAM-SHA-256-PLUS where it is offered, and then has no tls-exporter binding for it
                         f"set smtp_authenticators=\"scram-sha-256\"\nset imap_authenticators=\"scram-sha-256\"\nset header_cache=\"\"\nset sleep_time=0\nset quit=yes\nset delete=yes\nset confirmcreate=no\nset confirmappend=no\nset folder=\"imaps://127.0.0.1:{server.port['imaps']}/\"\n")
    cert = subprocess.run(["sh", "-c", f"openssl s_client -connect 127.0.0.1:{server.port['imaps']} </dev/null 2>/dev/null | openssl x509"],
                          capture_output=True, timeout=PATIENCE).stdout
    (HERE / "certs").write_bytes(cert)
    before = count(server, "bob")
    succeeded("mutt sends", run("mutt", "-F", rc, "-s", "from mutt", "--", BOB, stdin=b"hello from mutt\n"))
    check("it arrived", count(server, "bob") == before + 1)
    with imap_append(server, "alice", b"Subject: for mutt\r\n\r\nread me\r\n"):
        pass
    # mutt needs a terminal: script(1) gives it one; it opens the mailbox, shows the newest message, saves a copy, quits
    keys = "<last-entry><display-message><exit><copy-message>=mutt-copy<enter><quit>"
    url = f"imaps://127.0.0.1:{server.port['imaps']}/INBOX"
    r = run("script", "-qec", f"mutt -F {rc} -f '{url}' -e 'push \"{keys}\"'", "/dev/null", env={"TERM": "xterm"})
    c = imap(server)
    c.select("INBOX", readonly=True)
    seen = c.search(None, "SUBJECT", '"for mutt"', "SEEN")[1]
    check("mutt read it: it is \\Seen now", seen != [b""], (seen, r.returncode, r.stdout[-300:]))
    c.logout()
    check("mutt copied it to a new mailbox", count(server, "alice", "mutt-copy") >= 1 or count(server, "alice", "INBOX/mutt-copy") >= 1)


class imap_append:
    def __init__(self, server, user, message, mailbox="INBOX"):
        self.c = imap(server, user)
        self.c.append(mailbox, None, None, message)

    def __enter__(self):
        return self.c

    def __exit__(self, *_):
        self.c.logout()


def mbsync(server):
    local = HERE / "maildir"
    local.mkdir()
    rc = write("mbsyncrc", f"""IMAPAccount t
Host 127.0.0.1
Port {server.port['imaps']}
User "{ALICE}"
Pass "{USERS['alice']}"
Timeout {PATIENCE}
SSLType IMAPS
SSLVersions TLSv1.2 TLSv1.3
CertificateFile {HERE}/certs

IMAPStore far
Account t

MaildirStore near
Path {local}/
Inbox {local}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
""")
    sync = ("mbsync", "-c", rc, "all")
    succeeded("mbsync pulls", run(*sync))
    n = count(server)
    files = [f for sub in ("cur", "new") for f in (local / "INBOX" / sub).iterdir()]
    check("the Maildir holds as many", len(files) == n, f"{len(files)} of {n}")
    # here: one new message, one flag; there: one new, one deleted
    (local / "INBOX" / "cur" / "1.local.troika:2,F").write_text("Subject: made here\n\nlocal\n")
    c = imap(server)
    c.select("INBOX")
    c.append("INBOX", None, None, b"Subject: made there\r\n\r\nremote\r\n")
    c.store("1", "+FLAGS", r"(\Deleted)")
    c.expunge()
    succeeded("mbsync syncs both ways", run(*sync))
    c.noop()
    check("what was made here is there, with its flag", c.search(None, "SUBJECT", '"made here"', "FLAGGED")[1] != [b""])
    texts = [f.read_text(errors="replace") for sub in ("cur", "new") for f in (local / "INBOX" / sub).iterdir()]
    check("what was made there is here", any("made there" in t for t in texts))
    check("both hold as many", len(texts) == count(server), f"{len(texts)} {count(server)}")
    succeeded("mbsync once more finds nothing to do", run(*sync))
    check("still as many", count(server) == len(texts))
    c.logout()


def fetchmail(server):
    for proto in ("pop3", "imap"):
        for _ in range(3):
            imap_append(server, "carol", b"From: x@example.net\r\nSubject: for fetchmail\r\n\r\nbody\r\n").__exit__()
        out = HERE / f"fetched-{proto}"
        deliver = write(f"deliver-{proto}", f"#!/bin/sh\ncat >>{out}\n", 0o700)
        rc = write(f"fetchmailrc-{proto}", f"poll 127.0.0.1 service {server.port[proto]} protocol {proto} user \"{address('carol')}\" "
                                           f"password \"{USERS['carol']}\" sslproto \"tls1.2+\" no sslcertck mda \"{deliver}\" no keep\n")
        r = run("fetchmail", "-f", rc, "--pidfile", HERE / "fetchmail.pid", "--nosyslog", "-v")
        check(f"fetchmail by {proto} fetches", r.returncode == 0 and out.exists() and out.read_bytes().count(b"for fetchmail") == 3,
              (r.returncode, r.stdout[-400:]))
        check(f"fetchmail by {proto} deleted them", count(server, "carol") == 0)


ONLY = sys.argv[2:]


def main():
    template = Template(binary())
    # fetchmail, mbsync and mutt meet a self-signed certificate: they are told to accept it
    server = Server(template, ["auth { allow_plain_without_tls = false }"])
    try:
        for f in (curl, swaks, msmtp, mutt, mbsync, fetchmail):
            tool = f.__name__
            if ONLY and tool not in ONLY:
                continue
            if not shutil.which(tool):
                check(f"{tool} is installed", False)
                continue
            start = time.monotonic()
            attempt(tool, f, server)
            print(f"     {tool}: {time.monotonic() - start:.1f} s")
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()
        shutil.rmtree(HERE, ignore_errors=True)
    finish()


main()
