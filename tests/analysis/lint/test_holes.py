"""Holes at a border: which pairs of rules leave the limit itself to nobody."""

from typing import Any

import pytest

from mailbot.analysis.lint.checks import Finding, check
from mailbot.analysis.lint.holes import HOLE
from mailbot.domain.routing import conditions
from tests.analysis.lint.rule_sets import policy_of

REFUND = {"text": {"mentions": ["refund"]}}
OVER, BELOW = {"amount": {"over": "Rp5.000.000"}}, {"amount": {"below": "Rp5.000.000"}}


def rule(name: str, *whens: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "when": {"all": list(whens)}, "then": {"team": "frontline"}, **more}


def found(*rules: dict[str, Any]) -> list[Finding]:
    last = {"name": "everything else", "then": {"team": "frontline"}}
    policy = policy_of({"rules": [*rules, last]})
    holes = [each for each in check(policy) if each.kind == HOLE]
    for each in holes:
        assert each.witness
        assert each.witness.mail
        matched = conditions.match_rules(policy.rules, each.witness.mail)
        assert not {policy.rules[match.rule_index].name for match in matched} & set(each.names)
    return holes


def test_an_exact_amount_between_two_siblings_is_named_with_a_mail() -> None:
    [finding] = found(rule("large", REFUND, OVER), rule("small", REFUND, BELOW))
    assert finding.names == ("small", "large")
    assert finding.message == (
        "`amount` of exactly Rp5.000.000 goes to neither of two rules: 'small' asks for `below`, rule 'large' "
        "(line 10) for `over`"
    )
    assert finding.witness
    assert finding.witness.mail
    assert "Rp5.000.000" in finding.witness.mail.text


LEFT: dict[str, tuple[Any, Any]] = {
    "in other currencies too": (
        {"any": [OVER, {"amount": {"over": "USD 300"}}]}, {"any": [BELOW, {"amount": {"below": "USD 300"}}]}),
    "written otherwise": (OVER, {"amount": {"below": "Rp5 juta"}}),
    "dollars": ({"amount": {"over": "USD 50"}}, {"amount": {"below": "USD 50"}}),
    "sizes": ({"size": {"over": "1 MB"}}, {"size": {"below": "1000 kB"}}),
    "attachments": ({"attachments": {"over": 2}}, {"attachments": {"below": 2}}),
    "one asks for more": ({"all": [OVER, {"language": {"is": "id"}}]}, BELOW),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("turned", [False, True])
def test_a_limit_that_both_leave_out_is_found(name: str, turned: bool) -> None:
    first, second = reversed(LEFT[name]) if turned else LEFT[name]
    assert found(rule("one", REFUND, first), rule("two", REFUND, second))


def test_rules_that_go_on_leave_holes_too() -> None:
    assert found(rule("large", REFUND, OVER, go_on=True), rule("small", REFUND, BELOW, go_on=True))


TAKEN: dict[str, tuple[dict[str, Any], ...]] = {
    "counts without a number between": (
        rule("many", REFUND, {"attachments": {"over": 2}}), rule("few", REFUND, {"attachments": {"below": 3}})),
    "the lower has no limit": (rule("large", REFUND, OVER), rule("other", REFUND)),
    "a rule above takes it": (
        rule("odd", REFUND, {"amount": {"over": "Rp4.999.999", "below": "Rp5.000.001"}}),
        rule("large", REFUND, OVER),
        rule("small", REFUND, BELOW)),
    "the others ask for something else": (
        rule("large", REFUND, OVER), rule("small", {"text": {"mentions": ["transfer"]}}, BELOW)),
    "currencies differ": (rule("large", REFUND, OVER), rule("small", REFUND, {"amount": {"below": "USD 300"}})),
    "limits overlap": (
        rule("large", REFUND, OVER), rule("small", REFUND, {"amount": {"below": "Rp5.000.001"}})),
    "none of the larger": (rule("large", REFUND, OVER), rule("small", REFUND, {"none": [OVER]})),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_a_limit_that_a_rule_takes_is_no_hole(name: str) -> None:
    assert not found(*TAKEN[name])


# --- hours ------------------------------------------------------------------------------------------------


def at(*hours: str) -> dict[str, Any]:
    return {"hour": {"within": list(hours)}}


def test_minutes_that_two_rules_leave_out_are_named() -> None:
    [finding] = found(rule("day", REFUND, at("08:00-16:59")), rule("night", REFUND, at("17:00-07:59")))
    assert finding.names == ("night", "day")
    assert finding.witness
    assert finding.witness.mail
    moment = finding.witness.mail.local_time
    assert f"such as {moment:%A %H:%M}" in finding.message
    assert (moment.hour, moment.minute) in {(7, 59), (16, 59)}


def test_an_hour_between_three_shifts_is_named() -> None:
    shifts = ("06:00-14:00", "14:00-21:00", "22:00-06:00")
    [finding] = found(*(rule(each, REFUND, at(each)) for each in shifts))
    assert finding.names == (shifts[2], *shifts[:2])


def test_a_calendar_and_hours_beside_it_may_leave_a_hole() -> None:
    rest = at("mon-fri 00:00-08:00", "mon-fri 17:30-24:00", "sat, sun")
    assert found(rule("open", REFUND, {"hour": {"in_calendar": "office"}}), rule("closed", REFUND, rest))


COVERED: dict[str, tuple[dict[str, Any], ...]] = {
    "the whole day": (rule("day", REFUND, at("08:00-17:00")), rule("night", REFUND, at("17:00-08:00"))),
    "inside and outside": (
        rule("open", REFUND, {"hour": {"in_calendar": "office"}}),
        rule("closed", REFUND, {"hour": {"outside_calendar": "office"}})),
    "the weekend is left to others": (
        rule("day", REFUND, at("mon-fri 08:00-17:00")), rule("night", REFUND, at("mon-fri 17:00-24:00"))),
    "other words": (
        rule("day", REFUND, at("08:00-16:59")), rule("night", {"text": {"mentions": ["saldo"]}}, at("17:00-07:59"))),
    "a rule above takes the rest": (
        rule("minute", REFUND, at("16:00-18:00", "07:00-09:00")),
        rule("day", REFUND, at("08:00-16:59")),
        rule("night", REFUND, at("17:00-07:59"))),
}  # fmt: skip


@pytest.mark.parametrize("name", COVERED)
def test_hours_that_are_covered_or_left_out_on_purpose_are_no_hole(name: str) -> None:
    assert not found(*COVERED[name])
