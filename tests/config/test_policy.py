"""Test the policy that the YAML builds: names resolved, defaults filled in."""

from datetime import timedelta
from pathlib import Path

from mailbot.domain.model import Target
from mailbot.domain.policy import Actions, Agent, Moment, Rate, Step
from mailbot.domain.routing.conditions import AllOf, AnyOf, NoneOf
from tests.config.faults import BASE, brief, lay, loaded, problems


def test_names_are_replaced_by_addresses_and_texts_by_spans(tmp_path: Path) -> None:
    policy = loaded(lay(tmp_path)).policy
    ladder = policy.ladders["standard"]
    assert ladder.targets == {
        Target.FIRST_RESPONSE: timedelta(minutes=30),
        Target.RESOLUTION: timedelta(hours=8),
    }
    assert ladder.steps[0] == Step(Moment(Target.FIRST_RESPONSE, 0.75), remind="assignee")
    assert ladder.steps[1].acknowledge_within == timedelta(minutes=15)
    assert ladder.steps[2].notify == ("dewi@staf.example", "citra@staf.example", "bos@luar.example")
    assert policy.teams["frontline"].agents[0] == Agent("Ayu Lestari", "ayu@staf.example", "L1")
    assert policy.levels == ("L1", "L2", "management")
    assert policy.answers.per_address == (Rate(1, timedelta(minutes=10)), Rate(5, timedelta(days=1)))


def test_rules_keep_their_order_their_line_and_their_defaults(tmp_path: Path) -> None:
    first, last = loaded(lay(tmp_path)).policy.rules
    assert (first.name, first.line, last.line) == ("failed payment", 2, 8)
    assert last.then == Actions(team="frontline")
    assert last.when is None
    assert isinstance(first.when, AnyOf)


def test_several_conditions_mean_all_and_groups_nest(tmp_path: Path) -> None:
    text = (BASE / "routing.yaml").read_text()
    start, end = text.index("    when:"), text.index("    then:")
    (lay(tmp_path) / "routing.yaml").write_text(
        text[:start]
        + "    when:\n      subject: {contains: [saldo], starts_with: gagal}\n      none:\n"
        + "        - {sender_domain: {under: bank.example}, language: {is: en}}\n"
        + text[end:]
    )
    when = loaded(tmp_path).policy.rules[0].when
    assert isinstance(when, AllOf)
    assert [type(part).__name__ for part in when.parts] == ["Condition", "Condition", "NoneOf"]
    none = when.parts[2]
    assert isinstance(none, NoneOf)
    assert isinstance(none.parts[0], AllOf)


def test_a_notified_name_that_two_agents_share_must_be_an_address(tmp_path: Path) -> None:
    text = (lay(tmp_path) / "teams.yaml").read_text()
    (tmp_path / "teams.yaml").write_text(text.replace("Citra Maharani", "Dewi Anggraini"))
    assert list(map(brief, problems(tmp_path))) == [
        "escalation.yaml:22:18: two agents are called `Dewi Anggraini` | write the address instead"
    ]
