#!/usr/bin/python3
"""mailauth/dkim and mailauth/arc against other people's code: dkimpy and OpenDKIM.

    tests/mailauth/dkim_peer.py DKIM_ASK [--verbose]

What Troika signs and seals they must verify, what they sign and seal Troika must verify: both algorithms, all four pairs of canonical forms, chains in
which the two take turns. Then real mail (../shared/data/mail/real-ham.mbox.xz): each message signed twice and verified by Troika, every fifth by dkimpy.
No packet leaves: keys are handed over in files and tables.
"""

import base64
import itertools
import lzma
import pathlib
import re
import subprocess
import sys
import tempfile

import dkim

from dkim_ask import Ask

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HAM = ROOT.parent / "shared/data/mail/real-ham.mbox.xz"
SAMPLE_EVERY = 5

ORDINARY = b"Received: from a by b; Fri, 11 Jul 2003 21:00:38 -0700\r\nFrom: Joe <joe@example.org>\r\nTo: a@example.net,\r\n\t b@example.net\r\n" \
           b"Subject: two  blanks \t and a tab\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.org>\r\n\r\n"
MESSAGES = {
    "plain": ORDINARY + b"Hello\r\n",
    "odd header": ORDINARY.replace(b"Subject: ", b"SUBJECT:  \t").replace(b"\r\nTo: a", b"\r\nTo:\r\n\t a") + b"Hello\r\n",
    "blanks": ORDINARY + b" Hello  world \t \r\n\t\r\nx\t\ty\r\n\r\n \r\n\r\n\r\n",
    "empty body": ORDINARY,
    "no final line end": ORDINARY + b"Hello\r\nworld",
    "8bit": ORDINARY.replace(b"Joe", "Jürgen €".encode()) + b"\xfc \xff\x80\r\n\r\n",
    "long": ORDINARY.replace(b"\r\nTo:", b"\r\nReferences:" + b"\r\n <" .join([b""] + [b"x" * 60 + b"@example.org>"] * 100) + b"\r\nTo:") + b"x" * 5000 + b"\r\n",
    "repeated": ORDINARY.replace(b"\r\n\r\n", b"\r\nTo: c@example.net\r\nTO:\td@example.net\r\nList-Id: <x>\r\nReply-To: e@example.org\r\n\r\n") + b"Hi\r\n",
}
PAIRS = [f"{header}/{body}" for header, body in itertools.product(("simple", "relaxed"), repeat=2)]


class Count:
    def __init__(self, verbose):
        self.passed, self.wrong, self.verbose = 0, [], verbose

    def check(self, what, got, wanted=True):
        if got == wanted:
            self.passed += 1
        else:
            self.wrong.append(f"{what}: {got!r}, not {wanted!r}")
        if self.verbose:
            print(f"{what}: {got!r}")


class Keys:
    """One RSA and one Ed25519 key, in the forms that each implementation wants."""

    def __init__(self, ask):
        self.pem = {"rsa": ask.new_key("rsa"), "ed25519": ask.new_key("ed25519")}
        self.records = {kind: ask.add_key(kind, "example.org", pem) for kind, pem in self.pem.items()}
        ask.zone(f"{kind}._domainkey.example.org TXT {record}" for kind, record in self.records.items())

    def seed(self):
        der = base64.b64decode("".join(self.pem["ed25519"].decode().splitlines()[1:-1]))
        return base64.b64encode(der[-32:])

    def for_dkimpy(self, kind):
        return self.seed() if kind == "ed25519" else self.pem["rsa"]

    def lookup(self, name, timeout=5):
        kind = name.decode().split(".")[0]
        return self.records[kind].encode() if name == f"{kind}._domainkey.example.org.".encode() else None


def dkimpy_verifies(keys, message, index):
    try:
        return dkim.DKIM(message).verify(idx=index, dnsfunc=keys.lookup)
    except dkim.DKIMException as error:
        return str(error)


def dkimpy(count, ask, keys):
    for name, message in MESSAGES.items():
        signed = ask.sign(message)
        for index, kind in enumerate(("rsa", "ed25519")):
            count.check(f"dkimpy verifies ours, {kind}, {name}", dkimpy_verifies(keys, signed, index))
        for kind, pair in itertools.product(("rsa", "ed25519"), PAIRS):
            canon = tuple(half.encode() for half in pair.split("/"))
            field = dkim.sign(message, kind.encode(), b"example.org", keys.for_dkimpy(kind), canonicalize=canon,
                              signature_algorithm=f"{kind}-sha256".encode())
            count.check(f"ours verifies dkimpy, {kind}, {pair}, {name}", ask.verify(field + message), [("pass", "example.org", f"{kind}-sha256", "")])
            count.check(f"ours refuses a change, {kind}, {pair}, {name}", ask.verify(field + message.replace(b"Joe", b"Eve").replace(b"J\xc3", b"Y\xc3"))[0][0],
                        "fail")
        partial = dkim.sign(message, b"rsa", b"example.org", keys.pem["rsa"], length=True)
        count.check(f"ours verifies l=, {name}", ask.verify(partial + message)[0][0], "pass")


