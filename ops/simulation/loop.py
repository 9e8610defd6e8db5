"""An event loop whose time is virtual and whose order is a matter of the seed, so that a bad day can be repeated.

A process is a group of tasks. A killed one is never run again: none of its ``finally`` blocks happen, as with
``kill -9``. A paused one finds everything that was meant for it when it goes on, as after SIGSTOP.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, Final

PROCESS: Final[ContextVar[Process | None]] = ContextVar("process", default=None)
STEPS: Final = 150_000
"""Of one run: ten times the longest that ended well; more is a loop."""
_FINALLY: Final = 8
"""How often a frozen coroutine is asked to end when the simulation is put away."""


Step = tuple[Callable[..., Any], tuple[Any, ...], Context]
"""What is run next: asyncio's own handles cost as much as what most of them do."""


class Process:
    """What lives and dies together."""

    __slots__ = ("dead", "held", "name", "paused", "role", "service", "skew", "tasks")

    def __init__(self, name: str, service: str, role: str) -> None:
        self.name = name
        self.service = service
        self.role = role
        self.dead = False
        self.paused = False
        self.skew = 0.0
        """Seconds by which its clock is wrong."""
        self.tasks: list[asyncio.Task[Any]] = []
        self.held: list[Step] = []


class _Yield:
    """Gives others their turn."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield


TURN: Final = _Yield()


class Timer:
    """What asyncio asks of a handle, and no more."""

    __slots__ = ("_args", "_callback", "_cancelled", "_when", "context")

    def __init__(
        self, when: float, callback: Callable[..., Any], args: tuple[Any, ...], context: Context
    ) -> None:
        self._when = when
        self._callback = callback
        self._args = args
        self._cancelled = False
        self.context = context

    def when(self) -> float:
        """Its hour."""
        return self._when

    def cancel(self) -> None:
        """It will not be run."""
        self._cancelled = True

    def cancelled(self) -> bool:
        """Whether it will not be run."""
        return self._cancelled

    def run(self) -> None:
        """Its hour has come."""
        if not self._cancelled:
            self._callback(*self._args)


class Loop:
    """Runs one simulation; ``time`` is in virtual seconds since its start. It has of a loop what tasks ask for."""

    def __init__(self, random: Random) -> None:
        self._random = random.random
        self._self: Any = self
        self._time = 0.0
        self._ready: list[Step] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._stopping = False
        self.steps = 0
        self.trouble: list[BaseException] = []
        self._tasks: list[asyncio.Task[Any]] = []

    # --- what asyncio asks of a loop ---

    def time(self) -> float:
        return self._time

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> None:
        """Nobody cancels what was to be run soon: there is no handle."""
        self._ready.append((callback, args, copy_context() if context is None else context))

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Timer:
        return self.call_at(self._time + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Timer:
        handle = Timer(when, callback, args, copy_context() if context is None else context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self._self, name=name or "task", context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - a frozen task is meant
        owner = PROCESS.get() if context is None else context.get(PROCESS)
        (owner.tasks if owner is not None else self._tasks).append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Nobody looked at a future's error: its task died alone, or its reader was killed."""

    # --- living ---

    def spawn(self, process: Process | None, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task of ``process`` (``None``: of the world)."""
        context = Context()
        context.run(PROCESS.set, process)
        return self.create_task(coro, context=context)

    def in_world(self, delay: float, callback: Callable[..., Any], *args: Any) -> None:
        """Call back outside every process: it happens whoever dies."""
        self.call_at(self._time + delay, callback, *args, context=Context())

    def run(self, until: float) -> None:
        """Live up to ``until``, or to ``stop``; nothing is run twice and nothing waits for the wall."""
        events._set_running_loop(self._self)  # noqa: SLF001 - what run_forever of every loop does
        try:
            self._run(until)
        finally:
            events._set_running_loop(None)  # noqa: SLF001 - as above

    def stop(self) -> None:
        """End ``run`` after the step at hand."""
        self._stopping = True

    def _run(self, until: float) -> None:
        ready, random = self._ready, self._random
        self._stopping = False
        while not self._stopping:
            if not ready:
                if not self._wake(until):
                    return
                continue
            last = len(ready) - 1
            if last:
                chosen = int(random() * (last + 1))
                ready[chosen], ready[last] = ready[last], ready[chosen]
            step = ready.pop()
            owner = step[2].get(PROCESS)
            if owner is not None:
                if owner.dead:
                    continue
                if owner.paused:
                    owner.held.append(step)
                    continue
            self.steps += 1
            if self.steps > STEPS:
                self.trouble.append(RuntimeError(f"no rest after {STEPS} steps at {self._time:.3f}"))
                return
            try:
                step[2].run(step[0], *step[1])
            except BaseException as error:  # noqa: BLE001 - a broken callback is a finding
                self.trouble.append(error)
                self._stopping = True

    def _wake(self, until: float) -> bool:
        """Go on to the next hour, and to whatever is due at it; ``False`` when it lies beyond ``until``."""
        timers = self._timers
        if not timers or timers[0][0] > until:
            self._time = max(self._time, until)
            return False
        self._time = max(self._time, timers[0][0])
        while timers and timers[0][0] <= self._time:
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled():
                self._ready.append((timer.run, (), timer.context))
        return True

    def resume(self, process: Process) -> None:
        """A paused process goes on."""
        process.paused = False
        held, process.held = process.held, []
        self._ready.extend(held)

    def put_away(self, processes: list[Process]) -> None:
        """End every frozen coroutine now, quietly, so that none of its cleaning up happens later."""
        tasks = [*self._tasks, *(task for process in processes for task in process.tasks)]
        for task in tasks:
            if not task.done():
                _end(task.get_coro())
        self._ready.clear()
        self._timers.clear()


def _end(coro: Any) -> None:
    for _ in range(_FINALLY):
        try:
            coro.close()
        except RuntimeError:  # it awaited something while it was told to end
            continue
        except BaseException:  # noqa: BLE001 - what its cleaning up raises concerns nobody any more
            return
        return
