"""Mailbot can not be used to attack others: each test attacks the running daemon or the function concerned.

The tests check what goes over the network. Where each attack is tested:

| attack | tests |
| --- | --- |
| header and recipient injection by names and subjects | here; every notice and field: mail/test_compose |
| echo of a stranger's words in an acknowledgement | here (every acknowledgement of every attack) |
| floods of acknowledgements or progress at a forged sender | here, limits on; domain/test_decisions |
| two mailbots that answer each other | here, also behind a relay that hides what they are |
| a robot that answers everything | here, limits on |
| null sender, list mail, automatic mail | here; all guards: mail/test_automatic |
| open relay forms | here; all paths: channels/test_listener |
| smuggling | here, in one write; all line ends: channels/test_listener; outward: delivery/test_smtp_client |
| STARTTLS injection, slow clients, NOOP loops | channels/test_listener |
| 5,000 recipients | here and channels/test_listener |
| MIME, header and HTML bombs, charset traps | here, through the daemon; time and text: mail/test_any_bytes |
| template injection | here; what a template may do: mail/test_templates |
| file names with parent directories | here; all names: mail/test_content |
| log, table and terminal injection | here; every log line: test_log; every cell: cli/test_output |
| forged Authentication-Results | here; all forms: mail/test_authenticate |
| Message-ID reuse | here; the digest: mail/test_fingerprint |
| guessed bounce addresses, leaked plus-tags | workers/test_intake; forged tokens: mail/test_reply_tokens |
| commands to the relay by addresses | here; recipients: mail/test_compose |
| joining a conversation by Cc, number, Reply-To, forged From | scenarios/test_attacks_on_participants |
| any bytes as a session or as a mail | tests/fuzz (`make fuzz`, and its kept corpus) |
"""

import asyncio
import contextlib
import json
import os
import pty
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from tests.mail.bombs import bombs
from tests.scenarios.harness import RECIPIENT, ROOT, DaemonProcess, eventually, free_port, send, settled
from tests.sink import Dialogue, SinkSmtp, SunkMail

pytestmark = pytest.mark.asyncio(loop_scope="module")

ECHO = "GEMPA"  # is in every text of an attacker
HEADERS = {
    *("date", "from", "to", "subject", "message-id", "in-reply-to", "references", "reply-to"),
    *("auto-submitted", "x-auto-response-suppress", "x-mailbot-loop", "mime-version", "content-type"),
    "content-transfer-encoding",
}
COMMANDS_TO_THE_RELAY = re.compile(
    r"EHLO [\w.-]+|MAIL FROM:<support\+b\.[a-z0-9.]+@dukungan\.example>(?: SIZE=\d+)?(?: BODY=8BITMIME)?"
    r"|RCPT TO:<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+>|DATA|RSET|QUIT"
)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class AttackedHost:
    """One daemon for many attacks, the relay that its mail goes to, and who may get mail at all."""

    def __init__(self, daemon: DaemonProcess, sink: SinkSmtp) -> None:
        self.daemon, self.sink = daemon, sink
        self.count = 0
        teams = (daemon.config / "teams.yaml").read_text()
        self.agents = set(re.findall(r"address: ([\w.]+@staf\.dukungan\.example)", teams))
        self.senders: set[str] = set()

    async def attack(self, raw: bytes | str, sender: str | None = None, recipient: str = RECIPIENT) -> str:
        """Send one mail from its own envelope sender and return the reply to the last command."""
        self.count += 1
        sender = f"penyerang{self.count}@jahat{self.count}.example" if sender is None else sender
        self.senders.add(sender)
        raw = raw if isinstance(raw, bytes) else raw.replace("\n", "\r\n").encode()
        return await send(self.daemon.port, raw, sender, recipient)

    async def settled(self) -> None:
        await settled(self.daemon)

    def to(self, address: str) -> list[SunkMail]:
        return [mail for mail in self.sink.taken if mail.recipients == (address,)]

    def acknowledgements(self) -> list[SunkMail]:
        return [mail for mail in self.sink.taken if b"Auto-Submitted: auto-replied" in mail.content]

    def ticket(self, message_id: str) -> str:
        (row,) = self.daemon.rows("SELECT ticket FROM messages WHERE message_id = ?", message_id)
        return str(row["ticket"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AttackedHost]:
    """Start a daemon as unguarded as an admin can configure it.

    Acknowledgements quote each sender that passed, there are no limits, and the log is text.
    """
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path_factory.mktemp("host"), sink.port, {"MAILBOT_LOG": "text"})
        daemon.edit("mailbot.yaml", "rich_acknowledgements: false", "rich_acknowledgements: true")
        daemon.edit("mailbot.yaml", r"authserv_ids: \[\]", "authserv_ids: [mx.dukungan.example]")
        async with daemon:
            yield AttackedHost(daemon, sink)


