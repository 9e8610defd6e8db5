"""On which day a mail may leave: the office's closed days hold it, reminders go before them (R-J4, R-J5, JP-47)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.notifications.domain.mail import Mail
from shared.calendar import Calendar, WallTime, instant, local_date, zone
from shared.calendar.delivery import mail_delivery, opening_of, reminder
from shared.events.words import Audience
from shared.reasons import Dated


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """It may leave now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """It leaves at ``until`` (aware UTC)."""

    until: datetime
    because: str
    """``closed`` or ``not_before``."""
    skipped: tuple[tuple[date, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLate:
    """The day it reminds of is over, or no working day is left before it: worse than no mail (trap 7)."""

    day: date


Gate = Leave | Wait | TooLate


def gate(mail: Mail, calendar: Calendar, now: datetime) -> Gate:
    """Whether ``mail`` leaves at ``now`` by the live ``calendar``, and if not, when.

    On a working day at once, in the evening too; on a closed day at the next working day's opening. Teachers'
    mails and receipts (``ignores_closures``) leave on any day; what staff released is not held at all. What is
    meant for the office waits for the office, whatever was asked: its console shows it at any time.

    Raises:
        CalendarHorizon: the calendar does not know the day.
    """
    if mail.released_by:
        return Leave()
    is_receipt = mail.ignores_closures and mail.audience is not Audience.OFFICE
    if is_receipt or mail.audience is Audience.TEACHER:
        if mail.not_before is not None and mail.not_before > now:
            return Wait(until=mail.not_before, because="not_before")
        return Leave()
    if mail.rolls_back:
        return _reminder_gate(mail, calendar, now)
    earliest = now if mail.not_before is None else max(now, mail.not_before)
    dated = mail_delivery(calendar, earliest)
    if dated.at <= now:
        return Leave()
    return _wait(dated, because="not_before" if dated.at == mail.not_before else "closed")


def _reminder_gate(mail: Mail, calendar: Calendar, now: datetime) -> Gate:
    wanted = mail.not_before or mail.requested_at
    local = wanted.astimezone(zone(calendar.timezone))
    day, today = local.date(), local_date(now, calendar.timezone)
    planned = reminder(calendar, day, WallTime(local.hour, local.minute))
    if planned.at > now:
        rolled = local_date(planned.at, calendar.timezone) != day
        return _wait(planned, because="closed" if rolled else "not_before")
    if today > day:
        return TooLate(day=day)
    if calendar.is_working(today):
        return Leave()
    following = calendar.from_day_on(today)
    if following.day > day:
        return TooLate(day=day)
    opens = instant(following.day, opening_of(calendar), calendar.timezone)
    skipped = tuple((closed.day, closed.name.en) for closed in following.skipped)
    return Wait(until=opens, because="closed", skipped=skipped)


def _wait(dated: Dated, *, because: str) -> Wait:
    skipped = tuple((closed.day, closed.name.en) for closed in dated.because.skipped)
    return Wait(until=dated.at, because=because, skipped=skipped)
