#!/usr/bin/env python3
"""Rspamd's proxy worker as a milter: what it refuses, what it adds and removes, and what it was told.

    rspamd.py MILTER_DRIVE MILTER_PROBE
"""
import pwd
import os
import sys

from filters import Drive, Process, free_port, is_open, main, wait_for

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MESSAGE = (b"From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: %s\r\nX-Old: one\r\nX-Old: two\r\nX-Old: three\r\n"
           b"Date: Mon, 23 Nov 2026 18:45:06 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n%s\r\n")
CONFIG = """
options {{ filters = ""; tempdir = "{where}"; pidfile = "{where}/rspamd.pid"; dns {{ nameserver = ["127.0.0.1:9"]; timeout = 1s; }} control_socket = ""; }}
logging {{ type = "console"; level = "info"; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
lua = "{where}/rules.lua";
worker "rspamd_proxy" {{
	bind_socket = "127.0.0.1:{port}"; count = 1; milter = yes; timeout = 60s; quarantine_on_reject = false;
	upstream "local" {{ default = yes; self_scan = yes; }}
}}
"""
RULES = """
rspamd_config:register_symbol({
	name = "TROIKA", type = "postfilter",
	callback = function(task)
		local subject = task:get_subject() or ""
		local from, rcpt = task:get_from("smtp"), task:get_recipients("smtp")
		local add = { ["X-Seen"] = string.format("%s %s %s %s %s", tostring(task:get_from_ip()), task:get_helo() or "-", from and from[1].addr or "-",
			rcpt and rcpt[1].addr or "-", task:get_user() or "-") }
		if subject == "remove" then
			task:set_milter_reply({ add_headers = add, remove_headers = { ["X-Old"] = 0 } })
		elseif subject == "removetwo" then
			task:set_milter_reply({ add_headers = add, remove_headers = { ["X-Old"] = 2 } })
		elseif subject == "tempfail" then
			task:set_pre_result("soft reject", "Not now")
		else
			task:set_milter_reply({ add_headers = add })
		end
	end })
"""


class Rspamd(Process):
    has_children = True

    def __init__(self, where):
        port = free_port()
        (where / "rspamd.conf").write_text(CONFIG.format(where=where, port=port))
        (where / "rules.lua").write_text(RULES)
        user = pwd.getpwnam("_rspamd")
        os.chown(where, user.pw_uid, user.pw_gid)
        self.target = f"inet:127.0.0.1:{port}"
        super().__init__(["/usr/bin/rspamd", "-f", "-c", where / "rspamd.conf", "-u", "_rspamd", "-g", "_rspamd"], where / "rspamd.log")
        wait_for(lambda: is_open(("127.0.0.1", port)) or self.child.poll() is not None, "rspamd starts")
        assert self.child.poll() is None, self.lines()


def run(where, drive, subject, body=b"Hello"):
    (where / "message").write_bytes(MESSAGE % (subject, body))
    (where / "own").write_bytes(b"Received: from us\r\n")
    answers = drive.steps("connect host.example 192.0.2.7 4711", "helo host.example", "mail alice@example.org SIZE=100", "rcpt bob@example.net", "data")
    assert answers == ["continue"] * 5, answers
    return drive.message(where / "message", where / "own")


def test_rspamd(where):
    with Rspamd(where) as rspamd, Drive(f"{rspamd.target} reuse=yes") as drive:
        drive.steps("macro j mx.example.org", "macro i id.1", "macro auth_authen alice", "macro client_addr 192.0.2.7")
        message = run(where, drive, b"hello")
        assert message.verdict in ("continue", "accept"), message.verdict
        assert b"X-Seen: 192.0.2.7 host.example alice@example.org bob@example.net alice\r\n" in message.data, message.data
        assert message.data.count(b"X-Old") == 3
        message = run(where, drive, b"remove")
        assert b"X-Old" not in message.data, message.data
        message = run(where, drive, b"removetwo")
        assert b"X-Old: one\r\n" in message.data and b"X-Old: two" not in message.data and b"X-Old: three\r\n" in message.data, message.data
        drive.step("session")       # the same connection goes on (QUIT_NC)
        message = run(where, drive, b"tempfail")
        assert message.verdict == "tempfail 451 4.7.1 Not now", message.verdict
        message = run(where, drive, b"spam", GTUBE)
        assert message.verdict == "reject 554 5.7.1 Gtube pattern", message.verdict
        message = run(where, drive, b"large", b"0123456789\r\n" * 100000)
        assert b"X-Seen" in message.data
        assert not drive.problems, drive.problems


if __name__ == "__main__":
    sys.exit(main([t for n, t in list(globals().items()) if n.startswith("test_")]))