def read(mail: SunkMail) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(mail.content, policy=policy.default))


def words(mail: SunkMail) -> str:
    """Return subject and plain text as a reader gets them."""
    message = read(mail)
    body = message.get_body(("plain",))
    assert body is not None
    return f"{message['Subject']}\n{body.get_content()}".replace("\r\n", "\n")


def assert_harmless(host: AttackedHost) -> None:
    """Check that no mail of this daemon went to, or can be read as addressed to, a wrong recipient."""
    for mail in host.sink.taken:
        (recipient,) = mail.recipients
        assert recipient in host.agents | host.senders, mail.content
        head = mail.content.partition(b"\r\n\r\n")[0]
        names = [line.partition(b":")[0].lower().decode() for line in re.split(rb"\r\n(?![ \t])", head)]
        assert set(names) <= HEADERS, names
        assert max(Counter(names).values()) == 1, names
        for rules in (policy.compat32, policy.default):
            message = message_from_bytes(mail.content, policy=rules)
            again = message_from_bytes(message.as_bytes(), policy=rules)  # what 3.11.7 made a Bcc of
            assert message.keys() == again.keys()
            assert getaddresses([str(again["To"])]) == [("", recipient)]
    said = [command for each in host.sink.dialogues for command in each.commands]
    assert [command for command in said if not COMMANDS_TO_THE_RELAY.fullmatch(command)] == []
    for mail in host.acknowledgements():
        assert ECHO not in words(mail)
        unseen = re.compile(
            rb"(?:In-Reply-To|References): <[!-~]+>\r\n"
        )  # his Message-ID, where RFC 3834 wants it
        assert ECHO.encode() not in unseen.sub(b"", mail.content)


# --- the text of a mail -----------------------------------------------------------------------------------

EVIL = [
    f"=?UTF-8?Q?=0A?=Bcc: korban@{ECHO}.example",
    f"=?UTF-8?Q?{ECHO}=0D=0ABcc:_korban@evil.example=0D=0A=0D=0Aisi?=",
    f"=?utf-8?b?{'R0VNUEENCkJjYzoga29yYmFuQGV2aWwuZXhhbXBsZQ0K'}?=",
    f"{ECHO}\n Bcc: korban@evil.example\n\tTo: korban@evil.example",
    f"==?utf-8?b?Cg==?==?utf-8?q?{ECHO}?=",
    f"{ECHO} \x0b\x0c\x1c\x85\u2028\u2029 Bcc: korban@evil.example",
    "GEMPA \x1b[2J\x1b]0;x\x07\x1b]8;;http://evil.example\x1b\\klik\x1b]8;;\x1b\\ \u202etxt.exe\u2066\u200f",
    "{{ 7*7 }} GEMPA {% for x in range(9) %}{{ x }}{% endfor %} {{ ''.__class__ }} ${7*7}",
    f'=HYPERLINK("http://evil.example","{ECHO}")',
    f"+{ECHO} [TOKO-48217390-8] <script>alert(1)</script> %s %(x)s {{0}}",
]
NAMES = [
    '"korban1@evil.example, korban2@evil.example, GEMPA"',
    '"' + "GEMPA korban@evil.example, " * 20 + '"',
    "=?utf-8?q?GEMPA=0D=0ABcc:_korban@evil.example?=",
    "=?utf-8?b?IkdFTVBBIiA8a29yYmFuQGV2aWwuZXhhbXBsZT4s?=",
    '"GEMPA\\" <korban@evil.example>, \\""',
    '"{{ 7*7 }} GEMPA"',
]


