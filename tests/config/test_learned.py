"""Test rules with `learned`: their file is part of the policy, and they can only raise what a ticket gets."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailbot.config.api import load_sources, load_to_decide
from mailbot.config.checks import learned_rules
from mailbot.config.yaml.source import Source
from mailbot.domain.classify import classify
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.routing.conditions import (
    COMPLEXITIES,
    PRIORITIES,
    URGENCIES,
    Condition,
    build,
    is_learned,
)
from mailbot.domain.routing.learned import Learned, Model, Reached, encode
from tests import builders
from tests.config.faults import TODAY, brief, lay, loaded, problems
from tests.domain.routing.test_rule_reason import facts

FRAUD = Learned(-1.0, {"bukan saya": 20.0}, (Reached(0.96, 1.0, 0.5),))
MODEL = Model({"fraud": FRAUD}, {"fraud": 70, "promo": 20}, 500)
ROUTING = """\
learned: learned.json
rules:
  - name: late parcel
    when: {text: {contains: paket}}
    then: {team: frontline, urgency: high}
  - name: like earlier fraud
    when: {learned: {is: fraud, at_least: 0.95 precision}}
    then: {team: frontline, urgency: high}
  - name: everything else
    then: {team: frontline}
"""


def lay_learned(directory: Path, model: str | None = encode(MODEL), **changes: str) -> Path:
    lay(directory)
    text = ROUTING
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    (directory / "routing.yaml").write_text(text)
    if model is not None:
        (directory / "learned.json").write_text(model)
    return directory


# --- the file ---------------------------------------------------------------------------------------------


def test_a_mail_that_no_rule_knows_is_judged_by_what_was_learned(tmp_path: Path) -> None:
    policy = loaded(lay_learned(tmp_path)).policy
    found = classify(policy, facts(text="itu bukan saya"))
    assert (found.rule, found.priority) == ("like earlier fraud", "high")
    assert found.reason.params["condition"] == "learned: fraud, from 'bukan saya'"
    assert classify(policy, facts(text="paket itu bukan saya")).rule == "late parcel"
    assert classify(policy, facts(text="itu saya")).rule == "everything else"


def test_another_model_is_another_version_of_the_policy(tmp_path: Path) -> None:
    first = loaded(lay_learned(tmp_path))
    (tmp_path / "learned.json").write_text(encode(replace(MODEL, tickets=501)))
    second = loaded(tmp_path)
    assert first.policy.version != second.policy.version
    again = load_sources(first.sources, {}, TODAY).policy
    assert (again.version, again.learned) == (first.policy.version, MODEL)


def test_a_command_that_decides_takes_the_model_with_the_cached_policy(tmp_path: Path) -> None:
    directory, env = lay_learned(tmp_path), {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    load_to_decide(directory, env)
    kept = load_to_decide(directory, env).policy
    assert kept.learned == MODEL
    assert classify(kept, facts(text="itu bukan saya")).rule == "like earlier fraud"
    (directory / "learned.json").write_text(
        encode(replace(MODEL, categories={"fraud": replace(FRAUD, start=-90.0)}))
    )
    assert (
        classify(load_to_decide(directory, env).policy, facts(text="itu bukan saya")).rule
        == "everything else"
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, "routing.yaml:1:10: there is no file `learned.json`"),
        ("", "routing.yaml:1:10: `learned.json` can't be used: "),
        ("{}", "routing.yaml:1:10: `learned.json` can't be used: it is no model of `mailbot rules learn`"),
        (encode(MODEL)[:-20], "routing.yaml:1:10: `learned.json` can't be used: "),
        (json.dumps({"format": 9}), "routing.yaml:1:10: `learned.json` can't be used: it has format 9"),
        ("x" * 1_100_000, "routing.yaml:1:10: `learned.json` can't be read"),
    ],
    ids=["missing", "empty", "another", "cut", "newer", "large"],
)  # fmt: skip
def test_a_file_that_can_not_be_used_is_named_at_its_place(
    tmp_path: Path, model: str | None, message: str
) -> None:
    [found] = problems(lay_learned(tmp_path, model))
    assert brief(found).startswith(message)
    assert found.hint == "`mailbot rules learn` makes it"


# --- the condition ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{is: fraud}", "say how sure it must be: at_least: 0.95 precision"),
        ("{at_least: 0.9 precision}", "`is` takes one category"),
        ("{is: [fraud, promo], at_least: 0.9 precision}", "`is` takes one category"),
        ("{is: fraud, at_least: 0.99 precision}", "`fraud` was learned to a precision of 0.96 at most"),
        ("{is: promo, at_least: 0.9 precision}", "`promo` is not learned: 20 of 500 tickets are of it"),
        ("{is: fraud, at_least: 0.9}", "say how sure it must be: at_least: 0.95 precision"),
        ("{is: fraud, at_least: sure}", "write it like 0.95 precision"),
        ("{is: fraud, over: 3}", "there is no operator `over`"),
        ("fraud", "`learned` needs an operator"),
    ],
)
def test_a_condition_that_can_not_be_learned_is_refused_at_its_place(
    tmp_path: Path, written: str, message: str
) -> None:
    [found] = problems(lay_learned(tmp_path, when=("{is: fraud, at_least: 0.95 precision}", written)))
    assert brief(found).startswith("routing.yaml:7:")
    assert message in found.message


def test_a_condition_without_any_file_is_refused(tmp_path: Path) -> None:
    [found] = problems(lay_learned(tmp_path, None, file=("learned: learned.json\n", "")))
    assert found.message == "nothing is learned yet"


# --- it can only raise ------------------------------------------------------------------------------------


def test_a_rule_that_could_lower_a_ticket_is_refused(tmp_path: Path) -> None:
    end = "{{team: frontline, urgency: {}}}\n  - name: everything"
    [found] = problems(lay_learned(tmp_path, change=(end.format("high"), end.format("low"))))
    assert brief(found).startswith("routing.yaml:8:5")
    assert (
        "could lower a ticket: priority low where it gets normal by rule `everything else`" in found.message
    )


def test_a_rule_above_one_that_knows_is_refused(tmp_path: Path) -> None:
    swapped = lay_learned(
        tmp_path,
        first=("text: {contains: paket}", "learned: {is: fraud, at_least: 0.9 precision}"),
        second=(
            "    when: {learned: {is: fraud, at_least: 0.95 precision}}",
            "    when: {text: {contains: paket}}",
        ),
    )
    [found] = problems(swapped)
    assert brief(found).startswith(
        "routing.yaml:4:5: a rule with `learned` can't be above others: rule `like earlier fraud` is below"
    )
    assert found.hint == "move it to just above the last rule, or add `go_on: true`"


def test_above_others_a_rule_that_goes_on_sets_only_what_can_not_take_a_ticket_away(tmp_path: Path) -> None:
    go_on = ("{contains: paket}}\n    then: {team: frontline, urgency: high}",
             "{contains: paket}}\n    then: {team: frontline}\n    go_on: true")  # fmt: skip
    learned = ("text: {contains: paket}", "learned: {is: fraud, at_least: 0.9 precision}")
    other = (
        "    when: {learned: {is: fraud, at_least: 0.95 precision}}",
        "    when: {text: {contains: paket}}",
    )
    [found] = problems(lay_learned(tmp_path, go_on=go_on, learned=learned, other=other))
    assert "a rule with `learned` can't set `team` above other rules" in found.message


URGENCY, COMPLEXITY = (st.sampled_from((None, *each)) for each in (URGENCIES, COMPLEXITIES))
THEN = st.builds(
    Actions,
    urgency=URGENCY,
    complexity=COMPLEXITY,
    priority=st.sampled_from((None, None, *PRIORITIES)),
    level=st.sampled_from((None, "L1", "L2")),
    team=st.just("frontline"),
)
WORDS = ("satu", "dua", "tiga")


def _learned(word: str) -> Condition:
    """Make a condition that holds by chance: for texts with this word."""
    asked = build("text", "contains", [word])
    return Condition("learned", "is", ("fraud", word), lambda texts, hits=None: asked.test(texts))


def _rule(number: int, is_learned: bool, word: str, then: Actions, go_on: bool) -> Rule:
    when = _learned(word) if is_learned else build("text", "contains", [word])
    return Rule(f"rule {number}", when, then, go_on=go_on)


def _stands_low(row: tuple[bool, str, Actions, bool]) -> bool:
    return row[0] and not row[3]


RULES = st.lists(
    st.tuples(st.booleans(), st.sampled_from(WORDS), THEN, st.booleans()), min_size=1, max_size=5
).map(lambda rows: [_rule(number, *row) for number, row in enumerate(sorted(rows, key=_stands_low))])


@given(RULES, THEN, st.sets(st.sampled_from(WORDS)))
def test_rules_that_pass_the_check_never_lower_a_ticket(
    rules: list[Rule], last: Actions, words: set[str]
) -> None:
    policy = builders.policy(rules=(*rules, Rule("rest", None, last)))
    assume(not _check(policy))
    without = replace(
        policy, rules=tuple(each for each in policy.rules if not is_learned(each.when)), cache={}
    )
    mail = facts(subject="Halo", text=" ".join(sorted(words)))
    before, after = classify(without, mail), classify(policy, mail)
    assert PRIORITIES.index(after.priority) >= PRIORITIES.index(before.priority)
    assert policy.levels.index(after.level) >= policy.levels.index(before.level)


def _check(policy: Policy) -> list[str]:
    return [each.message for each in learned_rules.check(policy, Source("routing.yaml"))]


def _with(then: Actions, **more: Any) -> Policy:
    rules = (
        Rule("guess", _learned("satu"), then, go_on=more.pop("go_on", False)),
        Rule("rest", None, Actions(team="frontline")),
    )
    return builders.policy(rules=rules, **more)


def test_a_later_target_is_a_lower_one() -> None:
    slow = replace(
        builders.STANDARD,
        name="slow",
        targets={key: span * 2 for key, span in builders.STANDARD.targets.items()},
    )
    ladders = {"standard": builders.STANDARD, "slow": slow}
    [found] = _check(_with(Actions(team="frontline", urgency="high", ladder="slow"), ladders=ladders))
    assert "on ladder slow, which is later than on ladder standard" in found
    assert _check(_with(Actions(team="frontline", urgency="high"), ladders=ladders)) == []


def test_what_rules_above_set_counts_too() -> None:
    above = Rule("above", build("text", "contains", ["dua"]), Actions(urgency="high"), go_on=True)
    guess = Rule("guess", _learned("satu"), Actions(team="frontline", urgency="high", complexity="low"))
    rest = Rule("rest", None, Actions(team="frontline", complexity="high"))
    assert _check(builders.policy(rules=(guess, rest))) == []
    [found] = _check(builders.policy(rules=(above, guess, rest)))
    assert "priority high where it gets urgent" in found
