"""What each service did at its edges (its API, its errands, gateways), told again from its own facts.

A service's rows come from what it hears, and that is replayed by its own handlers. The rest comes from outside: a
lesson that was booked, a mail that left. Those left a fact in the service's own journal, and the functions here bring
its effect back from that fact without doing anything outside. What no fact tells (a name, a plan of credits, a
platform's address) is taken from the live rows as it stands, and is not judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ops.replay.past import Past
from services.access import domain as access_domain
from services.access.domain import School as AccessSchool
from services.credits import domain as credits_domain
from services.credits.domain import Account
from services.credits.domain.grants import MONTH
from services.notifications import domain as notifications_domain
from services.notifications.erasing import on_learner_erased
from services.notifications.sealed import SealedLearner
from services.notifications.store import LEARNERS, TEACHERS
from services.payments.domain.state import Transaction
from services.payments.news import Outcome
from shared.events import Envelope, Fact, access, credits, notifications, payments
from shared.keys import PLACEHOLDER

Retake = Callable[[Any, Any, Past], Awaitable[None]]
"""``async (fact, unit, past)``: the fact's effect on the rows; what it says again has the same ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One service's edges."""

    retakes: Mapping[type[Fact], Retake] = field(default_factory=dict)
    caused_at_edge: frozenset[type[Fact]] = frozenset()
    """Facts that only an errand or a gateway makes be said, whatever their cause."""
    also: Callable[[Fact], bool] = lambda _: False
    """Of facts that are said inside and at the edge: whether this one came from there."""
    untold: frozenset[str] = frozenset()
    """Tables that no fact tells: taken as they are."""
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Table -> the fields that no fact tells."""
    seed: Callable[[Past], Mapping[str, Mapping[str, Any]]] = lambda _: {}
    """Rows that are there before the first fact: what no fact tells."""
    ends: Callable[[Fact], str | None] = lambda _: None
    """The errand whose end a fact tells."""
    all_at_edge: bool = False
    """Everything it says comes from outside."""

    def is_at_edge(self, envelope: Envelope) -> bool:
        """Whether a fact of its journal came from outside."""
        fact = envelope.fact
        return (
            self.all_at_edge or envelope.cause is None or type(fact) in self.caused_at_edge or self.also(fact)
        )


# --- access ---


async def _enrolled(fact: access.PathEnrolled, unit: Any, past: Past) -> None:
    del past
    learner = await unit.learner(fact.school_id, fact.learner_id)
    school = await unit.school(fact.school_id)
    await unit.record(
        access_domain.when_enrolled(
            learner,
            path_id=fact.path_id,
            title=fact.title,
            subscription_id=fact.subscription_id,
            deadline=fact.re_enrolment_deadline,
            zone=school.zone,
            now=unit.now,
        )
    )


def _platforms(past: Past) -> Mapping[str, Mapping[str, Any]]:
    return {
        "schools": {
            key: AccessSchool(school_id=row.school_id, platform_url=row.platform_url)
            for key, row in past.rows["schools"].items()
            if row.platform_url is not None
        }
    }


# --- credits ---


async def _granted(fact: credits.CreditsGranted, unit: Any, past: Past) -> None:
    account = await unit.account_of(fact)
    school = await unit.school(fact.school_id)
    if fact.why == MONTH:
        per_month, notice = _plan_of(past, fact.subscription_id) or (fact.credits, 0)
        await unit.record(
            credits_domain.when_plan_known(
                account,
                credits_per_month=per_month,
                cancellation_notice_minutes=notice,
                zone=school.zone,
                now=unit.now,
            )
        )
    elif await unit.grant(fact.subscription_id, fact.grant_id) is None:
        await unit.record(
            credits_domain.when_granted(
                account,
                grant_id=fact.grant_id,
                credits=fact.credits,
                expires_on=fact.expires_on,
                why=fact.why,
                zone=school.zone,
                now=unit.now,
            )
        )


async def _extended(fact: credits.CreditsExtended, unit: Any, past: Past) -> None:
    del past
    known = await unit.grant(fact.subscription_id, fact.grant_id)
    if known is not None and known.expires_on != fact.expires_on:
        school = await unit.school(fact.school_id)
        account = await unit.account_of(fact)
        await unit.record(
            credits_domain.when_extended(
                account, known, expires_on=fact.expires_on, zone=school.zone, now=unit.now
            )
        )


async def _booked(fact: credits.LessonBooked, unit: Any, past: Past) -> None:
    del past
    if await unit.lesson(fact.subscription_id, fact.lesson_id) is None:
        account = await unit.account_of(fact)
        await unit.record(
            credits_domain.when_lesson_asked_for(
                account,
                lesson_id=fact.lesson_id,
                starts_at=fact.starts_at,
                teacher_id=fact.teacher_id,
                credits=fact.credits,
                now=unit.now,
            )
        )