async def test_p7_no_name_subject_or_text_becomes_a_header_a_recipient_or_text_of_an_answer(
    host: AttackedHost,
) -> None:
    for number, evil in enumerate(EVIL):
        name, address = NAMES[number % len(NAMES)], f"nama{number}@jahat.example"
        sent = await host.attack(
            f"From: {name} <{address}>\nTo: {evil} <{RECIPIENT}>\nSubject: {evil}\n"
            f"Reply-To: {name} <{address}>\nMessage-ID: <{ECHO}{number}@jahat.example>\n"
            f"Content-Type: text/plain; charset=utf-8\n\n{evil}\n",
            address,
        )
        assert sent.startswith("250")
    await host.settled()

    assert host.daemon.rows("SELECT 1 FROM inbox WHERE state <> 'done'") == []
    assert len(host.acknowledgements()) == len(EVIL)
    notices = [words(mail) for mail in host.sink.taken if mail.recipients[0] in host.agents]
    assert len(notices) >= len(EVIL)
    literal = [each for each in notices if "{{ 7*7 }}" in each.split("\n")[0]]
    assert literal, "templates' signs are shown as they are written"
    assert all("{% for x in range(9) %}" in each.partition("\n")[2] for each in literal)
    assert not any("012345678" in each for each in notices)
    assert_harmless(host)


async def test_an_html_part_is_escaped_in_what_agents_get(host: AttackedHost) -> None:
    await host.attack(
        f"From: html@jahat.example\nSubject: <img src=x onerror=alert(1)> {ECHO} unik\nMessage-ID: <html@x>\n"
        "Content-Type: text/html\n\n<p>Halo</p><script>alert(1)</script>&lt;img src=y onerror=alert(2)&gt;\n"
    )
    await host.settled()
    (notice,) = [mail for mail in host.sink.taken if "unik" in words(mail)]
    page = read(notice).get_body(("html",))
    assert page is not None
    assert "<img" not in page.get_content()
    assert "<script" not in page.get_content()
    assert "&lt;img src=y" in page.get_content()


async def test_no_forged_result_of_a_check_makes_a_sender_known(host: AttackedHost) -> None:
    good = "dmarc=pass header.from=bank.example"
    ours = "Authentication-Results: mx.dukungan.example;"
    forged = [
        f"Authentication-Results: mx.evil.example; {good}",
        f"Authentication-Results: mx.dukungan.example.evil.example; {good}",
        f'Authentication-Results: "mx.dukungan.example.evil.example"; {good}',
        f"Authentication-Results: (mx.dukungan.example; {good}) mx.evil.example; none",
        f"Authentication-Results: {good}",
        f"{ours} spf=none\nReceived: from evil by mx\n{ours} {good}",
        f"{ours} dmarc=fail header.from=bank.example\n{ours} {good}",
        f"{ours} {good}\n{ours} dmarc=fail header.from=bank.example",
        f"{ours} spf=pass (x\n\t; {good}\n ) smtp.mailfrom=evil.example",
        f'{ours} spf=pass smtp.mailfrom="x;\n dmarc=pass header.from=bank.example"@evil.example',
        f"{ours}\n\tdkim=pass header.d=evil.example header.i=@bank.example",
        f"X-{ours} {good}",
        f"Authentication-Results : mx.evil.example; none\nARC-{ours} i=1; {good}",
    ]
    for number, lines in enumerate(forged):
        address = f"nasabah{number}@bank.example"
        await host.attack(
            f"{lines}\nFrom: {address}\nSubject: {ECHO}\nMessage-ID: <ar{number}@x>\n\nHalo\n", address
        )
    genuine = "nasabah@bank.example"
    await host.attack(f"{ours} {good}\nFrom: {genuine}\nSubject: Saldo hilang\n\nHalo\n", genuine)
    await host.settled()

    assert [len(host.to(f"nasabah{number}@bank.example")) for number in range(len(forged))] == [1] * len(
        forged
    )
    assert "Saldo hilang" in words(host.to(genuine)[0])
    assert_harmless(host)


