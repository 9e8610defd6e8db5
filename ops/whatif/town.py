"""The recorded months lived through once more: dunning decides anew, notifications answers, the rest is as it was."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from ops.whatif.books import Books
from ops.whatif.history import History, Past
from ops.whatif.letters import LettersUnit, People
from ops.whatif.observed import OUTCOMES, Observed, Unknown, answered
from services.dunning.app import SERVICE as DUNNING
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.notifications.domain import Delivered
from services.notifications.sending import finish_send
from shared.errors import RelanceError
from shared.events import Envelope, Fact, credits, dunning, payments
from shared.events.wire import wrap
from shared.service import Service

_FAR: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Adoption:
    """The policy that schools have from ``since`` on, whatever they adopted later."""

    since: datetime
    documents: Mapping[str, tuple[str, int, str]]
    """School -> policy id, version and text."""


@dataclass(slots=True)
class Lived:
    """What came of it."""

    said: list[tuple[datetime, Envelope]] = field(default_factory=list)
    """What dunning decided and which mails left, in order; plans are left out."""
    unknown: dict[str, Unknown] = field(default_factory=dict)
    """By subscription."""
    not_understood: list[str] = field(default_factory=list)
    """Facts that the handlers could not act upon, as they would have been parked."""
    decisions: int = 0
    """Facts that dunning heard."""


class Town:
    """One life. ``until`` is the last instant that is lived."""

    def __init__(self, history: History, until: datetime, adoption: Adoption | None = None) -> None:
        self._until = until
        self._adoption = adoption
        self._observed = Observed(history.facts)
        self._plans = _plans_heard(history)
        self._books = {DUNNING.name: Books(), NOTIFICATIONS.name: Books()}
        self._people = People()
        self._agenda: list[tuple[datetime, int, int, Service, Envelope, bool]] = []
        self._order = count()
        self._asked: set[str] = set()
        self._refused: set[str] = set()
        self._takes_lessons: set[str] = set()
        self._consequences = {
            past.envelope.cause for past in history.facts if past.envelope.type.startswith("dunning.")
        }
        self._lived = Lived()
        for past in history.facts:
            self._take_from(past)

    def _take_from(self, past: Past) -> None:
        """What the world did, for whoever hears it; what dunning decided is decided anew."""
        envelope = past.envelope
        fact = envelope.fact
        if fact.PLAN or (envelope.topic == "dunning.events" and envelope.cause is not None):
            return
        for service in (DUNNING, NOTIFICATIONS):
            if type(fact) in service.hears:
                self._put(past.at, past.order, service, envelope, recorded=True)

    def _put(
        self, at: datetime, order: int, service: Service, envelope: Envelope, *, recorded: bool = False
    ) -> None:
        heapq.heappush(self._agenda, (at, order, next(self._order), service, envelope, recorded))

    async def live(self) -> Lived:
        """From the beginning to ``until``."""
        if self._adoption is not None:
            for school_id in self._adoption.documents:
                self._adopt(school_id, self._adoption.since)
        while self._agenda and self._agenda[0][0] <= self._until:
            at, _, _, service, envelope, recorded = heapq.heappop(self._agenda)
            if self._is_out_of_sight(envelope.fact) or (
                recorded and not self._happens(service, envelope, at)
            ):
                continue
            if recorded and isinstance(envelope.fact, OUTCOMES):
                self._lived.said.append((at, envelope))
            await self._hear(service, envelope, at)
        return self._lived

    # --- what is heard ---

    def _is_out_of_sight(self, fact: Fact) -> bool:
        subscription_id = getattr(fact, "subscription_id", "") or _subscription_of(fact)
        return subscription_id in self._lived.unknown

    def _happens(self, service: Service, envelope: Envelope, at: datetime) -> bool:
        """Whether something recorded happens in this life too; an answer only to its own question."""
        fact = envelope.fact
        if isinstance(fact, dunning.PolicyAdopted):
            return not self._is_overruled(fact, at)
        if isinstance(fact, (credits.LessonCancelledByAdmin, credits.CreditsForfeited)):
            return fact.case_id in self._takes_lessons
        asked = answered(fact)
        if service is not DUNNING or asked is None or asked in self._asked:
            return True
        case_id = asked.split("/", 1)[0]
        if isinstance(fact, payments.AttemptSucceeded) and case_id not in self._refused:
            self._lose_sight(at, fact, case_id, "the money came by a try that is not made")
        return False

    def _is_overruled(self, fact: dunning.PolicyAdopted, at: datetime) -> bool:
        adoption = self._adoption
        if adoption is None or fact.school_id not in adoption.documents or at < adoption.since:
            return False
        return fact.text != adoption.documents[fact.school_id][2]

    async def _hear(self, service: Service, envelope: Envelope, at: datetime) -> None:
        books = self._books[service.name]
        unit = self._unit(service, at)
        unit.begin(envelope)
        self._lived.decisions += service is DUNNING
        if service is NOTIFICATIONS:
            self._people.meet(envelope.fact)
        try:
            await service.hears[type(envelope.fact)](envelope.fact, unit)
        except RelanceError as error:
            self._lived.not_understood.append(f"{at.isoformat()} {envelope.type}: {error}")
            return
        await unit.write()
        said = self._take_planned(books)
        if service is DUNNING:
            self._look_at_act(envelope, said, at)
        for one in said:
            self._tell(service, one, at)
        if isinstance(envelope.fact, dunning.SchoolRegistered) and service is DUNNING:
            self._adopt_again(envelope.fact.school_id, at)
        await self._send(books, at)

    def _unit(self, service: Service, at: datetime) -> Any:
        books = self._books[service.name]
        return service.unit(books, at) if service is DUNNING else LettersUnit(books, at, self._people)

    # --- what is said ---

    def _take_planned(self, books: Books) -> Sequence[tuple[datetime, Envelope]]:
        said = [(one.tell_at, one.envelope) for one in books.planned]
        books.planned.clear()
        return said

    def _tell(self, by: Service, one: tuple[datetime, Envelope], at: datetime) -> None:
        tell_at, envelope = one
        fact = envelope.fact
        if fact.PLAN:
            recorded = self._plans.get(envelope.id)
            self._put(
                recorded.at if recorded else max(tell_at, at),
                recorded.order if recorded else _FAR,
                by,
                envelope,
            )
            return
        if isinstance(fact, OUTCOMES) and fact.mail_id in self._asked:
            return  # what became of it is recorded
        self._lived.said.append((at, envelope))
        if isinstance(fact, (dunning.AttemptRequested, dunning.MailRequested)):
            self._ask(fact, at)
        elif isinstance(fact, dunning.RelaunchRefused):
            self._refused.add(fact.case_id)
        elif isinstance(fact, (dunning.CreditForfeitRequested, dunning.CreditHoldRequested)):
            self._takes_lessons.add(fact.case_id)
        for hearer in (DUNNING, NOTIFICATIONS):
            if type(fact) in hearer.hears:
                self._put(max(tell_at, at), _FAR, hearer, envelope)

    def _ask(self, fact: dunning.AttemptRequested | dunning.MailRequested, at: datetime) -> None:
        """The world is asked: does it have an answer?"""
        if isinstance(fact, dunning.AttemptRequested):
            if self._observed.was_asked(fact):
                self._asked.add(fact.request_id)
            else:
                self._lose_sight(at, fact, fact.case_id, f"the try {fact.request_id} was never made")
            return
        mail_id = f"{fact.case_id}/{fact.template}/{fact.ordinal}"
        if self._observed.was_asked(fact) and self._observed.has_outcome(mail_id):
            self._asked.add(mail_id)

    async def _send(self, books: Books, at: datetime) -> None:
        """Mails leave as soon as they may: that a provider was away is no matter of policies."""
        errands = list(books.errands)
        books.errands.clear()
        for errand in errands:
            if errand.kind != "send":
                continue
            unit = self._unit(NOTIFICATIONS, at)
            unit.cause_id = errand.cause
            await finish_send(errand, Delivered(at=at, language="", message_id=errand.id), unit)
            await unit.write()
            for one in self._take_planned(books):
                self._tell(NOTIFICATIONS, one, at)

    # --- what cannot be known ---

    def _look_at_act(
        self, envelope: Envelope, said: Sequence[tuple[datetime, Envelope]], at: datetime
    ) -> None:
        """A person acted upon a case that is not where it was then: what he would have done is unknown."""
        fact = envelope.fact
        if envelope.topic != "dunning.events" or fact.PLAN or not hasattr(fact, "case_id"):
            return
        if not said and envelope.id in self._consequences:
            self._lose_sight(at, fact, fact.case_id, f"{envelope.type} found the case elsewhere")

    def _lose_sight(self, at: datetime, fact: Any, case_id: str, why: str) -> None:
        unknown = Unknown(at=at, subscription_id=fact.subscription_id, case_id=case_id, why=why)
        self._lived.unknown.setdefault(fact.subscription_id, unknown)

    # --- the other policy ---

    def _adopt(self, school_id: str, at: datetime) -> None:
        assert self._adoption is not None  # noqa: S101 - only asked where there is one
        policy_id, version, text = self._adoption.documents[school_id]
        fact = dunning.PolicyAdopted(
            school_id=school_id, occurred_at=at, policy_id=policy_id, version=version, text=text,
            adopted_by="what-if",
        )  # fmt: skip
        envelope = wrap(fact, cause=None, recorded_at=at)
        for service in (DUNNING, NOTIFICATIONS):
            self._put(at, -1, service, envelope)

    def _adopt_again(self, school_id: str, at: datetime) -> None:
        """A later registration names the school's own policy once more."""
        adoption = self._adoption
        if adoption is not None and school_id in adoption.documents and at >= adoption.since:
            self._adopt(school_id, at)


def _plans_heard(history: History) -> dict[str, Past]:
    """When each plan was acted upon; one that was heard before its hour was put back under another id."""
    found: dict[str, Past] = {}
    for past in history.facts:
        fact = past.envelope.fact
        if fact.PLAN and past.at >= fact.occurred_at:
            found.setdefault(past.envelope.id.partition("#")[0], past)
    return found


def _subscription_of(fact: Fact) -> str:
    """Whose mail it is: a case's id begins with its subscription's."""
    return str(getattr(fact, "case_id", "")).split("~", 1)[0]
