"""The engine of stories in memory: all five services, their real doors, twins of everything outside."""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import httpx
import msgspec

from ops.stories import engine as verbs
from ops.stories.memory import visits
from ops.stories.memory.doors import KEY, Doors, build_doors
from ops.stories.memory.gateway import MemoryGateway
from ops.stories.memory.happenings import webhook_of
from ops.stories.memory.inbox import MemoryInbox
from ops.stories.memory.line import StoryLine
from ops.stories.memory.mailbox import StoryMailbox
from ops.stories.memory.webhooks import SIGNED, Webhook
from services.access.app import SERVICE as ACCESS
from services.access.app import Hands as AccessHands
from services.access.memory import MemoryPlatform
from services.credits.app import SERVICE as CREDITS
from services.dunning.app import SERVICE as DUNNING
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.notifications.memory import Received, memory_hands
from services.payments import news
from services.payments.app import SERVICE as PAYMENTS
from services.payments.translator import Translator
from shared.clock import HandClock
from shared.errors import Unreadable
from shared.events.words import Gateway

_SERVICES: Final = (PAYMENTS, DUNNING, ACCESS, CREDITS, NOTIFICATIONS)


class MemoryEngine:
    """``ops.stories.engine.Engine`` in one process."""

    name = "memory"
    tolerance = timedelta(0)

    def __init__(self) -> None:
        self._order = count()

    # --- life ---

    async def open(self, start: datetime) -> None:
        """See ``Engine``."""
        self.clock = HandClock(start)
        self.gateways = {name: MemoryGateway(name, self._webhook_later) for name in Gateway}
        self.mailbox = StoryMailbox()
        self.inbox = MemoryInbox(self.clock)
        self.line = StoryLine(_SERVICES, self.clock)
        self.line.hands = {
            "payments": self.gateways,
            "access": AccessHands(platform=MemoryPlatform()),
            "notifications": memory_hands(self.line.transactions("notifications"), self.mailbox),
        }
        self._translator = Translator(
            self.inbox,  # type: ignore[arg-type]
            self.line.transactions("payments"),
            self.gateways,
        )
        self._doors: Doors = build_doors(self.line, self.clock, self.gateways, self.inbox)
        self._agenda: list[tuple[datetime, int, Any]] = []
        self._forged = 0
        self._mails_at: dict[str, datetime] = {}

    async def close(self) -> None:
        """See ``Engine``."""
        self._doors.close()

    async def shut_down(self) -> None:
        """See ``Engine``."""

    # --- time ---

    def now(self) -> datetime:
        """See ``Engine``."""
        return self.clock.now()

    async def live_until(self, until: datetime) -> None:
        """See ``Engine``."""
        await self._settle()
        while True:
            hours = [
                hour
                for hour in (self._next_arrival(), self.line.next_due(), self._next_letter())
                if hour is not None
            ]
            hour = min(hours, default=None)
            if hour is None or hour > until:
                break
            self.clock.move_to(max(hour, self.clock.now()))
            await self._settle()
        self.clock.move_to(max(until, self.clock.now()))
        await self._settle()

    async def _settle(self) -> None:
        """Everything that is due at this instant: arrivals in order, letters, facts, errands."""
        worked = True
        while worked:
            worked = False
            await self.line.settle()
            while self._agenda and self._agenda[0][0] <= self.clock.now():
                _, _, act = heapq.heappop(self._agenda)
                await act()
                await self._translate()
                await self.line.settle()
                worked = True
            worked = await self._translate() or worked

    async def _translate(self) -> bool:
        if self.line.health["payments"].dead:
            return False
        return await self._translator.translate_due() > 0

    def _next_arrival(self) -> datetime | None:
        return self._agenda[0][0] if self._agenda else None

    def _next_letter(self) -> datetime | None:
        return None if self.line.health["payments"].dead else self.inbox.next_due()

    def _at(self, at: datetime, act: Any) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), act))

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
        client = self._doors.clients[service]
        if raw is not None:
            reply = await client.request(method, path, content=raw, headers=dict(headers or {}))
        else:
            reply = await client.request(method, path, json=body, headers={**KEY, **(headers or {})})
        await self._settle()
        return verbs.Answer(status=reply.status_code, body=_read(reply))

    # --- the world outside ---

    async def at_gateway(self, subscription: verbs.AtGateway) -> verbs.GatewayIds:
        """See ``Engine``."""
        return self.gateways[subscription.gateway].add(subscription)

    async def happens(self, happening: verbs.Happening, arrivals: Sequence[datetime]) -> None:
        """See ``Engine``."""
        try:
            webhook = webhook_of(self.gateways[happening.gateway], happening)
        except news.NotConfirmed as error:
            raise Unreadable(f"nothing can happen there yet: {error}") from error
        for arrival in arrivals:
            self._webhook_later(max(arrival, self.clock.now()), happening.gateway, webhook)
        await self._settle()

    def _webhook_later(self, at: datetime, gateway: Gateway, webhook: Webhook) -> None:
        body = msgspec.json.encode(webhook)

        async def arrive() -> None:
            await self._doors.clients["payments"].post(
                f"/webhooks/{gateway}",
                content=body,
                headers={**SIGNED, "x-twin-time": self.clock.now().isoformat()},
            )

        self._at(at, arrive)

    async def bank_will_say(
        self,
        subscription_id: str,
        answers: Sequence[verbs.BankAnswer],
        *,
        otherwise: verbs.BankAnswer | None = None,
        next: bool = False,
    ) -> None:
        """See ``Engine``."""
        for gateway in self.gateways.values():
            script = gateway.script(subscription_id)
            if next:
                script.queue.extendleft(reversed(answers))
            else:
                script.queue.extend(answers)
            script.otherwise = otherwise or script.otherwise

    async def visit(self, visit: verbs.PageVisit) -> None:
        """See ``Engine``."""

        async def come_back() -> None:
            address = visits.visited(self.gateways[visit.gateway], visit, self.clock.now())
            await self._settle_webhooks()
            await self._doors.clients["payments"].get(_path_of(address), follow_redirects=False)

        self._at(self.clock.now() + visit.stay, come_back)
        await self._settle()

    async def _settle_webhooks(self) -> None:
        """Webhooks of this instant overtake the browser."""
        while self._agenda and self._agenda[0][0] <= self.clock.now():
            _, _, act = heapq.heappop(self._agenda)
            await act()
            await self._translate()

    async def mail_provider(self, *, up: bool) -> None:
        """See ``Engine``."""
        self.mailbox.away = not up
        await self._settle()

    async def gateway_answers(self, gateway: Gateway, *, up: bool) -> None:
        """See ``Engine``."""
        self.gateways[gateway].up = up
        await self._settle()

    # --- a bad day of the machines ---

    async def wrong_clock(self, service: str, by: timedelta) -> None:
        """See ``Engine``."""
        self.line.health[service].skew = by
        await self._settle()

    async def crash(self, service: str, point: verbs.CrashPoint) -> None:
        """See ``Engine``."""
        if point is verbs.CrashPoint.AFTER_CHARGE:
            for gateway in self.gateways.values():
                gateway.dies_after_charge = True
        else:
            self.line.crash(service, point)
        await self._settle()

    async def restart(self, service: str) -> None:
        """See ``Engine``."""
        if service == "payments":
            for gateway in self.gateways.values():
                gateway.dies_after_charge = False
        await self.line.restart(service)
        await self._settle()

    async def two_workers(self, service: str, *, both: bool) -> None:
        """See ``Engine``."""
        self.line.health[service].twice = both

    async def replay(self, services: Sequence[str], times: int) -> verbs.Replayed:
        """See ``Engine``."""
        await self._settle()
        before, facts = self._export(), len(self.line.history)
        errands = sum(len(store.errands) for store in self.line.stores.values())
        told = list(self.line.history)
        for _ in range(times):
            for one in told:
                await self.line.deliver(one.envelope, to=services or None)
            await self._settle()
        after = self._export()
        return verbs.Replayed(
            messages=len(told) * times,
            new_facts=len(self.line.history) - facts,
            new_errands=sum(len(store.errands) for store in self.line.stores.values()) - errands,
            changed=tuple(key for key in sorted({*before, *after}) if before.get(key) != after.get(key)),
        )

    def _export(self) -> dict[str, bytes]:
        return {
            f"{service}.{table}": b"\n".join(
                msgspec.json.encode(row, order="sorted") for _, row in sorted(rows.items())
            )
            for service, store in self.line.stores.items()
            for table, rows in store.rows.items()
        }

    # --- looking ---

    async def seen(self) -> verbs.Seen:
        """See ``Engine``."""
        counts = await self.inbox.counts()
        forged = self._doors.refused_webhooks()
        return verbs.Seen(
            facts=[verbs.FactTold(at=told.at, envelope=told.envelope) for told in self.line.history],
            mails=[self._mail(letter) for letter in self.mailbox.received],
            money=sorted(
                (
                    one
                    for gateway in self.gateways.values()
                    for one in gateway.tried()
                    if one.at <= self.clock.now()
                ),
                key=lambda one: one.at,
            ),
            troubles=list(self.line.troubles),
            counters={
                "duplicates": self.inbox.duplicates,
                "forged": forged,
                "flagged": len(self.inbox.flagged()),
                **counts,
            },
        )

    def _mail(self, letter: Received) -> verbs.MailLeft:
        case_id, template, _ = letter.mail_id.rsplit("/", 2)
        correspondence = self.line.stores["notifications"].rows["correspondence"][case_id]
        mail = correspondence.mail(letter.mail_id)
        return verbs.MailLeft(
            at=letter.at,
            mail_id=letter.mail_id,
            template=template,
            to=letter.to[0],
            recipient=mail.audience.value,
            learner_id=correspondence.learner_id,
            case_id=case_id,
            language=letter.language,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
        )


def _path_of(address: str) -> str:
    url = httpx.URL(address)
    return url.raw_path.decode()


def _read(reply: httpx.Response) -> Any:
    if not reply.content:
        return None
    try:
        return json.loads(reply.content)
    except ValueError:
        return reply.text
