"""The shipped policy routes customers' mails as a support lead would, at least as often as it once did."""

import json
from dataclasses import replace

import pytest

from mailbot.config import shipped
from mailbot.config.api import Loaded
from mailbot.domain.policy import Actions, Rule
from tests.config.faults import loaded
from tests.recall.__main__ import lines
from tests.recall.labelled_mails import LabelledMail, load_mails
from tests.recall.measure import Recall, measure

# What was measured on 29 November 2026, less two mails.
FLOOR = {"team_right": 198, "category_right": 156}
CEILING = {"urgent_missed": 2, "urgent_for_nothing": 8}


@pytest.fixture(scope="module")
def mails() -> list[LabelledMail]:
    return load_mails()


@pytest.fixture(scope="module")
def configuration() -> Loaded:
    return loaded(shipped.config())


@pytest.fixture(scope="module")
def one_team(configuration: Loaded, mails: list[LabelledMail]) -> Recall:
    """Route all mails by one rule, which makes each an urgent double payment."""
    actions = Actions("payment/double", "critical", "high", (), "payments")
    one_rule = replace(configuration.policy, rules=(Rule("all", None, actions),))
    return measure(replace(configuration, policy=one_rule), mails)


def test_there_are_200_mails_and_no_text_is_there_twice(mails: list[LabelledMail]) -> None:
    assert len({mail.text for mail in mails}) == len(mails) == 200


def test_each_label_names_teams_and_categories_of_the_shipped_policy(
    configuration: Loaded, mails: list[LabelledMail]
) -> None:
    for mail in mails:
        assert {*mail.teams} <= configuration.policy.teams.keys(), mail.place
        assert {*mail.categories} <= {*configuration.policy.categories}, mail.place


def test_the_shipped_policy_is_right_as_often_as_it_was(
    configuration: Loaded, mails: list[LabelledMail]
) -> None:
    figures = measure(configuration, mails).figures
    too_low = {name: figures[name] for name, least in FLOOR.items() if figures[name] < least}
    too_high = {name: figures[name] for name, most in CEILING.items() if figures[name] > most}
    assert not too_low | too_high, "`make recall` shows each miss"


def test_a_policy_with_one_team_is_right_where_a_label_accepts_it(
    one_team: Recall, mails: list[LabelledMail]
) -> None:
    figures = one_team.figures
    assert figures["team_right"] == sum("payments" in mail.teams for mail in mails)
    assert figures["category_right"] == sum("payment/double" in mail.categories for mail in mails)
    assert figures["urgent_missed"] == 0
    assert figures["urgent_for_nothing"] == sum(not mail.urgent for mail in mails)


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
