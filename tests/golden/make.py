#!/usr/bin/env python3
"""Makes a golden data directory with a program of some version: what it holds is told beside it, as seen by that program.

    tests/golden/make.py PATH/TO/troika NAME        writes tests/golden/NAME.tar.xz and NAME.json

Once for each version that writes anything in a new way, by that version's program, before it is released. tests/e2e/golden.py opens them all."""
import json
import lzma
import re
import smtplib
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from common import TLS, USERS, Failed, Server, Template, address, imap, pop3, smtp          # noqa: E402
sys.path.insert(0, str(HERE))
from seen import seen                                                    # noqa: E402


def message(n, extra=""):
    reply = f"In-Reply-To: <golden-{n - 1}@example.net>\r\n" if n % 5 == 1 and n > 1 else ""
    return (f"From: Zoë <zoe@example.net>\r\nTo: {address('alice')}\r\nSubject: golden {n}\r\nMessage-ID: <golden-{n}@example.net>\r\n{reply}"
            f"Date: Thu, 26 Nov 2026 10:{n % 60:02}:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n{extra}\r\n"
            + f"Line of message {n}, ünïcode.\r\n" * (n % 7 + 1) + ("x" * 70 + "\r\n") * (400 if n == 13 else 0)).encode()


def optional(template, data, *words, stdin=""):
    """What this version may not have yet."""
    try:
        template.cli(*words, "-d", data, stdin=stdin)
    except Failed as e:
        print("not in this version:", *words, e)


def fill(server, template):
    with smtp(server) as c:
        for n in range(1, 121):
            c.sendmail("zoe@example.net", [address("alice")], message(n))
        for n in range(121, 126):
            c.sendmail("zoe@example.net", [address("alice"), address("bob")], message(n))
    c = imap(server)
    for name in ("Work", "Work/2026", "Gone", "&AOk-t&AOk-"):
        c.create(f'"{name}"')
    c.subscribe("Work/2026")
    c.unsubscribe("Junk")
    c.select("INBOX")
    c.store("2:20", "+FLAGS", "(\\Seen)")
    c.store("5,7", "+FLAGS", "(\\Flagged \\Answered $Forwarded Important)")
    c.copy("10:30", "Work/2026")
    c.copy("40", "Gone")
    c.store("90:99", "+FLAGS", "(\\Deleted)")
    c.expunge()
    c.delete("Gone")
    for n in range(200, 205):
        c.append('"&AOk-t&AOk-"', "(\\Draft $Label1)", '"01-Jan-2020 12:00:00 +0100"', message(n, "X-By: append\r\n"))
    c.logout()
    try:                                                                 # a message that waits: for a day, RFC 4865
        with smtplib.SMTP("127.0.0.1", server.port["submission"], local_hostname="client.example.net", timeout=60) as c:
            c.starttls(context=TLS)
            c.login(address("alice"), USERS["alice"])
            c.sendmail(address("alice"), ["far@peer.example.net"], message(300).replace("Zoë <zoe@example.net>".encode(), address("alice").encode()), mail_options=["HOLDFOR=86400"])
    except smtplib.SMTPException as e:
        print("not in this version: submission to the world:", e)
    p = pop3(server, "bob")
    p.dele(1)
    p.quit()


def main():
    binary, name = sys.argv[1], sys.argv[2]
    template = Template(binary)
    template.cli("alias", "add", "sales@example.org", address("alice"), address("bob"), "-d", template.data)
    optional(template, template.data, "group", "add", "list@example.org")
    optional(template, template.data, "group", "join", "list@example.org", address("bob"))
    optional(template, template.data, "dkim", "add", "example.org")
    server = Server(template, None)
    fill(server, template)
    optional(template, server.data, "quota", "set", address("bob"), "storage=50M", "messages=1000")
    optional(template, server.data, "acl", "set", address("alice"), "Work", address("bob"), "lrs")
    facts = seen(server)
    try:
        facts["deleted"] = sorted(set(re.findall(r"golden \d+", server.cli(("undelete", "list", address("alice")), "").decode())))
    except Failed as e:
        print("not in this version: undelete", e)
    server.stop()
    (HERE / f"{name}.json").write_text(json.dumps(facts, sort_keys=True, ensure_ascii=False).replace("}, ", "},\n") + "\n")
    with lzma.open(HERE / f"{name}.tar.xz", "wb", preset=9) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(server.data.rglob("*")):
            part = path.relative_to(server.data)
            if path.is_file() and part.parts[0] not in ("search", "spool", "run", "audit") and path.name not in ("lock.mdb", "bell"):
                tar.add(path, arcname=str(part))
    server.remove()
    template.remove()
    print(f"{name}: {sum(len(b['messages']) for u in (facts[u] for u in USERS) for b in u['mailboxes'].values())} messages")


main()
