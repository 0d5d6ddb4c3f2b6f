"""Any bytes as a mail: what must hold of everything that is read from them."""

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
from mailbot.mail.replies.new_text import extract_answer, extract_new_text
from mailbot.mail.reports import bounces

OURS = frozenset({"support@dukungan.example"})
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
ONE_LINE = ("sender", "sender_name", "subject", "message_id", "reply_to", "automatic", "language")
_HEADER_LINE = re.compile(r"[\x20-\x7e]{0,200}(?:\r\n [\x20-\x7e]{0,1000})*\Z")


def texts(mail: InboundMail) -> list[str]:
    """Every text that goes into SQL."""
    found = [value for value in dataclasses.astuple(mail) if isinstance(value, str)]
    found += [*mail.in_reply_to, *mail.references, *mail.flags]
    return found + [text for one in mail.attachments for text in (one.name, one.type)]


def reading(raw: bytes) -> None:
    """The target: any bytes."""
    mail = parse(raw, ("mx",), OURS)
    for text in texts(mail):
        assert not FORBIDDEN.search(text), repr(text[:200])
    for name in ONE_LINE:
        assert "\n" not in getattr(mail, name), name
    for one in mail.attachments:
        assert not set("\n/") & set(one.name), one.name
        assert len(one.name) <= 150
    assert bool(mail.visible.strip()) == bool(mail.text.strip())
    assert len(mail.text) <= 512 * 1024
    assert not mail.sender or mail.sender == normalise_address(mail.sender), mail.sender
    assert re.fullmatch(r"[0-9a-f]{64}", fingerprint(raw))
    _folding(mail)
    _outward(mail)
    _report(raw)
    sender, recipients = sender_and_recipients(raw, OURS.__contains__)
    assert sender.isprintable()
    assert set(recipients) <= OURS
    header, _ = header_fields.read(raw, 0, len(raw))
    for person in parse_addresses(header.get("from")):
        assert not FORBIDDEN.search(person.name + person.address)


def _folding(mail: InboundMail) -> None:
    for is_reply in (True, False):
        said = extract_new_text(mail.text, is_reply=is_reply)
        assert bool(said.strip()) == bool(mail.text.strip())
    assert not FORBIDDEN.search(extract_answer(mail.text))
    ticket_number.find(mail.subject, ("TOKO",))


def _outward(mail: InboundMail) -> None:
    """What of it may come to stand in a header of ours."""
    assert _HEADER_LINE.match(format_subject("[TOKO-48217390-8]", mail.subject)), mail.subject
    try:
        assert re.fullmatch(r"[\x21-\x7e]+@[A-Za-z0-9.-]+", require_ascii_address(mail.sender))
    except ComposeRefused:
        pass


def _report(raw: bytes) -> None:
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
            return [text for each in value.values() for text in _all_texts(each)]
        case list() | tuple() | set() | frozenset():
            return [text for each in value for text in _all_texts(each)]
    return []
