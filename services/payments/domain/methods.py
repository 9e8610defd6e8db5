"""Which ways of paying a school takes, from its own short list, and why another one is refused (R-F12)."""

from __future__ import annotations

from typing import Final

from shared.errors import Unreadable
from shared.methods import (
    AcceptedMethods,
    CardRule,
    Funding,
    MethodRule,
    OfferedMethod,
    OtherRule,
    PaypalRule,
)

_CREDIT: Final[tuple[Funding, ...]] = ("credit",)
_RULES: Final[dict[str, MethodRule]] = {
    "credit_card": CardRule(
        type="card",
        funding=_CREDIT,
        cvc_required_at_setup=True,
        three_ds_required_at_setup=True,
        recurring_capable=True,
    ),
    "card": CardRule(type="card", cvc_required_at_setup=True, recurring_capable=True),
    "paypal": PaypalRule(type="paypal", vaulted=True, recurring_capable=True),
    "paypal_subscription": OtherRule(type="paypal_subscription"),
    "bank_transfer": OtherRule(type="bank_transfer"),
    "sepa_debit": OtherRule(type="sepa_debit"),
}
WORDS: Final = tuple(_RULES)


def accepted_by(words: tuple[str, ...]) -> AcceptedMethods:
    """The white list of a school; without any word everything is accepted.

    Raises:
        Unreadable: a word that no rule stands for.
    """
    unknown = [word for word in words if word not in _RULES]
    if unknown:
        raise Unreadable(f"no method of payment is called {unknown[0]!r}: use one of {', '.join(WORDS)}")
    return AcceptedMethods(
        default="deny" if words else "allow", rules=tuple(_RULES[word] for word in dict.fromkeys(words))
    )


def why_refused(words: tuple[str, ...], offered: OfferedMethod) -> str | None:
    """The code of the refusal (``shared.methods.Refusal``), or ``None`` when the method is accepted."""
    return accepted_by(words).refusal(offered)
