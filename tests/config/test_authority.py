"""Test `authority` in teams.yaml: what it builds, and every fault with its place."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mailbot.domain.policy import Authority
from mailbot.domain.routing.money import Money
from tests.config.faults import BASE, brief, lay, loaded, problems

WHOLE = """\
authority:
  per_ticket:
    L1: Rp100.000
    L2: "Rp1,5 juta"
    payment: {L1: Rp0, L2: 2 juta}
  per_customer_90_days: Rp10 juta
  per_agent_day: {L1: Rp500.000}
  team_budget_month: {payments: Rp20 juta}
  two_persons_above: Rp5 juta
  decide_within: 2 h
"""


def rp(amount: int) -> Money:
    return Money(Decimal(amount))


def written(folder: Path, text: str) -> Path:
    lay(folder)
    (folder / "teams.yaml").write_text((BASE / "teams.yaml").read_text() + text)
    return folder


def test_limits_are_built_with_the_levels_apart_from_the_categories(tmp_path: Path) -> None:
    assert loaded(written(tmp_path, WHOLE)).policy.authority == Authority(
        per_ticket={
            "": {"L1": rp(100_000), "L2": rp(1_500_000)},
            "payment": {"L1": rp(0), "L2": rp(2_000_000)},
        },
        per_customer=rp(10_000_000),
        per_agent_day={"L1": rp(500_000)},
        per_team={"payments": rp(20_000_000)},
        two_persons_above=rp(5_000_000),
        decide_within=timedelta(hours=2),
    )


def test_without_authority_nobody_may_grant_anything(tmp_path: Path) -> None:
    assert loaded(lay(tmp_path)).policy.authority.per_ticket == {"": {}}


FAULTS = {
    "no currency": (
        "L1: Rp100.000", "L1: 100000",
        "17:9: `100000` has no currency | write it like Rp100000",
    ),
    "points and no currency": (
        "per_agent_day: {L1: Rp500.000}", "per_agent_day: {L1: 500.000}",
        "21:23: a number without a currency is not an amount of money "
        "| write it like Rp100.000, 1,5 juta or Rp0",
    ),
    "nothing": (
        "L1: Rp100.000", "L1:",
        "17:8: `nothing` is not an amount of money | write it like Rp100.000, 1,5 juta or Rp0",
    ),
    "no amount": (
        "Rp10 juta", "lots",
        "20:25: `lots` is not an amount of money | write it like Rp100.000, 1,5 juta or Rp0",
    ),
    "another currency": (
        "Rp5 juta", "USD 50",
        "23:22: `USD 50`: limits are in Rupiah | write it like Rp100.000, 1,5 juta or Rp0",
    ),
    "cents": (
        '"Rp1,5 juta"', "Rp1,5",
        "18:9: `Rp1,5` is not a whole number of Rupiah",
    ),
    "an unknown level": (
        "L1: Rp100.000", "L4: Rp1",
        "17:5: there is no level `L4` | known here: L1, L2, management",
    ),
    "an unknown level of a category": (
        "{L1: Rp0,", "{Lx: Rp0,",
        "19:15: there is no level `Lx` | known here: L1, L2, management",
    ),
    "an unknown level of a day": (
        "{L1: Rp500.000}", "{boss: Rp5}",
        "21:19: there is no level `boss` | known here: L1, L2, management",
    ),
    "an unknown category": (
        "payment: {L1", "paymet: {L1",
        "19:5: there is no category `paymet` | did you mean `payment`?",
    ),
    "an unknown team": (
        "{payments: Rp20 juta}", "{paymets: Rp1}",
        "22:23: there is no team `paymets` | did you mean `payments`?",
    ),
    "points in quotes and no currency": (
        "Rp10 juta", "'10.000.000'",
        "20:25: `10.000.000` has no currency | write it like Rp10.000.000",
    ),
    "an unknown key": (
        "per_customer_90_days", "per_customer",
        "20:3: unknown key `per_customer` | did you mean `per_customer_90_days`?",
    ),
    "a list of limits": (
        "{L1: Rp500.000}", "[Rp5]",
        "21:18: `per_agent_day` must be a mapping (`name: value` lines), not a list",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_with_its_place(fault: tuple[str, str, str], tmp_path: Path) -> None:
    old, new, expected = fault
    assert old in WHOLE
    found = problems(written(tmp_path, WHOLE.replace(old, new, 1)))
    assert list(map(brief, found)) == [f"teams.yaml:{expected}"]


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = WHOLE
    for old, new, _ in list(FAULTS.values())[2:6]:
        text = text.replace(old, new, 1)
    assert len(problems(written(tmp_path, text))) == 4


REMARKS = {
    "a level that may do less than one below": (
        "per_agent_day: {L1: Rp500.000}", "per_agent_day: {L1: Rp500.000, L2: Rp400.000}",
        "21:38: `L2` may grant less than `L1` below it",
    ),
    "a level that a category leaves out": (
        "{L1: Rp0, L2: 2 juta}", "{L1: Rp0}",
        "19:5: in `payment` L2 may grant nothing: no amount is named here | write L2: Rp0 if that is meant",
    ),
    "limits for nothing": (
        WHOLE, "authority: {per_customer_90_days: Rp1 juta}\n",
        "15:1: without `per_ticket` nobody may grant anything | per_ticket: {L1: Rp100.000, L2: Rp1 juta}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REMARKS.values(), ids=REMARKS)
def test_a_doubtful_limit_is_a_warning(case: tuple[str, str, str], tmp_path: Path) -> None:
    old, new, expected = case
    warnings = map(brief, loaded(written(tmp_path, WHOLE.replace(old, new, 1))).warnings)
    assert f"teams.yaml:{expected}" in list(warnings)
