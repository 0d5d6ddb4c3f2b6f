"""Test how the changes between two policies are grouped for people."""

from mailbot.domain.policy_review.change_groups import Group, Placed, group_changes
from mailbot.domain.policy_review.policy_diff import CHANGED, Change, Difference
from mailbot.domain.routing.pattern_text import shorten_patterns
from tests.builders import NOW


def change(
    name: str, *differences: Difference, old_rule: str = "balance", new_rule: str = "balance"
) -> Change:
    return Change(name, NOW, CHANGED, old_rule, new_rule, differences)


def urgency(word: str, rule: str = "threat") -> tuple[Difference, ...]:
    because = f"{rule}: text contains '{word}'"
    derived = "follows from urgency critical and complexity medium"
    return (
        Difference("priority", "high", "urgent", derived, derived),
        Difference("urgency", "high", "critical", because, because),
    )


def test_mails_with_other_words_are_one_group_that_counts_the_words_and_shows_one_of_each() -> None:
    changes = [change(f"T-{n}", *urgency("viral")) for n in (1, 2, 3)] + [change("T-4", *urgency("media"))]

    assert group_changes(changes) == [
        Group(
            kind=CHANGED,
            old_rule="threat",
            new_rule="threat",
            count=4,
            placed=(Placed("priority", "high", "urgent"),),
            also=("urgency",),
            because=(("text contains 'viral'", 3), ("text contains 'media'", 1)),
            examples=("T-1", "T-4"),
        )
    ]


def test_the_rule_that_let_the_others_go_on_is_named_whichever_rule_won() -> None:
    changes = [change("T-1", *urgency("viral"), old_rule=won, new_rule=won) for won in ("a", "b")]

    assert [(group.old_rule, group.count) for group in group_changes(changes)] == [("threat", 2)]


def test_another_rule_or_another_placement_is_a_group_of_its_own_the_largest_first() -> None:
    moved = Difference(
        "team", "frontline", "payments", "promo: text mentions 'promo'", "promo: text mentions 'promo'"
    )
    changes = [
        change("T-1", *urgency("viral")),
        change("T-2", *urgency("viral", rule="login")),
        change("T-3", moved),
        change("T-4", moved),
    ]

    assert [(group.new_rule, group.count) for group in group_changes(changes)] == [
        ("promo", 2),
        ("threat", 1),
        ("login", 1),
    ]


def test_a_mail_that_falls_to_the_last_rule_shows_the_condition_that_no_longer_holds() -> None:
    rule = Difference(
        "rule", "balance", "rest", "balance: subject contains 'saldo'", "rest: no other rule matched"
    )

    [group] = group_changes([change("T-1", rule, new_rule="rest")])
    assert (group.old_rule, group.new_rule) == ("balance", "rest")
    assert group.because == (("subject contains 'saldo'", 1),)


def test_words_and_patterns_over_forty_characters_are_cut_out() -> None:
    pattern = r"\b(hilang|lenyap)\b[^.!?]{0,40}\b(saldo|uang)\b"

    assert shorten_patterns(f"text matches '{pattern}' and subject contains 'saldo'") == (
        "text matches … and subject contains 'saldo'"
    )
    assert shorten_patterns(f"text matches '{pattern}"[:55]) == "text matches …"
    assert shorten_patterns("text contains 'saldo terpotong'") == "text contains 'saldo terpotong'"
