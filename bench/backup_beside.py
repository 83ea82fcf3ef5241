#!/usr/bin/env python3
"""What a backup does to a server that takes mail, and what the server does to the backup: a store of MESSAGES messages, RATE deliveries a minute by six senders, alone and
beside first backups. Prints milliseconds until a message is acknowledged (median, 95th and 99th percentile, deliveries a minute) and what the backups say of themselves.

    bench/backup_beside.py PATH/TO/troika DIR [MESSAGES [RATE]]     DIR must not exist; 100000 messages of 3.6 KB, 10000 a minute
"""
import random
import shutil
import smtplib
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

SENDERS, DOMAIN = 6, "example.org"
CONFIG = '''hostname = "bench.example.org"
guard { user_messages_per_hour = 0 user_messages_per_day = 0 user_recipients_per_hour = 0 user_recipients_per_day = 0 }
'''


def write_mbox(path, n):
    rnd = random.Random(1)
    words = [f"{rnd.random()}"[2:2 + rnd.randrange(3, 12)] + "abcdefghij"[:rnd.randrange(2, 9)] for _ in range(5000)]
    with open(path, "w") as f:
        for i in range(n):
            line = " ".join(rnd.choices(words, k=8))
            f.write(f"From x@example.net Thu Nov 26 15:04:05 2026\nFrom: s{i % 997}@example.net\nTo: carol@{DOMAIN}\nSubject: message {i} {rnd.choice(words)}\n"
                    f"Message-ID: <b{i}@example.net>\nDate: Thu, 26 Nov 2026 15:04:05 +0000\n\n" + "".join(f"{line[k:]}{line[:k]} {rnd.random()}\n" for k in range(28)) + "\n")


class Load:
    def __init__(self, port, rate):
        self.port, self.step, self.stop, self.took = port, 60 * SENDERS / rate, threading.Event(), []
        self.threads = [threading.Thread(target=self.send, args=(i,)) for i in range(SENDERS)]
        for t in self.threads:
            t.start()

    def send(self, i):
        text = "".join(f"{k} some line of text that is here to fill the message up\r\n" for k in range(50))
        s = smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example.net", timeout=120)
        s.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        due, n = time.monotonic() + i / SENDERS * self.step, 0
        while not self.stop.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            n, began = n + 1, time.monotonic()
            s.sendmail("s@example.net", [f"{('alice', 'bob')[n % 2]}@{DOMAIN}"],
                       f"From: s@example.net\r\nTo: a@{DOMAIN}\r\nSubject: {i}x{n}\r\nMessage-ID: <{i}x{n}x{time.time()}@example.net>\r\n\r\n{text}")
            self.took.append((time.monotonic(), time.monotonic() - began))
            due += self.step
        s.quit()

    def report(self, what, since, until):
        v = sorted(took for at, took in self.took if since <= at < until)
        print(f"{what}: {', '.join(f'{1000 * v[int(len(v) * q)]:.1f}' for q in (0.5, 0.95, 0.99))} ms; {len(v) / (until - since) * 60:.0f} a minute", flush=True)


def main():
    binary, work, n = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 100000
    rate = int(sys.argv[4]) if len(sys.argv) > 4 else 10000
    work.mkdir()
    data, mbox, config = work / "data", work / "mbox", work / "troika.conf"

    def cli(*args, stdin=None):
        return subprocess.run([binary, *map(str, args)], input=stdin, capture_output=True, text=True, check=True).stdout

    write_mbox(mbox, n)
    config.write_text(CONFIG)
    cli("init", "-d", data, "--domain", DOMAIN)
    for user in ("alice", "bob", "carol"):
        cli("user", "add", f"{user}@{DOMAIN}", "-d", data, "--password-file", "-", stdin="some long password\n")
    cli("import", "-d", data, "--user", f"carol@{DOMAIN}", "--mailbox", "Big", mbox)
    mbox.unlink()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([binary, "serve", "-d", str(data), "--config", str(config), "--listen", f"smtp=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    load = Load(port, rate)
    time.sleep(3)
    began = time.monotonic()
    time.sleep(15)
    load.report("alone", began, time.monotonic())
    for what, more in (("beside a backup", []), ("beside one with --rate max", ["--rate", "max"])):
        began = time.monotonic()
        out = cli("backup", "-d", data, work / "backup", *more)
        load.report(what, began, time.monotonic())
        print(out, end="", flush=True)
        shutil.rmtree(work / "backup")
    load.stop.set()
    for t in load.threads:
        t.join()
    server.terminate()
    server.wait()
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
