"""Check the invariants of everything that is read from any bytes as a mail."""

import dataclasses
import re

from mailbot.domain import ticket_number
from mailbot.domain.model import InboundMail
from mailbot.mail.compose.mime_writer import ComposeRefused, format_subject, require_ascii_address
from mailbot.mail.parsing import header_fields
from mailbot.mail.parsing.addresses import normalise_address, parse_addresses
from mailbot.mail.parsing.envelope import sender_and_recipients
from mailbot.mail.parsing.fingerprint import fingerprint
from mailbot.mail.parsing.parse import parse
from mailbot.mail.replies.answer import extract_answer
from mailbot.mail.replies.known_text import KnownText
from mailbot.mail.replies.new_text import extract_new_text
from mailbot.mail.replies.reply_heads import SentToAgent
from mailbot.mail.reports import bounces

SENT = SentToAgent(
    ("support@dukungan.example",), ("TokoDompet",), ("Saldo",), KnownText(["Saldo belum kembali"])
)
OURS = frozenset({"support@dukungan.example"})
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
ONE_LINE = ("sender", "sender_name", "subject", "message_id", "reply_to", "no_auto_reply", "language")
_HEADER_LINE = re.compile(r"[\x20-\x7e]{0,200}(?:\r\n [\x20-\x7e]{0,1000})*\Z")


def texts(mail: InboundMail) -> list[str]:
    """Return every text that goes into SQL."""
    result = [value for value in dataclasses.astuple(mail) if isinstance(value, str)]
    result += [*mail.in_reply_to, *mail.references, *mail.flags, str(mail.no_auto_reply)]
    return result + [text for file in mail.attachments for text in (file.name, file.type)]


def reading(raw: bytes) -> None:
    """Read any bytes and check the result: the target of the fuzzer."""
    mail = parse(raw, ("mx",), OURS)
    for text in texts(mail):
        assert not FORBIDDEN.search(text), repr(text[:200])
    for name in ONE_LINE:
        assert "\n" not in str(getattr(mail, name)), name
    for file in mail.attachments:
        assert not set("\n/") & set(file.name), file.name
        assert len(file.name) <= 150
    assert bool(mail.visible.strip()) == bool(mail.text.strip())
    assert len(mail.text) <= 512 * 1024
    assert not mail.sender or mail.sender == normalise_address(mail.sender), mail.sender
    assert re.fullmatch(r"[0-9a-f]{64}", fingerprint(raw))
    _check_replies(mail)
    _check_headers_from(mail)
    _check_report(raw)
    sender, recipients = sender_and_recipients(raw, OURS.__contains__)
    assert sender.isprintable()
    assert set(recipients) <= OURS
    header, _ = header_fields.read(raw, 0, len(raw))
    for author in parse_addresses(header.get("from")):
        assert not FORBIDDEN.search(author.name + author.address)


def _check_replies(mail: InboundMail) -> None:
    for is_reply in (True, False):
        new_text = extract_new_text(mail.text, is_reply=is_reply)
        assert bool(new_text.strip()) == bool(mail.text.strip())
    assert not FORBIDDEN.search(extract_answer(mail.text, SENT).text)
    ticket_number.find(mail.subject, ("TOKO",))


def _check_headers_from(mail: InboundMail) -> None:
    """Check what may be written into a header of our own mail."""
    assert _HEADER_LINE.match(format_subject(mail.subject, "[TOKO-48217390-8]")), mail.subject
    try:
        assert re.fullmatch(r"[\x21-\x7e]+@[A-Za-z0-9.-]+", require_ascii_address(mail.sender))
    except ComposeRefused:
        pass


def _check_report(raw: bytes) -> None:
    report = bounces.read(raw, OURS)
    if report is None:
        return
    for text in _all_texts(dataclasses.asdict(report)):
        assert not FORBIDDEN.search(text), repr(text[:200])


def _all_texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for item in value.values() for text in _all_texts(item)]
        case list() | tuple() | set() | frozenset():
            return [text for item in value for text in _all_texts(item)]
    return []
