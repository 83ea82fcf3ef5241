#!/usr/bin/env python3
"""Crowds: commands without number whose answers nobody reads, readers and writers that take all day, 50,000 connections, handshakes by the thousand, guesses
at passwords. Memory stays under a ceiling, friends are served. Usage: crowds.py PATH/TO/troika     TROIKA_CROWD (50000): connections"""
import contextlib
import os
import resource
import ssl
import subprocess
import threading
import time

from siege import CONFIG, PATIENCE, TLS, USERS, Failed, Raw, Server, Template, address, attempt, binary, check, finish, friend, imap, peaks, siege, skip, smtp

CROWD = int(os.environ.get("TROIKA_CROWD", "50000"))


def unread_commands(server):
    """A million commands in each protocol, over 100 connections; not one answer is read."""
    for proto, command in (("smtp", b"EHLO x.example\r\n"), ("pop3", b"CAPA\r\n"), ("imap", b"a CAPABILITY\r\n")):
        sent = 0
        with siege(server, f"{proto}: commands whose answers are not read"):
            crowd = [Raw(server, proto, small=True) for _ in range(100)]
            for c in crowd:
                sent += c.push(command * 10000, seconds=0.1) // len(command)
            full, end = time.monotonic() + 2, time.monotonic() + PATIENCE
            while time.monotonic() < full and full < end:     # until nothing has gone in anywhere for a while
                if more := sum(c.push(command * 2000, seconds=0.01) for c in crowd) // len(command):
                    sent, full = sent + more, time.monotonic() + 2
            for c in crowd:
                c.close()
        check(f"{proto}: the sockets were full ({sent} commands went in)", sent > 20000 and full < end, sent)


def unread_bodies(server):
    """Logged in, asking for bodies a hundred times over, and reading none."""
    c = imap(server)
    for _ in range(20):
        c.append("INBOX", None, None, b"Subject: large\r\n\r\n" + b"z" * 1000000 + b"\r\n")
    c.logout()
    with siege(server, "bodies that are asked for and not read"):
        crowd = [Raw(server, "imap", small=True).login() for _ in range(60)]
        for c in crowd:
            c.push(b"s SELECT INBOX\r\n" + b"f FETCH 1:* (BODY.PEEK[] ENVELOPE)\r\n" * 100, seconds=0.2)
        time.sleep(3)
        for c in crowd:
            c.close()


def slow_writers(server):
    """An octet at a time; before login it ends after a while, and costs no thread."""
    with siege(server, "writers of one octet at a time"):
        crowd = [Raw(server, proto) for proto in ("smtp", "pop3", "imap") for _ in range(300)]
        for octet in b"x" * 20:
            for c in crowd:
                c.push(bytes([octet]), seconds=0.01)
            time.sleep(0.1)
        for c in crowd:
            c.close()


def unfinished(server):
    """Each connection leaves a line, a literal or a message unfinished, as large as it may."""
    parts = {"smtp": b"MAIL FROM:<" + b"x" * 1500, "imap": b"a LOGIN " + b"y" * 7000, "pop3": b"USER " + b"z" * 800,
             "lmtp": b"LHLO x\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n" + b"Subject: x\r\n\r\n" + b"k" * 60000}
    with siege(server, "unfinished lines and messages"):
        crowd = []
        for i in range(1600):
            proto = ("smtp", "imap", "pop3", "lmtp")[i % 4]
            c = Raw(server, proto)
            c.push(parts[proto], seconds=0.2)
            crowd.append(c)
        time.sleep(1)
        for c in crowd:
            c.close()


def lasts(end, done, least):
    """Until the time is over, and so many are done: a slow machine takes longer for them."""
    now = time.monotonic()
    return now < end or (done[0] <= least and now < end + PATIENCE)


