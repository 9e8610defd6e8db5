"""What stands before a story begins: the school and its policy, people, subscriptions, credits, lessons, paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from ops.stories.model.base import Length, Listed, Name, OnDay, Part, Sum, Text, When, shorthand

_TIMES = re.compile(r"(?P<answer>.+?)\s*[x×*]\s*(?P<times>[0-9]+)")
_SUCCESS = {"ok", "succeeded", "success"}


class Closure(Part):
    """Days on which the office is closed, both ends included (J37)."""

    name: Text
    first: OnDay = Field(alias="from")
    last: OnDay = Field(alias="to")
    id: Name | None = Field(default=None, description="The school's id of it; made from the name when absent")
    calendar: Name | None = Field(default=None, description="The school's delivery calendar when absent")


class School(Part):
    """A school and its procedure: a preset, changed where the story says so."""

    id: Name = "school"
    name: Text = ""
    policy: Name = Field(default="fr-elearning", description="A policy that comes with Relance")
    set: dict[str, Any] = Field(
        default={},
        description="Changes to the policy: dotted keys (attempts.schedule.calendar) or reading codes (R-F1: R-F1b)",
    )
    own_policy: dict[str, Any] | None = Field(
        default=None, description="A whole policy in place of a preset, with the keys of a policy file"
    )
    version: int = Field(default=1, ge=1, description="The policy's version number")
    zone: Text | None = Field(default=None, description="An IANA zone; the policy's when absent")
    languages: tuple[Literal["fr", "ja", "en"], ...] | None = None
    currency: Text | None = None
    support_contact: Text = "help@school.example"
    staff_email: Text = "office@school.example"
    site_url: Text = "https://school.example"
    help_urls: dict[str, str] = Field(default={})
    delivery_calendar: Name | None = Field(default=None, description="The policy's when absent")
    accepted_methods: tuple[Text, ...] | None = Field(
        default=None,
        description="credit_card, card, paypal, paypal_subscription ...; the policy's when absent",
    )
    closures: tuple[Closure, ...] = Field(
        default=(), description="Closures beside those of the built-in calendars"
    )
    not_observed: Annotated[tuple[Text, ...], Listed] = Field(
        default=(),
        description="Names of built-in closures that this school does not observe (GW, summer, year-end)",
    )


class Learner(Part):
    """A learner; everything but the id has a default."""

    school: Name | None = None
    name: Text | None = None
    email: Text | None = None
    language: Literal["fr", "ja", "en"] | None = Field(
        default=None, description="The school's first when absent"
    )
    zone: Text | None = Field(default=None, description="An IANA zone; the school's when absent")


class Teacher(Part):
    """A teacher; everything but the id has a default."""

    school: Name | None = None
    name: Text | None = None
    email: Text | None = None
    language: Literal["fr", "ja", "en"] | None = None


class BankAnswer(Part):
    """One answer to a charge of ours, in its long form. Without ``decline`` it is a success."""

    decline: Text | None = Field(
        default=None,
        description="A class (insufficient_funds, limit_exceeded, expired_card, authentication_required, "
        "generic_or_unknown, hard_never_retry, technical_error) or a code of the gateway's own",
    )
    amount: Sum | None = Field(default=None, description="Another amount than the one asked for")
    pending: Length | None = Field(
        default=None, description="The outcome is open for so long, then `then` comes"
    )
    then: Annotated[
        BankAnswer | None,
        shorthand(lambda value: answer_from(value)),  # noqa: PLW0108 - it is defined below
    ] = Field(default=None, description="What follows `pending`; a success when absent")
    takes: Length | None = Field(default=None, description="How long our call waits for the answer")
    lost: Literal["before", "after"] | None = Field(
        default=None,
        description="The answer never reaches us: `before` nothing moved, `after` the money moved",
    )
    network_code: Text | None = None
    advice_code: Text | None = None
    times: int = Field(default=1, ge=1, le=1000)


def answer_from(value: Any) -> Any:
    """``ok`` and ``insufficient_funds x6`` in their long form."""
    if not isinstance(value, str):
        return value
    repeated = _TIMES.fullmatch(value.strip())
    word, times = (repeated["answer"], int(repeated["times"])) if repeated else (value.strip(), 1)
    return {"decline": None if word.lower() in _SUCCESS else word, "times": times}


if TYPE_CHECKING:
    Answer = BankAnswer
else:
    Answer = TypeAliasType("Answer", Annotated[BankAnswer, shorthand(answer_from)])
    """``ok``, a decline, either with a repetition (``insufficient_funds x6``), or the long form."""
Answers = Annotated[tuple[Answer, ...], Listed]
"""Answers to our own charges, one per charge; a single one needs no list."""


class Subscription(Part):
    """A subscription as the school registered it, and how its gateway behaves."""

    learner: Name | None = Field(default=None, description="The learner of the same id when absent")
    school: Name | None = None
    gateway: Literal["stripe", "paypal"] | None = Field(
        default=None, description="paypal where the policy leaves attempts to the gateway, else stripe"
    )
    gateway_subscription: Text | None = Field(default=None, description="The gateway's own id of it")
    price: Sum | None = Field(default=None, description="75.00 EUR or 12,800 JPY when absent")
    current_price: Sum | None = Field(default=None, description="The catalogue price; the price when absent")
    grandfathered: bool | None = Field(default=None, description="Whether price is an old price (J21)")
    billing_day: int | None = Field(default=None, ge=1, le=31, description="The day of `started` when absent")
    started: OnDay | None = Field(
        default=None, description="First day of the first period; some months ago when absent"
    )
    path: Name | None = Field(default=None, description="The path it pays for")
    method: Literal["card", "paypal", "paypal_subscription"] | None = None
    label: Text | None = Field(
        default=None, description="What a learner recognises: four last digits, PayPal"
    )
    card: Text | None = Field(default=None, description="A name for the card, for the networks' budgets")
    card_country: Text | None = None
    also_stored: Annotated[tuple[Literal["card", "paypal"], ...], Listed] = ()
    bank: Answers = Field(default=(), description="What our own charges are answered, in order")
    otherwise: Answer | None = Field(
        default=None,
        description="The answer once `bank` is used up; when absent, what the last attempt of any kind was answered",
    )
    credits_per_month: int | None = Field(
        default=None, ge=0, description="Lesson credits that a paid month gives"
    )
    registered: When | Literal["never"] | None = Field(
        default=None, description="When the school tells Relance of it; before the story begins when absent"
    )


class Grant(Part):
    """Lesson credits a subscription has."""

    subscription: Name | None = None
    credits: int = Field(ge=1)
    expires: OnDay | None = Field(default=None, description="Last valid day")
    id: Name | None = None


class Lesson(Part):
    """A lesson booked before the story begins; it takes its credits from the grants."""

    id: Name | None = None
    subscription: Name | None = None
    starts: When
    teacher: Name = "teacher"
    credits: int = Field(default=1, ge=1)


class Path(Part):
    """A path a learner follows, and the last day on which it can be taken up again (F22)."""

    path: Name
    learner: Name | None = None
    subscription: Name | None = None
    title: Text = ""
    deadline: OnDay | None = None
