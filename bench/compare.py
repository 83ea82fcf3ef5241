"""Runs the lines on Troika and on its peers, turn by turn, and prints both medians and their ratio. Started by bench/run."""

import argparse
import datetime
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import mails                                                        # noqa: E402
from lines import BIG, IDLE_USERS, LINES, USERS, Session            # noqa: E402
from servers import DOMAIN, Peer, Troika, run                       # noqa: E402

HERE = Path(__file__).resolve().parent
MESSAGES, MESSAGES_QUICK = 100_000, 10_000
SHRINK = 5                      # --quick: so much less of everything that is counted
IDLE_MESSAGES = 50              # in the mailbox of each user of the idle connections


class Bench:
    """What the lines ask for."""

    def __init__(self, options, place):
        self.quick, self.mailload, self.place = options.quick, options.mailload, place
        self.messages = MESSAGES_QUICK if options.quick else MESSAGES
        self.sessions = {}

    def shrunk(self, n):
        return n // SHRINK if self.quick else n

    def big_session(self, server):
        """A connection with the big mailbox open, one for each server, kept for the lines that follow."""
        if server.name not in self.sessions:
            session = self.sessions[server.name] = Session(self, server, "imap", BIG)
            session.send("SELECT INBOX")
        return self.sessions[server.name]

    def close_sessions(self):
        for session in self.sessions.values():
            session.close()
        self.sessions = {}


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} x {model}, {memory:.0f} GB, Linux {platform.release()}"


def file_system(place):
    return run("stat", "-f", "-c", "%T", place).strip()


def make_certificate(place):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", f"/CN=mail.{DOMAIN}", "-keyout", place / "certificate.key", "-out", place / "certificate.pem")
    return place / "certificate"


def fill(bench, servers, lines):
    """The big mailbox, and some mail for the idle users, into both; returns what to say about it."""
    names, notes = {line.name for line in lines}, []
    if any(not n.startswith(("deliver", "login", "idle", "accept", "relay")) for n in names):
        octets = mails.write_mbox(bench.place / "big.mbox", bench.messages)
        notes.append(f"big mailbox: {bench.messages} messages of {octets / bench.messages:.0f} octets on average")
        for server in servers:
            begin = time.monotonic()
            server.fill(BIG, bench.place / "big.mbox")
            notes.append(f"filled by {server.name}'s own import in {time.monotonic() - begin:.1f} s")
            bench.big_session(server).send("CREATE Copies")
            server.rest()
        (bench.place / "big.mbox").unlink()
    if any(n.startswith("idle") for n in names):
        mails.write_mbox(bench.place / "idle.mbox", IDLE_MESSAGES)
        for server in servers:
            for i in range(IDLE_USERS):
                server.fill(f"idle{i}", bench.place / "idle.mbox")
    for note in notes:
        say(note)
    return notes


def measure(bench, servers, line):
    """server name -> list of samples. The servers take turns, so that what disturbs the machine disturbs both."""
    samples = {s.name: [] for s in servers}
    for server in servers if line.warm else ():
        line.measure(bench, server)
    for _ in range(line.repeat if not bench.quick else min(line.repeat, 3)):
        for server in servers:
            try:
                samples[server.name].append(line.measure(bench, server))
            except (RuntimeError, subprocess.SubprocessError, OSError, ValueError) as e:
                raise RuntimeError(f"{server.name}: {e}") from e
    return samples


def number(x):
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def median(samples, what):
    return statistics.median(what(s) for s in samples)


def cpu_text(line, samples):
    """Milliseconds for one message or login, or for the whole command."""
    cpu = median(samples, lambda s: s.cpu) * 1000
    return "" if cpu == 0 else f"{cpu:.2f}" if line.high_is_good else f"{cpu:.0f}"


def row(line, samples):
    t, p = samples.get("Troika"), samples.get("Dovecot")
    values = [median(s, lambda x: x.value) if s else None for s in (t, p)]
    ratio = line.ratio(*values) if all(values) else None
    busy = max((median(s, lambda x: x.client) for s in (t, p) if s), default=0)
    return [line.name, *(number(v) if v is not None else "-" for v in values), line.unit, f"{ratio:.1f}" if ratio else "-",
            f"{line.aim:g}", *(cpu_text(line, s) if s else "" for s in (t, p)), "*" if busy > 0.8 else ""]


def cpu_row(name, samples):
    """The CPU time of a delivery as a line of its own: it says what a busy machine can take."""
    values = [median(samples[s], lambda x: x.cpu) * 1000 if s in samples else None for s in ("Troika", "Dovecot")]
    ratio = f"{values[1] / values[0]:.1f}" if all(values) else "-"
    return [name, *(number(v) if v is not None else "-" for v in values), "ms", ratio, "", "", "", ""]


HEAD = ["line", "Troika", "peer", "unit", "ahead", "aim", "CPU ms", "peer's", ""]