async def _given_up(fact: credits.LessonCancelledByLearner, unit: Any, past: Past) -> None:
    del past
    account = await unit.account_of(fact)
    await unit.record(credits_domain.when_lesson_given_up(account, fact.lesson_id, unit.now))


def _plan_of(past: Past, subscription_id: str) -> tuple[int | None, int] | None:
    row: Account | None = past.rows["accounts"].get(subscription_id)
    return (row.credits_per_month, row.cancellation_notice_minutes) if row is not None else None


def _plans(past: Past) -> Mapping[str, Mapping[str, Any]]:
    """Plans as they stand, or as the months granted show where the account is gone; later ones come in their time."""
    later = {
        one.envelope.fact.subscription_id
        for one in past.own
        if one.envelope.cause is None
        and isinstance(one.envelope.fact, credits.CreditsGranted)
        and one.envelope.fact.why == MONTH
    }
    found: dict[str, Any] = {}
    for one in past.own:
        fact = one.envelope.fact
        if isinstance(fact, credits.CreditsGranted) and fact.why == MONTH:
            found[fact.subscription_id] = Account(
                subscription_id=fact.subscription_id,
                school_id=fact.school_id,
                learner_id=fact.learner_id,
                credits_per_month=fact.credits,
            )
    for key, row in past.rows["accounts"].items():
        if row.credits_per_month is not None or row.cancellation_notice_minutes:
            found[key] = Account(
                subscription_id=row.subscription_id,
                school_id=row.school_id,
                learner_id=row.learner_id,
                credits_per_month=row.credits_per_month,
                cancellation_notice_minutes=row.cancellation_notice_minutes,
            )
    return {"accounts": {key: row for key, row in found.items() if key not in later}}


# --- notifications ---


def _keys_of_people(past: Past) -> Mapping[str, Mapping[str, Any]]:
    """Without its key nothing of a person can be read; one that was erased stays erased."""
    return {name: past.rows[name] for name in ("subject_keys", "name_beginnings")}


async def _learner(fact: notifications.LearnerRegistered, unit: Any, past: Past) -> None:
    row = past.rows["learners"].get(f"{fact.school_id}/{fact.learner_id}")
    if row is not None:
        await unit.get(LEARNERS, LEARNERS.key(row))
        unit.put(LEARNERS, row if row.erased_at is None else _once_reachable(row))


def _once_reachable(row: SealedLearner) -> SealedLearner:
    """An erased learner as decisions saw them before: somebody with an address, whatever it was."""
    return replace(row, erased_at=None, name=PLACEHOLDER, email=PLACEHOLDER)


async def _learner_erased(fact: notifications.LearnerErased, unit: Any, past: Past) -> None:
    del past
    await on_learner_erased(fact, unit)


async def _teacher(fact: notifications.TeacherRegistered, unit: Any, past: Past) -> None:
    row = past.rows["teachers"].get(f"{fact.school_id}/{fact.teacher_id}")
    if row is not None:
        await unit.get(TEACHERS, TEACHERS.key(row))
        unit.put(TEACHERS, row)


async def _mail_ended(fact: Any, unit: Any, past: Past) -> None:
    del past
    case = await unit.known_case(fact.case_id)
    mail = case.mail(fact.mail_id) if case is not None else None
    if case is None or mail is None:
        return
    outcome: notifications_domain.Outcome
    if isinstance(fact, notifications.MailSent):
        outcome = notifications_domain.Delivered(
            at=fact.occurred_at, language=fact.language, message_id=fact.message_id
        )
    elif isinstance(fact, notifications.MailFailed):
        outcome = notifications_domain.RefusedForGood(reason=fact.because)
    elif fact.because == "provider_down":
        outcome = notifications_domain.NotNow(reason="", retry_after=fact.until - unit.now)
    else:
        return
    to = await unit.addressing(case)
    await unit.record(
        case, notifications_domain.when_sending_ended(case, fact.mail_id, mail.attempt, outcome, to, unit.now)
    )


async def _mail_released(fact: notifications.MailReleased, unit: Any, past: Past) -> None:
    del past
    case = await unit.known_case(fact.case_id)
    if case is not None:
        to = await unit.addressing(case)
        await unit.record(
            case,
            notifications_domain.when_released(
                case, fact.mail_id, by=fact.by, note=fact.note, to=to, now=unit.now
            ),
        )


async def _mail_dropped(fact: notifications.MailDropped, unit: Any, past: Past) -> None:
    del past
    case = await unit.known_case(fact.case_id)
    if case is not None and fact.because == "by_staff":
        await unit.record(
            case,
            notifications_domain.when_dropped_by_staff(
                case, fact.mail_id, by=fact.by, note=fact.detail, now=unit.now
            ),
        )


