"""Servers of Debian's that cannot be installed beside each other: fetched, unpacked into a directory of the test's own, never configured or started by the system."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "wire"))
from server import PATIENCE, free_ports  # noqa: E402

CACHE = ROOT / "build-peers"
FETCH_SECONDS = 600
STOP_SECONDS = 15


class Missing(Exception):
    """Why a peer cannot be had here."""


def unpacked(*packages):
    """A directory with these packages in it; the caller removes it. Others may enter it: servers give up root's rights."""
    if os.geteuid() != 0:
        raise Missing("this is not root")
    root = Path(tempfile.mkdtemp(prefix="troika-peer-"))
    root.chmod(0o755)
    script = f'. tools/packages.sh && need "the peers of the tests" $peer_packages && unpack "{CACHE}" "{root}" {" ".join(packages)}'
    try:
        r = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=FETCH_SECONDS)
        if r.returncode == 0:
            return root
        why = (r.stdout + r.stderr).strip().splitlines()[-1:]
    except subprocess.TimeoutExpired:
        why = ["packages could not be fetched in time"]
    shutil.rmtree(root, ignore_errors=True)
    raise Missing(" ".join(why) or "packages could not be had")


def free_port():
    return free_ports(1)[0]


def await_port(port, proc, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if proc.poll() is not None or time.monotonic() > end:
                raise RuntimeError("a peer did not come up") from None
            time.sleep(0.05)


def stop(proc, signal_):
    """The one process that was started; what it started goes with it."""
    if proc.poll() is None:
        proc.send_signal(signal_)
        try:
            proc.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            proc.kill()
            proc.wait()
