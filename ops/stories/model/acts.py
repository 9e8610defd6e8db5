"""What happens in a story: at gateways, by learners, by the school's staff, and to the machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ops.stories.model.base import Length, Listed, Name, OnDay, Part, Sum, Text, When
from ops.stories.model.expectations import Expectations
from ops.stories.model.setup import Answer, Answers
from ops.stories.model.words import tagged

Service = Literal["payments", "dunning", "access", "credits", "notifications"]
Gateway = Literal["stripe", "paypal"]
End = Literal["done", "refused", "left"]


class Entry(Part):
    """What every line of ``happens`` may say."""

    at: When | None = Field(
        default=None, description="When; at the same instant as the line before when absent"
    )
    about: Text = Field(default="", description="A remark for readers")
    expect: Expectations = Field(default=(), description="What must be so right after this")


class Act(Entry):
    """Something asked of Relance by a person or by the school's own system, through the services' doors."""

    refused: bool | int | Text | None = Field(
        default=None,
        description="It must be refused: true, the HTTP status, the problem's code, or words of the reason",
    )
    answers: dict[str, Any] = Field(default={}, description="Part of the answer's body, keys may be dotted")


class _OfSubscription(Part):
    subscription: Name | None = Field(
        default=None, description="The only one of the story (or learner) when absent"
    )


# --- the gateway, by itself -----------------------------------------------------------------------


class _AtGateway(Entry, _OfSubscription):
    event: Text | None = Field(default=None, description="The gateway's id of the event; its own when absent")
    arrives: Annotated[tuple[When | Literal["never"], ...], Listed] | None = Field(
        default=None,
        description="When the news reaches us: an instant, several (delivered more than once), or never; at once "
        "when absent",
    )
    gateway_subscription: Text | None = Field(
        default=None, description="Another subscription at the gateway than the registered one"
    )


class Attempt(_AtGateway):
    """The gateway tried to take money. ``at`` is the gateway's own time."""

    attempt: Literal["failed", "succeeded", "pending"]
    reason: Text = Field(
        default="insufficient_funds", description="Why it failed: a class or a code of the gateway's own"
    )
    amount: Sum | None = Field(default=None, description="The subscription's price when absent")
    amount_text: Text | None = Field(default=None, description="The amount exactly as the gateway writes it")
    transaction: Text | None = Field(
        default=None,
        description="The gateway's id of it; when absent a new one, except for the outcome of the last "
        "pending attempt",
    )
    period: OnDay | None = Field(default=None, description="The period the gateway says it is for")
    first: bool = Field(default=False, description="The very first payment of the subscription")
    next_attempt: When | None = Field(default=None, description="When the gateway says that it tries again")
    next_billing: When | None = Field(default=None, description="The gateway's own next charge")
    network_code: Text | None = None
    advice_code: Text | None = None
    card: Text | None = None


class AtGateway(_AtGateway):
    """The subscription stands differently at the gateway."""

    at_gateway: Literal["cancelled", "suspended", "activated"]
    by: Literal["gateway", "learner", "school", "unknown"] | None = Field(
        default=None, description="Who cancelled it; the gateway when absent"
    )
    failed_payments: int = Field(default=0, ge=0, description="Consecutive failures that the gateway counts")
    outstanding: Sum | None = None
    amount: Sum | None = None
    next_billing: When | None = None


class MoneyBack(_AtGateway):
    """Money went back (R-X4)."""

    money_back: Literal["refund", "chargeback", "reversal"]
    id: Text | None = None
    transaction: Text | None = Field(default=None, description="The last successful one when absent")
    amount: Sum | None = Field(default=None, description="The subscription's price when absent")


class Challenge(_AtGateway):
    """The payer's bank asks for a proof (3-D Secure), and what comes of it."""

    challenge: Literal["started", "passed", "failed"]
    id: Text | None = Field(default=None, description="The last one started when absent")


class Bank(Entry, _OfSubscription):
    """From now on our own charges are answered so."""

    bank: Answers
    otherwise: Answer | None = None
    next: bool = Field(default=False, description="Ahead of what was scripted before instead of after it")


# --- the learner ----------------------------------------------------------------------------------


class _Learner(Act, _OfSubscription):
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


# --- the school's staff ---------------------------------------------------------------------------


class _Staff(Act):
    by: Name = Field(default="office", description="Who does it")
    note: Text = ""


class OnCase(_Staff, _OfSubscription):
    """An act on one case."""

    case: Text | None = Field(
        default=None, description="The case's id; the newest of the subscription when absent"
    )
    period: OnDay | None = Field(default=None, description="The case of that period")


