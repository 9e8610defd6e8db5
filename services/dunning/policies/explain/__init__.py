"""Says a whole policy in plain French, Japanese or English, so that an office can read what it adopted.

The sentences are data (``phrases.yaml``); this module decides which of them a policy calls for, in which order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from services.dunning.policies.attempts import (
    Attempts,
    GatewayAnnounced,
    GatewayForecast,
    NoSchedule,
    OnBusinessDays,
    OnCalendarDays,
)
from services.dunning.policies.grace import BusinessDaysLength, CalendarDaysLength
from services.dunning.policies.notices import (
    BeforeClosure,
    BeforeDeadline,
    BeforeReEnrolmentDeadline,
    SchoolNotice,
)
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import SelfServiceRelaunch, StaffGuidedLumpSum
from shared.calendar import Language
from shared.declines import DeclineClass
from shared.methods import CardRule, MethodRule

_COLUMN: Final[dict[Language, int]] = {"en": 0, "fr": 1, "ja": 2}
_BETWEEN: Final[dict[Language, str]] = {"en": "; ", "fr": " ; ", "ja": "、"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and its sentences."""

    heading: str
    sentences: tuple[str, ...]


def explain(policy: Policy, language: Language) -> tuple[Section, ...]:
    """The policy in words, section by section."""
    say = _Speaker(language)
    title = Section(
        heading=say("title", id=policy.id, version=policy.version),
        sentences=(say("frame", currency=policy.currency, zone=policy.timezone),),
    )
    parts = (
        ("section.billing", _billing(policy, say)),
        ("section.attempts", _attempts(policy, say)),
        ("section.grace", _grace(policy, say)),
        ("section.notices", _notices(policy, say)),
        ("section.ends", _ends(policy, say)),
        ("section.back", _back(policy, say)),
        ("section.money", _money(policy, say)),
    )
    return (title, *(Section(heading=say(key), sentences=tuple(found)) for key, found in parts))


