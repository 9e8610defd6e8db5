"""A gateway without a network: it answers what a story wrote down, once per request id, and keeps books.

For tests, stories and what-if. What happens at the gateway by itself (a renewal that failed, a buyer who
cancelled) is told by feeding news to ``handlers.hear_news`` and noting it here, so that readings find it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.payments import news
from services.payments.news import AttemptNews, News, Outcome, SubscriptionNews
from shared.decline_codes import paypal_decline, stripe_decline
from shared.errors import Refused, Transient
from shared.events.words import CancelledBy, Gateway, MethodKind
from shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAnswer:
    """One answer to a charge of ours; an empty one is a success."""

    decline: str | None = None
    """The gateway's own code."""
    amount: Money | None = None
    """Another sum than the one asked for."""
    pending_for: timedelta | None = None
    """In the air for so long; then ``then`` (a success when absent) is among ``fallen_due``."""
    then: BankAnswer | None = None
    takes: timedelta = timedelta()
    """How long our call waits."""
    lost: str | None = None
    """``before``: nothing happens and no answer comes; ``after``: it happens and the answer is lost."""
    network_code: str | None = None
    advice_code: str | None = None
    card: str | None = None


@dataclass(slots=True)
class _Books:
    status: str = "active"
    by: CancelledBy = CancelledBy.UNKNOWN
    changed_at: datetime | None = None
    attempts: dict[tuple[str, Outcome], AttemptNews] = field(default_factory=dict)
    next_billing_at: datetime | None = None
    paused: bool = False


