#!/usr/bin/env python3
"""`troika import` from servers that lie, drop, throttle, send garbage or never end: a clear error, what can be had is had, once, in bounded memory."""
import re
import subprocess
import threading
import time

from common import PATIENCE, Template, address, attempt, binary, check, finish, imap, until
from fakes import Fake, FakePop, endless, many, message, with_place


@with_place
def greetings(p):
    cases = [("a web server", b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak IMAP"), ("nothing but an end", b"", "closed the connection"),
             ("binary garbage", bytes(range(256)) * 10 + b"\r\n", "does not speak IMAP"), ("BYE", b"* BYE too busy\r\n", "too busy"),
             ("an endless line", endless(b"* OK ", b"x" * 65536), "line over"), ("a literal of 10 GB", b"* LIST {10000000000}\r\n", "does not speak IMAP"),
             ("an endless literal of 1 MB and more", endless(b"* LIST {2000000}\r\n", b"x" * 65536), "does not speak IMAP"),
             ("many literals", endless(b"* LIST ", b"{1000}\r\n" + b"x" * 1000), "does not speak IMAP")]
    for name, greeting, expected in cases:
        f = Fake({}, greeting=greeting if callable(greeting) else (lambda c, g=greeting: c.sendall(g)))
        code, out, mb, s = p.run(f.port, "--retries", 0)
        check(f"greeting: {name}", code in (1, 75) and expected in out and mb < 150, (code, out, mb))
        f.stop()
    f = Fake({}, greeting=lambda c: c.recv(1))                # until the other side gives up
    code, out, mb, s = p.run(f.port, "--retries", 0, "--timeout", "1s")
    check("greeting: silence", code == 75 and "silent" in out, (code, out, s))
    f.stop()
    pre = Fake(many(3), greeting=b"* PREAUTH hello\r\n")
    r = subprocess.run([binary(), "import", "-d", str(p.server.data), "--user", address("bob"), "--password-file", str(p.server.dir / "pw"),
                        f"imap://joe@127.0.0.1:{pre.port}"], capture_output=True, text=True)
    check("PREAUTH in plain text is refused", r.returncode == 1 and "STARTTLS" in r.stdout, r.stdout + r.stderr)
    pre.stop()


@with_place
def never_ending(p):
    def after(verb, chunk):
        def hook(s, c, tag, rest):
            if rest.upper().startswith(verb):
                while True:
                    c.sendall(chunk)
        return hook
    cases = [("LOGIN", b"* OK still there\r\n" * 1000, "without end"), ("LIST", b"".join(b'* LIST () "/" "f%d"\r\n' % i for i in range(20000)), "more than"),
             ("LIST", b'* LIST () "/" "same"\r\n' * 1000, "without end"), ("EXAMINE", b"* 1 EXISTS\r\n" * 1000, "without end"),
             ("UID FETCH 1:3", b'* 1 FETCH (UID 9 BODY[] "x")\r\n' * 1000, "without end"),
             ("UID FETCH 1:*", b"".join(b"* 1 FETCH (UID %d FLAGS ())\r\n" % i for i in range(1, 300000)), "more messages than there are")]
    for verb, chunk, expected in cases:
        f = Fake(many(3), hook=after(verb, chunk))
        code, out, mb, s = p.run(f.port, "--retries", 0)
        check(f"{verb}: answers that never end", code in (1, 75) and expected in out and mb < 150, (code, out, mb))
        f.stop()


@with_place
def drops(p):
    """A server that ends every connection after three messages: all come, in the end."""
    count = {"n": 0}

    def hook(s, c, tag, rest):
        if "BODY" not in rest:
            return False
        uids = s.expand(rest.split()[2], s.folders["INBOX"])
        for uid in uids:
            count["n"] += 1
            if count["n"] % 4 == 0:
                c.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{500}}\r\nhalf".encode())
                raise OSError
            body = s.folders["INBOX"][uid][1]
            c.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{{len(body)}}}\r\n".encode() + body + b")\r\n")
        c.sendall(f"{tag} OK\r\n".encode())
        return True
    f = Fake(many(10), hook=hook)
    code, out, mb, s = p.run(f.port)
    check("what came is counted once", "10 messages imported" in out and " known" not in out, out)
    check("connections that break after three messages", code == 0 and p.bodies() == sorted(m for _, m in f.folders["INBOX"].values()), (code, out))
    f.stop()

    def poison(s, c, tag, rest):
        if "BODY" in rest and 5 in s.expand(rest.split()[2], s.folders["INBOX"]):
            raise OSError
    f = Fake(many(12), hook=poison)
    code, out, mb, s = p.run(f.port, user="carol")
    rest = sorted(m for u, (_, m) in f.folders["INBOX"].items() if u != 5)
    check("a message that breaks the connection is passed over and told", code == 1 and "message 5 failed" in out and p.bodies(user="carol") == rest, (code, out))
    f.hook = None
    code, out, mb, s = p.run(f.port, user="carol")
    check("and comes when it can", code == 0 and "1 messages imported" in out and len(p.bodies(user="carol")) == 12, (code, out))
    f.stop()


