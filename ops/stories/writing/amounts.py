"""Amounts as people write them: ``75.00 EUR``, ``€75``, ``12,800円``, or a bare number in the school's currency.

A bare number counts whole units of the currency, as on a bill: 75 is 75.00 EUR, 12800 is 12,800 JPY. Nothing is
ever rounded: 12800.50 JPY is refused (X-23).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shared.errors import Unreadable
from shared.money import Money

_SIGNS: Final = {"€": "EUR", "¥": "JPY", "￥": "JPY", "円": "JPY", "$": "USD", "£": "GBP"}
_FORM: Final = re.compile(
    r"(?P<before>[A-Z]{3}|[€¥￥$£])?\s*(?P<number>-?[0-9][0-9\s,.'  ]*?)\s*(?P<after>[A-Z]{3}|[€¥￥$£円])?"
)
_BLANKS: Final = re.compile(r"[\s'\u00a0\u202f]")
_COMMA_DECIMAL: Final = re.compile(r"(-?[0-9.,]*?),([0-9]{1,2})")
AMOUNT_FORM: Final = (
    'an amount is expected: "75.00 EUR", "12800 JPY", "€75.00", or 75 in the school\'s currency'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount whose currency may still be the school's."""

    text: str
    number: str
    """Plain decimal digits."""
    currency: str | None = None

    @classmethod
    def parse(cls, text: str) -> Amount:
        """Read an amount.

        Raises:
            Unreadable: it has another form, or more decimals than its currency.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None or (found["before"] and found["after"]):
            raise Unreadable(f"{text!r} is none: {AMOUNT_FORM}")
        mark = found["before"] or found["after"]
        amount = cls(
            text=text, number=_plain(found["number"]), currency=_SIGNS.get(mark, mark) if mark else None
        )
        if amount.currency is not None:
            amount.money(amount.currency)
        return amount

    def money(self, currency: str) -> Money:
        """The exact amount; ``currency`` where none was written.

        Raises:
            Unreadable: it has more decimals than its currency.
        """
        return Money.parse(self.number, self.currency or currency)


def _plain(number: str) -> str:
    """``12,800`` and ``1.234,50`` as plain decimal digits.

    A dot alone is a decimal point; a comma before one or two last digits is one too, any other separates thousands.
    """
    squeezed = _BLANKS.sub("", number)
    if "," not in squeezed:
        return squeezed
    decimal = _COMMA_DECIMAL.fullmatch(squeezed)
    if decimal is not None:
        return f"{decimal[1].replace('.', '').replace(',', '')}.{decimal[2]}"
    return squeezed.replace(",", "")
