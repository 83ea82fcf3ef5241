"""The wall clock of a Troika set on by days: later.c preloaded."""
import os
from pathlib import Path

from world import run


class Clock:
    """Troika is stopped, and starts again when it is later. As configured, but that the queue has the times that are built in."""

    def __init__(self, scene):
        self.troika, self.ahead = scene.troika, 0
        self.shim = scene.world.root / "later.so"
        run("gcc", "-shared", "-fPIC", "-O1", "-o", self.shim, Path(__file__).with_name("later.c"))
        self.troika.configure(scene.zones, **{**scene.config, "queue": ""})

    def set(self, ahead):
        self.ahead = ahead
        self.troika.restart(LD_PRELOAD=str(self.shim), LATER=str(ahead), ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