@with_place
def by_turns(p):
    """RFC 9051 5.5: of two commands under way at once a server may give messages by turns and end the later one first. Nothing is asked for again."""
    held = []

    def hook(s, c, tag, rest):
        if "BODY" not in rest:
            return False
        held.append((tag, s.expand(rest.split()[2], s.folders["INBOX"])))
        s.singles += held[-1][1] if len(held[-1][1]) == 1 else []
        if len(held) < 2:
            return True
        (first, a), (second, b) = held
        held.clear()
        for uid in [uid for pair in zip(b, a) for uid in pair] + b[len(a):] + a[len(b):]:
            body = s.folders["INBOX"][uid][1]
            c.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{{len(body)}}}\r\n".encode() + body + b")\r\n")
        c.sendall(f"{second} OK\r\n{first} OK\r\n".encode())
        return True
    f = Fake(many(128), hook=hook)
    code, out, mb, s = p.run(f.port)
    check("two commands answered by turns", code == 0 and "128 messages imported" in out and "lost" not in out and p.bodies() == sorted(m for _, m in f.folders["INBOX"].values()), out)
    check("nothing was asked for again", not f.singles, f.singles)
    f.stop()


@with_place
def refusals(p):
    def no(s, c, tag, rest):
        if "BODY" in rest and 7 in s.expand(rest.split()[2], s.folders["INBOX"]):
            c.sendall(f"{tag} NO [SERVERBUG] cannot read message\r\n".encode())
            return True
    f = Fake(many(12), hook=no)
    code, out, mb, s = p.run(f.port)
    check("a message that is refused costs no other", code == 1 and "message 7 failed" in out and len(p.bodies()) == 11, (code, out))
    f.stop()

    def nil(s, c, tag, rest):
        if "BODY" in rest:
            for u in s.expand(rest.split()[2], s.folders["INBOX"]):
                c.sendall(f"* {u} FETCH (UID {u} BODY[] NIL)\r\n* 1 FETCH (UID 4000 BODY[] \"unasked\")\r\n".encode())
            c.sendall(f"{tag} OK\r\n".encode())
            return True
    f = Fake(many(2), hook=nil)
    code, out, mb, s = p.run(f.port, user="carol")
    check("a server without bodies, and with one that nobody asked for", code == 1 and "2 failed" in out and p.bodies(user="carol") == [], (code, out))
    f.stop()
    waits = {"n": 0}

    def throttled(s, c, tag, rest):
        if "BODY" in rest and waits["n"] < 1:
            waits["n"] += 1
            c.sendall(f"{tag} NO Request is throttled. Suggested Backoff Time: 1500 milliseconds\r\n".encode())
            return True
    f = Fake(many(5), hook=throttled)
    code, out, mb, s = p.run(f.port, user="alice")
    check("throttled: it waits and goes on", code == 0 and "5 messages imported" in out and 1.4 < s, (code, out, s))
    f.stop()

    def busy(s, c, tag, rest):
        if rest.upper().startswith("LOGIN"):
            c.sendall(f"{tag} NO [UNAVAILABLE] Temporary authentication failure\r\n".encode())
            return True
    f = Fake(many(5), hook=busy)
    code, out, mb, s = p.run(f.port, "--retries", 0, user="alice")
    check("[UNAVAILABLE] at login is for now", code == 75 and "UNAVAILABLE" in out, (code, out))
    f.stop()

    def folder(s, c, tag, rest):
        if rest.startswith('EXAMINE "Bad"'):
            c.sendall(f"{tag} NO Mailbox is locked\r\n".encode())
            return True
    boxes = many(3)
    boxes["Bad"] = {1: ("", message(1))}
    boxes["Good"] = {1: ("", message(50))}
    f = Fake(boxes, hook=folder)
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=Other", user="alice")
    check("a folder that is refused costs no other", code == 1 and "Bad: folder failed" in out and len(p.bodies("Good", "alice")) == 1, (code, out))
    f.stop()


