#!/usr/bin/env python3
"""Thunderbird, under Xvfb, on an account of a Troika of its own: it lists, reads, flags, copies, moves and deletes, driven by its own interfaces from
an autoconfiguration script; what it did is then looked at over IMAP. Not part of ./test (a browser's worth of packages):

    apt-get install thunderbird xvfb imagemagick
    tests/thunderbird.py BINARY [--picture FILE.png]
"""
import argparse
import imaplib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "wire"))
from server import USERS, Server, Template                                                 # noqa: E402

ME = "alice@example.org"
MESSAGES = 30
PREFS = """
user_pref("mail.accountmanager.accounts", "account1");
user_pref("mail.accountmanager.defaultaccount", "account1");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account1.identities", "id1");
user_pref("mail.identity.id1.useremail", "%(me)s");
user_pref("mail.identity.id1.fullName", "Alice");
user_pref("mail.identity.id1.valid", true);
user_pref("mail.server.server1.type", "imap");
user_pref("mail.server.server1.hostname", "127.0.0.1");
user_pref("mail.server.server1.port", %(port)d);
user_pref("mail.server.server1.realhostname", "127.0.0.1");
user_pref("mail.server.server1.userName", "%(me)s");
user_pref("mail.server.server1.name", "%(me)s");
user_pref("mail.server.server1.socketType", 0);
user_pref("mail.server.server1.authMethod", 3);
user_pref("mail.server.server1.login_at_startup", false);
user_pref("mail.server.server1.check_new_mail", false);
user_pref("mail.startup.enabledMailCheckOnce", false);
user_pref("mail.provider.enabled", false);
user_pref("mail.rights.version", 1);
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("mailnews.start_page.enabled", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("app.update.enabled", false);
user_pref("browser.dom.window.dump.enabled", true);
"""
SCRIPT = """// driven
try {
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
  const say = text => dump("DRIVE " + text + "\\n");
  const until = async (what, f) => {
    for (let i = 0; i < 300; i++) { const r = f(); if (r) return r; await new Promise(y => setTimeout(y, 200)); }
    throw new Error("waited in vain for " + what);
  };
  const ended = start => new Promise((yes, no) => start({ OnStartRunningUrl() {}, OnStopRunningUrl(url, code) { code ? no(new Error("code " + code)) : yes(); },
    onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; }, onStopCopy(code) { code ? no(new Error("copy " + code)) : yes(); },
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener", "nsIMsgCopyServiceListener"]) }));
  const drive = async () => {
    const server = await until("the account", () => MailServices.accounts.accounts[0]?.incomingServer);
    server.password = "%(password)s";
    const root = server.rootFolder;
    say("has the password");
    const inbox = await until("INBOX", () => root.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox));
    await ended(l => inbox.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, l));
    const headers = [...inbox.messages];
    say("messages " + headers.length);
    const by = subject => headers.find(h => h.mime2DecodedSubject === subject);
    inbox.markMessagesRead([by("Number 1"), by("Number 2")], true);
    inbox.markMessagesFlagged([by("Number 3")], true);
    inbox.addKeywordsToMessages([by("Number 4")], "$label2");
    say("flagged");
    const { MsgHdrToMimeMessage } = ChromeUtils.importESModule("resource:///modules/gloda/MimeMessage.sys.mjs");
    const body = await new Promise(y => MsgHdrToMimeMessage(by("Grüße aus Köln"), null, (h, m) => y(m.coerceBodyToPlaintext(inbox)), true));
    say("body " + body.includes("schöne Grüße"));
    const folder = f => root.getFolderWithFlags(f);
    const trash = await until("Trash", () => folder(Ci.nsMsgFolderFlags.Trash)), archive = await until("Archive", () => folder(Ci.nsMsgFolderFlags.Archive));
    say("uses " + [trash.name, archive.name, folder(Ci.nsMsgFolderFlags.SentMail)?.name, folder(Ci.nsMsgFolderFlags.Drafts)?.name, folder(Ci.nsMsgFolderFlags.Junk)?.name].join(" "));
    await ended(l => MailServices.copy.copyMessages(inbox, [by("Number 5")], archive, false, l, null, false));
    await ended(l => MailServices.copy.copyMessages(inbox, [by("Number 6")], archive, true, l, null, false));
    say("copied and moved");
    await ended(l => inbox.deleteMessages([by("Number 7")], null, false, true, l, false));
    say("deleted");
    root.createSubfolder("Thunder", null);
    await until("the new folder", () => root.getChildNamed("Thunder"));
    await new Promise(y => setTimeout(y, 3000));
    say("done");
    await new Promise(y => setTimeout(y, 4000));
    Services.startup.quit(Ci.nsIAppStartup.eForceQuit);
  };
  Services.obs.addObserver(() => setTimeout(() => drive().catch(e => { say("FAILED " + e + " " + e.stack); Services.startup.quit(Ci.nsIAppStartup.eForceQuit); }), 3000), "final-ui-startup");
} catch (e) { dump("DRIVE FAILED " + e + "\\n"); }
"""
passed = failed = 0