def half_handshakes(server):
    """TLS handshakes: begun and left, garbage, records cut in the middle; and as many whole ones as go."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(32)
    for many, networks in ((2000, 1), (13000, 1), (13000, 5000)):
        # many more than there is room for: the oldest go, of the largest crowd first, and friends come in over TLS meanwhile
        with siege(server, f"{many} handshakes that never end, from {networks} networks", tls=True):
            crowd = []
            for i in range(many):
                n = i % networks + 1
                c = Raw(server, "imaps", source=f"127.{n // 250 + 1}.{n % 250}.{i % 200 + 1}")
                c.push((b"", hello, b"\x16\x03\x01\x40\x00" + b"\x01" * 9000, os.urandom(300))[i % 4], seconds=0.01)
                crowd.append(c)
            time.sleep(1)
            for c in crowd:
                c.close()
            time.sleep(1)

    done, end = [0], time.monotonic() + 4

    def storm():
        context = ssl._create_unverified_context()
        while lasts(end, done, 50):
            try:
                c = Raw(server, "imaps")
                context.wrap_socket(c.s, server_hostname="localhost").close()
                done[0] += 1
            except OSError:
                pass
    with siege(server, "a flood of whole handshakes"):
        threads = [threading.Thread(target=storm) for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    check(f"{done[0]} handshakes were made meanwhile", done[0] > 50)


def renegotiation(server):
    """RFC 5746: a client that wants to begin anew within TLS 1.2 is refused."""
    # s_client takes an R as its own command only where that begins what it reads at once: so each line waits for the answer to the one before
    with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port['imaps']}", "-tls1_2", "-crlf"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
        late = threading.Timer(PATIENCE, p.kill)
        late.start()
        said = b""
        for line, answers in ((b"a NOOP\n", (b"a OK",)), (b"R\n", (b"RENEGOTIATING",)), (b"b NOOP\n", (b"b OK", b"no renegotiation"))):
            with contextlib.suppress(BrokenPipeError):
                p.stdin.write(line)
                p.stdin.flush()
            while not any(a in said for a in answers):
                part = os.read(p.stdout.fileno(), 4096)
                if not part:
                    break
                said += part
        p.kill()
        late.cancel()
    text = said.decode(errors="replace")
    check("TLS renegotiation is refused", "RENEGOTIATING" in text and "no renegotiation" in text and "b OK" not in text, text[-600:])


def guesses(server):
    """Wrong passwords from many addresses, each under the limit of its own; the owner logs in all the while."""
    friend(server)                                      # the owner's network is known from here on
    asked, end = [0], time.monotonic() + 5

    def guess(first):
        n = 0
        while lasts(end, asked, 20):
            n += 1
            try:
                c = Raw(server, "imap", source=f"127.{first}.{n // 200 % 250}.{n % 200 + 1}")
                c.send(f"a LOGIN {address('carol')} guess{first}-{n}\r\n".encode())
                c.until(b"a ")
                c.close()
                asked[0] += 1
            except OSError:
                pass
    with siege(server, "passwords guessed from thousands of addresses"):
        threads = [threading.Thread(target=guess, args=(i,)) for i in range(1, 13)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    check(f"{asked[0]} guesses were answered, the owner was never locked out", asked[0] > 20)


def crowd(server):
    """As many connections as a large house has, from many addresses, held by processes of their own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    allowed = int(open(f"/proc/{server.proc.pid}/limits").read().split("Max open files")[1].split()[0])
    want = min(CROWD, allowed - 2000)
    holders, share = [], 10000
    holder = ("import socket,sys,resource\nresource.setrlimit(resource.RLIMIT_NOFILE,(int(sys.argv[4])+100,)*2)\nheld=[]\n"
              f"for i in range(int(sys.argv[4])):\n s=socket.socket(); s.bind((sys.argv[1],0)); s.settimeout({PATIENCE}); s.connect(('127.0.0.1',int(sys.argv[2+i%2]))); held.append(s)\n"
              "for s in held: s.recv(1)\nprint('held',flush=True)\nsys.stdin.read()\n")
    if hard < share + 200:
        skip("50,000 connections", f"only {hard} descriptors are allowed here")
        return
    with siege(server, f"{want} connections", ceiling=512):
        for i in range(0, want, share):
            holders.append(subprocess.Popen(["python3", "-c", holder, f"127.0.9.{i // share + 1}", str(server.port["imap"]), str(server.port["smtp"]), str(min(share, want - i))],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        held = [h.stdout.readline() for h in holders]
        check(f"{want} connections were greeted", all(line == b"held\n" for line in held), held)
        time.sleep(1)
        for h in holders:
            h.stdin.close()
            h.wait()


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (70000, max(hard, 70000)))      # by root; the server inherits it
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    template = Template(binary())
    server = Server(template, CONFIG)
    friend(server)
    for scene in (unread_commands, unread_bodies, slow_writers, unfinished, half_handshakes, renegotiation, guesses, crowd):
        attempt(scene.__name__, scene, server)
    server.stop()
    server.remove()
    template.remove()
    print("peaks of memory, MB: " + ", ".join(f"{name} {mb:.0f}" for name, mb in peaks.items()))
    finish()


main()
