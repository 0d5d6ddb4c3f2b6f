"""What an agent sends to a reply address leaves only when it certainly is the answer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailbot.domain import reasons
from mailbot.domain.actor import CUSTOMER
from mailbot.domain.decisions import on_mail
from mailbot.domain.events import AgentMailHeld, TicketOpened
from mailbot.domain.lifecycle import opened
from mailbot.domain.matching import Match
from mailbot.domain.model import Attachment, Author, Direction, Ticket
from mailbot.domain.notices import AgentRefusal, Answer
from mailbot.domain.policy import AnswerLimits
from mailbot.domain.reasons import Reason, render
from mailbot.domain.replies.agent_mail import AgentMail
from mailbot.domain.replies.mail_facts import MailDecision
from mailbot.domain.replies.subjects import base_subject
from tests.builders import BOX, NOW, NUMBER, RINA, envelope, facts, mail, policy

NOTICE = f"[{NUMBER}] Tiket baru: Barang belum sampai"
POLICY = policy(answers=AnswerLimits(fastest_reply=timedelta(seconds=3)))


def ticket(**changes: Any) -> Ticket:
    first = TicketOpened(
        NOW, CUSTOMER, BOX.address, "budi@pelanggan.example", "Barang belum sampai", "id", "<a@x>"
    )
    return replace(opened(NUMBER, first), **changes)


def reply(reply: AgentMail = AgentMail(subjects=(NOTICE,)), **changes: Any) -> MailDecision:  # noqa: B008 - frozen
    values = {
        "sender": RINA.address,
        "subject": f"Re: {NOTICE}",
        "visible": "Sudah kami kirim ulang.",
        **changes,
    }
    known = facts(match=Match(NUMBER, by_token=True), proof="authenticated", reply=reply)
    return on_mail(ticket(), mail(**values), envelope(), known, POLICY, NOW)


def held(decided: MailDecision) -> Reason:
    """Return why the mail was held, no reason when it was sent."""
    found = [event.reason for event in decided.decision.events if isinstance(event, AgentMailHeld)]
    assert (decided.direction is Direction.NOTE) == bool(found)
    assert any(isinstance(notice, Answer) for notice in decided.decision.notices) != bool(found)
    return found[0] if found else reasons.NO_REASON


SUBJECTS = (
    f"Re: {NOTICE}",
    NOTICE,
    f"AW: [EXTERNAL] {NOTICE}",
    f"Fwd: Re: {NOTICE}",
    f"Balasan: Bls: {NOTICE}",
    f"回复: {NOTICE}",
    "Re: Tiket baru: Barang belum sampai",
    "Re: Barang belum sampai",
    f"RE: [{NUMBER.lower()}] apa saja",
)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_reply_with_the_subject_of_the_notice_is_sent(subject: str) -> None:
    assert not held(reply(subject=subject))


@pytest.mark.parametrize("subject", ["Laporan bulanan", "Re: rapat tim besok", "", "[TOKO-11111111-1] lain"])
def test_a_mail_about_another_matter_is_held(subject: str) -> None:
    assert held(reply(subject=subject)).code == "other_subject"


def test_a_reply_without_a_subject_counts_where_it_names_the_notice() -> None:
    named = AgentMail(subjects=(NOTICE,), noticed_at=NOW - timedelta(minutes=5))

    assert not held(reply(named, subject=""))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(-0.2, "machine_speed"), (0, "machine_speed"), (2.9, "machine_speed"), (3, ""), (60, "")],
)
def test_a_reply_that_comes_at_once_was_written_by_a_machine(seconds: float, code: str) -> None:
    sent_at = envelope().received_at - timedelta(seconds=seconds)

    assert held(reply(AgentMail(subjects=(NOTICE,), noticed_at=sent_at))).code == code


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("#catatan", "command_line_in_mail"),
        ("#apa pun", "command_line_in_mail"),
        ("Note: pelanggan ini sering menipu", "looks_like_note"),
        ("CATATAN : cek dulu", "looks_like_note"),
        ("*Internal note:* refund dulu", "looks_like_note"),
        ("[internal] refund dulu", "looks_like_note"),
        ("Catatan untuk tim: tahan", "looks_like_note"),
        ("Nota: ya", "looks_like_note"),
        ("Internal transfer Anda sudah selesai.", ""),
        ("Notes yang Anda kirim sudah kami terima.", ""),
        ("Catatan Anda sudah kami baca: terima kasih.", ""),
        ("Halo #1 pelanggan kami,", ""),
    ],
)
def test_a_first_line_for_colleagues_is_held(first: str, code: str) -> None:
    assert held(reply(visible=f"\n{first}\n\nlalu teks lain")).code == code


def test_no_text_is_held_unless_a_file_is_the_answer() -> None:
    file = Attachment("resi.pdf", "application/pdf", 3, "d")

    assert held(reply(visible=" \n")).code == "no_text"
    known = AgentMail(subjects=(NOTICE,), attachments=(file,))
    assert not held(reply(known, visible="", attachments=(file,)))


def test_a_doubtful_cut_is_held() -> None:
    doubt = reasons.of("cut_in_doubt", line="Prioritas: tinggi")

    assert held(reply(AgentMail(subjects=(NOTICE,), doubt=doubt))) == doubt


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": f"Automatic reply: {NOTICE}", "visible": "Saya sedang cuti sampai 5 Januari."}, 1),
        ({"author": Author.MACHINE}, 1),
        ({"author": Author.MACHINE, "no_auto_reply": reasons.of("auto_submitted", value="auto-replied")}, 0),
        ({"no_auto_reply": reasons.of("auto_submitted", value="auto-replied")}, 1),
    ],
)
def test_an_absence_note_is_held_with_a_word_unless_it_declares_itself(
    changes: dict[str, Any], words: int
) -> None:
    decided = reply(**changes)

    assert held(decided).code == "absence_note"
    assert [type(notice) for notice in decided.decision.notices] == [AgentRefusal] * words


@pytest.mark.parametrize("list_header", ["list_mail", "precedence", "auto_response_suppress"])
def test_a_header_that_only_forbids_automatic_answers_holds_nothing(list_header: str) -> None:
    assert not held(reply(no_auto_reply=reasons.of(list_header, field="List-Id", value="x")))


def test_the_agent_learns_why_in_words() -> None:
    notices = reply(visible="#tutup").decision.notices

    assert isinstance(notices[0], AgentRefusal)
    assert notices[0].to == RINA.address
    assert "#tutup" in render(notices[0].reason, "id")
    assert "#tutup" in render(notices[0].reason, "en")


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Barang belum sampai", "Barang belum sampai"),
        ("Re: RE[2]: Bls: barang", "barang"),
        (f"Re: [{NUMBER}] barang [{NUMBER}]", "barang"),
        ("Request #4711 ref:_00R54.5209:ref", "Request #4711 ref:_00R54.5209:ref"),
        ("ref:_00R54.5209:ref barang", "ref:_00R54.5209:ref barang"),
        ("Refund: pesanan 77", "Refund: pesanan 77"),
        ("Re:", ""),
    ],
)
def test_the_subject_of_an_answer_keeps_what_the_customer_and_other_systems_wrote(
    subject: str, base: str
) -> None:
    assert base_subject(subject) == base


def test_an_answer_has_the_conversation_and_the_signature_in_the_tickets_language() -> None:
    known = AgentMail(subjects=(NOTICE,), references=("<a@x.example>", "<b@x.example>"))
    signed = replace(BOX, signature={"id": "Tim TokoDompet", "en": "The TokoDompet team"})
    sent = mail(sender=RINA.address, subject=NOTICE, visible="Sudah.")
    seen = facts(match=Match(NUMBER, by_token=True), proof="authenticated", reply=known)
    boxes = replace(POLICY, mailboxes={BOX.address: signed})
    answer = on_mail(ticket(), sent, envelope(), seen, boxes, NOW).decision.notices[0]

    assert isinstance(answer, Answer)
    assert (answer.references, answer.subject) == (known.references, "Barang belum sampai")
    assert answer.signature == "Tim TokoDompet"