async def test_a_message_id_used_again_hides_no_mail_and_opens_no_ticket(host: AttackedHost) -> None:
    one = "From: siti@pelanggan.example\nSubject: Saldo\nMessage-ID: <sama@x.example>\n\nSaldo saya hilang.\n"
    other = f"From: jahat@evil.example\nSubject: {ECHO}\nMessage-ID: <sama@x.example>\n\nBukan saldo.\n"
    changed = one.replace("hilang", "kembali")
    for raw, sender in (
        (one, "siti@pelanggan.example"),
        (other, "jahat@evil.example"),
        (one, "siti@pelanggan.example"),
        (changed, "siti@pelanggan.example"),
    ):
        assert (await host.attack(raw, sender)).startswith("250")
    claim = other.replace("Subject:", "In-Reply-To: <sama@x.example>\nSubject: Re:").replace(
        "<sama@x.", "<klaim@x.", 2
    )
    claim = claim.replace("In-Reply-To: <klaim@", "In-Reply-To: <sama@")
    await host.attack(claim, "jahat@evil.example")
    await host.settled()

    rows = host.daemon.rows(
        "SELECT ticket, author FROM messages WHERE message_id = '<sama@x.example>' ORDER BY id"
    )
    assert [row["author"] for row in rows] == [
        "siti@pelanggan.example",
        "jahat@evil.example",
        "siti@pelanggan.example",
    ]
    hers, his = rows[0]["ticket"], rows[1]["ticket"]
    assert hers != his
    assert host.ticket("<klaim@x.example>") != hers
    authors = host.daemon.rows("SELECT DISTINCT author FROM messages WHERE ticket = ?", hers)
    assert authors == [{"author": "siti@pelanggan.example"}]
    assert not any(hers in mail.content.decode() for mail in host.to("jahat@evil.example"))


async def test_no_file_name_leaves_its_place(host: AttackedHost) -> None:
    names = [
        "../../../../tmp/GEMPA",
        "..\\..\\GEMPA.exe",
        "/etc/cron.d/GEMPA",
        "=?utf-8?q?..=2F=0AGEMPA?=",
        "GEMPA\u202egpj.exe",
        "~/.ssh/GEMPA",
        "C:\\GEMPA",
        "CON",
        ".",
    ]
    parts = "".join(
        f'--b\nContent-Type: application/x-a\nContent-Disposition: attachment; filename="{name}"\n\nMZ{n}\n'
        for n, name in enumerate(names)
    )
    before = {path.name for path in host.daemon.folder.iterdir()}
    await host.attack(
        f"From: a@jahat.example\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n"
    )
    await host.settled()

    assert {path.name for path in host.daemon.folder.iterdir()} == before
    kept = [row["name"] for row in host.daemon.rows("SELECT name FROM attachments")]
    assert len(kept) == len(names)
    for name in kept:
        assert not re.search(r"[/\\:]|^\.+$|^~", name), name
        assert not UNSAFE.search(name), name


# --- forged senders ---------------------------------------------------------------------------------------


async def test_p7_mail_of_machines_and_of_the_null_sender_is_kept_and_never_answered(
    host: AttackedHost,
) -> None:
    before = len(host.acknowledgements())
    machines = {
        "null": ("", ""),
        "list": ("a@list.example", "List-Id: <x.list.example>\nPrecedence: bulk\n"),
        "away": ("b@jahat.example", "Auto-Submitted: auto-replied (vacation)\n"),
        "silent": ("c@jahat.example", "X-Auto-Response-Suppress: OOF\n"),
        "loop": ("d@jahat.example", f"X-Mailbot-Loop: {RECIPIENT}\n"),
        "daemon": ("MAILER-DAEMON@jahat.example", ""),
        "twice": ("e@jahat.example", "From: korban@evil.example\n"),
    }
    for name, (sender, lines) in machines.items():
        raw = f"From: x@jahat.example\nSubject: {ECHO}\nMessage-ID: <{name}@x>\n{lines}\nHalo\n"
        assert (await host.attack(raw, sender)).startswith("250")
    ourselves = f"From: {RECIPIENT}\nSubject: {ECHO}\nMessage-ID: <self@x>\n\nHalo\n"
    assert (await host.attack(ourselves, RECIPIENT)).startswith("250")
    await host.settled()

    for name in (*machines, "self"):
        assert host.ticket(f"<{name}@x>")
    assert len(host.acknowledgements()) == before


