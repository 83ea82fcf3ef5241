#!/usr/bin/python3
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


def load_suite():
    """[(zone, {name: test})], or None where the suite is not there. A zone: {name: [(type, value)]}."""
    if not SUITE.exists():
        return None
    scenarios = yaml.load_all(SUITE.read_bytes(), Loader)
    return [({name: list(records(entries)) for name, entries in s["zonedata"].items()}, s["tests"]) for s in scenarios]


def records(entries):
    """The (type, value) pairs of one name. SPF records count as TXT where no TXT is named; "TXT: NONE" names none. A TIMEOUT stands for whatever
    type has no record."""
    pairs = [next(iter(entry.items())) for entry in entries if entry != "TIMEOUT"]
    types = {kind for kind, _ in pairs}
    have = set()
    for kind, value in pairs:
        kind = "TXT" if kind == "SPF" and "TXT" not in types else kind
        if kind in TYPES + ("CNAME",) and value != "NONE":
            have.add(kind)
            yield kind, value
    if "TIMEOUT" in entries:
        yield from ((kind, TIMED_OUT) for kind in TYPES if kind not in have)


def escaped(text):
    """Octets that a line of a zone cannot hold as they are; text stands for Latin-1 bytes."""
    plain = lambda byte: 33 <= byte < 127 and byte != 92
    return "".join(chr(b) if plain(b) else f"\\{b:03}" for b in text.encode("latin-1"))


def zone_lines(zone):
    for name, pairs in zone.items():
        for kind, value in pairs:
            if value == TIMED_OUT:
                pass
            elif kind == "MX":
                value = f"{value[0]} {escaped(value[1].rstrip('.')) or '.'}"
            elif kind == "TXT":
                value = escaped("".join(value))
            else:
                value = value.rstrip(".")
            yield f"R {escaped(name)} {kind} {value}"


def ask(program, scenarios):
    """Answers of SPF_ASK as (result, domain, explanation, problem), one for each (ip, helo, sender) of [(zone, questions)]."""
    lines = []
    for zone, questions in scenarios:
        lines += ["ZONE", *zone_lines(zone), *("\t".join(("Q", *question)) for question in questions)]
    result = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, encoding="latin-1", check=False)
    answers = [tuple(line.split("\t")) for line in result.stdout.splitlines()]
    if result.returncode or len(answers) != sum(len(questions) for _, questions in scenarios):
        sys.exit(f"{program}: {len(answers)} answers, {result.stderr}")
    return answers


def question(test):
    return test["host"], test["helo"], test["mailfrom"]


def judge(name, test, answer):
    """What is wrong with an answer, or None."""
    result, _, explanation, problem = answer
    permitted = test["result"] if isinstance(test["result"], list) else [test["result"]]
    if result not in permitted:
        return f"{name}: {result} ({problem}), the suite says {' or '.join(permitted)}"
    wanted = test.get("explanation")
    if wanted is not None and explanation != ("" if wanted == "DEFAULT" else wanted):
        return f"{name}: explains {explanation!r}, the suite says {wanted!r}"
    return None


def main(arguments):
    verbose = "--verbose" in arguments
    program, = [a for a in arguments if a != "--verbose"]
    suite = load_suite()
    if suite is None:
        print(f"skipped: {SUITE} is not there\n0 passed, 0 failed, 1 skipped")
        return 77
    answers = ask(program, [(zone, [question(test) for test in tests.values()]) for zone, tests in suite])
    named = [pair for _, tests in suite for pair in tests.items()]
    wrong = [fault for fault in (judge(name, test, answer) for (name, test), answer in zip(named, answers)) if fault]
    if verbose:
        for (name, _), answer in zip(named, answers):
            print(f"{name}: {' | '.join(answer)}")
    for fault in wrong:
        print(fault)
    print(f"{len(named) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
