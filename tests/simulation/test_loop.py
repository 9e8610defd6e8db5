"""The loop under the storms: time is virtual, the killed never run again, the paused go on."""

from __future__ import annotations

import asyncio
from random import Random

from ops.simulation.loop import Loop, Process


def test_a_week_of_waiting_costs_no_time_and_happens_in_order_of_its_hours() -> None:
    loop, woke = Loop(Random(1)), list[tuple[str, float]]()

    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woke.append((name, loop.time()))

    for name, seconds in (("week", 7 * 86400.0), ("day", 86400.0), ("second", 1.0)):
        loop.spawn(None, sleep(name, seconds))
    loop.run(8 * 86400.0)

    assert woke == [("second", 1.0), ("day", 86400.0), ("week", 7 * 86400.0)]


def test_a_killed_process_never_runs_again_not_even_its_finally() -> None:
    loop, process, happened = Loop(Random(1)), Process("w", "w", "w"), list[str]()

    async def work() -> None:
        try:
            happened.append("began")
            await asyncio.sleep(10)
            happened.append("went on")
        finally:
            happened.append("cleaned up")

    loop.spawn(process, work())
    loop.run(5.0)
    process.dead = True
    loop.run(60.0)

    assert happened == ["began"]


def test_a_paused_process_goes_on_where_it_stood() -> None:
    loop, process, happened = Loop(Random(1)), Process("w", "w", "w"), list[float]()

    async def work() -> None:
        await asyncio.sleep(10)
        happened.append(loop.time())

    loop.spawn(process, work())
    loop.run(5.0)
    process.paused = True
    loop.run(100.0)
    assert happened == []

    loop.resume(process)
    loop.run(101.0)

    assert happened == [100.0]


def test_the_order_of_what_is_ready_is_a_matter_of_the_seed() -> None:
    def order(seed: int) -> list[int]:
        loop, done = Loop(Random(seed)), list[int]()

        async def work(number: int) -> None:
            done.append(number)

        for number in range(8):
            loop.spawn(None, work(number))
        loop.run(1.0)
        return done

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(10)}) > 5