async def test_p7_no_sender_address_becomes_a_command_to_the_relay(host: AttackedHost) -> None:
    senders = [
        "a@x.example>\rRCPT TO:<korban@evil.example",
        "a@x.example> SIZE=1\x00",
        '"a\\>\\ RCPT TO:<korban@evil.example>"@x.example',
        '"a b"@x.example',
        '"korban@evil.example, a"@x.example',
        "a@x.example,korban@evil.example",
        "a@[127.0.0.1]",
        "korban%evil.example@x.example",
        "evil.example!korban@x.example",
        "@evil.example:korban@x.example",
        "b\u00fcdi@b\u00fccher.example> SMTPUTF8 X=<",
        "a=?utf-8?q?=0A?=@x.example",
        "-oQ/tmp/x@x.example",
        "|/bin/sh@x.example",
    ]
    host.senders |= {"korban@x.example"}  # a source route is dropped, its last address remains
    for number, sender in enumerate(senders):
        raw = f"From: <a{number}@y.example>\nSubject: {ECHO}\n\nHalo\n"
        with contextlib.suppress(ConnectionError):
            await host.attack(raw, sender)
    raw = (
        f"EHLO x\r\nMAIL FROM:<b\u00fcdi@b\u00fccher.example> SMTPUTF8\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n"
        f"From: b\u00fcdi@b\u00fccher.example\r\nSubject: {ECHO}\r\n\r\nHalo\r\n.\r\nQUIT\r\n"
    )
    assert b"250 2.0.0 Ok: kept" in await converse(host.daemon.port, raw.encode())
    await host.settled()
    assert_harmless(host)


# --- SMTP sessions ----------------------------------------------------------------------------------------


