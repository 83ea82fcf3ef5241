"""A small Internet in network namespaces of its own: hosts on one bridge, a signed DNS root, mail servers of other makes.

Needs root (namespaces, port 25). Every namespace, process and file is made here and taken away here. Two servers whose Debian packages
exclude each other are unpacked beside the system and laid over /usr inside their own mount namespace.
"""
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

NET = "10.77.0."
DNS = NET + "53"
USER = NET + "1"                      # where the users sit: the hub
PATIENCE = 180                        # seconds until what does not come is taken for lost: a busy machine must not come near it
UNPACKED = ("exim4-daemon-light", "exim4-base", "opensmtpd")


class Failed(Exception):
    pass


def run(*args, check=True, **kw):
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=PATIENCE, **kw)
    if check and r.returncode:
        raise Failed(f"{' '.join(map(str, args))}: status {r.returncode}: {(r.stderr or r.stdout)[-800:]}")
    return r.stdout


def wait_for(what, condition, seconds=PATIENCE, every=0.05):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s for {what}")
        time.sleep(every)


class World:
    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="troika-internet-"))
        self.root.chmod(0o755)
        self.tag = f"tk{os.getpid()}"
        self.hosts, self.processes, self.stops = {}, [], []
        self.hub = f"{self.tag}-hub"
        run("ip", "netns", "add", self.hub)
        run("ip", "-n", self.hub, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", self.hub, "addr", "add", USER + "/24", "dev", "br0")
        run("ip", "-n", self.hub, "link", "set", "br0", "up")
        run("ip", "-n", self.hub, "link", "set", "lo", "up")

    def host(self, name, number):
        """A host with an address of its own; names resolve at DNS."""
        ns, address = f"{self.tag}-{name}", NET + str(number)
        run("ip", "netns", "add", ns)
        self.hosts[name] = (ns, address)
        inside, outside = f"i{number}", f"o{number}"
        run("ip", "-n", self.hub, "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", ns)
        run("ip", "-n", self.hub, "link", "set", outside, "master", "br0", "up")
        run("ip", "-n", ns, "addr", "add", address + "/24", "dev", inside)
        run("ip", "-n", ns, "link", "set", inside, "up")
        run("ip", "-n", ns, "link", "set", "lo", "up")
        etc = Path("/etc/netns") / ns
        etc.mkdir(parents=True)
        (etc / "resolv.conf").write_text(f"nameserver {DNS}\noptions timeout:2 attempts:2\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n{address} {name}.example {name}\n")
        return address

    def cable(self, name, plugged):
        """Pulls out a host's network cable, or puts it back."""
        number = self.hosts[name][1].rsplit(".", 1)[1]
        run("ip", "-n", self.hub, "link", "set", f"o{number}", "up" if plugged else "down")

    def command(self, name, *args):
        return ["ip", "netns", "exec", self.hosts[name][0], *map(str, args)]

    def on(self, name, *args, check=True, **kw):
        return run(*self.command(name, *args), check=check, **kw)

    def start(self, name, *args, log=None, env=None):
        log = log or self.root / f"{name}.log"
        with open(log, "ab") as out:
            p = subprocess.Popen(self.command(name, *args), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 env={**os.environ, **(env or {})}, start_new_session=True)
        self.processes.append(p)
        return p

    def is_open(self, name, port):
        """Does somebody listen there? Asked from the host itself."""
        try:
            self.inside(name, lambda: socket.create_connection((self.hosts[name][1], port), PATIENCE)).close()
            return True
        except OSError:
            return False

    def wait_port(self, name, port):
        try:
            wait_for(f"port {port} of {name}", lambda: self.is_open(name, port))
        except Failed as e:
            log = self.root / f"{name}.log"
            raise Failed(f"{e}; its log: {log.read_text(errors='replace')[-800:] if log.exists() else '-'}") from None

    def as_user(self, fn):
        """Runs fn where the users of the servers are."""
        return in_namespace(self.hub, fn)

    def inside(self, name, fn):
        return in_namespace(self.hosts[name][0], fn)

    def close(self):
        for stop in reversed(self.stops):
            try:
                stop()
            except Exception as e:                            # noqa: BLE001: the rest must go away all the same
                print("while closing:", e)
        for p in self.processes:
            end(p)
        for ns, _ in self.hosts.values():
            for pid in run("ip", "netns", "pids", ns, check=False).split():
                try:
                    os.kill(int(pid), signal.SIGKILL)          # only what was started inside our own namespaces
                except ProcessLookupError:
                    pass
            run("ip", "netns", "del", ns, check=False)
            shutil.rmtree(Path("/etc/netns") / ns, ignore_errors=True)
        run("ip", "netns", "del", self.hub, check=False)
        shutil.rmtree(self.root, ignore_errors=True)


def end(process, seconds=PATIENCE):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode


def in_namespace(ns, fn):
    """Runs fn in this thread with the other network around it (sockets made there stay there)."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    try:
        setns(there)
        return fn()
    finally:
        setns(here)
        os.close(here)
        os.close(there)


def setns(fd):
    import ctypes
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000):       # CLONE_NEWNET
        raise Failed("setns: " + os.strerror(ctypes.get_errno()))


def unpack():
    """Programs of packages that cannot be installed side by side; the folder they lie in, laid out as from /."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "/var/cache")) / "troika-tests"
    done = cache / "done"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)                      # another scenario may be at it
        if not done.exists():
            for part in ("deb", "root"):
                shutil.rmtree(cache / part, ignore_errors=True)
            (cache / "deb").mkdir()
            run("apt-get", "download", *UNPACKED, cwd=cache / "deb")
            for deb in (cache / "deb").glob("*.deb"):
                run("dpkg", "-x", deb, cache / "root")
            done.touch()
    return cache / "root"
