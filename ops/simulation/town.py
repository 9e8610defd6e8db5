"""One history lived through under one weather: schools are registered, storms begin, end, and everything settles."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, Final

import msgspec
from ops.simulation.checks import Watch
from ops.simulation.histories import History
from ops.simulation.hosts import Machine
from ops.simulation.loop import Process
from ops.simulation.outside import SimChannel, SimGateway, SimPlatform, Webhook
from ops.simulation.world import FINE, Weather, World

from services.access import app as access_app
from services.access import domain as access_domain
from services.credits import app as credits_app
from services.credits import domain as credits_domain
from services.dunning import app as dunning_app
from services.dunning import domain as dunning_domain
from services.dunning.domain.policies_at_hand import preset_document
from services.notifications import app as notifications_app
from services.notifications.domain.people import Learner, Teacher
from services.notifications.sending import Hands
from services.notifications.store import LEARNERS, TEACHERS
from services.payments import app as payments_app
from services.payments.domain.registration import when_registered
from services.payments.domain.state import Registration
from shared.events import dunning, notifications
from shared.events.words import Gateway, MethodKind
from shared.transactions import Transactions

SERVICES: Final = (
    payments_app.SERVICE,
    dunning_app.SERVICE,
    notifications_app.SERVICE,
    access_app.SERVICE,
    credits_app.SERVICE,
)
TOPICS: Final = tuple(f"{service.name}.events" for service in SERVICES)
_SETTLES_WITHIN: Final = timedelta(days=3)
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
        world.spawn(None, self._register())
        loop.run(30.0)
        self._start_everything()
        loop.run(600.0)
        world.weather = self.weather
        for happening in self.history.happenings:
            loop.in_world(world.seconds_until(happening.at), happening.does, self.bank)
        loop.run(world.seconds_until(self.history.ends) + loop.time())
        self._calm()
        if not loop.trouble:
            loop.run(loop.time() + _SETTLES_WITHIN.total_seconds())
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
            world.loop.in_world(delay + later, world.spawn, None, self._deliver(gateway, webhook, counts=False))

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

    # --- before the story ---

    async def _register(self) -> None:
        history = self.history
        nobody = Process("registry", "registry", "registry")
        opened = {name: self.machine.transactions(name, nobody) for name in self.machine.services}
        adopted = preset_document(history.policy_id)
        async with opened["dunning"]() as unit:
            fact = dunning.SchoolRegistered(
                school_id=history.school_id,
                occurred_at=unit.now,
                name="School",
                policy_id=history.policy_id,
                zone=adopted.policy.timezone,
                languages=tuple(adopted.policy.languages),
                currency=adopted.policy.currency,
                support_contact="help@school.example",
                staff_email="office@school.example",
                delivery_calendar=adopted.policy.notices.delivery_calendar,
                accepted_methods=("credit_card", "paypal"),
            )
            unit.keep_school(dunning_domain.registry.school_registered(None, fact))
            unit.say(fact)
        await self._register_people(opened)
        await self._register_subscription(opened["payments"])

    async def _register_people(self, opened: dict[str, Transactions]) -> None:
        history = self.history
        language = "ja" if history.school_id == "eikaiwa" else "fr"
        async with opened["notifications"]() as unit:
            learner = Learner(
                learner_id=history.learner_id,
                school_id=history.school_id,
                name="Ada",
                email="ada@home.example",
                language=language,
                zone=str(history.zone),
            )
            teacher = Teacher(
                teacher_id="t1", school_id=history.school_id, name="Tom", email="tom@home.example", language="en"
            )
            unit.put(LEARNERS, learner)
            unit.put(TEACHERS, teacher)
            unit.say(
                notifications.LearnerRegistered(
                    school_id=history.school_id,
                    occurred_at=unit.now,
                    learner_id=history.learner_id,
                    language=language,
                    zone=str(history.zone),
                )
            )
        async with opened["access"]() as unit:
            school = await unit.school(history.school_id)
            unit.keep_school(replace(school, zone=str(history.zone), platform_url="https://lms.example/hook"))
        async with opened["access"]() as unit:
            learner = await unit.learner(history.school_id, history.learner_id)
            await unit.record(
                access_domain.when_enrolled(
                    learner,
                    path_id="data",
                    title="Data",
                    subscription_id=history.subscription_id,
                    deadline=None,
                    zone=str(history.zone),
                    now=unit.now,
                )
            )
        if history.credits:
            await self._grant(opened["credits"])

    async def _grant(self, opened: Transactions) -> None:
        history = self.history
        async with opened() as unit:
            unit.keep_school(credits_domain.School(school_id=history.school_id, zone=str(history.zone)))
            account = credits_domain.Account(
                subscription_id=history.subscription_id, school_id=history.school_id, learner_id=history.learner_id
            )
            await unit.record(
                credits_domain.when_granted(
                    account,
                    grant_id="g1",
                    credits=history.credits,
                    expires_on=None,
                    why="month",
                    zone=str(history.zone),
                    now=unit.now,
                )
            )
        for number, starts_at in enumerate(history.lessons):
            async with opened() as unit:
                account = await unit.account(history.subscription_id)
                await unit.record(
                    credits_domain.when_lesson_asked_for(
                        account,
                        lesson_id=f"l{number}",
                        starts_at=starts_at,
                        teacher_id="t1",
                        credits=1,
                        now=unit.now,
                    )
                )

    async def _register_subscription(self, opened: Transactions) -> None:
        history = self.history
        paypal = history.gateway is Gateway.PAYPAL
        async with opened() as unit:
            told = Registration(
                subscription_id=history.subscription_id,
                school_id=history.school_id,
                learner_id=history.learner_id,
                gateway=history.gateway,
                gateway_subscription_id=history.key,
                price=history.old_price,
                current_price=history.price,
                grandfathered=history.old_price != history.price,
                billing_day=history.billing_day,
                started_on=history.started_on,
                method=MethodKind.PAYPAL_SUBSCRIPTION if paypal else MethodKind.CARD,
                label="PayPal" if paypal else "1111",
            )
            registered = when_registered(None, told, today=unit.now.date(), now=unit.now)
            unit.keep(registered.subscription)
            await unit.refer(*registered.references)
            unit.say(*registered.said)


def _give_up(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(0)
