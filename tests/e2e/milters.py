#!/usr/bin/env python3
"""Troika with real content filters: one on Sendmail's libmilter that does what it is told (tests/milter/probe.c), OpenDKIM, Rspamd.

    milters.py PATH/TO/troika
"""
import contextlib
import email
import smtplib
import subprocess
import sys
import time
from pathlib import Path

from common import PATIENCE, ROOT, Server, Template, address, attempt, binary, check, count, finish, free_ports, imap, smtp, until

sys.path.insert(0, str(ROOT / "tests/milter"))
import filters  # noqa: E402
import opendkim  # noqa: E402
import rspamd  # noqa: E402

HEAD = "From: Ann <ann@example.net>\r\nTo: alice@example.org\r\nSubject: {}\r\nX-Old: one\r\nX-Old: two\r\n\r\n"


@contextlib.contextmanager
def troika(template, *config):
    server = Server(template, ["auth { allow_plain_without_tls = true }", *config])
    try:
        yield server
        server.stop()
    finally:
        if server.proc.poll() is None or server.proc.returncode:
            print(server.log_tail(), flush=True)
        server.remove()


def newest(server, user="alice", mailbox="INBOX"):
    c = imap(server, user)
    try:
        n = int(c.select(mailbox, readonly=True)[1][0])
        return c.fetch(str(n), "(BODY.PEEK[])")[1][0][1] if n else b""
    finally:
        c.logout()


def send(server, subject, body="Hello.\r\n", sender="ann@example.net", rcpts=("alice@example.org",)):
    with smtp(server) as c:
        return c.sendmail(sender, list(rcpts), HEAD.format(subject) + body)


def refusal(fn, *args, **named):
    """The reply that refused, as (code, text)."""
    try:
        fn(*args, **named)
    except smtplib.SMTPRecipientsRefused as e:
        return list(e.recipients.values())[0]
    except smtplib.SMTPResponseException as e:
        return e.smtp_code, e.smtp_error
    return 250, b""


def changes(template):
    with filters.folder() as where, filters.Probe(where, "p", "refused") as probe, \
            troika(template, f'milter {{ filters = {{ "{probe.target}" }} }}') as server:
        send(server, "add insert0 insert1 change delete sender rcpt")
        text = newest(server)
        message = email.message_from_bytes(text)
        check("fields are added", message["X-Probe"] == "added\r\n\tfolded", message["X-Probe"])
        check("and inserted above the message, below Received", text.find(b"Received:") < text.find(b"X-Top:") < text.find(b"X-First:") < text.find(b"From:"), text[:900])
        check("changed and deleted", message.get_all("X-Old") == ["changed"], message.get_all("X-Old"))
        check("the sender is another", text.startswith(b"Return-Path: <changed@example.net>\r\n"), text[:100])
        send(server, "delrcpt smallbody", rcpts=("alice@example.org", "bob@example.org"))
        check("the body is another", newest(server).endswith(b"\r\n\r\nsmall\r\n"))
        check("a recipient is taken away", count(server, "bob") == 0)
        send(server, "quarantine")
        listed = server.cli(["queue", "list", "--held"], "")
        check("quarantine is held in the queue", b"held" in listed and b"Subject: quarantine" not in newest(server), listed)
        server.cli(["queue", "release", "--all"], "")
        filters.wait_for(lambda: b"Subject: quarantine" in newest(server), "the released message arrives")
        check("until it is released", True)
        before = count(server)
        send(server, "then-discard")
        check("what is discarded is gone", count(server) == before)
        big = "0123456789abcdef\r\n" * 300000
        send(server, "body", big)
        check("a large message arrives changed", newest(server).endswith(b"A new line in a new body.\r\n" * 4000))
        send(server, "plain", big)
        check("or unchanged", newest(server).endswith(HEAD.format("plain").encode() + big.encode()))
        check("the filter saw all of it", any(f"body={len(big)}" in line for line in probe.told()), probe.told()[-3:])


def refusals(template):
    with filters.folder() as where, filters.Probe(where, "p", "refused") as probe, \
            troika(template, f'milter {{ filters = {{ "{probe.target}" }} }}') as server:
        for name, reply, args in [
                ("of a sender", (550, b"5.7.1 Refused by a content filter"), dict(subject="x", sender="reject@example.net")),
                ("with a code", (554, b"5.7.8 One line from the probe: 100%"), dict(subject="x", sender="code@example.net")),
                ("for now", (451, b"4.7.1 Try again later"), dict(subject="x", sender="at-data-tempfail@example.net")),
                ("at the header", (550, b"5.7.1 Refused by a content filter"), dict(subject="x", sender="at-header-reject@example.net")),
                ("of the message", (451, b"4.7.9 First line Second line"), dict(subject="then-lines"))]:
            got = refusal(send, server, **args)
            check(f"refusal {name}", got == reply, got)
        check("nothing was delivered", count(server) == 0)
        with smtp(server) as c:
            c.ehlo()
            c.mail("ann@example.net")
            check("an unknown recipient is refused as ever", c.rcpt("nobody@example.org")[0] == 550)
            c.rcpt("alice@example.org")
            c.rset()
            c.mail("ben@example.net")
            c.docmd("XYZZY")
            c.rset()
        filters.wait_for(lambda: "unknown XYZZY" in probe.told(), "the filter hears of the strange command")
        told = probe.told()
        check("the filter heard of the refused one", "rcpt <nobody@example.org>" in told, told[-12:])
        check("of what ended without a message", told.index("abort") > told.index("rcpt <nobody@example.org>") if "abort" in told else False, told[-12:])
        check("and of the strange command", "unknown XYZZY" in told, told[-12:])
        check("macros", any(m == "i=" + m[2:] and "." in m for m in probe.macros()) and "{client_addr}=127.0.0.1" in probe.macros() and
              "{rcpt_addr}=alice@example.org" in probe.macros(), probe.macros()[:20])
        c = smtplib.SMTP("127.0.0.1", server.port["smtp"], local_hostname="close", timeout=PATIENCE)
        check("closing", c.ehlo()[0] == 421)
        c.close()


