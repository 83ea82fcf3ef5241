#!/usr/bin/env python3
"""Bytes rot: bits flip, sectors turn to zeros, files are cut or vanish, at seeded random places of the index and the segments. Of each damaged copy:
no program dies by a signal, no wrong byte is shown as right, a check after the repair finds nothing, and every message whose own bytes are whole is there.
What a reader can come to is never damaged unnoticed (rot_places.py), and what none comes to may be anything (rot_bits.py).
Usage: rot.py PATH/TO/troika [CASES [SEED [CASE]]]; KEEP=1 leaves the copies that failed. Pages fall in another way each time, so a case is the same only in kind:
KNOWN=DIR keeps the undamaged directory there, and takes it from there the next time."""
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from common import DOMAIN, PATIENCE, TLS, USERS, Server, Template, address, check, finish, imap  # noqa: E402
import rot_bits  # noqa: E402
import rot_places  # noqa: E402
import imaplib  # noqa: E402
import json  # noqa: E402
import smtplib  # noqa: E402

CASES = int(sys.argv[2]) if len(sys.argv) > 2 else 240
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 20261126
SECONDS = 38 if len(sys.argv) < 3 else 1 << 30                # the default run ends in time also on a slow machine, with fewer cases
BIT_SECONDS = 14 if len(sys.argv) < 3 else 1 << 30            # of them for single bits
BITS = 6 if len(sys.argv) < 3 else max(6, CASES // 8)         # of each kind
WORKERS = 4                                                   # much of it is waiting
SERVED = 6                                                    # every so manyth copy is served too
ACCOUNT = {"alice": 1, "bob": 2}
PAGE = 4096


def body(ident):
    rnd = random.Random(ident)
    size = rnd.choice((200, 900, 3000, 3000, 9000, 40000))
    text = "".join(rnd.choices("abcdefghij klmnopqrstuvwxyz.", k=size))
    lines = [text[i:i + 70] for i in range(0, len(text), 70)]
    return (f"From: x@example.net\r\nSubject: mail {ident}\r\nMessage-ID: <{ident}@example.net>\r\nX-Cut: {ident}\r\n\r\n".encode() +
            "\r\n".join(lines).encode() + b"\r\n")


def digest(text):
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).digest()


