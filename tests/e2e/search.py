#!/usr/bin/env python3
"""The full-text index beside a running server: kept up by deliveries and imports, text of PDF by pdftotext, kill -9, damage, reindex, users that go.
Usage: search.py PATH/TO/troika"""
import re
import shutil
import sqlite3
import time

from common import ROOT, Server, Template, address, attempt, binary, check, finish, imap, metrics_text, skip, smtp, until

WORDS = "river mountain bridge station letter journey horse carriage winter summer garden kitchen".split()


def pdf(text):
    """The least there is of a PDF with a line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    parts = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
             b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
             b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream), b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    out, at = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        at.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1) + b"".join(b"%010d 00000 n \n" % a for a in at)
    return out + table + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(out))


def mail(i, extra=""):
    return (f"From: sender{i}@example.net\r\nTo: alice@example.org\r\nSubject: number {i}\r\nMessage-ID: <{i}@example.net>\r\n\r\n"
            f"The {WORDS[i % len(WORDS)]} and the {WORDS[i // 12 % len(WORDS)]}s. {extra}\r\n").encode()


def status(server, user="alice"):
    """(indexed, waiting)"""
    words = server.cli(["search", "status", address(user)], "").decode().split("\t")
    return int(words[1].split()[0]), int(words[2].split()[0])


def wait(server, indexed):
    return until(lambda: status(server) == (indexed, 0))


def found(server, *key):
    c = imap(server)
    c.select("INBOX", readonly=True)
    typ, data = c.search(None, *key)
    c.logout()
    return data[0].split() if typ == "OK" else typ


def append_many(server, first, n):
    c = imap(server)
    for i in range(first, first + n):
        c.append("INBOX", None, None, mail(i))
    c.logout()


def deliveries(server):
    with smtp(server) as c:
        for i in range(30):
            c.sendmail("x@example.net", [address("alice")], mail(i, "unicorn" if i == 7 else ""))
    check("deliveries are indexed by themselves", wait(server, 30), status(server))
    check("and found", found(server, "BODY", "unicor") == [b"8"])
    check("part of a word", len(found(server, "BODY", "ounta")) == 14, found(server, "BODY", "ounta"))
    check("by the stem", len(found(server, "FUZZY", "BODY", "mountain")) == 14)
    check("NOT", len(found(server, "NOT", "BODY", "unicorn")) == 29)


def attachment(server):
    if not shutil.which("pdftotext"):
        return skip("text of a PDF", "pdftotext is not there")
    from email.message import EmailMessage
    m = EmailMessage()
    m["From"], m["To"], m["Subject"] = "x@example.net", "alice@example.org", "bill"
    m.set_content("see below\n")
    m.add_attachment(pdf("Seventy invoices of the zeppelin"), maintype="application", subtype="pdf", filename="bill.pdf")
    m.add_attachment(b"%PDF-1.4 broken", maintype="application", subtype="pdf", filename="broken.pdf")
    with smtp(server) as c:
        c.send_message(m)
    check("a message with PDF is indexed", wait(server, 31), status(server))
    for name, key, expected in (("a word of the PDF", ("BODY", "zeppelin"), [b"31"]), ("a part", ("TEXT", "eppeli"), [b"31"]), ("a phrase", ("BODY", '"INVOICES OF THE"'), [b"31"]),
                                ("no phrase", ("BODY", '"THE INVOICES"'), []), ("a stem", ("FUZZY", "BODY", "invoice"), [b"31"]), ("the file's name", ("BODY", "bill.pdf"), [b"31"])):
        check(f"found: {name}", found(server, *key) == expected, found(server, *key))


def import_beside(server, n):
    box = server.dir / "more.mbox"
    box.write_bytes(b"".join(b"From x@example.net Mon Jan  1 00:00:00 2024\n" + mail(i, "walrus" if i == 999 else "").replace(b"\r\n", b"\n") + b"\n" for i in range(100, 1600)))
    server.cli(["import", "--user", address("alice"), str(box)], "")
    check("what another process brought is found at once", len(found(server, "BODY", "walrus")) == 1)
    check("and indexed soon", wait(server, n + 1500), status(server))
    return n + 1500


def killed(server, n):
    for round_number in range(3):
        append_many(server, 2000 + 40 * round_number, 40)
        time.sleep(0.1 * round_number)
        server.kill()
        server.start()
        n += 40
        check(f"killed, round {round_number}: all is found", len(found(server, "SUBJECT", "number")) == n - 1, n)
        check(f"killed, round {round_number}: and indexed again", wait(server, n), status(server))
    return n


def indexed(server):
    """How many emails were read for an index since the server was started."""
    return sum(int(x) for x in re.findall(rb"^troika_search_emails_total\{.*\} (\d+)", metrics_text(server), re.M))


def answers(server):
    return {word: found(server, "BODY", word) for word in ("e", *(w[1:5] for w in WORDS))}


def made_anew(server, n):
    """It says that all is indexed before the damage is seen, too: so what was read for it counts."""
    return until(lambda: indexed(server) >= n and status(server) == (n, 0))


def stop(server, path):
    """What SQLite left in its log is brought into the file: it would mend that from it."""
    server.stop()
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    for log in path.parent.glob("*.db-*"):
        log.unlink()


def damaged(server, n):
    path = next((server.data / "search").glob("*.db"))
    right = answers(server)
    stop(server, path)
    size = path.stat().st_size
    with open(path, "r+b") as f:
        f.seek(size // 2)
        f.write(b"\xa5" * 20000)
    server.start()
    check("damage makes no wrong answer", answers(server) == right)
    until(lambda: status(server) == (n, 0))
    stop(server, path)
    size = path.stat().st_size
    with open(path, "r+b") as f:
        f.seek(4096)                       # all but its first page
        f.write(b"\xa5" * (size - 4096))
    server.start()
    check("nor when there is more of it", answers(server) == right)
    check("a damaged index is made anew", made_anew(server, n), (indexed(server), status(server)))
    stop(server, path)
    path.write_bytes(b"not a database at all" * 1000)
    server.start()
    check("nor does a file of something else", answers(server) == right)
    check("which is made anew too", made_anew(server, n), (indexed(server), status(server)))
    server.cli(["search", "reindex"], "")
    check("reindex beside the server", wait(server, n) and len(found(server, "BODY", "walrus")) == 1)


def gone(server):
    path = next((server.data / "search").glob("*.db"))
    server.cli(["user", "del", address("alice")], "")
    check("the index goes with the user", not path.exists())


def off(template):
    server = Server(template, ["auth { allow_plain_without_tls = true }", "search { enabled = false }"])
    append_many(server, 0, 5)
    check("without an index", len(found(server, "BODY", "the")) == 5 and len(found(server, "FUZZY", "BODY", "the")) == 5)
    check("there is none", not (server.data / "search").exists())
    server.stop()


def run(template):
    server = Server(template, ["auth { allow_plain_without_tls = true }", f'search {{ converter = "{ROOT}/tools/attachment_text"\n threads = 2 }}'])
    try:
        deliveries(server)
        attachment(server)
        n = import_beside(server, status(server)[0])
        n = killed(server, n)
        damaged(server, n)
        gone(server)
        server.stop()
    finally:
        server.remove()
    off(template)


template = Template(binary())
attempt("search", run, template)
template.remove()
finish()
