"""The shipped policy routes customers' mails as a support lead would, at least as often as it once did."""

import json
from dataclasses import replace

import pytest

from mailbot.config import shipped
from mailbot.config.api import Loaded
from mailbot.domain.policy import Actions, Rule
from tests.config.faults import loaded
from tests.recall.__main__ import lines
from tests.recall.labelled_mails import SETS, LabelledMail, load_mails
from tests.recall.measure import Recall, measure

SIZES = {"first": 200, "second": 100}

# What was measured on 29 November 2026, less two mails.
FLOORS = {
    "first": {"team_right": 198, "category_right": 157},
    "second": {"team_right": 93, "category_right": 77},
}
CEILINGS = {
    "first": {"urgent_missed": 2, "urgent_for_nothing": 4},
    "second": {"urgent_missed": 2, "urgent_for_nothing": 3},
}


@pytest.fixture(scope="module", params=SETS)
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of each set."""
    return str(request.param)


@pytest.fixture(scope="module")
def mails(name: str) -> list[LabelledMail]:
    return load_mails(name)


@pytest.fixture(scope="module")
def configuration() -> Loaded:
    return loaded(shipped.config())


@pytest.fixture(scope="module")
def one_team(configuration: Loaded, mails: list[LabelledMail]) -> Recall:
    """Route all mails by one rule, which makes each an urgent double payment."""
    actions = Actions("payment/double", "critical", "high", (), "payments")
    one_rule = replace(configuration.policy, rules=(Rule("all", None, actions),))
    return measure(replace(configuration, policy=one_rule), mails)


def test_each_set_has_its_number_of_mails(name: str, mails: list[LabelledMail]) -> None:
    assert len(mails) == SIZES[name]


def test_no_text_is_there_twice() -> None:
    texts = [mail.text for name in SETS for mail in load_mails(name)]
    assert len({*texts}) == len(texts)


def test_each_label_names_teams_and_categories_of_the_shipped_policy(
    configuration: Loaded, mails: list[LabelledMail]
) -> None:
    for mail in mails:
        assert {*mail.teams} <= configuration.policy.teams.keys(), mail.place
        assert {*mail.categories} <= {*configuration.policy.categories}, mail.place


def test_the_shipped_policy_is_right_as_often_as_it_was(
    configuration: Loaded, name: str, mails: list[LabelledMail]
) -> None:
    figures = measure(configuration, mails).figures
    too_low = {name: figures[name] for name, least in FLOORS[name].items() if figures[name] < least}
    too_high = {name: figures[name] for name, most in CEILINGS[name].items() if figures[name] > most}
    assert not too_low | too_high, f"`make recall ARGS='--set {name}'` shows each miss"


def test_a_policy_with_one_team_is_right_where_a_label_accepts_it(
    one_team: Recall, mails: list[LabelledMail]
) -> None:
    figures = one_team.figures
    assert figures["team_right"] == sum("payments" in mail.teams for mail in mails)
    assert figures["category_right"] == sum("payment/double" in mail.categories for mail in mails)
    assert figures["urgent_missed"] == 0
    assert figures["urgent_for_nothing"] == sum(mail.urgent is False for mail in mails)


def test_each_miss_is_printed_in_one_line(one_team: Recall) -> None:
    printed = list(lines(one_team))
    assert one_team.misses
    for miss in one_team.misses:
        [line] = [line for line in printed if f" {miss.mail.place} " in line]
        assert repr(miss.mail.subject[:40]) in line


def test_json_has_the_figures_and_each_miss(one_team: Recall) -> None:
    found = json.loads(json.dumps(one_team.to_json()))
    assert found["mails"] - found["all_right"] == len(found["misses"])
    assert sum(part["mails"] for part in found["languages"].values()) == found["mails"]


def test_a_mail_about_whose_urgency_leads_differ_counts_neither_way(one_team: Recall) -> None:
    [urgent_anyway] = {each.urgency_right for each in one_team.routed if each.mail.urgent == "any"}
    calm = [replace(each, priority="normal") for each in one_team.routed]
    assert urgent_anyway
    assert all(each.urgency_right for each in calm if each.mail.urgent == "any")
    assert sum(not each.urgency_right for each in calm) == one_team.figures["urgent"]
