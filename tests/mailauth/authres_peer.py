#!/usr/bin/python3
"""Reads the Authentication-Results fields that mailauth/authres writes with Debian's python3-authres, which is another implementation of RFC 8601.

    tests/mailauth/authres_peer.py AUTHRES_ASK

The values in the fields are made of what an attacker would try. Whatever they are, the peer must find the methods and results that were meant, no others, in
that order. Compared too are the values, where they are tokens: authres 1.2 loses a quoted one when another follows.
"""

import random
import re
import subprocess
import sys

import authres

FIELDS = 3000
PIECES = ["a", "example.com", ";", " spf=pass", "dkim=pass", '"', "\\", "(", ")", "\r\n", "\r\n\t", "\n", "@", "=", "/", "\0", "\x7f", "é".encode().decode("latin-1"), "\xff",
          " ", "\t", ",", "header.d=x", "\r\n\r\n", "x" * 90]
MEANT = [("iprev", "pass"), ("spf", "softfail"), ("dkim", "fail"), ("dmarc", "fail")]


def value(chooser):
    if chooser.random() < 0.3:
        return chooser.choice(["example.com", "s1._x", "rsa-sha256", "AbCd1234"])
    return "".join(chooser.choice(PIECES) for _ in range(chooser.randrange(1, 9)))


def faults(field, values):
    lines = field.split("\r\n")
    if not lines[0].startswith("Authentication-Results: ") or lines[-1] or not all(line.startswith("\t") for line in lines[1:-1]):
        yield "it is not one folded field"
    if not re.fullmatch(r"[ -~\t\r\n]*", field) or "\n" in field.replace("\r\n", "") or "\r" in field.replace("\r\n", ""):
        yield "it holds what no header may hold"
    header = authres.AuthenticationResultsHeader.parse(field.removesuffix("\r\n"))
    found = [(result.method, result.result) for result in header.results]
    if header.authserv_id != "mx.example.org" or found != MEANT:
        yield f"the peer reads {header.authserv_id} {found}"
    properties = {f"{p.type}.{p.name}": p.value for result in header.results for p in result.properties}
    if all(re.fullmatch(r"[\w.-]+", v) for v in values):
        names = ["smtp.mailfrom", "header.d", "header.s", "header.i", "header.a", "header.b", "header.from"]
        if [properties.get(name) for name in names] != values:
            yield f"the peer reads {properties}"


def main(arguments):
    chooser = random.Random(8601)
    rows = [[value(chooser) for _ in range(7)] for _ in range(FIELDS)] + [["example.com"] * 7]
    told = "".join("".join("/" + v.encode("latin-1").hex() for v in values) + "\n" for values in rows)
    output = subprocess.run([arguments[0]], input=told.encode(), capture_output=True, check=True).stdout.decode("latin-1")
    fields = re.findall(r"(?s)(.*?\r\n)\.\r\n", output)
    if len(fields) != len(rows):
        sys.exit(f"{len(rows)} fields were asked for, {len(fields)} came")
    wrong = [(field, fault) for field, values in zip(fields, rows) for fault in faults(field, values)]
    for field, fault in wrong[:10]:
        print(f"{fault}:\n{field}")
    print(f"{len(fields)} fields read by authres {authres.__version__}: {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
