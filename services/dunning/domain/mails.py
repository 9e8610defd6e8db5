"""What a mail is asked to say: dunning names the moment and hands over dates and amounts, never a name or address.

Which moments have a mail is the policy's (domain.md §4); when it leaves is decided by notifications.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.dunning.domain.case import Case
from services.dunning.domain.parts import MailMark
from services.dunning.domain.turn import Turn, words
from services.dunning.policies import dates
from services.dunning.policies.notices import NoticeEvent
from shared.events import dunning as facts
from shared.events.words import Audience, ReviewReason, Template
from shared.money import Money

MAILS_KEPT: Final = 100
"""Far more than a case asks for; what comes beyond is kept by notifications alone."""

FAILURE_MAILS: Final = (
    Template.FR_PAYMENT_FAILED,
    Template.FR_AUTHENTICATE,
    Template.FR_LAST_DAY_TOMORROW,
    Template.JP_PRE_HOLIDAY,
    Template.JP_PAYMENT_FAILED,
    Template.JP_SECOND_FAILED,
    Template.JP_REPORT_ACK,
    Template.STAFF_WATCHDOG,
)
"""Mails that speak of an unpaid month: worth nothing once it is paid."""


def tell(
    turn: Turn,
    event: NoticeEvent,
    *,
    at: datetime | None = None,
    by_charge: bool = True,
    ordinal: int | None = None,
    **extra: object,
) -> None:
    """Ask for the mails that the policy sends at ``event``, which happened at ``at``."""
    for notice in turn.policy.notices.for_event(event):
        due = dates.notice_due(
            turn.policy, turn.world.calendars, notice.template, at or turn.now, by_charge=by_charge
        )
        request(
            turn,
            notice.template,
            ordinal=ordinal,
            due_at=due.at if due else None,
            ignores_closures=notice.when == "immediately",
            audience=Audience.OFFICE if notice.template.value.startswith("staff.") else Audience.LEARNER,
            extra=extra,
        )


def request(
    turn: Turn,
    template: Template,
    *,
    ordinal: int | None = None,
    audience: Audience = Audience.LEARNER,
    not_before: datetime | None = None,
    due_at: datetime | None = None,
    rolls_back: bool = False,
    ignores_closures: bool = False,
    extra: Mapping[str, object] | None = None,
) -> None:
    """Ask for one mail; each (case, template, ordinal) is one mail for ever."""
    number = ordinal if ordinal is not None else turn.case.told(template) + 1
    if any(mail.template is template and mail.ordinal == number for mail in turn.case.mails):
        return
    mark = MailMark(template=template, ordinal=number, requested_at=turn.now)
    turn.set(mails=(*turn.case.mails, mark)[-MAILS_KEPT:])
    turn.say(
        facts.MailRequested,
        template=template,
        ordinal=number,
        audience=audience,
        not_before=not_before,
        due_at=due_at,
        rolls_back=rolls_back,
        ignores_closures=ignores_closures,
        data={**data_of(turn), **words(extra or {})},
    )


def obsolete(turn: Turn, because: str, templates: tuple[Template, ...] = FAILURE_MAILS) -> None:
    """Mails of this case that wait somewhere are not to leave any more (R-J5)."""
    asked = {mail.template for mail in turn.case.mails}
    wanted = tuple(one for one in templates if one in asked)
    if wanted and turn.policy.notices.obsolete == "drop":
        turn.say(facts.MailsObsoleted, templates=wanted, because=because)


def review(turn: Turn, reason: ReviewReason, about: str, detail: str) -> None:
    """Tell the office what waits for it (staff.review)."""
    request(
        turn,
        Template.STAFF_REVIEW,
        audience=Audience.OFFICE,
        ignores_closures=True,
        extra={"reason": reason.value, "about": about, "detail": detail, "transaction_id": about},
    )


def sent(case: Case, template: Template, ordinal: int, at: datetime) -> Case:
    """The same case, knowing that this mail left at ``at``."""
    if not any(m.template is template and m.ordinal == ordinal and m.sent_at is None for m in case.mails):
        return case
    mails = tuple(
        replace(mail, sent_at=at) if mail.template is template and mail.ordinal == ordinal else mail
        for mail in case.mails
    )
    return replace(case, mails=mails)


def data_of(turn: Turn) -> dict[str, str]:
    """Everything about the case that a template may want; absent where unknown."""
    case, account, policy = turn.case, turn.account, turn.policy
    found: dict[str, object] = {
        "amount": case.amount,
        "price": account.price,
        "current_price": account.current_price,
        "grandfathered": account.grandfathered,
        "period": case.period,
        "billing_day": account.billing_day,
        "gateway": case.gateway.value,
        "method_label": account.method_label or None,
        "outstanding": case.owed,
        "received": case.settled,
        "exhausted_at": case.exhausted_at,
        "deadline_at": case.clock.grace_at or case.clock.ends_at,
        "authenticate_by": case.clock.grace_at,
    }
    if case.kind == "renewal":
        period = dates.period_of(policy, case.period, account.billing_day)
        found["period_end"] = period.last
        found["next_billing_on"] = period.last + timedelta(days=1)
        found["forfeited_effective_on"] = (
            dates.failure_day(policy, case.failed_at) if policy.credits.applies else None
        )
    _attempts(turn, found)
    _ahead(turn, found)
    _path(turn, found)
    _remedy(case, found)
    return words(found)


def _attempts(turn: Turn, found: dict[str, object]) -> None:
    case, attempts = turn.case, turn.policy.attempts
    failures = case.failures
    if failures:
        last = failures[-1]
        found["tried_at"] = last.occurred_at
        found["tried_on"] = dates.failure_day(turn.policy, last.occurred_at)
        found["attempt"] = len(failures)
        found["decline"] = last.decline.value if last.decline else None
    found["attempts_total"] = attempts.total if attempts.executor == "gateway" else len(case.plan) + 1


def _ahead(turn: Turn, found: dict[str, object]) -> None:
    case, policy = turn.case, turn.policy
    if case.plan:
        found["retry_until"] = dates.plain_day(policy, case.plan[-1][1])
        found["next_attempt_at"] = next((at for _, at in case.plan if at > turn.now), None)
    if case.forecast is not None:
        found["window_first"] = case.forecast.first_day
        found["window_last"] = case.forecast.last_day
    window = policy.billing.charge_window
    if window is not None:
        found["window_from"] = str(window.opens)
        found["window_to"] = str(window.closes)


def _path(turn: Turn, found: dict[str, object]) -> None:
    learner, path_id = turn.world.learner, turn.account.path_id
    if path_id is None:
        return
    found["path_id"] = path_id
    enrolment = learner.enrolment(path_id) if learner else None
    if enrolment is not None:
        found["path_title"] = enrolment.title or None
        found["path_deadline"] = enrolment.re_enrolment_deadline


def _remedy(case: Case, found: dict[str, object]) -> None:
    guidance, resume = case.guidance, case.resume
    if guidance is not None:
        found["amount_due"] = guidance.amount
        found["temporary_method"] = guidance.method
        found["reference"] = guidance.reference
        found["due_on"] = guidance.due_on
        found["covered"] = ",".join(f"{first}/{last}" for first, last in guidance.covered) or None
        if guidance.receipts and guidance.amount is not None:
            received = Money(
                sum(one.amount.amount_minor for one in guidance.receipts), guidance.amount.currency
            )
            found["received"] = received
            found["outstanding"] = guidance.amount - received
    if resume is not None:
        found["resume_on"] = resume.day
        found["opens_at"] = resume.opens_at
        found["closes_at"] = resume.closes_at
