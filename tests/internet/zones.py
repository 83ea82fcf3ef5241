"""The world's DNS: a signed root, a signed `example.`, and below it signed, unsigned and broken zones, all served by Knot."""
from world import DNS, NET, Failed, run, wait_for

# Short lives: scenarios mend zones and go on.
SOA = "@ 300 SOA ns.example. hostmaster.example. 1 300 60 86400 1\n@ 300 NS ns.example.\n"


class Zones:
    """Zones are text in presentation format; those named in `unsigned` get no keys, those in `broken` a DS that fits no key."""

    def __init__(self, world, zones, unsigned=(), broken=()):
        self.world = world
        self.dir = world.root / "dns"
        for folder in ("zones", "db"):
            (self.dir / folder).mkdir(parents=True)
        world.host("dns", int(DNS.rsplit(".", 1)[1]))
        self.zones = {"example.": "ns 300 A " + DNS + "\n", **zones}
        self.unsigned, self.broken = set(unsigned), set(broken)
        self.conf = self.dir / "knot.conf"
        self.conf.write_text(self.config())
        for name, text in {".": "example. 300 NS ns.example.\nns.example. 300 A " + DNS + "\n", **self.zones}.items():
            self.write(name, text)
        for name in self.zones:
            if name != "example.":
                self.append("example.", f"{name} 300 NS ns.example.\n")
        self.process = world.start("dns", "knotd", "-c", self.conf)
        self.wait()                                           # keys are there when signatures are
        for name in self.zones:
            if name not in self.unsigned:
                self.delegate(name)
        self.make_anchor()

    def config(self):
        zones = "".join(f"  - domain: {name}\n    file: {self.file(name).name}\n    dnssec-signing: {'off' if name in self.unsigned else 'on'}\n"
                        "    dnssec-policy: fast\n    zonefile-load: difference-no-serial\n    journal-content: all\n    semantic-checks: off\n"
                        for name in [".", *self.zones])
        return (f"server:\n  rundir: {self.dir}\n  listen: {DNS}@53\n  user: root\ndatabase:\n  storage: {self.dir}/db\nlog:\n  - target: stderr\n    any: warning\n"
                "policy:\n  - id: fast\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n    nsec3: off\n    rrsig-lifetime: 30d\n    rrsig-refresh: 7d\n"
                f"template:\n  - id: default\n    storage: {self.dir}/zones\nzone:\n{zones}")

    def file(self, name):
        return self.dir / "zones" / ((name.rstrip(".") or "root") + ".zone")

    def write(self, name, text):
        self.file(name).write_text(f"$ORIGIN {name}\n$TTL 1\n{SOA}{text}")

    def append(self, name, text):
        with open(self.file(name), "a", encoding="ascii") as f:
            f.write(text)

    def control(self, *words):
        return self.world.on("dns", "knotc", "-c", self.conf, *words)

    def set(self, name, text):
        """Replaces a zone below example. while the server runs."""
        self.zones[name] = text
        self.write(name, text)
        self.control("-b", "zone-reload", name)

    def keys(self, name):
        return run("keymgr", "-c", self.conf, name, "ds").splitlines()

    def delegate(self, name):
        parent = "." if name == "example." else "example."
        for line in self.keys(name):
            owner, _, rest = line.partition(" DS ")
            if " 2 " not in f" {rest} ".replace(f" {rest.split()[-1]} ", " "):
                continue
            if name in self.broken:
                rest = " ".join(rest.split()[:3] + ["0" * 64])
            self.append(parent, f"{owner} 300 DS {rest}\n")
        self.control("-b", "zone-reload", parent)

    def make_anchor(self):
        self.anchor = self.dir / "root.key"
        self.anchor.write_text("".join(f". IN DS {line.partition(' DS ')[2]}\n" for line in self.keys(".")))
        self.hints = self.dir / "root.hints"
        self.hints.write_text(f". 3600000 NS ns.example.\nns.example. 3600000 A {DNS}\n")

    def wait(self):
        def answers():
            if self.process.poll() is not None:
                raise Failed("knotd ended: " + (self.world.root / "dns.log").read_text()[-800:])
            return "status: NOERROR" in self.world.on("dns", "kdig", "+timeout=1", "+retry=0", "@" + DNS, "SOA", "example.", check=False)
        wait_for("the name server", answers)
        for name in (".", *self.zones):
            sign = "NOERROR" if name in self.unsigned else "RRSIG"
            wait_for(f"{name} {sign}", lambda n=name, s=sign: s in self.world.on("dns", "kdig", "+timeout=1", "+retry=0", "@" + DNS, "+dnssec", "SOA", n, check=False))


def address(number):
    return NET + str(number)