@with_place
def odd_messages(p):
    big = b"Subject: big\r\n\r\n" + b"x" * (70 << 20)
    f = Fake({"INBOX": {1: ("", message(1)), 2: ("", big), 3: ("", message(3))}})
    code, out, mb, s = p.run(f.port)
    check("over 64 MB: skipped and told, not fetched", code == 0 and "message 2 skipped" in out and "1 skipped" in out and ("INBOX", 2) not in f.fetched, (code, out))
    check("the others come", p.bodies() == sorted([message(1), message(3)]))
    f.stop()

    def liar(s, c, tag, rest):
        if rest.startswith("UID FETCH") and "BODY" not in rest:
            for u in (1, 2, 3):
                c.sendall(f"* {u} FETCH (UID {u} FLAGS () RFC822.SIZE 5)\r\n".encode())
            c.sendall(f"{tag} OK\r\n".encode())
            return True
    f.hook = liar
    f = Fake(f.folders, hook=liar)
    code, out, mb, s = p.run(f.port, user="carol")
    check("over 64 MB and said to be 5 bytes: thrown away as it comes", code == 0 and "message 2 skipped" in out and len(p.bodies(user="carol")) == 2 and mb < 400, (code, out, mb))
    f.stop()
    boxes = {"INBOX": {1: ("", b"Subject: bare\n\nline\nline\r\nlast"), 2: ("", b"Subject: nul\r\n\r\na\0b\r\n"), 3: ("", b""), 4: ("\\Seen \\Odd we]ird ok", b"no header at all"),
                       5: ("", b"Subject: " + b"long" * 100000 + b"\r\n\r\nx\r\n")}}
    f = Fake(boxes)
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=Odd")
    check("bare LF, NUL, nothing, no header, a line of 400 KB", code == 0 and "5 messages imported" in out and "2 flags that cannot be kept" in out, (code, out))
    got = p.bodies("Odd")
    check("line ends become CRLF, the rest stays", b"Subject: bare\r\n\r\nline\r\nline\r\nlast" in got and b"no header at all" in got, got[:2])
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=Odd")
    check("again: nothing", code == 0 and "5 known" in out, (code, out))
    f.uidvalidity = 8
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=Odd")
    check("another UIDVALIDITY: all are recognised", code == 0 and "5 recognised" in out and len(p.bodies("Odd")) == 5, (code, out))
    f.stop()


@with_place
def old_servers(p):
    """Courier and Cyrus of old: everything below INBOX, no NAMESPACE; Gmail of old: XLIST."""
    boxes = {"INBOX": {1: ("", message(1))}, "INBOX/Gesendete Objekte": {1: ("", message(2))}, "INBOX/Foo": {1: ("", message(3))}, "INBOX/Foo/Bar": {1: ("", message(4))}}
    f = Fake(boxes)
    code, out, mb, s = p.run(f.port)
    check("a prefix goes, a name is known", code == 0 and p.bodies("Sent") == [message(2)] and p.bodies("Foo") == [message(3)] and p.bodies("Foo/Bar") == [message(4)], out)
    f.stop()
    boxes = {"Posteingang": {1: ("", message(1))}, "Raus": {1: ("", message(2))}, 'quote"d \\ back': {1: ("", message(3))}}
    f = Fake({k.replace("\\", "\\\\").replace('"', '\\"'): v for k, v in boxes.items()}, "IMAP4rev1 XLIST", {"Posteingang": "\\Inbox", "Raus": "\\Sent"})
    code, out, mb, s = p.run(f.port, user="carol")
    check("XLIST", code == 0 and p.bodies("INBOX", "carol") == [message(1)] and p.bodies("Sent", "carol") == [message(2)], out)
    c = imap(p.server, "carol")
    check("quotes in a name", b'quote' in b"".join(c.list()[1]) and "3 messages imported" in out, (out, c.list()))
    c.logout()
    f.stop()


