#!/usr/bin/env python3
"""Reads notices of outbound/notice with Python's email package, which is another implementation of the same RFCs.

    tests/notice_peer.py NOTICE_SAMPLES

Checked of all: the three parts and their types (RFC 6522, 3464, 6533), lines, encodings (RFC 2045), that nothing hostile made a field; and of each
the fields of the second part, as RFC 3464 appendix E has them where the sample is from there.
"""

import email
import email.policy
import quopri
import subprocess
import sys

HEART, EXAMPLE = "\u5fc3@\u4f8b.example", "Reporting-MTA: dns; mx.ours.example"
ARRIVED = "Arrival-Date: Sat, 02 Jul 1994 21:10:28 +0000"

# number: (subject begins with, fields of the message, fields of each recipient, type of the third part, type of the second part)
EXPECTED = [
    ("Your message could not", [EXAMPLE, ARRIVED], [[
        "Original-Recipient: rfc822; louisl@larry.slip.umd.edu", "Final-Recipient: rfc822; louisl@larry.slip.umd.edu", "Action: failed",
        "Status: 4.0.0", "Remote-MTA: dns; larry.slip.umd.edu", "Diagnostic-Code: smtp; 426 connection timed out",
        "Last-Attempt-Date: Thu, 07 Jul 1994 21:15:49 +0000"]], "message/rfc822", "delivery-status"),
    ("Your message could not", [EXAMPLE, ARRIVED], [
        ["Original-Recipient: rfc822; arathib@vnet.ibm.com", "Final-Recipient: rfc822; arathib@vnet.ibm.com", "Action: failed", "Status: 5.0.0",
         "Remote-MTA: dns; vnet.ibm.com", "Diagnostic-Code: smtp; 550 'arathib@vnet.IBM.COM' is not a 550 registered gateway user"],
        ["Original-Recipient: rfc822; johnh@hpnjld.njd.hp.com", "Final-Recipient: rfc822; johnh@hpnjld.njd.hp.com", "Action: delayed",
         "Status: 4.0.0", "Diagnostic-Code: X-Troika; hpnjld.njd.jp.com: host name lookup failure",
         "Will-Retry-Until: Fri, 08 Jul 1994 20:40:00 +0000"],
        ["Original-Recipient: rfc822; wsnell@sdcc13.ucsd.edu", "Final-Recipient: rfc822; wsnell@sdcc13.ucsd.edu", "Action: failed",
         "Status: 5.0.0", "Remote-MTA: dns; sdcc13.ucsd.edu", "Diagnostic-Code: smtp; 550 user unknown"]],
     "text/rfc822-headers", "delivery-status"),
    ("Your message is delayed", ["Original-Envelope-Id: QQ314159", EXAMPLE], [[
        "Final-Recipient: rfc822; thomas@de-montfort.ac.uk", "Action: delayed", "Status: 4.0.0", "Will-Retry-Until: Fri, 08 Jul 1994 20:40:00 +0000"]],
     "text/rfc822-headers", "delivery-status"),
    ("Your message could not", [EXAMPLE], [[
        f"Original-Recipient: utf-8; {HEART}", f"Final-Recipient: utf-8; {HEART}", "Action: failed", "Status: 5.6.7",
        "Remote-MTA: dns; mx.else.example", "Diagnostic-Code: smtp; 550 5.6.7 \u043d\u0435\u0442"]], "message/global", "global-delivery-status"),
    ("Your message could not", [EXAMPLE], [[f"Final-Recipient: utf-8; {HEART}", "Action: failed", "Status: 5.6.7"]],
     "message/global", "global-delivery-status"),
    ("Your message could not", ["Original-Envelope-Id: 1 X-Evil: 1", EXAMPLE], [[
        "Original-Recipient: rfc822; X-Evil: 3", "Final-Recipient: rfc822; b@else.example", "Action: failed", "Status: 5.1.1",
        "Remote-MTA: dns; mx X-Evil: 5", "Diagnostic-Code: smtp; 550-5.1.1 [2Jgo X-Evil: 4 550 ?."]], "message/rfc822", "delivery-status"),
]


