"""What a learner does."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ops.stories.model.acts.common import Act, End, Gateway, OfSubscription
from ops.stories.model.base import Length, Name, Sum, Text, When
from ops.stories.model.setup import Answers


class _Learner(Act, OfSubscription):
    who: Name | None = Field(default=None, description="The learner; the subscription's when absent")


class _OnPage(_Learner):
    """A visit to a page of the gateway."""

    page: End = Field(default="done", description="How the visit ends: done, refused by the bank, or left")
    stay: Length | None = Field(
        default=None, description="How long the learner (or the bank's question) takes"
    )
    bank: Answers = Field(
        default=(), description="The answers to the charges that come of it, ahead of others"
    )
    reason: Text = Field(default="insufficient_funds", description="Why the bank refuses, when it does")


class UpdatesMethod(_OnPage):
    """The learner stores another method (F17)."""

    learner: Literal["updates_method"]
    method: Literal["card", "paypal"] = "card"
    label: Text | None = None
    card: Text | None = None
    card_country: Text | None = None
    funding: Literal["credit", "debit", "prepaid", "unknown"] = "credit"
    cvc: bool = True
    three_ds: bool = True
    recurring: bool = True
    update: Text | None = Field(default=None, description="The gateway's id of the update")


class Authenticates(_OnPage):
    """The learner follows the mail's link to the bank's page (F23)."""

    learner: Literal["authenticates"]
    challenge: Text | None = None


class Relaunches(_OnPage):
    """The suspended learner starts again (F20). ``at`` is the submission."""

    learner: Literal["relaunches"]
    path: Name | None = Field(
        default=None, description="The path to take up again; the subscription's when absent"
    )
    method: Literal["card", "paypal"] | None = None


class Pays(_OnPage):
    """The learner pays from My Page, which makes a new subscription at the gateway (J26)."""

    learner: Literal["pays"]
    amount: Sum | None = Field(default=None, description="The price asked when absent")
    transaction: Text | None = None
    next_billing: When | None = Field(default=None, description="The gateway's own next charge")


class SignsUp(_OnPage):
    """A new learner subscribes (F1, F6-F12)."""

    learner: Literal["signs_up"]
    method: Text = "card"
    funding: Literal["credit", "debit", "prepaid", "unknown"] = "credit"
    deferred_debit: bool = False
    cvc: bool = True
    three_ds: bool = True
    recurring: bool = True
    price: Sum | None = None
    billing_day: int | None = Field(default=None, ge=1, le=31)
    gateway: Gateway | None = None


class Cancels(_Learner):
    """The learner ends the contract (T34)."""

    learner: Literal["cancels"]


class Reports(_Learner):
    """The learner says that the problem is solved, ready for the next attempt (J11, J39)."""

    learner: Literal["reports"]
    text: Text = "I solved the problem and am ready for the next attempt."


class OpensMyPage(_Learner):
    """The learner looks at the payment button of My Page (J31)."""

    learner: Literal["opens_my_page"]


class LogsIn(_Learner):
    """The learner logs in: what may he reach now? (FR-41)"""

    learner: Literal["logs_in"]


class BooksLesson(_Learner):
    """The learner books a lesson."""

    learner: Literal["books_lesson"]
    lesson: Name | None = None
    starts: When
    teacher: Name = "teacher"
    credits: int = Field(default=1, ge=1)


class CancelsLesson(_Learner):
    """The learner gives a lesson up."""

    learner: Literal["cancels_lesson"]
    lesson: Name
