"""Starting filters and playing scripts to them through milter_drive (src/milter/drive_main.c says what a script is)."""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "wire"))
from server import PATIENCE, free_ports  # noqa: E402

DRIVE, PROBE = (pathlib.Path(a).resolve() for a in sys.argv[1:3]) if len(sys.argv) > 2 else (None, None)


def free_port():
    return free_ports(1)[0]


def wait_for(condition, what, limit=PATIENCE):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def is_open(address):
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as s:
        try:
            s.connect(address)
            return True
        except OSError:
            return False


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="troika-milter-") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


class Process:
    """A server of ours: ended by its id when the block is left."""

    has_children = False

    def __init__(self, arguments, log, **options):
        self.log = pathlib.Path(log)
        with open(log, "wb") as out:
            self.child = subprocess.Popen([str(a) for a in arguments], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)

    def lines(self):
        return self.log.read_text(errors="replace").splitlines()

    def stop(self):
        """libmilter takes 5 s to notice a polite signal; only who has children of its own gets one."""
        if self.child.poll() is None and self.has_children:
            self.child.terminate()
        elif self.child.poll() is None:
            self.child.kill()
        self.child.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Probe(Process):
    """The filter of tests/milter/probe.c on a local socket, or on a port of loopback."""

    def __init__(self, where, name="p", *modes, port=None):
        self.target = f"inet:127.0.0.1:{port}" if port else f"unix:{where / name}.sock"
        listen = f"inet:{port}@127.0.0.1" if port else f"unix:{where / name}.sock"
        super().__init__([PROBE, listen, name, *modes], where / f"{name}.log")
        wait_for(lambda: any(line.endswith(" ready") for line in self.lines()) or self.child.poll() is not None, "the probe starts")
        self.prefix = f"{name} "

    def told(self):
        """What it was told, without negotiation and macros."""
        lines = [line[len(self.prefix):] for line in self.lines()]
        return [line for line in lines if not line.startswith(("ready", "negotiate", "macro"))]

    def macros(self):
        return [line[len(self.prefix) + 6:] for line in self.lines() if line.startswith(self.prefix + "macro ")]


class Message:
    def __init__(self, verdict, changes, data):
        self.verdict, self.changes, self.data = verdict, changes, data


class Drive:
    """One milter_drive, one step at a time."""

    def __init__(self, *filters):
        self.child = subprocess.Popen([str(DRIVE), *filters], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.problems = []

    def line(self):
        while True:
            line = self.child.stdout.readline().decode(errors="replace")
            if not line:
                raise AssertionError(f"milter_drive ended with {self.child.wait()}")
            if not line.startswith("problem "):
                return line.rstrip("\n")
            self.problems.append(line[8:].rstrip("\n"))

    def step(self, line):
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()
        return self.line()

    def message(self, path, own=None):
        verdict = self.step(f"message {path}" + (f" {own}" if own else ""))
        changes = []
        while not (line := self.line()).startswith("message "):
            changes.append(line)
        return Message(verdict, changes, self.child.stdout.read(int(line.split()[1])))

    def steps(self, *lines):
        return [self.step(line) for line in lines]

    def close(self):
        self.child.stdin.close()
        code = self.child.wait(PATIENCE)
        if code:
            raise AssertionError(f"milter_drive ended with {code}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        elif self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()


def main(tests):
    """Runs functions of one argument, a fresh folder; prints a count that ./test understands."""
    failed = 0
    for test in tests:
        try:
            with folder() as where:
                test(where)
        except Exception as e:      # whatever it is, the other tests go on
            failed += 1
            place = e.__traceback__
            while place.tb_next:
                place = place.tb_next
            print(f"FAIL {test.__name__}: line {place.tb_lineno}: {type(e).__name__}: {e}", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
