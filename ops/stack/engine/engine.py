"""The engine of stories on a whole stack; see ``ops.stories.engine.Engine`` for what each verb promises."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from ops.stack.engine import replaying
from ops.stack.engine.lines import Lines
from ops.stack.engine.looking import Looking
from ops.stack.engine.outside import Outside
from ops.stack.engine.refusal import NotOnThisEngine
from ops.stack.engine.reset import forget_everything, introduce_again
from ops.stack.engine.time import Time
from ops.stack.engine.trouble import Troubles
from ops.stack.running import RunningStack, start_stack
from ops.stories import engine as verbs
from shared.events.words import Gateway

_FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
_A_SCHOOL: Final = re.compile(r"/schools/([^/]+)")


class StackEngine:
    """Tells stories to a stack, one after another.

    Without ``stack`` it starts one in a temporary folder (``RELANCE_STORY_KAFKA`` names its Kafka) and stops it
    in ``shut_down``. ``keep`` leaves earlier stories' learners where they are: their ids must differ, and what
    happens to them meanwhile is no part of this story.
    """

    name = "stack"
    tolerance = timedelta(0)

    def __init__(self, stack: RunningStack | None = None, *, keep: bool = False) -> None:
        self._stack = stack
        self._own: Path | None = None
        self._keep = keep
        self._lines: Lines | None = None
        self._calm = False

    # --- life ---

    async def open(self, start: datetime) -> None:
        """See ``Engine``."""
        if self._lines is None:
            await self._connect()
        assert self._lines is not None  # noqa: S101 - it was connected just now
        await self.troubles.begin()
        if not self._keep:
            await forget_everything(self._lines, calm=self._calm)
        await introduce_again(self._lines)
        self._calm = False
        self.outside.begin()
        await self.looking.begin(start)
        self.looking.schools = set() if self._keep else None
        self.time.begin(start)
        await self._settle()

    async def close(self) -> None:
        """See ``Engine``."""

    async def shut_down(self) -> None:
        """See ``Engine``."""
        if self._lines is not None:
            await self._lines.close()
            self._lines = None
        if self._own is not None and self._stack is not None:
            await asyncio.to_thread(self._stack.stop)
            shutil.rmtree(self._own, ignore_errors=True)
            self._stack = self._own = None

    async def _connect(self) -> None:
        if self._stack is None:
            self._own = Path(tempfile.mkdtemp(prefix="relance-story-"))
            kafka = os.environ.get("RELANCE_STORY_KAFKA", "embedded")
            self._stack = await asyncio.to_thread(start_stack, self._own, kafka=kafka, clock=_FIRST)
        lines = self._lines = Lines(self._stack.read())
        await lines.open()
        self.outside = Outside(lines)
        self.troubles = Troubles(self._stack, lines)
        self.time = Time(lines, self.troubles)
        self.looking = Looking(lines, self.outside)

    @property
    def lines(self) -> Lines:
        """The connections of an open story."""
        if self._lines is None:
            raise RuntimeError("no story is open on this engine: open one first")
        return self._lines

    # --- time ---

    def now(self) -> datetime:
        """See ``Engine``."""
        return self.time.now()

    async def live_until(self, until: datetime) -> None:
        """See ``Engine``."""
        self._calm = False
        await self.time.live_until(until)
        self._calm = True

    async def _settle(self) -> None:
        self._calm = False
        await self.time.settle()
        self._calm = True

    # --- doors ---

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        body: verbs.Json = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> verbs.Answer:
        """See ``Engine``."""
        if service == "payments" and path.startswith("/sign-ups/"):
            await self.outside.plan(body)
        if self.looking.schools is not None and (found := _A_SCHOOL.fullmatch(path)) and method == "PUT":
            self.looking.schools.add(found[1])
        answer = await self.lines.knock(service, method, path, body, raw=raw, headers=headers)
        if raw is not None and not answer.ok:
            self.looking.note_refused()
        if isinstance(answer.body, dict) and "visit_id" in answer.body:
            self.outside.visits[answer.body["url"]] = answer.body["visit_id"]
        if method != "GET":
            await self._settle()
        return answer

    # --- the world outside ---

    async def at_gateway(self, subscription: verbs.AtGateway) -> verbs.GatewayIds:
        """See ``Engine``."""
        return await self.outside.add(subscription, self.now())

    async def happens(self, happening: verbs.Happening, arrivals: Sequence[datetime]) -> None:
        """See ``Engine``."""
        if isinstance(happening, verbs.ChallengeHappened) and happening.state == "started":
            await self._opens_challenge(happening)
        else:
            await self.outside.happens(happening, arrivals)
        await self._settle()

    async def _opens_challenge(self, happening: verbs.ChallengeHappened) -> None:
        """The bank's page is opened through our own link: that is how we know of it."""
        body = {"kind": "authenticate", "return_url": "https://school.example/account"}
        path = f"/subscriptions/{happening.subscription_id}/visits"
        answer = await self.lines.knock("payments", "POST", path, body)
        if not answer.ok:
            raise NotOnThisEngine(f"the bank's page could not be opened: {answer.body}")

    async def bank_will_say(
        self,
        subscription_id: str,
        answers: Sequence[verbs.BankAnswer],
        *,
        otherwise: verbs.BankAnswer | None = None,
        next: bool = False,
    ) -> None:
        """See ``Engine``."""
        await self.outside.bank_will_say(subscription_id, answers, otherwise, first=next)

    async def visit(self, visit: verbs.PageVisit) -> None:
        """See ``Engine``."""
        self.time.at(self.now() + visit.stay, partial(self.outside.visit, visit))
        await self._settle()

    async def mail_provider(self, *, up: bool) -> None:
        """See ``Engine``."""
        await self.lines.mailbox("POST", "/_fail", {} if up else {"until": True, "at": "data"})
        await self._settle()

    async def gateway_answers(self, gateway: Gateway, *, up: bool) -> None:
        """See ``Engine``."""
        await self.outside.answers(gateway, up=up)
        (self.time.gateways_down.discard if up else self.time.gateways_down.add)(gateway.value)
        await self._settle()

    # --- a bad day of the machines ---

    async def wrong_clock(self, service: str, by: timedelta) -> None:
        """See ``Engine``."""
        raise NotOnThisEngine(
            f"every process of a stack reads one clock: {service}'s cannot be wrong by {by}"
        )

    async def crash(self, service: str, point: verbs.CrashPoint) -> None:
        """See ``Engine``."""
        await self.troubles.crash(service, point)
        await self._settle()

    async def restart(self, service: str) -> None:
        """See ``Engine``."""
        await self.troubles.restart(service)
        await self._settle()

    async def two_workers(self, service: str, *, both: bool) -> None:
        """See ``Engine``."""
        del both
        raise NotOnThisEngine(f"a broker gives each message of {service} to one worker, never to two at once")

    async def replay(self, services: Sequence[str], times: int) -> verbs.Replayed:
        """See ``Engine``."""
        del services  # a topic is heard by all who listen to it
        await self._settle()
        return await replaying.replay(self.lines, times, self._settle)

    # --- looking ---

    async def seen(self) -> verbs.Seen:
        """See ``Engine``."""
        return await self.looking.seen()
