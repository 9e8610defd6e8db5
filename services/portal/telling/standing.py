"""Where a learner stands with one subscription: one word that the page is built around, and the dates it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.portal.domain.case import Case
from services.portal.domain.credits import Credits
from services.portal.domain.money import Subscription
from services.portal.domain.people import Path
from services.portal.store import Picture
from shared.calendar import end_of_day
from shared.declines import DeclineClass
from shared.events.words import AttemptKind, CaseState

_SHOWN_FOR: Final = timedelta(days=30)
"""How long the good end of a case is told at the top of the page."""
_ASKED_FOR: Final = timedelta(minutes=10)
"""How long "being checked" is believed when no outcome comes."""
_BEFORE: Final = frozenset({CaseState.RETRYING, CaseState.AWAITING_OUTCOME})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """See the module's first line."""

    mood: str
    """``fine``, ``retrying``, ``authenticate``, ``checking``, ``late``, ``suspended``, ``review``, ``recovered``,
    ``relaunched``, ``cancelled``; of the Japanese procedure also ``guidance``, ``lump_sum``, ``covered``,
    ``announced``, ``open_today``, ``overdue``, ``resumed``."""
    subscription: Subscription
    case: Case | None
    path: Path | None
    credits: Credits | None
    now: datetime
    zone: str

    @property
    def is_bad(self) -> bool:
        """Something is to be done, or waited for."""
        return self.mood not in {"fine", "recovered", "relaunched", "resumed", "cancelled"}

    @property
    def step(self) -> int:
        """Of the four steps of the Japanese procedure, the one that is under way; 0 when there is none."""
        return {
            "retrying": 1, "checking": 1, "recovered": 1, "ended": 2, "guidance": 3, "lump_sum": 3,
            "covered": 4, "announced": 4, "open_today": 4, "overdue": 4, "resumed": 5,
        }.get(self.mood, 0)  # fmt: skip

    @property
    def path_is_open(self) -> bool:
        """Re-enrolment is still possible now (R-F10)."""
        if self.path is None or self.path.deadline is None:
            return True
        return self.now < end_of_day(self.path.deadline, self.zone)

    @property
    def path_closes_at(self) -> datetime | None:
        """24:00 of the last day to re-enrol."""
        if self.path is None or self.path.deadline is None:
            return None
        return end_of_day(self.path.deadline, self.zone)

    @property
    def path_is_near(self) -> bool:
        """The last day comes within a month, or has come."""
        closes = self.path_closes_at
        return closes is not None and closes - self.now < timedelta(days=31)

    @property
    def may_update_method(self) -> bool:
        """We hold the method ourselves; PayPal's subscriptions are settled at PayPal."""
        return self.subscription.gateway is not None and self.subscription.gateway.value == "stripe"

    @property
    def may_relaunch(self) -> bool:
        return self.mood == "suspended" and self.path_is_open

    @property
    def bank_asks(self) -> bool:
        """The relaunch was refused until the learner says yes on the bank's page."""
        refused, case = self.subscription.refused, self.case
        if refused is None or case is None or case.suspended_at is None or refused.at < case.suspended_at:
            return False
        return refused.decline is DeclineClass.AUTHENTICATION_REQUIRED

    @property
    def may_cancel(self) -> bool:
        return not self.subscription.is_over


def standing(picture: Picture, subscription: Subscription, now: datetime) -> Standing:
    """Where the learner stands with ``subscription`` at ``now``."""
    case = case_of(picture.cases, subscription.subscription_id, now)
    path_id = subscription.path_id
    path = picture.learner.path(path_id) or next(
        (one for one in picture.learner.paths if one.subscription_id == subscription.subscription_id), None
    )
    credits = next(
        (one for one in picture.credits if one.subscription_id == subscription.subscription_id), None
    )
    return Standing(
        mood=_mood(subscription, case, now, picture.school.guided),
        subscription=subscription,
        case=case,
        path=path,
        credits=credits,
        now=now,
        zone=picture.school.zone,
    )


def standings(picture: Picture, now: datetime) -> list[Standing]:
    """All subscriptions, what needs the learner first."""
    found = [standing(picture, one, now) for one in picture.subscriptions]
    return sorted(
        found, key=lambda one: (not one.is_bad, one.subscription.is_over, one.subscription.subscription_id)
    )


def case_of(cases: Sequence[Case], subscription_id: str, now: datetime) -> Case | None:
    """The case to speak of: what is suspended before what is tried again, an open one before a closed one."""
    mine = [one for one in cases if one.subscription_id == subscription_id]
    opened = [one for one in mine if one.is_open and one.kind == "renewal"]
    if opened:
        return max(opened, key=lambda one: (one.state not in _BEFORE, one.opened_at or now))
    reviews = [one for one in mine if one.is_open]
    if reviews:
        return reviews[-1]
    closed = [one for one in mine if one.closed_at is not None and now - one.closed_at < _SHOWN_FOR]
    return max(closed, key=lambda one: one.closed_at or now, default=None)


def _mood(subscription: Subscription, case: Case | None, now: datetime, guided: bool) -> str:
    if case is None:
        return "cancelled" if subscription.is_over else "fine"
    if case.state.is_terminal:
        return _ended(subscription, case)
    if case.kind != "renewal":
        return "review"
    return _guided_mood(case, now) if guided else _own_mood(subscription, case, now)


def _ended(subscription: Subscription, case: Case) -> str:
    words = {
        CaseState.RECOVERED: "recovered",
        CaseState.RELAUNCHED: "relaunched",
        CaseState.RESUMED: "resumed",
        CaseState.CANCELLED_BY_LEARNER: "cancelled",
    }
    word = words.get(case.state, "fine")
    return "cancelled" if subscription.is_over and word == "fine" else word


def _own_mood(subscription: Subscription, case: Case, now: datetime) -> str:
    if case.flagged and case.state in _BEFORE:
        return "review"
    if _is_checking(case, now):
        return "checking"
    if case.state in _BEFORE:
        if case.deadline_at is not None and now >= case.deadline_at:
            return "late"
        wants_proof = case.decline is DeclineClass.AUTHENTICATION_REQUIRED
        return "authenticate" if wants_proof and not _proved(subscription, case) else "retrying"
    return "suspended" if case.state is CaseState.SUSPENDED else "late"


def _proved(subscription: Subscription, case: Case) -> bool:
    """The learner said yes on the bank's page since the bank last asked."""
    challenge = subscription.challenge
    last = case.failures[-1].at if case.failures else None
    return challenge is not None and challenge.state == "passed" and last is not None and challenge.at >= last


def _is_checking(case: Case, now: datetime) -> bool:
    by_learner = case.asked_kind in {AttemptKind.LEARNER, AttemptKind.RELAUNCH}
    return by_learner and case.asked_at is not None and now - case.asked_at < _ASKED_FOR


def _guided_mood(case: Case, now: datetime) -> str:
    if case.state in _BEFORE:
        return "retrying"
    if case.state is CaseState.EXHAUSTING:
        return "ended"
    if case.state is CaseState.AWAITING_GUIDANCE:
        return "guidance"
    if case.state is CaseState.AWAITING_LUMP_SUM:
        return "lump_sum"
    if case.is_open_today(now):
        return "open_today"
    if case.resume is None:
        return "covered"
    return "announced" if now < case.resume.opens_at else "overdue"
