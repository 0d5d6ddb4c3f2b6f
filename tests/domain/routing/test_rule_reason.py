"""Test the words in which agents read why a rule matched."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mailbot.domain.classify import classify
from mailbot.domain.model import NO_HISTORY
from mailbot.domain.policy import Actions, Rule
from mailbot.domain.reasons import render
from mailbot.domain.routing.conditions import (
    FIELDS,
    AllOf,
    Condition,
    MatchedPart,
    NoneOf,
    RoutingFacts,
    build,
    match_rules,
    operators_of,
)
from mailbot.domain.routing.field_types import Context, Kind
from mailbot.domain.routing.rule_reason import in_words
from mailbot.domain.routing.trace import _SingleRule
from mailbot.domain.routing.why_here import why_here
from mailbot.domain.worktime import ALWAYS
from tests.builders import policy

CONTEXT = Context({"office": ALWAYS}, None)


def facts(**changes: Any) -> RoutingFacts:
    values: dict[str, Any] = {
        "subject": "Saldo terpotong",
        "text": "Saldo saya udah kepotong Rp 350.000, tapi belum masuk.",
        "sender": "budi@pelanggan.example",
        "mailbox": "support@dukungan.example",
        "language": "id",
        "attachment_names": (),
        "attachment_types": (),
        "size": 2000,
        "local_time": datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
        "customer_history": NO_HISTORY,
    }
    return RoutingFacts(**values | changes)


def words(when: Any, language: str, **changes: Any) -> str:
    found = facts(**changes)
    match, *_ = match_rules([_SingleRule(when), _SingleRule()], found)
    return render(in_words(match.parts, found), language)


TERPOTONG = build("text", "contains", ["gagal", "saldo terpotong"])
LONG = r"\b(saldo|uang)\b[^.!?]{0,25}\b(ke|ter|di)(potong|debet)\b|never-in-a-mail-of-anybody"


@pytest.mark.parametrize(
    ("when", "indonesian", "english"),
    [
        (TERPOTONG, 'ada kata "saldo terpotong"', 'the text has "saldo terpotong"'),
        (
            AllOf((TERPOTONG, build("text", "contains", "belum masuk"))),
            'ada kata "saldo terpotong" dan "belum masuk"',
            'the text has "saldo terpotong" and "belum masuk"',
        ),
        (
            build("body", "matches", LONG),
            'ada kata "Saldo saya udah kepotong"',
            'the text has "Saldo saya udah kepotong"',
        ),
        (build("body", "matches", "(?s)saldo.*masuk"), "isinya cocok dengan aturan", "its text fits the rule"),
        (
            AllOf((build("amount", "over", "Rp100.000"), NoneOf((build("subject", "contains", "promo"),)))),
            "nominal lebih dari Rp100.000",
            "an amount is more than Rp100.000",
        ),
        (NoneOf((build("subject", "contains", "promo"),)), "isinya cocok dengan aturan", "its text fits the rule"),
        (build("language", "is", "id"), "bahasa: Indonesia", "the language is Indonesian"),
        (build("authentication", "is", "none"), "pengirim: belum terbukti", "the sender is not proven"),
        (build("known_customer", "is", False), "tidak: pelanggan pernah menulis", "not: the customer wrote before"),
        (build("attachment_name", "exists", False), "nama berkas tidak ada", "a file's name is missing"),
    ],
)  # fmt: skip
def test_a_condition_is_said_in_the_language_of_its_reader(when: Any, indonesian: str, english: str) -> None:
    assert words(when, "id") == indonesian
    assert words(when, "en") == english


VALUES: dict[str, Any] = {
    **dict.fromkeys(("over", "below"), 3),
    **dict.fromkeys(("in_calendar", "outside_calendar"), "office"),
    "within": "mon-fri 08:00-17:00",
}


@pytest.mark.parametrize("name", [*FIELDS, "header.x-priority"])
def test_each_field_and_operator_has_words_without_keys(name: str) -> None:
    for operator in operators_of(name):
        truth = operator == "exists" or (name in FIELDS and FIELDS[name].kind is Kind.TRUTH)
        for value in (True, False) if truth else (VALUES.get(operator, "kata@surel.example"),):
            condition = Condition(name, operator, value, lambda *_: ())
            told = in_words([MatchedPart(condition, (value,))], facts())
            for language in ("id", "en"):
                sentence = render(told, language)
                assert sentence
                assert not any(sign in sentence for sign in ("_", "<", "header.x", "{"))


def test_rules_that_go_on_are_named_where_they_decided_something() -> None:
    rules = (
        Rule("threat", build("text", "contains", "OJK"), Actions(level="L2", urgency="high"), go_on=True),
        Rule("again", build("text", "contains", "belum"), Actions(urgency="high"), go_on=True),
        Rule("photo", build("text", "contains", "Saldo"), Actions(ask_for=("photo",)), go_on=True),
        Rule("money", TERPOTONG, Actions(team="payments")),
        Rule("rest", None, Actions(team="frontline")),
    )
    labels = {"rule": {"money": {"id": "Uang", "en": "Money"}}}
    asked, desk = facts(text="Lapor OJK, belum masuk"), policy(rules=rules, labels=labels)
    why = why_here(classify(desk, asked), asked, desk)
    assert render(why, "id") == 'ada kata "saldo terpotong" (aturan "Uang"); ada kata "OJK" (aturan "Threat")'
    asked = facts(subject="Halo", text="")
    assert render(why_here(classify(desk, asked), asked, desk), "en") == 'no other rule matched (rule "Rest")'
