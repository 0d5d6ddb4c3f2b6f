"""Read, write and compare amounts of money. Currencies are never converted."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from mailbot.domain.routing.patterns import Pattern
from mailbot.domain.routing.text import options

RUPIAH = "IDR"
LARGEST = Decimal(10) ** 15  # a larger number is no price
_NO_CENTS = frozenset({RUPIAH, "JPY", "KRW", "VND"})


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its ISO 4217 currency. Comparing or adding two currencies raises ValueError."""

    amount: Decimal
    currency: str = RUPIAH

    def __str__(self) -> str:
        """Return the usual form of the currency: Rp1.500.000, USD 1,500.00."""
        if self.currency == RUPIAH:
            whole = self.amount == self.amount.to_integral_value()
            return "Rp" + f"{self.amount:,.{0 if whole else 2}f}".translate(str.maketrans(",.", ".,"))
        return f"{self.currency} {self.amount:,.{0 if self.currency in _NO_CENTS else 2}f}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same_currency(other).amount, self.currency)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same_currency(other).amount

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same_currency(other).amount

    def _same_currency(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{self} and {other} are of different currencies")
        return other


# --- reading ----------------------------------------------------------------------------------------------

_SIGNS = {
    "rp": RUPIAH, "rupiah": RUPIAH, "perak": RUPIAH,
    "$": "USD", "us$": "USD", "dollar": "USD", "dollars": "USD", "dolar": "USD",
    "s$": "SGD", "a$": "AUD", "hk$": "HKD", "rm": "MYR", "ringgit": "MYR",
    "€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "¥": "JPY", "yen": "JPY",
    "₹": "INR", "₩": "KRW", "฿": "THB", "₫": "VND",
}  # fmt: skip
CURRENCIES = (
    *(RUPIAH, "USD", "SGD", "MYR", "EUR", "GBP", "AUD", "JPY"),
    *("CNY", "HKD", "THB", "VND", "KRW", "INR", "SAR"),
)
_SCALES = {
    "ribu": 3, "rb": 3, "k": 3, "thousand": 3, "juta": 6, "jt": 6, "million": 6,
    "miliar": 9, "milyar": 9, "billion": 9, "triliun": 12, "trilyun": 12, "trillion": 12,
}  # fmt: skip
# Only after a currency sign: Rp1,5 M is a miliar, $1.5M a million. After 1,000 or more it is a word.
_LETTERS = {"M": (9, 6), "T": (12, 12)}  # of Rupiah, of other money
# Counted things, not prices: "250 ribu orang". Checked after an amount without a currency.
_COUNTED = frozenset((
    "orang", "pelanggan", "pembeli", "pengguna", "user", "users", "follower", "followers", "pengikut",
    "subscriber", "subscribers", "views", "kali", "unit", "pcs", "buah", "lembar", "porsi", "paket", "barang",
    "pesanan", "produk", "kata", "poin", "point", "points", "koin", "coin", "coins", "km", "meter",
    "kilometer", "ton", "tahun", "hari", "jam", "menit",
))  # fmt: skip

_CODES = "|".join(CURRENCIES)
# No \b before a sign that is no letter. RM and S$ only in capitals: "rm 5" and "units$" mean something else.
_BEFORE = rf"(?:\b(?:Rp|{_CODES})\b|\bRp|\b(?:{_CODES})|\b(?-i:RM)|\b(?-i:US\$|S\$|A\$|HK\$)|[$€£¥₹₩฿₫])"
_AFTER = rf"(?:(?:{_CODES}|rupiah|perak|dollars?|dolar|ringgit|euros?|yen)\b|[$€£₹₩฿₫])"
_NUMBER = r"[0-9](?:[0-9.,]{0,30}[0-9])?"
_SPACED = r"[0-9]{1,3}(?: [0-9]{3}){1,4}(?:,[0-9]{2})?"  # Rp 1 500 000; not "USD 50 100 pcs"
_SCALE = r"(?:(?:ribu|juta|miliar|milyar|triliun|trilyun)(?:an)?|rb|thousand|jt|million|billion|trillion)"
_MARK = r"\s{0,2}[.:=]?\s{0,2}"  # Rp. 5.000, Rp: 5.000
_TAIL = r"(?:,-|\.-|,--|,=)?"  # Rp50.000,-
_AMOUNT = (
    rf"\b(?:Rp|IDR){_MARK}(?P<s>{_SPACED})\b"
    rf"|(?P<before>{_BEFORE}){_MARK}(?P<a>{_NUMBER})(?:\s{{0,2}}(?P<a_scale>{_SCALE}|k|(?-i:[MT])))?\b"
    rf"|\b(?P<b>{_NUMBER})(?:\s{{0,2}}(?P<b_scale>{_SCALE}|k))?\s{{0,2}}(?P<after>{_AFTER})"
    rf"|\b(?P<c>{_NUMBER})\s{{0,2}}(?P<c_scale>{_SCALE})\b"
)


_OPTIONS = partial(options, case_sensitive=False)
_FOUND = Pattern(_AMOUNT, _OPTIONS)
_WHOLE = Pattern(rf"\s*(?:{_AMOUNT}){_TAIL}\s*", _OPTIONS)
_BARE = Pattern(r"\s*[0-9][0-9.,]*\s*", _OPTIONS)
_MORE = Pattern(rf"\s{{0,2}}(?P<c>[0-9]{{1,3}})\s{{0,2}}(?P<c_scale>{_SCALE})\b", _OPTIONS)
_WORD = Pattern(r"\s{0,3}(\pL{1,20})", _OPTIONS)


def read(text: str) -> Money:
    """Parse `text` as one amount: "Rp1.500.000", "1,5 juta", "USD 50". Raises ValueError."""
    match = _WHOLE.fullmatch(text)
    money = _money(match) if match else None
    if money is None and _BARE.fullmatch(text):
        raise ValueError(f"{text.strip()!r} has no currency; write it like Rp1.000.000 or USD 50")
    if money is None:
        raise ValueError(f"{text!r} is not an amount; write it like Rp1.000.000, 1,5 juta or USD 50")
    return money


def find(text: str, most: int = 50) -> tuple[Money, ...]:
    """Find the first amounts in running text. Linear.

    A number counts with a currency, or with ribu, juta or miliar (then in rupiah). Phone, order and account
    numbers and dates don't count. Separators are read by Indonesian and by English custom: three digits after
    one are thousands.
    """
    return tuple(islice(_amounts(text, 10 * most), most))


def _amounts(text: str, match_limit: int) -> Iterator[Money]:
    taken = 0
    for match in islice(_FOUND.finditer(text), match_limit):
        start, end = match.span()
        if start < taken:
            continue
        if text[start - 1 : start] in ("/", "#", "_") and (match["before"] or "rp").casefold() != "rp":
            continue  # INV/2026/RM12
        if text[end : end + 1] in (".", ",") and text[end + 1 : end + 2].isdigit():
            continue  # 1.5 of "Rp 1.5.2", which is no amount
        if match["c"] and (word := _WORD.match(text, end)) and word[1].casefold() in _COUNTED:
            continue
        if money := _money(match):
            more, taken = _more(text, end, match["a_scale"] or match["c_scale"] or "")
            yield Money(money.amount + more, money.currency)


def _more(text: str, at: int, scale: str) -> tuple[Decimal, int]:
    """Return what the second number of "1 juta 500 ribu" adds, and where it ends."""
    match = _MORE.match(text, at) if scale else None
    if not match or _power(match["c_scale"]) >= _power(scale):
        return Decimal(0), at
    return Decimal(match["c"]).scaleb(_power(match["c_scale"])), match.end()


def _money(match: Any) -> Money | None:
    which = next(name for name in "sabc" if match[name])
    sign = (match["before"] or match["after"] or "rp").casefold()
    currency = _SIGNS.get(sign) or sign.upper()
    scale = match[which + "_scale"] or "" if which != "s" else ""
    amount = _decimal(match[which].replace(" ", ""), scaled=bool(scale))
    if amount is None:
        return None
    if scale not in _LETTERS:
        amount = amount.scaleb(_power(scale)) if scale else amount
    elif amount < 1000:
        amount = amount.scaleb(_LETTERS[scale][currency != RUPIAH])
    return Money(amount, currency) if amount < LARGEST else None


def _power(scale: str) -> int:
    """Return the power of ten. "jutaan" counts as "juta"."""
    word = scale.casefold()
    return _SCALES.get(word) or _SCALES.get(word.removesuffix("an")) or _LETTERS[scale][0]


def _decimal(written: str, *, scaled: bool) -> Decimal | None:
    """Return the number by either custom, None when the separators fit neither."""
    dots, commas = written.count("."), written.count(",")
    if dots and commas:
        point = "." if written.rindex(".") > written.rindex(",") else ","
    elif dots + commas == 1:
        mark = "." if dots else ","
        whole, _, rest = written.partition(mark)
        # 1.500 is one thousand and five hundred, 1,250 juta is a million and a quarter, 0.500 is a half.
        thousands = len(rest) == 3 and 0 < len(whole) <= 3 and whole[0] != "0" and not (scaled and commas)
        point = "" if thousands else mark
    else:
        point = ""
    whole, _, fraction = written.rpartition(point) if point else (written, "", "")
    groups = whole.replace(",", ".").split(".")
    odd = any(len(group) != 3 for group in groups[1:]) or (len(groups) > 1 and len(groups[0]) > 3)
    if odd or len({*whole} & {".", ","}) > 1 or len(fraction) > 3 or not groups[0]:
        return None
    return Decimal("".join(groups) + (f".{fraction}" if fraction else ""))
