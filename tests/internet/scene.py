"""The stage of a scenario: a world with its DNS, a Troika, and the neighbours that it asks for. A script of scenarios ends with `play(...)`."""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from common import attempt, binary, check, finish, skip  # noqa: E402,F401
from peers import KINDS  # noqa: E402
from troika import Troika  # noqa: E402
from world import DNS, World  # noqa: E402
from zones import Zones  # noqa: E402

# Whoever waits in a test waits shortly.
IMPATIENT = {"queue": 'retry_first = "2s"\nretry_max = "10s"'}


class Scene:
    """peers: names of KINDS; more: hosts of other classes by name; zones: those beside the hosts' own; config: sections of troika.conf."""

    def __init__(self, peers=(), more=None, zones=None, unsigned=(), broken=(), config=None, start=True, users=("alice", "bob")):
        self.world = World()
        try:
            self.troika = Troika(self.world, binary=binary(), users=users)
            self.peers = {}
            for i, name in enumerate(peers):
                self.peers[name] = KINDS[name](self.world, name, 20 + i)
            for i, (name, kind) in enumerate((more or {}).items()):
                self.peers[name] = kind(self.world, name, 40 + i)
            all_zones = {**self.troika.zones(), **(zones or {})}
            for peer in self.peers.values():
                all_zones.update(peer.zones())
            self.zones = Zones(self.world, all_zones, unsigned, broken)
            self.config = {**IMPATIENT, **(config or {})}
            self.troika.configure(self.zones, **self.config)
            if start:
                self.start()
        except BaseException:
            self.world.close()
            raise

    def start(self):
        for peer in self.peers.values():
            peer.start()
        self.troika.start()

    def __getitem__(self, name):
        return self.peers[name]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        """A scene ends with what holds for all of them: nothing is broken, Troika ends when told to, and no sanitizer spoke."""
        try:
            if failure[0]:
                print("-- Troika's log ends:\n" + self.troika.log())
            else:
                attempt("troika check", lambda: check("troika check finds nothing", not self.troika.faults(), self.troika.faults()))
                attempt("SIGTERM", lambda: check("SIGTERM ends Troika with 0", self.troika.stop() is None))
                spoke = [line for line in self.troika.whole_log().splitlines() if "Sanitizer" in line or "runtime error" in line]
                check("no sanitizer spoke", not spoke, spoke)
        finally:
            self.world.close()


def txt(world):
    """dkimpy's view of the world's DNS."""
    def ask(name, timeout=5):
        out = world.on("dns", "kdig", "@" + DNS, "+short", "TXT", name.decode() if isinstance(name, bytes) else name)
        return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', out)).encode() or None
    return ask


def namespaces_work():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True).returncode == 0


def play(*scenarios):
    """Runs each as a scenario of its own and ends the script with its counts."""
    for scenario in scenarios:
        if namespaces_work():
            attempt(scenario.__name__, scenario)
        else:
            skip(scenario.__name__, "needs root and network namespaces")
    finish()