async def converse(port: int, words: bytes) -> bytes:
    """Send everything in one write and return all replies."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def codes(said: bytes) -> list[str]:
    return [line[:3].decode() for line in said.split(b"\r\n") if line[3:4] == b" "]


async def test_p7_nothing_is_relayed_by_whatever_path(host: AttackedHost) -> None:
    before = len(host.daemon.rows("SELECT 1 FROM inbox"))
    paths = [
        "korban@evil.example",
        "korban%evil.example@dukungan.example",
        "korban%evil.example@support@dukungan.example",
        "evil.example!korban@dukungan.example",
        "evil.example!support",
        "@dukungan.example:korban@evil.example",
        "@dukungan.example,@evil.example:korban@evil.example",
        '"korban@evil.example"@dukungan.example',
        '"korban%evil.example"@dukungan.example',
        '"support@dukungan.example"@evil.example',
        "support@dukungan.example@evil.example",
        "korban@evil.example@dukungan.example",
        "support@[127.0.0.1]",
        "support@[IPv6:::1]",
        "korban@[IPv6:2001:db8::1]",
        "support@dukungan.example.",
        "support@dukungan.example\u3002evil.example",
        "support@dukungan.example\\@evil.example",
        "korban",
        "+b@evil.example",
    ]
    for some in (paths[:10], paths[10:]):  # twenty errors end a session
        tries = "".join(f"RCPT TO:<{path}>\r\n" for path in some)
        talk = f"EHLO x\r\nMAIL FROM:<a@jahat.example>\r\n{tries}DATA\r\nNOOP\r\nQUIT\r\n"
        greeting, hello, mail, *refused, data, noop, bye = codes(
            await converse(host.daemon.port, talk.encode())
        )
        assert [greeting, hello, mail, noop, bye] == ["220", "250", "250", "250", "221"]
        assert len(refused) == len(some)
        assert {code[0] for code in (*refused, data)} == {"5"}
    assert len(host.daemon.rows("SELECT 1 FROM inbox")) == before


async def test_5000_recipients_lead_to_nothing(host: AttackedHost) -> None:
    before = len(host.daemon.rows("SELECT 1 FROM inbox"))
    many = "".join(f"RCPT TO:<support+{n}@dukungan.example>\r\n" for n in range(5000))
    said = await converse(
        host.daemon.port, f"EHLO x\r\nMAIL FROM:<a@jahat.example>\r\n{many}DATA\r\n".encode()
    )
    assert codes(said).count("250") == 102
    assert codes(said)[-1] == "421"
    assert len(host.daemon.rows("SELECT 1 FROM inbox")) == before


@pytest.mark.parametrize(
    "end", ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r.\n", "\r\n\x00.\r\n", "\r\n.\x00\r\n"]
)
async def test_no_second_mail_is_smuggled_in_one_write(host: AttackedHost, end: str) -> None:
    before = len(host.daemon.rows("SELECT 1 FROM inbox"))
    begin = f"MAIL FROM:<a@jahat.example>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n"
    smuggled = f"Subject: {ECHO}\r\n\r\na{end}{begin}Subject: palsu\r\n\r\nb"
    said = await converse(host.daemon.port, f"EHLO x\r\n{begin}{smuggled}\r\n.\r\nQUIT\r\n".encode())
    kept = len(host.daemon.rows("SELECT 1 FROM inbox")) - before

    assert codes(said) == ["220", "250", "250", "250", "354", "550" if "\x00" not in end else "250", "221"]
    assert kept == int("\x00" in end)


# --- terminals and logs -----------------------------------------------------------------------------------


async def on_terminal(daemon: DaemonProcess, *asked: str) -> str:
    """Return what the command shows on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mailbot", *asked, "--config", str(daemon.config)]
    env = daemon.environment() | {"TERM": "xterm-256color", "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        *command, env=env, cwd=ROOT, stdout=theirs, stderr=theirs, stdin=theirs
    )
    os.close(theirs)

    def everything() -> bytes:
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while piece := os.read(ours, 65536):
                shown += piece
        return shown

    shown = await asyncio.to_thread(everything)
    await process.wait()
    os.close(ours)
    return shown.decode()


async def test_text_of_a_mail_controls_no_terminal_and_breaks_no_line_of_output_or_log(
    host: AttackedHost,
) -> None:
    osc = "\x1b]8;;http://evil.example\x1b\\klik\x1b]8;;\x07\x9b2J\x1b[31m\tpalsu\u202eexe\u2066\x07 =1+1"
    raw = (
        f'From: "{osc} GEMPA" <term@jahat.example>\nSubject: terminal {osc}\nMessage-ID: <{osc}term@x>\n'
        f"Content-Type: text/plain; charset=utf-8\n\nterminal {osc}\n"
    )
    formula = (
        'From: rumus@jahat.example\nSubject: =cmd|"/c calc"!A1 rumus\nMessage-ID: <rumus@x>\n\n@SUM(1)\n'
    )
    await host.attack(raw, "term@jahat.example")
    await host.attack(formula, "rumus@jahat.example")
    await host.settled()
    (row,) = host.daemon.rows("SELECT ticket FROM messages WHERE author = 'term@jahat.example'")
    number = row["ticket"]

    for asked in (
        ["ticket", "list"],
        ["ticket", "search", "terminal"],
        ["ticket", "show", number],
        ["inbox", "list"],
    ):
        (code, out, err), shown = await asyncio.gather(
            host.daemon.command(*asked), on_terminal(host.daemon, *asked)
        )
        assert code == 0, err
        assert not UNSAFE.search(out.replace("\r\n", "\n")), asked
        assert "\r" not in out
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.replace("\r\n", "\n"))  # our own colours
        assert not UNSAFE.search(plain), asked
        assert "\x1b[31mTOKO" not in shown
    _, listed, _ = await host.daemon.command("ticket", "list", "--limit", "1000")
    cells = [line.split("\t") for line in listed.splitlines()]
    assert {len(line) for line in cells} == {len(cells[0])}
    assert not any(re.match(r"[=+@-]", cell) for line in cells for cell in line), (
        "a spreadsheet would compute it"
    )
    _, told, _ = await host.daemon.command("ticket", "show", number, "--json")
    assert told.isascii()
    assert "terminal" in json.loads(told)["subject"]
    for line in host.daemon.log.splitlines():
        assert line.isprintable()
        assert line.startswith(("at=2", "    ")), line
    assert ECHO not in host.daemon.log


