"""How dunning's API shows a case: in lists, in detail, in the queue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from services.dunning.api.common import MoneyOut, money_out
from services.dunning.domain.allowed import allowed_acts
from services.dunning.domain.case import Case
from services.dunning.domain.turn import World
from services.dunning.why import Line, language_of, tell
from shared.events.words import CaseState


class AttemptOut(BaseModel):
    ordinal: int
    occurred_at: datetime
    outcome: str
    kind: str
    amount: MoneyOut | None
    decline: str | None
    transaction_id: str
    request_id: str | None


class FlagOut(BaseModel):
    reason: str
    about: str
    detail: str
    since: datetime
    amount: MoneyOut | None


class MailOut(BaseModel):
    template: str
    ordinal: int
    requested_at: datetime
    sent_at: datetime | None


class LineOut(BaseModel):
    at: datetime
    text: str
    because: str | None
    event: str | None
    code: str


class CaseOut(BaseModel):
    """A case in a list."""

    case_id: str
    school_id: str
    subscription_id: str
    learner_id: str
    period: date
    kind: str
    state: CaseState
    is_open: bool
    opened_at: datetime
    closed_at: datetime | None
    amount: MoneyOut | None
    owed: MoneyOut | None
    attempts_made: int
    decline: str | None
    deadline_at: datetime | None
    exhausted_at: datetime | None
    cause: str | None
    next_at: datetime | None
    flags: list[str]
    marks: list[str]
    policy: str


class CaseDetail(CaseOut):
    """A case with its timeline."""

    policy_hash: str
    attempts: list[AttemptOut]
    planned: list[datetime] = Field(description="Our own retries that are still to come")
    forecast: dict[str, Any] | None
    in_flight: dict[str, Any] | None
    ends_at: datetime | None
    hold_until: datetime | None
    questions: list[FlagOut]
    guidance: dict[str, Any] | None
    resume: dict[str, Any] | None
    mails: list[MailOut]
    reports: list[dict[str, Any]]
    allowed: list[str] = Field(description="What may be done now, by the names of the acts")
    timeline: list[LineOut]


class QueueOut(BaseModel):
    """A learner who waits for guidance."""

    place: int
    case_id: str
    subscription_id: str
    learner_id: str
    exhausted_at: datetime | None
    not_before: datetime
    amount: MoneyOut | None
    ready: bool = Field(description="The old subscription is confirmed as cancelled and the day has come")


def case_out(case: Case) -> CaseOut:
    """A case as lists show it."""
    return CaseOut(**_basics(case))


def _basics(case: Case) -> dict[str, Any]:
    failures = case.failures
    last = failures[-1].decline if failures else None
    return {
        "case_id": case.case_id,
        "school_id": case.school_id,
        "subscription_id": case.subscription_id,
        "learner_id": case.learner_id,
        "period": case.period,
        "kind": case.kind,
        "state": case.state,
        "is_open": case.is_open,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "amount": money_out(case.amount),
        "owed": money_out(case.owed),
        "attempts_made": len(case.attempts),
        "decline": last.value if last else None,
        "deadline_at": case.clock.grace_at or case.clock.ends_at,
        "exhausted_at": case.exhausted_at,
        "cause": case.cause.value if case.cause else None,
        "next_at": case.next_at,
        "flags": [flag.reason.value for flag in case.flags],
        "marks": list(case.marks),
        "policy": f"{case.policy_id} v{case.policy_version}",
    }


def detail_of(case: Case, world: World | None, lang: str | None, now: datetime) -> CaseDetail:
    """A case with its timeline, told in ``lang`` or in its school's first language."""
    zone_name = world.policy.timezone if world else "UTC"
    default = world.policy.languages[0] if world else "en"
    language = language_of(lang, otherwise=default)
    story = tell(case, language, zone_name=zone_name)
    return CaseDetail(
        **_basics(case),
        policy_hash=case.policy_hash,
        attempts=[
            AttemptOut(
                ordinal=ordinal,
                occurred_at=one.occurred_at,
                outcome=one.outcome,
                kind=one.kind.value,
                amount=money_out(one.amount),
                decline=one.decline.value if one.decline else None,
                transaction_id=one.transaction_id,
                request_id=one.request_id,
            )
            for ordinal, one in enumerate(case.attempts, start=1)
        ],
        planned=[at for _, at in case.plan if at > now] if case.state is CaseState.RETRYING else [],
        forecast=plain(case.forecast),
        in_flight=plain(case.in_flight),
        ends_at=case.clock.ends_at,
        hold_until=case.clock.hold_until,
        questions=[
            FlagOut(
                reason=flag.reason.value,
                about=flag.about,
                detail=flag.detail,
                since=flag.since,
                amount=money_out(flag.amount),
            )
            for flag in case.flags
        ],
        guidance=plain(case.guidance),
        resume=plain(case.resume),
        mails=[
            MailOut(
                template=mail.template.value,
                ordinal=mail.ordinal,
                requested_at=mail.requested_at,
                sent_at=mail.sent_at,
            )
            for mail in case.mails
        ],
        reports=[],
        allowed=allowed_acts(case, world, now) if world else [],
        timeline=[line_out(line) for line in story.lines],
    )


def plain(value: Any) -> dict[str, Any] | None:
    """A part of a case as plain JSON values."""
    if value is None:
        return None
    built: dict[str, Any] = msgspec.to_builtins(value)
    return built


def line_out(line: Line) -> LineOut:
    """One line of the story."""
    return LineOut(at=line.at, text=line.text, because=line.because, event=line.event, code=line.code)