class SendsGuidance(OnCase):
    """Staff confirms the temporary method and sends the guidance (J23, T25)."""

    staff: Literal["sends_guidance"]
    method: Name = "bank_transfer"
    reference: Text = "R-1"
    amount: Sum | None = Field(default=None, description="Two months at the current price when absent")
    due: OnDay | None = None


class RecordsReceipt(OnCase):
    """Money came by the temporary method (T26, T27)."""

    staff: Literal["records_receipt"]
    amount: Sum
    receipt: Name | None = Field(default=None, description="Its id; a new one when absent")
    received: When | None = Field(default=None, description="When the money came; now when absent")


class AnnouncesResume(OnCase):
    """Staff announces the day on which the learner pays from My Page (T28)."""

    staff: Literal["announces_resume"]
    day: OnDay


class AcceptsDifference(OnCase):
    """Staff takes a wrong, partial or over-paid amount as settling the case (T11, T27)."""

    staff: Literal["accepts_difference"]


class SettlesFlag(OnCase):
    """Staff has dealt with something that waited for a person."""

    staff: Literal["settles_flag"]
    reason: Name
    what: Text | None = Field(
        default=None, description="What the flag is about; the only one of that reason when absent"
    )


class ClosesCase(OnCase):
    """Staff closes the case: left the school, written off, opened in error."""

    staff: Literal["closes_case"]


class ExtendsDeadline(OnCase):
    """Staff gives more time, never less (invariant 11)."""

    staff: Literal["extends_deadline"]
    deadline: When


class GrantsAccess(OnCase):
    """Staff restores access with a reason."""

    staff: Literal["grants_access"]


class ChargesNow(OnCase):
    """Staff asks for one more attempt now; refused where the gateway decides (J16)."""

    staff: Literal["charges_now"]


class ResolvesReversal(OnCase):
    """Staff settles a reversal's case."""

    staff: Literal["resolves_reversal"]
    keep_access: bool = True
    release_credits: bool = True


class AdoptsRegistration(OnCase):
    """Staff takes an unexpected registration as the new subscription (JP-11)."""

    staff: Literal["adopts_registration"]
    gateway_subscription: Text | None = None


class RestoresCredits(OnCase):
    """Staff gives back what the case forfeited (Q-J10)."""

    staff: Literal["restores_credits"]


class _OfSchool(_Staff):
    school: Name | None = None


class AddsClosure(_OfSchool):
    """Staff announces days on which the office is closed."""

    staff: Literal["adds_closure"]
    name: Text
    first: OnDay = Field(alias="from")
    last: OnDay = Field(alias="to")
    id: Name | None = None
    calendar: Name | None = None


class WithdrawsClosure(_OfSchool):
    """The office is open after all."""

    staff: Literal["withdraws_closure"]
    name: Text


class AdoptsPolicy(_OfSchool):
    """The school's procedure changes; cases opened from now on follow it (R-X5)."""

    staff: Literal["adopts_policy"]
    policy: Name | None = Field(default=None, description="A preset; the school's present policy when absent")
    set: dict[str, Any] = Field(default={})
    own_policy: dict[str, Any] | None = None
    version: int | None = Field(default=None, ge=1, description="One more than before when absent")


class GrantsCredits(_Staff, _OfSubscription):
    """The school grants lesson credits, or makes a grant valid for longer (the same id, a later day)."""

    staff: Literal["grants_credits"]
    credits: int = Field(ge=1)
    expires: OnDay | None = None
    id: Name | None = None


class SetsDeadline(_Staff):
    """The school sets or moves a path's re-enrolment deadline."""

    staff: Literal["sets_path_deadline"]
    path: Name
    who: Name | None = None
    subscription: Name | None = None
    deadline: OnDay | None = None
    title: Text = ""


class Registers(_Staff, _OfSubscription):
    """The school's system registers the subscription, or tells of a change of it."""

    staff: Literal["registers_subscription"]
    price: Sum | None = None
    current_price: Sum | None = None
    billing_day: int | None = Field(default=None, ge=1, le=31)


class ReleasesMail(OnCase):
    """Staff lets a waiting mail leave now."""

    staff: Literal["releases_mail"]
    template: Text
    ordinal: int = 1


class DropsMail(OnCase):
    """Staff decides that a waiting mail does not leave."""

    staff: Literal["drops_mail"]
    template: Text
    ordinal: int = 1


# --- machines, and raw HTTP -----------------------------------------------------------------------


class _Machine(Entry):
    pass


