"""What may be done now: by the office with a case, by a learner on My Page. Everything else is refused with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.dunning.domain.case import Case
from services.dunning.domain.guidance import why_no_guidance
from services.dunning.domain.parts import Resume
from services.dunning.domain.relaunch import why_no_relaunch
from services.dunning.domain.resume import why_no_date
from services.dunning.domain.staff import money_flags, why_no_extension, why_no_manual_attempt
from services.dunning.domain.turn import World
from services.dunning.policies import dates
from shared.events.words import CaseState, ReviewReason


def allowed_acts(case: Case, world: World, now: datetime) -> list[str]:
    """The names of the acts that the case's state allows, as the API's paths have them."""
    policy = world.policy
    today = dates.plain_day(policy, now)
    ends = case.clock.ends_at or now
    possible = {
        "guidance": why_no_guidance(case, policy, amount=None, note="", now=now) is None,
        "resume-date": why_no_date(case, policy, day=max(today, _announced(case) or today), at=now) is None,
        "accept-difference": case.is_open and bool(money_flags(case)),
        "settle-flag": bool(case.flags),
        "close": case.is_open,
        "extend": why_no_extension(case, policy, deadline_at=max(ends, now) + timedelta(days=1), now=now)
        is None,
        "grant-access": case.is_open and case.kind == "renewal",
        "attempt": why_no_manual_attempt(case, policy) is None,
        "resolve": case.state is CaseState.UNDER_REVIEW,
        "adopt": case.is_open and _has(case, ReviewReason.DUPLICATE_REGISTRATION),
        "restore-credits": case.has("forfeited") and not case.has("credits_restored"),
        "report": case.is_open,
        "relaunch": why_no_relaunch(
            case, policy, world.learner, path_id=world.account.path_id, submitted_at=now
        )
        is None,
        "cancel": case.state in {CaseState.RETRYING, CaseState.AWAITING_OUTCOME, CaseState.SUSPENDED},
    }
    return [name for name, yes in possible.items() if yes]


def _announced(case: Case) -> date | None:
    return case.resume.day if case.resume else None


def _has(case: Case, reason: ReviewReason) -> bool:
    return any(flag.reason is reason for flag in case.flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfPayment:
    """Whether My Page takes a payment, and why not."""

    allowed: bool
    reason: str
    case: Case | None = None
    resume: Resume | None = None


def self_payment(opened: Sequence[Case], now: datetime, *, warn_only: bool = False) -> SelfPayment:
    """Open only on the announced day of the one case that waits for it; locked while any case locks (J31, J44).

    ``warn_only``: the other reading of R-J10, where the page warns and does not refuse.
    """
    locking = [case for case in opened if case.has("locked") or case.guidance is not None]
    if not locking:
        return SelfPayment(allowed=True, reason="no_open_case")
    case = locking[-1]
    resume = case.resume
    if len(locking) > 1 or resume is None:
        return SelfPayment(allowed=warn_only, reason="wait_for_announcement", case=case, resume=resume)
    if case.state is CaseState.RESUME_OVERDUE or now >= resume.closes_at:
        return SelfPayment(allowed=warn_only, reason="day_over", case=case, resume=resume)
    if now < resume.opens_at:
        return SelfPayment(allowed=warn_only, reason="wait_for_day", case=case, resume=resume)
    return SelfPayment(allowed=True, reason="open_today", case=case, resume=resume)
