#!/usr/bin/env python3
"""More IMAP programs nobody here wrote, each doing its own job: offlineimap and interimap (which needs QRESYNC) in loops, neomutt, imapflow on Node.
Usage: imap_programs.py PATH/TO/troika [offlineimap|interimap|neomutt|imapflow ...]"""
import os
import shutil
import subprocess
import sys

from common import PATIENCE, USERS, Server, Template, address, attempt, binary, check, count, finish, imap, scratch, skip

HERE = scratch()
ONLY = sys.argv[2:]
IMAPFLOW = "imapflow@1.0.188"


def run(*words, timeout=PATIENCE, env=None, cwd=None):
    return subprocess.run([str(w) for w in words], capture_output=True, timeout=timeout, cwd=cwd, stdin=subprocess.DEVNULL,
                          env={**os.environ, "HOME": str(HERE), "XDG_CONFIG_HOME": str(HERE), "XDG_DATA_HOME": str(HERE), **(env or {})})


def succeeded(name, r):
    return check(name, r.returncode == 0, f"exit {r.returncode}: {(r.stdout + r.stderr)[-600:]}")


def write(name, text, mode=0o600):
    path = HERE / name
    path.write_text(text)
    path.chmod(mode)
    return path


def fill(server, user, mailbox, subjects, flags=None):
    c = imap(server, user)
    for s in subjects:
        c.append(mailbox, flags, None, f"From: a@example.net\r\nMessage-ID: <{s.replace(' ', '.')}@example.net>\r\nSubject: {s}\r\n\r\nText of {s}\r\n".encode())
    c.logout()


