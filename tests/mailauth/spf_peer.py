#!/usr/bin/python3
"""Compares mailauth/spf with pyspf (Debian's python3-spf), which is another implementation of RFC 7208.

    tests/mailauth/spf_peer.py SPF_ASK [--verbose] [--seed N]

Questions: those of the published suite, where ../shared/data is there, and 10,000 about 2,000 worlds made at random (always the same ones, by seed). Both
implementations get the same zone: pyspf's DNS is replaced by a function over it. Compared: the result, and the explanation of a fail. Where the two differ
on purpose, KNOWN says why; everything else is a failure.
"""

import collections
import random
import sys

import spf

import spf_vectors

WORLDS, QUESTIONS = 2000, 5

# What pyspf does otherwise, and why Troika does not follow. Each is decided by what pyspf says about its own answer.
KNOWN = {
    "void": "RFC 7208 4.6.4 limits the terms that got no record; pyspf counts questions, of which one mx has many",
    "self": "pyspf refuses a record that includes itself unread; by RFC 7208 5.2 it ends at the limit of lookups, or where a term matches before",
    "cname-loop": "a CNAME loop is an error of DNS (RFC 1034 3.6.2), as for a resolver; pyspf takes it for no record",
    "mx": "pyspf asks for the addresses of all MX hosts before it compares one: a host that matches does not help when DNS fails for another",
    "exp": "errors of DNS and void lookups for a %{p} in an explanation, after the result is known: RFC 7208 7.3 makes it \"unknown\"; pyspf drops the text",
    "ptr": "RFC 7208 5.5: a name of the client whose addresses DNS fails to give is skipped; pyspf stops there",
}


class PeerDns:
    """What replaces spf.DNSLookup: CNAMEs are given back, pyspf follows them itself."""

    def __init__(self, zone):
        self.zone = collections.defaultdict(list)
        for name, pairs in zone.items():
            self.zone[name.lower()] += pairs
        self.forget()

    def forget(self):
        self.looped, self.voids = False, 0
        self.named = {"PTR": set(), "MX": set()}    # by the answers so far
        self.failed = set()                         # the types by which those were named that DNS failed for

    def __call__(self, name, kind, *_):
        found = []
        for k, value in self.zone.get(name.lower(), []):
            if k == kind and value == spf_vectors.TIMED_OUT:
                self.failed |= {by for by, names in self.named.items() if self.canonical(names, name)}
                raise spf.TempError("DNS timeout")
            if k == "CNAME":
                self.note_loop(name)
                found.append(((name, k), value))
            elif k == kind:
                value = self.convert(k, value)
                if k in self.named:
                    self.named[k].add((value[1] if k == "MX" else value).lower())
                found.append(((name, k), value))
        return found

    def canonical(self, names, name):
        """Does one of the names lead to this one?"""
        aliases = {n: v.lower() for n, pairs in self.zone.items() for k, v in pairs if k == "CNAME"}
        return any(name.lower() in (n, aliases.get(n), aliases.get(aliases.get(n))) for n in names)

    def convert(self, kind, value):
        if kind == "MX":
            return int(value[0]), value[1]
        if kind == "TXT":
            return [part.encode("latin-1") for part in ([value] if isinstance(value, str) else value)]
        return value

    def note_loop(self, name):
        seen = set()
        while name not in seen:
            seen.add(name)
            name = next((v.lower().rstrip(".") for k, v in self.zone.get(name, []) if k == "CNAME"), None)
            if name is None:
                return
        self.looped = True


def ask_peer(dns, question):
    """(result, explanation, what pyspf says about an error)"""
    ip, helo, sender = question
    spf.DNSLookup = dns
    dns.forget()
    query = spf.query(i=ip, s=sender, h=helo, receiver="receiver.example.org", strict=True)
    query.set_default_explanation("")
    result, _, text = query.check()
    dns.voids = query.void_lookups
    return result, text if result == "fail" else "", text


def excuse(dns, ours, peers):
    if "Void lookup limit" in peers[2] and ours[0] != "permerror":
        return "void"
    if "trivial recursion" in peers[2]:
        return "self"
    if ours[0] == peers[0] == "fail" and not peers[1] and (dns.voids > spf.MAX_VOID_LOOKUPS or "PTR" in dns.failed):
        return "exp"
    if dns.looped and "temperror" in (ours[0], peers[0]):
        return "cname-loop"
    if peers[0] == "temperror":
        return "mx" if "MX" in dns.failed else "ptr" if "PTR" in dns.failed else None
    return None


# ---- worlds at random ----

NAMES = ["a.example", "b.example", "c.example", "mail.a.example", "mx.b.example", "deep.er.c.example", "alias.example", "none.example"]
IPS = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8::1", "2001:db8:0:1::9"]
SENDERS = ["joe@", "ann-smith+list@", "x.y.z@", "", "postmaster@"]
MACROS = ["%{d}", "%{d2}", "%{o}", "%{l}.a.example", "%{l1r-}.b.example", "%{ir}.%{v}.c.example", "%{h}", "%{p}", "%{d1r}.example", "%{lr+-.}.a.example",
          "mail.%{o2}", "x%%y.%{d}", "%{S}.a.example"]
