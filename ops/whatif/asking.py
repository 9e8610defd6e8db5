"""One question: these months under that policy, beside what really happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ops.whatif.comparing import Difference, decided, differences
from ops.whatif.figures import Case, Figures, bookings, cases_of, figures
from ops.whatif.history import History
from ops.whatif.observed import OUTCOMES, Unknown
from ops.whatif.town import Adoption, Lived, Town
from services.dunning.domain.policies_at_hand import Adopted
from shared.errors import Refused
from shared.events import Envelope, dunning


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Both columns. Cases of subscriptions that got out of sight are counted in neither, and named."""

    since: datetime
    until: datetime
    schools: tuple[str, ...]
    policy_id: str
    really_all: Figures
    """Every case that opened in the range, as it really went."""
    really: Figures
    """The same without those whose fate under the policy is unknown."""
    here: Figures
    unknown: tuple[Unknown, ...]
    differences: tuple[Difference, ...]
    not_understood: tuple[str, ...]
    decisions: int
    cases: int


async def ask(
    history: History,
    adopted: Adopted | None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Answer:
    """Live through ``history`` with the policy ``adopted`` from ``since`` on; ``None`` keeps what each school lived by.

    Cases that opened before ``since`` keep their policy, as in production (R-X5).

    Raises:
        Refused: the range is empty, lies outside what is known, or no school lives by such a policy.
    """
    first, last = _range(history, since, until)
    schools = _schools(history, last)
    adoption = None
    if adopted is not None:
        document = adopted.document
        concerned = [school for school, lives_by in schools.items() if lives_by == document.policy_id]
        if not concerned:
            known = ", ".join(f"{school} ({lives_by})" for school, lives_by in sorted(schools.items()))
            raise Refused(
                f"no school lives by a policy called {document.policy_id!r}; there are {known}: give the file the id of "
                "the policy that it is to stand for",
                code="nobody_concerned", status=422,
            )  # fmt: skip
        adoption = Adoption(
            first, dict.fromkeys(concerned, (document.policy_id, document.version, document.text))
        )
        schools = dict.fromkeys(concerned, document.policy_id)
    lived = await Town(history, last, adoption).live()
    return _answer(
        history, lived, first, last, tuple(sorted(schools)), adopted.policy.id if adopted else "as it was"
    )


def _answer(
    history: History, lived: Lived, since: datetime, until: datetime, schools: Sequence[str], policy_id: str
) -> Answer:
    booked = bookings(history)
    beside = frozenset(lived.unknown)
    really = _of(cases_of(_really(history, until), booked, since=since, until=until), history, schools)
    here = _of(cases_of(lived.said, booked, since=since, until=until), history, schools)
    opened = {case.case_id for case in (*really, *here)}
    found = differences(decided(history, until), lived.said, beside=beside)
    return Answer(
        since=since,
        until=until,
        schools=tuple(schools),
        policy_id=policy_id,
        really_all=figures(really),
        really=figures(really, beside=beside),
        here=figures(here, beside=beside),
        unknown=tuple(
            sorted((one for one in lived.unknown.values()), key=lambda one: (one.at, one.subscription_id))
        ),
        differences=tuple(found),
        not_understood=tuple(lived.not_understood),
        decisions=lived.decisions,
        cases=len(opened),
    )


def _of(cases: list[Case], history: History, schools: Sequence[str]) -> list[Case]:
    of_school = {
        fact.subscription_id: fact.school_id
        for past in history.facts
        if isinstance(fact := past.envelope.fact, dunning.CaseOpened)
    }
    return [case for case in cases if of_school.get(case.subscription_id, schools[0]) in schools]


def _really(history: History, until: datetime) -> list[tuple[datetime, Envelope]]:
    return [
        (past.at, past.envelope)
        for past in history.facts
        if past.at <= until
        and not past.envelope.fact.PLAN
        and (past.envelope.topic == "dunning.events" or isinstance(past.envelope.fact, OUTCOMES))
    ]


def _range(history: History, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    if not history.facts or history.until is None:
        raise Refused("nothing was told yet: there is nothing to live through", code="no_history", status=404)
    begins, ends = history.facts[0].at, history.until
    first, last = since or begins, until or ends
    if first > last:
        raise Refused(
            f"the range from {first.isoformat()} to {last.isoformat()} is empty: name an earlier beginning",
            code="empty_range", status=422,
        )  # fmt: skip
    if last < begins or first > ends:
        raise Refused(
            f"from {first.isoformat()} to {last.isoformat()} nothing is recorded: what is, lies between "
            f"{begins.isoformat()} and {ends.isoformat()}",
            code="nothing_recorded", status=422,
        )  # fmt: skip
    return first, last


def _schools(history: History, until: datetime) -> dict[str, str]:
    """Each school and the id of the policy it lived by at the end."""
    found: dict[str, str] = {}
    for past in history.facts:
        fact = past.envelope.fact
        if past.at <= until and isinstance(fact, (dunning.SchoolRegistered, dunning.PolicyAdopted)):
            found[fact.school_id] = fact.policy_id
    return found
