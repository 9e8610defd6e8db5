"""One decision in the making: each verb changes a mail, writes the step into its log and says the fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.notifications.domain.delivery import Wait
from services.notifications.domain.mail import (
    Correspondence,
    ExternalNotice,
    Forfeited,
    Mail,
    Status,
    Step,
)
from services.notifications.domain.outcome import Delivered
from shared.events import Fact, Later, notifications


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOrder:
    """One attempt to hand one mail to the channel: the body of an errand, ids only."""

    case_id: str
    mail_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The case's mails afterwards, what is said, and what is to be sent."""

    case: Correspondence
    said: tuple[Fact | Later, ...] = ()
    sends: tuple[SendOrder, ...] = ()


class Desk:
    """Where one decision is put together; lives as long as the function that makes it."""

    def __init__(self, case: Correspondence, now: datetime) -> None:
        self.case = case
        self.now = now
        self._said: list[Fact | Later] = []
        self._sends: list[SendOrder] = []

    def done(self) -> Decision:
        """The finished decision."""
        return Decision(case=self.case, said=tuple(self._said), sends=tuple(self._sends))

    def say(self, *facts: Fact | Later) -> None:
        """Add to what is said."""
        self._said += facts

    def about(self, mail: Mail, at: datetime | None = None) -> dict[str, Any]:
        """What every fact about a mail carries."""
        return {
            "school_id": self.case.school_id,
            "occurred_at": at or self.now,
            "learner_id": self.case.learner_id,
            "case_id": self.case.case_id,
            "mail_id": mail.mail_id,
            "template": mail.template,
            "audience": mail.audience,
        }

    # --- verbs ---

    def send(self, mail: Mail, *, released_by: str = "", note: str = "") -> None:
        """Hand it to the channel after this transaction."""
        attempt = mail.attempt + 1
        self._keep(
            mail,
            Step(at=self.now, status=Status.LEAVING, because="released" if released_by else "", detail=note),
            attempt=attempt,
            until=None,
            recalled="",
            released_by=released_by or mail.released_by,
        )
        self._sends.append(SendOrder(case_id=self.case.case_id, mail_id=mail.mail_id, attempt=attempt))

    def hold(self, mail: Mail, wait: Wait, *, calendar_id: str | None = None, detail: str = "") -> None:
        """Let it wait, with a plan to decide again; what waits for that hour already is left alone."""
        if mail.status is Status.WAITING and mail.until == wait.until and mail.because == wait.because:
            return
        is_news = wait.because != "provider_down" or not _held_before(mail)
        step = Step(
            at=self.now, status=Status.WAITING, because=wait.because, detail=detail, skipped=wait.skipped
        )
        self._keep(mail, step, until=wait.until)
        self.say(Later(at=wait.until, fact=notifications.MailFellDue(**self.about(mail, wait.until))))
        if is_news:
            self.say(
                notifications.MailDeferred(
                    **self.about(mail),
                    until=wait.until,
                    because=wait.because,
                    calendar=calendar_id,
                    skipped=wait.skipped,
                )
            )

    def park(self, mail: Mail, because: str) -> None:
        """Keep it until it can be addressed; a second time is nothing new."""
        if mail.status is Status.PARKED and mail.because == because:
            return
        self._keep(mail, Step(at=self.now, status=Status.PARKED, because=because), until=None)
        self.say(notifications.MailParked(**self.about(mail), because=because))

    def drop(self, mail: Mail, because: str, *, detail: str = "", by: str = "system") -> None:
        """It will not leave, for this reason."""
        step = Step(at=self.now, status=Status.DROPPED, because=because, detail=detail)
        self._keep(mail, step, until=None, settled_at=self.now)
        self.say(notifications.MailDropped(**self.about(mail), because=because, detail=detail, by=by))

    def recall(self, mail: Mail, why: str) -> None:
        """It is under way: should this attempt not get through, it is dropped instead of tried again."""
        self.case = self._with(replace(mail, recalled=why))

    def sent(self, mail: Mail, outcome: Delivered) -> None:
        """The provider has it."""
        late = mail.due_at is not None and outcome.at > mail.due_at
        step = Step(
            at=outcome.at,
            status=Status.SENT,
            because="found" if outcome.found else "",
            detail=outcome.language,
        )
        self._keep(
            mail,
            step,
            settled_at=outcome.at,
            language=outcome.language,
            message_id=outcome.message_id,
            until=None,
            recalled="",
        )
        self.say(
            notifications.MailSent(
                **self.about(mail, outcome.at),
                language=outcome.language,
                message_id=outcome.message_id,
                late=late,
            )
        )

    def failed(self, mail: Mail, reason: str) -> None:
        """Refused for good: the office must look."""
        self._keep(
            mail, Step(at=self.now, status=Status.FAILED, because=reason), until=None, settled_at=self.now
        )
        self.say(notifications.MailFailed(**self.about(mail), because=reason, attempt=mail.attempt))

    def overdue(self, mail: Mail) -> None:
        """Its target passed."""
        assert mail.due_at is not None  # noqa: S101 - the caller looked
        self.case = self._with(replace(mail, overdue=True))
        self.say(notifications.NoticeOverdue(**self.about(mail), due_at=mail.due_at))

    def release(self, mail: Mail, *, by: str, note: str) -> None:
        """Staff let it go."""
        self.say(notifications.MailReleased(**self.about(mail), by=by, note=note))
        self.send(mail, released_by=by, note=note)

    def remember_forfeiture(self, untouched: int, reserved: int, effective_on: date | None) -> None:
        """For the guidance."""
        forfeited = Forfeited(untouched=untouched, reserved=reserved, effective_on=effective_on)
        self.case = self.case.but(forfeited=forfeited)

    def log_external(self, sender: str, about: str, at: datetime) -> None:
        """A gateway's own mail."""
        self.case = self.case.but(
            external=(*self.case.external, ExternalNotice(at=at, sender=sender, about=about))
        )
        self.say(
            notifications.ExternalNoticeLogged(
                school_id=self.case.school_id,
                occurred_at=at,
                learner_id=self.case.learner_id,
                case_id=self.case.case_id,
                sender=sender,
                about=about,
            )
        )

    # --- keeping ---

    def _keep(self, mail: Mail, step: Step, **changes: Any) -> None:
        self.case = self._with(
            replace(mail, status=step.status, because=step.because, steps=_and(mail.steps, step), **changes)
        )

    def _with(self, mail: Mail) -> Correspondence:
        if self.case.mail(mail.mail_id) is None:
            return self.case.but(mails=(*self.case.mails, mail))
        mails = tuple(mail if one.mail_id == mail.mail_id else one for one in self.case.mails)
        return self.case.but(mails=mails)


_LONGEST_LOG = 40


def _and(steps: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    """The log with one more line; a provider that is down for days repeats itself, so its middle is not kept."""
    if len(steps) < _LONGEST_LOG:
        return (*steps, step)
    return (*steps[:10], *steps[-(_LONGEST_LOG - 11) :], step)


def _held_before(mail: Mail) -> bool:
    """Whether the attempt that just ended came after an outage of the provider."""
    before = [step for step in mail.steps if step.status is not Status.LEAVING]
    return bool(before) and before[-1].because == "provider_down"
