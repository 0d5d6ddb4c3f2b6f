"""Grave rules below milder ones: when that is a remark, and when the order is taken as meant."""

from typing import Any

import pytest

from mailbot.analysis.lint.checks import SEVERITIES, Finding, Severity, check
from mailbot.analysis.lint.graver_below import GRAVER
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts
from tests.analysis.lint.rule_sets import policy_of

FRAUD = {"text": {"contains": ["akun dibajak"]}}
PRICE = {"text": {"mentions": ["harga", "ongkir"]}}
CRITICAL, HIGH = {"urgency": "critical"}, {"urgency": "high"}


def rule(name: str, when: Any = None, **then: str) -> dict[str, Any]:
    return {"name": name, "when": when, "then": {"team": "frontline", **then}}


def found(*rules: dict[str, Any], mails: tuple[RoutingFacts, ...] = ()) -> list[Finding]:
    last = {"name": "everything else", "then": {"team": "frontline"}}
    policy = policy_of({"rules": [*rules, last]})
    every = check(policy, test_mails=lambda: mails)
    for finding in every:
        if finding.kind == GRAVER:
            assert finding.witness
            assert finding.witness.mail
            matched = conditions.match_rules(policy.rules, finding.witness.mail)[-1]
            assert policy.rules[matched.rule_index].name in finding.names[1:]
    return [each for each in every if each.kind == GRAVER]


def test_a_grave_rule_is_reported_once_with_all_milder_rules_above_it() -> None:
    late = rule("late", {"text": {"contains": ["belum sampai"]}})
    [finding] = found(rule("price", PRICE), late, rule("fraud", FRAUD, **CRITICAL))
    assert finding.names == ("fraud", "price", "late")
    assert finding.message == (
        "rule 'fraud' (urgent, L1) is below rule 'price' (line 10) and rule 'late' (line 20), which are milder: "
        "mail like this goes there"
    )


def test_what_the_writer_wrote_counts_as_words_too() -> None:
    price, fraud = ({"new_text": each["text"]} for each in (PRICE, FRAUD))
    assert found(rule("price", price), rule("fraud", fraud, **CRITICAL))


def test_it_comes_before_all_other_remarks_and_after_the_faults() -> None:
    twice = rule("twice", {"text": {"contains": ["zzz satu", "zzz satu dua"]}})
    dead = rule("dead", PRICE)
    rules = [
        twice,
        rule("price", PRICE),
        dead,
        rule("fraud", FRAUD, **CRITICAL),
        {"name": "else", "then": {"team": "frontline"}},
    ]
    every = check(policy_of({"rules": rules}))
    assert [each.severity for each in every] == sorted(
        (each.severity for each in every), key=SEVERITIES.index
    )
    assert next(each.kind for each in every if each.severity is Severity.REMARK) == GRAVER


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        ({"urgency": "high"}, {"urgency": "critical"}),
        ({"urgency": "low"}, {"urgency": "critical", "level": "L2"}),
        ({}, {"urgency": "high", "level": "L2"}),
        ({"level": "L2"}, {"priority": "urgent", "level": "management"}),
    ],
)
def test_what_is_graver(upper: dict[str, str], lower: dict[str, str]) -> None:
    assert found(rule("mild", PRICE, **upper), rule("grave", FRAUD, **lower))
    assert not found(rule("grave", FRAUD, **lower), rule("mild", PRICE, **upper))


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        ({}, {"urgency": "high"}),
        ({"urgency": "critical"}, {"urgency": "critical", "level": "L2"}),
        ({"urgency": "high", "level": "L2"}, {"urgency": "critical", "level": "L1"}),
        ({}, {"level": "L2"}),
        ({"level": "L2"}, {"urgency": "high", "level": "L2"}),
    ],
)
def test_what_is_not_graver(upper: dict[str, str], lower: dict[str, str]) -> None:
    assert not found(rule("upper", PRICE, **upper), rule("lower", FRAUD, **lower))


MEANT: dict[str, Any] = {
    "it asks who wrote": {"all": [PRICE, {"sender_domain": {"under": "bank.example"}}]},
    "it asks a header": {"header.list-id": {"exists": True}},
    "it asks how the subject begins": {"subject": {"starts_with": ["automatic reply", "out of office"]}},
    "it is an exception": {"all": [FRAUD, {"text": {"contains": ["contoh artikel"]}}]},
    "it excludes the words": {**PRICE, "none": [{"text": {"contains": ["dibajak"]}}]},
}


@pytest.mark.parametrize("upper", MEANT.values(), ids=MEANT)
def test_an_order_that_is_plainly_meant_is_not_reported(upper: Any) -> None:
    assert not found(rule("upper", upper), rule("fraud", FRAUD, **CRITICAL))


def test_of_a_rule_that_also_asks_who_wrote_the_other_alternatives_are_compared() -> None:
    upper = {"any": [{"sender": {"is": "robot@bank.example"}}, PRICE]}
    [finding] = found(rule("upper", upper), rule("fraud", FRAUD, **CRITICAL))
    assert finding.witness
    assert finding.witness.mail
    assert finding.witness.mail.sender != "robot@bank.example"


def test_a_test_whose_mail_matches_both_shows_that_the_order_is_meant() -> None:
    rules = rule("price", PRICE), rule("fraud", FRAUD, **CRITICAL)
    [finding] = found(*rules)
    assert finding.witness
    assert finding.witness.mail
    assert not found(*rules, mails=(finding.witness.mail,))


def test_a_test_of_another_mail_shows_nothing() -> None:
    rules = rule("price", PRICE), rule("fraud", FRAUD, **CRITICAL)
    [other] = found(rules[0], rule("fraud", {"text": {"contains": ["uang hilang"]}}, **CRITICAL))
    assert other.witness
    assert other.witness.mail
    assert found(*rules, mails=(other.witness.mail,))