def failures(template):
    (port, other) = free_ports(2)
    with filters.folder() as where, troika(template, f'milter {{ filters = {{ "inet:127.0.0.1:{port}" }} }}') as server:
        got = refusal(send, server, "x")
        check("without its filter mail waits", got == (451, b"4.3.0 A content filter is out of order, try again later"), got)
        check("and the log says why", until(lambda: "milter.failed" in server.told()), server.log_tail(5))
        with filters.Probe(where, port=port):
            filters.wait_for(lambda: refusal(send, server, "add")[0] == 250, "the filter is asked again")
            check("until it is there", b"X-Probe" in newest(server))
        (server.dir / "troika.conf").write_text(f'auth {{ allow_plain_without_tls = true }}\nmilter {{ filters = {{ "inet:127.0.0.1:{other} fail=accept" }} }}\n')
        check("a reload", server.reload() == "reload", server.log_tail())
        check("fail=accept goes without", refusal(send, server, "y")[0] == 250)
        (server.dir / "troika.conf").write_text('milter { filters = { "nonsense" } }\n')
        check("a bad line is refused", server.reload() == "reload.failed", server.log_tail())
        check("and changes nothing", refusal(send, server, "z")[0] == 250)


def real_filters(template):
    with filters.folder() as where, contextlib.ExitStack() as stack:
        opendkim.make_key(where)
        signer = stack.enter_context(opendkim.OpenDkim(where, "sign", "s", "Domain example.org", "Selector sel", f"KeyFile {where / 'key.pem'}"))
        verifier = stack.enter_context(opendkim.OpenDkim(where, "verify", "v"))
        spam = stack.enter_context(rspamd.Rspamd(where))
        server = stack.enter_context(troika(
            template, f'milter {{ filters = {{ "{verifier.target}", "{spam.target}" }} submission_filters = {{ "{signer.target}" }} }}',
            'smtp { xclient_from = "127.0.0.0/8" unchecked_from = "0.0.0.0/0 ::/0" }'))
        text = "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: signed\r\nDate: Mon, 23 Nov 2026 18:45:06 +0000\r\n" \
               "Message-ID: <1@example.org>\r\n\r\nHello Bob,\r\n\r\n.with a dot\r\n"
        with smtplib.SMTP("127.0.0.1", server.port["submission"], timeout=PATIENCE) as c:
            c.login(address("alice"), "wonderland")
            c.sendmail(address("alice"), [address("bob")], text)
        signed = newest(server, "bob")
        check("OpenDKIM signs what a user sends", b"DKIM-Signature: v=1;" in signed and b"d=example.org; s=sel;" in signed, signed[:600])
        start = signed.find(b"DKIM-Signature:")
        for name, content, wanted in (("passes", signed[start:], b"dkim=pass"), ("broken fails", signed[start:].replace(b"Hello", b"Hullo"), b"dkim=fail")):
            with smtp(server) as c:
                c.ehlo()
                c.docmd("XCLIENT", "ADDR=192.0.2.7 NAME=host.example")
                c.ehlo()
                c.sendmail("alice@example.org", [address("carol")], content)
            got = newest(server, "carol")
            check(f"its signature {name}", b"Authentication-Results: mx.example.org;" in got and wanted in got, got[:900])
            check("Rspamd was told the same", b"X-Seen: 192.0.2.7 " in got, got[:900])
        before = count(server, "carol")
        got = refusal(send, server, "spam", rspamd.GTUBE.decode() + "\r\n", rcpts=(address("carol"),))
        check("Rspamd refuses spam", got == (554, b"5.7.1 Gtube pattern") and count(server, "carol") == before, got)


def main():
    template = Template(binary())
    scratch = template.root / "probe"
    subprocess.run(["cc", "-O1", "-w", "-D_GNU_SOURCE", ROOT / "tests/milter/probe.c", "-o", scratch, "-lmilter", "-lpthread"], check=True)
    filters.PROBE = Path(scratch)
    for scenario in (changes, refusals, failures, real_filters):
        start = time.monotonic()
        attempt(scenario.__name__, scenario, template)
        print(f"     {scenario.__name__}: {time.monotonic() - start:.1f} s", flush=True)
    template.remove()
    finish()


if __name__ == "__main__":
    main()
