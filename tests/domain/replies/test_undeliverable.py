"""What follows from reports and refusals: for the ticket, the address, the people."""

from datetime import timedelta

import pytest

from mailbot.domain import events as e
from mailbot.domain.actor import RELAY
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import CERTAIN, NUMBER, STRONG, Clues, Match, match_ticket
from mailbot.domain.model import Authentication, Failure, InboundMail, Report, Ticket
from mailbot.domain.notices import Acknowledgement, Answer, Progress, TeamNotice
from mailbot.domain.replies.mail_facts import MailDecision
from mailbot.domain.replies.undeliverable import SUPPRESSED_FOR, Sent, Suppression, lifted, on_failure
from tests.builders import BAYU, DEWI, NOW, RINA, envelope, facts, mail, policy
from tests.builders import NUMBER as TICKET

BUDI = "budi@pelanggan.example"
DAY = timedelta(days=1)
BACK = Match(TICKET, "keyed bounce address", confidence=CERTAIN)


def opened(**mail_changes: object) -> Ticket:
    return on_mail(None, mail(**mail_changes), envelope(), facts(), policy(), NOW).decision.ticket


def sent(kind: str = "answer", recipient: str = BUDI, why: str = "", **changes: object) -> Sent:
    values: dict[str, object] = {"id": 7, "ticket": TICKET, "state": "sent", "told": False}
    return Sent(kind=kind, recipient=recipient, why=why, **(values | changes))  # type: ignore[arg-type]


def report(
    status: str = "5.1.1", kind: str = "bounce", address: str = BUDI, action: str = "failed"
) -> InboundMail:
    failure = Failure(address, action, status, "no such user")
    told = Report(kind, (failure,), kind == "bounce" and status.startswith("5"), "RFC 3464")
    return mail(sender="mailer-daemon@mx.example", no_auto_reply="report (delivery-status)", report=told)


def decided(came: InboundMail, about: Sent | None, ticket: Ticket | None = None) -> MailDecision:
    given = facts(match=BACK, returned=about)
    return on_mail(ticket or opened(), came, envelope(sender=""), given, policy(), NOW)


def bounces(decision: Decision) -> list[e.DeliveryBounced]:
    return [event for event in decision.events if isinstance(event, e.DeliveryBounced)]


def test_a_bounce_is_recorded_and_reported_to_the_owner_without_a_change_of_turn() -> None:
    ticket = opened()
    found = decided(report(), sent(), ticket)

    (event,) = bounces(found.decision)
    assert (event.recipient, event.status, event.permanent, event.proven) == (BUDI, "5.1.1", True, True)
    assert (found.decision.ticket.status, found.decision.ticket.clocks) == (ticket.status, ticket.clocks)
    (notice,) = found.decision.notices
    assert isinstance(notice, TeamNotice)
    assert (notice.to, notice.why, notice.text) == (RINA.address, "bounced", "no such user")
    assert found.effects.returned
    assert (found.effects.returned.id, found.effects.returned.failed) == (7, True)


@pytest.mark.parametrize(
    ("status", "span"),
    [
        ("5.1.1", None),
        ("5.1.2", None),
        ("5.1.10", None),
        ("5.2.1", None),
        ("5.2.2", DAY),
        ("5.0.0", 7 * DAY),
        ("5.4.4", 7 * DAY),
    ],
)
def test_a_hard_bounce_suppresses_the_address_for_the_time_of_its_status(
    status: str, span: timedelta | None
) -> None:
    suppression = decided(report(status), sent()).effects.suppression

    assert suppression == Suppression(BUDI, "bounce", status, NOW, None if span is None else NOW + span)


@pytest.mark.parametrize(
    "status", ["5.7.1", "5.7.26", "5.1.8", "5.6.0", "5.5.2", "5.2.3", "5.3.4", "4.4.7", ""]
)
def test_a_bounce_not_about_the_address_suppresses_none_and_is_still_reported(status: str) -> None:
    found = decided(report(status), sent())

    assert found.effects.suppression is None
    assert len(found.decision.notices) == len(bounces(found.decision)) == 1


def test_every_span_is_a_beginning_of_a_permanent_status() -> None:
    assert all(each.startswith("5.") for each in SUPPRESSED_FOR)


def test_a_bounce_that_nothing_proves_is_recorded_and_has_no_effect() -> None:
    found = decided(report(), None)

    assert [event.proven for event in bounces(found.decision)] == [False]
    assert (found.effects.suppression, found.effects.returned, found.decision.notices) == (None, None, ())


def test_a_forged_report_affects_only_the_recipient_of_the_mail_it_proves() -> None:
    found = decided(report(address="korban@lain.example"), sent(recipient="penyerang@x.example"))

    assert found.effects.suppression
    assert found.effects.suppression.address == "penyerang@x.example"
    assert bounces(found.decision)[0].recipient == "penyerang@x.example"


