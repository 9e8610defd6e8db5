"""Amounts stay exact, whatever a gateway writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Refused, Unreadable
from shared.money import Money, exponent_of


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12800", "JPY", 12800),
        ("12800.00", "JPY", 12800),
        ("12800.0", "jpy", 12800),
        ("75.00", "EUR", 7500),
        ("75", "EUR", 7500),
        ("75.5", "EUR", 7550),
        ("0.05", "USD", 5),
        ("-10.00", "EUR", -1000),
        ("1.234", "KWD", 1234),
        (" 75.00 ", "EUR", 7500),
    ],
)
def test_a_gateways_text_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency).amount_minor == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12800.50", "JPY"),
        ("75.001", "EUR"),
        ("", "EUR"),
        ("1e3", "EUR"),
        ("12,800", "JPY"),
        ("٣", "JPY"),
        ("NaN", "EUR"),
    ],
)
def test_what_the_currency_cannot_hold_is_refused_and_never_rounded(text: str, currency: str) -> None:
    with pytest.raises(Unreadable, match=currency):
        Money.parse(text, currency)


def test_yen_have_no_cents_and_are_never_multiplied_by_a_hundred() -> None:
    price = Money(12800, "JPY")

    assert exponent_of("JPY") == 0
    assert price.decimal_text == "12800"
    assert price.times(2) == Money(25600, "JPY")


def test_amounts_of_two_currencies_are_never_reckoned_together() -> None:
    with pytest.raises(Refused, match="two currencies") as refused:
        _ = Money(7500, "EUR") + Money(7500, "USD")

    assert refused.value.status == 422


@pytest.mark.parametrize("amount", [75.0, True, "75"])
def test_an_amount_is_an_integer_and_nothing_else(amount: object) -> None:
    with pytest.raises(Unreadable, match="whole minor units"):
        Money(amount, "EUR")  # type: ignore[arg-type]  # what a careless caller would pass


@pytest.mark.parametrize("code", ["eur", "EURO", "", "E1R"])
def test_a_currency_is_three_capital_letters(code: str) -> None:
    with pytest.raises(Unreadable, match="currency"):
        Money(1, code)


@given(st.integers(-(10**14), 10**14), st.sampled_from(["JPY", "EUR", "KWD"]))
def test_what_is_written_for_a_gateway_is_read_back_the_same(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert Money.parse(money.decimal_text, currency) == money


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_what_is_added_can_be_taken_away_again(one: int, other: int) -> None:
    a, b = Money(one, "EUR"), Money(other, "EUR")

    assert a + b - b == a
    assert (a < b) == (one < other)
    assert (a <= b) == (one <= other)


def test_money_is_told_with_its_currency() -> None:
    assert str(Money(7500, "EUR")) == "75.00 EUR"
    assert str(Money(-5, "EUR")) == "-0.05 EUR"
    assert Money(0, "JPY").is_zero
