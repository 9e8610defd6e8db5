"""The words banks use: code, advice, network code and sentence for each decline."""

from __future__ import annotations

from ops.simulators.scripts import Outcome
from ops.simulators.store import Json

_LATER, _NEVER, _DATA = "try_again_later", "do_not_try_again", "confirm_card_data"
_DECLINED = "Your card was declined."

_TABLE: dict[str, tuple[str, str | None, str | None, str]] = {
    # By decline code: the error code, the advice, the network code and the sentence.
    "insufficient_funds": ("card_declined", _LATER, "51", "Your card has insufficient funds."),
    "card_velocity_exceeded": ("card_declined", _LATER, "61", _DECLINED),
    "withdrawal_count_limit_exceeded": ("card_declined", _LATER, "65", _DECLINED),
    "generic_decline": ("card_declined", _LATER, "01", _DECLINED),
    "do_not_honor": ("card_declined", _LATER, "05", _DECLINED),
    "try_again_later": ("card_declined", _LATER, "91", _DECLINED),
    "issuer_not_available": ("card_declined", _LATER, "91", _DECLINED),
    "reenter_transaction": ("card_declined", _LATER, "19", _DECLINED),
    "approve_with_id": ("card_declined", _LATER, "01", _DECLINED),
    "call_issuer": ("card_declined", _LATER, "02", _DECLINED),
    "processing_error": (
        "processing_error",
        _LATER,
        "96",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "expired_card": ("expired_card", _DATA, "54", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", _DATA, "N7", "Your card's security code is incorrect."),
    "invalid_cvc": ("invalid_cvc", _DATA, "N7", "Your card's security code is invalid."),
    "incorrect_number": ("incorrect_number", _DATA, "14", "Your card number is incorrect."),
    "invalid_account": ("card_declined", _NEVER, "14", _DECLINED),
    "lost_card": ("card_declined", _NEVER, "41", _DECLINED),
    "stolen_card": ("card_declined", _NEVER, "43", _DECLINED),
    "pickup_card": ("card_declined", _NEVER, "04", _DECLINED),
    "restricted_card": ("card_declined", _NEVER, "62", _DECLINED),
    "fraudulent": ("card_declined", _NEVER, "59", _DECLINED),
    "merchant_blacklist": ("card_declined", _NEVER, None, _DECLINED),
    "security_violation": ("card_declined", _NEVER, "63", _DECLINED),
    "transaction_not_allowed": ("card_declined", _NEVER, "57", _DECLINED),
    "revocation_of_authorization": ("card_declined", _NEVER, "R1", _DECLINED),
    "revocation_of_all_authorizations": ("card_declined", _NEVER, "R3", _DECLINED),
    "stop_payment_order": ("card_declined", _NEVER, "R0", _DECLINED),
    "highest_risk_level": ("card_declined", _NEVER, None, _DECLINED),
    "currency_not_supported": ("card_declined", None, None, _DECLINED),
    "authentication_required": (
        "authentication_required",
        None,
        "1A",
        "Your card was declined. This transaction requires authentication.",
    ),
}
_ALIASES = {"limit_exceeded": "card_velocity_exceeded", "pick_up_card": "pickup_card"}


def decline_facts(outcome: Outcome) -> Json:
    """code, decline_code, message and the advice and network codes of a declined outcome.

    Codes the story gave win over the table's; an unknown decline code is a ``card_declined``.
    """
    written = outcome.decline or "generic_decline"
    decline = _ALIASES.get(written, written)
    code, advice, network, message = _TABLE.get(decline, ("card_declined", None, None, _DECLINED))
    return {
        "code": code,
        "decline_code": decline,
        "message": outcome.message or message,
        "advice_code": outcome.advice_code or advice,
        "network_decline_code": outcome.network_decline_code or network,
        "network_advice_code": outcome.network_advice_code,
    }
