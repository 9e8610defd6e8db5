"""What people do about messages that nobody here could act upon: fix, retry, discard; each once, each with a name.

An act locks its message, so of two people the second sees what the first did. A retry runs the very handler that
hearing would have run and settles the message in the same transaction: its effects happen once or not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, cast

from shared.clock import Clock
from shared.errors import NotFound, Refused, Transient, Unreadable
from shared.events import Envelope, id_of
from shared.events.wire import from_bytes
from shared.logs import logger
from shared.parking.rows import Act, Aside, Desk, SetAside, What
from shared.scrubbing import scrubbed
from shared.service import Service
from shared.shelf import Shelf, Store

__all__ = ["Act", "Aside", "Parking", "SetAside", "What"]

log = logger("parking")

_TRIES: Final = 5
"""How often a retry that another transaction overtook is begun anew."""


class Parking:
    """The parked messages of one service, over any store."""

    def __init__(self, service: Service, store: Store, clock: Clock) -> None:
        self._service, self._store, self._clock = service, store, clock

    async def listed(
        self, *, settled: bool = False, after: str = "", limit: int = 100, school: str | None = None
    ) -> list[SetAside]:
        """Parked messages, the oldest first, behind the id ``after``; of one school when it is named."""
        found: list[SetAside] = []
        async with self._store.transaction(locking=False) as shelf:
            while len(found) < limit:
                page = await _aside(shelf).page(settled=settled, after=after, limit=limit)
                found += [one for one in page if school is None or one.school_id == school]
                if len(page) < limit:
                    break
                after = page[-1].id
        return found[:limit]

    async def shown(self, parked_id: str) -> tuple[SetAside, list[Act]]:
        """One message and what was done about it.

        Raises:
            NotFound: nothing of that id was ever parked here.
        """
        async with self._store.transaction(locking=False) as shelf:
            return await self._the(_aside(shelf), parked_id), await _aside(shelf).acts(parked_id)

    def problem_of(self, message: SetAside) -> str:
        """Why a retry would fail as things stand, as far as that is known without trying; empty when it would not."""
        try:
            self._envelope_of(message)
        except _StillFails as still:
            return still.reason
        return ""

    async def fix(
        self, parked_id: str, value: bytes, *, by: str, because: str, act_id: str, seen: int | None = None
    ) -> SetAside:
        """Put another body in the place of what could not be read; it is retried when somebody says so.

        Raises:
            NotFound: nothing of that id was parked here.
            Refused: it is settled, somebody else acted meanwhile, or the body is no fact that this service hears.
        """
        self._readable(value)

        async def act(aside: Aside, message: SetAside) -> None:
            del message
            await aside.fix(parked_id, value)

        return await self._act(parked_id, What.FIXED, act, by, because, act_id, seen, value=value)

    async def discard(
        self, parked_id: str, *, by: str, because: str, act_id: str, seen: int | None = None
    ) -> SetAside:
        """Settle it without acting upon it; body and reason stay.

        Raises:
            NotFound, Refused: as ``fix``; also without a reason.
        """
        if not because.strip():
            raise Refused(
                f"we could not discard {parked_id} because no reason was given: say why nobody needs it",
                status=422,
                code="no_reason",
            )

        async def act(aside: Aside, message: SetAside) -> None:
            del message
            await aside.settle(parked_id, f"discarded by {by}: {because}", self._clock.now())

        return await self._act(parked_id, What.DISCARDED, act, by, because, act_id, seen)

    async def retry(
        self, parked_id: str, *, by: str, act_id: str, because: str = "", seen: int | None = None
    ) -> SetAside:
        """Hear it now, once in effect; if that fails again it stays parked with the new reason.

        Raises:
            NotFound, Refused: as ``fix``; Refused also when it cannot be read or handled yet.
            Transient: the database was away or busy; nothing was done, try again.
        """
        for left in reversed(range(_TRIES)):
            try:
                return await self._retry(parked_id, by, because, act_id, seen)
            except _StillFails as still:
                await self._note_failure(parked_id, by, still.reason, act_id)
                raise Refused(
                    f"we could not retry {parked_id} because {still.reason}: it stays parked; mend the cause or fix it",
                    code="still_fails",
                ) from still
            except Transient:
                if not left:
                    raise
        raise AssertionError("the last try answers or raises")

    # --- inside ---

    async def _retry(self, parked_id: str, by: str, because: str, act_id: str, seen: int | None) -> SetAside:
        async with self._store.transaction() as shelf:
            aside = _aside(shelf)
            message = await self._the(aside, parked_id)
            if await self._is_done(aside, message, act_id):
                return message
            await self._check(aside, message, seen)
            outcome = await self._hear(shelf, message)
            now = self._clock.now()
            how = f"{outcome} by {by}"
            await aside.settle(parked_id, how, now)
            await aside.note(
                parked_id, Act(act_id=act_id, what=What.RETRIED, who=by, at=now, because=because or outcome)
            )
            settled = await self._the(aside, parked_id)
        log.info("parked_settled", id=parked_id, how=how)
        return settled

    async def _hear(self, shelf: Shelf, message: SetAside) -> str:
        envelope = self._envelope_of(message)
        now = self._clock.now()
        if envelope.fact.PLAN and envelope.fact.occurred_at > now:
            raise _StillFails(f"its hour, {envelope.fact.occurred_at:%Y-%m-%d %H:%M:%S} UTC, has not come")
        fresh = await shelf.remember([envelope], now)
        if envelope.id not in fresh and message.noted_id != envelope.id:
            return "found to be heard already"
        unit = self._service.unit(shelf, now)
        unit.begin(envelope)
        try:
            await self._service.hears[type(envelope.fact)](envelope.fact, unit)
            await unit.write()
        except Exception as error:  # whatever a handler raises: the message stays parked, with this reason
            if isinstance(error, (Transient, OSError, shelf.OUTAGES)):
                raise
            log.exception("handler_failed", type=envelope.type, id=envelope.id)
            raise _StillFails(scrubbed(f"{envelope.type} could not be handled: {error!r}")) from error
        return "retried"

    def _envelope_of(self, message: SetAside) -> Envelope:
        try:
            envelope = from_bytes(message.value)
        except Unreadable as error:
            raise _StillFails(str(error)) from error
        if type(envelope.fact) not in self._service.hears:
            raise _StillFails(f"{self._service.name} hears no {envelope.type}: discard it")
        return envelope

    async def _note_failure(self, parked_id: str, by: str, reason: str, act_id: str) -> None:
        async with self._store.transaction() as shelf:
            aside = _aside(shelf)
            message = await self._the(aside, parked_id)
            if message.settled_at is None and not await self._is_done(aside, message, act_id):
                act = Act(act_id=act_id, what=What.FAILED, who=by, at=self._clock.now(), because=reason)
                await aside.note(parked_id, act)

    async def _act(
        self,
        parked_id: str,
        what: What,
        act: Callable[[Aside, SetAside], Awaitable[None]],
        by: str,
        because: str,
        act_id: str,
        seen: int | None,
        value: bytes | None = None,
    ) -> SetAside:
        async with self._store.transaction() as shelf:
            aside = _aside(shelf)
            message = await self._the(aside, parked_id)
            if await self._is_done(aside, message, act_id):
                return message
            await self._check(aside, message, seen)
            await act(aside, message)
            now = self._clock.now()
            await aside.note(
                parked_id, Act(act_id=act_id, what=what, who=by, at=now, because=because, value=value)
            )
            changed = await self._the(aside, parked_id)
        log.info("parked_act", id=parked_id, what=what.value)
        return changed

    async def _the(self, aside: Aside, parked_id: str) -> SetAside:
        found = await aside.one(parked_id)
        if found is None:
            raise NotFound(
                f"we could not find {parked_id} because {self._service.name} never parked it: "
                "list what is parked, an id is TOPIC/PARTITION/OFFSET"
            )
        return found

    async def _is_done(self, aside: Aside, message: SetAside, act_id: str) -> bool:
        """The same act sent again is the same act."""
        return any(one.act_id == act_id for one in await aside.acts(message.id))

    async def _check(self, aside: Aside, message: SetAside, seen: int | None) -> None:
        """Nobody acts on what he has not seen.

        Raises:
            Refused: it is settled, or somebody acted on it since ``seen`` acts were there.
        """
        if message.settled_at is not None:
            raise Refused(
                f"we could not act on {message.id} because it was settled at "
                f"{message.settled_at:%Y-%m-%d %H:%M:%S} UTC: {message.how}",
                code="settled",
            )
        acts = await aside.acts(message.id)
        if seen is not None and len(acts) != seen:
            last = acts[-1]
            raise Refused(
                f"we could not act on {message.id} because {last.who} acted on it meanwhile ({last.what.value}, "
                f"{last.at:%Y-%m-%d %H:%M:%S} UTC: {last.because}): look at it again",
                code="moved",
            )

    def _readable(self, value: bytes) -> None:
        """Raises Refused unless ``value`` is a fact that this service hears, under the id of its meaning."""
        try:
            envelope = from_bytes(value)
        except Unreadable as error:
            raise Refused(
                f"we could not accept this body because {error}", status=422, code="unreadable"
            ) from error
        if type(envelope.fact) not in self._service.hears:
            raise Refused(
                f"we could not accept this body because {self._service.name} hears no {envelope.type}: "
                "discard the message if nobody needs it",
                status=422,
                code="not_heard",
            )
        meant = id_of(envelope.fact) + (f"#{envelope.again}" if envelope.again else "")
        if envelope.id != meant:
            raise Refused(
                f"we could not accept this body because its id is not that of what it says: write {meant}, "
                "so that the same fact told again is known",
                status=422,
                code="wrong_id",
            )


def _aside(shelf: Shelf) -> Aside:
    return cast("Desk", shelf).aside()


class _StillFails(Exception):
    """Retrying did not help; what the transaction did is taken back."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
