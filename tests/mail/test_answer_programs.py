"""Nothing of a real notice leaves with an agent's answer, whatever mail program and language it comes from."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from mailbot.domain.model import Direction
from mailbot.domain.people.context import Entry, TicketContext
from mailbot.mail.compose.template_values import LANGUAGES, TEAM_KINDS, sample_notices
from mailbot.mail.parsing.own_mail import read_own_mail
from mailbot.mail.parsing.parse import parse
from mailbot.mail.replies.answer import Extracted, extract_answer
from mailbot.mail.replies.known_text import KnownText, words_of
from mailbot.mail.replies.reply_heads import SentToAgent
from tests.mail.agent_programs import Notice, Reply, replies
from tests.mail.test_compose import BOX, BUDI, NOW, composer
from tests.profile import NIGHTLY

CUSTOMER_WROTE = (
    "Saldo saya hilang sejak minggu lalu, tolong dibantu ya kak.\nSudah tiga kali saya menghubungi."
)
AGENT = "sari@staf.example"
ANSWERED = "Halo Pak Budi,\n\nterima kasih sudah menghubungi TokoDompet. Kami cek dahulu ya.\n\nSari"
NOTE = "Pelanggan ini sering menipu, jangan refund dulu."
CONTEXT = TicketContext(
    entries=(
        Entry(Direction.NOTE, f"agent:{AGENT}", NOTE, NOW),
        Entry(Direction.IN, BUDI, CUSTOMER_WROTE, NOW, "Budi Santoso", folded="> lama sekali\n-- \nBudi"),
        Entry(Direction.OUT, AGENT, ANSWERED, NOW),
    ),
    older=3,
    other_tickets=(("TOKO-11111111-1", "Kartu saya diblokir"),),
)
INTERNAL = (AGENT, NOTE, "Kartu saya diblokir", "+t.", "+b.", "##-", "mailbot ticket")


def _notices() -> tuple[list[Notice], dict[str, SentToAgent]]:
    """Compose notices of all kinds in both languages. What was sent is known by the subject."""
    notices, known = [], {}
    for language in LANGUAGES:
        for sample in sample_notices("team", language):
            values: Any = {"mailbox": BOX, "to": AGENT, "customer": BUDI, "subject": "Saldo hilang"}
            notice = replace(cast(Any, sample), **values, text=CUSTOMER_WROTE, context=CONTEXT)
            out = composer().compose(notice, nonce=f"n{len(notices)}", now=NOW)
            read = cast(EmailMessage, message_from_bytes(out.content, policy=policy.default))
            subject, texts = read_own_mail(out.content)
            plain, html = read.get_body(("plain",)), read.get_body(("html",))
            assert plain is not None
            assert html is not None
            assert NOTE in plain.get_content()
            notices.append(
                Notice(
                    subject, plain.get_content(), html.get_content(), str(read["Reply-To"]), out.message_id
                )
            )
            known[out.message_id] = SentToAgent(
                (BOX, AGENT),
                ("TokoDompet",),
                (subject,),
                KnownText(texts),
                KnownText([CUSTOMER_WROTE, ANSWERED, BUDI]),
            )
    assert len(notices) >= 2 * len(TEAM_KINDS)
    return notices, known


NOTICES, KNOWN = _notices()
REPLIES = replies(NOTICES, 5_500 if NIGHTLY else 242)


def extracted(reply: Reply) -> tuple[Extracted, SentToAgent]:
    mail = parse(reply.raw)
    sent = KNOWN[mail.in_reply_to[0]]
    return extract_answer(mail.text, sent), sent


def leaks(answer: str, reply: Reply, sent: SentToAgent) -> list[str]:
    """List what of the notice is in the answer and not in what the agent wrote, by lines and by words."""
    wrote = words_of(reply.wrote)
    found = [each for each in INTERNAL if each in answer]
    strange = [line for line in answer.split("\n") if words_of(line) not in wrote]
    found += [line for line in strange if sent.notices.has(line, inside=True) and words_of(line)]
    return found


def test_no_word_of_a_notice_leaves() -> None:
    leaked = {}
    for reply in REPLIES:
        found, sent = extracted(reply)
        if not found.doubt and (leak := leaks(found.text, reply, sent)):
            leaked[reply.name] = leak
    assert leaked == {}


def test_answers_on_top_of_a_quote_are_sent_as_they_were_written() -> None:
    top = [reply for reply in REPLIES if reply.on_top]
    held = {reply.name: found.doubt for reply in top if (found := extracted(reply)[0]).doubt}
    other = {
        reply.name: found.text
        for reply in top
        if not (found := extracted(reply)[0]).doubt and words_of(found.text) != words_of(reply.wrote)
    }

    assert len(held) <= len(top) / 100, held
    assert other == {}


def test_answers_below_a_quote_are_sent_as_they_were_written_or_held() -> None:
    below = [reply for reply in REPLIES if not reply.on_top]
    sent = {
        reply.name: found.text
        for reply in below
        if not (found := extracted(reply)[0]).doubt and words_of(found.text) != words_of(reply.wrote)
    }
    held = sum(bool(extracted(reply)[0].doubt) for reply in below)

    assert sent == {}
    assert held <= len(below) / 10, f"{held} of {len(below)} are held"
