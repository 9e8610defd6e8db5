"""A sample case for every mail, so that people can look at each and tests can hold each to its required facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from services.notifications.context import Letter
from services.notifications.domain import (
    Correspondence,
    Forfeited,
    Learner,
    Mail,
    Payment,
    School,
    Teacher,
    mail_id_of,
)
from shared.events.words import Audience, Template

T = Template

PARIS: Final = School(
    school_id="lumiere",
    name="École Lumière",
    zone="Europe/Paris",
    languages=("fr", "en"),
    support_contact="aide@lumiere.example",
    staff_email="bureau@lumiere.example",
    site_url="https://lumiere.example/premium",
    help_urls={
        "premium": "https://lumiere.example/premium",
        "authenticate": "https://lumiere.example/premium/confirmer",
        "relaunch": "https://lumiere.example/premium/relancer",
        "resume_path": "https://lumiere.example/aide/reprendre-mon-parcours",
        "desk": "https://bureau.lumiere.example/dossiers",
    },
)
TOKYO: Final = School(
    school_id="hibari",
    name="ひばりオンライン語学院",
    zone="Asia/Tokyo",
    languages=("ja", "en"),
    support_contact="office@hibari.example",
    staff_email="staff@hibari.example",
    site_url="https://hibari.example/mypage",
    help_urls={
        "my_page": "https://hibari.example/mypage",
        "old_price": "https://hibari.example/help/old-price",
        "desk": "https://desk.hibari.example/cases",
    },
    delivery_calendar="jp-school",
    rollover="12:00",
)

_NAMES: Final = {
    "lumiere": {"fr": "Ada Moreau", "en": "Ada Moreau", "ja": "アダ・モロー"},
    "hibari": {"ja": "佐藤 花子", "en": "Hanako Sato", "fr": "Hanako Sato"},
}

_FR_FAILED: Final = {
    "amount": "7500 EUR",
    "period": "2026-06-01",
    "period_end": "2026-06-30",
    "tried_at": "2026-06-01T07:00:00Z",
    "tried_on": "2026-06-01",
    "decline": "limit_exceeded",
    "retry_until": "2026-06-12",
    "deadline_at": "2026-06-12T22:00:00Z",
    "path_id": "data",
    "path_title": "Data analyst",
    "path_deadline": "2026-09-30",
}
_JP_FAILED: Final = {
    "amount": "12800 JPY",
    "current_price": "12800 JPY",
    "period": "2026-04-15",
    "period_end": "2026-05-14",
    "tried_at": "2026-04-15T16:10:00Z",
    "tried_on": "2026-04-15",
    "attempt": "1",
    "attempts_total": "3",
    "window_first": "2026-04-18",
    "window_last": "2026-04-20",
    "window_from": "19:00",
    "window_to": "26:00",
    "billing_day": "15",
    "grandfathered": "yes",
}
_JP_COVERED: Final = "2026-04-15/2026-05-14,2026-05-15/2026-06-14"

DATA: Final[Mapping[Template, Mapping[str, str]]] = {
    T.FR_PAYMENT_FAILED: _FR_FAILED,
    T.FR_AUTHENTICATE: {
        **_FR_FAILED,
        "decline": "authentication_required",
        "authenticate_by": "2026-06-12T22:00:00Z",
    },
    T.FR_METHOD_UPDATED: {
        "amount": "7500 EUR",
        "method_label": "4242",
        "charge_result": "failed",
        "retry_until": "2026-06-12",
        "deadline_at": "2026-06-12T22:00:00Z",
    },
    T.FR_LAST_DAY_TOMORROW: _FR_FAILED,
    T.FR_RECOVERED: {
        "amount": "7500 EUR",
        "period": "2026-06-01",
        "period_end": "2026-06-30",
        "paid_at": "2026-06-09T07:00:00Z",
        "paid_on": "2026-06-09",
        "transaction_id": "pi_3Ada",
        "method_label": "4242",
        "next_billing_on": "2026-07-01",
    },
    T.FR_SUSPENDED: _FR_FAILED,
    T.FR_RELAUNCHED: {
        "amount": "7500 EUR",
        "paid_at": "2026-07-20T13:00:00Z",
        "billing_day": "20",
        "next_billing_on": "2026-08-20",
    },
    T.FR_RE_ENROLMENT_REMINDER: {"path_title": "Data analyst", "path_deadline": "2026-09-30"},
    T.FR_RE_ENROLMENT_CLOSED: {"path_title": "Data analyst", "path_deadline": "2026-09-30"},
    T.FR_CANCELLED: {"amount": "7500 EUR", "period": "2026-06-01"},
    T.JP_PRE_HOLIDAY: {
        "closure_name": "GW",
        "closure_first": "2026-04-29",
        "closure_last": "2026-05-06",
        "reopens_on": "2026-05-07",
        "next_billing_on": "2026-04-30",
        "window_from": "19:00",
        "window_to": "26:00",
    },
    T.JP_PAYMENT_FAILED: _JP_FAILED,
    T.JP_SECOND_FAILED: {
        **_JP_FAILED,
        "attempt": "2",
        "tried_at": "2026-04-20T11:10:00Z",
        "tried_on": "2026-04-20",
        "window_first": "2026-04-23",
        "window_last": "2026-04-25",
    },
    T.JP_RECOVERED: {
        "amount": "12800 JPY",
        "period": "2026-04-15",
        "period_end": "2026-05-14",
        "attempt": "2",
        "paid_at": "2026-04-20T10:40:00Z",
        "paid_on": "2026-04-20",
        "billing_day": "15",
        "next_billing_on": "2026-05-15",
    },
    T.JP_GUIDANCE: {
        "period": "2026-04-15",
        "amount_due": "25600 JPY",
        "current_price": "12800 JPY",
        "grandfathered": "yes",
        "temporary_method": "bank_transfer",
        "reference": "HB-0415-77",
        "due_on": "2026-05-08",
        "covered": _JP_COVERED,
        "forfeited_effective_on": "2026-04-15",
    },
    T.JP_PARTIAL: {
        "amount_due": "25600 JPY",
        "received": "12800 JPY",
        "outstanding": "12800 JPY",
        "temporary_method": "bank_transfer",
        "reference": "HB-0415-77",
    },
    T.JP_RESUME_DATE: {
        "resume_on": "2026-06-15",
        "opens_at": "2026-06-14T15:00:00Z",
        "closes_at": "2026-06-15T15:00:00Z",
        "covered": _JP_COVERED,
        "window_from": "19:00",
        "window_to": "26:00",
    },
    T.JP_RESUME_DAY: {
        "resume_on": "2026-06-15",
        "opens_at": "2026-06-14T15:00:00Z",
        "closes_at": "2026-06-15T15:00:00Z",
        "amount": "12800 JPY",
    },
    T.JP_RESUME_MISSED: {"resume_on": "2026-06-15"},
    T.JP_RESUMED: {
        "amount": "12800 JPY",
        "paid_at": "2026-06-15T01:30:00Z",
        "paid_on": "2026-06-15",
        "billing_day": "15",
        "next_billing_on": "2026-07-15",
        "window_from": "19:00",
        "window_to": "26:00",
    },
    T.JP_REPORT_ACK: {
        "window_first": "2026-04-18",
        "window_last": "2026-04-20",
        "window_from": "19:00",
        "window_to": "26:00",
    },
    T.JP_LESSON_CANCELLED: {"lesson_id": "L-2041", "starts_at": "2026-04-28T12:00:00Z"},
    T.STAFF_REVIEW: {
        "reason": "amount_mismatch",
        "period": "2026-06-01",
        "amount": "7500 EUR",
        "received": "7499 EUR",
        "outstanding": "1 EUR",
        "transaction_id": "pi_3Ada",
    },
    T.STAFF_GUIDANCE_QUEUE: {
        "queue": '["sub-a~2026-04-29", "sub-b~2026-04-29", "sub-c~2026-04-30"]',
    },
    T.STAFF_WATCHDOG: {
        "attempt": "2",
        "amount": "12800 JPY",
        "window_first": "2026-04-18",
        "window_last": "2026-04-20",
        "window_from": "19:00",
        "window_to": "26:00",
    },
    T.STAFF_NOTICE_OVERDUE: {
        "about": "jp.payment_failed",
        "due_at": "2026-04-17T15:00:00Z",
        "reason": "provider_down",
    },
}
"""What each mail's data looks like in the sample."""

