#!/usr/bin/env python3
"""Plays the wire transcripts against a troika: run.py BINARY [FOLDER | FOLDER/NAME]...    See README.md."""
import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import transcript                                             # noqa: E402
from play import Player                                       # noqa: E402
from server import Failed, Server, Template                   # noqa: E402

HERE = Path(__file__).parent


def find(names):
    files = sorted(HERE.glob("*/*.txt"))
    if names:
        files = [f for f in files if any(f"{f.parent.name}/{f.stem}" == n or f.parent.name == n for n in names)]
    return files


def play(template, t, way, verbose):
    """None, or the text of what went wrong."""
    server, player = None, None
    try:
        server = Server(template, t.config)
        player = Player(t, way, server, verbose)
        player.run()
        server.stop()
        return None
    except Exception as e:                                    # noqa: BLE001: one transcript's trouble is not another's
        where = f"line {player.step.line}: " if player and player.step else ""
        kind = "" if isinstance(e, Failed) else f"{type(e).__name__}: "
        log = "\n".join("      | " + line for line in server.log_tail().splitlines()) if server else ""
        return f"    {where}{kind}{e}" + (f"\n    the server's log ends:\n{log}" if log else "")
    finally:
        if server:
            server.remove()


def main():
    ap = argparse.ArgumentParser(description="Plays wire transcripts.")
    ap.add_argument("binary")
    ap.add_argument("names", nargs="*", help="FOLDER or FOLDER/NAME; default: all")
    ap.add_argument("--way", choices=transcript.WAYS, help="only this way")
    ap.add_argument("-j", type=int, default=2, help="how many at a time")
    ap.add_argument("-v", action="store_true", help="show the dialogue")
    a = ap.parse_args()
    files = find(a.names)
    if not files:
        sys.exit("no such transcript")
    jobs = [(t, way) for t in map(transcript.read, files) for way in t.ways if a.way in (None, way)]
    template = Template(a.binary)
    failed = 0
    try:
        with ThreadPoolExecutor(1 if a.v else a.j) as pool:
            results = pool.map(lambda job: play(template, *job, a.v), jobs)
            for (t, way), trouble in zip(jobs, results):
                failed += trouble is not None
                print(f"{'FAIL' if trouble else 'ok  '} {t.name} ({way})", flush=True)
                if trouble:
                    print(trouble, flush=True)
    finally:
        template.remove()
    print(f"{len(jobs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
