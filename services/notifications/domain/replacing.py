"""Which mail makes which other one needless, so that after a closure a learner reads one mail with the latest state.

A mail that has not left is replaced by a newer one of the same case (R-J5, trap 6); what tells of a failure is
stale once the case has moved on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.events.words import Template

T = Template

_FR_FAILURE: Final = frozenset({T.FR_PAYMENT_FAILED, T.FR_AUTHENTICATE, T.FR_LAST_DAY_TOMORROW})
"""``fr.method_updated`` is not among them: it answers what the learner did, whatever came of it."""

_JP_FAILURE: Final = frozenset({T.JP_PAYMENT_FAILED, T.JP_SECOND_FAILED, T.JP_REPORT_ACK})
_JP_RESUME: Final = frozenset({T.JP_PARTIAL, T.JP_RESUME_DATE, T.JP_RESUME_DAY, T.JP_RESUME_MISSED})

REPLACES: Final[Mapping[Template, frozenset[Template]]] = {
    T.FR_LAST_DAY_TOMORROW: frozenset({T.FR_PAYMENT_FAILED}),
    T.FR_RECOVERED: _FR_FAILURE | {T.FR_SUSPENDED, T.FR_RE_ENROLMENT_REMINDER},
    T.FR_SUSPENDED: _FR_FAILURE,
    T.FR_RELAUNCHED: _FR_FAILURE | {T.FR_SUSPENDED, T.FR_RE_ENROLMENT_REMINDER},
    T.FR_RE_ENROLMENT_CLOSED: frozenset({T.FR_RE_ENROLMENT_REMINDER}),
    T.FR_CANCELLED: _FR_FAILURE | {T.FR_SUSPENDED, T.FR_RE_ENROLMENT_REMINDER},
    T.JP_SECOND_FAILED: frozenset({T.JP_PAYMENT_FAILED, T.JP_REPORT_ACK}),
    T.JP_RECOVERED: _JP_FAILURE,
    T.JP_GUIDANCE: _JP_FAILURE,
    T.JP_PARTIAL: frozenset({T.JP_PARTIAL}),
    T.JP_RESUME_DATE: _JP_RESUME,
    T.JP_RESUME_MISSED: frozenset({T.JP_RESUME_DATE, T.JP_RESUME_DAY}),
    T.JP_RESUMED: _JP_RESUME,
}
"""Newer mail -> the older ones it replaces while they have not left."""

_KEPT: Final = frozenset(template for template in T if template.value.startswith("staff.")) | {
    T.FR_METHOD_UPDATED,
    T.FR_RECOVERED,
    T.FR_RELAUNCHED,
    T.FR_CANCELLED,
    T.FR_RE_ENROLMENT_CLOSED,
    T.JP_RECOVERED,
    T.JP_RESUMED,
    T.JP_LESSON_CANCELLED,
    T.JP_PRE_HOLIDAY,
}

STALE_AFTER_EXHAUSTION: Final = _FR_FAILURE | _JP_FAILURE
STALE_AFTER_RECOVERY: Final = _FR_FAILURE | _JP_FAILURE | {T.FR_SUSPENDED, T.FR_RE_ENROLMENT_REMINDER}
STALE_AFTER_CLOSING: Final = frozenset(T) - _KEPT
"""Once a case ended, nothing of it leaves any more but what tells of its end and what concerns others (X-32)."""
