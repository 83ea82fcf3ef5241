#!/usr/bin/python3
"""Mail both ways between Troika and Postfix, Exim, OpenSMTPD: what arrives is what was sent, once. Usage: exchange.py PATH/TO/troika"""
from mails import DOTS, EIGHT, LONG, MIME8, difference, ident_of, large, message, received, same
from scene import Scene, attempt, check, play
from world import wait_for

MANY = 50
BODIES = {"small": (b"Hello.\r\n", b""), "8bit": (EIGHT, MIME8), "dots": (DOTS, b""), "long-lines": (LONG, b""), "large": (large(), b"")}


def count(messages, ident):
    return [m for m in messages if ident_of(m) == ident]


def check_same(name, original, found):
    wrong = next((m for m in found if not same(original, m)), None)
    check(name, found and wrong is None, wrong and difference(original, wrong))


def outward(scene, peer):
    """From alice to a user there."""
    t, sent = scene.troika, {}
    for kind, (body, extra) in BODIES.items():
        ident = f"to-{peer.name}-{kind}"
        sent[ident] = message(ident, t.address_of("alice"), f"someone@{peer.domain}", body, extra)
        t.send("alice", [f"someone@{peer.domain}"], sent[ident])
    many = f"to-{peer.name}-many"
    sent[many] = message(many, t.address_of("alice"), "undisclosed-recipients:;")
    t.send("alice", [f"u{i}@{peer.domain}" for i in range(MANY)], sent[many])
    expected = len(BODIES) + peer.copies(MANY)
    wait_for(f"mail at {peer.name}", lambda: len(peer.messages()) >= expected)
    got = peer.messages()
    for ident, original in sent.items():
        found, wanted = count(got, ident), peer.copies(MANY) if ident == many else 1
        check(f"{ident}: {wanted} of it arrived", len(found) == wanted, len(found))
        check_same(f"{ident}: as it was sent", original, found)
    tls = [r for r in received(count(got, f"to-{peer.name}-small")[0])[:1] if "ESMTPS" in r.upper()]
    check(f"to {peer.name}: over TLS" if peer.has_tls else f"to {peer.name}: it has no TLS, and mail arrives", bool(tls) == peer.has_tls, tls)


def inward(scene, peer):
    t, sent = scene.troika, {}
    for kind, (body, extra) in BODIES.items():
        ident = f"from-{peer.name}-{kind}"
        sent[ident] = message(ident, f"someone@{peer.domain}", t.address_of("bob"), body, extra)
        peer.send(f"someone@{peer.domain}", [t.address_of("bob")], sent[ident])
    many = f"from-{peer.name}-many"
    sent[many] = message(many, f"someone@{peer.domain}", "undisclosed-recipients:;")
    peer.send(f"someone@{peer.domain}", [t.address_of(f"u{i}") for i in range(MANY)], sent[many])
    for ident, original in sent.items():
        users = [f"u{i}" for i in range(MANY)] if ident == many else ["bob"]
        found = [wait_for(f"{ident} for {u}", lambda u=u: t.messages(u, ident)) for u in users]
        check(f"{ident}: once to each", all(len(f) == 1 for f in found), [len(f) for f in found])
        check_same(f"{ident}: as it was sent", original, [f[0] for f in found])
    newest = received(t.messages("bob", f"from-{peer.name}-small")[0])[0]
    check(f"from {peer.name}: over TLS, says Received", "with ESMTPS" in newest, newest)


def utf8(scene, peer):
    """RFC 6531: addresses and header fields in UTF-8, both ways; a peer without it makes a bounce, nothing less."""
    t, ident = scene.troika, f"utf8-to-{peer.name}"
    mail = message(ident, t.address_of("jürgen"), f"пётр@{peer.domain}", EIGHT, MIME8 + "X-Note: Grüße\r\n".encode())
    t.send("jürgen", [f"пётр@{peer.domain}"], mail, options=("BODY=8BITMIME", "SMTPUTF8"))
    if "SMTPUTF8" in peer.extensions:
        found = wait_for(f"{ident} at {peer.name}", lambda: count(peer.messages(), ident))
        check(f"{ident}: once", len(found) == 1, len(found))
        check_same(f"{ident}: as it was sent", mail, found)
        check(f"{ident}: Received says UTF8", "UTF8" in received(found[0])[0].upper(), received(found[0])[0])
        ident = f"utf8-from-{peer.name}"
        mail = message(ident, f"пётр@{peer.domain}", t.address_of("jürgen"), EIGHT, MIME8)
        peer.send(f"пётр@{peer.domain}", [t.address_of("jürgen")], mail, options=("BODY=8BITMIME", "SMTPUTF8"))
        found = wait_for(f"{ident} here", lambda: t.messages("jürgen", ident))
        check(f"{ident}: once", len(found) == 1, len(found))
        check_same(f"{ident}: as it was sent", mail, found)
    else:
        notice = t.wait_notice(ident, "jürgen")
        check(f"{ident}: it has no SMTPUTF8, so the sender is told 5.6.7", notice.recipients[0]["Status"] == "5.6.7", notice.recipients[0].as_string())


def exchange():
    with Scene(("postfix", "exim", "opensmtpd"), users=("alice", "bob", "jürgen", *(f"u{i}" for i in range(MANY)))) as scene:
        for peer in scene.peers.values():
            for part in (inward, outward, utf8):
                attempt(f"{part.__name__} {peer.name}", part, scene, peer)
        attempt("the queue is empty at the end", scene.troika.wait_empty)


play(exchange)