@cache
def phrases() -> dict[str, tuple[str, str, str]]:
    """Every phrase by key: English, French, Japanese."""
    text = (files("services.dunning.policies.explain") / "phrases.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return {key: (en, fr, ja) for key, (en, fr, ja) in data.items()}


class _Speaker:
    """Fills in the phrases of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def __call__(self, key: str, **values: object) -> str:
        return phrases()[key][_COLUMN[self._language]].format_map(values)

    def listed(self, keys: Iterable[str]) -> str:
        return _BETWEEN[self._language].join(self(key) for key in keys)

    def known(self, key: str, otherwise: str) -> str:
        return self(key) if key in phrases() else otherwise

    def days(self, numbers: Sequence[int]) -> str:
        """A run as "1 to 10", else each number."""
        if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
            return self("range", first=numbers[0], last=numbers[-1])
        return ", ".join(str(number) for number in numbers)


def _billing(policy: Policy, say: _Speaker) -> Iterator[str]:
    billing, methods = policy.billing, policy.accepted_methods
    yield say("billing.interval", interval=say.known(f"interval.{billing.interval}", str(billing.interval)))
    if billing.charge_local_time is not None:
        yield say("billing.time", time=billing.charge_local_time)
    window = billing.charge_window
    if window is not None:
        yield say("billing.window", **{"from": window.opens, "to": window.closes, "zone": window.timezone})
    if billing.service_day_rollover is not None:
        yield say("billing.rollover", time=billing.service_day_rollover)
    yield say(f"billing.{billing.after_late_recovery}")
    yield say(f"methods.{methods.default}", methods=", ".join(_method(rule, say) for rule in methods.rules))


def _method(rule: MethodRule, say: _Speaker) -> str:
    name = say(f"method.{rule.type}")
    if not isinstance(rule, CardRule):
        return name
    return f"{name} ({', '.join(say.known(f'funding.{word}', word) for word in rule.funding)})"


def _attempts(policy: Policy, say: _Speaker) -> Iterator[str]:
    attempts = policy.attempts
    yield say(f"trigger.{policy.triggers[-1]}")
    yield say(f"executor.{attempts.executor}")
    yield from _schedule(attempts, say)
    if attempts.fallback_to_other_stored_method:
        yield say("fallback")
    if attempts.executor != "none":
        yield say(f"update.{attempts.on_method_update}")
    if attempts.executor == "merchant":
        hard = attempts.rule_for(DeclineClass.HARD_NEVER_RETRY)
        yield say("decline.hard_retry" if hard.retry else "decline.hard_skip")
        asked = policy.authentication.on_soft_decline_auth_required
        if asked != "by_gateway":
            yield say("decline.pause" if asked == "pause_retries" else "decline.authenticate")


def _schedule(attempts: Attempts, say: _Speaker) -> Iterator[str]:
    schedule = attempts.schedule
    if isinstance(schedule, OnBusinessDays | OnCalendarDays):
        yield say(
            f"schedule.{schedule.kind}",
            count=len(schedule.offsets),
            offsets=say.days(schedule.offsets),
            calendar=schedule.calendar,
            time=schedule.local_time,
            first_day=say(f"word.{schedule.first_day}"),
        )
        if isinstance(schedule, OnBusinessDays) and schedule.closed_days == "attempt":
            yield say("schedule.every_day")
    elif isinstance(schedule, GatewayForecast):
        if schedule.interval_days is not None:
            spread = {"min": schedule.interval_days.least, "max": schedule.interval_days.most}
            yield say("schedule.spread", total=attempts.total, **spread)
        else:
            intervals = ", ".join(str(days) for days in schedule.intervals_exact or ())
            yield say("schedule.exact", intervals=intervals, total=attempts.total)
        if schedule.skip_if_next_payment_within_days is not None:
            yield say("schedule.skip_close", days=schedule.skip_if_next_payment_within_days)
    elif isinstance(schedule, GatewayAnnounced):
        yield say("schedule.announced", days=schedule.max_duration.days)
    if isinstance(schedule, GatewayForecast | GatewayAnnounced):
        yield say("schedule.watchdog", hours=int(schedule.watchdog.after_window_end.total_seconds() // 3600))
    if not isinstance(schedule, NoSchedule) and schedule.watchdog.renewals:
        yield say("schedule.renewals", hours=int(schedule.watchdog.after_window_end.total_seconds() // 3600))


def _grace(policy: Policy, say: _Speaker) -> Iterator[str]:
    grace, length = policy.grace, policy.grace.length
    yield say("access", access=say(f"access.{grace.access}"))
    for step in grace.steps:
        yield say("grace.step", days=step.after_days, access=say(f"access.{step.access}"))
    if isinstance(length, BusinessDaysLength):
        yield say("grace.business_days", n=length.n, calendar=length.calendar)
    elif isinstance(length, CalendarDaysLength):
        yield say("grace.calendar_days", n=length.n)
    else:
        yield say("grace.until_exhausted")
    if isinstance(length, BusinessDaysLength | CalendarDaysLength) and grace.ends_at != "exhaustion":
        yield say(f"grace.{grace.ends_at}")
    if grace.pending_hold_max is not None:
        yield say("grace.pending", hours=int(grace.pending_hold_max.total_seconds() // 3600))
    if policy.collection_deadline is not None:
        yield say("collection", n=policy.collection_deadline.n)


def _notices(policy: Policy, say: _Speaker) -> Iterator[str]:
    notices = policy.notices
    for outside in notices.processor:
        yield say("notice.processor", sender=outside.sender)
    for notice in notices.school:
        yield say("notice.mail", mail=say(f"mail.{notice.template.value}"), when=_when(notice, say))
    if notices.delivery_calendar == "every-day":
        yield say("notice.every_day")
    else:
        yield say("notice.closed", calendar=notices.delivery_calendar)
    yield say(f"consequence.{policy.consequences.when_notice_is_held}")
    if policy.consequences.told_dates == "never_earlier":
        yield say("consequence.told")


def _when(notice: SchoolNotice, say: _Speaker) -> str:
    event = notice.event
    if isinstance(event, BeforeDeadline):
        return say("when.before_deadline", n=event.deadline_minus_business_days)
    if isinstance(event, BeforeReEnrolmentDeadline):
        return say("when.before_re_enrolment", n=event.re_enrolment_deadline_minus_days)
    if isinstance(event, BeforeClosure):
        return say("when.before_closure")
    what = say(f"event.{event}")
    if notice.due is not None:
        return say("when.due", event=what, n=notice.due.business_days)
    return say("when.staff" if notice.actor == "staff" else "when.event", event=what)


def _ends(policy: Policy, say: _Speaker) -> Iterator[str]:
    yield say("exhausted", causes=say.listed(f"cause.{cause}" for cause in policy.attempts.exhausted_when))
    if policy.on_failure:
        yield say("on.failure", steps=say.listed(f"step.{step}" for step in policy.on_failure))
    if policy.on_recovery:
        yield say("on.recovery", steps=say.listed(f"step.{step}" for step in policy.on_recovery))
    yield say("on.exhaustion", steps=say.listed(f"step.{step}" for step in policy.on_exhaustion))
    if policy.credits.applies and policy.credits.execution == "first_failure":
        yield say("credits.first_failure")
    if policy.credits.applies and policy.credits.held_lessons == "cancel":
        yield say("credits.cancel")


def _back(policy: Policy, say: _Speaker) -> Iterator[str]:
    back = policy.remediation
    methods = ", ".join(say.known(f"method.{one}", one) for one in policy.accepted_methods.temporary_methods)
    months = back.months if isinstance(back, StaffGuidedLumpSum) else 1
    yield say(f"back.{back.kind}", months=months, methods=methods)
    if isinstance(back, SelfServiceRelaunch):
        yield say(f"back.{back.arrears}")
        yield say(f"back.{back.new_anchor}")
        if back.deadline is not None:
            yield say("back.re_enrolment", ends=back.deadline.ends)
    if isinstance(back, StaffGuidedLumpSum):
        yield say("back.resume")
    if policy.arrears.mode == "carried_to_next_cycle":
        yield say("arrears.carried_to_next_cycle")


def _money(policy: Policy, say: _Speaker) -> Iterator[str]:
    yield say(f"cancel.{policy.cancellation_by_learner.access}")
    yield say(f"money.{policy.money.match}", minor=policy.money.tolerance_minor)
    yield say("money.back")