BROKEN = ["a:", "ip4:192.0.2", "ip6:zz::", "mx/33", "a//129", "foo", "include", "%{x}", "exists:%{d", "a:b", "ip4:192.0.2.0/024", "all:x", "exp=", "redirect=a", "x=%"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, share):
        return self.random.random() < share

    def pick(self, values):
        return self.random.choice(values)

    def domain(self):
        return self.pick(MACROS if self.chance(0.3) else NAMES)

    def cidr(self):
        return self.pick(["", "", "", "/24", "/0", "//64", "/28//32"])

    def mechanism(self):
        kind = self.pick(["a", "a", "mx", "mx", "ptr", "ip4", "ip6", "exists", "include", "include"])
        if kind == "ip4":
            return "ip4:" + self.pick(["192.0.2.1", "192.0.2.64/26", "198.51.100.0/24", "203.0.113.5"])
        if kind == "ip6":
            return "ip6:" + self.pick(["2001:db8::/48", "2001:db8::1", "::ffff:192.0.2.1", "2001:db8:0:1::/64"])
        argument = ":" + self.domain() if kind in ("exists", "include") or self.chance(0.5) else ""
        return kind + argument + (self.cidr() if kind in ("a", "mx") else "")

    def record(self):
        terms = [self.pick(["", "", "-", "~", "?"]) + self.mechanism() for _ in range(self.random.randrange(5))]
        if self.chance(0.06):
            terms.append(self.pick(BROKEN))
        if self.chance(0.15):
            terms.append("redirect=" + self.domain())
        if self.chance(0.3):
            terms.append("exp=" + self.pick(["why.a.example", "why.b.example", "why.%{d}"]))
        self.random.shuffle(terms)
        if self.chance(0.7):
            terms.append(self.pick(["-all", "-all", "~all", "?all", "all"]))
        return " ".join(["v=spf1", *terms])

    def name(self):
        if self.chance(0.05):
            return [("CNAME", self.pick(NAMES))]
        pairs = []
        for kind, share, value in (("A", 0.6, lambda: self.pick(IPS[:3])), ("AAAA", 0.4, lambda: self.pick(IPS[3:])),
                                   ("MX", 0.5, lambda: [10, self.pick(NAMES)]), ("TXT", 0.75, self.record)):
            if self.chance(0.03):
                pairs.append((kind, spf_vectors.TIMED_OUT))
            elif self.chance(share):
                pairs += [(kind, value()) for _ in range(1 if kind == "TXT" else self.random.randrange(1, 4))]
        if self.chance(0.1):
            pairs.append(("TXT", self.pick(["some text", "v=spf10 -all", "v=spf1 -all"])))
        return pairs

    def world(self):
        zone = {name: self.name() for name in NAMES[:-1]}
        for why in ("why.a.example", "why.b.example"):
            zone[why] = [("TXT", self.pick(["plain", "%{i} is not %{d}", "%{S} %{l} %{o} %{h}", "see http://%{d}/?%{L}", "%{x}", "%{c} %{r} %{v} %{p}"]))]
        reverse = {"192.0.2.1": "1.2.0.192.in-addr.arpa", "198.51.100.9": "9.100.51.198.in-addr.arpa",
                   "2001:db8::1": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}
        for name in reverse.values():
            if self.chance(0.7):
                zone[name] = [("PTR", self.pick(NAMES)) for _ in range(self.random.randrange(1, 4))]
        return {name: pairs for name, pairs in zone.items() if pairs}

    def question(self):
        sender = self.pick(SENDERS)
        return self.pick(IPS), self.pick(NAMES), sender + self.pick(NAMES) if sender else ""


def scenarios(seed):
    suite = spf_vectors.load_suite()
    if suite is None:
        print(f"skipped: {spf_vectors.SUITE} is not there: only worlds at random are compared")
    found = [(zone, [spf_vectors.question(test) for test in tests.values()]) for zone, tests in suite or []]
    make = Maker(seed)
    for _ in range(WORLDS):
        found.append((make.world(), [make.question() for _ in range(QUESTIONS)]))
    return found


def describe(zone, question, ours, peers, verbose):
    told = "".join(f"\n    {line[2:]}" for line in spf_vectors.zone_lines(zone)) if verbose else ""
    return f"{question}: ours {ours}, peer's {peers}{told}"


def main(arguments):
    verbose = "--verbose" in arguments
    seed = int(arguments[arguments.index("--seed") + 1]) if "--seed" in arguments else 7208
    worlds = scenarios(seed)
    answers = iter(spf_vectors.ask(arguments[0], worlds))
    known, results, differences = collections.Counter(), collections.Counter(), []
    for zone, questions in worlds:
        dns = PeerDns(zone)
        for question in questions:
            ours, peers = next(answers), ask_peer(dns, question)
            results[ours[0]] += 1
            if (ours[0], ours[2]) == peers[:2]:
                continue
            reason = excuse(dns, ours, peers)
            if reason:
                known[reason] += 1
            else:
                differences.append(describe(zone, question, ours, peers, verbose))
    for difference in differences:
        print(difference)
    for reason, count in known.most_common():
        print(f"{count} differ as known: {KNOWN[reason]}")
    print("ours:", ", ".join(f"{count} {result}" for result, count in results.most_common()))
    print(f"{sum(results.values())} questions compared with pyspf {spf.__version__}: {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
