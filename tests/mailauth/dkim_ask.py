"""Talks to src/mailauth/dkim_ask.c: Troika's half in the tests beside this file."""

import subprocess


class Ask:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, line, octets=b""):
        self.process.stdin.write(line.encode("latin-1") + b"\n" + octets)
        self.process.stdin.flush()

    def line(self):
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args[0]} ended with {self.process.wait()}")
        return answer.decode("latin-1").rstrip("\n")

    def octets(self):
        return self.process.stdout.read(int(self.line().removeprefix("=")))

    def zone(self, lines):
        self.send("ZONE")
        for line in lines:
            self.send(f"R {line}")

    def new_key(self, algorithm):
        self.send(f"NEW {algorithm}")
        return self.octets()

    def add_key(self, selector, domain, pem):
        """Signs with it from now on; the record to publish comes back."""
        self.send(f"KEY {selector} {domain} {len(pem)}", pem)
        return self.line()

    def verify(self, message):
        """[(result, domain, algorithm, problem)] of all signatures."""
        self.send(f"VERIFY {len(message)}", message)
        answer = self.line()
        return [tuple(one.split("/", 3)) for one in answer.split("\t")] if answer else []

    def sign(self, message):
        self.send(f"SIGN {len(message)}", message)
        return self.octets()

    def validate(self, message):
        """(result, instances, oldest-pass, problem)"""
        self.send(f"ARC {len(message)}", message)
        result, instances, oldest, problem = self.line().split("\t")
        return result, int(instances), int(oldest), problem

    def seal(self, message):
        self.send(f"SEAL {len(message)}", message)
        return self.octets()

    def close(self):
        self.process.stdin.close()
        return self.process.wait()
