"""A bad day of the machines, for real: workers killed at a chosen point, kept dead, and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from ops.servers.processes import Process, ServerFailed
from ops.stack.engine.lines import Lines
from ops.stack.running import RunningStack
from ops.stories.engine import CrashPoint

_COMMITTED: Final = 3.5
"""Wall seconds after which a worker has surely confirmed to the broker what it heard (Faust's interval is 1 s)."""
_CHARGES: Final = (
    ("stripe", "POST /v1/invoices/*/pay"),
    ("paypal", "POST /v1/billing/subscriptions/*/capture"),
)


@dataclass(slots=True)
class Troubles:
    """Who is dead, and who dies soon."""

    stack: RunningStack
    lines: Lines
    dead: frozenset[str] = frozenset()
    _armed: dict[str, Callable[[], Awaitable[bool]]] = field(default_factory=dict)
    """Per service: whether the point is reached at which it dies."""
    _lock: Any = None
    _began: float = 0.0

    async def begin(self) -> None:
        """A new story: everybody lives."""
        for service in self.dead:
            await self.restart(service)
        self._armed.clear()
        await self._let_go()
        self._began = time.monotonic()

    # --- dying ---

    async def crash(self, service: str, point: CrashPoint) -> None:
        """Kill ``service``'s worker now, or when it reaches ``point``."""
        # What it heard in the story before is confirmed by now, so that it does not come again in this one.
        await asyncio.sleep(max(0.0, self._began + _COMMITTED - time.monotonic()))
        match point:
            case CrashPoint.NOW:
                await self.kill(service)
            case CrashPoint.AFTER_CHARGE:
                await self._arm_charge(service, "timeout_after")
            case CrashPoint.BEFORE_CHARGE:
                await self._arm_charge(service, "timeout_before")
            case CrashPoint.BEFORE_COMMIT:
                await self.dies_recording(service, "heard")
            case CrashPoint.AFTER_COMMIT:
                before = await self._heard(service)

                async def recorded() -> bool:
                    return await self._heard(service) > before

                self._armed[service] = recorded

    async def kill(self, service: str) -> None:
        """Kill -9, and keep it from being started again."""
        if service in self.dead:
            return
        self._armed.pop(service, None)
        part = f"{service}-worker"
        held = self.stack.folder / "held" / part
        held.parent.mkdir(exist_ok=True)
        held.touch()
        await self._kill(part)
        self.dead |= {service}
        await self._let_go()

    async def _kill(self, part: str) -> None:
        pid = self.stack.read().pids[part]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while _alive(pid):
            await asyncio.sleep(0.01)

    async def restart(self, service: str) -> None:
        """Let it be started again; what it left in the middle is free for whoever lives."""
        self._armed.pop(service, None)
        if service not in self.dead:
            return
        before = self.stack.read().pids[f"{service}-worker"]
        (self.stack.folder / "held" / f"{service}-worker").unlink(missing_ok=True)
        while self.stack.read().pids[f"{service}-worker"] == before:
            await asyncio.sleep(0.02)
        self.dead -= {service}

    # --- points ---

    async def tend(self) -> None:
        """Kill whoever has reached the point at which it dies."""
        for service, reached in list(self._armed.items()):
            if await reached():
                await self.kill(service)

    async def _arm_charge(self, service: str, kind: str) -> None:
        """The gateway keeps our next charge waiting for its answer, before or after it did as asked.

        Its webhooks wait too: nothing of the charge reaches us before the worker is dead.
        """
        for gateway, route in _CHARGES:
            await self.lines.control("POST", "/webhooks/hold", {"gateway": gateway})
            fault = {"gateway": gateway, "route": route, "kind": kind, "seconds": 600}
            await self.lines.control("POST", "/fault", fault)

        async def taken() -> bool:
            waiting = await self.lines.control("GET", "/fault")
            left = [one for one in waiting["faults"] if one["kind"] == kind]
            if len(left) == len(_CHARGES):
                return False
            await self.kill(service)
            for gateway, _ in _CHARGES:
                await self.lines.control("DELETE", f"/fault?gateway={gateway}")
                await self.lines.control("POST", "/webhooks/release", {"gateway": gateway})
            return False

        self._armed[service] = taken

    async def dies_recording(self, service: str, table: str) -> None:
        """It goes on up to its next change of ``table``, which waits for a lock of ours until the worker is dead."""
        table = f"{service}.{table}"
        await self._hold(table, "share")

        async def waits() -> bool:
            return await self._somebody_waits_for(table)

        self._armed[service] = waits

    async def dies_after_errand(self, service: str, *, reads: str, writes: str) -> None:
        """It does its next errand outside and dies before anything of it is recorded.

        The errand reads ``reads`` before it acts and changes ``writes`` afterwards; others may do so too.
        """
        reads, writes = f"{service}.{reads}", f"{service}.{writes}"
        await self._hold(reads, "access exclusive")
        acting = False

        async def done_and_waiting() -> bool:
            nonlocal acting
            if acting:
                return await self._somebody_waits_for(writes)
            if not await self._somebody_waits_for(reads):
                return False
            acting = await self._has_claimed(service)
            if acting:
                reading = self._lock
                await self._hold(writes, "share")
                await reading.close()
            else:  # somebody else wanted to read
                await self._let_go()
                await asyncio.sleep(0.02)
                await self._hold(reads, "access exclusive")
            return False

        self._armed[service] = done_and_waiting

    async def _hold(self, table: str, mode: str) -> None:
        self._lock = await asyncpg.connect(self.lines.plan.database)
        await self._lock.execute("begin")
        await self._lock.execute(f"lock table {table} in {mode} mode")

    async def _let_go(self) -> None:
        if self._lock is not None:
            lock, self._lock = self._lock, None
            await lock.close()

    async def _somebody_waits_for(self, table: str) -> bool:
        found: int = await self.lines.database.fetchval(
            f"select count(*) from pg_locks where not granted and relation = '{table}'::regclass"
        )
        return found > 0

    async def _has_claimed(self, service: str) -> bool:
        found: int = await self.lines.database.fetchval(
            f"select count(*) from {service}.errands where done_at is null and leased_until > now()"
        )
        return found > 0

    async def _heard(self, service: str) -> int:
        found: int = await self.lines.database.fetchval(f"select count(*) from {service}.heard")
        return found


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError, ServerFailed):
        return Process.of(pid).alive
    return False