class MemoryGateway:
    """See ``gateways.gateway.Gateway``; one per gateway that a story needs."""

    def __init__(self, name: Gateway) -> None:
        self._name = name
        self._books: dict[str, _Books] = {}
        self._answers: dict[str, deque[BankAnswer]] = {}
        self._default: dict[str, BankAnswer] = {}
        self._done: dict[str, tuple[News, ...]] = {}
        self._slow: set[str] = set()
        self._falling: list[tuple[datetime, AttemptNews]] = []
        self._count = 0
        self.charges: list[AttemptNews] = []
        """Every attempt that really happened because we asked, in order."""
        self.asked: list[tuple[str, str]] = []
        """(what, request id) of everything we asked for, in order, repeats included."""
        self.pages: dict[str, news.PageOrder] = {}
        self.visits: dict[str, tuple[News, ...]] = {}
        """What a visit turns out to have done, by the page's gateway id; set by the story."""
        self.described: dict[str, news.Described] = {}

    @property
    def name(self) -> Gateway:
        """See ``Gateway``."""
        return self._name

    # --- what a story writes down ---

    def open(self, gateway_subscription_id: str, *, next_billing_at: datetime | None = None) -> None:
        """A subscription exists."""
        self._books[gateway_subscription_id] = _Books(next_billing_at=next_billing_at)

    def answer(self, subscription_id: str, *answers: BankAnswer) -> None:
        """The next charges of this subscription (the school's id) go so."""
        self._answers.setdefault(subscription_id, deque()).extend(answers)

    def answer_always(self, subscription_id: str, answer: BankAnswer) -> None:
        """What is said when nothing else is written down; a success without it."""
        self._default[subscription_id] = answer

    def note(self, told: News) -> None:
        """Something happened at the gateway by itself: readings find it from now on."""
        if isinstance(told, AttemptNews) and told.gateway_subscription_id:
            books = self._books.setdefault(told.gateway_subscription_id, _Books())
            books.attempts[told.transaction_id, told.outcome] = told
            books.next_billing_at = told.next_billing_at or books.next_billing_at
        elif isinstance(told, SubscriptionNews):
            books = self._books.setdefault(told.gateway_subscription_id, _Books())
            books.status, books.by, books.changed_at = told.status, told.by, told.occurred_at

    def next_due(self) -> datetime | None:
        """When the next attempt in the air comes down."""
        return min((at for at, _ in self._falling), default=None)

    def fallen_due(self, now: datetime) -> list[AttemptNews]:
        """Attempts that came down by ``now``; each is given once, to be told with ``hear_news``."""
        down = [one for at, one in self._falling if at <= now]
        self._falling = [(at, one) for at, one in self._falling if at > now]
        for one in down:
            self.note(one)
        return down

    # --- webhooks do not come here ---

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> news.Arrived:  # noqa: ARG002 - Gateway's shape
        """Nobody posts to a memory."""
        raise Refused("we could not accept the webhook because this gateway is a memory", status=400)

    def parse(self, body: bytes) -> news.Heard:  # noqa: ARG002 - Gateway's shape
        """See ``verify``."""
        return news.NotOurs(reason="a memory receives no webhooks")

    async def look(self, hint: news.Look, now: datetime) -> tuple[News, ...]:
        """What the books say of a hint's subscription."""
        if hint.subscription is None or hint.subscription not in self._books:
            raise news.NotConfirmed(f"no {hint.subscription} here")
        return self._read(hint.subscription, datetime.min.replace(tzinfo=now.tzinfo), now, None)

    # --- what is asked ---

    async def charge(self, order: news.ChargeOrder, now: datetime) -> tuple[News, ...]:
        """One answer per request id, however often it is asked."""
        self.asked.append(("charge", order.request_id))
        if order.request_id in self._done:
            return self._done[order.request_id]
        answers = self._answers.get(order.subscription_id)
        default = self._default.get(order.subscription_id, BankAnswer())
        answer = answers[0] if answers else default
        if answer.takes and order.request_id not in self._slow:
            self._slow.add(order.request_id)
            raise _not_now(answer.takes)
        if answers:
            answers.popleft()
        if answer.lost == "before":
            raise _not_now()
        told = self._attempt(order, answer, now)
        self._done[order.request_id] = (told,)
        if answer.lost == "after":
            raise _not_now()
        return (told,)

    def _attempt(self, order: news.ChargeOrder, answer: BankAnswer, now: datetime) -> AttemptNews:
        self._count += 1
        told = self._news(order, answer, f"{self._name}-{order.request_id}", now)
        self.charges.append(told)
        self.note(told)
        if answer.pending_for is not None:
            at = now + answer.pending_for
            final = self._news(order, answer.then or BankAnswer(), told.transaction_id, at)
            self._falling.append((at, final))
        return told

    def _news(
        self, order: news.ChargeOrder, answer: BankAnswer, transaction_id: str, at: datetime
    ) -> AttemptNews:
        outcome = Outcome.FAILED if answer.decline else Outcome.SUCCEEDED
        outcome = Outcome.PENDING if answer.pending_for is not None else outcome
        stripe = self._name is Gateway.STRIPE
        understood = (
            stripe_decline(
                answer.decline, network_code=answer.network_code, network_advice=answer.advice_code
            )
            if stripe and answer.decline
            else paypal_decline(answer.decline or "")
        )
        books = self._books.setdefault(order.gateway_subscription_id, _Books())
        return AttemptNews(
            gateway=self._name,
            occurred_at=at,
            refs=(order.gateway_subscription_id,),
            subscription_id=order.subscription_id,
            outcome=outcome,
            transaction_id=transaction_id,
            amount=answer.amount or order.amount,
            request_id=order.request_id,
            gateway_subscription_id=order.gateway_subscription_id,
            decline=understood.decline if answer.decline else None,
            raw_code=answer.decline or "",
            network_code=answer.network_code,
            advice_code=answer.advice_code,
            card=answer.card,
            next_billing_at=books.next_billing_at if outcome is Outcome.SUCCEEDED else None,
        )

    async def own_clock(self, order: news.OwnOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """A memory never retries by itself."""
        self.asked.append(("own_clock", order.request_id))
        return ()

    async def cancel(self, order: news.CancelOrder, now: datetime) -> tuple[News, ...]:
        """Cancelled once; asked again it is cancelled still."""
        self.asked.append(("cancel", order.request_id))
        books = self._books.setdefault(order.gateway_subscription_id, _Books())
        if books.status != "cancelled":
            books.status, books.by, books.changed_at = "cancelled", CancelledBy.SCHOOL, now
        return (self._standing(order.gateway_subscription_id, books, now, order.subscription_id),)

    async def pause(self, order: news.PauseOrder, now: datetime) -> tuple[News, ...]:
        """Stop collecting."""
        self.asked.append(("pause", order.request_id))
        self._books.setdefault(order.gateway_subscription_id, _Books()).paused = True
        return (self._paused(order, now, paused=True, next_billing_at=None),)

    async def resume(self, order: news.ResumeOrder, now: datetime) -> tuple[News, ...]:
        """Collect again."""
        self.asked.append(("resume", order.request_id))
        books = self._books.setdefault(order.gateway_subscription_id, _Books())
        books.paused, books.next_billing_at = False, order.next_billing_at
        return (self._paused(order, now, paused=False, next_billing_at=order.next_billing_at),)

    def _paused(
        self,
        order: news.PauseOrder | news.ResumeOrder,
        now: datetime,
        *,
        paused: bool,
        next_billing_at: datetime | None,
    ) -> News:
        return news.PausedNews(
            gateway=self._name,
            occurred_at=now,
            subscription_id=order.subscription_id,
            case_id=order.request_id,
            gateway_subscription_id=order.gateway_subscription_id,
            paused=paused,
            next_billing_at=next_billing_at,
        )

    async def adopt(self, order: news.AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """The stored method is the default now."""
        self.asked.append(("adopt", order.request_id))
        return (replace(order.news, subscription_id=order.subscription_id, settled=True),)

    async def detach(self, order: news.AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """A refused method is forgotten."""
        self.asked.append(("detach", order.request_id))
        return ()

    async def subscribe(self, order: news.SubscribeOrder, now: datetime) -> tuple[News, ...]:
        """A new subscription, and its first payment by the next answer written down."""
        self.asked.append(("subscribe", order.request_id))
        if order.request_id in self._done:
            return self._done[order.request_id]
        key = f"{self._name}-sub-{order.subscription_id}"
        answers = self._answers.get(order.subscription_id)
        answer = answers.popleft() if answers else BankAnswer()
        told: tuple[News, ...] = ()
        if answer.decline is None and order.subscription_id:
            self.open(key)
            told = (self._standing(key, self._books[key], now, order.subscription_id),)
        self._done[order.request_id] = told
        return told

    async def read(self, order: news.ReadOrder, now: datetime) -> tuple[News, ...]:
        """What the books say."""
        self.asked.append(("read", order.gateway_subscription_id))
        if order.gateway_subscription_id not in self._books:
            raise news.NotConfirmed(f"no {order.gateway_subscription_id} here")
        return self._read(order.gateway_subscription_id, order.since, now, order.subscription_id)

    def _read(self, key: str, since: datetime, now: datetime, own: str | None) -> tuple[News, ...]:
        books = self._books[key]
        attempts = sorted(
            (one for one in books.attempts.values() if one.occurred_at >= since),
            key=lambda one: (one.occurred_at, one.transaction_id),
        )
        return (self._standing(key, books, now, own), *attempts)

    def _standing(self, key: str, books: _Books, now: datetime, own: str | None) -> SubscriptionNews:
        return SubscriptionNews(
            gateway=self._name,
            occurred_at=books.changed_at or now,
            refs=(key,),
            subscription_id=own,
            gateway_subscription_id=key,
            status=books.status,  # type: ignore[arg-type]  # kept from such news
            by=books.by,
            next_billing_at=books.next_billing_at,
        )

    # --- pages ---

    async def page(self, order: news.PageOrder, now: datetime) -> news.Page:  # noqa: ARG002 - Gateway's shape
        """An address that a story's learner visits."""
        if self._name is Gateway.PAYPAL and order.kind in {"method", "authenticate"}:
            raise Refused("we could not open a page because PayPal keeps the payer's methods itself")
        self.pages[order.session_id] = order
        makes = order.kind in {"resume", "sign_up"} and self._name is Gateway.PAYPAL
        key = f"{self._name}-sub-{len(self.pages)}" if makes else order.session_id
        return news.Page(
            url=f"https://{self._name}.example/{order.kind}/{order.session_id}",
            gateway_id=key,
            gateway_subscription_id=key if makes else None,
        )

    async def visit(self, page: news.Visit, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """What the story says that the visit did."""
        return tuple(
            replace(one, subscription_id=page.subscription_id) for one in self.visits.get(page.gateway_id, ())
        )

    async def describe(self, gateway_subscription_id: str, now: datetime) -> news.Described:  # noqa: ARG002 - Gateway's shape
        """What the story wrote down."""
        found = self.described.get(gateway_subscription_id)
        if found is None:
            raise news.NotConfirmed(f"no {gateway_subscription_id} here")
        return found

    async def close(self) -> None:
        """Nothing to let go of."""


def _not_now(after: timedelta | None = None) -> Transient:
    error = Transient("the gateway does not answer: the same request is sent again")
    if after is not None:
        error.retry_after = after  # type: ignore[attr-defined]  # read by shared.errands
    return error


KINDS = {Gateway.STRIPE: MethodKind.CARD, Gateway.PAYPAL: MethodKind.PAYPAL_SUBSCRIPTION}
"""What is usually paid with at each gateway."""
