"""Decisions about mails: whether, when and to whom; nothing here reads, writes or looks at a clock."""

from __future__ import annotations

from services.notifications.domain.acts import (
    when_credits_forfeited,
    when_dropped_by_staff,
    when_gateway_wrote,
    when_lesson_cancelled,
    when_released,
)
from services.notifications.domain.addressing import Addressing
from services.notifications.domain.decide import (
    pause_after,
    when_closures_changed,
    when_learner_erased,
    when_mail_fell_due,
    when_mail_requested,
    when_mails_obsoleted,
    when_notice_fell_due,
    when_sending_ended,
    when_somebody_became_known,
    why_withheld,
)
from services.notifications.domain.delivery import Gate, Leave, TooLate, Wait, gate
from services.notifications.domain.desk import Decision, SendOrder
from services.notifications.domain.mail import (
    Correspondence,
    ExternalNotice,
    Forfeited,
    Mail,
    Stale,
    Status,
    Step,
    mail_id_of,
)
from services.notifications.domain.outcome import Delivered, NotNow, Outcome, RefusedForGood, Withheld
from services.notifications.domain.people import (
    AnnouncedClosure,
    Contact,
    Learner,
    Payment,
    School,
    Teacher,
)
from services.notifications.domain.replacing import (
    REPLACES,
    STALE_AFTER_CLOSING,
    STALE_AFTER_EXHAUSTION,
    STALE_AFTER_RECOVERY,
)

__all__ = [
    "REPLACES",
    "STALE_AFTER_CLOSING",
    "STALE_AFTER_EXHAUSTION",
    "STALE_AFTER_RECOVERY",
    "Addressing",
    "AnnouncedClosure",
    "Contact",
    "Correspondence",
    "Decision",
    "Delivered",
    "ExternalNotice",
    "Forfeited",
    "Gate",
    "Learner",
    "Leave",
    "Mail",
    "NotNow",
    "Outcome",
    "Payment",
    "RefusedForGood",
    "School",
    "SendOrder",
    "Stale",
    "Status",
    "Step",
    "Teacher",
    "TooLate",
    "Wait",
    "Withheld",
    "gate",
    "mail_id_of",
    "pause_after",
    "when_closures_changed",
    "when_credits_forfeited",
    "when_dropped_by_staff",
    "when_gateway_wrote",
    "when_learner_erased",
    "when_lesson_cancelled",
    "when_mail_fell_due",
    "when_mail_requested",
    "when_mails_obsoleted",
    "when_notice_fell_due",
    "when_released",
    "when_sending_ended",
    "when_somebody_became_known",
    "why_withheld",
]
