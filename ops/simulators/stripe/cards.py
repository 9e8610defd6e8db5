"""The test cards: what each number is, and what its bank says when a story wrote nothing down."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from ops.simulators.scripts import OK, Outcome

Authentication = Literal["never", "unless_set_up", "always", "on_session_only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One test number. ``at_attach`` says whether its decline already shows when it is saved."""

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "FR"
    decline: str | None = None
    at_attach: bool = False
    authentication: Authentication = "never"

    @property
    def fingerprint(self) -> str:
        """The same for the same number, as at Stripe."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


_DECLINES_WHEN_SAVED = {
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000009987": "lost_card",
    "4000000000009979": "stolen_card",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
    "4000000000000119": "processing_error",
    "4000000000006975": "card_velocity_exceeded",
}
_CARDS = [
    Card(number="4242424242424242"),
    Card(number="5555555555554444", brand="mastercard"),
    Card(number="378282246310005", brand="amex"),
    Card(number="4000002500000003"),
    Card(number="4000003920000003", country="JP"),
    Card(number="4000056655665556", funding="debit"),
    Card(number="5200828282828210", brand="mastercard", funding="debit"),
    Card(number="5105105105105100", brand="mastercard", funding="prepaid"),
    Card(number="4000000000000341", decline="generic_decline"),
    Card(number="4000002500003155", authentication="unless_set_up"),
    Card(number="4000002760003184", authentication="always"),
    Card(number="4000003800000446", authentication="on_session_only"),
    Card(number="4000008260003178", authentication="unless_set_up", decline="insufficient_funds"),
    *(
        Card(number=number, decline=decline, at_attach=True)
        for number, decline in _DECLINES_WHEN_SAVED.items()
    ),
]
CARDS = {card.number: card for card in _CARDS}

TOKENS = {
    # Stripe's ready-made test methods, by the words after "pm_card_" and "tok_".
    "visa": "4242424242424242",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "fr": "4000002500000003",
    "jp": "4000003920000003",
    "visa_debit": "4000056655665556",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "chargeCustomerFail": "4000000000000341",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
}


def card_of(number: str) -> Card:
    """The test card with this number; any other number is a French Visa credit card that works."""
    digits = "".join(sign for sign in number if sign.isdigit())
    return CARDS.get(digits, Card(number=digits, brand="mastercard" if digits.startswith("5") else "visa"))


def number_of_token(token: str) -> str | None:
    """The number behind ``pm_card_visa`` or ``tok_visa``; None when it is no test token."""
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix):
            return TOKENS.get(token.removeprefix(prefix))
    return None


def bank_answer(card: Card, *, set_up: bool, on_session: bool, authenticated: bool) -> Outcome:
    """What this card's bank says to a charge when nothing was scripted.

    ``set_up``: the payer passed 3-D Secure when the card was saved; ``authenticated``: for this payment.
    """
    after = Outcome(decline=card.decline) if card.decline else OK
    asks = {
        "never": False,
        "unless_set_up": not set_up,
        "always": True,
        "on_session_only": on_session or not set_up,
    }[card.authentication]
    if asks and not authenticated:
        return Outcome(decline="authentication_required", then=after)
    return after