class Crashes(_Machine):
    """A process dies and stays dead until it is restarted; its HTTP doors stay open."""

    machine: Literal["crashes"]
    service: Service | Literal["all"] = "all"
    point: Literal["now", "after_charge", "before_charge", "before_commit", "after_commit"] = "now"


class Restarts(_Machine):
    """What died lives again."""

    machine: Literal["restarts"]
    service: Service | Literal["all"] = "all"


class Jumps(_Machine):
    """Everything stood still until ``to``, then goes on: whatever was due meanwhile is late."""

    machine: Literal["jumps"]
    to: When


class WrongClock(_Machine):
    """A service's agenda runs on a clock that is wrong by so much."""

    machine: Literal["wrong_clock"]
    service: Service = "dunning"
    fast: Length | None = None
    slow: Length | None = None


class TwoWorkers(_Machine):
    """Two workers take every timer and errand of a service at the same instant."""

    machine: Literal["two_workers"]
    service: Service = "dunning"
    until: When | None = Field(default=None, description="To the end of the story when absent")


class Replays(_Machine):
    """Every message is delivered again; the story fails when anything changes by it (invariant 9)."""

    machine: Literal["replays"]
    services: Annotated[tuple[Service, ...], Listed] = Field(default=(), description="All when absent")
    times: int = Field(default=1, ge=1, le=10)


class MailProvider(_Machine):
    """The mail provider takes mails or does not."""

    machine: Literal["mail_provider"]
    state: Literal["down", "up"]
    until: When | None = Field(default=None, description="Then it is the other way round")


class GatewayApi(_Machine):
    """A gateway's API answers or does not."""

    machine: Literal["gateway_api"]
    gateway: Gateway | None = Field(default=None, description="Both when absent")
    state: Literal["down", "up"]
    until: When | None = Field(default=None, description="Then it is the other way round")


class Webhook(Act):
    """Raw bytes at a gateway's door: forged, stale, unreadable ones."""

    webhook: Gateway
    signature: Literal["bad", "none", "stale"] = "bad"
    body: Any = Field(default=None, description="Text as it is, or data that is sent as JSON")
    headers: dict[str, str] = Field(default={})


class Call(Act):
    """One HTTP request to a service, for whatever has no word of its own."""

    call: Service
    method: Literal["GET", "PUT", "POST", "DELETE", "PATCH"] = "GET"
    path: Text
    body: Any = None


class Look(Entry):
    """Only ``expect``."""


HAPPENINGS: dict[str, type[Entry]] = {
    "attempt": Attempt,
    "at_gateway": AtGateway,
    "money_back": MoneyBack,
    "challenge": Challenge,
    "learner updates_method": UpdatesMethod,
    "learner authenticates": Authenticates,
    "learner relaunches": Relaunches,
    "learner pays": Pays,
    "learner signs_up": SignsUp,
    "learner cancels": Cancels,
    "learner reports": Reports,
    "learner opens_my_page": OpensMyPage,
    "learner logs_in": LogsIn,
    "learner books_lesson": BooksLesson,
    "learner cancels_lesson": CancelsLesson,
    "staff sends_guidance": SendsGuidance,
    "staff records_receipt": RecordsReceipt,
    "staff announces_resume": AnnouncesResume,
    "staff accepts_difference": AcceptsDifference,
    "staff settles_flag": SettlesFlag,
    "staff closes_case": ClosesCase,
    "staff extends_deadline": ExtendsDeadline,
    "staff grants_access": GrantsAccess,
    "staff charges_now": ChargesNow,
    "staff resolves_reversal": ResolvesReversal,
    "staff adopts_registration": AdoptsRegistration,
    "staff restores_credits": RestoresCredits,
    "staff adds_closure": AddsClosure,
    "staff withdraws_closure": WithdrawsClosure,
    "staff adopts_policy": AdoptsPolicy,
    "staff grants_credits": GrantsCredits,
    "staff sets_path_deadline": SetsDeadline,
    "staff registers_subscription": Registers,
    "staff releases_mail": ReleasesMail,
    "staff drops_mail": DropsMail,
    "machine crashes": Crashes,
    "machine restarts": Restarts,
    "machine jumps": Jumps,
    "machine wrong_clock": WrongClock,
    "machine two_workers": TwoWorkers,
    "machine replays": Replays,
    "machine mail_provider": MailProvider,
    "machine gateway_api": GatewayApi,
    "webhook": Webhook,
    "call": Call,
    "bank": Bank,
    "expect": Look,
}
"""Every kind of line of ``happens``, by its first word (and that word's value)."""

if TYPE_CHECKING:
    Happening = Entry
else:
    Happening = tagged("Happening", HAPPENINGS)
