#!/usr/bin/env python3
"""Compares codec/mime with Python's email package, which is another implementation of the same RFCs.

    tests/mime_peer.py MIME_DUMP [--verbose]

Messages: those written below, and ../shared/data/mail (the MIME samples and 2,500 real messages) where that is there.
Compared: the tree of parts, the type and the body bytes of every part, header offsets, parameters, addresses, subjects,
dates, references. Where the two differ on purpose, KNOWN says where and why; everything else is a failure.
"""

import collections
import datetime
import email
import email.header
import email.policy
import email.utils
import json
import lzma
import pathlib
import re
import struct
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAIL = ROOT.parent / "shared/data/mail"

# What Python's parser does otherwise, and why Troika does not follow. Each is decided by looking at the message.
KNOWN = {
    "boundary-prefix": "RFC 2046 5.1.1: a line that begins with the boundary is one; Python wants nothing behind it",
    "no-start": "a multipart without parts has one text part, so that its text can be read; Python makes it a leaf",
    "encoded-composite": "RFC 2045 6.4 forbids base64 around parts; both read on, but not alike",
    "colon-blank": "RFC 5322 4.5 permits blanks before the colon; Python ends the header there",
    "no-end": "the boundary is missing at the end: Python drops the last line end all the same",
    "twice": "a boundary right after a boundary: an empty part; Python takes the two for one",
    "same-boundary": "a multipart in a multipart with one boundary: ours takes it for the inner one, Python for the outer one",
    "folded-boundary": "RFC 5322 2.2.3: unfolding removes line ends from quoted strings; Python keeps them in boundaries",
    "no-semicolon": "a parameter without a semicolon before it: Python does not see it",
    "message-other": "message/partial and the like are leaves to IMAP; Python takes them apart",
    "not-rfc": "addresses or dates that follow no RFC: any reading is a guess",
}

OWN = {
    "plain": b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nbody\r\n",
    "no body": b"From: a@example.org\r\nSubject: x\r\n",
    "empty": b"\r\n",
    "nested": b"Content-Type: multipart/mixed; boundary=aa\r\n\r\npreamble\r\n--aa\r\n\r\none\r\n--aa\r\n"
              b"Content-Type: multipart/alternative; boundary=\"aab\"\r\n\r\n--aab\r\nContent-Type: text/html\r\n\r\n"
              b"<b>two</b>\r\n\r\n--aab\r\n\r\nthree\r\n--aab--\r\nepilogue\r\n--aa\r\nContent-Type: message/rfc822\r\n\r\n"
              b"Subject: inside\r\nFrom: c@example.org\r\n\r\nfour\r\n--aa--\r\nepilogue\r\n",
    "digest": b"Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: 1\r\n\r\none\r\n--d\r\n\r\n"
              b"Subject: 2\r\n\r\ntwo\r\n--d--\r\n",
    "no end": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\n\r\ntwo",
    "outer ends inner": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n"
                        b"--y\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n",
    "words": b"Subject: =?utf-8?q?caf=C3=A9?= =?iso-8859-2?B?oQ==?= plain\r\nFrom: =?utf-8?b?w6k=?= <a@example.org>\r\n\r\n",
    "parameters": b"Content-Type: application/x; name*0*=utf-8''a%20; name*1=\"b c\"; name*2*=%C3%A9; k=v\r\n\r\n",
    "group": b"To: A Group:Ed Jones <joe@where.test>,joe@example.org;, last@example.org\r\n\r\n",
}


def messages():
    """Yields (name, bytes with CRLF line ends)."""
    for name, message in OWN.items():
        yield "own/" + name, message
    archive, mbox = MAIL / "mime-samples.tar.xz", MAIL / "real-ham.mbox.xz"
    if not archive.exists() or not mbox.exists():
        print(f"skipped: {MAIL} is not there: 2 collections of messages not compared")
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and not member.name.endswith(("COPYING", ".md")):
                yield member.name, crlf(tar.extractfile(member).read())
    for number, message in enumerate(re.split(rb"(?m)^From .*\n", lzma.open(mbox).read())[1:]):
        yield f"ham/{number}", crlf(re.sub(rb"(?m)^>(>*From )", rb"\1", message.removesuffix(b"\n")))


