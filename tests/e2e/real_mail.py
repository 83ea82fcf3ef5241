#!/usr/bin/env python3
"""Real mail: all of it in by SMTP, out by POP3 and by IMAP, equal to the last byte behind the trace fields; and MIME of every kind.
Usage: real_mail.py PATH/TO/troika"""
import imaplib
import lzma
import re
import tarfile

from common import DATA, Server, Template, address, attempt, binary, check, finish, imap, pop3, skip, smtp


def read_mbox(path):
    """The messages of an mboxrd file with CRLF line ends, as far as SMTP can carry them (no NUL, no bare CR)."""
    for part in re.split(rb"(?m)^(?=From \S+)", lzma.open(path).read()):
        if not part.startswith(b"From "):
            continue
        body = part.split(b"\n", 1)[1]
        body = body[:-1] if body.endswith(b"\n\n") else body
        body = re.sub(rb"(?m)^>(>*From )", rb"\1", body)
        body = re.sub(rb"\A(?:Return-Path:[^\n]*\n)+", b"", body)
        yield body.replace(b"\r", b"").replace(b"\0", b"").rstrip(b"\n").replace(b"\n", b"\r\n") + b"\r\n"


def send_all(server, mails, user):
    refused = []
    with smtp(server) as c:
        for i, m in enumerate(mails):
            try:
                c.sendmail("sender@example.net", [address(user)], m)
            except Exception as e:                            # noqa: BLE001
                refused.append((i, str(e)))
                c.rset()
    return refused


def fetch_all(c, items, step=100):
    typ, data = c.select("INBOX", readonly=True)
    n, out = int(data[0]), []
    for first in range(1, n + 1, step):
        typ, data = c.fetch(f"{first}:{min(n, first + step - 1)}", items)
        if typ != "OK":
            raise RuntimeError(str(data)[:200])
        out += [d[1] for d in data if isinstance(d, tuple)]
    return out


def round_trip(server, mails):
    refused = send_all(server, mails, "alice")
    check(f"all {len(mails)} messages are taken by SMTP", not refused, refused[:3])
    p = pop3(server)
    n, size = p.stat()
    check("POP3 counts them", n == len(mails), n)
    listed = [int(line.split()[1]) for line in p.list()[1]]
    popped = [b"\r\n".join(p.retr(i)[1]) + b"\r\n" for i in range(1, n + 1)]
    p.quit()
    wrong = [i for i, (out, sent) in enumerate(zip(popped, mails)) if not out.endswith(b"\r\n" + sent)]
    check("POP3 gives every byte back", len(popped) == len(mails) and not wrong, wrong[:5])
    check("POP3 sizes are exact", listed == [len(m) for m in popped] and sum(listed) == size)
    trace = [out[:-len(sent)] for out, sent in zip(popped, mails)]
    check("in front stand Return-Path and Received only",
          all(re.fullmatch(rb"Return-Path: <[^\r\n]*>\r\nReceived: (?:[^\r\n]|\r\n\t)*\r\n", t) for t in trace), trace[:1])
    c = imap(server)
    check("IMAP gives the same", fetch_all(c, "(BODY.PEEK[])") == popped)
    c.logout()


def structures(server, label):
    c = imap(server, "bob")
    n = int(c.select("INBOX", readonly=True)[1][0])
    bad = []
    for i in range(1, n + 1):
        typ, data = c.fetch(str(i), "(ENVELOPE BODYSTRUCTURE BODY RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[TEXT]<0.100>)")
        if typ != "OK" or b"BODYSTRUCTURE (" not in b"".join(d[0] if isinstance(d, tuple) else d for d in data):
            bad.append((i, typ))
    check(f"IMAP shows the structure of all {n} {label}", n and not bad, bad[:5])
    c.logout()


def mime_samples(server):
    path = DATA / "mail" / "mime-samples.tar.xz"
    samples = []
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and member.size and not re.search(r"COPYING|LICEN[CS]E|README|\.json$", member.name):
                samples.append((member.name, tar.extractfile(member).read()))
    check("there are samples", len(samples) > 20, len(samples))
    c = imap(server, "bob")
    appended, refused = 0, []
    for name, raw in samples:
        body = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        try:
            typ, data = c.append("INBOX", None, None, body)
        except imaplib.IMAP4.error as e:
            typ, data = "BAD", e
        appended += typ == "OK"
        if (typ == "OK") == (b"\0" in body):                  # RFC 3501 9: a literal holds no NUL
            refused.append((name, data))
    check(f"APPEND takes {appended} MIME samples, all that hold no NUL", not refused, refused[:3])
    c.logout()
    structures(server, "MIME samples")


def main():
    template = Template(binary())
    server = Server(template, None)
    try:
        path = DATA / "mail" / "real-ham.mbox.xz"
        if path.exists():
            attempt("real mail", round_trip, server, list(read_mbox(path)))
            attempt("MIME samples", mime_samples, server)
        else:
            skip("real mail", f"{path} is not there")
        check("SIGTERM ends it with 0", server.stop() is None)
    finally:
        server.remove()
        template.remove()
    finish()


main()
