"""Courier's imapd as Debian builds it, spoken to through a pipe: it serves one Maildir to whoever has been let in."""
import imaplib
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from debian import unpacked

CAPABILITIES = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"      # of Debian's /etc/courier/imapd


class Courier:
    def __init__(self):
        self.root = unpacked("courier-imap", "courier-base", "courier-authlib")
        self.dir = Path(tempfile.mkdtemp(prefix="troika-courier-"))
        libraries = self.root / "usr/lib"
        subprocess.run([self.root / "usr/bin/maildirmake.courier", self.dir / "Maildir"], check=True, env={**os.environ, "LD_LIBRARY_PATH": str(libraries)})
        self.command = (f"cd {self.dir} && HOME={self.dir} LD_LIBRARY_PATH={libraries} AUTHENTICATED=joe AUTHADDR=joe MAILDIRPATH=Maildir IMAP_KEYWORDS=1 "
                        f"IMAP_CAPABILITY={shlex.quote(CAPABILITIES)} exec {self.root}/usr/bin/imapd Maildir 2>>{self.dir}/stderr")

    def login(self):
        return imaplib.IMAP4_stream(self.command)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)