# --- bombs ------------------------------------------------------------------------------------------------


async def test_every_bomb_becomes_a_ticket_while_the_daemon_keeps_answering(host: AttackedHost) -> None:
    before = len(host.daemon.rows("SELECT 1 FROM messages"))
    exploding = asyncio.create_task(_explode(host))
    waited = []
    while not exploding.done():
        begun = time.monotonic()
        await converse(host.daemon.port, b"EHLO x\r\nNOOP\r\nQUIT\r\n")
        waited.append(time.monotonic() - begun)
        await asyncio.sleep(0.05)
    count = await exploding
    await eventually(lambda: not host.daemon.rows("SELECT 1 FROM inbox WHERE state = 'new'"), 60)

    assert host.daemon.rows("SELECT 1 FROM inbox WHERE state = 'parked'") == []
    assert len(host.daemon.rows("SELECT 1 FROM messages")) - before == count
    # Nine of ten answers at once: another process on the machine may hold up a single one.
    assert sorted(waited)[len(waited) * 9 // 10] < 3, waited
    await host.settled()
    assert_harmless(host)


async def _explode(host: AttackedHost) -> int:
    sent = 0
    for number, (name, raw) in enumerate(bombs()):
        if len(raw) > 3_000_000:
            continue
        wire = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
        reply = await host.attack(b"X-Bomb: %d\r\n" % number + wire, "budi@pelanggan.example")
        assert reply.startswith("250"), (name, reply)
        sent += 1
    return sent


# --- automatic answers ------------------------------------------------------------------------------------


def limited(folder: Path, relay: int, *, port: int = 0) -> DaemonProcess:
    daemon = DaemonProcess(folder, relay, {"MAILBOT_LIMITS": ""}, port=port or free_port())
    daemon.edit("mailbot.yaml", r"size: 25 MiB", "size: 1 MiB\n  free_space: 1 KiB")
    return daemon


async def test_p7_a_forged_sender_is_not_flooded_by_whatever_spelling(tmp_path: Path) -> None:
    people = ["korban@bank.example", "korban@gmail.com", "korban@yahoo.com"]
    async with SinkSmtp() as sink, limited(tmp_path, sink.port) as daemon:
        sent = 0
        for n in range(10):
            for person in people:
                local, _, domain = person.partition("@")
                dotted = "k.o.r.b.a.n"[: 6 + n % 6] + "korban"[(6 + n % 6 + 1) // 2 :]
                spellings = [person, f"{local.title()}@{domain.upper()}", f"{local}+{n}@{domain}"]
                spelling = [*spellings, f"{dotted}@gmail.com" if domain == "gmail.com" else person][n % 4]
                raw = (
                    f"From: {spelling}\r\nSubject: Halo {n}\r\nMessage-ID: <{n}@{domain}>\r\n\r\nHalo {n}\r\n"
                )
                assert (await send(daemon.port, raw.encode(), spelling)).startswith("250")
                sent += 1
        await eventually(lambda: len(daemon.rows("SELECT 1 FROM tickets")) == sent)
        await eventually(
            lambda: not daemon.rows("SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')")
        )
        answers = [mail for mail in sink.taken if b"auto-replied" in mail.content]

        assert len(answers) == len(people), Counter(mail.recipients[0] for mail in answers)
        assert len(daemon.rows("SELECT 1 FROM outbox WHERE kind = 'acknowledgement' AND state = 'sent'")) == 3


async def two_mailbots(folder: Path, first: int, second: int, ports: tuple[int, int]) -> list[DaemonProcess]:
    """Start two daemons without limits; `first` and `second` are the relays that their mail goes to."""
    desks = []
    for name, relay, port in (("dukungan", first, ports[0]), ("toko", second, ports[1])):
        (folder / name).mkdir()
        desk = DaemonProcess(folder / name, relay, port=port)
        desk.edit("mailbot.yaml", r"dukungan\.example", f"{name}.example")
        desk.edit("teams.yaml", r"dukungan\.example", f"{name}.example")
        desks.append(desk)
    return desks


OPENING = "From: support@toko.example\r\nSubject: Halo\r\nMessage-ID: <awal@x>\r\n\r\nSaldo saya hilang.\r\n"


async def test_p7_two_mailbots_that_are_each_others_relay_stop_answering(tmp_path: Path) -> None:
    ports = (free_port(), free_port())
    ours, theirs = await two_mailbots(tmp_path, ports[1], ports[0], ports)
    async with ours, theirs:
        assert (
            await send(ours.port, OPENING.encode(), "support@toko.example", "support@dukungan.example")
        ).startswith("250")
        await eventually(lambda: theirs.rows("SELECT 1 FROM messages"))
        await settled(ours, theirs)
        flown = [len(desk.rows("SELECT 1 FROM inbox")) for desk in (ours, theirs)]

        assert flown == [1, 1]  # the opening, and one acknowledgement
        assert (
            theirs.rows("SELECT 1 FROM outbox WHERE kind = 'acknowledgement' AND state <> 'suppressed'") == []
        )


async def test_two_mailbots_stop_answering_behind_a_relay_that_hides_what_they_are(tmp_path: Path) -> None:
    marks = re.compile(
        rb"(?mi)^(?:auto-submitted|x-auto-response-suppress|x-mailbot-loop|in-reply-to|references):.*\r\n"
    )
    ports = (free_port(), free_port())
    flown: list[str] = []

    async def forward(dialogue: Dialogue) -> None:
        (recipient,) = dialogue.recipients
        domain = recipient.rpartition("@")[2]
        if domain in ("dukungan.example", "toko.example"):
            flown.append(recipient)
            # a person's program would also forget what it quotes: the subject's number
            raw = re.sub(rb"\[TOKO-[0-9-]+\]", b"", marks.sub(b"", dialogue.content))
            port = ports[domain == "toko.example"]
            await send(port, raw.removesuffix(b"\r\n"), dialogue.sender[1:-1], recipient)

    async with SinkSmtp() as sink:
        sink.on["dot"] = forward
        ours, theirs = await two_mailbots(tmp_path, sink.port, sink.port, ports)
        for desk in (ours, theirs):
            desk.env["MAILBOT_LIMITS"] = ""
            desk.edit("mailbot.yaml", r"size: 25 MiB", "size: 1 MiB\n  free_space: 1 KiB")
        async with ours, theirs:
            await send(ours.port, OPENING.encode(), "support@toko.example", "support@dukungan.example")
            await eventually(lambda: flown)
            await settled(ours, theirs)
            assert len(flown) <= 4, flown


async def test_a_robot_that_answers_every_mail_is_answered_once(tmp_path: Path) -> None:
    robot, said = "robot@jauh.example", 0

    async with SinkSmtp() as sink, limited(tmp_path, sink.port) as daemon:

        async def answer(dialogue: Dialogue) -> None:
            nonlocal said
            if dialogue.recipients == [robot]:
                said += 1
                raw = f"From: {robot}\r\nSubject: Di luar kantor {said}\r\nMessage-ID: <r{said}@jauh>\r\n"
                raw += f"\r\nTerima kasih, pesan {said}.\r\n"
                await send(daemon.port, raw.encode(), robot)

        sink.on["dot"] = answer
        raw = f"From: {robot}\r\nSubject: Halo\r\nMessage-ID: <r0@jauh>\r\n\r\nHalo.\r\n"
        await send(daemon.port, raw.encode(), robot)
        await eventually(lambda: len(daemon.rows("SELECT 1 FROM tickets")) == 2)
        await settled(daemon)
        assert said == 1
        assert len(daemon.rows("SELECT 1 FROM inbox")) == 2