def test_the_team_is_notified_once_per_ticket_and_recipient_but_of_each_answer() -> None:
    found = decided(report(), sent("progress", told=True))

    assert len(bounces(found.decision)) == 1
    assert found.decision.notices == ()
    assert len(decided(report(), sent("answer", told=True)).decision.notices) == 1


@pytest.mark.parametrize("state", ["failed", "suppressed"])
def test_a_second_report_about_the_same_mail_adds_nothing(state: str) -> None:
    found = decided(report(), sent(state=state))

    assert [event.kind for event in found.decision.events] == ["automatic_mail_received"]
    assert found.effects.returned is None


@pytest.mark.parametrize(("kind", "action"), [("delay", "delayed"), ("receipt", "displayed")])
def test_delays_and_receipts_are_recorded_only(kind: str, action: str) -> None:
    found = decided(report("4.4.1", kind, action=action), sent())

    assert [event.kind for event in found.decision.events] == ["automatic_mail_received"]
    assert (found.effects.suppression, found.effects.returned, found.decision.notices) == (None, None, ())


def test_a_complaint_suppresses_for_good_without_failing_the_delivery() -> None:
    found = decided(report("", "complaint", action="complained"), sent())

    assert found.effects.suppression == Suppression(BUDI, "complaint", "", NOW, None)
    assert found.effects.returned
    assert not found.effects.returned.failed
    assert [notice.why for notice in found.decision.notices if isinstance(notice, TeamNotice)] == [
        "complained"
    ]


def test_a_bounced_notice_goes_to_the_others_and_suppresses_no_agent() -> None:
    busy = policy()
    team = busy.teams["frontline"]
    siti = type(RINA)("Siti", "siti@tim.example", "L1", ("id",))
    both = policy(
        teams={**busy.teams, "frontline": type(team)(team.name, team.calendar, (*team.agents, siti))}
    )
    given = facts(match=BACK, returned=sent("team", RINA.address, "new"))
    found = on_mail(opened(), report(address=RINA.address), envelope(sender=""), given, both, NOW)

    assert [notice.to for notice in found.decision.notices] == [siti.address]
    assert found.effects.suppression is None


def test_when_no_other_agent_is_at_the_level_the_next_level_is_notified() -> None:
    found = decided(report(address=RINA.address), sent("team", RINA.address, "customer_wrote"))

    assert [notice.to for notice in found.decision.notices] == [BAYU.address]


@pytest.mark.parametrize("why", ["bounced", "undeliverable", "complained"])
def test_a_notice_about_a_failure_that_fails_itself_is_only_an_event(why: str) -> None:
    came_back = decided(report(address=RINA.address), sent("team", RINA.address, why))
    refused, _ = on_failure(opened(), sent("team", RINA.address, why), 550, "5.1.1 no", policy(), NOW)

    assert (came_back.decision.notices, refused.notices) == ((), ())
    assert isinstance(refused.events[-1], e.DeliveryFailed)


@pytest.mark.parametrize("kind", ["acknowledgement", "answer", "progress"])
def test_mail_to_a_customer_that_the_relay_refuses_is_reported_to_the_owner(kind: str) -> None:
    decision, suppression = on_failure(opened(), sent(kind), 550, "5.1.1 no such user", policy(), NOW)

    assert decision.events[0] == e.DeliveryFailed(NOW, RELAY, kind, BUDI, 550, "5.1.1 no such user")
    (notice,) = decision.notices
    assert isinstance(notice, TeamNotice)
    assert (notice.to, notice.why) == (RINA.address, "undeliverable")
    assert kind in str(notice.because)
    assert suppression == Suppression(BUDI, "bounce", "5.1.1", NOW, None)


@pytest.mark.parametrize("reply", ["relay access denied", "5.0.0 no", "5.7.1 policy", "4.4.7 too long", ""])
def test_errors_between_mailbot_and_the_relay_suppress_no_address(reply: str) -> None:
    assert on_failure(opened(), sent(), 554, reply, policy(), NOW)[1] is None


SUPPRESSION = Suppression(BUDI, "bounce", "5.1.1", NOW - timedelta(hours=1))
ANSWERS_OURS = Match(TICKET, "our signed Message-ID, sender takes part", confidence=STRONG)


def new_mail(suppression: Suppression, **changes: object) -> MailDecision:
    given = facts(suppressions={suppression.address: suppression})
    return on_mail(None, mail(**changes), envelope(), given, policy(), NOW)


def test_a_suppressed_address_is_not_acknowledged_and_the_agent_gets_the_reason() -> None:
    found = new_mail(SUPPRESSION)

    reasons = [
        str(each.reason) for each in found.decision.events if isinstance(each, e.AcknowledgementSuppressed)
    ]
    assert reasons == ["address bounced: on 2026-11-23, 5.1.1"]
    assert not [notice for notice in found.decision.notices if isinstance(notice, Acknowledgement)]
    assert "earlier mail: address bounced" in str(found.decision.notices[0].because)  # type: ignore[union-attr]
    assert found.lifted == frozenset()


