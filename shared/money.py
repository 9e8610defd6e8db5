"""What a month costs, counted in whole cents or whole yen, so that nobody is ever charged a rounding error.

An amount is an integer of the currency's smallest unit (R-X3): 7500 is 75.00 EUR, 12800 is 12,800 JPY.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shared.errors import Refused, Unreadable

_NO_DECIMALS: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"}
    | {"RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_DECIMAL_TEXT: Final = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,6}))?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def exponent_of(currency: str) -> int:
    """How many decimals the currency has (ISO 4217): JPY 0, EUR 2, KWD 3."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: minor units and an ISO 4217 code in capitals.

    Raises:
        Unreadable: the amount is no integer, or the currency no three capital letters.
    """

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise Unreadable(
                f"an amount counts whole minor units, and {self.amount_minor!r} is no integer: "
                "read decimal text with Money.parse"
            )
        if _CURRENCY.fullmatch(self.currency) is None:
            raise Unreadable(
                f"{self.currency!r} is no currency code: three capital letters are expected (EUR, JPY)"
            )

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a gateway's decimal text exactly: "75.00" EUR is 7500, "12800" and "12800.00" JPY are 12800.

        Raises:
            Unreadable: the text is no plain decimal number, or carries more than the currency can hold
                ("12800.50" JPY); nothing is ever rounded or multiplied by a hundred (R-X3, X-23).
        """
        code = currency.upper()
        found = _DECIMAL_TEXT.fullmatch(text.strip())
        if found is None:
            raise Unreadable(
                f"{text!r} is no amount of {code}: plain decimal digits are expected, as in 75.00"
            )
        sign, whole, fraction = found[1], found[2], found[3] or ""
        exponent = exponent_of(code)
        kept, lost = fraction[:exponent], fraction[exponent:]
        if lost.strip("0"):
            raise Unreadable(
                f"{text!r} is no amount of {code}, which has {exponent} decimals: "
                "ask the gateway for the exact amount, it is not rounded here"
            )
        minor = int(whole + kept.ljust(exponent, "0"))
        return cls(-minor if sign else minor, code)

    @property
    def decimal_text(self) -> str:
        """What gateways want to read: "75.00" for EUR, "12800" for JPY."""
        exponent = exponent_of(self.currency)
        if exponent == 0:
            return str(self.amount_minor)
        sign = "-" if self.amount_minor < 0 else ""
        digits = str(abs(self.amount_minor)).rjust(exponent + 1, "0")
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"

    @property
    def is_zero(self) -> bool:
        """Nothing to pay."""
        return self.amount_minor == 0

    def times(self, n: int) -> Money:
        """``n`` months of this price (J23: two months together)."""
        return Money(self.amount_minor * n, self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount_minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount_minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount_minor <= self._same(other)

    def __str__(self) -> str:
        return f"{self.decimal_text} {self.currency}"

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise Refused(
                f"{self} and {other} are of two currencies and cannot be reckoned together: "
                "open a review, no rate is known here",
                status=422,
                code="currency_mismatch",
            )
        return other.amount_minor
