"""What payments needs of any gateway: to recognise its webhooks, read its books and ask it for things."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from services.payments import news
from shared.events import words


class Gateway(Protocol):
    """One gateway. Methods that ask outside raise Transient for whatever trying again may mend.

    What cannot be mended is raised as Refused. Everything asked twice with the same ``request_id`` is done
    once.
    """

    @property
    def name(self) -> words.Gateway:
        """Which one it is."""
        ...

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> news.Arrived:
        """Check a webhook's signature and freshness; header names in lower case.

        Raises:
            Refused: 400, with the reason.
        """
        ...

    def parse(self, body: bytes) -> news.Heard:
        """What a verified webhook says.

        Raises:
            Unreadable: it has the form of an event that we act upon, and does not keep to it.
        """
        ...

    async def look(self, hint: news.Look, now: datetime) -> tuple[news.News, ...]:
        """Read what a hint points at.

        Raises:
            NotConfirmed: the gateway does not know of it.
        """
        ...

    async def charge(self, order: news.ChargeOrder, now: datetime) -> tuple[news.News, ...]:
        """Take money once."""
        ...

    async def own_clock(self, order: news.OwnOrder, now: datetime) -> tuple[news.News, ...]:
        """Stop the gateway's own retries of one invoice."""
        ...

    async def cancel(self, order: news.CancelOrder, now: datetime) -> tuple[news.News, ...]:
        """See that the subscription is cancelled."""
        ...

    async def pause(self, order: news.PauseOrder, now: datetime) -> tuple[news.News, ...]:
        """Stop collecting."""
        ...

    async def resume(self, order: news.ResumeOrder, now: datetime) -> tuple[news.News, ...]:
        """Collect again."""
        ...

    async def adopt(self, order: news.AdoptOrder, now: datetime) -> tuple[news.News, ...]:
        """Make a stored method the subscription's default."""
        ...

    async def detach(self, order: news.AdoptOrder, now: datetime) -> tuple[news.News, ...]:
        """Forget a method that was refused."""
        ...

    async def subscribe(self, order: news.SubscribeOrder, now: datetime) -> tuple[news.News, ...]:
        """Make a subscription with a stored method and take its first payment."""
        ...

    async def read(self, order: news.ReadOrder, now: datetime) -> tuple[news.News, ...]:
        """Read the books: everything that happened since ``order.since``."""
        ...

    async def page(self, order: news.PageOrder, now: datetime) -> news.Page:
        """Open a hosted page for a learner."""
        ...

    async def visit(self, page: news.Visit, now: datetime) -> tuple[news.News, ...]:
        """What came of a learner's visit, when the browser is back."""
        ...

    async def describe(self, gateway_subscription_id: str, now: datetime) -> news.Described:
        """Price, billing day, payer and method of a subscription, for the registry.

        Raises:
            NotConfirmed: the gateway does not know it.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
