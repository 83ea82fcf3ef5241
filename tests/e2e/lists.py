#!/usr/bin/env python3
"""A mailing list with members here and elsewhere: what each gets, what comes back, who is told.

    tests/e2e/lists.py PATH/TO/troika

Elsewhere is an SMTP server of a few lines in this file, which all mail for other domains is routed to.
"""
import email
import email.policy
import re
import socketserver
import threading

from common import DOMAIN, Server, Template, address, attempt, binary, check, count, finish, free_ports, imap, smtp, until
import subprocess

LIST = f"team@{DOMAIN}"


class Elsewhere(socketserver.ThreadingTCPServer):
    """Takes all mail, but for recipients whose address begins with "gone"."""
    allow_reuse_address = daemon_threads = True

    def __init__(self, port):
        self.mail = []                     # (sender, recipients, message)
        super().__init__(("127.0.0.1", port), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait_for(self, n):
        until(lambda: len(self.mail) >= n)
        return list(self.mail)


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        sender, recipients = "", []
        self.say("220 elsewhere.test ESMTP")
        for line in self.rfile:
            words = line.strip().decode("utf-8", "replace")
            path = re.search(r"<(.*)>", words)
            if words[:4].upper() == "EHLO":
                self.say("250-elsewhere.test\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME")
            elif words[:4].upper() == "MAIL":
                sender, recipients = path[1], []
                self.say("250 2.1.0 ok")
            elif words[:4].upper() == "RCPT" and path[1].startswith("gone"):
                self.say("550 5.1.1 no such user")
            elif words[:4].upper() == "RCPT":
                recipients.append(path[1])
                self.say("250 2.1.5 ok")
            elif words[:4].upper() == "DATA" and not recipients:
                self.say("554 5.5.1 no recipients")
            elif words[:4].upper() == "DATA":
                self.say("354 go on")
                data = b""
                for part in iter(self.rfile.readline, b".\r\n"):
                    data += part[1:] if part.startswith(b".") else part
                self.server.mail.append((sender, recipients, data))
                self.say("250 2.0.0 taken")
            elif words[:4].upper() == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 2.0.0 ok")


def cli(server, *words, stdin=b""):
    r = subprocess.run([server.template.binary, *words, "-d", str(server.data)], input=stdin, capture_output=True, timeout=120, check=False)
    if r.returncode:
        raise RuntimeError(f"troika {' '.join(words)}: {r.stderr.decode()}")
    return r.stdout.decode()


def last_message(server, user):
    c = imap(server, user)
    c.select("INBOX", readonly=True)
    data = c.fetch("*", "(BODY.PEEK[])")[1][0][1]
    c.logout()
    return email.message_from_bytes(data, policy=email.policy.SMTP)


def post(server):
    cli(server, "group", "add", LIST, "owner=" + address("carol"), "description=The team", "bounces=1")
    cli(server, "group", "join", LIST, address("alice"), address("bob"), "near@elsewhere.test", "far@else.where.test", "gone@elsewhere.test")
    with smtp(server) as c:
        c.sendmail("near@elsewhere.test", [LIST], f"From: Near <near@elsewhere.test>\r\nTo: {LIST}\r\nSubject: hello\r\nMessage-ID: <1@elsewhere.test>\r\n\r\nHello\r\n")


def members_get_it(server, elsewhere):
    mail = elsewhere.wait_for(2)
    check("one copy for each member elsewhere", sorted(r for m in mail for r in m[1]) == ["far@else.where.test", "near@elsewhere.test"], mail)
    for sender, recipients, data in mail:
        user, host = recipients[0].split("@")
        check("bounces come back to an address of the member's own",
              re.fullmatch(rf"team-bounces-[a-z2-7]{{8}}\+{user}={re.escape(host)}@{DOMAIN}", sender), sender)
        message = email.message_from_bytes(data, policy=email.policy.SMTP)
        check("List-Id", message["List-Id"] == f"The team <team.{DOMAIN}>", message["List-Id"])
        check("List-Unsubscribe", message["List-Unsubscribe"] == f"<mailto:team-request@{DOMAIN}?subject=unsubscribe>")
        check("the author's fields and body as they were",
              message["From"] == "Near <near@elsewhere.test>" and message["Subject"] == "hello" and data.endswith(b"\r\n\r\nHello\r\n"), data)
        check("signed by the list's domain", f"d={DOMAIN};" in data.decode() and "DKIM-Signature" in message, data)
    for user in ("alice", "bob"):
        check(f"{user} has it", until(lambda name=user: count(server, name) == 1))
    check("Return-Path", last_message(server, "alice")["Return-Path"].startswith("<team-bounces-"))


def bounces_count(server, elsewhere):
    check("a refused member is counted", until(lambda: "members: 5, disabled: 1" in cli(server, "group", "show", LIST)), cli(server, "group", "show", LIST))
    check("its owner is told", until(lambda: count(server, "carol") == 1))
    notice = last_message(server, "carol")
    check("of whom and why", "gone@elsewhere.test" in notice.get_content() and "no such user" in notice.get_content(), notice.get_content())
    sender = next(m[0] for m in elsewhere.mail if m[1] == ["far@else.where.test"])
    forged = sender.replace("far=else.where.test", "near=elsewhere.test").replace("team-bounces-", "team-bounces-a")
    report = ("From: <>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nsorry\r\n--b\r\n"
              "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; x@y\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n")
    with smtp(server) as c:
        c.sendmail("", [sender], report)
        c.sendmail("", [forged], report)
    check("a bounce from elsewhere is counted", until(lambda: "disabled: 2" in cli(server, "group", "show", LIST)), cli(server, "group", "show", LIST))
    check("a forged one goes to the owner", until(lambda: count(server, "carol") == 3))
    check("and counts for nobody", "disabled: 2" in cli(server, "group", "show", LIST))


def no_more_mail(server, elsewhere):
    before = len(elsewhere.mail)
    with smtp(server) as c:
        c.sendmail("near@elsewhere.test", [LIST], f"From: near@elsewhere.test\r\nTo: {LIST}\r\nSubject: again\r\n\r\nAgain\r\n")
    elsewhere.wait_for(before + 1)
    queue = until(lambda: "messages: 0," in cli(server, "queue", "list"))
    check("members that are disabled get no more", until(lambda: count(server, "bob") == 2) and
          [m[1] for m in elsewhere.mail[before:]] == [["near@elsewhere.test"]], elsewhere.mail[before:])
    check("nothing is left in the queue", queue, cli(server, "queue", "list"))


def forwarding(server, elsewhere):
    """An alias that leads away, and a bounce that finds back (SRS)."""
    cli(server, "alias", "add", f"away@{DOMAIN}", "far@else.where.test")
    before = len(elsewhere.mail)
    with smtp(server) as c:
        c.sendmail("joe@third.test", [f"away@{DOMAIN}"], "From: joe@third.test\r\nSubject: away\r\n\r\nx\r\n")
    mail = elsewhere.wait_for(before + 1)[before:]
    check("the sender is ours now", len(mail) == 1 and re.fullmatch(rf"SRS0=\S{{6}}=\S\S=third.test=joe@{DOMAIN}", mail[0][0]), mail)
    with smtp(server) as c:
        c.sendmail("", [mail[0][0]], "From: <>\r\nSubject: no\r\n\r\nx\r\n")
    mail = elsewhere.wait_for(before + 2)[before + 1:]
    check("a bounce goes back to the first sender", len(mail) == 1 and mail[0][:2] == ("", ["joe@third.test"]), mail)


def main():
    template = Template(binary())
    port = free_ports(1)[0]
    elsewhere = Elsewhere(port)
    server = Server(template, ["auth { allow_plain_without_tls = true }", f'outbound {{ routes = {{ "* smtp:[127.0.0.1]:{port} tls=none" }} }}'])
    try:
        attempt("post", post, server)
        attempt("members get it", members_get_it, server, elsewhere)
        attempt("bounces", bounces_count, server, elsewhere)
        attempt("disabled members", no_more_mail, server, elsewhere)
        attempt("forwarding", forwarding, server, elsewhere)
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        elsewhere.shutdown()
        server.remove()
        template.remove()
    finish()


main()