@with_place
def labels(p):
    """Gmail: one email under several labels."""
    m = {i: message(i) for i in range(1, 21)}
    boxes = {"INBOX": {i: ("\\Seen", m[i]) for i in range(1, 11)}, "Travel": {i: ("\\Seen \\Flagged", m[i + 4]) for i in range(1, 11)},
             "[Gmail]/All Mail": {i: ("\\Seen", m[i]) for i in range(1, 21)}, "[Gmail]/Starred": {1: ("\\Flagged", m[5])}, "[Gmail]/Sent Mail": {1: ("\\Seen", m[20])}}
    ids = {(name, uid): 1000 + int(re.search(rb"Subject: (\d+)", b).group(1)) for name, box in boxes.items() for uid, (_, b) in box.items()}
    attributes = {"[Gmail]/All Mail": "\\All", "[Gmail]/Starred": "\\Flagged", "[Gmail]/Sent Mail": "\\Sent"}
    f = Fake(boxes, "IMAP4rev1 X-GM-EXT-1 SPECIAL-USE", attributes, ids=ids)
    code, out, mb, s = p.run(f.port)
    check("Gmail: an import", code == 0 and "20 messages imported" in out and "6 copied here" in out and "15 of all mail are in other folders" in out, out)
    check("every body is fetched once", len(f.fetched) == 20, len(f.fetched))
    check("the labels hold what they hold", p.bodies("Travel") == sorted(b for _, b in boxes["Travel"].values()) and p.bodies() == sorted(b for _, b in boxes["INBOX"].values()))
    check("Sent Mail is Sent; the rest of All Mail is in Archive", p.bodies("Sent") == [m[20]] and p.bodies("Archive") == sorted(m[i] for i in range(15, 20)))
    c = imap(p.server, "bob")
    c.select("Travel", readonly=True)
    check("a copy has the flags of its label", len(c.search(None, "FLAGGED")[1][0].split()) == 10)
    c.select("INBOX", readonly=True)
    check("and the first keeps its own", c.search(None, "FLAGGED")[1][0] == b"")
    code, out, mb, s = p.run(f.port)
    check("Gmail again: nothing", code == 0 and "0 messages imported" in out and len(f.fetched) == 20, out)
    del boxes["INBOX"][1]                                     # archived there
    code, out, mb, s = p.run(f.port, "--delete")
    check("archived there, archived here", code == 0 and "1 removed" in out and m[1] in p.bodies("Archive") and m[1] not in p.bodies(), out)
    for x in (p.server.data / "import").iterdir():
        x.unlink()
    code, out, mb, s = p.run(f.port)
    check("Gmail without notes: no doubles", code == 0 and "0 messages imported" in out and "0 copied;" not in out and len(p.bodies("Travel")) == 10 and
          len(p.bodies("Archive")) == 6, out)
    c.logout()
    f.stop()


