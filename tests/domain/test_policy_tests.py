"""Run the admins' own tests and explain each mismatch."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailbot.domain.model import NO_HISTORY, CustomerHistory, InboundMail, Target
from mailbot.domain.policy import Actions, Moment, Policy, Rule
from mailbot.domain.policy_review import policy_tests
from mailbot.domain.policy_review.policy_tests import Expected, Result
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


def run(received: InboundMail, policy: Policy, history: CustomerHistory = NO_HISTORY) -> Result:
    return policy_tests.run_mail(policy, received, envelope(), history, NOW)


def expect(key: str, *values: str, **more: Any) -> Expected:
    return Expected(key, values, **more)


def mismatches(result: Result, *expected: Expected) -> list[tuple[str, str, str]]:
    return [
        (found.expected.key, found.actual, found.explanation)
        for found in policy_tests.find_mismatches(expected, result)
    ]


PAID = mail(subject="Saldo terpotong", sender="vip@toko.example")


@pytest.mark.parametrize(
    "wanted",
    [
        expect("rule", "payment"),
        expect("rule", "vip"),  # it let the others go on, and matched
        expect("not_rule", "everything else"),
        expect("category", "payment"),
        expect("urgency", "high"),
        expect("complexity", "medium"),
        expect("priority", "high"),
        expect("team", "payments"),
        expect("level", "L1"),
        expect("ladder", "standard"),
        expect("tags", "vip"),  # others may be on it
        expect("tags", "money", "vip"),
        expect("agent", "Dewi"),
        expect("agent", "dewi@tim.example"),
    ],
)
def test_an_expected_result_is_no_mismatch(wanted: Expected) -> None:
    assert mismatches(run(PAID, policy(rules=RULES)), wanted) == []


@pytest.mark.parametrize(
    ("wanted", "actual", "explanation"),
    [
        (
            expect("team", "frontline"),
            "payments",
            "rule 'payment' (line 7) decided: subject contains 'saldo'",
        ),
        (expect("tags", "late"), "vip, money", "rule 'vip' (line 3) decided: sender is 'vip@toko.example'"),
        (
            expect("rule", "everything else"),
            "payment, vip",
            "rule 'payment' (line 7) decided: subject contains 'saldo', "
            "before rule 'everything else' was tested",
        ),
        (
            expect("not_rule", "refund", "vip"),
            "payment, vip",
            "rule 'vip' (line 3) decided: sender is 'vip@toko.example'",
        ),
        (
            expect("level", "L2"),
            "L1",
            "no rule sets it; rule 'payment' (line 7) decided: subject contains 'saldo'",
        ),
        (expect("priority", "low"), "high", "it follows from urgency high and complexity medium"),
        (expect("agent", "nobody"), "Dewi", "1 of 1 on duty; the language Indonesian"),
        (expect("details.order", "INV-1"), "nothing", "there is none in its subject or text"),
    ],
)
def test_a_mismatch_shows_the_actual_value_and_the_deciding_condition(
    wanted: Expected, actual: str, explanation: str
) -> None:
    assert mismatches(run(PAID, policy(rules=RULES)), wanted) == [(wanted.key, actual, explanation)]


def test_a_rule_that_should_have_matched_shows_the_failed_condition_and_its_value() -> None:
    result = run(mail(subject="Barang"), policy(rules=RULES))
    [(_, names, explanation)] = mismatches(result, expect("rule", "payment"))
    assert names == "everything else"
    assert explanation == (
        "rule 'payment' (line 7) did not match: subject contains 'saldo' or 'top up' (it was 'Barang')"
    )


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        (Moment(Target.FIRST_RESPONSE), "2026-11-23 12:00"),  # 11:00 in Makassar, an hour of work
        (Moment(Target.FIRST_RESPONSE, 0.5), "2026-11-23 11:30"),
        (Moment(Target.RESOLUTION, 1.0, timedelta(seconds=30)), "2026-11-24 11:00:30"),
    ],
)
def test_deadlines_are_shown_in_local_time_of_the_teams_calendar(moment: Moment, wanted: str) -> None:
    result = run(mail(), with_calendar(OFFICE))
    other = expect("deadlines.x", "2026-11-23 09:00", moment=moment)
    [(_, shown, explanation)] = mismatches(result, other)
    assert shown == wanted
    assert "of work time of calendar 'always'" in explanation
    assert mismatches(result, expect("deadlines.x", shown, moment=moment)) == []


def test_a_clock_that_does_not_run_yet_is_explained() -> None:
    wanted = expect("deadlines.next_response", "2026-11-23 09:00", moment=Moment(Target.NEXT_RESPONSE))
    [(_, actual, explanation)] = mismatches(run(mail(), policy()), wanted)
    assert (actual, explanation) == (
        "nothing",
        "that clock does not run on a new ticket of ladder 'standard'",
    )


def test_rules_see_the_customer_history_of_the_test() -> None:
    known = CustomerHistory(known_customer=True, open_tickets=3, reopened=True, escalated_before=True)
    result = run(mail(), policy(), known)
    assert result.routed is not None
    assert result.routed.customer_history == replace(known, looked_up=True)


def test_a_mail_that_opens_no_ticket_is_one_mismatch() -> None:
    thanks = mail(visible="Terima kasih", text="Terima kasih")
    result = run(thanks, policy(), CustomerHistory(reopened=True))
    assert mismatches(result, expect("team", "x"), expect("level", "y")) == [
        ("team", "nothing", "the mail opened no ticket, so no rule was tested")
    ]


def test_a_run_is_repeatable_and_a_test_without_a_time_has_the_default() -> None:
    assert run(PAID, policy(rules=RULES)) == run(PAID, policy(rules=RULES))
    at = policy_tests.moment_of(None, with_calendar(OFFICE))
    assert at == datetime(2026, 11, 23, 2, tzinfo=UTC)  # 10:00 in Makassar