def subjects(server, user, mailbox):
    c = imap(server, user)
    c.select(mailbox, readonly=True)
    found = c.search(None, "ALL")[1][0].split()
    out = []
    for n in found:
        out.append(c.fetch(n, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode().strip().removeprefix("Subject: "))
    c.logout()
    return sorted(out)


def offlineimap(server):
    local = HERE / "offline"
    rc = write("offlineimaprc", f"""[general]
accounts = t
maxsyncaccounts = 1
ui = basic
metadata = {HERE}/offline-meta
[Account t]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {local}
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {server.port['imap']}
remoteuser = {address('alice')}
remotepass = {USERS['alice']}
ssl = no
starttls = no
auth_mechanisms = PLAIN
""")
    fill(server, "alice", "INBOX", ["off one", "off two"])
    c = imap(server)
    c.create("Work/Projekte")
    c.logout()
    fill(server, "alice", "Work/Projekte", ["off three"], r"(\Flagged)")
    succeeded("offlineimap pulls", run("offlineimap", "-c", rc, "-o", "-u", "basic"))
    texts = [f.read_text(errors="replace") for f in local.rglob("*") if f.is_file() and f.parent.name in ("cur", "new")]
    check("offlineimap: all three are here", all(any(s in t for t in texts) for s in ("off one", "off two", "off three")), len(texts))
    folder = next(d for d in local.iterdir() if "INBOX" in d.name)
    for i in range(3):
        (folder / "cur" / f"99{i}.M1.here:2,FS").write_text(f"From: a@example.net\nSubject: made here {i}\n\nlocal\n")
        fill(server, "alice", "INBOX", [f"made there {i}"])
        succeeded(f"offlineimap syncs both ways, round {i}", run("offlineimap", "-c", rc, "-o", "-u", "basic"))
    here = [f for sub in ("cur", "new") for f in (folder / sub).iterdir()]
    check("offlineimap: both sides hold as many", len(here) == count(server), f"{len(here)} {count(server)}")
    far = subjects(server, "alice", "INBOX")
    check("offlineimap: what was made here is there", all(f"made here {i}" in far for i in range(3)), far)
    here[0].unlink()
    succeeded("offlineimap takes a deletion along", run("offlineimap", "-c", rc, "-o", "-u", "basic"))
    check("offlineimap: it is gone there too", count(server) == len(here) - 1)


def interimap(server):
    """alice's mailboxes and bob's, kept equal; interimap refuses a server without QRESYNC, UIDPLUS and LIST-EXTENDED."""
    (HERE / "interimap").mkdir(exist_ok=True)

    def side(name, user):
        return (f"[{name}]\ntype = imap\nhost = 127.0.0.1\nport = {server.port['imap']}\nSTARTTLS = NO\nusername = {address(user)}\n"
                f"password = {USERS[user]}\nauth = PLAIN LOGIN\n")

    rc = write("interimap/config", f"database = {HERE}/interimap/t.db\nlist-mailbox = *\nignore-mailbox = ^virtual/\n" + side("local", "bob") + side("remote", "carol"))
    fill(server, "bob", "INBOX", [f"from bob {i}" for i in range(5)])
    fill(server, "carol", "INBOX", [f"from carol {i}" for i in range(5)], r"(\Seen)")
    go = ("interimap", "--config", rc, "--quiet")
    if not succeeded("interimap syncs", run(*go)):
        return
    check("interimap: both have the ten", subjects(server, "bob", "INBOX") == subjects(server, "carol", "INBOX") and count(server, "bob") == 10)
    for i in range(4):
        c = imap(server, ("bob", "carol")[i % 2])
        c.select("INBOX")
        c.store(str(i + 1), "+FLAGS", r"(\Flagged $Round)")
        c.store(str(10 - i), "+FLAGS", r"(\Deleted)")
        c.expunge()
        c.append("INBOX", None, None, f"Subject: round {i}\r\n\r\nbody\r\n".encode())
        c.logout()
        succeeded(f"interimap, round {i}", run(*go))
        same = subjects(server, "bob", "INBOX") == subjects(server, "carol", "INBOX")
        check(f"interimap: equal after round {i}", same and count(server, "bob") == 10)
    flagged = []
    for user in ("bob", "carol"):
        c = imap(server, user)
        c.select("INBOX", readonly=True)
        flagged.append(len(c.search(None, "FLAGGED", "KEYWORD", "$Round")[1][0].split()))
        c.logout()
    check("interimap: flags and keywords are equal", flagged[0] == flagged[1] and flagged[0] > 0, flagged)


def neomutt(server):
    fill(server, "alice", "INBOX", ["for neomutt"])
    rc = write("neomuttrc", f"""set imap_user="{address('alice')}"
set imap_pass="{USERS['alice']}"
set imap_authenticators="plain"
set ssl_starttls=no
set ssl_force_tls=no
set folder="imap://127.0.0.1:{server.port['imap']}/"
set spoolfile="+INBOX"
set imap_condstore=yes
set imap_qresync=yes
set imap_idle=yes
set imap_deflate=yes
set header_cache="{HERE}/cache"
set sleep_time=0
set quit=yes
set delete=yes
set confirmappend=no
set confirmcreate=no
set mail_check=1
""")
    (HERE / "cache").mkdir()
    # twice: the second time from the cache, by QRESYNC
    for i, keys in enumerate(("<last-entry><display-message><exit><copy-message>=neomutt-copy<enter><quit>",
                              "<last-entry><flag-message><sync-mailbox><delete-message><sync-mailbox><quit>")):
        fill(server, "alice", "INBOX", [f"neomutt again {i}"])
        r = run("script", "-qec", f"neomutt -F {rc} -e 'push \"{keys}\"'", "/dev/null", env={"TERM": "xterm"})
        check(f"neomutt ends, run {i}", r.returncode == 0, (r.returncode, r.stdout[-300:]))
    check("neomutt copied", count(server, "alice", "neomutt-copy") == 1)
    far = subjects(server, "alice", "INBOX")
    check("neomutt deleted the newest, and no other", "neomutt again 1" not in far and "neomutt again 0" in far and "for neomutt" in far, far)


SCRIPT = """
const { ImapFlow } = require('imapflow');
const [port, user, pass] = process.argv.slice(2);
const assert = require('assert');
(async () => {
  const options = { host: '127.0.0.1', port: +port, secure: false, doSTARTTLS: true, tls: { rejectUnauthorized: false },
                    auth: { user, pass }, logger: false, greetingTimeout: 180000, connectionTimeout: 180000, qresync: true };
  const client = new ImapFlow(options);
  await client.connect();
  const lock = await client.getMailboxLock('INBOX');
  const before = client.mailbox.exists;
  const added = await client.append('INBOX', Buffer.from('Subject: imapflow\\r\\nFrom: a@example.net\\r\\n\\r\\nhello flow\\r\\n'), ['\\\\Flagged'], new Date(0));
  assert(added.uid > 0);
  await client.noop();
  assert.strictEqual(client.mailbox.exists, before + 1);
  const m = await client.fetchOne(String(added.uid), { uid: true, flags: true, envelope: true, source: true, bodyStructure: true, threadId: true }, { uid: true });
  assert.strictEqual(m.envelope.subject, 'imapflow');
  assert(m.flags.has('\\\\Flagged') && m.source.toString().includes('hello flow'));
  assert.deepStrictEqual(await client.search({ subject: 'imapflow', flagged: true }, { uid: true }), [added.uid]);
  await client.messageFlagsAdd(String(added.uid), ['\\\\Seen', '$Forwarded'], { uid: true });
  await client.mailboxCreate('Flow/Unter');
  const copied = await client.messageCopy(String(added.uid), 'Flow/Unter', { uid: true });
  assert.strictEqual(copied.uidMap.size, 1);
  const status = await client.status('Flow/Unter', { messages: true, unseen: true, uidNext: true, highestModseq: true });
  assert.strictEqual(status.messages, 1);
  await client.messageMove(String(added.uid), 'Trash', { uid: true });
  assert((await client.list()).some(box => box.specialUse === '\\\\Trash'));
  lock.release();
  // IDLE: another client appends, this one is told
  const lock2 = await client.getMailboxLock('INBOX');
  const told = new Promise(resolve => client.once('exists', resolve));
  client.idle();
  const other = new ImapFlow(options);
  await other.connect();
  // two: imapflow does not count VANISHED, so to it the first only makes good for what was moved away
  await other.append('INBOX', Buffer.from('Subject: second\\r\\n\\r\\nx\\r\\n'));
  await other.append('INBOX', Buffer.from('Subject: third\\r\\n\\r\\nx\\r\\n'));
  const news = await Promise.race([told, new Promise((_, no) => setTimeout(() => no(new Error('no news in IDLE')), 180000))]);
  assert.strictEqual(news.count, before + 2);
  lock2.release();
  await other.logout();
  await client.logout();
  console.log('flow is well: ' + [...client.capabilities.keys()].length + ' capabilities');
  process.exit(0);                                            // the timer of the race would be waited for
})().catch(e => { console.error(e); process.exit(1); });
"""


def imapflow(server):
    if not shutil.which("npm"):
        skip("imapflow", "no npm")
        return
    r = run("npm", "install", "--no-audit", "--no-fund", "--silent", IMAPFLOW, cwd=HERE, timeout=300)
    if r.returncode:
        skip("imapflow", f"npm cannot have it: {(r.stdout + r.stderr)[-200:]}")
        return
    write("flow.js", SCRIPT)
    r = run("node", "flow.js", server.port["imap"], address("alice"), USERS["alice"], cwd=HERE)
    check("imapflow does its round", r.returncode == 0 and b"flow is well" in r.stdout, (r.stdout + r.stderr).decode(errors="replace")[-900:])


def main():
    template = Template(binary())
    for program in (offlineimap, interimap, neomutt, imapflow):
        if ONLY and program.__name__ not in ONLY:
            continue
        server = Server(template, None)
        try:
            attempt(program.__name__, program, server)
        finally:
            server.stop()
            server.remove()
    template.remove()
    shutil.rmtree(HERE, ignore_errors=True)
    finish()


main()
