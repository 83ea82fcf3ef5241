#!/usr/bin/env python3
"""The milter client against a filter on Sendmail's own libmilter (probe.c): every stage, reply and modification; failures too.

    probe.py MILTER_DRIVE MILTER_PROBE
"""
import socket
import struct
import sys
import threading

from filters import Drive, Probe, free_port, main, wait_for

OWN = b"Received: from us\r\n\tby us\r\n"
TEXT = (b"Subject: %s\r\nFrom: a@example.net\r\nX-Old: one\r\nX-Old: two\r\n\tfolded\r\nX-Old: three\r\n\r\n"
        b"First line.\r\n\r\n.dot\r\nLast line.\r\n")
OLD = b"X-Old: one\r\nX-Old: two\r\n\tfolded\r\nX-Old: three\r\n"


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def write(where, subject, body=None):
    text = TEXT % subject.encode()
    if body is not None:
        text = text.split(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    (where / "message").write_bytes(text)
    (where / "own").write_bytes(OWN)
    return text


def begin(drive, sender="a@example.net", rcpt="bob@example.org", helo="client.example.net"):
    return drive.steps("connect client.example.net 192.0.2.7 4711", f"helo {helo}", f"mail {sender}", f"rcpt {rcpt}", "data")


def send(where, drive, subject, sender="a@example.net", body=None):
    write(where, subject, body)
    equal(begin(drive, sender), ["continue"] * 5)
    return drive.message(where / "message", where / "own")


def test_all_stages(where):
    with Probe(where, "p", "symbols") as probe, Drive(probe.target) as drive:
        equal(drive.steps("macro j mx.example.org", "macro client_addr 192.0.2.7", "macro i id.1", "macro rcpt_addr bob@example.org", "macro own yes",
                          "macro mail_addr a@example.net", "macro auth_authen alice", "macro tls_version TLSv1.3"), ["continue"] * 8)
        equal(drive.steps("connect client.example.net 192.0.2.7 4711", "helo me", "mail a@example.net SIZE=10 BODY=8BITMIME",
                          "rcpt bob@example.org NOTIFY=NEVER", "unknown XYZZY now", "data"), ["continue"] * 6)
        write(where, "hello", b"x\r\n" * 50000)
        message = drive.message(where / "message", where / "own")
        equal(message.verdict, "continue")
        equal(message.data, OWN + (where / "message").read_bytes())
        equal(drive.steps("mail -", "rcpt bob@example.org", "abort", "mail a@example.net"), ["continue"] * 4)
    wait_for(lambda: probe.told()[-1] == "close", "the filter hears the end")
    equal(probe.told(), [
        "connect client.example.net address", "helo me", "mail <a@example.net> SIZE=10 BODY=8BITMIME", "rcpt <bob@example.org> NOTIFY=NEVER",
        "unknown XYZZY now", "data", "header Subject:hello", "header From:a@example.net", "header X-Old:one", "header X-Old:two|\tfolded",
        "header X-Old:three", "eoh", "eom fields=5 body=150000 chunks=3", "mail <>", "rcpt <bob@example.org>", "abort", "mail <a@example.net>", "abort",
        "close"])
    # the lists that it asked for at connect and RCPT, Sendmail's at the others
    equal(probe.macros()[:11], ["j=mx.example.org", "{client_addr}=192.0.2.7", "{tls_version}=TLSv1.3", "i=id.1", "{auth_authen}=alice",
                                "{mail_addr}=a@example.net", "i=id.1", "{rcpt_addr}=bob@example.org", "{own}=yes", "i=id.1", "i=id.1"])


def test_few_stages(where):
    with Probe(where, "p", "few") as probe, Drive(probe.target) as drive:
        equal(send(where, drive, "add").data[-len(TEXT):].count(b"X-Probe"), 0)
    wait_for(lambda: probe.told()[-1] == "close", "the filter hears the end")
    equal(probe.told(), ["mail <a@example.net>", "rcpt <bob@example.org>", "eom fields=0 body=0 chunks=0", "close"])


def test_skipped_stages(where):
    with Probe(where) as probe, Drive(f"{probe.target} skip=helo,data,body,unknown") as drive:
        send(where, drive, "hello")
        equal(drive.step("unknown XYZZY"), "continue")
    wait_for(lambda: probe.told()[-1] == "close", "the filter hears the end")
    equal([line.split()[0] for line in probe.told()], ["connect", "mail", "rcpt"] + ["header"] * 5 + ["eoh", "eom", "close"])


def test_quiet(where):
    """Without replies where the protocol allows: all is told all the same, and in order."""
    with Probe(where, "p", "quiet") as probe, Drive(probe.target) as drive:
        equal(begin(drive), ["continue"] * 5)
        wait_for(lambda: probe.told() and probe.told()[-1] == "data", "DATA arrives before anything follows")
        write(where, "add", b"x\r\n" * 100000)
        assert b"X-Probe: added\r\n\tfolded\r\n" in drive.message(where / "message").data
    wait_for(lambda: probe.told()[-1] == "close", "the filter hears the end")
    equal(probe.told()[-3:], ["eoh", "eom fields=5 body=300000 chunks=5", "close"])


def test_refusals(where):
    with Probe(where) as probe:
        with Drive(probe.target) as drive:
            equal(drive.steps("connect c 192.0.2.7 1", "helo me"), ["continue"] * 2)
            equal(drive.step("mail reject@x"), "reject 550 5.7.1 Refused by a content filter")
            equal(drive.step("mail tempfail@x"), "tempfail 451 4.7.1 Try again later")
            equal(drive.step("mail code@x"), "reject 554 5.7.8 One line from the probe: 100%")
            equal(drive.step("mail lines@x"), "tempfail 451 4.7.9 First line|Second line")
            equal(drive.step("mail discard@x"), "discard")
            equal(drive.step("mail a@x"), "continue")
            equal(drive.step("rcpt reject@x"), "reject 550 5.7.1 Refused by a content filter")
            equal(drive.step("rcpt tempfail@x"), "tempfail 451 4.7.1 Try again later")
            equal(drive.step("rcpt code@x"), "reject 554 5.7.8 One line from the probe: 100%")
            equal(drive.step("rcpt bob@x"), "continue")
            equal(drive.step("data"), "continue")
            write(where, "then-lines")
            equal(drive.message(where / "message").verdict, "tempfail 451 4.7.9 First line|Second line")
            for stage in ("data", "header", "eoh", "body"):
                equal(drive.steps(f"mail at-{stage}-reject@x", "rcpt bob@x"), ["continue"] * 2)
                answer = drive.step("data")
                if stage != "data":
                    equal(answer, "continue")
                    answer = drive.message(where / "message").verdict
                equal(answer, "reject 550 5.7.1 Refused by a content filter")
                drive.step("abort")
            equal(drive.step("mail close@x"), "shutdown 421 4.7.0 Going away")
        for at_connect in (True, False):
            with Drive(probe.target) as drive:
                first = drive.step("connect code 192.0.2.7 1" if at_connect else "connect c 192.0.2.7 1")
                second = drive.step("helo me" if at_connect else "helo code")
                wanted = "reject 554 5.7.8 One line from the probe: 100%"
                equal([first, second], [wanted, "continue"] if at_connect else ["continue", wanted])
                equal(drive.steps("mail a@x", "rcpt b@x", "mail a@x"), [wanted, "continue", wanted])


def test_accepts(where):
    """Who has accepted is not asked again: for the message, or for the connection."""
    with Probe(where) as probe, Drive(probe.target) as drive:
        write(where, "then-reject")
        equal(drive.steps("connect c 192.0.2.7 1", "helo me", "mail accept@x", "rcpt reject@x", "data"), ["continue"] * 5)
        equal(drive.message(where / "message").verdict, "continue")
        equal(drive.steps("mail a@x", "rcpt reject@x"), ["continue", "reject 550 5.7.1 Refused by a content filter"])
        equal(drive.steps("session", "connect accept 192.0.2.7 1", "helo reject", "mail reject@x"), ["continue"] * 4)


def test_discards(where):
    with Probe(where) as probe, Drive(probe.target) as drive:
        equal(send(where, drive, "then-discard").verdict, "discard")
        equal(drive.steps("mail a@x", "rcpt discard@x"), ["continue", "discard"])


def test_header_changes(where):
    new = b"Subject: %s\r\nFrom: a@example.net\r\n"
    body = b"\r\n" + TEXT.split(b"\r\n\r\n", 1)[1]
    rows = [
        ("add", OWN + new + OLD + b"X-Probe: added\r\n\tfolded\r\n" + body),
        ("insert0", b"X-Top: inserted\r\n" + OWN + new + OLD + body),
        ("insert1", OWN + b"X-First: inserted\r\n" + new + OLD + body),
        ("insert2", OWN + b"Subject: insert2\r\nX-Second: inserted\r\nFrom: a@example.net\r\n" + OLD + body),
        ("change", OWN + new + b"X-Old: one\r\nX-Old: changed\r\nX-Old: three\r\n" + body),
        ("delete", OWN + new + b"X-Old: two\r\n\tfolded\r\nX-Old: three\r\n" + body),
        ("delete change", OWN + new + b"X-Old: changed\r\nX-Old: three\r\n" + body),
        ("smallbody", OWN + new + OLD + b"\r\nsmall\r\n"),
        ("body", OWN + new + OLD + b"\r\n" + b"A new line in a new body.\r\n" * 4000),
    ]
    with Probe(where) as probe, Drive(probe.target) as drive:
        for subject, wanted in rows:
            message = send(where, drive, subject)
            equal(message.data, wanted.replace(b"%s", subject.encode()))
            equal(message.changes, [])


def test_leading_space(where):
    with Probe(where, "p", "leadspace") as probe, Drive(probe.target) as drive:
        equal(b"X-Probe:added\r\n" in send(where, drive, "x add").data, True)
    assert "header Subject: x add" in probe.told(), probe.told()
    with Probe(where, "q") as probe, Drive(probe.target) as drive:
        equal(b"X-Probe: added\r\n" in send(where, drive, "x add").data, True)
    assert "header Subject:x add" in probe.told(), probe.told()


def test_envelope_changes(where):
    with Probe(where) as probe, Drive(probe.target) as drive:
        message = send(where, drive, "sender rcpt rcptpar delrcpt quarantine")
        equal(message.changes, ["sender <changed@example.net> RET=HDRS", "rcpt +<added@example.org> ", "rcpt +<par@example.org> NOTIFY=NEVER",
                                "rcpt -<bob@example.org> ", "quarantine the probe says so"])


def test_skip(where):
    with Probe(where) as probe, Drive(probe.target) as drive:
        send(where, drive, "skip", body=b"x" * 300000)
    assert "eom fields=5 body=65535 chunks=1" in probe.told(), probe.told()


def test_progress(where):
    """Four times progress within 2.4 s and a limit of 2 s for each answer."""
    with Probe(where) as probe, Drive(f"{probe.target} message=2s") as drive:
        equal(send(where, drive, "progress add").verdict, "continue")
    equal(drive.problems, [])


def test_refused_recipients(where):
    for modes, wanted in ((("refused",), ["rcpt <no@x>"]), ((), [])):
        with Probe(where, "p" + str(len(modes)), *modes) as probe, Drive(probe.target) as drive:
            equal(drive.steps("connect c 192.0.2.7 1", "mail a@x", "refused no@x"), ["continue"] * 3)
        equal([line for line in probe.told() if line.startswith("rcpt")], wanted)


def test_not_allowed(where):
    """A filter that insists on changes that it may not make does not even begin."""
    with Probe(where, "p", "noactions") as probe, Drive(probe.target) as drive:
        equal(send(where, drive, "add").data, OWN + (where / "message").read_bytes())       # libmilter refuses the call
    with Probe(where, "q") as probe, Drive(f"{probe.target} allow=quarantine") as drive:
        message = send(where, drive, "add rcpt quarantine")
        equal(message.data, OWN + (where / "message").read_bytes())
        equal(message.changes, ["quarantine the probe says so"])
    with Probe(where, "r", "insist") as probe, Drive(f"{probe.target} allow=quarantine") as drive:
        equal(drive.steps("connect c 192.0.2.7 1", "mail a@x"), ["continue", "tempfail 451 4.3.0 A content filter is out of order, try again later (failed)"])
        assert drive.problems, "no problem was told"


def packet(kind, data=b""):
    return struct.pack(">I", len(data) + 1) + kind + data


def test_rogues(where):
    """Filters that break the protocol: each is a failure with a reason, none a crash."""
    options = packet(b"O", struct.pack(">III", 6, 0, 0))
    rogues = [
        (b"", "the negotiation"), (b"SSH-2.0-x\r\n", "the negotiation"), (packet(b"c"), "the negotiation"),
        (packet(b"O", struct.pack(">III", 7, 0, 0)), "another version"), (packet(b"O", struct.pack(">III", 6, 0, 1 << 30)), "do not exist"),
        (packet(b"O", struct.pack(">III", 6, 0x200, 0)), "may not"), (packet(b"O", b"\0\0"), "does not speak"),
        (options + packet(b"c") + packet(b"z"), "not of the protocol"), (options + packet(b"c") + b"\0\0\0\0", "not of the protocol"),
        (options + packet(b"c") + b"\xff\xff\xff\xff", "not of the protocol"), (options + packet(b"c") + packet(b"y", b"250 fine\0"), "not of the protocol"),
        (options + packet(b"c") + packet(b"hX\0y\0"[:1], b"X\0y\0"), "not agreed on"), (options + packet(b"c") + packet(b"s"), "not of the protocol"),
        (options + packet(b"c") + packet(b"p") * 3, "closed"),
    ]
    for answer, why in rogues:
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                while True:
                    try:
                        peer, _ = server.accept()
                    except OSError:
                        return
                    with peer:
                        peer.sendall(answer)
                        peer.shutdown(socket.SHUT_WR)
                        while peer.recv(4096):
                            pass
            thread = threading.Thread(target=serve)
            thread.start()
            with Drive(f"inet:127.0.0.1:{server.getsockname()[1]} command=2s") as drive:
                drive.step("connect c 192.0.2.7 1")
                equal(drive.step("mail a@x"), "tempfail 451 4.3.0 A content filter is out of order, try again later (failed)")
                assert any(why in problem for problem in drive.problems), (why, drive.problems)
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_chain(where):
    """Two filters: the second sees what the first made of the message; the first refusal counts."""
    with Probe(where, "a") as a, Probe(where, "b") as b, Drive(a.target, b.target) as drive:
        message = send(where, drive, "add delete rcpt")
        equal(message.data.count(b"X-Probe: added"), 2)
        equal(message.data.count(b"X-Old"), 1)
        equal(message.changes, ["rcpt +<added@example.org> "] * 2)
        assert "header X-Probe:added|\tfolded" in b.told(), b.told()
        assert "header X-Old:one" not in b.told(), b.told()
        equal(drive.steps("mail a@x", "rcpt reject@x"), ["continue", "reject 550 5.7.1 Refused by a content filter"])
        assert "rcpt <reject@x>" in a.told() and "rcpt <reject@x>" not in b.told()


def test_failures(where):
    """Not there, gone in the middle, too slow: the setting answers, and the next transaction tries anew."""
    port = free_port()
    late = "tempfail 451 4.3.0 A content filter is out of order, try again later (failed)"
    with Drive(f"inet:127.0.0.1:{port}") as drive:
        equal(drive.steps("connect c 192.0.2.7 1", "helo me", "mail a@x"), ["continue", "continue", late])
        equal(len(drive.problems), 1)
    with Drive(f"inet:127.0.0.1:{port} fail=accept") as drive:
        equal(drive.steps("connect c 192.0.2.7 1", "helo me", "mail a@x", "rcpt b@x", "data"), ["continue"] * 5)
        write(where, "hello")
        equal(drive.message(where / "message").verdict, "continue")
    with Drive(f"inet:127.0.0.1:{port} fail=reject") as drive:
        equal(drive.steps("connect c 192.0.2.7 1", "mail a@x")[1], "reject 550 5.3.0 Refused: a content filter is out of order (failed)")
    with Drive(f"inet:127.0.0.1:{port} command=1s") as drive:
        with Probe(where, "p", port=port):
            equal(drive.steps("connect c 192.0.2.7 1", "helo me", "mail die@x"), ["continue", "continue", late])
            equal(drive.steps("rcpt a@x", "data"), [late] * 2)
        with Probe(where, "q", port=port) as probe:
            wait_for(lambda: drive.step("mail a@x") == "continue", "the filter is asked again")
            equal(probe.told(), ["connect c address", "helo me", "mail <a@x>"])
            equal(drive.step("rcpt sleep@x"), late)
            equal(drive.steps("abort", "mail a@x", "rcpt b@x"), ["continue"] * 3)
        with Probe(where, "r", port=port) as probe:      # restarted between two transactions
            equal(drive.steps("mail a@x", "rcpt b@x"), ["continue"] * 2)


def test_failure_in_the_middle(where):
    """What a filter asked for before it broke is not done."""
    with Probe(where, "a") as a, Probe(where, "b") as b, Drive(f"{a.target} fail=accept", b.target) as drive:
        message = send(where, drive, "rcpt then-die")
        equal(message.verdict.split()[0], "tempfail")
    with Probe(where, "c") as c, Drive(f"{c.target} fail=accept") as drive:
        message = send(where, drive, "rcpt add then-die")
        equal(message.changes, [])
        equal(message.data, OWN + (where / "message").read_bytes())


def test_reuse(where):
    """One connection serves many SMTP sessions (QUIT_NC)."""
    with Probe(where) as probe, Drive(f"{probe.target} reuse=yes") as drive:
        for _ in range(3):
            equal(b"X-Probe" in send(where, drive, "add").data, True)
            drive.step("session")
        equal(len([line for line in probe.lines() if " negotiate " in line]), 1)
        equal(len([line for line in probe.told() if line.startswith("connect ")]), 3)
    with Probe(where, "q", port=free_port()) as probe, Drive(f"{probe.target} reuse=yes") as drive:
        send(where, drive, "hello")
        drive.step("session")
        probe.stop()
        with Probe(where, "q", port=int(probe.target.split(":")[-1])) as probe:      # the one that waited is dead
            equal(b"X-Probe" in send(where, drive, "add").data, True)


if __name__ == "__main__":
    sys.exit(main([t for n, t in list(globals().items()) if n.startswith("test_")]))