def table(rows):
    widths = [max(len(r[i]) for r in [HEAD, *rows]) for i in range(len(HEAD))]
    left = {0, 3, 8}
    return ["  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip()
            for r in [HEAD, *rows]]


def details(line, samples):
    """Beside the table: every value, and what else was read off."""
    out = [f"{line.name}: {line.what}"]
    for name, list_of in samples.items():
        text = f"    {name:8}" + " ".join(number(s.value) for s in list_of)
        for key in list_of[0].extra if list_of else ():
            text += f"; {key} " + number(median(list_of, lambda s, key=key: s.extra[key]))
        out.append(text)
    return out


def choose(names):
    known = {line.name: line for line in LINES}
    if unknown := [n for n in names if n not in known]:
        sys.exit(f"unknown line {', '.join(unknown)}; there are: {' '.join(known)}")
    return [known[n] for n in names] if names else LINES


def run_lines(bench, servers, lines):
    rows, notes, failed = [], [], []
    for line in lines:
        if line.name.startswith("idle"):
            bench.close_sessions()
        begin = time.monotonic()
        try:
            samples = measure(bench, servers, line)
        except RuntimeError as e:
            failed.append(f"{line.name}: {e}")
            say(f"{line.name}: not measured: {e}")
            bench.close_sessions()
            continue
        rows.append(row(line, samples))
        if line.name == "deliver-20":
            rows.append(cpu_row("deliver-cpu", samples))
        notes += details(line, samples)
        say("  ".join(c for c in row(line, samples) if c) + f"   ({time.monotonic() - begin:.0f} s)")
    return rows, notes, failed


def report(options, lines, servers, fill_notes, outcome, load, seconds):
    rows, notes, failed = outcome
    return "\n".join([
        " ".join(["bench/run", *options.words]),
        f"{datetime.datetime.now():%Y-%m-%d %H:%M}, {seconds:.0f} s; {machine()}; data on {options.file_system}",
        f"load average before: {load:.2f}" + (" (the machine was not quiet)" if load > 0.5 else ""),
        *(f"{s.name}: {s.version()}" for s in servers), *fill_notes, "",
        *table(rows), "",
        "ahead: how many times better Troika is; aim: what it should be. Medians; the servers took turns.",
        "CPU ms: of all processes of the server, for one message, one login or the whole command.",
        "*: the client alone used over 80 % of the time, so the server may be faster than this.",
        *(["", "not measured:", *failed] if failed else []), "", *notes, ""])


def arguments():
    p = argparse.ArgumentParser(prog="bench/run", description="Troika beside Postfix and Dovecot: the same load, in turns.",
                                epilog="lines: " + " ".join(line.name for line in LINES))
    p.add_argument("lines", nargs="*", metavar="LINE", help="only these")
    p.add_argument("--quick", action="store_true", help="a tenth of the messages, in under 3 minutes")
    p.add_argument("--only", choices=["troika", "peer"], help="one side alone")
    p.add_argument("--format", default="sdbox", choices=["sdbox", "mdbox", "maildir"], help="Dovecot's mailbox format (sdbox)")
    p.add_argument("--troika", default=str(HERE.parent / "build/troika"), help="the program (build/troika)")
    p.add_argument("--mailload", required=True, help=argparse.SUPPRESS)
    p.add_argument("--place", default="/var/tmp", help="below which directory the data go (/var/tmp)")
    return p.parse_args()


def main():
    options = arguments()
    options.words = [w for w in sys.argv[1:] if w not in ("--mailload", options.mailload)]
    lines, load, begin = choose(options.lines), os.getloadavg()[0], time.monotonic()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    place = Path(tempfile.mkdtemp(prefix="troika-bench-", dir=options.place))
    place.chmod(0o755)
    options.file_system = file_system(place)
    bench, servers = Bench(options, place), []
    try:
        certificate = make_certificate(place)
        if options.only != "peer":
            servers.append(Troika(place, certificate, options.troika))
        if options.only != "troika":
            servers.append(Peer(place, certificate, options.format))
        for server in servers:
            server.setup(USERS)
            server.start()
        fill_notes = fill(bench, servers, lines)
        outcome = run_lines(bench, servers, lines)
        text = report(options, lines, servers, fill_notes, outcome, load, time.monotonic() - begin)
    finally:
        bench.close_sessions()
        for server in servers:
            server.stop()
        subprocess.run(["rm", "-rf", place], check=False)
    print(text)
    kind = "".join(["-quick" if options.quick else "", "-lines" if options.lines else "",
                    f"-{options.only}" if options.only else "", f"-{options.format}" if options.format != "sdbox" else ""])
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / f"{datetime.date.today():%Y-%m-%d}{kind}.txt").write_text(text)
    return 1 if outcome[2] else 0


if __name__ == "__main__":
    sys.exit(main())