def _send_of(fact: Fact) -> str | None:
    if isinstance(fact, notifications.MailSent):
        return f"{fact.mail_id}/send/"
    if isinstance(fact, notifications.MailFailed):
        return f"{fact.mail_id}/send/{fact.attempt}"
    return None


# --- payments ---

_OUTCOMES: Final = {
    payments.AttemptSucceeded: Outcome.SUCCEEDED,
    payments.AttemptFailed: Outcome.FAILED,
    payments.AttemptPending: Outcome.PENDING,
}


async def _attempt(fact: Any, unit: Any, past: Past) -> None:
    del past
    outcome = _OUTCOMES[type(fact)]
    known = await unit.transactions(fact.gateway, fact.transaction_id)
    if not any(one.outcome is outcome for one in known):
        unit.keep(
            Transaction(
                key=f"{fact.gateway}:{fact.transaction_id}:{outcome}",
                gateway=fact.gateway,
                transaction_id=fact.transaction_id,
                outcome=outcome,
                subscription_id=fact.subscription_id,
                period=fact.period,
                kind=fact.kind,
                amount=fact.amount,
                occurred_at=fact.occurred_at,
                request_id=fact.request_id,
            )
        )
    if fact.request_id is not None and outcome is not Outcome.PENDING:
        request = await unit.request(fact.request_id)
        if request is not None:
            unit.keep(replace(request, state="ended"))


_GATEWAYS_OWN: Final = ("subscriptions", "gateway_references", "invoices", "sessions", "subject_keys")
"""What no fact tells: read from the gateways, or the keys that bodies of webhooks are sealed with."""


def _gateways_own(past: Past) -> Mapping[str, Mapping[str, Any]]:
    return {name: past.rows[name] for name in _GATEWAYS_OWN}


def _errand_ended(fact: Fact) -> str | None:
    if isinstance(fact, payments.GatewaySubscriptionPaused):
        return f"pause/{fact.case_id}"
    if isinstance(fact, payments.GatewaySubscriptionResumed):
        return f"resume/{fact.case_id}"
    return getattr(fact, "request_id", None)


EDGES: Final[Mapping[str, Edge]] = {
    "access": Edge(
        retakes={access.PathEnrolled: _enrolled},
        caused_at_edge=frozenset({access.PlatformTold, access.PlatformRefused}),
        untold=frozenset({"erasures"}),
        fields={"schools": frozenset({"platform_url"})},
        seed=_platforms,
    ),
    "credits": Edge(
        retakes={
            credits.CreditsGranted: _granted,
            credits.CreditsExtended: _extended,
            credits.LessonBooked: _booked,
            credits.LessonCancelledByLearner: _given_up,
        },
        untold=frozenset({"erasures"}),
        seed=_plans,
    ),
    "dunning": Edge(untold=frozenset({"reports", "subject_keys", "erasures"})),
    "notifications": Edge(
        retakes={
            notifications.LearnerRegistered: _learner,
            notifications.LearnerErased: _learner_erased,
            notifications.TeacherRegistered: _teacher,
            notifications.MailSent: _mail_ended,
            notifications.MailFailed: _mail_ended,
            notifications.MailDeferred: _mail_ended,
            notifications.MailReleased: _mail_released,
            notifications.MailDropped: _mail_dropped,
        },
        caused_at_edge=frozenset({notifications.MailSent, notifications.MailFailed}),
        also=lambda fact: isinstance(fact, notifications.MailDeferred) and fact.because == "provider_down",
        untold=frozenset({"learners", "teachers", "name_beginnings", "subject_keys", "erasures"}),
        seed=_keys_of_people,
        ends=_send_of,
    ),
    "payments": Edge(
        retakes=dict.fromkeys(_OUTCOMES, _attempt),
        untold=frozenset({*_GATEWAYS_OWN, "erasures"}),
        fields={
            "transactions": frozenset({"invoice_id", "gateway_subscription_id"}),
            "requests": frozenset({"state", "outcome"}),
        },
        seed=_gateways_own,
        ends=_errand_ended,
        all_at_edge=True,
    ),
    "portal": Edge(
        untold=frozenset({"offers", "login_links", "sessions", "hand_overs", "limits", "acts", "erasures"})
    ),
    "desk": Edge(
        untold=frozenset(
            {
                "people",
                "members",
                "sessions",
                "knocks",
                "deeds",
                "claims",
                "handled",
                "subject_keys",
                "erasures",
            }
        )
    ),
    # What receivers answered is told by nobody: rebuilt or not, nothing is posted again.
    "hooks": Edge(untold=frozenset({"endpoints", "deliveries"}), all_at_edge=True),
}
"""Every service; a new one is one line here."""
