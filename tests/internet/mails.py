"""Messages that can be told apart and compared octet by octet."""
import os
import random
import re
from email.utils import formatdate


def message(ident, sender, to, body=b"Hello.\r\n", extra=b""):
    """With all fields that somebody might feel called to add; extra: more of them."""
    return (f"From: {sender}\r\nTo: {to}\r\nDate: {formatdate(localtime=False)}\r\nMessage-ID: <{ident}@{sender.rpartition('@')[2]}>\r\n"
            f"Subject: about {ident}\r\nX-Ident: {ident}\r\nMIME-Version: 1.0\r\n").encode() + extra + b"\r\n" + body


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def same(sent, got):
    """Is what arrived what was sent, with trace fields before it and nothing else touched?"""
    return crlf(got).endswith(crlf(sent))


def ident_of(data):
    found = re.search(rb"^X-Ident: (\S+)", data, re.M)
    return found.group(1).decode() if found else None


def difference(sent, got):
    """For a check that failed: where the two part, counted from the end."""
    a, b = crlf(sent), crlf(got)
    equal = len(os.path.commonprefix([a[::-1], b[::-1]]))
    return f"{equal} octets from the end: sent {a[-equal - 40:][:80]!r}, got {b[-equal - 40:][:80]!r}"


def received(data):
    """The Received fields, unfolded, newest first."""
    head = crlf(data).partition(b"\r\n\r\n")[0]
    return [re.sub(r"\s+", " ", f.decode(errors="replace")) for f in re.findall(rb"^Received: ((?:.*\r\n[ \t])*.*)", head, re.M | re.I)]


DOTS = b".\r\n..\r\n...\r\n.leading\r\n. \r\n\r\n.\r\nend\r\n.\r\n"
EIGHT = "Grüße aus Łódź, 東京 и Москвы\r\n".encode() + bytes(range(0xA0, 0x100)) + b"\r\n"
LONG = b"".join(bytes([c]) * 998 + b"\r\n" for c in b"abc")           # RFC 5321 4.5.3.1.6: 1000 with the line end


def large(size=2 << 20, seed=1):
    text = random.Random(seed).randbytes(size // 2).hex().encode()
    return b"".join(text[i:i + 76] + b"\r\n" for i in range(0, len(text), 76))


MIME8 = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
