"""How the gateways write money: minor units at Stripe, decimal text at PayPal, and no decimals for yen."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_WITHOUT_DECIMALS = frozenset({"JPY", "KRW", "VND", "CLP", "XPF", "HUF", "TWD"})


class DecimalsRefused(ValueError):
    """PayPal's DECIMALS_NOT_SUPPORTED: an amount in yen with a decimal point."""


def exponent(currency: str) -> int:
    """Digits after the point: 0 for JPY, 2 for EUR (seed X-23)."""
    return 0 if currency.upper() in _WITHOUT_DECIMALS else 2


def text(amount: int, currency: str) -> str:
    """Minor units as PayPal writes them: 12800 JPY is ``"12800"``, 7500 EUR is ``"75.00"``."""
    digits = exponent(currency)
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"


def minor(value: str, currency: str) -> int:
    """Decimal text as minor units. Raises DecimalsRefused, or ValueError for anything that is no amount."""
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not an amount") from error
    scaled = amount.scaleb(exponent(currency))
    if not amount.is_finite() or scaled != scaled.to_integral_value():
        raise DecimalsRefused(f"{value!r} has more decimals than {currency} allows")
    if exponent(currency) == 0 and "." in value:
        raise DecimalsRefused(f"{currency} takes no decimals: {value!r}")
    return int(scaled)
