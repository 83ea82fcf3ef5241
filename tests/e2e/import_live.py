#!/usr/bin/env python3
"""`troika import` from live accounts: Troika, Dovecot (over the network, and sdbox and mdbox through its own imap), and servers that misbehave."""
import re
import subprocess
import time

from common import DOMAIN, ROOT, USERS, Server, Template, address, attempt, binary, check, finish, imap, skip  # noqa: F401

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def run_import(data, *args, user="bob", timeout=300, stdin=None):
    r = subprocess.run([binary(), "import", "-d", str(data), "--user", address(user), *map(str, args)], capture_output=True, timeout=timeout,
                       input=stdin)
    return r.returncode, r.stdout.decode(errors="replace") + r.stderr.decode(errors="replace")


def number(text, what):
    m = re.search(r"(\d+) " + what, text)
    return int(m.group(1)) if m else 0


def message(i, size=0):
    body = f"line {i}\r\n..dots\r\n.\r\nFrom nobody\r\n" + "x" * 70 + "\r\n"
    return (f"From: a{i}@example.net\r\nTo: b@example.org\r\nDate: Mon, 6 Jul 2020 12:00:{i % 60:02d} +0000\r\n"
            f"Subject: message {i}\r\nMessage-ID: <{i}@example.net>\r\n\r\n{body}" + "y" * size).encode() + (b"\r\n" if size else b"")


def contents(c, folder, body=True):
    """What a client sees: sorted list of (date, flags, octets)."""
    typ, data = c.select(f'"{folder}"', readonly=True)
    if typ != "OK":
        return None
    if int(data[0]) == 0:
        return []
    typ, data = c.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
    found = []
    for k, part in enumerate(data):
        if not isinstance(part, tuple):
            continue
        text = part[0] + (data[k + 1] if k + 1 < len(data) and isinstance(data[k + 1], bytes) else b"")
        flags = re.search(rb"FLAGS \(([^)]*)\)", text).group(1).split()
        flags = sorted(f for f in flags if f != b"\\Recent")
        found.append((re.search(rb'INTERNALDATE "([^"]*)"', text).group(1), flags, part[1] if body else len(part[1])))
    return sorted(found, key=lambda x: (x[2], x[0]))


def same_instant(a, b):
    """Two lists of contents, with dates compared as instants."""
    def norm(x):
        out = []
        for date, flags, octets in x:
            d, mon, rest = date.decode().strip().split("-", 2)
            year, clock, zone = rest.split()
            h, m, s = map(int, clock.split(":"))
            import calendar
            t = calendar.timegm((int(year), MONTHS.index(mon) + 1, int(d), h, m, s))
            off = int(zone[1:3]) * 3600 + int(zone[3:]) * 60
            out.append((t - (off if zone[0] == "+" else -off), [f.lower() for f in flags], octets))
        return sorted(out, key=lambda x: (x[2], x[0]))
    return norm(a) == norm(b)


def secret(server, user="alice"):
    path = server.dir / f"secret-{user}"
    path.write_text(USERS[user] + "\n")
    return path