def fail(number, what):
    sys.exit(f"FAIL sample {number}: {what}")


def check_lines(number, raw):
    if not raw.endswith(b"\r\n"):
        fail(number, "does not end with CRLF")
    for line in raw.split(b"\r\n"):
        if b"\r" in line or b"\n" in line or b"\0" in line:
            fail(number, f"bare line end or NUL: {line!r}")
        if len(line) > 998:
            fail(number, f"line of {len(line)} octets")


def check_encodings(number, message):
    """RFC 2045 6.4: 8-bit octets only where that is said, here and in all that is around it."""
    def walk(part, allowed):
        encoding = part.get("Content-Transfer-Encoding", "7bit")
        if encoding == "8bit" and not allowed:
            fail(number, f"8bit inside of 7bit: {part.get_content_type()}")
        if part.get_content_maintype() == "multipart":
            for child in part.get_payload():
                walk(child, encoding == "8bit")
        elif encoding == "7bit" and any(byte > 127 for byte in part.as_bytes()):
            fail(number, f"8-bit octets in {part.get_content_type()}")
    walk(message, True)


def fields_of(raw_part):
    """The groups of the second part, unfolded."""
    text = raw_part.decode("utf-8").replace("\r\n ", " ").strip("\r\n")
    return [group.split("\r\n") for group in text.split("\r\n\r\n")]


def decoded(part):
    """The octets of a part. The message/* parts are parsed further by Python, so they are taken from the flat text."""
    data = part.get_payload(decode=True)
    if data is not None:
        return data
    body = part.as_bytes(policy=email.policy.SMTP).split(b"\r\n\r\n", 1)[1]
    return quopri.decodestring(body) if part["Content-Transfer-Encoding"] == "quoted-printable" else body


def check(number, raw, expected):
    subject, per_message, per_recipient, third, second = expected
    check_lines(number, raw)
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    if message.defects:
        fail(number, f"defects: {message.defects}")
    wanted = {"Auto-Submitted": "auto-replied", "MIME-Version": "1.0"}
    for name, value in wanted.items():
        if message.get_all(name) != [value]:
            fail(number, f"{name}: {message.get_all(name)}")
    for name in ("Date", "From", "To", "Subject", "Message-ID"):
        if len(message.get_all(name, [])) != 1:
            fail(number, f"{name} occurs {len(message.get_all(name, []))} times")
    if not message["Subject"].startswith(subject):
        fail(number, f"Subject: {message['Subject']}")
    if message.get_content_type() != "multipart/report" or message.get_param("report-type") != "delivery-status":
        fail(number, f"Content-Type: {message['Content-Type']}")
    types = [part.get_content_type() for part in message.get_payload()]
    if types != ["text/plain", f"message/{second}", third]:
        fail(number, f"parts: {types}")
    check_encodings(number, message)
    text, status, _ = message.get_payload()
    if "This is the mail system at mx.ours.example." not in text.get_content():
        fail(number, "the text for people is not there")
    groups = fields_of(decoded(status))
    if groups != [per_message] + per_recipient:
        fail(number, f"fields:\n{groups}\nexpected:\n{[per_message] + per_recipient}")
    if any(name.lower() == "x-evil" for part in message.walk() for name in part.keys()):
        fail(number, "an enemy's field was taken for one")


def main():
    number = 0
    while True:
        result = subprocess.run([sys.argv[1], str(number)], capture_output=True, check=False)
        if result.returncode == 2:
            break
        if result.returncode:
            fail(number, f"exit code {result.returncode} {result.stderr}")
        check(number, result.stdout, EXPECTED[number])
        number += 1
    if number != len(EXPECTED):
        fail(number, "is missing")
    print(f"{number} notices read")


if __name__ == "__main__":
    main()