def crlf(message):
    return re.sub(rb"\r?\n", b"\r\n", message)


def to_bytes(text):
    return text.encode("latin-1")


def raw(text):
    """What the peer calls a string, as bytes."""
    return str(text).encode("utf-8", "surrogateescape")


class Comparison:
    def __init__(self, name, message, dumped):
        self.name, self.message, self.dumped = name, message, dumped
        self.parts = iter(dumped["parts"])
        self.defects = set(dumped["defects"].split())
        self.differences = []
        self.known = collections.Counter()

    def differ(self, what, ours, peers):
        self.differences.append(f"{self.name}: {what}\n    ours:  {ours!r:.300}\n    peer's: {peers!r:.300}")

    def same(self, what, ours, peers):
        if ours != peers:
            self.differ(what, ours, peers)

    def run(self):
        peer = email.message_from_bytes(self.message, policy=email.policy.compat32)
        excuse = self.excuse()
        if excuse:
            self.known[excuse] += 1
            return
        self.part(peer, 0)
        self.same("number of parts", [(p["type"], p["subtype"]) for p in self.parts], [])
        self.envelope(peer)

    def excuse(self):
        """A reason for which the trees of this message cannot be the same."""
        for defect in ("no-start", "encoded-composite"):
            if defect in self.defects:
                return defect
        headers = b"".join(self.message[at:at + n] for at, n in (p["header"] for p in self.dumped["parts"]))
        if re.search(rb"(?m)^[!-9;-~]+[ \t]+:", headers):
            return "colon-blank"
        if re.search(rb"(?mi)^content-type:[^;\n]*\n[ \t]+[a-z]+=", headers):
            return "no-semicolon"
        if re.search(rb'(?mi)boundary="[^"\n]*\n', headers):
            return "folded-boundary"
        boundaries = [to_bytes(value) for p in self.dumped["parts"] for name, value, _ in p["params"] if name.lower() == "boundary"]
        if len(set(boundaries)) < len(boundaries):
            return "same-boundary"
        for line in (rb"--" + re.escape(b) for b in boundaries if b):
            if re.search(rb"(?m)^" + line + rb"(?!(--)?[ \t]*\r?$)", self.message):
                return "boundary-prefix"
            if re.search(rb"(?m)^" + line + rb"[ \t]*\r?\n" + line + rb"[ \t]*\r?$", self.message):
                return "twice"
        return None

    def part(self, peer, depth):
        ours = next(self.parts, None)
        if ours is None:
            self.differ("a part is missing", None, peer.get_content_type())
            return
        self.same("depth", ours["depth"], depth)
        self.same("type", f'{ours["type"]}/{ours["subtype"]}'.lower(), peer.get_content_type())
        self.fields(ours, peer)
        self.parameters(ours, peer)
        if ours["type"].lower() == "message" and ours["kind"] == 0:
            self.known["message-other"] += 1
            return
        children = peer.get_payload() if peer.is_multipart() else []
        self.same("children", ours["children"], len(children))
        if not children:
            self.body(ours, raw(peer._payload or ""))    # get_payload would decode bytes over 127
        for child in children:
            self.part(child, depth + 1)

    def body(self, ours, peers):
        at, n = ours["body"]
        body = self.message[at:at + n]
        if body != peers and "no-end" in self.defects and at + n == len(self.message):
            body = body.removesuffix(b"\r\n")
            self.known["no-end"] += 1
        self.same("body", body, peers)

    def fields(self, ours, peer):
        """The header must be where the offsets say: its fields are those that the peer found."""
        at, n = ours["header"]
        header = self.message[at:at + n]
        names = [name.lower() for name in re.findall(rb"(?m)^([!-9;-~]+):", header)]
        self.same("field names", names, [raw(name).lower() for name in peer.keys()])
        encoding = peer.get("content-transfer-encoding", "").split() or ["7bit"]
        self.same("encoding", ours["encoding"].lower(), encoding[0].lower())
        self.same("lines", ours["lines"], self.message[ours["body"][0]:sum(ours["body"])].count(b"\n"))

    def parameters(self, ours, peer):
        for name, _, decoded in ours["params"]:
            name = name.rstrip("*").lower()
            value = peer.get_param(name)
            if not value or "bad-param" in self.defects or "header-8bit" in self.defects:
                continue
            if isinstance(value, str) and ("=?" in value or "\n" in value):
                continue        # encoded words and folding in parameters: Python leaves them
            self.same("parameter " + name, to_bytes(decoded).decode(), email.utils.collapse_rfc2231_value(value))

    def envelope(self, peer):
        ours = self.dumped["envelope"]
        fields = {}
        for name, value in peer.raw_items():
            fields.setdefault(name.lower(), []).append(value)
        subject = fields.get("subject", [None])[0]
        if subject is not None and "=?" not in str(subject):
            # RFC 5322 2.2.3
            self.same("subject", to_bytes(ours["subject"]), re.sub(rb"\r?\n(?=[ \t])", b"", raw(subject)).strip())
        elif subject is not None and "header-8bit" not in self.defects:
            self.words(to_bytes(ours["subject_utf8"]).decode(), str(subject))
        for field in ("from", "to", "cc"):
            self.addresses(field, ours[field], fields.get(field, []))
        self.date(fields.get("date", [None])[0])

    def words(self, ours, subject):
        try:
            peers = str(email.header.make_header(email.header.decode_header(subject)))
        except (LookupError, UnicodeError, email.errors.HeaderParseError):
            return              # a charset or a word that the peer does not know
        squeeze = lambda text: re.sub(r"\s+", "", text)    # Python joins some pieces with a space of its own
        self.same("decoded subject", squeeze(ours), squeeze(peers))

    def addresses(self, field, ours, values):
        if field == "from":
            values = values[:1]
        peers = email.utils.getaddresses([re.sub(r"\r?\n", "", str(v)) for v in values])
        found = [(a["name"] or "", a["local"] + "@" + a["domain"]) for a in ours if a["domain"] is not None]
        if "bad-address" in self.defects or "header-8bit" in self.defects:
            self.known["not-rfc"] += found != peers
            return
        unquote = lambda address: re.sub(r'\\(.)|"', r"\1", address)
        # Python keeps every comment; ours is the last one, and only when there is no display name
        self.same(field + " addresses", [a.lower() for _, a in found], [unquote(a).lower() for _, a in peers if a])
        if not any("(" in str(v) for v in values):
            self.same(field + " names", [re.sub(r"\s+", " ", n) for n, _ in found], [re.sub(r"\s+", " ", n) for n, a in peers if a])

    def date(self, value):
        peers = email.utils.parsedate_tz(str(value)) if value else None
        if not value or "bad-date" in self.defects or peers is None:
            if value and ("bad-date" in self.defects) != (peers is None):
                self.known["not-rfc"] += 1
            return
        try:
            datetime.datetime(*peers[:6])
        except ValueError:
            return
        self.same("date", self.dumped["sent"], int(email.utils.mktime_tz(peers)))


def dump(program, batch):
    stream = b"".join(struct.pack("<I", len(message)) + message for _, message in batch)
    result = subprocess.run([program], input=stream, capture_output=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{program} failed with {result.returncode}: {result.stderr.decode()}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def main(arguments):
    verbose = "--verbose" in arguments
    program, = [a for a in arguments if a != "--verbose"]
    batch = list(messages())
    dumped = dump(program, batch)
    if len(dumped) != len(batch):
        sys.exit(f"{len(batch)} messages went in, {len(dumped)} came out")
    known, differences, parts = collections.Counter(), [], 0
    for (name, message), ours in zip(batch, dumped):
        comparison = Comparison(name, message, ours)
        comparison.run()
        known += comparison.known
        differences += comparison.differences
        parts += len(ours["parts"])
    for difference in differences if verbose else differences[:20]:
        print(difference)
    for reason, count in known.most_common():
        print(f"{count} differ as known: {KNOWN[reason]}")
    print(f"{len(batch)} messages, {parts} parts compared with Python {sys.version.split()[0]}: {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
