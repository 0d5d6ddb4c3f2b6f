"""Amounts of money: how they are written, read and compared. Never converted from one currency to another."""

from dataclasses import dataclass
from decimal import Decimal

RUPIAH = "IDR"
_NO_CENTS = frozenset({RUPIAH, "JPY", "KRW", "VND"})


@dataclass(frozen=True, slots=True)
class Money:
    """`currency` is an ISO 4217 code. Amounts of two currencies are never compared or added: ValueError."""

    amount: Decimal
    currency: str = RUPIAH

    def __str__(self) -> str:
        """As people of the currency write it: Rp1.500.000, USD 1,500.00."""
        if self.currency == RUPIAH:
            whole = self.amount == self.amount.to_integral_value()
            text = f"{self.amount:,.{0 if whole else 2}f}"
            return "Rp" + text.translate(_SWAPPED)
        return f"{self.currency} {self.amount:,.{0 if self.currency in _NO_CENTS else 2}f}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._alike(other).amount, self.currency)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._alike(other).amount

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._alike(other).amount

    def _alike(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{self} and {other} are of different currencies")
        return other


_SWAPPED = str.maketrans(",.", ".,")