class Known:
    """The undamaged directory: what is in it, and where in the segments."""

    def __init__(self, binary, root):
        self.binary = binary
        self.template = Template(binary)
        self.mail = {u: {} for u in ACCOUNT}                  # user -> ident -> digest
        self.dir = root / "known"
        kept = Path(os.environ["KNOWN"]) if "KNOWN" in os.environ else None
        if kept and kept.exists():
            shutil.copytree(kept, self.dir)
            self.mail = {u: {i: bytes.fromhex(d) for i, d in m.items()} for u, m in json.loads((self.dir / "mail.json").read_text()).items()}
        else:
            self.make()
            (self.dir / "mail.json").write_text(json.dumps({u: {i: d.hex() for i, d in m.items()} for u, m in self.mail.items()}))
        if kept and not kept.exists():
            shutil.copytree(self.dir, kept)
        self.maps = rot_places.store_maps(self.dir / "store")
        self.texts = self.shown(self.dir)
        self.index = (self.dir / "store/index/data.mdb").read_bytes()
        self.segments = {p.name: p.read_bytes() for p in sorted((self.dir / "store/blobs").glob("*.seg"))}
        self.places = {}                                      # ident -> (segment, first byte, end), of the record's head too
        for name, data in self.segments.items():
            for m in re.finditer(rb"X-Cut: (\S+)\r\n\r\n", data):
                start = data.rfind(b"Tkbl", 0, m.start())
                size = int.from_bytes(data[start + 12:start + 16], "little")
                tags = int.from_bytes(data[start + 8:start + 10], "little")
                self.places[m.group(1).decode()] = (name, start, start + 40 + 8 * tags + size)

    def make(self):
        server = Server(self.template, None)
        try:
            self.fill(server)
            server.stop()
            shutil.copytree(server.data, self.dir)
        finally:
            server.remove()

    def shown(self, directory):
        """user -> digests of all that export gives."""
        seen = {}
        for user in ACCOUNT:
            out = directory / f"shown-{user}"
            subprocess.run([self.binary, "export", str(out), "-d", str(directory), "--user", address(user), "--to", "maildir"], capture_output=True, timeout=120)
            seen[user] = sorted(digest(p.read_bytes()) for p in out.rglob("*") if p.is_file() and p.parent.name in ("cur", "new"))
            shutil.rmtree(out, ignore_errors=True)
        return seen

    def fill(self, server):
        clients = {u: imap(server, u) for u in ACCOUNT}
        for user, c in clients.items():
            for box in ("Work", "Work/2026", "Lists"):
                c.create(box)
        for i in range(330):
            user = "alice" if i % 3 else "bob"
            box = ("INBOX", "INBOX", "Work", '"Work/2026"', "Lists")[i % 5]
            ident = f"{user}-{i}"
            clients[user].append(box, r"(\Seen)" if i % 2 else None, None, body(ident))
            self.mail[user][ident] = digest(body(ident))
            if i % 40 == 39:                                  # old pages come to be
                c = clients[user]
                c.select("INBOX")
                c.store("1:*", "+FLAGS", r"(\Flagged)")
                typ, found = c.search(None, "HEADER", "X-Cut", f"{user}-{i - 30 + (user == 'alice')}")
                for n in found[0].split():
                    gone = re.search(rb"X-Cut: (\S+)", c.fetch(n, "(BODY.PEEK[HEADER])")[1][0][1]).group(1).decode()
                    c.store(n, "+FLAGS", r"(\Deleted)")
                    c.expunge()
                    self.mail[user].pop(gone, None)
        clients["alice"].select("INBOX")
        clients["alice"].copy("1:20", "Archive")
        self.share(server, clients["bob"])
        for c in clients.values():
            c.logout()
        with smtplib.SMTP("127.0.0.1", server.port["submission"], local_hostname="client.example.net", timeout=PATIENCE) as c:
            c.starttls(context=TLS)
            c.login(address("alice"), USERS["alice"])
            for n in range(20):                               # what waits in the queue: for a day, RFC 4865
                c.sendmail(address("alice"), [f"far{n}@peer.example.net"], b"Subject: far\r\n\r\n" + b"x" * n, mail_options=["HOLDFOR=86400"])

    def share(self, server, bob):
        """Bodies of two owners, of whom one gives them up; and bodies of nobody any more."""
        server.cli(("acl", "set", address("alice"), "Work", address("bob"), "lrs"), "")
        bob.select(f'"Other Users/{address("alice")}/Work"', readonly=True)
        bob.copy("1:12", "Lists")
        for n, got in enumerate(bob.fetch("1:12", "(BODY.PEEK[HEADER])")[1][::2]):
            ident = re.search(rb"X-Cut: (\S+)", got[1]).group(1).decode()
            self.mail["bob"][ident] = digest(body(ident))
        c = imap(server)
        c.select("Work")
        for got in c.fetch("1:6", "(BODY.PEEK[HEADER])")[1][::2]:
            self.mail["alice"].pop(re.search(rb"X-Cut: (\S+)", got[1]).group(1).decode(), None)
        c.store("1:6", "+FLAGS", r"(\Deleted)")
        c.expunge()
        c.logout()
        server.cli(("undelete", "purge", address("alice")), "")


