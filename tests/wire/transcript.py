"""Reads transcripts. The format is described in README.md."""
import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from pathlib import Path

WAYS = ("written", "bytes", "all")
HEAD = ("ways", "config")
LINE = re.compile(r"(?P<who>C|S)(?P<conn>\d*)(?P<how>[X*?]?):(?: (?P<text>.*))?$")
PIECE = re.compile(rb"<<(.*?)>>(?!>)", re.DOTALL)
REPEAT = re.compile(rb'"(.*)"\*(\d+)$', re.DOTALL)
NAMED = re.compile(rb"([a-z_]+):=(.*)$")
VARIABLE = re.compile(rb"\$\{([^}]*)\}")
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rnt0\\])")
ESCAPED = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


class Bad(Exception):
    """The transcript itself is wrong."""


@dataclass
class Step:
    line: int
    kind: str                 # "send", "expect", "directive"
    conn: int = 1
    how: str = ""             # "X", "*", "?"
    text: bytes = b""
    words: list = field(default_factory=list)


@dataclass
class Transcript:
    name: str
    proto: str
    ways: tuple = WAYS
    config: list = field(default_factory=list)
    steps: list = field(default_factory=list)


def read(path: Path) -> Transcript:
    t = Transcript(name=f"{path.parent.name}/{path.stem}", proto=path.parent.name)
    for number, raw in enumerate(path.read_bytes().decode().split("\n"), 1):
        if not raw or raw.startswith("#"):
            continue
        if raw.startswith("%"):
            read_directive(t, number, raw[1:])
            continue
        m = LINE.match(raw)
        if not m or m["how"] and m["how"] not in ("X" if m["who"] == "C" else "*?"):
            raise Bad(f"{path}:{number}: neither C:, S:, # nor %: {raw!r}")
        t.steps.append(Step(number, "send" if m["who"] == "C" else "expect", int(m["conn"] or 1), m["how"],
                            (m["text"] or "").encode()))
    return t


def read_directive(t, number, text):
    word, _, rest = text.partition(" ")
    if word not in HEAD:
        t.steps.append(Step(number, "directive", text=rest.encode(), words=[word, *rest.split()]))
    elif t.steps:
        raise Bad(f"{t.name}:{number}: %{word} belongs to the head")
    elif word == "config":
        t.config.append(rest)
    else:
        t.ways = tuple(rest.split())
        if not set(t.ways) <= set(WAYS):
            raise Bad(f"{t.name}:{number}: unknown way in {rest!r}")


def unescape(text: bytes) -> bytes:
    return ESCAPE.sub(lambda m: bytes([int(m[1][1:], 16)]) if len(m[1]) == 3 else ESCAPED[m[1]], text)


def compute(words, known):
    """${...}: a captured name or a function of words, each of which may be a captured name."""
    name, *args = words.split(b" ")
    if not args:
        return known[name]
    if name == b"b64":
        return base64.b64encode(unescape(words[4:]))
    args = [known.get(a, a) for a in args]
    if name == b"cram-md5":
        user, secret, challenge = args
        return base64.b64encode(user + b" " + hmac.new(secret, base64.b64decode(challenge), "md5").hexdigest().encode())
    if name == b"apop":
        return hashlib.md5(args[0] + args[1]).hexdigest().encode()
    raise Bad(f"no function ${{{words.decode()}}}")


def expand(text: bytes, known) -> bytes:
    return VARIABLE.sub(lambda m: compute(m[1], known), text)


def unknown(text: bytes, known) -> bool:
    """Does the text use a capture that is not there yet?"""
    try:
        expand(text, known)
        return False
    except KeyError:
        return True
    except Exception:                     # a function of a capture that is still a bare name
        return True


def to_send(step: Step, known) -> bytes:
    text = expand(step.text, known)
    if step.how == "X":
        text = unescape(text)
    text = PIECE.sub(lambda m: repeated(m[1]) if REPEAT.match(m[1]) else m[0], text)
    return text if step.how == "X" else text + b"\r\n"


def repeated(piece: bytes) -> bytes:
    m = REPEAT.match(piece)
    return m[1] * int(m[2])


def to_expect(step: Step, known):
    """A compiled pattern for one line of the server's."""
    text, pattern, at = expand(step.text, known), b"", 0
    for m in PIECE.finditer(text):
        pattern += re.escape(text[at:m.start()])
        at = m.end()
        if REPEAT.match(m[1]):
            pattern += re.escape(repeated(m[1]))
        elif named := NAMED.match(m[1]):
            pattern += b"(?P<" + named[1] + b">" + named[2] + b")"
        else:
            pattern += b"(?:" + m[1] + b")"
    return re.compile(pattern + re.escape(text[at:]), re.DOTALL)