@with_place
def five_labels(p):
    """As Google documents it: a folder that is none, labels told unasked; a large email under five labels, and in All Mail, is fetched once and kept once."""
    large = message(1, "large line of mail\r\n" * (4 << 16))
    names = ["INBOX", "Muy Importante", "Work", "Work/Tr&AOg-s", "[Gmail]/Sent Mail"]
    everything = [*names, "[Gmail]/All Mail", "[Gmail]/Important"]
    boxes = {name: {5: ("\\Seen", large)} for name in everything} | {"[Gmail]": {}}
    f = Fake(boxes, "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS COMPRESS=DEFLATE ENABLE MOVE CONDSTORE ESEARCH SPECIAL-USE",
             {"[Gmail]": "\\HasChildren \\Noselect", "[Gmail]/All Mail": "\\All \\HasNoChildren", "[Gmail]/Important": "\\HasNoChildren \\Important",
              "[Gmail]/Sent Mail": "\\HasNoChildren \\Sent"}, ids={(name, 5): 1278455344230334865 for name in everything})
    f.unasked = ' X-GM-THRID 1266894439832287888 X-GM-LABELS (\\Inbox \\Sent Important "Muy Importante" "Tr&AOg-s")'
    code, out, mb, s = p.run(f.port)
    here = ["INBOX", "Muy Importante", "Work", "Work/Tr&AOg-s", "Sent"]
    check("Gmail: an email under five labels is in five mailboxes, and not in Archive", code == 0 and all(p.bodies(name) == [large] for name in here) and p.bodies("Archive") == [], out)
    check("it is fetched once", len(f.fetched) == 1, f.fetched)
    kept = sum(x.stat().st_blocks * 512 for x in (p.server.data / "store" / "blobs").iterdir())
    check("and kept once", kept < 2 * len(large), kept)
    code, out, mb, s = p.run(f.port)
    check("again: nothing", code == 0 and "0 messages imported" in out and len(f.fetched) == 1, out)
    f.stop()