def arc(count, ask, keys):
    """Hops in turn: Troika, dkimpy, Troika; after each both look at the chain."""
    for name, message in MESSAGES.items():
        for hop in ("ours", "dkimpy", "ours"):
            if hop == "ours":
                message = ask.seal(message)
            else:
                message = b"Authentication-Results: mx.example.org; arc=pass\r\n" + message
                message = b"".join(dkim.arc_sign(message, b"rsa", b"example.org", keys.pem["rsa"], b"mx.example.org")) + message
            count.check(f"ours validates {hop}, {name}", ask.validate(message)[0], "pass")
            count.check(f"dkimpy validates {hop}, {name}", dkim.arc_verify(message, dnsfunc=keys.lookup)[0], b"pass")


class OpenDkim:
    """opendkim -t: reads a message from a file and says which fields it would insert."""

    def __init__(self, folder, keys):
        self.folder = folder
        (folder / "records").write_text("".join(f"{kind}._domainkey.example.org {record}\n" for kind, record in keys.records.items()))
        for kind, pem in keys.pem.items():
            (folder / kind).write_bytes(pem)

    def run(self, message, *settings):
        (self.folder / "conf").write_text("".join(f"{line}\n" for line in ("RequireSafeKeys no", *settings)))
        (self.folder / "message").write_bytes(message)
        result = subprocess.run(["/usr/sbin/opendkim", "-vvv", "-x", str(self.folder / "conf"), "-t", str(self.folder / "message")], capture_output=True, check=False)
        found = re.search(rb"hname='(.*?)' hvalue='(.*)'", result.stdout, re.S)
        return found[1] + b": " + found[2].replace(b"\n", b"\r\n") + b"\r\n" if found else result.stdout + result.stderr

    def sign(self, message, kind, pair):
        return self.run(message, "Mode s", "Domain example.org", f"Selector {kind}", f"KeyFile {self.folder / kind}", f"Canonicalization {pair}",
                        f"SignatureAlgorithm {kind}-sha256")

    def verify(self, message):
        return self.run(message, "Mode v", f"TestPublicKeys {self.folder / 'records'}")

    def sign_with_sha1(self, message):
        return subprocess.run(["/usr/sbin/opendkim-testmsg", "-C", "-d", "example.org", "-s", "rsa", "-k", str(self.folder / "rsa")], input=message,
                              capture_output=True, check=False).stdout


def opendkim_can(kind, pair, name):
    """Its own verifier (and dkimpy) refuse what it signs with Ed25519 and a simple header; its test mode loses blanks behind a colon and
    a line without an end."""
    return name != "no final line end" and (pair.startswith("relaxed") or (kind == "rsa" and name in ("plain", "blanks", "8bit")))


def opendkim(count, ask, keys, folder):
    peer = OpenDkim(folder, keys)
    for name, message in MESSAGES.items():
        if message.endswith(b"\r\n"):
            count.check(f"OpenDKIM verifies ours, {name}", peer.verify(ask.sign(message)).count(b"dkim=pass"), 2)
        for kind, pair in itertools.product(("rsa", "ed25519"), PAIRS):
            if opendkim_can(kind, pair, name):
                field = peer.sign(message, kind, pair)
                count.check(f"ours verifies OpenDKIM, {kind}, {pair}, {name}", ask.verify(field + message), [("pass", "example.org", f"{kind}-sha256", "")])
    old = peer.sign_with_sha1(MESSAGES["plain"])
    count.check("ours refuses rsa-sha1", ask.verify(old), [("permerror", "example.org", "rsa-sha1", "rsa-sha1 is no longer accepted")])


def real_messages():
    text = lzma.decompress(HAM.read_bytes())
    for one in re.split(rb"(?m)^From .*\n", text)[1:]:
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", one.removesuffix(b"\n")).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def real_mail(count, ask, keys):
    """Lines that are no header are refused by dkimpy before it looks at a signature: those messages are not for it."""
    for i, message in enumerate(real_messages()):
        signed = ask.sign(message)
        results = [one[0] for one in ask.verify(signed)[:2]]
        count.check(f"ours verifies ours, real message {i}", results, ["pass", "pass"])
        if i % SAMPLE_EVERY:
            continue
        try:
            dkim.rfc822_parse(message)
        except dkim.MessageFormatError:
            continue
        count.check(f"dkimpy verifies real message {i}", [dkimpy_verifies(keys, signed, index) for index in (0, 1)], [True, True])


def main(arguments):
    verbose = "--verbose" in arguments
    program, = [a for a in arguments if a != "--verbose"]
    ask, count, skipped = Ask(program), Count(verbose), 0
    keys = Keys(ask)
    dkimpy(count, ask, keys)
    arc(count, ask, keys)
    with tempfile.TemporaryDirectory() as folder:
        opendkim(count, ask, keys, pathlib.Path(folder))
    if HAM.exists():
        real_mail(count, ask, keys)
    else:
        print(f"skipped: {HAM} is not there")
        skipped = 1
    count.check("the program ends", ask.close(), 0)
    print(*count.wrong, sep="\n", end="\n" if count.wrong else "")
    print(f"{count.passed} passed, {len(count.wrong)} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if count.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
