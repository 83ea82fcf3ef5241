#!/usr/bin/env python3
"""OpenDKIM as a milter: signs what we send, verifies what comes.

    opendkim.py MILTER_DRIVE MILTER_PROBE
"""
import os
import subprocess
import sys

from filters import Drive, Process, free_port, is_open, main, wait_for

MESSAGE = (b"Received: from elsewhere\r\n\tby here\r\nFrom: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject:  spaced   out \r\n"
           b"Date: Mon, 23 Nov 2026 18:45:06 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHello,\r\n\r\n.leading dot\r\nlast\r\n\r\n\r\n")


def make_key(where):
    subprocess.run(["openssl", "genrsa", "-out", where / "key.pem", "2048"], check=True, capture_output=True)
    os.chmod(where / "key.pem", 0o600)
    public = subprocess.run(["openssl", "rsa", "-in", where / "key.pem", "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    import base64
    (where / "dns").write_text(f"sel._domainkey.example.org v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}\n")


class OpenDkim(Process):
    def __init__(self, where, name, mode, *more):
        port = free_port()
        config = where / f"{name}.conf"
        lines = [f"Mode {mode}", f"Socket inet:{port}@127.0.0.1", "Background no", "Syslog no", "RequireSafeKeys no", "AuthservID mx.example.org",
                 f"TestDNSData {where / 'dns'}", "InternalHosts 198.51.100.1",
                 "Nameservers 127.0.0.1", *more]
        config.write_text("\n".join(lines) + "\n")
        self.target = f"inet:127.0.0.1:{port}"
        super().__init__(["/usr/sbin/opendkim", "-x", config, "-f"], where / f"{name}.log")
        wait_for(lambda: is_open(("127.0.0.1", port)) or self.child.poll() is not None, "opendkim starts")
        assert self.child.poll() is None, self.lines()


def run(drive, path, ip, sender):
    answers = drive.steps("macro j mx.example.org", "macro i id.1", f"connect host.example {ip} 4711", "helo host.example", f"mail {sender}",
                          "rcpt bob@example.net", "data")
    assert answers == ["continue"] * 7, answers
    message = drive.message(path)
    assert message.verdict == "continue", message.verdict
    return message


def test_sign_and_verify(where):
    make_key(where)
    for canon in ("relaxed/relaxed", "simple/simple"):
        (where / "plain").write_bytes(MESSAGE)
        with OpenDkim(where, "sign", "s", "Domain example.org", "Selector sel", f"KeyFile {where / 'key.pem'}", f"Canonicalization {canon}") as signer, \
                Drive(signer.target) as drive:
            signed = run(drive, where / "plain", "198.51.100.1", "alice@example.org").data
            # the same conversation signs a second message
            again = run(drive, where / "plain", "198.51.100.1", "alice@example.org").data
        assert signed.startswith(b"DKIM-Signature: v=1;") and f"c={canon};".encode() in signed, signed
        assert signed.endswith(MESSAGE) and again.endswith(MESSAGE)
        (where / "signed").write_bytes(signed)
        (where / "broken").write_bytes(signed.replace(b"Hello", b"Hullo"))
        with OpenDkim(where, "verify", "v") as verifier, Drive(verifier.target) as drive:
            good = run(drive, where / "signed", "192.0.2.7", "alice@example.org").data
            drive.step("session")
            bad = run(drive, where / "broken", "192.0.2.7", "alice@example.org").data
        assert good.startswith(b"Authentication-Results: mx.example.org;\r\n\tdkim=pass"), good[:300]
        assert good.endswith(signed), good
        assert b"dkim=fail" in bad[:200], bad[:300]


def test_removes_fields(where):
    """It deletes fields that claim to be ours; others stay."""
    make_key(where)
    field = b"Authentication-Results: %s;\r\n\tdkim=pass header.d=example.org\r\n"
    ours, others = field % b"mx.example.org", field % b"mx.example.com"
    (where / "message").write_bytes(ours + others + ours + MESSAGE)
    with OpenDkim(where, "verify", "v", "AlwaysAddARHeader yes") as verifier, Drive(verifier.target) as drive:
        got = run(drive, where / "message", "192.0.2.7", "alice@example.org").data
    assert got.endswith(others + MESSAGE), got
    assert got.count(b"mx.example.org") == 1, got


if __name__ == "__main__":
    sys.exit(main([t for n, t in list(globals().items()) if n.startswith("test_")]))