@with_place
def killed(p):
    """kill -9 in a loop, with a server that is slow enough to be caught anywhere."""
    def slow(s, c, tag, rest):
        if "BODY" in rest:
            time.sleep(0.02)
    boxes = {f"F{k}": {i: ("\\Seen" if i % 3 else "x y", message(k * 1000 + i, "z" * (i % 50) * 100)) for i in range(1, 400)} for k in range(3)}
    boxes["F0"][400] = ("", message(1))
    boxes["F0"][401] = ("", message(1))                       # two that are equal
    f = Fake({"INBOX": {}, **boxes}, hook=slow)
    kills = rounds = 0
    while kills < 15 and rounds < 200:
        rounds += 1
        q = subprocess.Popen([binary(), "import", "-d", str(p.server.data), "--user", address("bob"), "--password-file", str(p.server.dir / "pw"), "--insecure",
                              f"imap://joe@127.0.0.1:{f.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.06 + 0.013 * (rounds % 12))
        kills += q.poll() is None
        q.kill()
        if q.wait() == 0:                                     # all is there: there shall be more to do
            boxes["F1"] = f.folders["F1"] = {**boxes["F1"], **{1000 * rounds + i: ("", message(1000000 + 1000 * rounds + i)) for i in range(200)}}
    code, out, mb, s = p.run(f.port)
    same = [name for name in boxes if p.bodies(name) != sorted(b for _, b in boxes[name].values())]
    check(f"killed {kills} times: nothing is missing, nothing doubled", code == 0 and kills >= 10 and not same, (out, same, kills))
    check("and little was fetched twice", len(f.fetched) < sum(map(len, boxes.values())) + 150 * kills, len(f.fetched))
    q = subprocess.Popen([binary(), "import", "-d", str(p.server.data), "--user", address("carol"), "--password-file", str(p.server.dir / "pw"), "--insecure",
                          f"imap://joe@127.0.0.1:{f.port}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    before = len(f.fetched)
    until(lambda: len(f.fetched) > before)                    # it is at work
    q.terminate()
    out = q.communicate(timeout=PATIENCE)[0]
    check("SIGTERM: it ends at once and says how to go on", q.returncode == 75 and "run it again" in out, (q.returncode, out))
    f.stop()


@with_place
def several(p):
    """Connections beside the first one: folders are parted among them; those that the server refuses or breaks are done without."""
    boxes = {f"F{k}": {i: ("\\Seen" if i % 3 else "x", message(k * 1000 + i)) for i in range(1, 90)} for k in range(6)}

    def whole(user):
        return [name for name in boxes if p.bodies(name, user) != sorted(b for _, b in boxes[name].values())]
    meet = {"in": 0, "most": 0, "lock": threading.Lock()}

    def together(s, c, tag, rest):                            # two who fetch wait for each other, but not for ever
        if "BODY" in rest:
            with meet["lock"]:
                meet["in"] += 1
                meet["most"] = max(meet["most"], meet["in"])
            end = time.monotonic() + 20
            while meet["most"] < 2 and time.monotonic() < end:
                time.sleep(0.01)
            with meet["lock"]:
                meet["in"] -= 1
    f = Fake(boxes, hook=together)
    code, out, mb, s = p.run(f.port, user="alice")
    check("three connections share the folders, all comes once", code == 0 and not whole("alice") and f.connections == 3 and len(f.fetched) == 534, (out, f.connections, len(f.fetched)))
    check("and fetch at the same time", meet["most"] >= 2, meet["most"])
    code, out, mb, s = p.run(f.port, user="alice")
    check("again: nothing", code == 0 and "0 messages imported" in out and len(f.fetched) == 534, out)
    f.stop()
    f = Fake(boxes)
    code, out, mb, s = p.run(f.port, "--connections", 1, "--mailbox-map", "F0=One", user="alice")
    check("with --connections 1 there is one", code == 0 and f.connections == 1, (out, f.connections))
    f.stop()

    def only_one(s, c, tag, rest):
        if rest.upper().startswith("LOGIN") and s.connections > 1:
            c.sendall(f"{tag} NO [LIMIT] Too many simultaneous connections\r\n".encode())
            return True
    f = Fake(boxes, hook=only_one)
    code, out, mb, s = p.run(f.port)
    check("a server that lets in one alone", code == 0 and not whole("bob") and "534 messages imported" in out, out)
    f.stop()
    breaks = {"left": 2}

    def breaking(s, c, tag, rest):
        if "BODY" in rest and breaks["left"] > 0:
            breaks["left"] -= 1
            raise OSError
    f = Fake(boxes, hook=breaking)
    code, out, mb, s = p.run(f.port, user="carol")
    check("connections that break are made again, all comes once", code == 0 and not whole("carol") and "534 messages imported" in out, out)
    f.stop()


@with_place
def unnoted(p):
    """Killed exactly where a message is stored and not noted, a flag set and not noted, a message removed and not noted, again and again."""
    m = {i: message(i) for i in range(1, 301)}
    boxes = {"INBOX": {i: ("\\Seen", m[i]) for i in range(1, 301)}, "Label": {i: ("\\Flagged k", m[i]) for i in range(1, 301, 3)}}
    boxes["INBOX"][400] = boxes["INBOX"][401] = ("", m[1])
    ids = {(name, uid): int(re.search(rb"Subject: (\d+)", b).group(1)) + uid // 400 * uid for name, box in boxes.items() for uid, (_, b) in box.items()}
    f = Fake(boxes, "IMAP4rev1 OBJECTID", ids=ids)

    def until_done(*args):
        kills = 0
        while True:
            code, out, mb, s = p.run(f.port, *args, faults=f"migrate.kill={1 + kills}")
            if code != -9:
                return kills, code, out
            kills += 1

    def same(name):
        return p.bodies(name) == sorted(b for _, b in boxes[name].values())
    kills, code, out = until_done()
    check(f"killed {kills} times between a message and its note", code == 0 and kills >= 3 and same("INBOX") and same("Label"), (kills, code, out))
    for i in range(10, 200):
        boxes["INBOX"][i] = ("\\Answered z", m[i])
    kills, code, out = until_done()
    c = imap(p.server, "bob")
    c.select("INBOX", readonly=True)
    check(f"killed {kills} times between flags and their note", code == 0 and kills and len(c.search(None, "ANSWERED")[1][0].split()) == 190 and
          len(c.search(None, "KEYWORD", "z")[1][0].split()) == 190, (kills, code, out))
    c.select("Label", readonly=True)
    check("copies have the flags of their folder", len(c.search(None, "FLAGGED")[1][0].split()) == 100 and len(c.search(None, "SEEN")[1][0].split()) == 0)
    c.logout()
    for i in range(10, 100):
        del boxes["INBOX"][i]
    del boxes["Label"]
    kills, code, out = until_done("--delete")
    check(f"killed {kills} times between an end and its note", code == 0 and kills and same("INBOX") and p.bodies("Label") is None, (kills, code, out))
    f.stop()


@with_place
def pop3(p):
    boxes = {"INBOX": {i: ("", message(i, ".dot\r\n..two\r\n")) for i in range(1, 31)}}
    want = sorted(b for _, b in boxes["INBOX"].values())
    for user, capabilities, name in (("bob", "UIDL USER PIPELINING", "pipelined"), ("carol", None, "without CAPA")):
        f = FakePop(boxes, capabilities, greeting=b"+OK ready\r\n")
        code, out, mb, s = p.run(f.port, scheme="pop3", user=user)
        check(f"POP3 {name}", code == 0 and "30 messages imported" in out and p.bodies(user=user) == want, out)
        code, out, mb, s = p.run(f.port, scheme="pop3", user=user)
        check(f"POP3 {name} again: nothing is fetched", code == 0 and "30 known" in out and len(f.fetched) == 30, out)
        f.stop()

    def no_uidl(s, c, words):
        if words[0].upper() == "UIDL":
            c.sendall(b"-ERR\r\n")
            return True
    f = FakePop(boxes, None, greeting=b"+OK ready <1.2@h>\r\n", hook=no_uidl)
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=P", scheme="pop3")
    code, out, mb, s = p.run(f.port, "--mailbox-map", "INBOX=P", scheme="pop3")
    check("POP3 without UIDL: recognised by content", code == 0 and "30 recognised" in out and p.bodies("P") == want, out)
    f.stop()
    for what, hook, expected in (("endless line", lambda s, c, w: w[0].upper() == "RETR" and endless(b"+OK\r\n", b"x" * 65536)(c), "line over"),
                                 ("endless message", lambda s, c, w: w[0].upper() == "LIST" and endless(b"+OK\r\n", b"1 5\r\n" * 1000)(c), "does not speak POP3"),
                                 ("garbage", lambda s, c, w: w[0].upper() == "UIDL" and (c.sendall(b"+OK\r\nfoo\r\n.\r\n") or True), "does not speak POP3"),
                                 ("silence", lambda s, c, w: w[0].upper() == "RETR" and c.recv(1) == b"" or True, "silent")):
        f = FakePop(boxes, "UIDL USER", greeting=b"+OK\r\n", hook=hook)
        code, out, mb, s = p.run(f.port, "--retries", 0, "--timeout", "2s" if what == "silence" else f"{PATIENCE}s", "--mailbox-map", "INBOX=Q", scheme="pop3")
        check(f"POP3: {what}", code in (1, 75) and expected in out and mb < 300, (code, out, mb))
        f.stop()

    def in_use(s, c, words):
        if words[0].upper() == "PASS":
            c.sendall(b"-ERR [IN-USE] locked\r\n")
            return True
    f = FakePop(boxes, "UIDL USER", greeting=b"+OK\r\n", hook=in_use)
    code, out, mb, s = p.run(f.port, "--retries", 0, scheme="pop3")
    check("POP3: [IN-USE] is for now", code == 75 and "locked" in out, (code, out))
    f.stop()


@with_place
def quota(p):
    s = p.server
    s.cli(["quota", "set", address("bob"), "messages=50"], "")
    f = Fake(many(100))
    code, out, mb, _ = p.run(f.port)
    check("a quota is honoured and told", code == 1 and "quota" in out, (code, out))
    code, out, mb, _ = p.run(f.port, "--ignore-quota")
    check("or not, when it is said so", code == 0 and len(p.bodies()) == 100, (code, out))
    f.stop()


def main():
    template = Template(binary())
    try:
        for scenario in (greetings, never_ending, drops, by_turns, refusals, odd_messages, old_servers, labels, five_labels, killed, several, unnoted, pop3, quota):
            attempt(scenario.__name__, scenario, template)
    finally:
        template.remove()
    finish()


main()
