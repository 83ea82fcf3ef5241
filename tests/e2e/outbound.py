#!/usr/bin/env python3
"""Mail out of a whole server: by submission into the queue, over routes to SMTP servers of Python with and without TLS, into files, back to the sender, and
at once after a reload; and a stop in the middle of a delivery.

    tests/e2e/outbound.py build/troika
"""
import base64
import smtplib
import ssl
import subprocess
import time

from common import PATIENCE, TLS, USERS, Listener, Server, Template, address, attempt, binary, check, count, finish, imap, scratch, until


class Peer(Listener):
    """An SMTP server. `tls`: an SSL context for STARTTLS; `login`: what AUTH PLAIN must say; `refuse`: addresses; `hang`: at the end of data."""

    def __init__(self, tls=None, login=None, refuse=(), hang=False):
        self.tls, self.login, self.refuse, self.hang = tls, login, refuse, hang
        self.mails, self.hung, self.over = [], False, False
        super().__init__()

    def close(self):
        self.over = True
        self.stop()

    def serve(self, s):
        f, secure, mail = s.makefile("rb"), None, {}

        def say(*lines):
            s.sendall("".join(f"{x}\r\n" for x in lines).encode())

        say("220 peer.test ESMTP")
        while line := f.readline():
            verb = line.decode().strip()
            if verb.upper().startswith("EHLO"):
                offers = ["PIPELINING", "8BITMIME"] + (["STARTTLS"] if self.tls and not secure else []) + (["AUTH PLAIN"] if self.login else [])
                say("250-peer.test", *[f"250-{o}" for o in offers[:-1]], f"250 {offers[-1]}")
            elif verb.upper() == "STARTTLS":
                say("220 go")
                secure = s = self.tls.wrap_socket(s, server_side=True)
                f = s.makefile("rb")
            elif verb.upper().startswith("AUTH PLAIN"):
                good = base64.b64decode(verb[11:]).decode() == self.login
                mail["login"] = good
                say("235 in" if good else "535 5.7.8 no")
            elif verb.upper().startswith("MAIL"):
                mail.update(sender=verb[10:].split(">")[0].strip("<"), to=[], tls=bool(secure))
                say("250 ok")
            elif verb.upper().startswith("RCPT"):
                to = verb[8:].split(">")[0].strip("<")
                if to in self.refuse:
                    say("550 5.1.1 no such user")
                else:
                    mail["to"].append(to)
                    say("250 ok")
            elif verb.upper() == "DATA":
                if not mail["to"]:
                    say("554 nobody")
                    continue
                say("354 go")
                data = b""
                while (line := f.readline()) not in (b".\r\n", b""):
                    data += line[1:] if line.startswith(b".") else line
                if self.hang:
                    self.hung = True
                    while not self.over:
                        time.sleep(0.05)
                    return
                self.mails.append({**mail, "data": data})
                say("250 2.0.0 taken")
            elif verb.upper() == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def wait(self, n=1):
        return until(lambda: len(self.mails) >= n)


