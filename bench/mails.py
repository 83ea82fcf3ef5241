"""Messages for the big mailbox: the same ones every time, about 3.4 KB each, like the mail people get."""

import base64
import random
import time

WORDS = """the of and to in is that for on with as it be at this have from or by not we you are will can our your
more has an all new was but if which when they one their been would about there time mail server other what people over
project meeting report please find attached invoice number regards thanks best week today tomorrow schedule update
release version patch review change issue question answer system network customer order delivery budget contract
team office travel flight hotel agenda draft comment document figure table result measure storage cluster window
garden kitchen summer winter river mountain bridge station letter journey horse carriage winter""".split()

NAMES = ["Anna Berg", "Bob Miller", "Chen Wei", "Dmitri Orlov", "Eva Novak", "Farid Haddad", "Grace Okafor",
         "Hiro Tanaka", "Ines Costa", "J\u00fcrgen M\u00fcller", "Zo\u00eb Lef\u00e8vre", "Kwame Mensah"]
DOMAINS = ["example.com", "example.net", "lists.example.net", "mail.example.edu", "shop.example"]

SUBJECT_WORD = "quarterly"      # in the Subject of one message in 100
BODY_WORD = "zanzibar"          # in the body of one message in 1,000
BASE_TIME = 1577836800          # 2020-01-01


class Maker:
    def __init__(self):
        self.random = random.Random(20200101)
        rnd = self.random
        self.lines = [" ".join(rnd.choice(WORDS) for _ in range(12))[:72] for _ in range(3000)]
        self.subjects = [" ".join(rnd.choice(WORDS) for _ in range(rnd.randint(2, 8))) for _ in range(2000)]
        self.blobs = [self.wrap(base64.b64encode(rnd.randbytes(900))) for _ in range(50)]
        self.signatures = [base64.b64encode(rnd.randbytes(256)).decode() for _ in range(50)]

    @staticmethod
    def wrap(data):
        text = data.decode()
        return "\n".join(text[i:i + 76] for i in range(0, len(text), 76))

    @staticmethod
    def word(text):
        """RFC 2047, when it is needed."""
        return text if text.isascii() else "=?utf-8?B?" + base64.b64encode(text.encode()).decode() + "?="

    def text(self, n, i):
        lines = self.random.choices(self.lines, k=n)
        if i % 1000 == 7:
            lines[n // 2] = f"and then we sailed to {BODY_WORD} again"
        return "\n".join(lines)

    def body(self, i):
        """(Content-Type and what follows of the header, body)"""
        kind, mark = i % 20, f"=_{i:08x}_{i * 7919 % 99991:05d}"
        if kind < 11:
            return "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n", self.text(31, i) + "\n"
        plain = f"--{mark}\nContent-Type: text/plain; charset=utf-8\n\n{self.text(14 if kind < 17 else 16, i)}\n"
        if kind < 17:
            html = "<br>\n".join(self.random.choices(self.lines, k=11))
            return (f"Content-Type: multipart/alternative; boundary=\"{mark}\"\n",
                    f"{plain}--{mark}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
                    f"<html><body><p>{html}</p></body></html>\n--{mark}--\n")
        return (f"Content-Type: multipart/mixed; boundary=\"{mark}\"\n",
                f"{plain}--{mark}\nContent-Type: application/pdf; name=\"report-{i}.pdf\"\n"
                f"Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"report-{i}.pdf\"\n\n"
                f"{self.blobs[i % len(self.blobs)]}\n--{mark}--\n")

    def header(self, i, when):
        rnd = self.random
        name, domain = NAMES[rnd.randrange(len(NAMES))], DOMAINS[i % len(DOMAINS)]
        address = name.split()[0].encode("ascii", "replace").decode().replace("?", "u").lower() + f"{i % 211}@{domain}"
        subject = self.subjects[i * 31 % len(self.subjects)]
        if i % 100 == 3:
            subject += f" {SUBJECT_WORD} figures"
        if i % 13 == 0:
            subject = self.word("R\u00e9: " + subject[:24])
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(when))
        out = [f"Return-Path: <bounce-{i}@{domain}>"]
        out += [f"Received: from mx{k}.{domain} (mx{k}.{domain} [192.0.2.{(i + k) % 250 + 1}])\n"
                f"\tby relay{k}.example.org (Postfix) with ESMTPS id {i * 17 + k:010X}\n\tfor <big@example.org>; {date}"
                for k in range(1 + i % 3)]
        if i % 3:
            out.append(f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s1; t={when};\n"
                       f"\th=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n"
                       "\tb=" + self.signatures[i % len(self.signatures)][:340].replace("=", "A"))
        out += [f"Message-ID: <{i}.{when}@{domain}>", f"Date: {date}", f"From: {self.word(name)} <{address}>",
                "To: Big Mailbox <big@example.org>" + (f", \"Other, Person\" <other{i % 97}@example.net>" if i % 4 == 0 else "")]
        if i % 5 == 0:
            out.append(f"Cc: team{i % 17}@example.com, {NAMES[i % 10].split()[0].encode('ascii', 'ignore').decode()}@example.net")
        if i % 2:
            out.append(f"In-Reply-To: <{i - 1}.{when - 420}@{DOMAINS[(i - 1) % len(DOMAINS)]}>\n"
                       f"References: <{i - 1}.{when - 420}@{DOMAINS[(i - 1) % len(DOMAINS)]}>")
        if domain.startswith("lists"):
            out.append(f"List-Id: <news.{domain}>\nList-Unsubscribe: <mailto:leave@{domain}>\nPrecedence: bulk")
        out += [f"Subject: {subject}", "User-Agent: Mozilla Thunderbird", "MIME-Version: 1.0"]
        return "\n".join(out) + "\n"

    def message(self, i):
        """(seconds since 1970, text)"""
        when = BASE_TIME + i * 420
        header = self.header(i, when)
        rest, body = self.body(i)
        return when, header + rest + "\n" + body


def write_mbox(path, count, report=lambda done: None):
    """Returns the octets of the messages, each line end counted as two, as IMAP and POP3 count them."""
    maker, octets = Maker(), 0
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for i in range(count):
            when, text = maker.message(i)
            octets += len(text.encode()) + text.count("\n")
            stamp = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(when))
            out.write(f"From bounce@example.com {stamp}\n{text}\n")
            if i % 10000 == 9999:
                report(i + 1)
    return octets
