"""Why a bank or PayPal said no, in our own few words."""

from __future__ import annotations

from enum import StrEnum


class DeclineClass(StrEnum):
    """The classes a policy can treat differently (domain.md §2.5 ``by_decline_class``)."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    EXPIRED_CARD = "expired_card"
    AUTHENTICATION_REQUIRED = "authentication_required"
    GENERIC_OR_UNKNOWN = "generic_or_unknown"
    HARD_NEVER_RETRY = "hard_never_retry"
    TECHNICAL_ERROR = "technical_error"
