"""Rules with `learned` in proofs: they may hold or not, and their examples are confirmed by the model."""

from dataclasses import replace

from mailbot.analysis.lint.checks import Budget, Severity, check
from mailbot.analysis.lint.rule_context import build_context
from mailbot.analysis.lint.search import Example
from mailbot.domain.classify import classify
from mailbot.domain.model import NO_HISTORY
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.routing.conditions import When, build
from mailbot.domain.routing.field_types import Context
from mailbot.domain.routing.learned import Learned, Model, Reached
from mailbot.domain.routing.routing_facts import routing_facts
from mailbot.mail.compose.sample_mail import write_example
from mailbot.mail.parsing.parse import parse
from tests import builders

MODEL = Model(
    {"fraud": Learned(-2.0, {"pindah semua": 40.0, "bukan saya": 20.0}, (Reached(0.96, 1.0, 0.5),))},
    {"fraud": 60},
    300,
)
GUESS = build("learned", "is", ["fraud", "0.95 precision"], Context(learned=MODEL))
URGENT = Actions("payment", urgency="critical", team="payments")


def policy_of(*whens: When) -> Policy:
    rules = [Rule(f"rule {number}", when, URGENT) for number, when in enumerate(whens)]
    return builders.policy(rules=(*rules, Rule("rest", None, Actions(team="frontline"))), learned=MODEL)


def found_for(policy: Policy, index: int) -> Example:
    context = build_context(policy, Budget())
    answer = context.search.find(context.formulas[index], context.final_rules(index))
    assert isinstance(answer, Example)
    return answer


def test_a_learned_rule_gets_an_example_that_a_mail_confirms() -> None:
    policy = policy_of(build("text", "contains", ["bukan saya"]), GUESS)
    facts = found_for(policy, 1).mail
    mail = parse(write_example(facts))
    again = routing_facts(mail, "", facts.mailbox, policy, facts.local_time, NO_HISTORY)
    found = classify(policy, replace(again, customer_history=facts.customer_history))
    assert found.rule == "rule 1"
    assert "pindah semua" in found.reason.params["condition"]


def test_a_learned_rule_with_all_its_words_above_is_not_decided_and_never_dead() -> None:
    policy = policy_of(build("text", "contains", ["bukan saya", "pindah semua"]), GUESS)
    [finding] = [each for each in check(policy) if each.kind == "never-matches"]
    assert finding.severity is Severity.UNDECIDED
    assert "learned: fraud at 0.95 precision" in finding.message


def test_a_rule_below_a_learned_one_is_not_dead() -> None:
    policy = policy_of(GUESS, build("text", "contains", ["pindah"]))
    assert [each.message for each in check(policy) if each.severity is Severity.FAULT] == []
    assert "pindah" in found_for(policy, 1).mail.text


def test_a_learned_rule_that_must_stand_below_is_no_remark() -> None:
    guess = Rule("guess", GUESS, replace(URGENT, urgency="critical"))
    milder = Rule("milder", build("text", "contains", ["paket"]), Actions("payment", team="frontline"))
    rest = Rule("rest", None, Actions("payment", team="frontline"))
    policy = builders.policy(rules=(milder, guess, rest), learned=MODEL)
    assert [each.kind for each in check(policy) if each.spot.file == "routing"] == ["gap"]
