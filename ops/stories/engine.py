"""What a story needs of a Relance, whether it lives in one process's memory or in a whole stack.

A story's runner knows nothing else: it moves time, knocks at the services' HTTP doors, plays the world outside
(gateways, a learner's browser, the mail provider, a bad day of the machines) and looks at what came of it.
All instants are aware UTC; all money in whole minor units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ops.stories.shapes import (
    Answer,
    AtGateway,
    AttemptHappened,
    BankAnswer,
    ChallengeHappened,
    CrashPoint,
    FactTold,
    GatewayIds,
    Happening,
    Json,
    MailLeft,
    MoneyTried,
    MoneyWentBack,
    PageEnd,
    PageVisit,
    Replayed,
    Seen,
    SubscriptionChanged,
    Trouble,
)
from shared.events.words import Gateway

__all__ = [
    "Answer",
    "AtGateway",
    "AttemptHappened",
    "BankAnswer",
    "ChallengeHappened",
    "CrashPoint",
    "Engine",
    "FactTold",
    "GatewayIds",
    "Happening",
    "Json",
    "MailLeft",
    "MoneyTried",
    "MoneyWentBack",
    "NotOnThisEngine",
    "PageEnd",
    "PageVisit",
    "Replayed",
    "Seen",
    "SubscriptionChanged",
    "Trouble",
]


class EngineStuck(RuntimeError):
    """An instant did not come to rest; the message names what was not done. The story ends there."""


class NotOnThisEngine(Exception):
    """A verb that this engine cannot do and another can; the message says why. Such a story is left out here."""


# --- the verbs ------------------------------------------------------------------------------------


class Engine(Protocol):
    """A Relance that a story can be told to. Every verb returns when its effects of the instant are settled."""

    @property
    def name(self) -> str:
        """``memory`` or ``stack``."""
        ...

    @property
    def tolerance(self) -> timedelta:
        """How far an instant may be from the expected one: nothing where the clock stands still between two things."""
        ...

    # life

    async def open(self, start: datetime) -> None:
        """Begin an empty world at ``start``; after ``close`` it may be opened again for another story."""
        ...

    async def close(self) -> None:
        """The story is over; what takes long to start may be kept for the next one."""
        ...

    async def shut_down(self) -> None:
        """No story comes any more: let go of everything."""
        ...

    # time

    def now(self) -> datetime:
        """The instant the world stands at."""
        ...

    async def live_until(self, until: datetime) -> None:
        """Let time pass to ``until``: each plan, errand, delivery and answer happens at its own hour on the way."""
        ...

    # the services' doors

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        body: Json = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One HTTP request to ``service`` as the school's own systems make it (with the API key).

        ``raw`` with ``headers`` sends those bytes as they are and without the key (webhooks, forged ones too).
        """
        ...

    # the world outside

    async def at_gateway(self, subscription: AtGateway) -> GatewayIds:
        """See that the subscription exists at its gateway; the gateway does not bill it by itself: the story does."""
        ...

    async def happens(self, happening: Happening, arrivals: Sequence[datetime]) -> None:
        """It happens at the gateway at ``happening.at`` (= now), and its news reaches us at each of ``arrivals``.

        An arrival that is not after now comes at once; no arrival at all: the news is lost and only reading tells.
        """
        ...

    async def bank_will_say(
        self,
        subscription_id: str,
        answers: Sequence[BankAnswer],
        *,
        otherwise: BankAnswer | None = None,
        next: bool = False,
    ) -> None:
        """Script the answers to our own charges of that subscription, used up one per charge.

        ``answers`` come after what was scripted before, or with ``next`` ahead of it; ``otherwise`` is what comes
        when everything is used up. What was never scripted is a success.
        """
        ...

    async def visit(self, visit: PageVisit) -> None:
        """The learner's browser goes to a gateway's page and comes back from it."""
        ...

    async def mail_provider(self, *, up: bool) -> None:
        """From now on the mail provider takes mails, or does not."""
        ...

    async def gateway_answers(self, gateway: Gateway, *, up: bool) -> None:
        """From now on calls to that gateway are answered, or time out with nothing done."""
        ...

    # a bad day of the machines

    async def wrong_clock(self, service: str, by: timedelta) -> None:
        """The agenda of ``service`` runs on a clock that is wrong by so much from now on (zero mends it)."""
        ...

    async def crash(self, service: str, point: CrashPoint) -> None:
        """``service`` dies at ``point`` (soon) and stays dead until ``restart``; nothing sent to it is lost."""
        ...

    async def restart(self, service: str) -> None:
        """A dead service lives again and takes up where it was."""
        ...

    async def two_workers(self, service: str, *, both: bool) -> None:
        """From now on two workers take each timer and errand of ``service`` at the same instant, or one again."""
        ...

    async def replay(self, services: Sequence[str], times: int) -> Replayed:
        """Every message that ever went over the line is delivered again, ``times`` times."""
        ...

    # looking

    async def seen(self) -> Seen:
        """Everything that happened so far, from the beginning."""
        ...