def from_troika(template):
    s = Server(template, None)
    try:
        c = imap(s)
        flags = ["()", "(\\Seen)", "(\\Seen \\Answered $Forwarded)", "(\\Flagged Work-1)", "(\\Draft)", "(\\Deleted)"]
        for i in range(150):
            c.append("INBOX", flags[i % 6], f'"17-Jul-20{i % 20:02d} 02:44:{i % 60:02d} -0730"', message(i))
        c.append("INBOX", "()", '"01-Jan-2001 00:00:00 +0000"', message(7000, 9 << 20))
        for name in ('"Work/Projects/A & B"', '"Entw&APw-rfe 2"', '"a.b"'):
            c.create(name.replace(" & ", " &- "))
            c.subscribe(name.replace(" & ", " &- "))
            for i in range(3):
                c.append(name.replace(" & ", " &- "), "(\\Seen)", None, message(200 + i))
        c.append("Sent", "(\\Seen)", None, message(300))
        c.unsubscribe("Junk")
        pw = secret(s)
        source = f"imap://alice%40{DOMAIN}@127.0.0.1:{s.port['imap']}"

        code, out = run_import(s.data, "--password-file", pw, source)
        check("a certificate that nobody vouches for is refused", code == 1 and "certificate" in out, out)
        code, out = run_import(s.data, "--password-file", "-", "--insecure", source, stdin=b"wrong password\n")
        check("a wrong password is told, and not tried again", code == 1 and "login refused" in out, out)
        options = ["--password-file", pw, "--insecure"]
        code, out = run_import(s.data, *options, "--dry-run", source)
        check("a dry run counts", code == 0 and "161 messages would be imported" in out, out)
        b = imap(s, "bob")
        check("and changes nothing", contents(b, "INBOX") == [] and b"Work" not in b"".join(b.list()[1]))
        code, out = run_import(s.data, *options, source)
        check("an import", code == 0 and "161 messages imported" in out, out)
        folders = ("INBOX", "Work/Projects/A &- B", "Entw&APw-rfe 2", "a.b", "Sent")
        for folder in folders:
            check(f"{folder}: the same octets, flags, dates", same_instant(contents(c, folder), contents(b, folder)))
        subscribed = b"".join(b.lsub()[1])
        check("subscriptions", b"A &- B" in subscribed, subscribed)
        code, out = run_import(s.data, *options, source)
        check("again: nothing", code == 0 and "0 messages imported" in out and "161 known" in out, out)

        # what changes there comes; what changed here stays
        c.select("INBOX")
        b.select("INBOX")
        c.store("1", "+FLAGS", "(\\Answered Added)")
        c.store("2", "-FLAGS", "(\\Seen)")
        b.store("3", "+FLAGS", "(\\Flagged)")
        c.append("INBOX", "(\\Seen)", None, message(400))
        code, out = run_import(s.data, *options, source)
        check("one new message", code == 0 and "1 messages imported" in out and "2 with new flags" in out, out)
        got = [set(x.split()) for x in re.findall(r"FLAGS \(([^)]*)\)", str(b.fetch("1:3", "(FLAGS)")[1]))]
        check("flags that changed there", {"\\\\Answered", "Added"} <= got[0] and "\\\\Seen" not in got[1], got)
        check("flags that changed here", "\\\\Flagged" in got[2] and "\\\\Seen" in got[2], got)

        # what vanishes there
        c.store("1:10", "+FLAGS", "(\\Deleted)")
        c.uid("EXPUNGE", "1:10")
        c.delete('"a.b"')
        code, out = run_import(s.data, *options, source)
        check("without --delete it stays", code == 0 and len(contents(b, "INBOX", False)) == 152, out)
        code, out = run_import(s.data, *options, "--delete", source)
        check("with --delete it goes", code == 0 and "13 removed" in out and same_instant(contents(c, "Sent"), contents(b, "Sent")), out)
        check("the folder too", contents(b, "a.b") is None and len(contents(b, "INBOX", False)) == 142)

        # the state is lost
        for f in (s.data / "import").iterdir():
            f.unlink()
        code, out = run_import(s.data, *options, source)
        check("without its notes, everything is recognised", code == 0 and "0 messages imported" in out and number(out, "recognised") >= 140, out)

        code, out = run_import(s.data, *options, "--mailbox-map", "INBOX=Popped", f"pop3s://alice%40{DOMAIN}@127.0.0.1:{s.port['pop3s']}")
        n = len(contents(c, "INBOX", False))
        check("POP3", code == 0 and f"{n} messages imported" in out, out)
        check("POP3: the same octets", [x[2] for x in contents(c, "INBOX")] == [x[2] for x in contents(b, "Popped")])
        code, out = run_import(s.data, *options, "--mailbox-map", "INBOX=Popped", f"pop3s://alice%40{DOMAIN}@127.0.0.1:{s.port['pop3s']}")
        check("POP3 again: nothing", code == 0 and f"{n} known" in out and "0 messages imported" in out, out)
        c.logout()
        b.logout()
        check("the store is whole", subprocess.run([binary(), "check", "-d", str(s.data)], capture_output=True).returncode == 0)
    finally:
        s.stop()


def main():
    template = Template(binary())
    try:
        attempt("from Troika", from_troika, template)
    finally:
        template.remove()
    finish()


main()
