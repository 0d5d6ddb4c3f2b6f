"""Reasons as data: every code has a text in both languages, and is used with the parameters it names."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import mailbot
from mailbot.domain.actor import POLICY, Actor, ActorKind
from mailbot.domain.model import Status, Target, Turn
from mailbot.domain.reason_texts import TERMS, TEXTS
from mailbot.domain.reasons import NO_REASON, Reason, codes, of, render, together, written


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", TEXTS)
def test_each_code_names_the_same_parameters_in_both_languages(code: str) -> None:
    english, indonesian = TEXTS[code]
    assert _named(english) == _named(indonesian)


def test_each_target_and_status_has_a_term() -> None:
    assert TERMS["target"].keys() == set(Target)
    assert TERMS["status"].keys() == set(Status)
    assert TERMS["turn"].keys() == set(Turn)
    assert TERMS["actor"].keys() == set(ActorKind)


def test_a_reason_is_rendered_in_the_language_of_its_reader() -> None:
    reason = together(of("target_due", target=Target.FIRST_RESPONSE), of("quiet_hours"))
    assert render(reason, "en") == "first response is due; held until the quiet hours were over"
    assert render(reason, "id") == "batas waktu jawaban pertama tercapai; ditahan sampai jam tenang berakhir"


def test_an_actor_in_a_reason_is_named_in_words() -> None:
    assert render(of("by_actor", actor="agent:ayu@example.com"), "id") == "oleh agen ayu@example.com"
    assert render(of("by_actor", actor="policy"), "en") == "by the policy"


def test_a_reason_of_another_version_is_shown_unchanged() -> None:
    assert render(Reason("newer", {"ticket": "TOKO-1"}), "en") == "newer TOKO-1"
    assert render(Reason("has_ticket"), "en") == "has <ticket>"


def test_a_parameter_is_never_read_as_a_format() -> None:
    assert render(written("{actor} {0}"), "en") == "{actor} {0}"


def test_no_words_are_no_reason() -> None:
    assert not written("")
    assert together(NO_REASON, of("spread")) == of("spread")
    assert codes(together(of("spread"), of("on_duty", count=1))) == ("together", "spread", "on_duty")


def test_reasons_are_hashable_and_compare_their_parameters() -> None:
    assert len({of("rule", rule="a"), of("rule", rule="b"), of("rule", rule="a")}) == 2


def test_the_text_of_an_actor_is_read_back() -> None:
    for actor in (POLICY, Actor.agent("ayu@example.com"), Actor.operator("uid 0"), Actor.operator()):
        assert Actor.parse(str(actor)) == actor
    with pytest.raises(ValueError, match="somebody"):
        Actor.parse("somebody")


def _syntax() -> Iterator[tuple[str, ast.AST]]:
    """Walk every node of the sources except the table of texts itself."""
    for path in Path(mailbot.__file__).parent.rglob("*.py"):
        if path.name != "reason_texts.py" and "migrations" not in path.parts:
            yield from ((f"{path}", node) for node in ast.walk(ast.parse(path.read_text())))


def test_each_reason_is_made_with_the_parameters_that_its_text_names() -> None:
    made = 0
    for path, node in _syntax():
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("reasons"), attr="of" | "refuse"),
                args=[ast.Constant(value=code)],
                keywords=keywords,
            ) if all(keyword.arg for keyword in keywords):
                made += 1
                assert {keyword.arg for keyword in keywords} == _named(TEXTS[code][0]), (path, code)
    assert made > 80


def test_each_code_is_used_somewhere() -> None:
    literals = {node.value for _, node in _syntax() if isinstance(node, ast.Constant)}
    assert TEXTS.keys() - literals == set()
