"""Example notices, with values as a desk has them: to look at a template before any mail needs it."""

import dataclasses
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from mailbot.domain import reasons
from mailbot.domain.commands.help import help_lines
from mailbot.domain.commands.results import Result
from mailbot.domain.model import Authentication, Contact, Direction
from mailbot.domain.notices import Acknowledgement, Notice, WorkEntry
from mailbot.domain.people.context import Entry, File, TicketContext
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.ticket_number import make
from mailbot.mail.compose import late_templates
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.template_values import SAMPLE_NOW, SAMPLE_TIME, sample_notices

NOW = SAMPLE_NOW + timedelta(minutes=2)
READER = "eko.prasetyo@staf.example"
MAY_CONFIRM = ("escalated", "handed_over")  # notices that may ask for a confirmation
_MAILBOX = "support@example.com"
_SITI = (
    "TOKO-48217390-8",
    _MAILBOX,
    "Saldo terpotong tapi pesanan gagal terus",
    "siti.rahmawati@surel.example",
)
_BUDI = ("TOKO-51157299-3", _MAILBOX, "Paket belum sampai", "budi.santoso@surel.example")
_VALUES: Mapping[str, Any] = {
    "title": reasons.of(
        "day_title",
        parts=(reasons.of("day_late_count", count=1), reasons.of("day_decide_count", count=1)),
    ),
    "entries": (
        WorkEntry(
            *_SITI,
            reasons.of("day_late"),
            SAMPLE_NOW - timedelta(minutes=14),
            reasons.of("next_escalate", level="L2"),
            "Halo, saldo saya terpotong Rp 250.000 tadi pagi.",
            "support+toko-48217390-8.eko@dukungan.example",
        ),
        WorkEntry(*_BUDI, reasons.of("day_decide"), because=reasons.of("day_approve", amount="Rp 250.000")),
    ),
    "subject": "Saldo terpotong tapi pesanan gagal terus sejak kemarin malam",
    "customer": "siti.rahmawati@surel.example",
    "customer_name": "Siti Rahmawati",
    "agent_name": "Eko Prasetyo",
    "author": "Eko Prasetyo",
    "text": "Halo, saldo saya terpotong Rp 250.000 tadi pagi.\nPesanan INV-2291 masih menunggu pembayaran.\n\n"
    "https://toko.example/pesanan/INV-2291-dengan-alamat-yang-sangat-panjang-sekali-tanpa-spasi-satu-pun-di-dalamnya",
    "signature": "Eko Prasetyo\nTim Pembayaran",
    "owner": "eko.prasetyo@staf.example",
    "next_steps": (
        (SAMPLE_TIME - timedelta(minutes=45), reasons.of("next_remind")),
        (SAMPLE_TIME, reasons.of("next_escalate", level="L2")),
    ),
    "because": reasons.of("routed_by", reason=reasons.written("saldo terpotong"), rule="paid twice"),
    "known": (({"id": "nomor pesanan", "en": "order number"}, "INV-2291"),),
    "missing": (({"id": "bukti bayar", "en": "proof of payment"}),),
    "category": "payment/double",
    "priority": "high",
    "team": "payments",
    "level": "L1",
    "done": (Result(reasons.of("did_take")), Result(reasons.of("did_promise"), SAMPLE_TIME)),
    "refused": reasons.of("no_verb", verb="selesaii", near="#selesai"),
    "also_sent": reasons.of("mail_kind", kind="progress"),
    "turn": reasons.of("receipt_turn", turn="ours"),
    "question": "Apakah pelanggan ini boleh mendapat ganti rugi penuh?",
    "options": "ya, tidak",
    "first": "ya",
    "request": "2",
    "amount": "Rp 250.000",
    "who": "Eko Prasetyo",
    "on_ticket": "Rp 50.000",
    "in_90_days": "Rp 100.000",
    "signed": "Dewi Anggraini",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as its reader gets it."""

    subject: str
    text: str
    html: str


class CantRender(ValueError):
    """A template fails, with the reason."""


def cases_of(chosen: Policy, name: str, variant: str, language: str) -> dict[str, Notice]:
    """Return the example of each case of a template, by the name of the case; for the first mailbox."""
    mailbox = next(iter(chosen.mailboxes))
    return {case: of_variant(each, variant) for case, each in examples(name, language, chosen, mailbox)}


def in_a_chat(notice: Notice) -> Notice:
    """Return the example as it goes to somebody in a chat."""
    return dataclasses.replace(notice, to="whatsapp:+628112233")


def render(folder: Path, chosen: Policy, notice: Notice) -> Rendered:
    """Compose the mail and read it again, as a mail program does. Raises CantRender."""
    zone = next((each.zone for each in chosen.calendars.values()), "UTC")
    signer = TokenSigner(secrets.token_bytes(32))
    composer = Composer(late_templates.load(folder), signer, chosen, zone=zone)
    page = f"{chosen.public_url}/t/{notice.number}?k=..." if chosen.public_url else ""
    mail = composer.compose(notice, nonce="0", now=NOW, page_url=page)
    if mail.fallback:
        raise CantRender(mail.template_error)
    return as_read(mail.content)


def as_read(content: bytes) -> Rendered:
    """Return what a mail program shows of a composed mail."""
    read = message_from_bytes(content, policy=policy.default)
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    words = text.get_content().replace("\r\n", "\n") if text else ""
    return Rendered(str(read["Subject"]), words, html.get_content() if html else "")


def _context() -> TicketContext:
    """Return what an agent reads about a ticket: a customer's mail, an answer, a note, files, people."""
    at = SAMPLE_NOW - timedelta(minutes=5)
    mail = Entry(
        Direction.IN,
        "siti.rahmawati@surel.example",
        _VALUES["text"],
        at,
        "Siti Rahmawati",
        Authentication.PASS,
        ("tnef",),
        folded="Pada Senin, TokoDompet menulis:\n> Mohon kirim nomor pesanan.",
        cc=(Contact("Budi Santoso", "budi.santoso@surel.example"),),
    )
    answer = Entry(
        Direction.OUT, "eko.prasetyo@staf.example", "Mohon kirim nomor pesanan.", at - timedelta(hours=2)
    )
    note = Entry(
        Direction.NOTE, "agent:eko.prasetyo@staf.example", "Sudah saya cek di bank.", at - timedelta(hours=1)
    )
    files = (
        File(1, "struk-pembayaran-bank.jpg", "image/jpeg", 182_000, "d1", at),
        File(2, "mutasi-rekening-november.pdf", "application/pdf", 14_000_000, "d2", at),
    )
    others = (("TOKO-51157299-3", "Kode OTP tidak masuk"),)
    named = "atasan@kantor.example"
    return TicketContext((mail, note, answer), 3, files, ("budi.santoso@surel.example",), (named,), others)


def examples(kind: str, language: str, policy: Policy, mailbox: str) -> Iterator[tuple[str, Notice]]:
    """Yield each case that the templates of a notice distinguish, as (name of the case, notice)."""
    samples = sample_notices(kind, language)
    ours: dict[str, Any] = {
        "mailbox": mailbox,
        "number": make(policy.mailboxes[mailbox].prefix, "48217390"),
        "to": READER,
    }
    for number, sample in enumerate(samples):
        why = "".join(str(getattr(sample, each, "")) for each in ("why", "outcome", "phase"))
        case = ".".join(filter(None, (why, "full" if 2 * number < len(samples) else "bare")))
        yield case, dataclasses.replace(sample, **_values(sample, language, policy), **ours)


def _values(sample: Notice, language: str, policy: Policy) -> dict[str, Any]:
    """Return what replaces the sample's values, where it has any."""
    given = {
        f.name for f in dataclasses.fields(sample) if getattr(sample, f.name) not in ("", None, (), NO_REASON)
    }
    values = {name: value for name, value in _VALUES.items() if name in given}
    if hasattr(sample, "context"):
        values["context"] = _context()
    if sample.name == "team" and getattr(sample, "why", "") not in MAY_CONFIRM:
        values["confirm_by"] = None
    if isinstance(values.get("team"), str) and sample.name in ("progress", "status"):
        values["team"] = {"id": "tim pembayaran kami", "en": "our payments team"}
        values["level"] = {"id": "tenaga ahli", "en": "specialists"}
    if sample.name == "agent_help":
        values["verbs"] = help_lines(language, policy)
    return values


def of_variant(notice: Notice, variant: str) -> Notice:
    """Return an acknowledgement with the template that a rule chooses."""
    return dataclasses.replace(notice, template=variant) if isinstance(notice, Acknowledgement) else notice
