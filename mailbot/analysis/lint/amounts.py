"""Sums of money that a mail must name: `over` and `below` hold of any of those it names, by currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.ranges import Empty
from mailbot.domain.routing.money import LARGEST, RUPIAH, Money, read

CENT = Decimal("0.01")


def named(asked: Sequence[Literal]) -> tuple[str, ...]:
    """The amounts to write, as few as will do. Raises Empty when none can be."""
    limits = [_Limit(each, read(str(each.atom.item))) for each in asked if each.atom.operator != "exists"]
    exists = [each for each in asked if each.atom.operator == "exists"]
    refused = [each for each in exists if not each.sign]
    wanted = [each for each in (*exists, *(limit.literal for limit in limits)) if each.sign]
    if refused and wanted:
        raise Empty((refused[0], wanted[0]))
    if not wanted:
        return ()
    currencies = dict.fromkeys(each.money.currency for each in limits if each.literal.sign)
    found = [amount for currency in currencies for amount in _of(currency, limits)]
    if not found:  # any will do, and in some currency nobody has set a bound
        free = next(
            (each for each in (RUPIAH, "USD", "SGD") if each not in {one.money.currency for one in limits}),
            "",
        )
        found = [Money(Decimal(50_000), free)] if free else _of(RUPIAH, limits)
    return tuple(map(str, found))


@dataclass(frozen=True, slots=True)
class _Limit:
    literal: Literal
    money: Money

    @property
    def over(self) -> bool:
        return self.literal.atom.operator == "over"


def _of(currency: str, limits: Sequence[_Limit]) -> list[Money]:
    mine = [each for each in limits if each.money.currency == currency]
    floor = max((each for each in mine if not each.literal.sign and not each.over), key=_amount, default=None)
    ceiling = min((each for each in mine if not each.literal.sign and each.over), key=_amount, default=None)
    least, most = _amount(floor) if floor else Decimal(0), _amount(ceiling) if ceiling else LARGEST - 1
    bounds = [each.literal for each in (floor, ceiling) if each]
    over = max((each for each in mine if each.literal.sign and each.over), key=_amount, default=None)
    below = min((each for each in mine if each.literal.sign and not each.over), key=_amount, default=None)
    for each, fits in (
        (over, over is None or _amount(over) < most),
        (below, below is None or least < _amount(below)),
    ):
        if each and (not fits or least > most):
            raise Empty((each.literal, *bounds))
    if not over and not below:
        if least > most:
            raise Empty(bounds)
        return [Money(_nice(least, most), currency)]
    lowest = max(least, _amount(over) + CENT if over else least)
    highest = min(most, _amount(below) - CENT if below else most)
    if lowest <= highest:
        return [Money(_nice(lowest, highest), currency)]
    return [
        *([Money(_nice(max(least, _amount(over) + CENT), most), currency)] if over else ()),
        *([Money(_nice(least, min(most, _amount(below) - CENT)), currency)] if below else ()),
    ]


def _amount(limit: _Limit) -> Decimal:
    return limit.money.amount


def _nice(least: Decimal, most: Decimal) -> Decimal:
    """A round number between the two, where there is one."""
    for step in (Decimal(1000), Decimal(1), CENT):
        rounded = max(Decimal(1), (least / step).to_integral_value(rounding="ROUND_CEILING")) * step
        if least <= rounded <= most:
            return rounded
    return least
