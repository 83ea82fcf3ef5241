#!/usr/bin/env python3
"""Bombs: little that becomes much when it is unpacked, parsed, searched or sorted; names that want out of their directory; lines that want to be two.
Memory stays under a ceiling, others are served. Usage: bombs.py PATH/TO/troika"""
import gzip
import io
import socket
import subprocess
import threading
import time
import zipfile

from siege import CONFIG, PATIENCE, TLS, USERS, Raw, Server, Template, address, attempt, binary, check, deflated, finish, friend, imap, peaks, pop3, siege, smtp


def deliver(server, *messages, to="alice"):
    with smtp(server) as c:
        for m in messages:
            c.sendmail("bomber@example.net", [address(to)], m)


def everything(server, user="alice"):
    """What a client does with a mailbox; how long it took in all."""
    begin = time.monotonic()
    c = imap(server, user)
    c.select("INBOX")
    for command in (("FETCH", "1:*", "(ENVELOPE BODYSTRUCTURE FLAGS PREVIEW RFC822.SIZE)"), ("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (Subject To References)])"),
                    ("SEARCH", None, "TEXT", "needle"), ("SORT", "(SUBJECT FROM DATE)", "UTF-8", "ALL"), ("THREAD", "REFERENCES", "UTF-8", "ALL"),
                    ("THREAD", "ORDEREDSUBJECT", "UTF-8", "ALL")):
        getattr(c, command[0].lower())(*command[1:])
    c.logout()
    return time.monotonic() - begin


def nested(depth, kind):
    if kind == "rfc822":
        head = b"Content-Type: message/rfc822\r\n\r\n" * depth
        return b"Subject: nested\r\n" + head + b"Subject: core\r\n\r\nx\r\n"
    out = [b"Subject: nested\r\nMIME-Version: 1.0\r\n"]
    for i in range(depth):
        out.append(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i))
    return b"".join(out) + b"Content-Type: text/plain\r\n\r\ncore\r\n"


def mime(server):
    """Nesting by the ten thousand, a hundred thousand parts, boundaries that begin one another."""
    parts = b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 200000 + b"--b--\r\n"
    prefixes = b"Subject: prefixes\r\n" + b"".join(b"Content-Type: multipart/mixed; boundary=" + b"a" * i + b"\r\n\r\n--" + b"a" * i + b"\r\n" for i in range(1, 65)) + b"--aaaa\r\n" * 50000
    with siege(server, "MIME nested ten thousand deep, 200,000 parts"):
        begin = time.monotonic()
        deliver(server, nested(10000, "rfc822"), nested(10000, "multipart"), parts, prefixes)
        took = time.monotonic() - begin, everything(server)
    check(f"it is taken in {took[0]:.1f} s and shown in {took[1]:.1f} s", True)


def headers(server):
    """A million fields, one of 40 MB, 100,000 addresses, references without end, encoded words without number."""
    messages = [b"".join(b"X-%d: y\r\n" % i for i in range(1000000)) + b"\r\nx\r\n", b"Subject: " + b"z" * 900 + b"\r\n z" * 10000000 + b"\r\n\r\nx\r\n",
                b"To: " + b",\r\n ".join(b"a%d@example.net" % i for i in range(100000)) + b"\r\n\r\nx\r\n",
                b"References: " + b"\r\n ".join(b"<%d@x>" % i for i in range(200000)) + b"\r\n\r\nx\r\n",
                b"Subject: " + b"\r\n ".join(b"=?utf-8?q?=C3=A9?=" for i in range(100000)) + b"\r\n\r\nx\r\n", b"To: " + b"(" * 200000 + b"\r\n\r\nx\r\n",
                b"Content-Type: text/plain; " + b";\r\n ".join(b"x*%d*=a" % i for i in range(100000)) + b"\r\n\r\nx\r\n"]
    with siege(server, "floods of header fields"):
        begin = time.monotonic()
        for m in messages:
            try:
                deliver(server, m)
            except Exception as e:                              # noqa: BLE001
                check("a flood is refused in words", "55" in str(e) or "Too many" in str(e), str(e)[:200])
        took = time.monotonic() - begin, everything(server)
    check(f"they are taken or refused in {took[0]:.1f} s and shown in {took[1]:.1f} s", True)


def compress(server):
    """COMPRESS=DEFLATE: a megabyte on the wire that is half a gigabyte of one line, of commands, of a literal."""
    line, commands = deflated(b"a" * (1 << 29)), deflated(b"a NOOP\r\n" * (16 << 20))
    literal = deflated(b"c APPEND INBOX {1073741824+}\r\n" + b"x" * (1 << 28))
    for what, bomb in (("a line", line), ("commands", commands), ("a literal", literal)):
        with siege(server, f"half a gigabyte of {what}, compressed ({len(bomb) >> 10} KB sent)"):
            c = Raw(server, "imap").login("bob")
            c.send(b"z COMPRESS DEFLATE\r\n")
            check(f"{what}: COMPRESS begins", c.until(b"z ").startswith(b"z OK"))
            c.push(bomb, seconds=6)
            c.close()


