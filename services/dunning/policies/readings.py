"""The readings register: every phrase the two originals leave open is one switch, and here is which.

For each code of domain.md §0.1: the keys it turns, their recommended value, and the other readings by name. A
reading that has no other (R-F14, R-X2...) is listed with the key that states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSwitch:
    """One ambiguous phrase and the keys that decide it."""

    code: str
    question: str
    keys: Mapping[str, Any]
    """Dotted key and recommended value, as in the preset."""
    preset: str
    """The policy whose seed asks the question."""
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name of another reading, and what it sets."""


_FR: Final = "fr-elearning"
_JP: Final = "jp-school"
_RETRY: Final = "attempts.schedule."


def _both(calendar: str) -> dict[str, Any]:
    return {f"{_RETRY}calendar": calendar, "grace.length.calendar": calendar}


READINGS: Final[Mapping[str, ReadingSwitch]] = {
    switch.code: switch
    for switch in (
        ReadingSwitch(
            code="R-F1",
            question="What is a jour ouvrable?",
            preset=_FR,
            keys=_both("fr-ouvrable"),
            others={
                "R-F1b": _both("fr-ouvre"),
                "fr-57": _both("fr-57-ouvrable"),
                "target": _both("eu-target"),
            },
        ),
        ReadingSwitch(
            code="R-F2",
            question="Which day is day 1?",
            preset=_FR,
            keys={f"{_RETRY}first_day": "excluded", "grace.length.first_day": "excluded"},
            others={"counted": {f"{_RETRY}first_day": "counted", "grace.length.first_day": "counted"}},
        ),
        ReadingSwitch(
            code="R-F3",
            question="Every day for ten business days: also on closed days?",
            preset=_FR,
            keys={f"{_RETRY}closed_days": "skip"},
            others={"R-F3b": {f"{_RETRY}closed_days": "attempt"}},
        ),
        ReadingSwitch(
            code="R-F4",
            question="Are the 10 days of repair the same business days?",
            preset=_FR,
            keys={"grace.length.unit": "business_days"},
            others={
                "calendar_days": {
                    "grace.length": {"unit": "calendar_days", "n": 10},
                    "attempts.continue_after_suspension": True,
                }
            },
        ),
        ReadingSwitch(
            code="R-F5",
            question="When exactly is access cut?",
            preset=_FR,
            keys={"grace.ends_at": "end_of_day"},
            others={"after_last_attempt": {"grace.ends_at": "after_last_attempt"}},
        ),
        ReadingSwitch(
            code="R-F6",
            question="What access during the delay?",
            preset=_FR,
            keys={"grace.access": "full"},
            others={"read_only": {"grace.access": "read_only"}},
        ),
        ReadingSwitch(
            code="R-F7",
            question="Does updating the method charge at once?",
            preset=_FR,
            keys={"attempts.on_method_update": "immediate_learner_initiated"},
            others={"R-F7b": {"attempts.on_method_update": "next_scheduled"}},
        ),
        ReadingSwitch(
            code="R-F8",
            question="Does a late recovery move the billing day?",
            preset=_FR,
            keys={"billing.after_late_recovery": "keep_anchor"},
            others={"re_anchor": {"billing.after_late_recovery": "re_anchor"}},
        ),
        ReadingSwitch(
            code="R-F9",
            question="At a relaunch: arrears and new billing day?",
            preset=_FR,
            keys={"remediation.arrears": "waived", "remediation.new_anchor": "relaunch_date"},
            others={
                "pay_open_invoice": {
                    "remediation.arrears": "pay_open_invoice",
                    "remediation.new_anchor": "unchanged",
                }
            },
        ),
        ReadingSwitch(
            code="R-F10",
            question="Until which instant may a path be re-entered, and what is tested?",
            preset=_FR,
            keys={"remediation.deadline.inclusive": True, "remediation.deadline.tested_at": "submission"},
            others={
                "exclusive": {"remediation.deadline.inclusive": False},
                "payment": {"remediation.deadline.tested_at": "payment"},
            },
        ),
        ReadingSwitch(
            code="R-F11",
            question="Refusals that the networks forbid to retry?",
            preset=_FR,
            keys={"attempts.by_decline_class.hard_never_retry.retry": False},
            others={"retry_anyway": {"attempts.by_decline_class.hard_never_retry.retry": True}},
        ),
        ReadingSwitch(
            code="R-F12",
            question="Are debit cards refused?",
            preset=_FR,
            keys={"accepted_methods.rules.0.funding": ["credit"]},
            others={"allow_debit": {"accepted_methods.rules.0.funding": ["credit", "debit"]}},
        ),
        ReadingSwitch(
            code="R-F13",
            question="3DS demanded at renewal?",
            preset=_FR,
            keys={
                "authentication.on_soft_decline_auth_required": "ask_learner_on_session",
                "authentication.challenge_started_before_deadline_counts": True,
            },
            others={
                "pause_retries": {"authentication.on_soft_decline_auth_required": "pause_retries"},
                "deadline_is_hard": {"authentication.challenge_started_before_deadline_counts": False},
            },
        ),
        ReadingSwitch(
            code="R-F14",
            question="Does a failed first payment open a case?",
            preset=_FR,
            keys={"triggers": ["renewal_failed"]},
            others={"first_payment_too": {"triggers": ["renewal_failed", "first_payment_failed"]}},
        ),
        ReadingSwitch(
            code="R-J1",
            question="When are the gateway's attempts expected?",
            preset=_JP,
            keys={f"{_RETRY}interval_days.min": 3, f"{_RETRY}interval_days.max": 5},
            others={"fixed_5": {f"{_RETRY}interval_days.min": 5, f"{_RETRY}interval_days.max": 5}},
        ),
        ReadingSwitch(
            code="R-J2",
            question="19-26時: which day does a night charge belong to?",
            preset=_JP,
            keys={"billing.service_day_rollover": "12:00"},
            others={"02:00": {"billing.service_day_rollover": "02:00"}},
        ),
        ReadingSwitch(
            code="R-J3",
            question="2営業日以内: which days are business days?",
            preset=_JP,
            keys={f"notices.school.{n}.due.calendar": "jp-school" for n in range(3)},
            others={
                "saturdays": {
                    f"notices.school.{n}.due.calendar": "jp-school-with-saturdays" for n in range(3)
                }
            },
        ),
        ReadingSwitch(
            code="R-J4",
            question="When may a school mail leave?",
            preset=_JP,
            keys={"notices.gate": "date"},
            others={"office_hours": {"notices.gate": "office_hours"}},
        ),
        ReadingSwitch(
            code="R-J5",
            question="Mails that a closure held back?",
            preset=_JP,
            keys={"notices.in_closure": "defer_and_consolidate", "notices.obsolete": "drop"},
            others={"send_backlog": {"notices.in_closure": "send_backlog", "notices.obsolete": "send"}},
        ),
        ReadingSwitch(
            code="R-J6",
            question="When do credits lapse, and what of booked lessons?",
            preset=_JP,
            keys={"credits.execution": "exhaustion", "credits.held_lessons": "deliver"},
            others={
                "R-J6b": {"credits.execution": "first_failure"},
                "cancel_lessons": {"credits.held_lessons": "cancel"},
            },
        ),
        ReadingSwitch(
            code="R-J7",
            question="In which order do lessons and credits go?",
            preset=_JP,
            keys={"credits.prior_notice_of_admin_cancellation": False},
        ),
        ReadingSwitch(
            code="R-J8",
            question="At which price are the two months paid?",
            preset=_JP,
            keys={"remediation.price": "current_catalogue"},
            others={"first_month_old_price": {"remediation.price": "first_month_old_price"}},
        ),
        ReadingSwitch(
            code="R-J9",
            question="Which resume date is proposed?",
            preset=_JP,
            keys={"remediation.resume.proposed_date": "first_uncovered_due_date"},
            others={
                "fixed_45_days": {
                    "remediation.resume.proposed_date": "fixed_days_after_payment",
                    "remediation.resume.fixed_days": 45,
                }
            },
        ),
        ReadingSwitch(
            code="R-J10",
            question="May a learner pay before the announced day?",
            preset=_JP,
            keys={"remediation.resume.before_window": "block"},
            others={"warn_only": {"remediation.resume.before_window": "warn"}},
        ),
        ReadingSwitch(
            code="R-J11",
            question="Which billing day after the resumption?",
            preset=_JP,
            keys={
                "remediation.resume.new_billing_day": "day_of_payment",
                "remediation.resume.gateway_next_billing": "authoritative",
            },
        ),
        ReadingSwitch(
            code="R-J12",
            question="Who cancels the old subscription?",
            preset=_JP,
            keys={"remediation.old_subscription_cancelled_by": "system"},
            others={"staff": {"remediation.old_subscription_cancelled_by": "staff"}},
        ),
        ReadingSwitch(
            code="R-J13",
            question="Does a late recovery move the billing day?",
            preset=_JP,
            keys={"billing.after_late_recovery": "keep_anchor"},
            others={"re_anchor": {"billing.after_late_recovery": "re_anchor"}},
        ),
        ReadingSwitch(
            code="R-J14",
            question="2回目の予備決済 in a learner's report: which attempt?",
            preset=_JP,
            keys={"attempts.learner_report_refers_to": "next_attempt"},
            others={"literal": {"attempts.learner_report_refers_to": "third_attempt"}},
        ),
        ReadingSwitch(
            code="R-J15",
            question="A partial lump sum?",
            preset=_JP,
            keys={"remediation.partial": "keep_open"},
            others={"open_month_1": {"remediation.partial": "open_month_1"}},
        ),
        ReadingSwitch(
            code="R-J16",
            question="Exhaustion while the office is closed?",
            preset=_JP,
            keys={"consequences.when_notice_is_held": "at_once"},
            others={
                "all_waits": {"consequences.when_notice_is_held": "wait"},
                "move_by_the_hold": {"consequences.when_notice_is_held": "move_by_the_hold"},
            },
        ),
        ReadingSwitch(
            code="R-X1",
            question="Events that come twice or in another order?",
            preset=_FR,
            keys={"events.number_attempts_by": "occurred_at", "events.success_dominates": True},
        ),
        ReadingSwitch(
            code="R-X2",
            question="What is one case?",
            preset=_FR,
            keys={"case_key": ["subscription_id", "billing_period_start"]},
        ),
        ReadingSwitch(
            code="R-X3",
            question="When does an amount match?",
            preset=_FR,
            keys={"money.match": "exact", "money.tolerance_minor": 0},
            others={"tolerance": {"money.match": "tolerance", "money.tolerance_minor": 1}},
        ),
        ReadingSwitch(
            code="R-X4",
            question="Money going back?",
            preset=_FR,
            keys={"reversal.refund.reopen": False, "reversal.chargeback.open": "review_case"},
            others={"suspend_on_chargeback": {"reversal.chargeback.access": "suspend"}},
        ),
        ReadingSwitch(
            code="R-X5",
            question="Changes while a case is open?",
            preset=_FR,
            keys={"changes.policy": "pinned_per_case", "consequences.told_dates": "never_earlier"},
            others={
                "live_policy": {"changes.policy": "live"},
                "told_dates_move": {"consequences.told_dates": "may_move"},
            },
        ),
        ReadingSwitch(
            code="R-X6",
            question="Beyond the calendar's horizon?",
            preset=_FR,
            keys={f"{_RETRY}calendar": "fr-ouvrable"},
        ),
    )
}
"""R-X6 is a key of each calendar (``beyond_horizon: error``), so it names the one the preset counts on."""


def keys_of_reading(code: str, value: Any) -> Mapping[str, Any] | None:
    """The keys that ``{code: value}`` turns, or ``None`` when ``code`` is no reading.

    ``value`` is the name of another reading, ``"default"``, or a value for all of the reading's keys.
    """
    switch = READINGS.get(code)
    if switch is None:
        return None
    if value == "default":
        return switch.keys
    if isinstance(value, str) and value in switch.others:
        return switch.others[value]
    return dict.fromkeys(switch.keys, value)
