"""The world around the services: banks that answer once per request, a mail provider, a learning platform.

Each of them may fail before it does something, do it and fail to say so, or remember its failure and repeat it.
What really happened is written down here, and is what every claim of "once" is judged by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final

import msgspec

from ops.simulation.world import World
from services.access.domain import Notice
from services.notifications.carrier import AnswerLost, ProviderAway
from services.payments import news
from services.payments.news import AttemptNews, News, Outcome, SubscriptionNews
from shared.decline_codes import paypal_decline, stripe_decline
from shared.errors import Refused, Transient
from shared.events.words import CancelledBy, Gateway
from shared.money import Money

_KINDS: Final[dict[str, type[News]]] = {
    "attempt": AttemptNews,
    "subscription": SubscriptionNews,
    "method": news.MethodNews,
    "money_back": news.MoneyBackNews,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_KEYS_KEPT: Final = timedelta(hours=24)


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """What is posted: news, or only a hint that there are some."""

    id: str
    kind: str
    news: dict[str, Any]
    hint: bool = False


def webhook_of(gateway: Gateway, told: News) -> Webhook:
    """What a gateway posts of its news: all of it, or, as PayPal's are read first, a hint."""
    if isinstance(told, AttemptNews) and told.gateway_subscription_id:
        name = f"{told.transaction_id}.{told.outcome}"
    elif isinstance(told, SubscriptionNews):
        name = f"{told.gateway_subscription_id}.{told.status}.{told.occurred_at:%Y%m%d%H%M}"
    else:
        name = getattr(told, "update_id", "") or getattr(told, "reversal_id", "")
    kind = _NAMES[type(told)]
    hint = gateway is Gateway.PAYPAL and kind in {"attempt", "subscription"}
    return Webhook(id=name, kind=kind, news=msgspec.to_builtins(told), hint=hint)


