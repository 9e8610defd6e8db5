"""The gateways' words for a refusal, in the few classes of the school."""

from __future__ import annotations

from shared.declines import DeclineClass

_STRIPE = {
    DeclineClass.INSUFFICIENT_FUNDS: "insufficient_funds",
    DeclineClass.LIMIT_EXCEEDED: "card_velocity_exceeded withdrawal_count_limit_exceeded",
    DeclineClass.EXPIRED_CARD: "expired_card expired_payment_method",
    DeclineClass.AUTHENTICATION_REQUIRED: (
        "authentication_required invoice_payment_intent_requires_action authentication_not_handled "
        "payment_intent_authentication_failure"
    ),
    DeclineClass.HARD_NEVER_RETRY: (
        "incorrect_number lost_card pickup_card stolen_card revocation_of_authorization "
        "revocation_of_all_authorizations highest_risk_level transaction_not_allowed fraudulent "
        "merchant_blacklist restricted_card security_violation stop_payment_order invalid_account"
    ),
    DeclineClass.TECHNICAL_ERROR: "processing_error issuer_not_available lock_timeout",
}
STRIPE = {code: kind for kind, codes in _STRIPE.items() for code in codes.split()}
PAYPAL = {
    "PAYMENT_DENIED": DeclineClass.GENERIC_OR_UNKNOWN,
    "PAYER_CANNOT_PAY": DeclineClass.INSUFFICIENT_FUNDS,
    "SENDING_LIMIT_EXCEEDED": DeclineClass.LIMIT_EXCEEDED,
    "PAYER_ACCOUNT_RESTRICTED": DeclineClass.GENERIC_OR_UNKNOWN,
    "INTERNAL_SERVER_ERROR": DeclineClass.TECHNICAL_ERROR,
    "PAYEE_ACCOUNT_RESTRICTED": DeclineClass.TECHNICAL_ERROR,
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": DeclineClass.TECHNICAL_ERROR,
    "CURRENCY_MISMATCH": DeclineClass.TECHNICAL_ERROR,
}


def stripe_class(code: str, *, advice: str | None = None, network: str | None = None) -> DeclineClass:  # noqa: ARG001 - the network's word will count when shared.declines has its table
    """The class of a Stripe decline; an unknown code is a generic one (F24)."""
    found = STRIPE.get(code, DeclineClass.GENERIC_OR_UNKNOWN)
    if advice == "do_not_try_again" and found is DeclineClass.GENERIC_OR_UNKNOWN:
        return DeclineClass.HARD_NEVER_RETRY
    return found


def paypal_class(reason: str) -> DeclineClass:
    """The class of a PayPal reason code; an unknown one is generic."""
    return PAYPAL.get(reason, DeclineClass.GENERIC_OR_UNKNOWN)
