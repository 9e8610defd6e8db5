"""What a refusal means, and whose fault it is."""

from __future__ import annotations

from datetime import date

import pytest

from shared.decline_codes import built_in_declines, decline_table_from_data, paypal_decline, stripe_decline
from shared.declines import DeclineClass
from shared.errors import Unreadable

NEVER_RETRIED_BY_STRIPE = [
    "incorrect_number", "lost_card", "pickup_card", "stolen_card", "revocation_of_authorization",
    "revocation_of_all_authorizations", "highest_risk_level", "transaction_not_allowed",
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("insufficient_funds", DeclineClass.INSUFFICIENT_FUNDS),
        ("card_velocity_exceeded", DeclineClass.LIMIT_EXCEEDED),
        ("expired_card", DeclineClass.EXPIRED_CARD),
        ("incorrect_cvc", DeclineClass.EXPIRED_CARD),
        ("authentication_required", DeclineClass.AUTHENTICATION_REQUIRED),
        ("do_not_honor", DeclineClass.GENERIC_OR_UNKNOWN),
        ("processing_error", DeclineClass.TECHNICAL_ERROR),
        ("a_word_of_next_year", DeclineClass.GENERIC_OR_UNKNOWN),
        *((code, DeclineClass.HARD_NEVER_RETRY) for code in NEVER_RETRIED_BY_STRIPE),
    ],
)
def test_stripes_words_have_a_class(code: str, kind: DeclineClass) -> None:
    assert stripe_decline(code).decline is kind


@pytest.mark.parametrize(
    ("code", "kind", "fault"),
    [
        ("PAYMENT_DENIED", DeclineClass.GENERIC_OR_UNKNOWN, "payer"),
        ("PAYER_CANNOT_PAY", DeclineClass.INSUFFICIENT_FUNDS, "payer"),
        ("SENDING_LIMIT_EXCEEDED", DeclineClass.LIMIT_EXCEEDED, "payer"),
        ("INTERNAL_SERVER_ERROR", DeclineClass.TECHNICAL_ERROR, "payer"),
        ("PAYEE_ACCOUNT_RESTRICTED", DeclineClass.TECHNICAL_ERROR, "school"),
        ("TRANSACTION_RECEIVING_LIMIT_EXCEEDED", DeclineClass.TECHNICAL_ERROR, "school"),
        ("CURRENCY_MISMATCH", DeclineClass.TECHNICAL_ERROR, "school"),
        ("A_NEW_WORD", DeclineClass.GENERIC_OR_UNKNOWN, "payer"),
    ],
)
def test_paypals_words_have_a_class_and_a_culprit(code: str, kind: DeclineClass, fault: str) -> None:
    found = paypal_decline(code)

    assert (found.decline, found.fault) == (kind, fault)


def test_the_issuers_word_says_more_than_a_generic_one() -> None:
    assert stripe_decline("generic_decline", network_code="51").decline is DeclineClass.INSUFFICIENT_FUNDS
    assert stripe_decline("do_not_honor", network_code="61").decline is DeclineClass.LIMIT_EXCEEDED
    assert (
        paypal_decline("INSTRUMENT_DECLINED", processor_code="5120").decline
        is DeclineClass.INSUFFICIENT_FUNDS
    )


def test_a_forbidden_retry_wins_over_a_soft_word() -> None:
    assert stripe_decline("insufficient_funds", network_advice="03").decline is DeclineClass.HARD_NEVER_RETRY
    assert (
        stripe_decline("generic_decline", advice="do_not_try_again").decline is DeclineClass.HARD_NEVER_RETRY
    )
    assert (
        stripe_decline("generic_decline", network="Visa", network_code="12").decline
        is DeclineClass.HARD_NEVER_RETRY
    )


def test_a_bank_that_asks_for_authentication_is_never_taken_for_a_hard_refusal() -> None:
    found = stripe_decline("authentication_required", advice="do_not_try_again", network_code="1A")

    assert found.decline is DeclineClass.AUTHENTICATION_REQUIRED


def test_a_code_may_change_its_meaning_on_a_day() -> None:
    before = stripe_decline("generic_decline", network="visa", network_code="57", on=date(2026, 10, 24))
    after = stripe_decline("generic_decline", network="visa", network_code="57", on=date(2026, 10, 25))

    assert before.decline is DeclineClass.GENERIC_OR_UNKNOWN
    assert after.decline is DeclineClass.HARD_NEVER_RETRY


def test_a_school_may_read_a_code_otherwise() -> None:
    table = built_in_declines().with_overrides({"stripe.do_not_honor": "hard_never_retry"})

    assert stripe_decline("do_not_honor", table=table).decline is DeclineClass.HARD_NEVER_RETRY
    assert stripe_decline("do_not_honor").decline is DeclineClass.GENERIC_OR_UNKNOWN


@pytest.mark.parametrize(
    ("key", "word"), [("do_not_honor", "hard_never_retry"), ("stripe.do_not_honor", "hard")]
)
def test_an_override_names_a_scheme_a_code_and_a_class(key: str, word: str) -> None:
    with pytest.raises(Unreadable):
        built_in_declines().with_overrides({key: word})


def test_a_code_has_one_meaning_per_day() -> None:
    entry = {"class": "expired_card", "codes": ["x"]}

    with pytest.raises(Unreadable, match="two meanings"):
        decline_table_from_data({"as_of": "2026-01-01", "schemes": {"stripe": [entry, entry]}})


def test_the_answer_says_which_line_decided() -> None:
    assert stripe_decline("stolen_card").by == "stripe stolen_card"
    assert stripe_decline("nobody_knows").by == "stripe nobody_knows (unknown)"
