"""The webhooks of the twin: what one is, how it is signed, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from services.payments import news
from shared.errors import Refused
from shared.events import words
from shared.money import Money

SIGNED: Final = {"x-twin-signature": "good"}
_FRESH: Final = timedelta(minutes=5)


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of the twin: one piece of news with its kind."""

    id: str
    kind: str
    news: dict[str, Any]
    amount_text: str | None = None


def verified(gateway: words.Gateway, headers: Mapping[str, str], body: bytes, now: datetime) -> news.Arrived:
    """Let in what the twin signed, lately, and nothing else.

    Raises:
        Refused: 400, with the reason.
    """
    signature = headers.get("x-twin-signature")
    if signature != SIGNED["x-twin-signature"]:
        why = "it is not signed" if signature is None else "its signature does not fit its body"
        raise _refused(f"{why}: only {gateway} can send one")
    sent_at = headers.get("x-twin-time")
    if sent_at and abs(datetime.fromisoformat(sent_at) - now) > _FRESH:
        raise _refused("it was signed at another time: send it again")
    try:
        sent = msgspec.json.decode(body, type=Webhook)
    except msgspec.MsgspecError as error:
        raise _refused(f"it is no event: {error}") from error
    return news.Arrived(dedupe_key=f"{gateway}:{sent.id}", gateway=gateway, kind=sent.kind)


def parsed(body: bytes) -> news.Heard:
    """What a webhook says.

    Raises:
        Unreadable: its amount is none of its currency.
    """
    sent = msgspec.json.decode(body, type=Webhook)
    kind = _KINDS.get(sent.kind)
    if kind is None:
        return news.NotOurs(reason=f"{sent.kind} is nothing we act upon")
    told = msgspec.convert(sent.news, kind)
    if sent.amount_text is not None and isinstance(told, news.AttemptNews):
        told = replace(told, amount=Money.parse(sent.amount_text, told.amount.currency))
    return (told,)


def _refused(why: str) -> Refused:
    return Refused(f"we could not accept the webhook because {why}", status=400, code="webhook_refused")


_KINDS: Final[Mapping[str, type[news.News]]] = {
    "attempt": news.AttemptNews,
    "subscription": news.SubscriptionNews,
    "method": news.MethodNews,
    "challenge": news.ChallengeNews,
    "money_back": news.MoneyBackNews,
}
