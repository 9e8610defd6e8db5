"""Which ways of paying a school accepts, and why it refuses the others (seed F6-F12, R-F12).

A white list: what no rule names is refused. The list is the school's configuration ("à l'heure actuelle").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

Funding = Literal["credit", "debit", "prepaid", "unknown"]
Refusal = Literal[
    "not_accepted",
    "debit_card_not_accepted",
    "prepaid_card_not_accepted",
    "funding_unknown",
    "cvc_missing",
    "three_ds_unsupported",
    "not_recurring",
    "not_vaulted",
]
"""Why a method is refused; the screens and mails have the sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedMethod:
    """What a learner wants to pay with, as the gateway describes it; never a card number."""

    type: str
    """card, paypal, paypal_subscription, bank_transfer, cheque..."""
    funding: Funding = "unknown"
    deferred_debit: bool = False
    """A deferred-debit card: its marking says credit (EU reg. 2015/751)."""
    cvc_provided: bool = True
    three_ds_supported: bool = True
    recurring_capable: bool = True
    vaulted: bool = True


class _Part:
    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRule(_Part):
    """Cards, by funding and by what they must be able to do at set-up."""

    type: Literal["card"]
    funding: tuple[Funding, ...] = ("credit", "debit", "prepaid")
    cvc_required_at_setup: bool = False
    three_ds_required_at_setup: bool = False
    recurring_capable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaypalRule(_Part):
    """PayPal accounts that the school itself may debit (F27)."""

    type: Literal["paypal"]
    vaulted: bool = False
    recurring_capable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRule(_Part):
    """A method accepted without conditions."""

    type: Literal["paypal_subscription", "bank_transfer", "sepa_debit", "cheque", "other"]


MethodRule = Annotated[CardRule | PaypalRule | OtherRule, Field(discriminator="type")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMethods(_Part):
    """The white list of a policy; without rules and with ``default: allow`` everything is accepted."""

    default: Literal["allow", "deny"] = "allow"
    rules: tuple[MethodRule, ...] = ()
    refused_examples: tuple[str, ...] = ()
    """What the sign-up page names as refused; the list stays open ("etc.", F7)."""
    funding_unknown: Literal["allow", "refuse"] = "allow"
    deferred_debit_counts_as: Literal["credit", "debit"] = "credit"
    temporary_methods: tuple[str, ...] = ()
    """What staff may offer for the lump sum (J23)."""

    def refusal(self, offered: OfferedMethod) -> Refusal | None:
        """Why ``offered`` is refused, or ``None`` when it is accepted (F6-F12; FR-28, FR-29)."""
        for rule in self.rules:
            if rule.type == offered.type:
                return self._refusal_by(rule, offered)
        return None if self.default == "allow" else "not_accepted"

    def _refusal_by(self, rule: Any, offered: OfferedMethod) -> Refusal | None:
        if isinstance(rule, CardRule):
            return self._card_refusal(rule, offered)
        if isinstance(rule, PaypalRule):
            if rule.vaulted and not offered.vaulted:
                return "not_vaulted"
            return "not_recurring" if rule.recurring_capable and not offered.recurring_capable else None
        return None

    def _card_refusal(self, rule: CardRule, offered: OfferedMethod) -> Refusal | None:
        funding = self.deferred_debit_counts_as if offered.deferred_debit else offered.funding
        refused: Refusal | None = None
        if funding == "unknown":
            refused = "funding_unknown" if self.funding_unknown == "refuse" else None
        elif funding not in rule.funding:
            refused = {"debit": "debit_card_not_accepted", "prepaid": "prepaid_card_not_accepted"}.get(
                funding, "not_accepted"
            )  # type: ignore[assignment]  # the words above are members of Refusal
        if refused is not None:
            return refused
        if rule.cvc_required_at_setup and not offered.cvc_provided:
            return "cvc_missing"
        if rule.three_ds_required_at_setup and not offered.three_ds_supported:
            return "three_ds_unsupported"
        return "not_recurring" if rule.recurring_capable and not offered.recurring_capable else None
