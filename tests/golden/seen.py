"""What a client sees of every user, in an order and spelling that do not depend on the program's version."""
import hashlib
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from common import USERS, imap                                           # noqa: E402


def names(lines):
    return sorted(m.group(1) for m in (re.search(rb'"/" "?([^"]*)"?$', line) for line in lines if line) if m)


def mailbox(c, name):
    typ, _ = c.select(f'"{name.decode()}"', readonly=True)
    assert typ == "OK", name
    facts = {"uidvalidity": int(c.response("UIDVALIDITY")[1][0]), "uidnext": int(c.response("UIDNEXT")[1][0]), "messages": {}}
    typ, data = c.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
    for head, body in (d for d in data if isinstance(d, tuple)):
        uid = int(re.search(rb"UID (\d+)", head).group(1))
        flags = re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode().split()
        facts["messages"][str(uid)] = {"flags": sorted(f for f in flags if f != "\\Recent"), "date": re.search(rb'INTERNALDATE "([^"]*)"', head).group(1).decode(),
                                       "digest": hashlib.sha256(body).hexdigest()}
    return facts


def seen(server):
    facts = {}
    for user in sorted(USERS):
        c = imap(server, user)
        boxes = [n for n in names(c.list()[1]) if not n.startswith((b"Other Users", b"Shared"))]
        facts[user] = {"subscribed": [n.decode() for n in names(c.lsub()[1])], "mailboxes": {n.decode(): mailbox(c, n) for n in boxes}}
        c.logout()
    return facts
