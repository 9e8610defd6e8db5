"""One history lived through under one weather: schools are registered, storms begin, end, and everything settles."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any, Final

import msgspec

from ops.simulation.checks import Watch
from ops.simulation.histories import History
from ops.simulation.hosts import Machine
from ops.simulation.loop import Process
from ops.simulation.outside import SimChannel, SimGateway, SimPlatform, Webhook
from ops.simulation.registry import register
from ops.simulation.world import FINE, Weather, World
from services.access import app as access_app
from services.credits import app as credits_app
from services.dunning import app as dunning_app
from services.notifications import app as notifications_app
from services.notifications.sending import Hands
from services.payments import app as payments_app
from shared.events.words import Gateway

SERVICES: Final = (
    payments_app.SERVICE,
    dunning_app.SERVICE,
    notifications_app.SERVICE,
    access_app.SERVICE,
    credits_app.SERVICE,
)
TOPICS: Final = tuple(f"{service.name}.events" for service in SERVICES)
SETTLES_WITHIN: Final = timedelta(days=3)
_LATEST_WEBHOOK: Final = 4 * 3600.0
_DUPLICATE_WEBHOOK: Final = 48 * 3600.0


class Town:
    """Everybody of one run."""

    def __init__(self, history: History, seed: int, weather: Weather, *, read_along: bool = False) -> None:
        self.history = history
        self.weather = weather
        self.world = World(seed, history.starts, FINE)
        if read_along:
            self.world.diary = []
        self.machine = Machine(self.world, list(SERVICES), list(TOPICS))
        self.gateways = {name: SimGateway(self.world, name) for name in (Gateway.STRIPE, Gateway.PAYPAL)}
        for gateway in self.gateways.values():
            gateway.post = self._post
        self.bank = self.gateways[history.gateway]
        self.bank.answers[history.subscription_id] = list(history.answers)
        self.channel = SimChannel(self.world)
        self.platform = SimPlatform(self.world)
        self.machine.hands = {
            "payments": lambda _: self.gateways,
            "notifications": lambda transactions: Hands(channel=self.channel, transactions=transactions),
            "access": lambda _: access_app.Hands(platform=self.platform),
        }
        self.undelivered = 0
        self.watch = Watch(self)

    # --- one life ---

    def live(self) -> None:
        """From registration to the end."""
        world, loop = self.world, self.world.loop
        nobody = Process("registry", "registry", "registry")
        opened = {name: self.machine.transactions(name, nobody) for name in self.machine.services}
        world.spawn(None, register(self.history, opened))
        loop.run(30.0)
        self._start_everything()
        loop.run(600.0)
        world.weather = self.weather
        for process in world.processes:
            world.set_wrongly(process)
        for happening in self.history.happenings:
            loop.in_world(world.seconds_until(happening.at), happening.does, self.bank)
        loop.run(world.seconds_until(self.history.ends) + loop.time())
        self._calm()
        if not loop.trouble:
            loop.run(loop.time() + SETTLES_WITHIN.total_seconds())
        self.watch.judge()

    def put_away(self) -> None:
        """End what is left, quietly."""
        self.world.loop.put_away(self.world.processes)

    def _start_everything(self) -> None:
        numbers = Random(self.world.random.random())  # noqa: S311 - as everywhere here
        self.machine.start("payments", "api")
        for service in SERVICES:
            for _ in range(numbers.randint(1, self.weather.workers)):
                self.machine.start(service.name, "worker")

    def _calm(self) -> None:
        """The storm is over: clocks are set, everybody is let in, whoever was stopped goes on."""
        world = self.world
        world.weather = FINE
        self.machine.database.away_until = self.machine.broker.away_until = -1.0
        for group in self.machine.broker.groups.values():
            group.wake()
        for process in world.processes:
            process.skew = 0.0
            if process.paused:
                world.loop.resume(process)

    # --- webhooks ---

    def _post(self, gateway: Gateway, webhook: Webhook) -> None:
        world = self.world
        self.undelivered += 1
        delay = 1.0 + world.random.random()
        if world.chance(world.weather.late):
            delay += world.random.random() ** 2 * _LATEST_WEBHOOK
        world.loop.in_world(delay, world.spawn, None, self._deliver(gateway, webhook, counts=True))
        if world.chance(world.weather.duplicate):
            world.tally.duplicates += 1
            later = world.random.random() ** 4 * _DUPLICATE_WEBHOOK
            world.loop.in_world(
                delay + later, world.spawn, None, self._deliver(gateway, webhook, counts=False)
            )

    async def _deliver(self, gateway: Gateway, webhook: Webhook, *, counts: bool) -> None:
        """Until it is accepted, as gateways do."""
        world = self.world
        body = msgspec.json.encode(webhook)
        pause = 5.0
        while True:
            status = await self._try(gateway, body)
            if status == 200 and not world.chance(world.weather.answer_lost / 2):
                break
            await world.sleep(pause)
            pause = min(pause * 2, 3600.0)
        if counts:
            self.undelivered -= 1

    async def _try(self, gateway: Gateway, body: bytes) -> int:
        doors = self.machine.doors
        if not doors:
            return 0
        process, door = doors[0]
        answered = self.world.loop.create_future()

        async def take() -> None:
            answer = await door.take(self.gateways[gateway], {}, body)
            if not answered.done():
                answered.set_result(answer.status)

        self.world.spawn(process, take())
        self.world.loop.in_world(30.0, _give_up, answered)
        status: int = await answered
        return status


def _give_up(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(0)