def check(name, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(("ok   " if ok else "FAIL ") + name + ("" if ok else f"   [{detail}]"), flush=True)


def fill(port):
    c = imaplib.IMAP4("127.0.0.1", port)
    c.login(ME, USERS["alice"])
    for i in range(MESSAGES):
        c.append("INBOX", None, None, f"From: Bob <bob@example.org>\r\nTo: {ME}\r\nSubject: Number {i}\r\nDate: Thu, 1 Jan 2026 00:00:{i:02} +0000\r\n"
                 f"Message-ID: <{i}@example.org>\r\n\r\nText {i}\r\n".encode())
    c.append("INBOX", None, None, ("From: =?UTF-8?Q?J=C3=BCrgen?= <j@example.org>\r\nSubject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=\r\nMessage-ID: <k@example.org>\r\n"
             "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nsch=C3=B6ne Gr=C3=BC=C3=9Fe\r\n").encode())
    c.logout()


def run(port, place, picture):
    app, profile = place / "app", place / "profile"
    subprocess.run(["cp", "-rL", "/usr/lib/thunderbird", str(app)], check=False, stderr=subprocess.DEVNULL)      # it has dangling links
    (app / "defaults/pref").mkdir(parents=True, exist_ok=True)
    (app / "defaults/pref/autoconfig.js").write_text('pref("general.config.filename", "drive.cfg");\npref("general.config.obscure_value", 0);\n'
                                                     'pref("general.config.sandbox_enabled", false);\n')
    words = {"me": ME, "port": port, "password": USERS["alice"]}
    (app / "drive.cfg").write_text(SCRIPT % words)
    profile.mkdir()
    (profile / "user.js").write_text(PREFS % words)
    env = {**os.environ, "HOME": str(place), "MOZ_LOG": "timestamp,IMAP:5", "MOZ_LOG_FILE": str(place / "imap.log"), "MOZ_ENABLE_WAYLAND": "0"}
    display = ":" + str(90 + os.getpid() % 100)
    xvfb = subprocess.Popen(["Xvfb", display, "-screen", "0", "1280x900x24"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
    env["DISPLAY"] = display
    out = (place / "out").open("w")
    p = subprocess.Popen([str(app / "thunderbird"), "--profile", str(profile), "--no-remote"], env=env, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 150
        late = time.monotonic() + 90
        while p.poll() is None and time.monotonic() < end:
            time.sleep(0.5)
            if picture and (time.monotonic() > late or "DRIVE done" in (place / "out").read_text(errors="replace")):
                subprocess.run(["import", "-window", "root", picture], env=env, timeout=20, check=False)
                picture = None
    finally:
        if p.poll() is None:
            p.kill()
        p.wait()
        xvfb.terminate()
        xvfb.wait()
    return [line[6:] for line in (place / "out").read_text(errors="replace").splitlines() if line.startswith("DRIVE ")]


def look(port):
    c = imaplib.IMAP4("127.0.0.1", port)
    c.login(ME, USERS["alice"])

    def found(box, *keys):
        c.select(box, readonly=True)
        return len(c.search(None, *keys)[1][0].split())
    check("two were read", found("INBOX", "SEEN", "OR", "SUBJECT", '"Number 1"', "SUBJECT", '"Number 2"') >= 2)
    check("one was starred", found("INBOX", "FLAGGED", "SUBJECT", '"Number 3"') == 1)
    check("one has a tag", found("INBOX", "KEYWORD", "$label2", "SUBJECT", '"Number 4"') == 1)
    check("one was copied", found("INBOX", "SUBJECT", '"Number 5"', "UNDELETED") == 1 and found("Archive", "SUBJECT", '"Number 5"') == 1)
    check("one was moved", found("INBOX", "SUBJECT", '"Number 6"', "UNDELETED") == 0 and found("Archive", "SUBJECT", '"Number 6"') == 1)
    check("one was deleted", found("INBOX", "SUBJECT", '"Number 7"', "UNDELETED") == 0 and found("Trash", "SUBJECT", '"Number 7"') == 1)
    check("there is a new folder", c.select("Thunder")[0] == "OK")
    c.logout()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("binary")
    a.add_argument("--picture")
    a = a.parse_args()
    template = Template(a.binary)
    server = Server(template, None)
    place = Path(tempfile.mkdtemp(prefix="troika-thunderbird-"))
    try:
        fill(server.port["imap"])
        said = run(server.port["imap"], place, a.picture)
        print("\n".join("     | " + line for line in said))
        check("Thunderbird went through its list", "done" in said, said[-1:] or (place / "out").read_text(errors="replace")[-1500:])
        check("it saw all messages", f"messages {MESSAGES + 1}" in said, said)
        check("it decoded the body", "body true" in said)
        look(server.port["imap"])
        log = "".join(p.read_text(errors="replace") for p in place.glob("imap.log*"))
        if failed:
            print(server.log_tail(8))
            print((place / "out").read_text(errors="replace")[-1500:], [p.name for p in place.iterdir()])
            print("".join("     | " + line[-200:] + "\n" for line in log.splitlines()[-25:]))
        bad = [line for line in log.splitlines() if " BAD " in line]
        check("no command was BAD", not bad, bad[:3])
    finally:
        server.stop()
        template.remove()
        shutil.rmtree(place, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