_NOW: Final = {
    T.JP_RESUME_DAY: datetime(2026, 6, 15, 0, 0, tzinfo=UTC),
}


def sample_letter(
    template: Template,
    language: str,
    *,
    zone: str | None = None,
    card_country: str | None = None,
    data: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Letter:
    """The sample of a template for a reader of ``language``; ``data`` replaces keys of it.

    ``zone`` is where the reader lives (the school's own when absent), ``card_country`` the country of the card.
    """
    is_french = template.value.startswith("fr.") or template is T.STAFF_REVIEW
    school = PARIS if is_french else TOKYO
    if template.value.startswith("staff."):
        audience, recipient = Audience.OFFICE, school.school_id
    elif template is T.JP_LESSON_CANCELLED:
        audience, recipient = Audience.TEACHER, "teacher-1"
    else:
        audience, recipient = Audience.LEARNER, "ada"
    at = now or _NOW.get(template) or datetime(2026, 6, 1, 7, 5, tzinfo=UTC)
    period = date(2026, 6, 1) if is_french else date(2026, 4, 15)
    case_id = f"sub-ada~{period.isoformat()}"
    name = _NAMES[school.school_id][language]
    return Letter(
        mail=Mail(
            mail_id=mail_id_of(case_id, template, 1),
            template=template,
            audience=audience,
            recipient_id=recipient,
            requested_at=at,
            data={**DATA[template], **(data or {})},
        ),
        case=Correspondence(
            case_id=case_id,
            school_id=school.school_id,
            learner_id="ada",
            subscription_id="sub-ada",
            period=period,
            lessons=(("L-2041", datetime(2026, 4, 28, 12, 0, tzinfo=UTC)),),
            forfeited=Forfeited(untouched=3, reserved=1, effective_on=date(2026, 4, 15)),
        ),
        school=school,
        now=at,
        learner=Learner(
            learner_id="ada",
            school_id=school.school_id,
            name=name,
            email="ada@example.org",
            language=language,
            zone=zone or school.zone,
        ),
        teacher=Teacher(
            teacher_id="teacher-1",
            school_id=school.school_id,
            name={"ja": "鈴木", "en": "Ms Suzuki", "fr": "Mme Suzuki"}[language],
            email="suzuki@example.org",
            language=language,
            zone=zone or school.zone,
        ),
        payment=Payment(
            subscription_id="sub-ada",
            learner_id="ada",
            card_country=card_country or ("FR" if is_french else "JP"),
        ),
    )
