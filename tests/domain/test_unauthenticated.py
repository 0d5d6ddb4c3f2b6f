"""What a sender without a passed authentication gets automatically, and for which addresses a pass counts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailbot.domain import events as e
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Clues, Match, match_ticket
from mailbot.domain.model import Authentication
from mailbot.domain.notices import Acknowledgement, Answer, Progress
from tests.builders import BOX, NOW, NUMBER, RINA, envelope, facts, mail, policy

PASS, FAIL, NONE = Authentication.PASS, Authentication.FAIL, Authentication.NONE
BUDI = "budi@pelanggan.example"
OTHER = "TOKO-11112222-7"


def opened(authentication: Authentication, return_path: str = BUDI, **box: Any) -> Decision:
    chosen = policy(mailboxes={BOX.address: replace(BOX, **box)})
    came = mail(authentication=authentication, subject="Saldo saya terpotong")
    return on_mail(None, came, envelope(sender=return_path), facts(), chosen, NOW).decision


def acknowledged(decision: Decision) -> list[Acknowledgement]:
    return [notice for notice in decision.notices if isinstance(notice, Acknowledgement)]


def reasons(decision: Decision) -> list[str]:
    return [str(event.reason) for event in decision.events if isinstance(event, e.AcknowledgementSuppressed)]


@pytest.mark.parametrize("authentication", list(Authentication))
@pytest.mark.parametrize("choice", ["neutral", "held", "none"])
def test_an_unauthenticated_sender_is_answered_as_the_mailbox_is_configured(
    authentication: Authentication, choice: str
) -> None:
    decision = opened(authentication, unauthenticated=choice)
    answered = choice == "neutral" or authentication is PASS

    assert len(acknowledged(decision)) == (1 if answered else 0)
    assert reasons(decision) == ([] if answered else ["sender not authenticated"])
    assert ("unauthenticated" in decision.ticket.tags) is (choice == "none" and not answered)


@pytest.mark.parametrize("return_path", ["korban@lain.example", "x@bounce.pelanggan.example"])
def test_a_proven_author_gets_the_answer_whatever_the_return_path(return_path: str) -> None:
    held = opened(PASS, return_path, unauthenticated="held")
    rich = opened(PASS, return_path, rich_acknowledgements=True)

    assert [notice.to for notice in (*acknowledged(held), *acknowledged(rich))] == [BUDI, BUDI]


def test_the_case_of_the_return_path_does_not_matter() -> None:
    assert acknowledged(opened(PASS, "Budi@Pelanggan.example", unauthenticated="held"))


@pytest.mark.parametrize(
    ("authentication", "rich", "subject"),
    [
        (PASS, True, "Saldo saya terpotong"),
        (PASS, False, ""),
        (NONE, True, ""),
        (FAIL, True, ""),
    ],
)
def test_the_subject_is_quoted_only_after_a_pass_and_where_it_is_configured(
    authentication: Authentication, rich: bool, subject: str
) -> None:
    decision = opened(authentication, rich_acknowledgements=rich)

    assert [notice.subject for notice in acknowledged(decision)] == [subject]


@pytest.mark.parametrize(("choice", "told"), [("neutral", 1), ("held", 1), ("none", 0)])
def test_a_step_notifies_the_customer_unless_automatic_mail_is_off(choice: str, told: int) -> None:
    chosen = policy(mailboxes={BOX.address: replace(BOX, unauthenticated=choice)})
    ticket = opened(NONE, unauthenticated=choice).ticket
    late = on_deadline(ticket, chosen, NOW + timedelta(hours=9))

    assert len([notice for notice in late.notices if isinstance(notice, Progress)]) == told


@pytest.mark.parametrize("choice", ["held", "none"])
def test_an_agents_answer_reaches_a_sender_without_automatic_answers(choice: str) -> None:
    chosen = policy(mailboxes={BOX.address: replace(BOX, unauthenticated=choice)})
    ticket = opened(NONE, unauthenticated=choice).ticket
    tagged = facts(match=Match(NUMBER, by_token=True), proof="network")
    sent = on_mail(ticket, mail(sender=RINA.address, visible="Kami cek."), envelope(), tagged, chosen, NOW)

    assert [notice.to for notice in sent.decision.notices if isinstance(notice, Answer)] == [BUDI]


PARTS = {NUMBER: {BUDI}, OTHER: {BUDI}}


@pytest.mark.parametrize(
    "clues",
    [Clues(BUDI, signed=(NUMBER,)), Clues(BUDI, referenced=("<a@x>",)), Clues(BUDI, written=(NUMBER,))],
)
def test_a_mail_that_failed_only_claims_whatever_it_names(clues: Clues) -> None:
    known = {"<a@x>": NUMBER}
    failed = match_ticket(replace(clues, failed=True), known, PARTS)

    assert match_ticket(clues, known, PARTS).number == NUMBER
    assert (failed.number, failed.claims) == ("", NUMBER)
    assert str(failed.reason) == "names a ticket, but the sender named in it failed authentication"
    assert not any(each.counted for each in failed.clues)


def test_our_own_key_still_counts_on_a_mail_that_failed() -> None:
    assert match_ticket(Clues(BUDI, tagged=NUMBER, failed=True), {}, PARTS).number == NUMBER
    assert match_ticket(Clues(BUDI, bounced=NUMBER, failed=True), {}, PARTS).number == NUMBER


def test_a_mail_that_failed_gets_nothing_about_the_senders_own_tickets() -> None:
    mistyped = f"{NUMBER[:-1]}{(int(NUMBER[-1]) + 1) % 10}"
    clues = Clues(BUDI, mistyped=(mistyped,))

    assert match_ticket(clues, {}, PARTS, (NUMBER,)).suggests == NUMBER
    assert match_ticket(replace(clues, failed=True), {}, PARTS, (NUMBER,)).suggests == ""
