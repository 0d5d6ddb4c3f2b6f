"""How a ticket is closed: its cause, and the closing word to its customer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import Actor
from mailbot.domain.closing.causes import causes_for
from mailbot.domain.commands.carry_out import NO_FACTS, Acted, CommandFacts, on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.decisions import on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import Authentication, Role, Ticket
from mailbot.domain.notices import Answer, Closing, recipient_of
from mailbot.domain.policy import Cause, Policy
from mailbot.domain.reasons import NO_REASON, Refusal
from mailbot.domain.replies.undeliverable import Suppression
from tests.builders import BOX, NOW, NUMBER, OPERATOR, RINA, envelope, facts, mail, policy

LATER = NOW + timedelta(hours=1)
AGENT = Actor.agent(RINA.address)
CAUSES = {
    "bank-delay": Cause("bank-delay", "payment"),
    "app-fault": Cause("app-fault"),
    "spam": Cause("spam", silent=True),
}
LABELS = {"cause": {"bank-delay": {"id": "Bank lambat memproses", "en": "Slow bank"}}}
DONE = c.Close()
SENTENCE = "Rp 250.000 sudah kembali ke saldo TokoDompet Anda."


def by(**of_box: Any) -> Policy:
    return policy(causes=CAUSES, labels=LABELS, mailboxes={BOX.address: replace(BOX, **of_box)})


def opened(**of_mail: Any) -> Ticket:
    return on_mail(None, mail(**of_mail), envelope(), facts(), by(), NOW).decision.ticket


def answered(**of_mail: Any) -> Ticket:
    proven = mail(sender=RINA.address, authentication=Authentication.PASS, visible="Sudah kami cek.")
    mine = facts(match=Match(NUMBER, NO_REASON, by_token=True), proof="authenticated")
    return on_mail(opened(**of_mail), proven, envelope(), mine, by(), NOW).decision.ticket


def close(
    ticket: Ticket,
    command: c.Close = DONE,
    text: str = "",
    actor: Actor = AGENT,
    known: CommandFacts = NO_FACTS,
    **of_box: Any,
) -> Acted | Refusal:
    return on_act(ticket, Act((command,), text), actor, known, by(**of_box), LATER)


def closed(ticket: Ticket, command: c.Close = DONE, text: str = "", **more: Any) -> Decision:
    done = close(ticket, command, text, **more)
    assert isinstance(done, Acted), done
    return done.decision


def words(decision: Decision) -> list[Closing]:
    return [notice for notice in decision.notices if isinstance(notice, Closing)]


def not_sent(decision: Decision) -> list[str]:
    return [event.reason.code for event in decision.events if isinstance(event, e.ClosingWordSuppressed)]


def test_closing_notifies_the_customer_how_to_reopen_and_asks_for_a_rating() -> None:
    done = closed(answered(), c.Close("done", "bank-delay"))

    (word,) = words(done)
    assert (word.to, word.subject) == ("budi@pelanggan.example", "Barang belum sampai")
    assert (word.reopens_until, word.survey, word.text) == (LATER + BOX.reopen_within, 1, "")
    assert [type(event) for event in done.events][-2:] == [e.PeopleNotified, e.SurveyEnqueued]
    assert done.ticket.cause == "bank-delay"
    assert not [clock for clock in done.ticket.clocks if clock.running_since]


def test_what_the_agent_writes_leaves_in_the_closing_word_alone_and_is_an_answer() -> None:
    done = closed(opened(), text=SENTENCE)

    (word,) = words(done)
    assert (word.text, word.agent_name, word.survey) == (SENTENCE, "Rina", 1)
    assert not [notice for notice in done.notices if isinstance(notice, Answer)]
    assert done.ticket.first_response_at == LATER


def test_a_ticket_that_nobody_answered_is_closed_without_a_survey_and_repeats_nothing_of_its_mail() -> None:
    (word,) = words(closed(opened()))

    assert (word.survey, word.subject) == (0, "")


def test_a_rated_ticket_that_is_closed_again_is_not_asked_again() -> None:
    (word,) = words(closed(replace(answered(), satisfaction=4)))

    assert word.survey == 0


@pytest.mark.parametrize(
    ("ticket", "of_box", "suppressed", "recorded"),
    [
        (answered(), {"closing_word": False}, False, None),
        (answered(), {}, True, "suppressed_complaint"),
        (replace(answered(), customer="no-reply@toko.example"), {}, False, "no_reply_customer"),
        (replace(answered(), tags=("automatic",)), {}, False, None),
        (replace(opened(), tags=("unanswered",)), {}, False, None),
        (replace(opened(), held_for="TOKO-11111111-1"), {}, False, None),
    ],
    ids=["switched off", "suppressed", "robot", "of a machine", "over the limit", "held"],
)
def test_who_gets_no_closing_word(
    ticket: Ticket, of_box: Any, suppressed: bool, recorded: str | None
) -> None:
    silenced = Suppression("budi@pelanggan.example", "complaint", "", NOW) if suppressed else None
    known = CommandFacts(suppressions={silenced.address: silenced} if silenced else {})
    done = closed(ticket, known=known, **of_box)

    assert not done.notices
    assert not_sent(done) == ([recorded] if recorded else [])


def test_a_silent_cause_leaves_the_customer_in_peace() -> None:
    done = closed(answered(), c.Close("", "spam"))

    assert not done.notices
    assert [event.reason.code for event in done.events if isinstance(event, e.ClosingWordSuppressed)] == [
        "cause_silent"
    ]


@pytest.mark.parametrize(
    ("ticket", "cause", "of_box"),
    [
        (replace(answered(), tags=("automatic",)), "", {}),
        (answered(), "spam", {}),
        (answered(), "", {"closing_word": False}),
    ],
)
def test_what_a_person_wrote_leaves_whatever_holds_a_machine_back(
    ticket: Ticket, cause: str, of_box: Any
) -> None:
    (word,) = words(closed(ticket, c.Close("", cause), SENTENCE, **of_box))

    assert (word.text, word.survey) == (SENTENCE, 0)


def test_a_mailbox_without_a_survey_sends_the_closing_word_alone() -> None:
    done = closed(answered(), survey=False)

    assert words(done)[0].survey == 0
    assert e.SurveyEnqueued not in [type(event) for event in done.events]


@pytest.mark.parametrize(
    "written", ["bank-delay", "BANK DELAY", "bank_delay", "bank lambat memproses", "Slow bank"]
)
def test_a_cause_is_known_by_name_and_label_however_it_is_spelled(written: str) -> None:
    assert closed(answered(), c.Close("", written)).ticket.cause == "bank-delay"


@pytest.mark.parametrize(
    ("cause", "named"),
    [("bank-dely", "bank-delay"), ("slow banc", "bank-delay"), ("xyz", "app-fault, spam")],
)
def test_an_unknown_cause_is_refused_with_the_nearest_and_nothing_is_recorded(cause: str, named: str) -> None:
    refusal = close(answered(), c.Close("", cause), SENTENCE)

    assert isinstance(refusal, Refusal)
    assert str(refusal).endswith(f"nearest: {named}")


def test_without_a_list_of_causes_any_words_are_one() -> None:
    done = on_act(answered(), Act((c.Close("", "Bank  Lambat"),)), AGENT, NO_FACTS, policy(), LATER)

    assert isinstance(done, Acted)
    assert done.decision.ticket.cause == "bank lambat"


def test_causes_of_the_tickets_category_come_first() -> None:
    paid = replace(opened(), category="payment/double")

    assert [each.name for each in causes_for(paid, by())] == ["bank-delay", "app-fault", "spam"]
    assert [each.name for each in causes_for(replace(paid, category="payments"), by())] == [
        "app-fault",
        "spam",
    ]


def test_words_for_an_address_that_no_person_reads_are_refused() -> None:
    robot = replace(answered(), customer="no-reply@toko.example")

    assert isinstance(close(robot, text=SENTENCE), Refusal)


def test_an_operator_closes_without_answering() -> None:
    assert closed(opened(), actor=OPERATOR).ticket.first_response_at is None


def test_who_takes_part_gets_the_agents_words_and_the_customer_only_the_closing_word() -> None:
    known = CommandFacts(roles={"ani@pelanggan.example": Role.PARTICIPANT})
    done = closed(answered(), text=SENTENCE, known=known)

    assert [(notice.name, recipient_of(notice)) for notice in done.notices] == [
        ("answer", "ani@pelanggan.example"),
        ("closing", "budi@pelanggan.example"),
    ]
