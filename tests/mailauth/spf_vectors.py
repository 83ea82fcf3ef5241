#!/usr/bin/env python3
"""Plays the SPF test suite (RFC 7208 edition, ../shared/data/vectors/rfc7208-tests.yml) against mailauth/spf.

    tests/mailauth/spf_vectors.py SPF_ASK [--verbose]

Every scenario's zone is handed to SPF_ASK (src/mailauth/spf_ask.c), then each of its tests is asked and compared: the result (where the suite permits
several, one of them) and, where it names one, the explanation.
"""

import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUITE = ROOT.parent / "shared/data/vectors/rfc7208-tests.yml"
TIMED_OUT = "!temporary"
TYPES = ("A", "AAAA", "MX", "PTR", "TXT")


class Loader(yaml.SafeLoader):
    """1.2.3.4 and 2001:db8::1 are strings, whatever YAML makes of digits and colons."""


Loader.yaml_implicit_resolvers = {}


def escaped(text):
    """Octets that a line of a zone cannot hold as they are; text stands for Latin-1 bytes."""
    plain = lambda byte: 33 <= byte < 127 and byte != 92
    return "".join(chr(b) if plain(b) else f"\\{b:03}" for b in text.encode("latin-1"))


def records(entries):
    """The (type, value) pairs of one name. SPF records count as TXT where no TXT is named; "TXT: NONE" names none. A TIMEOUT stands for whatever
    type has no record."""
    pairs = [next(iter(entry.items())) for entry in entries if entry != "TIMEOUT"]
    types = {kind for kind, _ in pairs}
    for kind, value in pairs:
        if kind == "SPF" and "TXT" not in types:
            yield "TXT", value
        elif kind in TYPES + ("CNAME",) and value != "NONE":
            yield kind, value
    if "TIMEOUT" in entries:
        have = {kind for kind, value in pairs if value != "NONE"} | ({"TXT"} if "SPF" in types and "TXT" not in types else set())
        yield from ((kind, TIMED_OUT) for kind in TYPES if kind not in have)


def zone_lines(zone):
    for name, entries in zone.items():
        for kind, value in records(entries):
            if value == TIMED_OUT:
                pass
            elif kind == "MX":
                value = f"{value[0]} {escaped(value[1].rstrip('.')) or '.'}"
            elif kind == "TXT":
                value = escaped("".join(value))
            else:
                value = str(value).rstrip(".")
            yield f"R {escaped(name)} {kind} {value}"


def as_list(value):
    return value if isinstance(value, list) else [value]


def judge(name, test, answer):
    """What is wrong with an answer, or None."""
    result, _, explanation, problem = answer.split("\t")
    if result not in as_list(test["result"]):
        return f"{name}: {result} ({problem}), the suite says {test['result']}"
    wanted = test.get("explanation")
    if wanted is not None and explanation != ("" if wanted == "DEFAULT" else wanted):
        return f"{name}: explains {explanation!r}, the suite says {wanted!r}"
    return None


def main(arguments):
    verbose = "--verbose" in arguments
    program, = [a for a in arguments if a != "--verbose"]
    if not SUITE.exists():
        print(f"skipped: {SUITE} is not there\n0 passed, 0 failed, 1 skipped")
        return 0
    tests, lines = [], []
    for scenario in yaml.load_all(SUITE.read_bytes(), Loader):
        lines += ["ZONE", *zone_lines(scenario["zonedata"])]
        for name, test in scenario["tests"].items():
            tests.append((name, test))
            lines.append(f"Q\t{test['host']}\t{test['helo']}\t{test['mailfrom']}")
    result = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, encoding="latin-1", check=False)
    answers = result.stdout.splitlines()
    if result.returncode or len(answers) != len(tests):
        sys.exit(f"{program}: {len(answers)} answers to {len(tests)} questions: {result.stderr}")
    wrong = [fault for fault in (judge(name, test, answer) for (name, test), answer in zip(tests, answers)) if fault]
    if verbose:
        for (name, _), answer in zip(tests, answers):
            print(f"{name}: {answer}")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(tests) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
