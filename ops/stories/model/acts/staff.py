"""What the school's staff and its own systems do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ops.stories.model.acts.common import Act, OfSubscription
from ops.stories.model.base import Name, OnDay, Sum, Text, When


class _Staff(Act):
    by: Name = Field(default="office", description="Who does it")
    note: Text = ""


class OnCase(_Staff, OfSubscription):
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


class GrantsCredits(_Staff, OfSubscription):
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


class Registers(_Staff, OfSubscription):
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
