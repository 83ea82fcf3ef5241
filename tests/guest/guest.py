"""A machine of our own for tests: Debian's kernel under QEMU's software emulation, a root file system in memory with busybox, the release build of Troika and what
else a test brings, no network but lo. The test tells it what to do over a virtio port, one shell command at a time; its console goes to a log. It ends with the test,
whatever happens: at the end of `with`, and by the kernel when the test itself is killed."""
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
META_PACKAGE = "linux-image-cloud-amd64"      # depends on the kernel's package of the day
FETCH_SECONDS = 900
BOOT_SECONDS = 300                            # a generous bound: emulation on a busy machine
BOOTS = 3                                     # nothing of ours runs until the guest has answered; a kernel that does not come up is emulation's matter
# The check of timers panics where emulation is slow. On a panic QEMU ends.
KERNEL_WORDS = "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off"
MODULES = ("virtio_pci", "virtio_blk", "virtio_console")
AGENT, EVENTS = "/dev/vport0p1", "/dev/vport0p2"
PR_SET_PDEATHSIG = 1
ETC = {
    "passwd": "root:x:0:0:root:/:/bin/sh\ntroika:x:990:990::/var/troika:/bin/false\n",
    "group": "root:x:0:\ntroika:x:990:\n",
    "hosts": "127.0.0.1 localhost troika.example\n",
    "resolv.conf": "nameserver 127.0.0.1\n",
}
ROOT_KEY = "usr/share/dns/root.key"           # of the package dns-root-data: the server wants one
# Reads a command a line, answers "= STATUS LENGTH" and what it printed.
INIT = """#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t securityfs sec /sys/kernel/security
mkdir -p /dev/shm; mount -t tmpfs shm /dev/shm; chmod 1777 /tmp
for m in $(cat /modules/order); do insmod /modules/$m || echo "no module $m"; done
ip link set lo up; hostname troika.example
while ! [ -c {agent} ]; do sleep 0.1; done
exec 3<>{agent}
echo "= 0 0" >&3
while read -r line <&3; do
	sh -c "$line" >/answer 2>&1 3>&-
	echo "= $? $(stat -c %s /answer)" >&3
	cat /answer >&3
done
poweroff -f
""".format(agent=AGENT)


class Unavailable(Exception):
    """This machine cannot have a guest; says why."""


# Installs what tools/packages.sh names for guests, and unpacks the kernel's package below $1; nothing of that one is installed. A list of packages that is too old
# names a kernel that is gone.
FETCH = """
. tools/packages.sh
need "machines of our own" $guest_packages || exit 1
for try in 1 2; do
	[ -d "$1/kernel" ] && exit 0
	name=$(apt-cache show --no-all-versions META | sed -n 's/^Depends: \\(linux-image-[^ ,]*\\).*/\\1/p')
	[ -n "$name" ] && unpack "$1" "$1/new" "$name" && mv "$1/new" "$1/kernel" || apt-get update
done >/dev/null
[ -d "$1/kernel" ]
""".replace("META", META_PACKAGE)


