#!/usr/bin/python3
"""Plays the ARC validation suite (../shared/data/vectors/arc-draft-validation-tests.yml) against mailauth/arc.

    tests/mailauth/arc_vectors.py DKIM_ASK [--verbose]

Expected are "none", "pass" and "fail"; where the suite leaves cv empty the newest seal itself says cv=fail, which RFC 8617 5.2 step 2 makes a "fail".
"""

import pathlib
import sys

import yaml

from dkim_ask import Ask

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUITE = ROOT.parent / "shared/data/vectors/arc-draft-validation-tests.yml"


def network(text):
    return text.replace("\n", "\r\n").encode("utf-8")


def main(arguments):
    verbose = "--verbose" in arguments
    program, = [a for a in arguments if a != "--verbose"]
    if not SUITE.exists():
        print(f"skipped: {SUITE} is not there\n0 passed, 0 failed, 171 skipped")
        return 0
    ask, passed, wrong = Ask(program), 0, []
    for scenario in yaml.safe_load_all(SUITE.read_bytes()):
        ask.zone(f"{name} TXT {text}" for name, text in scenario["txt-records"].items())
        for name, test in scenario["tests"].items():
            result, instances, oldest, problem = ask.validate(network(test["message"]))
            wanted = str(test["cv"] or "Fail").lower()
            if verbose:
                print(f"{name}: {result} i={instances} oldest-pass={oldest} {problem}")
            if result == wanted:
                passed += 1
            else:
                wrong.append(f"{name} ({test['description']}): {result} ({problem}), the suite says {wanted}")
    ask.close()
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{passed} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