def certificates(where):
    """A root, and a certificate by it for the address where the peers are."""
    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", where / "root.key", "-out", where / "root.pem",
            "-days", "10", "-subj", "/CN=root")
    (where / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", where / "mx.key", "-out", where / "mx.csr", "-subj", "/CN=mx")
    openssl("x509", "-req", "-in", where / "mx.csr", "-CA", where / "root.pem", "-CAkey", where / "root.key", "-CAcreateserial", "-days", "10",
            "-extfile", where / "ext", "-out", where / "mx.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(where / "mx.pem", where / "mx.key")
    return context


def submit(server, to, subject="hello", user="alice", body="Hello.", **options):
    c = smtplib.SMTP("127.0.0.1", server.port["submission"], local_hostname="client.example.net", timeout=PATIENCE)
    c.starttls(context=TLS)
    c.login(address(user), USERS[user])
    text = f"From: {address(user)}\r\nTo: x@y.test\r\nSubject: {subject}\r\n\r\n{body}\r\n"
    refused = c.sendmail(address(user), to, text.encode(), **options)
    c.quit()
    return refused


def config(routes, idle="1s"):
    lines = ",\n".join(f'"{r}"' for r in routes)
    return ['hostname = "troika.test"', f"outbound {{\nroutes = {{\n{lines}\n}}\nidle = \"{idle}\"\n}}", 'queue { retry_first = "1s" retry_max = "1s" }']


def wait_mail(server, user, n):
    until(lambda: count(server, user) >= n)
    return count(server, user)


def plain(template):
    peer = Peer()
    server = Server(template, config([f"* smtp:[127.0.0.1]:{peer.port}"], idle="60s"))
    submit(server, ["x@y.test", "z@y.test"], body=".dot\r\n..two")
    check("plain: it arrives", peer.wait(), server.log_tail())
    mail = peer.mails[0]
    check("plain: one transaction for both", sorted(mail["to"]) == ["x@y.test", "z@y.test"] and mail["sender"] == address("alice"), mail)
    check("plain: as it was written", b"\r\n\r\n.dot\r\n..two\r\n" in mail["data"], mail["data"])
    check("plain: traced", mail["data"].count(b"Received: ") == 1, mail["data"])
    for i in range(20):
        submit(server, [f"n{i}@d{i}.test"])
        peer.wait(i + 2)                      # one after the other: each may take the session that the one before has left open
    check("plain: twenty destinations", peer.wait(21), len(peer.mails))
    check("plain: over few sessions", peer.connections < 20, peer.connections)
    server.stop()
    check("plain: logged", "outbound.relayed" in server.log.read_text(), server.log_tail())
    peer.close()
    server.remove()


def with_tls(template, where):
    context = certificates(where)
    good, wrong = Peer(tls=context, login="\0ann\0s3cret word"), Peer(tls=context, login="\0ann\0other")
    bare = Peer()
    root = where / "root.pem"
    server = Server(template, config([
        f"may.test smtp:[127.0.0.1]:{good.port}",
        f"encrypt.test smtp:[127.0.0.1]:{bare.port} tls=encrypt",
        f"verify.test smtp:[127.0.0.1]:{good.port} tls=verify ca={root}",
        f"distrust.test smtp:[127.0.0.1]:{good.port} tls=verify",
        f"login.test smtp:[127.0.0.1]:{good.port} tls=encrypt user=ann password=\\\"s3cret word\\\"",
        f"denied.test smtp:[127.0.0.1]:{wrong.port} tls=encrypt user=ann password=bad"]))
    submit(server, ["a@may.test"])
    check("tls: taken where it is offered", good.wait(1) and good.mails[0]["tls"], server.log_tail())
    submit(server, ["a@login.test"])
    check("tls: AUTH", good.wait(2) and good.mails[1].get("login"), server.log_tail())
    submit(server, ["a@encrypt.test", "a@verify.test", "a@distrust.test", "a@denied.test"])
    until(lambda: all(w in server.told() for w in ("4.7.4", "4.7.5", "4.7.8", "TLSv1.3 verified")))
    text = server.told()
    check("tls: not offered, but demanded", "4.7.4" in text and not bare.mails, server.log_tail())
    check("tls: verified", 'to=a@verify.test' in text and 'tls="TLSv1.3 verified"' in text, server.log_tail())
    check("tls: a root that nobody knows", "4.7.5" in text and "certificate-not-trusted" in text, server.log_tail())
    check("tls: a wrong password waits for the operator", "4.7.8" in text and not wrong.mails, server.log_tail())
    server.stop()
    for p in (good, wrong, bare):
        p.close()
    server.remove()


def back_to_sender(template):
    peer = Peer(refuse=("nobody@y.test",))
    server = Server(template, config([f"* smtp:[127.0.0.1]:{peer.port}"]))
    submit(server, ["nobody@y.test", "somebody@y.test"], subject="to both")
    check("bounce: the other one has it", peer.wait() and peer.mails[0]["to"] == ["somebody@y.test"], server.log_tail())
    check("bounce: the sender is told", wait_mail(server, "alice", 1) == 1, server.log_tail())
    c = imap(server)
    c.select("INBOX", readonly=True)
    text = c.fetch("1", "(BODY[])")[1][0][1]
    c.logout()
    check("bounce: what and why", b"550 5.1.1 no such user" in text and b"nobody@y.test" in text and b"multipart/report" in text, text[:2000])
    check("bounce: signed", b"DKIM-Signature:" in text, text[:500])
    server.stop()
    peer.close()
    server.remove()


def files_and_reload(template, where):
    server = Server(template, config([f"drop.test maildir:{where}/drop", "gone.test discard"]))
    submit(server, ["a@drop.test", "b@gone.test"])
    until(lambda: list((where / "drop").glob("new/*")))
    files = list((where / "drop").glob("new/*"))
    check("files: one", len(files) == 1 and b"Delivered-To: a@drop.test\n" in files[0].read_bytes(), files)
    peer = Peer()
    conf = server.dir / "troika.conf"
    conf.write_text("\n".join(config([f"* smtp:[127.0.0.1]:{peer.port}"])))
    check("reload: done", server.reload() == "reload", server.log_tail())
    submit(server, ["a@drop.test"])
    check("reload: the new route counts", peer.wait(), server.log_tail())
    conf.write_text("\n".join(config(["* carrier-pigeon"])))
    check("reload: refused", server.reload() != "reload", server.log_tail())
    submit(server, ["b@drop.test"])
    check("reload: a bad one changes nothing", peer.wait(2) and "carrier-pigeon" in server.log.read_text(), server.log_tail())
    server.stop()
    peer.close()
    server.remove()


def stopped_under_way(template):
    peer = Peer(hang=True)
    server = Server(template, config([f"* smtp:[127.0.0.1]:{peer.port}"]) + ['timeouts { drain = "1s" }'])
    submit(server, ["a@y.test"])
    check("stop: a delivery is under way", until(lambda: peer.hung), server.log_tail())
    server.stop()                             # the peer never answers: without a cut this does not end
    peer.close()
    other = Peer()
    (server.dir / "troika.conf").write_text("\n".join(config([f"* smtp:[127.0.0.1]:{other.port}"])))
    server.start()
    check("stop: what was cut off goes out after the start", other.wait(), server.log_tail())
    check("stop: once", len(other.mails) == 1, other.mails)
    server.stop()
    other.close()
    server.remove()


def main():
    template, where = Template(binary()), scratch()
    attempt("plain", plain, template)
    attempt("tls", with_tls, template, where)
    attempt("bounce", back_to_sender, template)
    attempt("files", files_and_reload, template, where)
    attempt("stop", stopped_under_way, template)
    template.remove()
    finish()


main()
