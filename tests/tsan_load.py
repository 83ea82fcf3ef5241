#!/usr/bin/env python3
"""The whole server under the thread sanitizer while everything happens at once: mail in, mail read by POP3 and IMAP over TLS, folders made and renamed,
searches, IDLE and NOTIFY, reloads, and the command line beside it. Usage: tsan_load.py PATH/TO/troika [SECONDS]; the program is built with -Db_sanitize=thread."""
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "e2e"))
from common import PATIENCE, TLS, Failed, Server, Template, address, check, finish, imap, pop3, smtp  # noqa: E402

SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 40
CONFIG = ["auth { allow_plain_without_tls = true }", "limits { connections_per_user = 1000 }"]
counts = {}
lock = threading.Lock()
problems = []


def counted(what):
    with lock:
        counts[what] = counts.get(what, 0) + 1


def sender(server, rnd):
    with smtp(server) as c:
        for i in range(20):
            to = rnd.sample([address("alice"), address("bob"), address("carol"), "team@example.org", "nobody@example.org"], 3)
            try:
                c.sendmail("x@example.net", to, f"Subject: {rnd.random()}\r\nMessage-ID: <{rnd.random()}@x>\r\n\r\n{'word ' * rnd.randrange(400)}\r\n".encode())
            except OSError:
                pass
            counted("messages sent")


def submitter(server, rnd):
    import smtplib
    with smtplib.SMTP("127.0.0.1", server.port["submission"], local_hostname="c.example.net", timeout=PATIENCE) as c:
        c.starttls(context=TLS)
        c.login(address("bob"), "correct horse battery")
        for i in range(5):
            c.sendmail(address("bob"), ["far@unreachable.invalid", address("alice")], f"From: {address('bob')}\r\nSubject: out {rnd.random()}\r\n\r\nx\r\n".encode())
            counted("messages submitted")


def reader(server, rnd):
    c = imap(server, rnd.choice(["alice", "bob"]))
    c.enable("CONDSTORE")
    c.select("INBOX")
    for i in range(15):
        command = rnd.choice(["fetch", "store", "search", "copy", "expunge", "sort", "thread", "append", "status"])
        n = str(rnd.randrange(1, 50))
        if command == "fetch":
            c.fetch(f"{n}:*", "(FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])")
        elif command == "store":
            c.store(f"{n}:*", rnd.choice(["+FLAGS", "-FLAGS"]), rnd.choice(["(\\Seen)", "(\\Deleted)", "($A)"]))
        elif command == "search":
            c.search(None, "TEXT", "word")
        elif command == "copy":
            c.copy(n, "Archive")
        elif command == "expunge":
            c.expunge()
        elif command == "sort":
            c.sort("(DATE)", "UTF-8", "ALL")
        elif command == "thread":
            c.thread("REFERENCES", "UTF-8", "ALL")
        elif command == "append":
            c.append("INBOX", None, None, b"Subject: appended\r\n\r\nx\r\n")
        else:
            c.status("Archive", "(MESSAGES UNSEEN)")
        counted("IMAP commands")
    c.logout()


def folders(server, rnd):
    c = imap(server, "alice")
    name = f"F{rnd.randrange(10)}"
    for step in (lambda: c.create(f"{name}/sub"), lambda: c.subscribe(name), lambda: c.rename(name, name + "x"), lambda: c.delete(name + "x/sub"), lambda: c.delete(name + "x"),
                 lambda: c.list('""', "*"), lambda: c.setacl("Archive", address("bob"), "lrs"), lambda: c.getacl("Archive")):
        step()
        counted("IMAP commands")
    c.logout()


def watcher(server, rnd):
    c = imap(server, rnd.choice(["alice", "bob", "carol"]))
    if rnd.random() < 0.5:
        c.xatom("NOTIFY", "SET", "(personal (MessageNew MessageExpunge FlagChange MailboxName))")
    c.select("INBOX")
    c.send(b"i IDLE\r\n")
    end = time.monotonic() + 2
    c.sock.settimeout(0.5)
    while time.monotonic() < end:
        try:
            c.sock.recv(65536)
        except OSError:
            pass
    c.sock.settimeout(PATIENCE)
    c.send(b"DONE\r\n")
    c.sock.close()
    counted("IDLE and NOTIFY")


def dropper(server, rnd):
    c = pop3(server, "carol")
    n = len(c.list()[1])
    for i in range(1, min(n, 5) + 1):
        c.retr(i)
        c.dele(i)
    c.quit()
    counted("POP3 sessions")


def administrator(server, rnd):
    user = f"u{rnd.randrange(5)}@example.org"
    for words, stdin in ((("user", "add", user, "--password-file", "-"), "a long password\n"), (("quota", "set", user, "storage=1M"), ""), (("user", "list"), ""),
                         (("search", "status"), ""), (("queue", "list"), ""), (("user", "del", user), "")):
        try:
            server.cli(words, stdin)
        except Failed:
            pass                                                # somebody else has it
        counted("commands of the command line")
    server.proc.send_signal(signal.SIGHUP)


KINDS, LEAST = 6, 6


def over(end):
    """The time is, and everything has happened, which on a slow machine takes longer."""
    now = time.monotonic()
    with lock:
        enough = len(counts) == KINDS and min(counts.values()) >= LEAST
    return now > end and (enough or now > end + 5 * PATIENCE)


def again(fn, server, seed, end):
    rnd = random.Random(seed)
    while not over(end) and server.proc.poll() is None:
        try:
            fn(server, rnd)
        except OSError:
            pass                                                # the server may drain or be slow
        except Exception as e:                                  # noqa: BLE001
            text = f"{fn.__name__}: {type(e).__name__}: {e}"
            if not any(word in text for word in ("IN-USE", "abort", "EOF", "timed out", "no longer", "no message of that number", "EXPUNGEISSUED")):
                with lock:
                    problems.append(text)


def main():
    os.environ.setdefault("TSAN_OPTIONS", f"halt_on_error=1 suppressions={Path(__file__).resolve().parent / 'tsan.supp'}")
    template = Template(sys.argv[1])
    template.cli("alias", "add", "team@example.org", address("alice"), address("bob"), "-d", template.data)
    server = Server(template, CONFIG)
    end = time.monotonic() + SECONDS
    jobs = [sender, sender, submitter, reader, reader, reader, folders, watcher, watcher, dropper, administrator]
    threads = [threading.Thread(target=again, args=(fn, server, i, end)) for i, fn in enumerate(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check("the server is still there", server.proc.poll() is None, server.log_tail())
    try:
        server.stop()
        check("it ends in good order", True)
    except Failed as e:
        check("it ends in good order", False, str(e) + server.log_tail(60))
    text = server.log.read_text(errors="replace")
    check("no data race, no lock order turned round", "ThreadSanitizer" not in text, text[text.find("WARNING: ThreadSanitizer"):][:3000])
    check("no scene failed in an unexpected way", not problems, problems[:3])
    check("everything happened", len(counts) == KINDS and min(counts.values()) >= LEAST, counts)
    print(", ".join(f"{n} {what}" for what, n in sorted(counts.items())) + f" in {SECONDS:.0f} s")
    result = template.cli("check", "-d", server.data)
    check("check finds no fault", True, result)
    server.remove()
    template.remove()
    finish()


main()
