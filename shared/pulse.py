"""What a worker says of itself every few seconds: that it lives, how far behind it is, and what waits in its service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.errors import KafkaError

from shared.clock import Clock
from shared.database import OUTAGES
from shared.errors import Transient
from shared.logs import logger
from shared.metrics import CONSUMER_LAG
from shared.service import Service
from shared.standing import Readiness, say_alive, say_goodbye, show, what_waits
from shared.worker import Worker

log = logger("pulse")

EVERY: Final = 10.0
"""Seconds between beats."""
_SILENT: Final = 45.0
"""Seconds after which brokers that did not answer are said to be away."""


class Pulse:
    """Beats while the worker works; ``ready`` raises when it cannot."""

    def __init__(self, service: Service, clock: Clock, holder: int, readiness: Readiness) -> None:
        self._service = service
        self._clock = clock
        self._holder = holder
        self._readiness = readiness
        self._brokers_answered: float | None = None

    async def ready(self) -> None:
        """Return when this worker can work: its tables are there, and the brokers answered a moment ago.

        Raises:
            Transient: it cannot; the message says why.
        """
        await self._readiness()
        if self._brokers_answered is None:
            raise Transient(
                "we cannot work yet because the brokers have not let us in: wait, or look at RELANCE_KAFKA"
            )
        silent = time.monotonic() - self._brokers_answered
        if silent > _SILENT:
            raise Transient(
                f"we cannot work now because the brokers have not answered for {silent:.0f} s: nothing is lost, look at them"
            )

    async def run(self, pool: Any, worker: Worker) -> None:
        """Beat for ever; what is away is left out until it is back."""
        while True:
            await self.beat(pool, worker)
            await asyncio.sleep(EVERY)

    async def beat(self, pool: Any, worker: Worker) -> None:
        """Look once, and say what was seen."""
        lag = await self._lag(worker)
        try:
            async with asyncio.timeout(EVERY):
                show(self._service.name, await what_waits(pool, self._service, self._clock.now()))
                await say_alive(pool, self._service, self._holder, lag)
        except OUTAGES as error:
            log.warning("pulse_missed", what="database", reason=repr(error))

    async def stop(self, pool: Any) -> None:
        """Be missed by nobody."""
        async with asyncio.timeout(2):
            await say_goodbye(pool, self._service, self._holder)

    async def _lag(self, worker: Worker) -> Mapping[str, int]:
        try:
            async with asyncio.timeout(EVERY):
                lag = await worker.lag()
        except (KafkaError, *OUTAGES) as error:
            log.warning("pulse_missed", what="brokers", reason=repr(error))
            return {}
        self._brokers_answered = time.monotonic()
        CONSUMER_LAG.forget()  # partitions come and go
        for (topic, partition), behind in lag.items():
            CONSUMER_LAG.set(self._service.name, topic, str(partition), to=behind)
        return {f"{topic}/{partition}": behind for (topic, partition), behind in sorted(lag.items())}
