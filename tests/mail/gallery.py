"""All mails that we send, with values as a desk has them: for pictures, and for what every mail must fulfil."""

import dataclasses
from collections.abc import Iterator
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
from mailbot.domain.policy import Agent, Team
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.worktime import ALWAYS
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.template_values import LANGUAGES, NOTICES, SAMPLE_NOW, SAMPLE_TIME, sample_notices
from mailbot.mail.compose.templates import load
from tests.builders import BOX
from tests.builders import policy as policy_of
from tests.mail.chromium import Page

TEMPLATES = load(Path(__file__).parents[2] / "templates")
EKO = Agent("Eko Prasetyo", "eko.prasetyo@staf.example", "L1", ("id", "en"))
POLICY = policy_of(
    calendars={"always": dataclasses.replace(ALWAYS, zone="Asia/Jakarta")},
    teams={"payments": Team("payments", "always", (EKO,))},
    labels={
        "category": {"payment/double": {"id": "Bayar dobel", "en": "Paid twice"}},
        "team": {"payments": {"id": "Pembayaran", "en": "Payments"}},
        "rule": {"paid twice": {"id": "Bayar dobel", "en": "Paid twice"}},
    },
)
COMPOSER = Composer(TEMPLATES, TokenSigner(b"a secret of sixteen bytes or more"), POLICY, zone="Asia/Jakarta")
CONFIRMED = ("escalated", "handed_over")  # notices that may ask for a confirmation
VARIANTS = ("", "payment", "fraud", "formal")
_SITI = (
    "TOKO-48217390-8",
    BOX.address,
    "Saldo terpotong tapi pesanan gagal terus",
    "siti.rahmawati@surel.example",
)
_BUDI = ("TOKO-51157299-3", BOX.address, "Paket belum sampai", "budi.santoso@surel.example")
_VALUES: dict[str, Any] = {
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


def context() -> TicketContext:
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
        File(1, "struk-pembayaran-bank.jpg", "image/jpeg", 182_000, "d1", at, b"x"),
        File(2, "mutasi-rekening-november.pdf", "application/pdf", 14_000_000, "d2", at),
    )
    others = (("TOKO-51157299-3", "Kode OTP tidak masuk"),)
    named = "atasan@kantor.example"
    return TicketContext((mail, note, answer), 3, files, ("budi.santoso@surel.example",), (named,), others)


def notices() -> Iterator[tuple[str, Notice]]:
    """Yield name and notice: every kind, branch and variant in every language."""
    for kind in NOTICES:
        for language in LANGUAGES:
            samples = sample_notices(kind, language)
            for number, sample in enumerate(samples):
                if hasattr(sample, "context"):
                    sample = dataclasses.replace(sample, context=context())
                given = {
                    f.name
                    for f in dataclasses.fields(sample)
                    if getattr(sample, f.name) not in ("", None, (), NO_REASON)
                }
                values = {name: value for name, value in _VALUES.items() if name in given}
                if kind == "team" and sample.why not in CONFIRMED:
                    values["confirm_by"] = None
                if isinstance(values.get("team"), str) and kind in ("progress", "status"):
                    values["team"] = {"id": "tim pembayaran kami", "en": "our payments team"}
                    values["level"] = {"id": "tenaga ahli", "en": "specialists"}
                if kind == "agent_help":
                    values["verbs"] = help_lines(language, POLICY)
                for variant in VARIANTS if isinstance(sample, Acknowledgement) else ("",):
                    extra = {"template": variant} if isinstance(sample, Acknowledgement) else {}
                    why = "".join(str(getattr(sample, each, "")) for each in ("why", "outcome", "phase"))
                    parts = (kind, variant, why, "full" if 2 * number < len(samples) else "bare", language)
                    notice = dataclasses.replace(
                        sample, **values, **extra, mailbox=BOX.address, to="eko.prasetyo@staf.example"
                    )
                    yield ".".join(part for part in parts if part), notice


def mails() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, subject, text and HTML of each mail."""
    for number, (name, notice) in enumerate(notices()):
        out = COMPOSER.compose(notice, nonce=f"n{number}", now=SAMPLE_NOW + timedelta(minutes=2))
        read = message_from_bytes(out.content, policy=policy.default)
        assert not out.fallback, out.template_error
        plain, html = read.get_body(("plain",)), read.get_body(("html",))
        assert plain is not None
        assert html is not None
        yield name, str(read["Subject"]), str(plain.get_content()), str(html.get_content())


def pages() -> list[Page]:
    return [Page(name, html) for name, _, _, html in mails()]