def archives(server, program):
    """Reports that are gzip or zip of half a gigabyte of nothing."""
    path = server.dir / "report"
    with gzip.open(f"{path}.gz", "wb", 9) as f:
        for _ in range(512):
            f.write(b"\0" * (1 << 20))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as z:
        with z.open("report.xml", "w", force_zip64=True) as f:
            for _ in range(512):
                f.write(b" " * (1 << 20))
    (server.dir / "report.zip").write_bytes(inner.getvalue())
    xml = b'<?xml version="1.0"?><!DOCTYPE x [' + b"".join(b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10 if i else b"lol") for i in range(12)) + b"]><feedback>&e11;</feedback>"
    (server.dir / "report.xml").write_bytes(xml)
    for kind in ("gz", "zip", "xml"):
        begin = time.monotonic()
        r = subprocess.run(["/usr/bin/env", "bash", "-c", f"ulimit -v 2000000; exec {program} dmarc read {path}.{kind}"], capture_output=True, timeout=PATIENCE)
        check(f"dmarc read: a bomb of {kind} is refused, in {time.monotonic() - begin:.1f} s", r.returncode > 0, (r.returncode, r.stderr[-300:]))


def searches(server):
    """Keys nested and repeated up to every limit, patterns of wildcards, sorts and threads of all, from many connections at once."""
    c = imap(server, "bob")
    text = ("needle " * 2000).encode()
    for i in range(300):
        c.append("INBOX", None, None, b"Subject: %s%d\r\nMessage-ID: <s%d@x>\r\nReferences: <s%d@x> <s%d@x>\r\n\r\n%s\r\n" % (b"Re: " * 200, i, i, i - 1, i // 2, text))
    c.select("INBOX")
    for _ in range(4):
        c.copy("1:*", "INBOX")
    for i in range(60):
        c.create('"' + "/".join(["aaaa"] * 20) + f'{i}"')
    c.logout()
    deadly = [b"a SEARCH " + b"OR TEXT needle " * 300 + b"ALL ALL\r\n", b"a SEARCH " + b"NOT " * 2000 + b"TEXT zzz\r\n", b"a SEARCH TEXT \"" + b"needle " * 1000 + b"\"\r\n",
              b"a SEARCH UID " + b",".join(b"%d:%d" % (i, i + 2) for i in range(1, 20000, 4)) + b"\r\n", b"a SORT (SUBJECT REVERSE FROM DATE CC TO SIZE ARRIVAL) UTF-8 TEXT needle\r\n",
              b"a THREAD REFERENCES UTF-8 TEXT needle\r\n", b'a LIST "" "' + b"*a" * 400 + b'"\r\n', b'a LIST "" "' + b"%*" * 400 + b'x"\r\n', b"a FETCH 1:* (" + b"BODY.PEEK[HEADER.FIELDS (A B C D E F)] " * 200 + b")\r\n",
              b"a ESEARCH IN (personal) RETURN (COUNT) TEXT needle\r\n", b"a SEARCH FUZZY TEXT needle\r\n"]
    slowest, answered = [0, b""], []

    def one(i):
        r = Raw(server, "imap").login("bob")
        r.send(b"s SELECT INBOX\r\n")
        r.until(b"s ")
        for k in range(len(deadly)):
            command = deadly[(i + k) % len(deadly)]
            begin = time.monotonic()
            r.send(command)
            line = r.until(b"a ")
            took = time.monotonic() - begin
            if not line.startswith((b"a OK", b"a NO", b"a BAD")):
                failures.append((command[:60], line))
            answered.append(command)
            if took > slowest[0]:
                slowest[:] = took, command[:60]
        r.close()
    failures = []
    with siege(server, "searches, sorts and patterns of death, 12 at once"):
        threads = [threading.Thread(target=one, args=(i,)) for i in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    check(f"each got its answer (the slowest took {slowest[0]:.1f} s: {slowest[1]!r})", not failures and len(answered) == 12 * len(deadly), (len(answered), failures[:2]))


def traversal(server, template):
    """Names that would be paths: of mailboxes, users, domains; and what export makes of them."""
    c = imap(server, "carol")
    names = ["../../outside", "/etc/passwd", "a/../../b", "..", ".", "a\\..\\b", "a%2f..%2fb", "CON", "x\ty", "~root", "a:b", "-rf", "$(id)", "`id`", "&AC8-etc", "&AAA-", "\x7f"]
    made = 0
    for n in names:
        try:
            made += c.create('"' + n.replace("\\", "\\\\") + '"')[0] == "OK"
        except Exception:                                       # noqa: BLE001
            c = imap(server, "carol")
    for user in ("../../x@example.org", "x/../y@example.org", "a\0b@example.org", "..@example.org", "/etc/passwd"):
        with smtp(server) as s:
            s.docmd("MAIL", "FROM:<a@example.net>")
            code = s.docmd("RCPT", f"TO:<{user}>")[0]
            check(f"RCPT TO {user!r} is refused", code >= 500, code)
    listed = c.list()[1]
    c.logout()
    for kind in ("mbox", "maildir"):
        out = server.dir / "out" / kind
        out.parent.mkdir(exist_ok=True)
        template.cli("export", "-d", server.data, "--user", address("carol"), "--to", kind, out)
    stray = [p for p in server.dir.rglob("*") if "outside" in p.name and "out" not in p.parts[len(server.dir.parts):][:1]]
    inside = [p for p in (server.dir / "out").rglob("*")]
    check(f"export of {made} such mailboxes ({len(listed)} listed) leaves nothing outside, {len(inside)} files inside", not stray and len(inside) > 10, stray)


def injected(server):
    """What is sent in one packet behind STARTTLS is forgotten; what is echoed makes no line of its own."""
    for proto, starttls, ready, evil, then, first in (
            ("smtp", b"EHLO x\r\nSTARTTLS\r\n", b"220 2.0.0", b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<alice@example.org>\r\n", b"NOOP\r\nQUIT\r\n", b"250 2.0.0"),
            ("imap", b"a STARTTLS\r\n", b"a OK", b"b ID NIL\r\n", b"c NOOP\r\nd LOGOUT\r\n", b"c OK"), ("pop3", b"STLS\r\n", b"+OK", b"CAPA\r\n", b"QUIT\r\n", b"+OK Goodbye")):
        c = socket.create_connection(("127.0.0.1", server.port[proto]), PATIENCE)
        plain = c.makefile("rb", 0)                         # octet by octet: what comes behind the answer is TLS
        plain.readline()
        c.sendall(starttls + evil)
        while (line := plain.readline()) and not line.startswith(ready):
            pass
        with TLS.wrap_socket(c) as t:
            t.sendall(then)
            answer = t.makefile("rb").read()                # to the end: what was slipped in would have been answered first
        check(f"{proto}: commands slipped in behind STARTTLS are not done", line and answer.startswith(first), (line, answer))
    evil = b"x\r\n* OK [ALERT] send your password\r\nb"
    c = Raw(server, "imap").login("bob")
    for command in (b"a CREATE {%d+}\r\n%s\r\n", b"a SELECT {%d+}\r\n%s\r\n", b"a SUBSCRIBE {%d+}\r\n%s\r\n", b'a ID ("name" {%d+}\r\n%s)\r\n', b"a STATUS {%d+}\r\n%s (MESSAGES)\r\n",
                    b'a LIST "" {%d+}\r\n%s\r\n', b"a SETACL INBOX {%d+}\r\n%s lr\r\n", b"a GETMETADATA INBOX {%d+}\r\n%s\r\n"):
        c.send(command % (len(evil), evil))
        lines = []
        while not lines or not lines[-1].startswith(b"a "):
            lines.append(c.line())
            if not lines[-1]:
                break
        check(f"imap: {command.split()[1].decode()} with a line break in a name answers no line of the client's", not any(b"ALERT" in x for x in lines), lines)
    c.close()


def smuggled(server):
    """Ends of data that only some servers take for one, in each of their spellings: one message, or none."""
    before = count_of(server, "bob")
    ends = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n", b"\n.\r", b"\r\n\x00.\x00\r\n"]
    taken = 0
    for end in ends:
        c = Raw(server, "smtp")
        c.line()
        c.send(b"EHLO x\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")
        c.until(b"354")
        c.send(b"Subject: first\r\n\r\nx" + end + b"MAIL FROM:<ceo@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\ny\r\n.\r\nQUIT\r\n")
        replies = c.file.read()
        taken += replies.count(b"queued as") + replies.count(b"2.0.0 Ok")
        c.close()
    got = count_of(server, "bob") - before
    d = imap(server, "bob")
    d.select("INBOX")
    smuggled = d.search(None, "HEADER", "Subject", "smuggled")[1][0]
    d.logout()
    check(f"none of {len(ends)} false ends makes a second message ({got} came whole)", not smuggled and got <= len(ends), smuggled)


def count_of(server, user):
    c = imap(server, user)
    n = int(c.select("INBOX", readonly=True)[1][0])
    c.logout()
    return n


def main():
    program = binary()
    template = Template(program)
    server = Server(template, CONFIG)
    friend(server)
    for name, fn, *args in (("mime", mime), ("headers", headers), ("compress", compress), ("archives", archives, template.binary), ("searches", searches), ("traversal", traversal, template),
                            ("injected", injected), ("smuggled", smuggled)):
        attempt(name, fn, server, *args)
    server.stop()
    r = subprocess.run([template.binary, "check", "-d", str(server.data)], capture_output=True, text=True, timeout=300)
    check("check finds no fault after all that", r.returncode == 0, r.stdout[-500:])
    server.remove()
    template.remove()
    print("peaks of memory, MB: " + ", ".join(f"{name} {mb:.0f}" for name, mb in peaks.items()))
    finish()


main()
