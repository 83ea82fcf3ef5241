"""A disk with a cache of its own that forgets when the power goes: an NBD server over a file, for the guests of guest.py. What was written and not flushed is in the cache;
a cut throws it away, or keeps any part of it in blocks of 4 KB, which is what the disk promises to write whole. A disk that lies says that it has flushed, and has not."""
import os
import random
import socket
import struct
import threading
import time
from pathlib import Path

BLOCK = 4096
# The NBD protocol, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md: what QEMU uses of it.
OPTION_MAGIC, REPLY_MAGIC = b"IHAVEOPT", 0x3E889045565A9
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
OPT_ABORT, OPT_GO = 2, 7
REP_ACK, REP_INFO, REP_UNSUPPORTED = 1, 3, 0x80000001
INFO_EXPORT = 0
HAS_FLAGS, SEND_FLUSH, SEND_FUA = 1, 4, 8
REQUEST, SIMPLE_REPLY = struct.Struct(">IHHQQI"), struct.Struct(">IIQ")
REQUEST_MAGIC, SIMPLE_REPLY_MAGIC = 0x25609513, 0x67446698
CMD_READ, CMD_WRITE, CMD_DISCONNECT, CMD_FLUSH = 0, 1, 2, 3
CMD_FLAG_FUA = 1
EINVAL = 22


class Disk:
    """Over a file that is there, whose size is the disk's."""

    def __init__(self, path):
        self.path = Path(path)
        self.size = self.path.stat().st_size
        self.lies = False
        self.file = os.open(self.path, os.O_RDWR)
        self.cached = {}               # block number -> its newest contents
        self.log = []                  # (block number, contents) in the order of writing, since the last flush
        self.flushes = self.writes = 0
        self.lock, self.alone = threading.Lock(), threading.Event()
        self.socket_path = f"{self.path}.socket"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket_path)
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listener.close()
        os.close(self.file)

    # ---- the cache ----

    def _store(self, block, data):
        os.pwrite(self.file, data, block * BLOCK)

    def _flush(self):
        self.flushes += 1
        if self.lies:
            return
        for block, data in self.cached.items():
            self._store(block, data)
        self.cached.clear()
        self.log.clear()

    def _write(self, offset, data):
        self.writes += 1
        for at in range(0, len(data), BLOCK):
            block = (offset + at) // BLOCK
            self.cached[block] = data[at:at + BLOCK]
            self.log.append((block, data[at:at + BLOCK]))

    def _read(self, offset, length):
        data = bytearray(os.pread(self.file, length, offset))
        for at in range(0, length, BLOCK):
            kept = self.cached.get((offset + at) // BLOCK)
            if kept:
                data[at:at + BLOCK] = kept
        return data

    def cut(self, rnd=random):
        """The power goes, when the machine is ended. Of what is in the cache nothing survives, or any part, in any order. What came of it, in words."""
        if not self.alone.wait(300):
            raise RuntimeError("the disk is still in use")
        with self.lock:
            chance = 0 if self.lies else rnd.choice((0, 0, 0.5, 0.9))
            survivors = [write for write in self.log if rnd.random() < chance]
            lost = len(self.log) - len(survivors)
            for block, data in survivors:
                self._store(block, data)
            self.cached.clear()
            self.log.clear()
            return f"{lost} of {lost + len(survivors)} blocks that were not flushed are lost"

    def wait_for_risk(self, blocks, seconds):
        """Until so much is in the cache that a cut would lose, or for so long."""
        end = time.monotonic() + seconds
        while len(self.log) < blocks and time.monotonic() < end:
            time.sleep(0.0005)

    # ---- the protocol ----

    def _serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.alone.clear()
            with connection:
                try:
                    self._negotiate(connection)
                    while self._answer(connection):
                        pass
                except (EOFError, OSError):            # the machine was ended
                    pass
            self.alone.set()

    @staticmethod
    def _take(connection, length):
        data = bytearray()
        while len(data) < length:
            got = connection.recv(length - len(data))
            if not got:
                raise EOFError
            data += got
        return bytes(data)

    def _negotiate(self, connection):
        connection.sendall(b"NBDMAGIC" + OPTION_MAGIC + struct.pack(">H", FIXED_NEWSTYLE | NO_ZEROES))
        self._take(connection, 4)
        while True:
            _, option, length = struct.unpack(">8sII", self._take(connection, 16))
            self._take(connection, length)

            def reply(kind, data=b"", option=option):
                connection.sendall(struct.pack(">QIII", REPLY_MAGIC, option, kind, len(data)) + data)
            if option == OPT_ABORT:
                raise EOFError
            if option != OPT_GO:
                reply(REP_UNSUPPORTED)
                continue
            reply(REP_INFO, struct.pack(">HQH", INFO_EXPORT, self.size, HAS_FLAGS | SEND_FLUSH | SEND_FUA))
            reply(REP_ACK)
            return

    def _answer(self, connection):
        _, flags, command, handle, offset, length = REQUEST.unpack(self._take(connection, REQUEST.size))
        data, error = b"", 0
        if command == CMD_DISCONNECT:
            return False
        with_data = self._take(connection, length) if command == CMD_WRITE else b""
        with self.lock:
            if command in (CMD_READ, CMD_WRITE) and (offset | length) % BLOCK:
                error = EINVAL
            elif command == CMD_READ:
                data = self._read(offset, length)
            elif command == CMD_WRITE:
                self._write(offset, with_data)
            elif command != CMD_FLUSH:
                error = EINVAL
            if command == CMD_FLUSH or (command == CMD_WRITE and flags & CMD_FLAG_FUA):
                self._flush()
        connection.sendall(SIMPLE_REPLY.pack(SIMPLE_REPLY_MAGIC, error, handle) + data)
        return True
