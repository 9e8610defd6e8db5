"""What payments does outside: charge, cancel, pause, resume, read; each once in effect, by its own id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from services.payments.domain import attempts
from services.payments.gateways.gateway import Gateway
from services.payments.handlers import ask_to_charge, hear_news
from services.payments.news import (
    AdoptOrder,
    AttemptNews,
    CancelOrder,
    ChargeOrder,
    News,
    NotConfirmed,
    OwnOrder,
    PauseOrder,
    ReadOrder,
    ResumeOrder,
    ReviewNews,
    Standing,
    SubscribeOrder,
    UnknownNews,
)
from services.payments.store import PaymentsUnit
from shared.events import words
from shared.logs import logger
from shared.scrubbing import scrubbed
from shared.service import Doing
from shared.shelf import Errand

log = logger("payments.errands")

Hands = Mapping[words.Gateway, Gateway]
"""The gateways by name."""

Heard = tuple[News, ...]


def _gateway(hands: Hands, order: Standing) -> Gateway:
    return hands[order.gateway]


def _order(errand: Errand, kind: type[Any]) -> Any:
    return msgspec.json.decode(errand.body, type=kind)


def _run(kind: type[Any], ask: Callable[[Gateway, Any, datetime], Awaitable[Heard]]) -> Any:
    async def run(errand: Errand, hands: Hands, now: datetime) -> Heard:
        order = _order(errand, kind)
        return await ask(_gateway(hands, order), order, now)

    return run


async def _run_charge(errand: Errand, hands: Hands, now: datetime) -> Heard:
    order: ChargeOrder = replace(_order(errand, ChargeOrder), tries=errand.tries)
    return await _gateway(hands, order).charge(order, now)


async def _tell(errand: Errand, heard: Heard, unit: PaymentsUnit) -> None:
    for news in heard:
        hearing = await hear_news(news, unit)
        log.info("errand_told", kind=errand.kind, id=errand.id, news=type(news).__name__, hearing=hearing)


async def _tell_charge(errand: Errand, heard: Heard, unit: PaymentsUnit) -> None:
    dated = tuple(_dated(news, unit.now) for news in heard)
    await _tell(errand, dated, unit)
    await _end_request(errand, unit, ",".join(type(news).__name__ for news in heard) or "nothing")


def _dated(news: News, answered_at: datetime) -> News:
    undated = isinstance(news, AttemptNews) and news.undated
    return replace(news, occurred_at=answered_at) if undated else news


async def _end_request(errand: Errand, unit: PaymentsUnit, outcome: str) -> None:
    request = await unit.request(errand.id)
    if request is None:
        return
    ended = attempts.when_request_ended(request, outcome, await unit.requests_of(request.subscription_id))
    unit.keep(ended.request, ended.next)
    if ended.next is not None:
        await ask_to_charge(ended.next, unit)


async def _tell_sign_up(errand: Errand, heard: Heard, unit: PaymentsUnit) -> None:
    """A first payment that the bank refused leaves no subscription; the learner sees it on coming back (R-F14)."""
    await _tell(errand, heard, unit)
    order: SubscribeOrder = _order(errand, SubscribeOrder)
    session = await unit.session(order.session_id)
    if not heard and session is not None:
        unit.keep(replace(session, state="refused", reason="payment_declined"))


async def _give_up_charge(errand: Errand, error: Exception, unit: PaymentsUnit) -> None:
    """A request of ours that the gateway would not take: nobody was charged by it, and a person must look."""
    order: ChargeOrder = _order(errand, ChargeOrder)
    news = UnknownNews(
        gateway=order.gateway,
        occurred_at=unit.now,
        subscription_id=order.subscription_id,
        request_id=order.request_id,
        detail=scrubbed(str(error))[:300],
    )
    await hear_news(news, unit)
    await _end_request(errand, unit, f"gave up: {type(error).__name__}")


def _give_up(kind: type[Any]) -> Any:
    async def give_up(errand: Errand, error: Exception, unit: PaymentsUnit) -> None:
        if isinstance(error, NotConfirmed):
            log.warning("gateway_knows_nothing", kind=errand.kind, id=errand.id)
        order = _order(errand, kind)
        news = ReviewNews(
            gateway=order.gateway,
            occurred_at=unit.now,
            subscription_id=order.subscription_id,
            reason=words.ReviewReason.OUTCOME_UNKNOWN,
            about=errand.id,
            detail=scrubbed(str(error))[:300],
        )
        await hear_news(news, unit)

    return give_up


def _doing(kind: type[Any], ask: Callable[[Gateway, Any, datetime], Awaitable[Heard]]) -> Doing:
    return Doing(run=_run(kind, ask), finish=_tell, give_up=_give_up(kind))


ERRANDS: Final[Mapping[str, Doing]] = {
    "charge": Doing(run=_run_charge, finish=_tell_charge, give_up=_give_up_charge),
    "own_clock": _doing(OwnOrder, lambda gateway, order, now: gateway.own_clock(order, now)),
    "cancel": _doing(CancelOrder, lambda gateway, order, now: gateway.cancel(order, now)),
    "pause": _doing(PauseOrder, lambda gateway, order, now: gateway.pause(order, now)),
    "resume": _doing(ResumeOrder, lambda gateway, order, now: gateway.resume(order, now)),
    "reconcile": _doing(ReadOrder, lambda gateway, order, now: gateway.read(order, now)),
    "adopt": _doing(AdoptOrder, lambda gateway, order, now: gateway.adopt(order, now)),
    "detach": _doing(AdoptOrder, lambda gateway, order, now: gateway.detach(order, now)),
    "subscribe": Doing(
        run=_run(SubscribeOrder, lambda gateway, order, now: gateway.subscribe(order, now)),
        finish=_tell_sign_up,
        give_up=_give_up(SubscribeOrder),
    ),
}
