"""What a school does when a monthly payment fails, as one readable set of switches (domain.md §2.5).

Two schools, two originals, one model: everything that a seed leaves open is a key here with a default, listed by
reading code in ``readings``. A policy is pure data; the dates it makes are in ``dates``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, TypeAdapter

from services.dunning.policies.attempts import Attempts
from services.dunning.policies.billing import Authentication, Billing
from services.dunning.policies.grace import DatedLength, Grace
from services.dunning.policies.notices import Consequences, Notices
from services.dunning.policies.parts import Part, Zone
from services.dunning.policies.remediation import Arrears, Cancellation, Credits, Remediation, Reversal
from shared.calendar import Language
from shared.methods import AcceptedMethods
from shared.money import Money

SCHEMA_VERSION = 1

FailureStep = Literal["mark_arrears", "hold_credits", "lock_my_page_payment"]
RecoveryStep = Literal[
    "cancel_timers",
    "mark_invoice_paid",
    "send_receipt",
    "restore_access",
    "release_credits",
    "unlock_nothing_to_pay",
    "keep_billing_day",
    "cancel_expectations",
]
ExhaustionStep = Literal[
    "suspend_access",
    "stop_automatic_attempts",
    "pause_subscription",
    "cancel_subscription",
    "mark_invoice_uncollectible",
    "ensure_gateway_subscription_cancelled",
    "drop_grandfathered_price",
    "cancel_booked_lessons_by_admin",
    "forfeit_all_unconsumed_credits",
    "create_guidance_task",
]
Judgement = Literal["exact", "partial", "overpaid", "wrong_currency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRules(Part):
    """When an amount pays a debt (R-X3)."""

    match: Literal["exact", "tolerance"] = "exact"
    tolerance_minor: Annotated[int, Field(ge=0)] = 0
    partial: Literal["keep_open"] = "keep_open"
    overpay: Literal["review"] = "review"
    wrong_currency: Literal["reject_and_review"] = "reject_and_review"

    def judge(self, owed: Money, received: Money) -> Judgement:
        """Whether ``received`` settles ``owed``; everything but ``exact`` is for a person to look at."""
        if owed.currency != received.currency:
            return "wrong_currency"
        difference = received.amount_minor - owed.amount_minor
        if abs(difference) <= (self.tolerance_minor if self.match == "tolerance" else 0):
            return "exact"
        return "partial" if difference < 0 else "overpaid"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRules(Part):
    """How events that come twice, late or in another order are understood (R-X1)."""

    number_attempts_by: Literal["occurred_at"] = "occurred_at"
    duplicates_by: tuple[Literal["event_id", "gateway_transaction_status"], ...] = (
        "event_id",
        "gateway_transaction_status",
    )
    success_dominates: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(Part):
    """What an edit does to cases that are already open (R-X5)."""

    policy: Literal["pinned_per_case", "live"] = "pinned_per_case"
    mail_calendar: Literal["live"] = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Part):
    """One school's procedure. Every key of a policy file is a field here; unknown keys are refused."""

    id: str
    version: Annotated[int, Field(ge=1)]
    extends: str | None = None
    languages: tuple[Language, ...] = ("en",)
    timezone: Zone
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    triggers: tuple[Literal["renewal_failed", "first_payment_failed"], ...] = ("renewal_failed",)
    case_key: tuple[Literal["subscription_id", "billing_period_start"], ...] = (
        "subscription_id",
        "billing_period_start",
    )
    billing: Billing = Billing()
    accepted_methods: AcceptedMethods = AcceptedMethods()
    authentication: Authentication = Authentication()
    attempts: Attempts
    collection_deadline: DatedLength | None = None
    """The end of the case, where it is not the end of the grace; the grace then rules access only."""
    grace: Grace
    notices: Notices = Notices()
    consequences: Consequences = Consequences()
    on_failure: tuple[FailureStep, ...] = ()
    on_recovery: tuple[RecoveryStep, ...] = ("cancel_timers", "mark_invoice_paid")
    on_exhaustion: tuple[ExhaustionStep, ...] = ("suspend_access",)
    credits: Credits = Credits()
    arrears: Arrears = Arrears()
    remediation: Remediation
    cancellation_by_learner: Cancellation = Cancellation()
    reversal: Reversal = Reversal()
    money: MoneyRules = MoneyRules()
    events: EventRules = EventRules()
    changes: Changes = Changes()

    def to_data(self) -> dict[str, Any]:
        """The whole policy with every default written out, as plain JSON values."""
        data: dict[str, Any] = policy_adapter().dump_python(self, mode="json", by_alias=True)
        return data

    def to_yaml(self) -> str:
        """The whole policy as a file that ``read_policies`` reads back to the same policy."""
        body = {"schema_version": SCHEMA_VERSION, **self.to_data()}
        return yaml.dump(body, allow_unicode=True, sort_keys=False, width=110, Dumper=_QuotingDumper)

    def content_hash(self) -> str:
        """SHA-256 of the whole content: the same rules give the same hash on every machine (R-X5)."""
        text = json.dumps(self.to_data(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@cache
def policy_adapter() -> TypeAdapter[Policy]:
    """Validates plain data into a ``Policy`` (shape only; ``checks`` holds the rules between sections)."""
    return TypeAdapter(Policy)


def policy_from_data(data: Mapping[str, Any]) -> Policy:
    """A policy that ``to_data`` wrote, such as the pinned one of a case; it was checked when it was adopted."""
    return policy_adapter().validate_python(data)


class _QuotingDumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 would read as something else (times of day are sexagesimal numbers to it)."""


def _quoted_time(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if ":" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_QuotingDumper.add_representer(str, _quoted_time)