class Case:
    def __init__(self, known, root, number):
        self.known, self.rnd = known, random.Random(SEED * 1000003 + number)
        self.number = number
        self.dir = root / f"case{number}"
        self.notes, self.hurt = [], {}                        # what was done; segment -> [(first, end)]
        self.kinds = set()                                    # of the bytes that are not what they were
        self.faults = []

    # ---- damage ----

    def spoil(self, path, first, new):
        was = self.known.index if path.suffix == ".mdb" else self.known.segments[path.name]
        self.touch(path, (first + i for i, octet in enumerate(new) if was[first + i] != octet))
        with open(path, "r+b") as f:
            f.seek(first)
            f.write(new)
        if path.suffix == ".seg":
            self.hurt.setdefault(path.name, []).append((first, first + len(new)))

    def touch(self, path, offsets):
        self.kinds |= self.known.maps[str(path.relative_to(self.dir / "store"))].kinds(offsets)

    def is_harmless(self):
        return self.kinds <= {*rot_places.UNREAD, *rot_places.SOUND}

    def flip(self, path, data, first, end):
        at = self.rnd.randrange(first, end)
        self.spoil(path, at, bytes([data[at] ^ 1 << self.rnd.randrange(8)]))
        return f"bit at {at}"

    def damage_index(self):
        path, data, rnd = self.dir / "store/index/data.mdb", self.known.index, self.rnd
        kind = rnd.choices(("bits", "sector", "page", "noise", "meta", "cut", "swap", "gone", "all"), (30, 12, 12, 8, 10, 6, 5, 2, 2))[0]
        pages = len(data) // PAGE
        if kind == "bits":
            self.notes.append("index " + ", ".join(self.flip(path, data, 0, len(data)) for _ in range(rnd.randint(1, 4))))
        elif kind == "meta":
            first = PAGE * rnd.randrange(2)
            self.notes.append("index meta " + self.flip(path, data, first, first + 152))
        elif kind in ("sector", "page", "noise"):
            size = 512 if kind == "sector" else PAGE
            for _ in range(rnd.randint(1, 3)):
                at = rnd.randrange(len(data) // size) * size
                self.spoil(path, at, rnd.randbytes(size) if kind == "noise" else bytes(size))
                self.notes.append(f"index {kind} at {at}")
        elif kind == "swap":
            a, b = rnd.randrange(2, pages), rnd.randrange(2, pages)
            self.spoil(path, a * PAGE, data[b * PAGE:(b + 1) * PAGE])
            self.spoil(path, b * PAGE, data[a * PAGE:(a + 1) * PAGE])
            self.notes.append(f"index pages {a} and {b} swapped")
        elif kind == "cut":
            at = rnd.randrange(len(data))
            os.truncate(path, at)
            self.touch(path, range(at, len(data)))
            self.notes.append(f"index cut at {at}")
        elif kind == "gone":
            path.unlink()
            self.touch(path, range(len(data)))
            self.notes.append("index gone")
        else:
            path.write_bytes(rnd.randbytes(len(data)))
            self.touch(path, range(len(data)))
            self.notes.append("index all noise")

    def damage_segment(self):
        rnd = self.rnd
        name = rnd.choice(list(self.known.segments))
        path, data = self.dir / "store/blobs" / name, self.known.segments[name]
        kind = rnd.choices(("bits", "sector", "header", "cut", "gone"), (30, 20, 6, 6, 2))[0]
        if kind in ("bits", "header"):
            for _ in range(rnd.randint(1, 6) if kind == "bits" else 1):
                self.notes.append(f"{name} " + self.flip(path, data, 0, len(data) if kind == "bits" else 64))
        elif kind == "sector":
            for _ in range(rnd.randint(1, 4)):
                at = rnd.randrange(len(data) // 512) * 512
                self.spoil(path, at, bytes(512))
                self.notes.append(f"{name} sector at {at}")
        else:
            at = rnd.randrange(len(data)) if kind == "cut" else 0
            if kind == "cut":
                os.truncate(path, at)
            else:
                path.unlink()
            self.touch(path, range(at, len(data)))
            self.hurt.setdefault(name, []).append((at, len(data)))
            self.notes.append(f"{name} {kind} at {at}")

    # ---- looking ----

    def fault(self, text):
        self.faults.append(text)

    def run(self, *words, stdin=b""):
        r = subprocess.run([self.known.binary, *map(str, words)], input=stdin, capture_output=True, timeout=2 * PATIENCE)
        if r.returncode < 0 or b"Sanitizer" in r.stderr:
            self.fault(f"{words[0]} {words[1]}: died by signal {-r.returncode}: {r.stderr[-300:]}")
        return r

    def judge(self, user, text, where):
        """A message that was shown must be one that there was."""
        m = re.search(rb"X-Cut: (\S+)", text[:600])
        ident = m.group(1).decode(errors="replace") if m else None
        if self.known.mail[user].get(ident) == digest(text) or digest(body(ident or "")) == digest(text):
            return ident
        self.fault(f"{where}: a wrong message was shown as right ({ident})")
        return None

    def export(self, user, name):
        out = self.dir / f"export-{user}-{name}"
        r = self.run("export", out, "-d", self.dir, "--user", address(name), "--to", "maildir")
        seen = set()
        for path in out.rglob("*"):
            if path.is_file() and path.parent.name in ("cur", "new"):
                seen.add(self.judge(user, path.read_bytes(), "export"))
        shutil.rmtree(out, ignore_errors=True)
        return r, seen

    def serve(self, work=False):
        """All is read, where the server starts; work: and much is written."""
        server = Server.__new__(Server)
        server.template, server.extra, server.dir, server.data = self.known.template, [], self.dir, self.dir
        server.log, server.proc = self.dir / "log", None
        (self.dir / "troika.conf").write_text("auth { allow_plain_without_tls = true }\n")
        try:
            server.start()
        except Exception:                                     # noqa: BLE001
            if server.proc.poll() is None:
                server.kill()
                self.fault("serve: neither up nor ended")
            elif server.proc.returncode < 0:
                self.fault(f"serve: died by signal {-server.proc.returncode}: {server.log_tail(5)}")
            return
        for user in ACCOUNT:
            try:
                self.fetch_all(server, user)
            except (imaplib.IMAP4.error, OSError):
                pass                                          # refused or broken off, and said so
            if work:
                self.work(server, user)
            if server.proc.poll() is not None:
                self.fault(f"serve: ended with {server.proc.returncode} while {user} read: {server.log_tail(5)}")
                return
        try:
            server.stop()
        except Exception as e:                                # noqa: BLE001
            self.fault(f"serve: {e}: {server.log_tail(5)}")

    def work(self, server, user):
        """As much as takes many of the pages that were free."""
        c = imaplib.IMAP4("127.0.0.1", server.port["imap"], timeout=PATIENCE)
        c.login(address(user), USERS[user])
        for n in range(40):
            c.append("INBOX", None, None, body(f"{user}-later-{n}"))
        c.select("INBOX")
        c.store("1:*", "+FLAGS", "(later)")
        if c.select("Work")[0] == "OK":
            c.store("1:10", "+FLAGS", r"(\Deleted)")
            c.expunge()
        c.logout()

    def fetch_all(self, server, user):
        c = imaplib.IMAP4("127.0.0.1", server.port["imap"], timeout=PATIENCE)
        c.login(address(user), USERS[user])
        for line in c.list()[1]:
            name = line.decode().split(' "/" ')[-1]
            if c.select(name, readonly=True)[0] != "OK":
                continue
            for d in c.fetch("1:*", "(UID BODY.PEEK[])")[1]:
                if isinstance(d, tuple) and b"BODY[] " in d[0]:
                    self.judge(user, d[1], "serve")
        c.logout()

    # ---- the whole of one case ----

    def owner(self, user):
        """The name under which the account is reached after the repair."""
        if f"{user}@{DOMAIN}".encode() in self.run("user", "list", "-d", self.dir).stdout:
            return user
        self.run("domain", "add", DOMAIN, "-d", self.dir)
        self.run("user", "adopt", address("found-" + user), ACCOUNT[user], "-d", self.dir, "--password-file", "-", stdin=b"secret enough\n")
        return "found-" + user

    def is_hurt(self, ident):
        name, first, end = self.known.places[ident]
        end = (end + 15) // 16 * 16
        return any(a < end and b > first for a, b in self.hurt.get(name, []))

    def play(self):
        shutil.copytree(self.known.dir, self.dir)
        if self.rnd.random() < 0.75:
            self.damage_index()
        if not self.notes or self.rnd.random() < 0.25:
            self.damage_segment()
        result = {"places": len(self.notes), "lost": 0, "sheltered": 0}
        first = self.run("check", "-d", self.dir)
        result["found"], result["harmless"] = first.returncode != 0, 0
        if first.returncode == 0:
            result["harmless"] = self.is_harmless()
            if not self.is_harmless():
                self.fault(f"unnoticed, though readers come there: {sorted(self.kinds - {*rot_places.UNREAD, *rot_places.SOUND})}")
            elif self.known.shown(self.dir) != self.known.texts:
                self.fault("unnoticed, and messages are not what they were")
        for user in ACCOUNT:
            self.export(user, user)
        if self.number % SERVED == 0:
            self.serve()
        mended = self.run("check", "-d", self.dir, "--repair")
        if mended.returncode not in (0, 3):
            self.fault(f"repair: status {mended.returncode}: {mended.stderr[-300:]}")
        again = self.run("check", "-d", self.dir)
        result["mended"] = again.returncode == 0
        if again.returncode != 0:
            self.fault(f"check after the repair: status {again.returncode}: {(again.stdout + again.stderr)[-400:]}")
        result["aside"] = len(list((self.dir / "store/quarantine").glob("*"))) if (self.dir / "store/quarantine").is_dir() else 0
        told, seen = {}, {}
        for user in ACCOUNT:
            told[user], seen[user] = self.export(user, self.owner(user))
        for user in ACCOUNT:
            for ident in self.known.mail[user]:
                # That a body came to a second owner stands in the index alone: then it is the first one's again.
                if ident in seen[user] or ident in seen[ident.split("-")[0]]:
                    continue
                result["lost"] += 1
                if not self.is_hurt(ident):
                    self.fault(f"{ident} is lost, and none of its bytes was touched: {told[user].stderr[-200:]}")
        m = [int(n) for n in re.findall(rb"(\d+) messages that no mailbox showed", mended.stdout)]
        result["sheltered"] = sum(m)
        if self.number % SERVED == 0:
            self.serve()
        return result

    def close(self):
        if self.faults and os.environ.get("KEEP"):
            return
        shutil.rmtree(self.dir, ignore_errors=True)


def noise(known, root, seed):
    """Bytes that nobody reads may be anything."""
    bits = rot_bits.Bits(known, root, seed)
    case = Case(known, root, 0)
    case.dir = root / f"noise{seed}"
    rot_bits.copy_store(known, case.dir)
    n = bits.noise(case.dir)
    check(f"with noise in all {n} bytes that nobody reads a check finds nothing", case.run("check", "-d", case.dir).returncode == 0)
    check("every message is what it was", known.shown(case.dir) == known.texts)
    case.serve(work=True)
    after = case.run("check", "-d", case.dir)
    check("served and worked on it stays sound", after.returncode == 0 and not case.faults, (after.stdout, case.faults))
    shutil.rmtree(case.dir, ignore_errors=True)


def main():
    binary = str(Path(sys.argv[1]).resolve())
    root = Path(tempfile.mkdtemp(prefix="troika-rot-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    known, end = None, time.monotonic() + SECONDS
    sums = {"copies": 0, "places": 0, "found": 0, "harmless": 0, "mended": 0, "aside": 0, "lost": 0, "sheltered": 0}
    bad = []

    def one(number):
        if time.monotonic() > end:
            return None
        case = Case(known, root, number)
        try:
            result = case.play()
        except Exception as e:                                # noqa: BLE001
            case.fault(f"{type(e).__name__}: {e}")
            result = {}
        for text in case.faults[:3]:
            bad.append(f"case {number} ({'; '.join(case.notes)}): {text}")
        case.close()
        return result

    try:
        known = Known(binary, root)
        end = time.monotonic() + SECONDS
        bits = rot_bits.Bits(known, root, SEED)
        if len(sys.argv) < 5:
            noise(known, root, SEED)
            bits.plan(BITS)
            bits.run(time.monotonic() + BIT_SECONDS, time.monotonic)
            bits.tell()
            flipped = sum(row[1] for row in bits.table.values())
            check(f"{flipped} single bits in {len(bits.table)} kinds of bytes: what a reader can come to is noticed, the rest does no harm", not bits.faults, bits.faults[:3])
        numbers = range(CASES) if len(sys.argv) < 5 else [int(sys.argv[4])]
        with ThreadPoolExecutor(WORKERS) as pool:
            for result in pool.map(one, numbers):
                if result is None:
                    continue
                sums["copies"] += 1
                for key, value in result.items():
                    sums[key] += value
    finally:
        if known:
            known.template.remove()
        if not os.environ.get("KEEP"):
            shutil.rmtree(root, ignore_errors=True)
    total = sum(len(m) for m in known.mail.values())
    print(f"{sums['copies']} damaged copies of {total} messages, {sums['places']} places: noticed in {sums['found']}, harmless as nobody reads it in {sums['harmless']}, clean after repair in {sums['mended']}, "
          f"{sums['aside']} things in quarantine, {sums['sheltered']} messages brought back into Recovered, {sums['lost']} lost with their own bytes")
    for text in bad[:20]:
        print(f"     {text}")
    kinds = {"died by signal": "dies by a signal", "shown as right": "shows a wrong message as right", "none of its bytes": "loses a message that is whole",
             "check after the repair": "has faults after the repair", "unnoticed": "hides what a reader can come to"}
    for what, name in kinds.items():
        hits = [text for text in bad if what in text]
        check(f"of {sums['copies']} copies none {name}", not hits, len(hits))
    others = [text for text in bad if not any(what in text for what in kinds)]
    check("nothing else goes wrong", not others, others[:3])
    check("each copy was noticed, or harmless", sums["found"] + sums["harmless"] >= sums["copies"])
    finish()


main()
