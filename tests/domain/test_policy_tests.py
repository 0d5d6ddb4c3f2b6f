"""The admins' own tests, run: what came instead of what was expected, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailbot.domain import policy_tests
from mailbot.domain.model import NO_HISTORY, CustomerHistory, InboundMail, Target
from mailbot.domain.policy import Actions, Moment, Policy, Rule
from mailbot.domain.policy_tests import Expected, Outcome
from mailbot.domain.routing.conditions import build
from mailbot.domain.worktime import Calendar, hours
from tests.builders import NOW, envelope, mail, policy, with_calendar

OFFICE = Calendar("always", "Asia/Makassar", ((hours("08:00-12:00"), hours("13:00-17:00")),) * 5 + ((), ()))
RULES = (
    Rule("vip", build("sender", "is", "vip@toko.example"), Actions(tags=("vip",)), 3, go_on=True),
    Rule(
        "payment",
        build("subject", "contains", ["saldo", "top up"]),
        Actions("payment", "high", "medium", ("money",), "payments"),
        7,
    ),
    Rule("everything else", None, Actions(team="frontline"), 20),
)


def run(letter: InboundMail, policy: Policy, known: CustomerHistory = NO_HISTORY) -> Outcome:
    return policy_tests.rehearse(policy, letter, envelope(), known, NOW)


def expected(what: str, *wanted: str, **more: Any) -> Expected:
    return Expected(what, wanted, **more)


def wrong(came: Outcome, *wanted: Expected) -> list[tuple[str, str, str]]:
    return [(each.expected.what, each.came, each.because) for each in policy_tests.compare(wanted, came)]


PAID = mail(subject="Saldo terpotong", sender="vip@toko.example")


@pytest.mark.parametrize(
    "wanted",
    [
        expected("rule", "payment"),
        expected("rule", "vip"),  # it let the others go on, and matched
        expected("not_rule", "everything else"),
        expected("category", "payment"),
        expected("urgency", "high"),
        expected("complexity", "medium"),
        expected("priority", "high"),
        expected("team", "payments"),
        expected("level", "L1"),
        expected("ladder", "standard"),
        expected("tags", "vip"),  # others may be on it
        expected("tags", "money", "vip"),
        expected("agent", "Dewi"),
        expected("agent", "dewi@tim.example"),
    ],
)
def test_what_comes_out_as_expected_is_no_mismatch(wanted: Expected) -> None:
    assert wrong(run(PAID, policy(rules=RULES)), wanted) == []


@pytest.mark.parametrize(
    ("wanted", "came", "because"),
    [
        (
            expected("team", "frontline"),
            "payments",
            "rule 'payment' (line 7) decided: subject contains 'saldo'",
        ),
        (expected("tags", "late"), "vip, money", "rule 'vip' (line 3) decided: sender is 'vip@toko.example'"),
        (
            expected("rule", "everything else"),
            "payment, vip",
            "rule 'payment' (line 7) decided: subject contains 'saldo', "
            "before rule 'everything else' was asked",
        ),
        (
            expected("not_rule", "refund", "vip"),
            "payment, vip",
            "rule 'vip' (line 3) decided: sender is 'vip@toko.example'",
        ),
        (
            expected("level", "L2"),
            "L1",
            "no rule names it; rule 'payment' (line 7) decided: subject contains 'saldo'",
        ),
        (expected("priority", "low"), "high", "it follows from urgency high and complexity medium"),
        (expected("agent", "nobody"), "Dewi", "1 of 1 on duty; the language id"),
        (expected("details.order", "INV-1"), "nothing", "there is none in its subject or text"),
    ],
)
def test_a_mismatch_says_what_came_and_which_condition_decided(
    wanted: Expected, came: str, because: str
) -> None:
    assert wrong(run(PAID, policy(rules=RULES)), wanted) == [(wanted.what, came, because)]


def test_a_rule_that_should_have_matched_says_which_condition_said_no_and_what_it_saw() -> None:
    came = run(mail(subject="Barang"), policy(rules=RULES))
    [(_, names, because)] = wrong(came, expected("rule", "payment"))
    assert names == "everything else"
    assert because == (
        "rule 'payment' (line 7) said no: subject contains 'saldo' or 'top up' (it was 'Barang')"
    )


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        (Moment(Target.FIRST_RESPONSE), "2026-11-23 12:00"),  # 11:00 in Makassar, an hour of work
        (Moment(Target.FIRST_RESPONSE, 0.5), "2026-11-23 11:30"),
        (Moment(Target.RESOLUTION, 1.0, timedelta(seconds=30)), "2026-11-24 11:00:30"),
    ],
)
def test_deadlines_are_told_by_the_clock_of_the_teams_calendar(moment: Moment, wanted: str) -> None:
    came = run(mail(), with_calendar(OFFICE))
    other = expected("deadlines.x", "2026-11-23 09:00", moment=moment)
    [(_, shown, because)] = wrong(came, other)
    assert shown == wanted
    assert "of work time of calendar 'always'" in because
    assert wrong(came, expected("deadlines.x", shown, moment=moment)) == []


def test_a_clock_that_does_not_run_yet_says_so() -> None:
    wanted = expected("deadlines.next_response", "2026-11-23 09:00", moment=Moment(Target.NEXT_RESPONSE))
    [(_, came, because)] = wrong(run(mail(), policy()), wanted)
    assert (came, because) == ("nothing", "that clock does not run on a new ticket of ladder 'standard'")


def test_the_circumstances_of_a_test_are_those_that_the_rules_are_told() -> None:
    known = CustomerHistory(known_customer=True, open_tickets=3, reopened=True, escalated_before=True)
    came = run(mail(), policy(), known)
    assert came.routed is not None
    assert came.routed.customer_history == replace(known, looked_up=True)


def test_a_mail_that_opens_no_ticket_fails_once_and_says_so() -> None:
    thanks = mail(visible="Terima kasih", text="Terima kasih")
    came = run(thanks, policy(), CustomerHistory(reopened=True))
    assert wrong(came, expected("team", "x"), expected("level", "y")) == [
        ("team", "nothing", "it opened no ticket, so no rule was asked")
    ]


def test_a_run_is_the_same_each_time_and_a_test_without_a_moment_has_one() -> None:
    assert run(PAID, policy(rules=RULES)) == run(PAID, policy(rules=RULES))
    at = policy_tests.moment_of(None, with_calendar(OFFICE))
    assert at == datetime(2026, 11, 23, 2, tzinfo=UTC)  # 10:00 in Makassar
