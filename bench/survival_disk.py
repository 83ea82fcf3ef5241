"""A disk that remembers every write and every flush: a file of FUSE, made a block device by loop, under a real ext4. From what it remembers it makes images of
what a power cut could have left: all that was flushed, and of the rest, block by block, any part. Nothing is preloaded, so any server can be looked at.

Needs root, and a mount namespace of its own (unshare --mount): a namespace that somebody makes meanwhile keeps a copy of each mount that it sees, so a file system
that was unmounted here would live on there and write what it still has in memory. For the same reason no file is ever the image of two states."""
import errno
import random
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pyfuse3
import trio

BLOCK = 4096
FILE_INODE = 2
UNMOUNT_SECONDS = 60
FATES = ("all lost", "all kept", "any", "any", "a prefix")


class File(pyfuse3.Operations):
    """One file, `disk`, whose bytes lie in memory. log: (at, bytes) of a write, None of a flush, in the order in which the kernel sent them; each is in the log
    before the kernel is answered. A flush covers what is before it."""

    def __init__(self, size):
        super().__init__()
        self.bytes, self.log, self.lock = bytearray(size), [], threading.Lock()

    def attributes(self, inode):
        a = pyfuse3.EntryAttributes()
        a.st_ino = inode
        a.st_mode = stat.S_IFDIR | 0o700 if inode == pyfuse3.ROOT_INODE else stat.S_IFREG | 0o600
        a.st_size = 0 if inode == pyfuse3.ROOT_INODE else len(self.bytes)
        a.st_nlink = 1
        return a

    async def getattr(self, inode, ctx=None):
        return self.attributes(inode)

    async def setattr(self, inode, attr, fields, fh, ctx):
        return self.attributes(inode)

    async def lookup(self, parent, name, ctx=None):
        if name != b"disk":
            raise pyfuse3.FUSEError(errno.ENOENT)
        return self.attributes(FILE_INODE)

    async def open(self, inode, flags, ctx):
        return pyfuse3.FileInfo(fh=inode, keep_cache=False)

    async def read(self, fh, off, size):
        return bytes(self.bytes[off:off + size])

    async def write(self, fh, off, buf):
        with self.lock:                                        # against begin, which is called in another thread
            self.log.append((off, bytes(buf)))
            self.bytes[off:off + len(buf)] = buf
        return len(buf)

    async def flush(self, fh):
        pass

    async def fsync(self, fh, datasync):
        with self.lock:
            self.log.append(None)

    def begin(self):
        """What is on the disk by now; the record begins behind it."""
        with self.lock:
            self.log.clear()
            return bytes(self.bytes)

    async def release(self, fh):
        pass


def sh(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=120).stdout.strip()


class Disk:
    """mount() gives an empty ext4 at `self.at`; forget() makes what is on it by now the beginning of the record."""

    def __init__(self, megabytes):
        self.dir = Path(tempfile.mkdtemp(prefix="troika-survival-", dir="/dev/shm"))
        self.dir.chmod(0o755)
        self.fuse, self.at, self.loop = self.dir / "fuse", self.dir / "mnt", None
        self.fuse.mkdir()
        self.at.mkdir()
        self.file = File(megabytes << 20)
        pyfuse3.init(self.file, str(self.fuse), {"fsname=survival"})
        self.thread = threading.Thread(target=trio.run, args=(pyfuse3.main,), daemon=True)
        self.thread.start()
        sh("mkfs.ext4", "-q", "-F", "-b", BLOCK, self.fuse / "disk")
        self.first, self.states = None, 0

    def mount(self, image=None):
        self.image = image or self.fuse / "disk"
        self.loop = sh("losetup", "-f", "--show", self.image)
        try:
            sh("mount", "-t", "ext4", self.loop, self.at)
        except subprocess.CalledProcessError:
            sh("losetup", "-d", self.loop)
            self.loop = None
            raise

    def unmount(self):
        """When this returns nobody writes to that image any more."""
        end = time.monotonic() + UNMOUNT_SECONDS
        while subprocess.run(["umount", self.at], capture_output=True).returncode:     # held for a moment by what was killed
            if time.monotonic() > end:
                raise RuntimeError(f"{self.at} is still in use")
            time.sleep(0.1)
        sh("losetup", "-d", self.loop)
        while sh("losetup", "-j", self.image):                 # it is let go of when its last user is gone
            if time.monotonic() > end:
                raise RuntimeError(f"{self.loop} is still in use")
            time.sleep(0.1)
        self.loop = None

    def forget(self):
        sh("sync", "-f", self.at)
        self.first = self.file.begin()

    def now(self):
        return len(self.file.log)

    def state(self, cut, fate, dice, flushes_until=None):
        """An image of a cut behind so many records, in a file of its own: the caller removes it. flushes_until: flushes behind so many meant nothing, as of a disk
        that lies."""
        log, durable = self.file.log[:cut], 0
        for i, record in enumerate(log[:flushes_until]):
            durable = i if record is None else durable
        pending = [(at + k, data[k:k + BLOCK]) for at, data in (r for r in log[durable:] if r) for k in range(0, len(data), BLOCK)]
        kept = {"all lost": [], "all kept": pending, "any": [p for p in pending if dice.random() < 0.5],
                "a prefix": pending[:dice.randrange(len(pending) + 1)]}[fate]
        image = bytearray(self.first)
        for at, data in [r for r in log[:durable] if r] + kept:
            image[at:at + len(data)] = data
        self.states += 1
        path = self.dir / f"state-{self.states}"
        path.write_bytes(image)
        return path

    def remove(self):
        if self.loop:
            self.unmount()
        subprocess.run(["fusermount3", "-u", "-z", self.fuse], capture_output=True)
        shutil.rmtree(self.dir, ignore_errors=True)


def dice_of(seed):
    return random.Random(seed)