def test_the_reason_automatic_mail_goes_before_the_suppression() -> None:
    found = new_mail(SUPPRESSION, no_auto_reply="list mail (List-Id)")

    reasons = [
        str(each.reason) for each in found.decision.events if isinstance(each, e.AcknowledgementSuppressed)
    ]
    assert reasons == ["list mail (List-Id)"]


OLD = Suppression(BUDI, "bounce", "5.1.1", NOW - DAY)
WEEK_OLD_COMPLAINT = Suppression(BUDI, "complaint", "", NOW - 7 * DAY)


@pytest.mark.parametrize(
    ("suppression", "match", "changes", "lifts"),
    [
        (SUPPRESSION, Match(), {}, False),
        (SUPPRESSION, Match(), {"authentication": Authentication.PASS}, True),
        (SUPPRESSION, ANSWERS_OURS, {}, True),
        (SUPPRESSION, Match(TICKET, "number in the subject", confidence=NUMBER), {}, False),
        (OLD, Match(), {}, True),
        (OLD, Match(), {"authentication": Authentication.FAIL}, False),
        (OLD, Match(), {"no_auto_reply": "Auto-Submitted: auto-replied"}, False),
        (WEEK_OLD_COMPLAINT, Match(), {}, False),
        (WEEK_OLD_COMPLAINT, Match(), {"authentication": Authentication.PASS}, True),
        (OLD, Match(), {"sender": "lain@pelanggan.example"}, True),
        (SUPPRESSION, Match(), {"sender": "lain@x.example", "authentication": Authentication.PASS}, False),
    ],
)
def test_a_mail_from_the_address_lifts_the_suppression_at_once_with_proof_else_after_a_day(
    suppression: Suppression, match: Match, changes: dict[str, object], lifts: bool
) -> None:
    found = lifted({BUDI: suppression}, mail(**changes), envelope(), match, NOW)

    assert (found == {BUDI}) == lifts


def test_a_lifted_address_is_acknowledged_again() -> None:
    found = new_mail(SUPPRESSION, authentication=Authentication.PASS)

    assert found.lifted == {BUDI}
    assert Acknowledgement in [type(notice) for notice in found.decision.notices]


def test_an_agents_answer_is_sent_to_a_suppressed_address() -> None:
    written = mail(sender=RINA.address, visible="Kami cek.")
    tagged = Match(TICKET, by_token=True)
    given = facts(match=tagged, proof="sent from a trusted network", suppressions={BUDI: SUPPRESSION})
    found = on_mail(opened(), written, envelope(), given, policy(), NOW)

    assert [type(notice) for notice in found.decision.notices] == [Answer]


def test_progress_is_not_sent_to_a_suppressed_customer() -> None:
    ticket, late = opened(), NOW + 3 * DAY
    usual = on_deadline(ticket, policy(), late)
    suppressed_step = on_deadline(ticket, policy(), late, SUPPRESSION.as_reason)

    assert Progress in [type(notice) for notice in usual.notices]
    assert Progress not in [type(notice) for notice in suppressed_step.notices]
    reasons = [event.reason for event in suppressed_step.events if isinstance(event, e.ProgressSuppressed)]
    assert reasons == [SUPPRESSION.as_reason]


# --- the ticket of a report -------------------------------------------------------------------------------

TAKING_PART = {TICKET: {BUDI}}


@pytest.mark.parametrize(
    ("clues", "confidence"),
    [
        ({"bounced": TICKET}, CERTAIN),
        ({"returned": (TICKET,)}, CERTAIN),
        ({"reported": (TICKET,), "concerned": (BUDI,)}, NUMBER),
        ({"reported": (TICKET,), "concerned": (DEWI.address,)}, NUMBER),
        ({"recalled": ("<a@pelanggan.example>",), "concerned": (BUDI,)}, NUMBER),
    ],
)
def test_a_report_finds_its_ticket(clues: dict[str, object], confidence: str) -> None:
    given = Clues(sender="mailer-daemon@mx.example", **clues)  # type: ignore[arg-type]
    staff = {TICKET: {DEWI.address}}
    match = match_ticket(given, {"<a@pelanggan.example>": TICKET}, TAKING_PART, staff=staff)

    assert (match.number, match.confidence) == (TICKET, confidence)


@pytest.mark.parametrize("concerned", [(), ("asing@lain.example",)])
def test_a_number_in_a_report_about_another_recipient_is_only_a_claim(concerned: tuple[str, ...]) -> None:
    given = Clues(sender="mailer-daemon@mx.example", reported=(TICKET,), concerned=concerned)
    match = match_ticket(given, {}, TAKING_PART, staff={TICKET: {DEWI.address}})

    assert (match.number, match.claims) == ("", TICKET)
