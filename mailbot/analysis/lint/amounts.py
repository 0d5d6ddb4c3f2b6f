"""Amounts of money that an example mail must name. `over` and `below` hold for any amount, by currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.ranges import Empty
from mailbot.domain.routing.money import LARGEST, RUPIAH, Money, read

CENT = Decimal("0.01")


def needed_amounts(literals: Sequence[Literal]) -> tuple[str, ...]:
    """Return as few amounts as fulfil the literals, as text. Raises Empty when none can."""
    limits = [_Limit(each, read(str(each.atom.item))) for each in literals if each.atom.operator != "exists"]
    exists = [each for each in literals if each.atom.operator == "exists"]
    forbidden = [each for each in exists if not each.sign]
    required = [each for each in (*exists, *(limit.literal for limit in limits)) if each.sign]
    if forbidden and required:
        raise Empty((forbidden[0], required[0]))
    if not required:
        return ()
    currencies = dict.fromkeys(each.money.currency for each in limits if each.literal.sign)
    amounts = [amount for currency in currencies for amount in _in_currency(currency, limits)]
    if not amounts:  # any amount fulfils it: take a currency without bounds
        unbounded = next(
            (each for each in (RUPIAH, "USD", "SGD") if each not in {one.money.currency for one in limits}),
            "",
        )
        amounts = [Money(Decimal(50_000), unbounded)] if unbounded else _in_currency(RUPIAH, limits)
    return tuple(map(str, amounts))


@dataclass(frozen=True, slots=True)
class _Limit:
    literal: Literal
    money: Money

    @property
    def over(self) -> bool:
        return self.literal.atom.operator == "over"


def _in_currency(currency: str, limits: Sequence[_Limit]) -> list[Money]:
    limits_of_it = [each for each in limits if each.money.currency == currency]
    floor = max(
        (each for each in limits_of_it if not each.literal.sign and not each.over), key=_amount, default=None
    )
    ceiling = min(
        (each for each in limits_of_it if not each.literal.sign and each.over), key=_amount, default=None
    )
    least, most = _amount(floor) if floor else Decimal(0), _amount(ceiling) if ceiling else LARGEST - 1
    bounds = [each.literal for each in (floor, ceiling) if each]
    over = max((each for each in limits_of_it if each.literal.sign and each.over), key=_amount, default=None)
    below = min(
        (each for each in limits_of_it if each.literal.sign and not each.over), key=_amount, default=None
    )
    for each, fits in (
        (over, over is None or _amount(over) < most),
        (below, below is None or least < _amount(below)),
    ):
        if each and (not fits or least > most):
            raise Empty((each.literal, *bounds))
    if not over and not below:
        if least > most:
            raise Empty(bounds)
        return [Money(_round(least, most), currency)]
    lowest = max(least, _amount(over) + CENT if over else least)
    highest = min(most, _amount(below) - CENT if below else most)
    if lowest <= highest:
        return [Money(_round(lowest, highest), currency)]
    return [
        *([Money(_round(max(least, _amount(over) + CENT), most), currency)] if over else ()),
        *([Money(_round(least, min(most, _amount(below) - CENT)), currency)] if below else ()),
    ]


def _amount(limit: _Limit) -> Decimal:
    return limit.money.amount


def _round(least: Decimal, most: Decimal) -> Decimal:
    """Return a round number between the two, where there is one."""
    for step in (Decimal(1000), Decimal(1), CENT):
        rounded = max(Decimal(1), (least / step).to_integral_value(rounding="ROUND_CEILING")) * step
        if least <= rounded <= most:
            return rounded
    return least
