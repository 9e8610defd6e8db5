"""Which methods a school accepts, and the reason it gives for the others."""

from __future__ import annotations

import pytest

from services.dunning.policies import preset, with_overrides
from shared.methods import AcceptedMethods, OfferedMethod, Refusal

FRENCH = preset("fr-elearning").accepted_methods


@pytest.mark.parametrize(
    ("offered", "why"),
    [
        (OfferedMethod(type="card", funding="credit"), None),
        (OfferedMethod(type="card", funding="debit", deferred_debit=True), None),
        (OfferedMethod(type="card", funding="unknown"), None),
        (OfferedMethod(type="paypal"), None),
        (OfferedMethod(type="card", funding="debit"), "debit_card_not_accepted"),
        (OfferedMethod(type="card", funding="prepaid"), "prepaid_card_not_accepted"),
        (OfferedMethod(type="card", funding="credit", cvc_provided=False), "cvc_missing"),
        (OfferedMethod(type="card", funding="credit", three_ds_supported=False), "three_ds_unsupported"),
        (OfferedMethod(type="card", funding="credit", recurring_capable=False), "not_recurring"),
        (OfferedMethod(type="paypal", vaulted=False), "not_vaulted"),
        (OfferedMethod(type="paypal", recurring_capable=False), "not_recurring"),
        (OfferedMethod(type="bank_transfer"), "not_accepted"),
        (OfferedMethod(type="cheque"), "not_accepted"),
        (OfferedMethod(type="smoke signals"), "not_accepted"),
    ],
)
def test_the_french_white_list_is_taken_literally(offered: OfferedMethod, why: Refusal | None) -> None:
    assert FRENCH.refusal(offered) == why


def test_debit_cards_are_one_switch() -> None:
    open_to_debit = with_overrides(preset("fr-elearning"), {"R-F12": "allow_debit"}).accepted_methods

    assert open_to_debit.refusal(OfferedMethod(type="card", funding="debit")) is None


def test_a_card_that_does_not_tell_its_funding_may_be_refused() -> None:
    strict = with_overrides(
        preset("fr-elearning"), {"accepted_methods.funding_unknown": "refuse"}
    ).accepted_methods

    assert strict.refusal(OfferedMethod(type="card")) == "funding_unknown"


def test_a_deferred_debit_card_may_be_read_as_debit() -> None:
    strict = with_overrides(
        preset("fr-elearning"), {"accepted_methods.deferred_debit_counts_as": "debit"}
    ).accepted_methods

    offered = OfferedMethod(type="card", funding="credit", deferred_debit=True)
    assert strict.refusal(offered) == "debit_card_not_accepted"


def test_a_school_without_a_list_accepts_everything() -> None:
    assert AcceptedMethods().refusal(OfferedMethod(type="cheque")) is None


def test_the_japanese_school_takes_paypal_subscriptions_alone() -> None:
    methods = preset("jp-school").accepted_methods

    assert methods.refusal(OfferedMethod(type="paypal_subscription")) is None
    assert methods.refusal(OfferedMethod(type="card", funding="credit")) == "not_accepted"
    assert methods.temporary_methods == ("bank_transfer", "paypal_one_off_invoice")