def kernel(place):
    """(vmlinuz, the directory of its modules) below place."""
    try:
        r = subprocess.run(["bash", "-c", FETCH, "fetch", place], cwd=ROOT, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable("packages could not be fetched in time") from None
    if r.returncode:
        raise Unavailable(" ".join(r.stderr.strip().splitlines()[-1:]) or "Debian's kernel cannot be fetched")
    return next((place / "kernel/boot").glob("vmlinuz-*")), next((place / "kernel/lib/modules").iterdir())


def in_order(modules, wanted):
    """Their files and those of what they need, what is needed first. A module says itself what it needs, in its section .modinfo."""
    files = {p.stem.replace("-", "_"): p for p in modules.rglob("*.ko")}
    order = []

    def add(name):
        path = files.get(name.replace("-", "_"))
        if path is None or path in order:                  # not a module: it is in the kernel
            return
        text = path.read_bytes()
        needs = re.findall(rb"\0depends=([^\0]*)\0", text) + [b",".join(s.split()) for s in re.findall(rb"\0softdep=pre: ([^\0]*)\0", text)]
        for need in b",".join(needs).decode().split(","):
            add(need)
        order.append(path)

    for name in wanted:
        add(name)
    return order


class Archive:
    """The initial root file system: a cpio archive in the form newc (the kernel's driver-api/early-userspace/buffer-format)."""

    def __init__(self):
        self.parts, self.seen = [], set()

    def _entry(self, name, mode, data=b""):
        fields = (len(self.parts) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        self.parts.append(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))

    def directory(self, name):
        name = name.strip("/")
        if name and name not in self.seen:
            self.directory(os.path.dirname(name))
            self.seen.add(name)
            self._entry(name, 0o040755)

    def file(self, name, data, mode=0o644):
        name = name.strip("/")
        if name not in self.seen:
            self.directory(os.path.dirname(name))
            self.seen.add(name)
            self._entry(name, 0o100000 | mode, data)

    def link(self, name, target):
        self._entry(name, 0o120777, target.encode())

    def program(self, path, name=None):
        """A program at /bin/NAME, with the libraries that ldd names where it names them."""
        path = Path(path)
        self.file(f"bin/{name or path.name}", path.read_bytes(), 0o755)
        listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            self.file(library, Path(library).read_bytes(), 0o755)

    def write(self, path):
        self._entry("TRAILER!!!", 0)
        path.write_bytes(b"".join(self.parts))


def root_file_system(path, modules, extra_modules, programs, files):
    archive = Archive()
    archive.program("/bin/busybox")
    for applet in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            archive.link(f"bin/{applet}", "busybox")
    for program in programs:
        archive.program(program)
    order = in_order(modules, MODULES + tuple(extra_modules))
    for module in order:
        archive.file(f"modules/{module.name}", module.read_bytes())
    archive.file("modules/order", "\n".join(m.name for m in order).encode())
    archive.file(ROOT_KEY, Path("/", ROOT_KEY).read_bytes())
    for name, text in ETC.items():
        archive.file(f"etc/{name}", text.encode())
    for name, data in files.items():
        archive.file(name, data)
    for name in ("proc", "sys", "dev", "tmp", "var", "run", "mnt"):
        archive.directory(name)
    archive.file("init", INIT.encode(), 0o755)
    archive.write(path)


LIBC = ctypes.CDLL(None)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Image:
    """Kernel and root file system, made once and booted as often as wished."""

    def __init__(self, build, programs, files=None, modules=()):
        if os.uname().machine != "x86_64":
            raise Unavailable("the guest is an x86-64 machine with this machine's libraries")
        self.kernel, tree = kernel(Path(build) / "guest")
        self.dir = Path(tempfile.mkdtemp(prefix="troika-guest-"))
        self.initrd = self.dir / "initrd"
        root_file_system(self.initrd, tree, modules, programs, files or {})

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Guest:
    """A running machine. `with Guest(image) as g: g.run("uname -r")`. disk: the path of an NBD server's socket, seen as /dev/vda."""

    def __init__(self, image, memory=1024, disk=None):
        self.image, self.memory, self.disk = image, memory, disk
        self.console = image.dir / "console"
        self.proc = None

    def __enter__(self):
        for left in reversed(range(BOOTS)):
            try:
                self._boot()
                return self
            except RuntimeError:
                self.kill()
                if not left:
                    raise
            except BaseException:
                self.kill()
                raise

    def _boot(self):
        agent, agent_end = socket.socketpair()
        self.events, events_end = socket.socketpair()
        command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot",
                   "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(self.memory),
                   "-kernel", self.image.kernel, "-initrd", self.image.initrd, "-append", KERNEL_WORDS,
                   "-serial", f"file:{self.console}", "-device", "virtio-serial-pci"]
        for name, end in (("agent", agent_end), ("events", events_end)):
            command += ["-chardev", f"socket,id={name},fd={end.fileno()}", "-device", f"virtserialport,chardev={name}"]
        if self.disk:
            command += ["-drive", f"if=none,id=disk,format=raw,cache=writeback,file=nbd:unix:{self.disk}",
                        "-device", "virtio-blk-pci,drive=disk,logical_block_size=4096,physical_block_size=4096"]
        with open(self.image.dir / "qemu.log", "ab") as log:
            self.proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(agent_end.fileno(), events_end.fileno()),
                                         preexec_fn=die_with_parent)
        agent_end.close()
        events_end.close()
        self.agent = agent
        self.file = agent.makefile("rb")
        self._answer(BOOT_SECONDS)

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """The power goes. What the guest had said on its events until then can still be read from `events`."""
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
        if self.proc:
            self.proc.wait()
        self.file.close()
        self.agent.close()

    def _answer(self, seconds):
        self.agent.settimeout(seconds)
        try:
            head = self.file.readline().split()
            if not head:
                raise EOFError
            return int(head[1]), self.file.read(int(head[2]))
        except (EOFError, OSError) as e:
            raise RuntimeError(f"the guest does not answer ({type(e).__name__}); its console ends: {self.console_tail()}") from None

    def run(self, command, seconds=300):
        """(exit status, output) of one line of shell. What it leaves in the background must have its output redirected."""
        assert "\n" not in command
        self.agent.sendall(command.encode() + b"\n")
        return self._answer(seconds)

    def must(self, command, seconds=300):
        status, output = self.run(command, seconds)
        if status:
            raise RuntimeError(f"{command}: status {status}: {output.decode(errors='replace')[-600:]}")
        return output.decode(errors="replace")

    def wait_for(self, command, seconds):
        """Until the command succeeds; False when it never does."""
        end = time.monotonic() + seconds
        while self.run(command)[0]:
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True

    def console_tail(self, n=1500):
        texts = [p.read_text(errors="replace")[-n:] for p in (self.console, self.image.dir / "qemu.log") if p.exists()]
        return " | ".join(t.strip() for t in texts if t.strip())