class SimGateway:
    """One gateway (``services.payments.gateways.gateway.Gateway``) with its books."""

    def __init__(self, world: World, name: Gateway) -> None:
        self._world = world
        self._name = name
        self.answers: dict[str, list[str | None]] = {}
        """Declines of our next charges by subscription, ``None`` for money; the last one stays."""
        self.books: dict[str, list[AttemptNews]] = {}
        self.standing: dict[str, SubscriptionNews] = {}
        self.charges: list[tuple[datetime, AttemptNews]] = []
        """Every time money was really tried to be taken because we asked."""
        self.effects: Counter[str] = Counter()
        self.stored: dict[str, int] = {}
        """Requests whose 500 the gateway repeats so many times more."""
        self._done: dict[str, tuple[datetime, tuple[News, ...]]] = {}
        self.post: Callable[[Gateway, Webhook], None] = lambda _gateway, _webhook: None

    @property
    def name(self) -> Gateway:
        """See ``Gateway``."""
        return self._name

    # --- by itself ---

    def happens(self, told: News, *, silent: bool = False) -> None:
        """Something happens at the gateway; a webhook tells of it, unless it is lost for good."""
        if isinstance(told, AttemptNews) and told.gateway_subscription_id:
            self.books.setdefault(told.gateway_subscription_id, []).append(told)
        elif isinstance(told, SubscriptionNews):
            self.standing[told.gateway_subscription_id] = told
        if not silent:
            self.post(self._name, webhook_of(self._name, told))

    # --- webhooks ---

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> news.Arrived:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``; the key is the event's own id."""
        sent = msgspec.json.decode(body, type=Webhook)
        return news.Arrived(dedupe_key=f"{self._name}:{sent.id}", gateway=self._name, kind=sent.kind)

    def parse(self, body: bytes) -> news.Heard:
        """See ``Gateway``."""
        sent = msgspec.json.decode(body, type=Webhook)
        told = msgspec.convert(sent.news, _KINDS[sent.kind])
        if sent.hint:
            return news.Look(
                gateway=self._name,
                kind=sent.kind,
                occurred_at=told.occurred_at,
                event_id=sent.id,
                subscription=getattr(told, "gateway_subscription_id", None),
            )
        return (told,)

    async def look(self, hint: news.Look, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        return await self._read(hint.subscription or "", None)

    async def read(self, order: news.ReadOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        return await self._read(order.gateway_subscription_id, order.since)

    async def _read(self, key: str, since: datetime | None) -> tuple[News, ...]:
        await self._ask("read")
        told = [one for one in self.books.get(key, ()) if since is None or one.occurred_at >= since]
        standing = self.standing.get(key)
        await self._world.after("read")
        return (*told, *((standing,) if standing else ()))

    # --- what is asked ---

    async def charge(self, order: news.ChargeOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``: one answer per request id while its key is kept."""
        await self._ask("charge")
        known = self._done.get(order.request_id)
        at = self._world.now()
        if known is None or at - known[0] > _KEYS_KEPT:
            known = self._done[order.request_id] = (at, (self._take(order, at),))
            if self._world.chance(self._world.weather.answer_lost / 4):
                self.stored[order.request_id] = 1 + int(self._world.random.random() * 3)
        if self.stored.get(order.request_id, 0) > 0:
            self.stored[order.request_id] -= 1
            raise Transient("the gateway answers 500, and answers it again to the same key")
        self._answered("charge")
        await self._world.after("charge")
        return known[1]

    def _take(self, order: news.ChargeOrder, at: datetime) -> AttemptNews:
        script = self.answers.get(order.subscription_id, [None])
        decline = script.pop(0) if len(script) > 1 else script[0]
        self.effects[f"charge {order.request_id}"] += 1
        told = attempt(
            self._name,
            order.gateway_subscription_id,
            at,
            f"ch_{order.request_id}.{self.effects[f'charge {order.request_id}']}",
            order.amount,
            decline,
        )
        told = replace(told, subscription_id=order.subscription_id, request_id=order.request_id)
        self.charges.append((at, told))
        self.happens(told)
        return told

    async def cancel(self, order: news.CancelOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``: cancelled once, by whoever came first."""
        await self._ask("cancel")
        known = self.standing.get(order.gateway_subscription_id)
        if known is None or known.status != "cancelled":
            known = SubscriptionNews(
                gateway=self._name,
                occurred_at=self._world.now(),
                refs=(order.gateway_subscription_id,),
                gateway_subscription_id=order.gateway_subscription_id,
                status="cancelled",
                by=CancelledBy.SCHOOL,
            )
            self.effects[f"cancel {order.gateway_subscription_id}"] += 1
            self.happens(known)
        self._answered("cancel")
        await self._world.after("cancel")
        return (replace(known, subscription_id=order.subscription_id),)

    async def pause(self, order: news.PauseOrder, now: datetime) -> tuple[News, ...]:
        """See ``Gateway``."""
        return await self._paused(order, now, paused=True, next_billing_at=None)

    async def resume(self, order: news.ResumeOrder, now: datetime) -> tuple[News, ...]:
        """See ``Gateway``."""
        return await self._paused(order, now, paused=False, next_billing_at=order.next_billing_at)

    async def _paused(
        self, order: Any, now: datetime, *, paused: bool, next_billing_at: datetime | None
    ) -> tuple[News, ...]:
        await self._ask("pause")
        self._answered("pause")
        await self._world.after("pause")
        return (
            news.PausedNews(
                gateway=self._name,
                occurred_at=now,
                subscription_id=order.subscription_id,
                case_id=order.request_id,
                gateway_subscription_id=order.gateway_subscription_id,
                paused=paused,
                next_billing_at=next_billing_at,
            ),
        )

    async def own_clock(self, order: news.OwnOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``: it does not retry by itself here."""
        await self._ask("own clock")
        await self._world.after("own clock")
        return ()

    async def adopt(self, order: news.AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        await self._ask("adopt")
        self.effects[f"adopt {order.news.update_id}"] = 1
        self._answered("adopt")
        await self._world.after("adopt")
        return (replace(order.news, subscription_id=order.subscription_id, settled=True),)

    async def detach(self, order: news.AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        await self._ask("detach")
        return ()

    async def subscribe(self, order: news.SubscribeOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """Nobody signs up here."""
        raise Refused("we could not subscribe because nobody signs up in the simulation")

    async def page(self, order: news.PageOrder, now: datetime) -> news.Page:  # noqa: ARG002 - Gateway's shape
        """Nobody opens pages here."""
        raise Refused("we could not open a page because nobody looks at one in the simulation")

    async def visit(self, page: news.Visit, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``page``."""
        return ()

    async def describe(self, gateway_subscription_id: str, now: datetime) -> news.Described:  # noqa: ARG002 - Gateway's shape
        """Everything was registered by hand."""
        raise news.NotConfirmed(f"no {gateway_subscription_id} here")

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _ask(self, what: str) -> None:
        world = self._world
        await world.before(what)
        if world.chance(world.weather.answer_lost / 3):
            world.tally.lost += 1
            raise Transient("the gateway did not answer; nothing happened")

    def _answered(self, what: str) -> None:
        world = self._world
        if world.chance(world.weather.answer_lost / 2):
            world.tally.lost += 1
            raise Transient(f"the answer to {what} was lost after it happened")


def attempt(
    gateway: Gateway, key: str, at: datetime, transaction_id: str, amount: Money, decline: str | None
) -> AttemptNews:
    """One attempt as its gateway tells it."""
    understood = None
    if decline is not None:
        understood = (stripe_decline if gateway is Gateway.STRIPE else paypal_decline)(decline).decline
    return AttemptNews(
        gateway=gateway,
        occurred_at=at,
        refs=(key,),
        outcome=Outcome.FAILED if decline else Outcome.SUCCEEDED,
        transaction_id=transaction_id,
        amount=amount,
        gateway_subscription_id=key,
        decline=understood,
        raw_code=decline or "",
    )


class SimChannel:
    """The mail provider (``services.notifications.carrier.Channel``): it can be asked for a Message-ID."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.taken: list[tuple[datetime, str, str]] = []
        """When, the mail's id, its Message-ID."""
        self._known: set[str] = set()

    async def deliver(self, message: EmailMessage) -> None:
        """See ``Channel``."""
        world = self._world
        await world.before("deliver")
        if world.chance(world.weather.answer_lost / 3):
            world.tally.lost += 1
            raise AnswerLost("the connection broke before the provider took the message")
        if world.chance(world.weather.answer_lost / 6):
            raise ProviderAway("the provider is busy")
        message_id = str(message["Message-ID"])
        self.taken.append((world.now(), str(message["X-Relance-Mail"]), message_id))
        self._known.add(message_id)
        if world.chance(world.weather.answer_lost / 2):
            world.tally.lost += 1
            raise AnswerLost("the connection broke after the provider took the message")
        await world.after("deliver")

    async def was_delivered(self, message_id: str) -> bool | None:
        """See ``Channel``."""
        await self._world.before("ask for a mail")
        found = message_id in self._known
        await self._world.after("ask for a mail")
        return found


class SimPlatform:
    """The learning platform (``services.access.platforms.Platform``): an older version changes nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.latest: dict[str, Notice] = {}

    async def tell(self, url: str, notice: Notice, now: datetime) -> None:  # noqa: ARG002 - Platform's shape
        """See ``Platform``."""
        world = self._world
        await world.before("tell platform")
        if world.chance(world.weather.answer_lost / 3):
            raise Transient("the learning platform does not answer")
        known = self.latest.get(notice.learner_id)
        if known is None or known.version < notice.version:
            self.latest[notice.learner_id] = notice
        if world.chance(world.weather.answer_lost / 3):
            raise Transient("the learning platform's answer was lost")
        await world.after("tell platform")
