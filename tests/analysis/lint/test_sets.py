"""Twenty sets of rules without findings, and faults seeded in them, all of which are found."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailbot.analysis.lint.checks import FAULT_CHECKS, Finding, Severity, check, faults
from mailbot.domain.policy import Policy
from mailbot.domain.routing import conditions
from tests.analysis.lint.rule_sets import SETS, Data, policy_of, read
from tests.profile import sample

CLEAN = sorted(SETS.glob("*.yaml"))
FAULT, REMARK = Severity.FAULT, Severity.REMARK
Seeded = tuple[Data, str, Severity, str]  # the changed set; the expected finding: kind, severity, rule


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.stem)
def test_a_set_without_faults_has_no_findings(path: Path) -> None:
    policy = policy_of(read(path))
    found = check(policy)
    assert [each.message for each in found if each.severity is not Severity.NOTE] == []
    [gap] = found
    assert gap.kind == "gap"


def test_there_are_twenty_clean_sets() -> None:
    assert len(CLEAN) == 20


# --- seeded faults: each takes a set and a rule of it that has conditions, does not go on, and is alive -----


def _insert(data: Data, place: int, name: str, when: Any, **more: Any) -> Data:
    changed = deepcopy(data)
    rule = {"name": name, "when": when, "then": {"team": "frontline"}, **more}
    changed["rules"].insert(place, rule)
    return changed


def _narrowed(when: Any, **more: Any) -> Any:
    return {"all": [when, more]}


def duplicated_below(data: Data, at: int) -> Seeded:
    return (
        _insert(data, len(data["rules"]) - 1, "seeded", data["rules"][at]["when"]),
        "never-matches",
        FAULT,
        "seeded",
    )


def duplicated_above(data: Data, at: int) -> Seeded:
    name = data["rules"][at]["name"]
    return _insert(data, at, "seeded", data["rules"][at]["when"]), "never-matches", FAULT, name


def special_below_general(data: Data, at: int) -> Seeded:
    when = _narrowed(data["rules"][at]["when"], size={"over": "1 MB"})
    return _insert(data, at + 1, "seeded", when), "never-matches", FAULT, "seeded"


def moved_below_a_wider_one(data: Data, at: int) -> Seeded:
    changed = deepcopy(data)
    moved = changed["rules"].pop(at)
    wider = {"any": [moved["when"], {"subject": {"contains": ["zzz wider"]}}]}
    changed["rules"].insert(0, {"name": "wider", "when": wider, "then": {"team": "payments"}})
    changed["rules"].insert(len(changed["rules"]) - 1, moved)
    return changed, "never-matches", FAULT, moved["name"]


def broadened_by_a_sender(data: Data, at: int) -> Seeded:
    name = data["rules"][at]["name"]
    changed = deepcopy(data)
    everybody = {"any": [{"sender": {"exists": True}}, {"sender": {"exists": False}}]}
    changed["rules"].insert(at, {"name": "seeded", "when": everybody, "then": {"team": "frontline"}})
    return changed, "never-matches", FAULT, name


def shadowed_by_three_languages(data: Data, at: int) -> Seeded:
    name, when, changed = data["rules"][at]["name"], data["rules"][at]["when"], deepcopy(data)
    for language in ("id", "en", "unsure"):
        changed = _insert(changed, at, f"only {language}", _narrowed(when, language={"is": language}))
    return changed, "never-matches", FAULT, name


def shadowed_by_two_sizes(data: Data, at: int) -> Seeded:
    name, when = data["rules"][at]["name"], data["rules"][at]["when"]
    changed = _insert(data, at, "large", _narrowed(when, size={"over": "1 MB"}))
    return (
        _insert(changed, at, "small", _narrowed(when, size={"below": "2 MB"})),
        "never-matches",
        FAULT,
        name,
    )


def shadowed_by_the_calendar_and_its_outside(data: Data, at: int) -> Seeded:
    name, when = data["rules"][at]["name"], data["rules"][at]["when"]
    changed = _insert(data, at, "by day", _narrowed(when, hour={"in_calendar": "office"}))
    changed = _insert(changed, at, "by night", _narrowed(when, hour={"outside_calendar": "office"}))
    return changed, "never-matches", FAULT, name


def _spoiled(data: Data, at: int, **more: Any) -> Seeded:
    changed = deepcopy(data)
    rule = changed["rules"][at]
    rule["when"] = {"all": [rule["when"], more]}
    return changed, "contradiction", FAULT, rule["name"]


def contains_and_none_contains(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, text={"contains": ["saldo saya"]}, none=[{"text": {"contains": ["saldo"]}}])


def itself_and_none_of_itself(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, none=[data["rules"][at]["when"]])


def two_languages(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, all=[{"language": {"is": "id"}}, {"language": {"is": "en"}}])


def sizes_swapped(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, size={"over": "5 MB", "below": "1 MB"})


def counts_swapped(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, open_tickets={"over": 5, "below": 3})


def no_attachments_with_a_name(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, attachments={"below": 1}, attachment_name={"ends_with": ".pdf"})


def weekend_and_working_days(data: Data, at: int) -> Seeded:
    return _spoiled(
        data, at, all=[{"hour": {"within": "sat, sun"}}, {"hour": {"within": "mon-fri 08:00-17:00"}}]
    )


def inside_and_outside_a_calendar(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, hour={"in_calendar": "office", "outside_calendar": "office"})


def at_night_in_office_hours(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, hour={"in_calendar": "office", "within": "mon-wed 18:00-06:00"})


def wrong_domain(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, sender={"ends_with": "@gmail.com"}, sender_domain={"under": "bank.co.id"})


def wrong_mailbox(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, recipient={"is": "nobody@elsewhere.example"})


def is_and_starts_otherwise(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, subject={"is": ["Keluhan"], "starts_with": ["Re:"]})


def too_short_for_both(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, subject={"is": ["Keluhan", "Komplain"], "matches": [r"[0-9]{4}"]})


def known_and_unknown(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, known_customer={"is": True}, none=[{"known_customer": {"is": True}}])


def category_set_before(data: Data, at: int) -> Seeded:
    name, when = data["rules"][at]["name"], data["rules"][at]["when"]
    changed = _insert(data, 0, "seeded", when, go_on=True, then={"category": "seeded"})
    changed["rules"][at + 1]["then"]["category"] = "own"
    return changed, "overridden", FAULT, name


def level_set_before_by_two(data: Data, at: int) -> Seeded:
    name = data["rules"][at]["name"]
    large = {"size": {"over": "1 MB"}}
    changed = _insert(data, 0, "large", large, go_on=True, then={"level": "L2"})
    changed = _insert(changed, 0, "small", {"none": [large]}, go_on=True, then={"level": "L2"})
    changed["rules"][at + 2]["then"]["level"] = "L1"
    return changed, "overridden", FAULT, name


def priority_against_urgency(data: Data, at: int) -> Seeded:
    changed = deepcopy(data)
    changed["rules"][at]["then"] |= {"urgency": "critical", "priority": "low"}
    return changed, "no-effect", REMARK, changed["rules"][at]["name"]


def amounts_swapped(data: Data, at: int) -> Seeded:
    changed = deepcopy(data)
    rule = changed["rules"][at]
    rule["when"] = {"all": [rule["when"], {"amount": {"over": "Rp900.000.000", "below": "Rp100"}}]}
    return changed, "two-amounts", REMARK, rule["name"]


def phrase_within_a_phrase(data: Data, at: int) -> Seeded:
    when = {"text": {"contains": ["zzz satu", "zzz satu dua", "zzz tiga"]}}
    return _insert(data, 0, "seeded", when), "adds-nothing", REMARK, "seeded"


def word_within_a_word_list(data: Data, at: int) -> Seeded:
    when = {"any": [{"text": {"mentions": ["zzz", "yyy"]}}, {"text": {"mentions": ["yyy xxx"]}}]}
    return _insert(data, 0, "seeded", when), "adds-nothing", REMARK, "seeded"


def domain_below_a_domain(data: Data, at: int) -> Seeded:
    when = {"sender_domain": {"under": ["zzz.example", "mail.zzz.example"]}}
    return _insert(data, 0, "seeded", when), "adds-nothing", REMARK, "seeded"


def phrase_taken_above(data: Data, at: int) -> Seeded:
    last = len(data["rules"]) - 1
    when = {"text": {"contains": ["zzz satu", "yyy dua"]}}
    changed = _insert(data, last, "seeded", when)
    upper = {"subject": {"contains": ["satu"]}}
    upper = {"any": [upper, {"body": {"contains": ["satu"]}}]}
    return _insert(changed, 0, "upper", upper), "taken-above", REMARK, "seeded"


def order_alone_decides(data: Data, at: int) -> Seeded:
    last = len(data["rules"]) - 1
    words = {"text": {"contains": ["zzz satu"]}}
    changed = _insert(
        data, last, "lower", {"all": [words, {"language": {"is": "en"}}]}, then={"team": "payments"}
    )
    changed = _insert(changed, last, "upper", {"all": [words, {"size": {"over": "1 MB"}}]})
    return changed, "order-decides", REMARK, "lower"


def subject_against_body(data: Data, at: int) -> Seeded:
    last = len(data["rules"]) - 1
    changed = _insert(data, last, "lower", {"body": {"contains": ["zzz satu"]}}, then={"team": "payments"})
    changed = _insert(changed, last, "upper", {"subject": {"contains": ["zzz satu"]}})
    return changed, "order-decides", REMARK, "lower"


def bounds_that_overlap(data: Data, at: int) -> Seeded:
    last = len(data["rules"]) - 1
    lower = {"amount": {"over": "Rp500.000"}, "text": {"contains": ["zzz satu"]}}
    changed = _insert(data, last, "lower", lower, then={"team": "payments"})
    changed = _insert(changed, last, "upper", {"amount": {"over": "Rp900.000.000"}})
    return changed, "order-decides", REMARK, "lower"


def grave_below(data: Data, at: int) -> Seeded:
    last = len(data["rules"]) - 1
    stolen = {"text": {"contains": ["zzz dicuri"]}}
    changed = _insert(data, last, "grave", stolen, then={"team": "frontline", "urgency": "critical"})
    changed = _insert(changed, 0, "mild", {"text": {"mentions": ["zzz tanya"]}}, then={"team": "payments"})
    return changed, "graver-below", REMARK, "grave"


def _hole(data: Data, at: int, limits: tuple[Any, Any]) -> Seeded:
    """Split a rule at a limit, and leave the limit itself to the rules below."""
    changed, when = deepcopy(data), data["rules"][at]["when"]
    changed["rules"][at]["name"] = "upper"
    changed["rules"][at]["when"] = {"all": [when, limits[0]]}
    return _insert(changed, at + 1, "lower", {"all": [when, limits[1]]}), "hole", REMARK, "lower"


def hole_at_an_amount(data: Data, at: int) -> Seeded:
    return _hole(data, at, ({"amount": {"over": "Rp7.654.321"}}, {"amount": {"below": "Rp7.654.321"}}))


def hole_at_a_size(data: Data, at: int) -> Seeded:
    return _hole(data, at, ({"size": {"below": "3 MB"}}, {"size": {"over": "3 MB"}}))


def hole_at_a_count(data: Data, at: int) -> Seeded:
    return _hole(data, at, ({"open_tickets": {"over": 4}}, {"open_tickets": {"below": 4}}))


def everything_larger_than_nothing(data: Data, at: int) -> Seeded:
    name = data["rules"][at]["name"]
    return _insert(data, at, "seeded", {"size": {"over": 0}}), "never-matches", FAULT, name


def tickets_of_a_stranger(data: Data, at: int) -> Seeded:
    return _spoiled(data, at, known_customer={"is": False}, open_tickets={"over": 0})


SEEDS: tuple[Callable[[Data, int], Seeded], ...] = (
    duplicated_below,
    duplicated_above,
    special_below_general,
    moved_below_a_wider_one,
    broadened_by_a_sender,
    shadowed_by_three_languages,
    shadowed_by_two_sizes,
    shadowed_by_the_calendar_and_its_outside,
    contains_and_none_contains,
    itself_and_none_of_itself,
    two_languages,
    sizes_swapped,
    counts_swapped,
    no_attachments_with_a_name,
    weekend_and_working_days,
    inside_and_outside_a_calendar,
    at_night_in_office_hours,
    wrong_domain,
    wrong_mailbox,
    is_and_starts_otherwise,
    too_short_for_both,
    known_and_unknown,
    category_set_before,
    level_set_before_by_two,
    priority_against_urgency,
    amounts_swapped,
    phrase_within_a_phrase,
    word_within_a_word_list,
    domain_below_a_domain,
    phrase_taken_above,
    order_alone_decides,
    subject_against_body,
    bounds_that_overlap,
    grave_below,
    hole_at_an_amount,
    hole_at_a_size,
    hole_at_a_count,
    everything_larger_than_nothing,
    tickets_of_a_stranger,
)


def _seeded() -> Iterator[tuple[str, Path, Callable[[Data, int], Seeded], int]]:
    """List each kind of fault in every fifth set, each time in another rule."""
    for number, seed in enumerate(SEEDS):
        for place, path in enumerate(CLEAN):
            if (place + number) % 5 == 0:
                data = read(path)
                fit = [i for i, rule in enumerate(data["rules"]) if "when" in rule and not rule.get("go_on")]
                at = fit[(place + number) // 5 % len(fit)]
                yield f"{seed.__name__}-{path.stem}-{at}", path, seed, at


MUTANTS = list(_seeded())


def test_there_are_more_than_a_hundred_seeded_faults() -> None:
    assert len(MUTANTS) > 100


@pytest.mark.parametrize(("name", "path", "seed", "at"), MUTANTS, ids=[each[0] for each in MUTANTS])
def test_a_seeded_fault_is_found_with_a_mail_that_shows_it(
    name: str, path: Path, seed: Callable[[Data, int], Seeded], at: int
) -> None:
    data, kind, severity, of = seed(read(path), at)
    policy = policy_of(data)
    found = check(policy)
    said = [each for each in found if (each.kind, each.severity) == (kind, severity) and each.names[0] == of]
    assert said, [each.message for each in found]
    assert not [each for each in found if each.severity is Severity.UNDECIDED]
    for finding in found:
        _engine_confirms(finding, policy)


@pytest.mark.parametrize(
    ("name", "path", "seed", "at"), sample(MUTANTS, 20), ids=[each[0] for each in sample(MUTANTS, 20)]
)
def test_the_checks_of_a_reload_find_each_fault(
    name: str, path: Path, seed: Callable[[Data, int], Seeded], at: int
) -> None:
    policy = policy_of(seed(read(path), at)[0])
    assert faults(check(policy, checks=FAULT_CHECKS)) == faults(check(policy))


def _engine_confirms(finding: Finding, policy: Policy) -> None:
    """Check with the engine what the example should show."""
    mail = finding.witness.mail if finding.witness else None
    if mail is None:  # nothing is left when the only condition is taken away, or at all
        assert finding.kind in ("contradiction", "gap", "unused")
        return
    index = next(i for i, rule in enumerate(policy.rules) if rule.name == finding.names[0])
    rule = policy.rules[index]
    took = policy.rules[conditions.match_rules(policy.rules, mail)[-1].rule_index].name
    [alone, *_] = conditions.match_rules([replace(rule, go_on=False), policy.rules[-1]], mail)
    match finding.kind:
        case "never-matches" | "taken-above":
            assert (took, alone.rule_index) == (finding.names[1] if len(finding.names) == 2 else took, 0)
            assert took != rule.name
        case "contradiction":
            assert alone.rule_index == 1
        case "hole":
            assert took not in finding.names
        case "order-decides" | "graver-below":
            assert took == finding.names[1]
            assert alone.rule_index == 0
        case _:
            assert index in {hit.rule_index for hit in conditions.match_rules(policy.rules, mail)}
