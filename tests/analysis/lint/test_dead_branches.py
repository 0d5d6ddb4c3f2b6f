"""Alternatives that no mail can use: found with what takes their mail, in rules that work otherwise."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.analysis.lint.checks import Budget, Finding, Severity, check
from mailbot.analysis.lint.dead_branches import DEAD, find
from mailbot.analysis.lint.redundant_values import TAKEN
from mailbot.analysis.lint.rule_context import build_context
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import AnyOf
from tests.analysis.lint.rule_sets import policy_of
from tests.analysis.lint.universe import MAILS, whens
from tests.analysis.lint.universe import policy_of as small_policy

ONE, TWO = {"text": {"contains": ["zzz satu"]}}, {"text": {"contains": ["zzz dua"]}}
LARGE = {"size": {"over": "1 MB"}}


def found(*whens: Any, kind: str = DEAD) -> list[Finding]:
    rules = [
        {"name": f"rule {at}", "when": when, "then": {"team": "payments"}} for at, when in enumerate(whens)
    ]
    policy = policy_of({"rules": [*rules, {"name": "everything else", "then": {"team": "frontline"}}]})
    return [each for each in check(policy) if each.kind == kind]


def test_an_alternative_whose_conditions_exclude_each_other_is_a_fault() -> None:
    never = {"all": [{"language": {"is": "id"}}, {"language": {"is": "en"}}]}
    [finding] = found({"any": [ONE, never]})
    assert finding.severity is Severity.FAULT
    assert finding.message == (
        "rule 'rule 0': no mail can fulfil its alternative: language is 'id' and language is 'en'"
    )


def test_an_alternative_that_the_rest_of_the_rule_excludes_is_a_fault() -> None:
    [finding] = found({"all": [LARGE, {"any": [ONE, {"all": [TWO, {"size": {"below": "2 KB"}}]}]}]})
    assert finding.severity is Severity.FAULT


def test_an_alternative_inside_of_an_alternative_is_found() -> None:
    never = {"all": [{"language": {"is": "id"}}, {"language": {"is": "en"}}]}
    [finding] = found({"any": [ONE, {"all": [LARGE, {"any": [TWO, never]}]}]})
    assert finding.names == ("rule 0",)


def test_an_alternative_whose_mail_a_rule_above_takes_is_a_remark_with_such_a_mail() -> None:
    bank, desk = ({"sender": {"ends_with": each}} for each in ("@bank.example", "cs@bank.example"))
    [finding] = found(bank, {"any": [TWO, desk]})
    assert finding.severity is Severity.REMARK
    assert finding.names == ("rule 1", "rule 0")
    assert finding.witness
    assert finding.witness.mail
    assert finding.witness.mail.sender.endswith("cs@bank.example")


def test_two_rules_above_may_take_an_alternative_together() -> None:
    small = {"size": {"below": "2 MB"}}
    word = {"sender": {"ends_with": "@bank.example"}}
    [finding] = found({"all": [word, LARGE]}, {"all": [word, small]}, {"any": [TWO, word]})
    assert "rule 'rule 0' (line 10) and rule 'rule 1' (line 20) together take all of it" in finding.message


def test_an_address_that_is_no_mailbox_is_a_value_without_mail() -> None:
    [finding] = found({"recipient": {"is": ["support@dukungan.example", "old@dukungan.example"]}})
    assert finding.severity is Severity.REMARK
    assert finding.spot.item == "old@dukungan.example"


def test_a_phrase_that_a_rule_above_takes_is_reported_once() -> None:
    whens = ONE, {"any": [TWO, {"all": [ONE, LARGE]}]}
    assert not found(*whens)
    assert found(*whens, kind=TAKEN)


def test_words_that_a_rule_above_mentions_are_taken() -> None:
    word, words = ({"text": {"mentions": [each]}} for each in ("zzz", "zzz satu"))
    [finding] = found(word, {"any": [TWO, words]}, kind=TAKEN)
    assert "mentions 'zzz satu'" in finding.message
    assert not found(word, {"any": [TWO, {"text": {"mentions": ["zzzsatu"]}}]}, kind=TAKEN)


@pytest.mark.parametrize(
    "when",
    [
        {"any": [ONE, TWO, {"all": [LARGE, {"language": {"is": "en"}}]}]},
        {"hour": {"within": ["mon-fri 08:00-17:00", "sat, sun"]}},
        {"none": [{"any": [ONE, {"all": [{"language": {"is": "id"}}, {"language": {"is": "en"}}]}]}]},
    ],
)
def test_alternatives_that_work_are_not_reported(when: Any) -> None:
    assert not found(when)


@given(st.lists(whens(), min_size=0, max_size=3), whens(), whens())
def test_no_mail_uses_an_alternative_that_is_reported(above: list[Any], one: Any, other: Any) -> None:
    policy = small_policy([*above, AnyOf((one, other))])
    context = build_context(policy, Budget())
    at = len(above)
    for finding in find(context):
        if finding.spot.path[1] != at or finding.spot.item:
            continue
        for part in (one, other):
            if f"its alternative: {part}" not in finding.message.replace(". rule", " rule"):
                continue
            alone = small_policy([*above, part])
            reached = {
                match.rule_index for mail in MAILS for match in conditions.match_rules(alone.rules, mail)
            }
            assert at not in reached
