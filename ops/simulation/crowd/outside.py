"""A bank, a mail provider and a learning platform that no crash of ours reaches: a file for each thing that happened.

A file appears whole or not at all, and once: whoever comes second finds it. So what happened twice cannot hide.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from ops.simulation.crowd.learners import answers_of
from ops.simulation.outside import SimGateway, Webhook, attempt, webhook_of
from services.access.domain import Notice
from services.notifications.carrier import AnswerLost
from services.payments import news
from services.payments.news import AttemptNews, News, SubscriptionNews
from shared.errors import Transient
from shared.events.words import CancelledBy, Gateway

ANSWER_LOST: Final = 0.03
"""How often an answer does not come: half of the times before anything happened, half after."""


class Books:
    """A folder in which whatever happened is a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._drafts = folder / "drafts"
        self._drafts.mkdir(parents=True, exist_ok=True)
        self.random = Random()  # noqa: S311 - real processes are not repeatable anyway
        self._count = 0

    def write(self, place: str, name: str, body: bytes) -> bool:
        """Note that something happened; ``False`` when it had happened already."""
        folder = self.folder / place
        folder.mkdir(parents=True, exist_ok=True)
        self._count += 1
        draft = self._drafts / f"{os.getpid()}-{id(self)}-{self._count}"
        draft.write_bytes(body)
        try:
            os.link(draft, folder / _slug(name))
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        return True

    def read(self, place: str, name: str) -> bytes | None:
        """What happened under that name."""
        with suppress(FileNotFoundError):
            return (self.folder / place / _slug(name)).read_bytes()
        return None

    def all(self, place: str) -> Iterator[bytes]:
        """Everything that happened there, in no order."""
        for file in self.files(place):
            yield file.read_bytes()

    def files(self, place: str) -> list[Path]:
        """The files of a place and of the places in it."""
        folder = self.folder / place
        return [file for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else []

    def content(self, file: Path) -> bytes:
        """What one of ``files`` says."""
        return file.read_bytes()

    def move(self, file: Path, place: str) -> None:
        """It is done with, and kept elsewhere."""
        folder = self.folder / place
        folder.mkdir(exist_ok=True)
        file.rename(folder / file.name)

    def unlucky(self) -> bool:
        """Whether an answer is lost this time."""
        return self.random.random() < ANSWER_LOST / 2


def _slug(name: str) -> str:
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider took."""

    mail_id: str
    message_id: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform was told."""

    learner_id: str
    version: int
    level: str


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that is to be delivered."""

    gateway: str
    body: Webhook


class Bank(SimGateway):
    """A gateway whose books are files."""

    def __init__(self, books: Books, name: Gateway) -> None:
        super().__init__(books, name)  # type: ignore[arg-type]  # what is overridden needs nothing of a world
        self._books = books

    def happens(self, told: News, *, silent: bool = False) -> None:
        """See ``SimGateway``; told twice it is there once."""
        del silent
        posted = webhook_of(self.name, told)
        if isinstance(told, AttemptNews):
            self._books.write(f"books/{told.gateway_subscription_id}", posted.id, msgspec.json.encode(told))
        elif isinstance(told, SubscriptionNews):
            self._books.write(
                f"standing/{told.gateway_subscription_id}", posted.id, msgspec.json.encode(told)
            )
        self._books.write("posts", posted.id, msgspec.json.encode(Post(gateway=str(self.name), body=posted)))

    async def charge(self, order: news.ChargeOrder, now: datetime) -> tuple[News, ...]:
        """See ``Gateway``: one answer per request id."""
        await self._ask("charge")
        place = f"charges/{order.subscription_id}"
        known = self._books.read(place, order.request_id)
        if known is None:
            answers = answers_of(order.subscription_id)
            before = len(self._books.files(place))
            told = attempt(
                self.name,
                order.gateway_subscription_id,
                now,
                f"ch_{order.request_id}",
                order.amount,
                answers[min(before, len(answers) - 1)],
            )
            told = replace(told, subscription_id=order.subscription_id, request_id=order.request_id)
            self._books.write(place, order.request_id, msgspec.json.encode(told))
            known = self._books.read(place, order.request_id) or b""
        told = msgspec.json.decode(known, type=AttemptNews)
        self.happens(told)
        self._answered("charge")
        return (told,)

    async def cancel(self, order: news.CancelOrder, now: datetime) -> tuple[News, ...]:
        """See ``Gateway``: cancelled once, by whoever came first."""
        await self._ask("cancel")
        told = SubscriptionNews(
            gateway=self.name,
            occurred_at=now,
            refs=(order.gateway_subscription_id,),
            gateway_subscription_id=order.gateway_subscription_id,
            status="cancelled",
            by=CancelledBy.SCHOOL,
        )
        self._books.write("cancellations", order.gateway_subscription_id, msgspec.json.encode(told))
        known = self._books.read("cancellations", order.gateway_subscription_id) or b""
        told = msgspec.json.decode(known, type=SubscriptionNews)
        self.happens(told)
        self._answered("cancel")
        return (replace(told, subscription_id=order.subscription_id),)

    async def _read(self, key: str, since: datetime | None) -> tuple[News, ...]:
        await self._ask("read")
        told = [msgspec.json.decode(body, type=AttemptNews) for body in self._books.all(f"books/{key}")]
        stands = [
            msgspec.json.decode(body, type=SubscriptionNews) for body in self._books.all(f"standing/{key}")
        ]
        told = sorted(told, key=lambda one: one.occurred_at)
        latest = sorted(stands, key=lambda one: one.occurred_at)[-1:]
        return (*(one for one in told if since is None or one.occurred_at >= since), *latest)

    async def own_clock(self, order: news.OwnOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        return ()

    async def _paused(
        self, order: Any, now: datetime, *, paused: bool, next_billing_at: datetime | None
    ) -> tuple[News, ...]:
        await self._ask("pause")
        self._answered("pause")
        return (
            news.PausedNews(
                gateway=self.name,
                occurred_at=now,
                subscription_id=order.subscription_id,
                case_id=order.request_id,
                gateway_subscription_id=order.gateway_subscription_id,
                paused=paused,
                next_billing_at=next_billing_at,
            ),
        )

    async def _ask(self, what: str) -> None:
        await asyncio.sleep(0)
        if self._books.unlucky():
            raise Transient(f"the gateway did not answer to {what}; nothing happened")

    def _answered(self, what: str) -> None:
        if self._books.unlucky():
            raise Transient(f"the answer to {what} was lost after it happened")


class Provider:
    """A mail provider (``services.notifications.carrier.Channel``) that can be asked for a Message-ID."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def deliver(self, message: EmailMessage) -> None:
        """See ``Channel``."""
        await asyncio.sleep(0)
        if self._books.unlucky():
            raise AnswerLost("the connection broke before the provider took the message")
        mail = Mail(mail_id=str(message["X-Relance-Mail"]), message_id=str(message["Message-ID"]))
        body = msgspec.json.encode(mail)
        if not self._books.write("mails", mail.message_id, body):
            self._books.write("mails-again", f"{mail.message_id} {self._books.random.random()}", body)
        if self._books.unlucky():
            raise AnswerLost("the connection broke after the provider took the message")

    async def was_delivered(self, message_id: str) -> bool | None:
        """See ``Channel``."""
        await asyncio.sleep(0)
        return self._books.read("mails", message_id) is not None


class Platform:
    """A learning platform (``services.access.platforms.Platform``): the latest version is what counts."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def tell(self, url: str, notice: Notice, now: datetime) -> None:  # noqa: ARG002 - Platform's shape
        """See ``Platform``."""
        await asyncio.sleep(0)
        if self._books.unlucky():
            raise Transient("the learning platform does not answer")
        told = Told(learner_id=notice.learner_id, version=notice.version, level=str(notice.overall.level))
        self._books.write("platform", f"{notice.learner_id}/{notice.version}", msgspec.json.encode(told))
        if self._books.unlucky():
            raise Transient("the learning platform's answer was lost")


def banks(books: Books) -> dict[Gateway, Bank]:
    """Both gateways."""
    return {name: Bank(books, name) for name in (Gateway.STRIPE, Gateway.PAYPAL)}
