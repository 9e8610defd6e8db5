"""What must come of a story: facts, mails, money, and how things stand at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ops.stories.model.base import Listed, Name, OnDay, Part, Sum, Text, When, shorthand
from ops.stories.model.words import tagged

Where = dict[str, Any]


class _Expectation(Part):
    about: Text = ""


class _Counted(_Expectation):
    """Something that happens at instants and can be counted."""

    at: When | None = Field(default=None, description="It happened at this instant")
    on: OnDay | None = Field(default=None, description="It happened on this day of the school's")
    after: When | None = Field(
        default=None, description="Only what happened at or after this instant is counted"
    )
    before: When | None = Field(default=None, description="Only what happened before this instant is counted")
    times: int | None = Field(default=None, ge=0, description="Exactly so often; at least once when absent")
    never: bool = Field(default=False, description="Not once: the same as times: 0")


class _About(Part):
    subscription: Name | None = None
    learner: Name | None = None
    case: Text | None = None


class FactExpected(_Counted, _About):
    """A fact was said."""

    fact: Text = Field(description="CaseSuspended or dunning.CaseSuspended")
    where: Where = Field(default={}, alias="with", description="Fields it must have; keys may be dotted")
    told: When | None = Field(
        default=None, description="It was told at this instant (`at`: it happened then)"
    )


class MailExpected(_Counted, _About):
    """A mail left."""

    mail: Text = Field(description="Its template, as fr.suspended")
    to: Text | None = Field(default=None, description="learner, teacher, office, or an address")
    language: Literal["fr", "ja", "en"] | None = None
    contains: Annotated[tuple[Text, ...], Listed] = Field(
        default=(), description="Words of its subject or text"
    )
    lacks: Annotated[tuple[Text, ...], Listed] = Field(default=(), description="Words that are in neither")


class MailDone(Part):
    """One mail of a whole list."""

    mail: Text
    at: When | None = None
    on: OnDay | None = None


def _mail(value: Any) -> Any:
    return {"mail": value} if isinstance(value, str) else value


class MailsExpected(_Expectation, _About):
    """These mails left, in this order, and no others."""

    mails: tuple[Annotated[MailDone, shorthand(_mail)], ...]
    to: Text = Field(default="learner", description="learner, teacher, office, or everybody")
    after: When | None = None
    before: When | None = None


class ChargeExpected(_Counted, _About):
    """Money was tried at a gateway, as its own books have it."""

    charge: Literal["succeeded", "failed", "pending", "any"]
    amount: Sum | None = None
    by: Literal["us", "gateway", "learner"] | None = None
    transaction: Text | None = None


class ChargeDone(Part):
    """One attempt of a whole list."""

    at: When | None = None
    outcome: Literal["succeeded", "failed", "pending"] | None = None
    amount: Sum | None = None
    by: Literal["us", "gateway", "learner"] | None = None


def _charge(value: Any) -> Any:
    return {"at": value} if isinstance(value, str) else value


class ChargesExpected(_Expectation, _About):
    """These attempts were made, in this order, and no others."""

    charges: tuple[Annotated[ChargeDone, shorthand(_charge)], ...]
    by: Literal["us", "gateway", "learner"] | None = Field(default=None, description="Only those made by")


class RetriesExpected(_Expectation, _About):
    """We ran automatic attempts at exactly these instants."""

    retries: tuple[When, ...]


class Step(Part):
    """One thing of an order."""

    fact: Text | None = None
    mail: Text | None = None
    where: Where = Field(default={}, alias="with")


def _step(value: Any) -> Any:
    if isinstance(value, str):
        return {"mail": value} if value.split(".")[0] in {"fr", "jp", "staff"} else {"fact": value}
    return value


class OrderExpected(_Expectation, _About):
    """These came one after the other (others may lie between)."""

    order: tuple[Annotated[Step, shorthand(_step)], ...]


class _State(_Expectation):
    """How something stands at an instant; at the end of the story when ``at`` is absent."""

    at: When | None = None


class AccessExpected(_State):
    """What a learner may reach."""

    access: Literal["full", "booked_lessons_only", "read_only", "none"]
    who: Name | None = None
    subscription: Name | None = Field(default=None, description="Of this subscription alone")
    where: Where = Field(default={}, alias="with", description="Part of the answer")


class CaseExpected(_State):
    """The state of a case."""

    case: Text = Field(description="A state, as suspended; `none` when there must be no case at all")
    subscription: Name | None = None
    period: OnDay | None = Field(default=None, description="The case of that period; the newest when absent")
    id: Text | None = None
    flags: Annotated[tuple[Text, ...], Listed] | None = Field(
        default=None, description="Exactly these reasons wait for a person"
    )
    where: Where = Field(default={}, alias="with", description="Part of the case as dunning's API shows it")


class CasesExpected(_State):
    """How many cases there are."""

    cases: int = Field(ge=0)
    subscription: Name | None = None


class CreditsExpected(_State):
    """Where lesson credits are: granted, untouched, reserved, consumed, forfeited, expired, held, bookable."""

    credits: Where
    subscription: Name | None = None


class LessonsExpected(_State):
    """What became of lessons: booked, started, cancelled_by_learner, cancelled_by_admin."""

    lessons: dict[str, Text]
    subscription: Name | None = None


class SelfPaymentExpected(_State):
    """Whether My Page lets the learner pay."""

    self_payment: Literal["locked", "open"]
    subscription: Name | None = None


class EnrolmentExpected(_State):
    """Whether a path can be followed."""

    enrolment: Literal["open", "closed"]
    path: Name
    who: Name | None = None


class RegistryExpected(_State):
    """The subscription as payments knows it: billing_day, price, method ..."""

    registered: Where
    subscription: Name | None = None


class QueueExpected(_State):
    """Who waits for guidance, in order (J45)."""

    guidance_queue: Annotated[tuple[Text, ...], Listed] = Field(description="Subscriptions, first come first")
    school: Name | None = None


class WaitingMailsExpected(_State):
    """Mails that wait to leave, by template."""

    waiting_mails: Annotated[tuple[Text, ...], Listed]
    subscription: Name | None = None


class CountersExpected(_State):
    """What was counted at the gateways' doors: duplicates, refused, waiting, failed."""

    webhooks: dict[str, int]


class TroublesExpected(_Expectation):
    """What the machines could not handle; without this line a story must have none."""

    troubles: int | Annotated[tuple[Text, ...], Listed] = Field(
        description="How many, or words that each of them has"
    )


class TransitionsExpected(_Expectation):
    """These transitions of the state machine were taken, among others."""

    transitions: Annotated[tuple[Text, ...], Listed]


KINDS: dict[str, type[_Expectation]] = {
    "fact": FactExpected,
    "mail": MailExpected,
    "mails": MailsExpected,
    "charge": ChargeExpected,
    "charges": ChargesExpected,
    "retries": RetriesExpected,
    "order": OrderExpected,
    "access": AccessExpected,
    "case": CaseExpected,
    "cases": CasesExpected,
    "credits": CreditsExpected,
    "lessons": LessonsExpected,
    "self_payment": SelfPaymentExpected,
    "enrolment": EnrolmentExpected,
    "registered": RegistryExpected,
    "guidance_queue": QueueExpected,
    "waiting_mails": WaitingMailsExpected,
    "webhooks": CountersExpected,
    "troubles": TroublesExpected,
    "transitions": TransitionsExpected,
}

if TYPE_CHECKING:
    Expectation = _Expectation
else:
    Expectation = tagged("Expectation", KINDS)
Expectations = Annotated[tuple[Expectation, ...], Listed]
"""Expectations, each told by its first word; a single one needs no list."""
