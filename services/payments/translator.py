"""From what a gateway sent to what the school knows: claim, parse, look where needed, tell in one transaction.

Several processes may translate; a webhook is claimed by one of them, and what it says is said once whoever
says it. A hint is looked up outside any transaction, and is nothing until the gateway confirms it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.payments.domain.state import Transaction
from services.payments.gateways.gateway import Gateway
from services.payments.handlers import Hearing, hear_news
from services.payments.inbox import Claimed, Inbox, Settled
from services.payments.news import AttemptNews, Look, News, NotConfirmed, NotOurs, Outcome
from services.payments.sealing import sealed_for, subjects_for
from services.payments.store import PaymentsUnit, prefetch_news
from shared.database import OUTAGES
from shared.errors import Refused, Transient, Unreadable
from shared.events import words
from shared.logs import logger
from shared.metrics import WEBHOOKS_TRANSLATED
from shared.subject import subject
from shared.tracing import span
from shared.transactions import Transactions

log = logger("payments.translator")

LEASE: Final = timedelta(minutes=2)
LOOKS: Final = 8
"""Readings of a gateway side by side."""
CONFIRMATIONS: Final = 6
"""How often a gateway is asked to confirm a hint before it is refused: its books may lag a little."""
FLAG_AFTER: Final = timedelta(hours=24)
"""An event for a subscription nobody knows waits silently this long, then for a person (X-28)."""
_FAILURES: Final = 5
_FAILED: Final = frozenset({"invoice.payment_failed", "invoice.payment_action_required"})
_OUTSIDE: Final[tuple[type[Exception], ...]] = (Transient, *OUTAGES)
_SAME_MOMENT: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What is to be told of one webhook, or what became of it already."""

    claimed: Claimed
    news: tuple[News, ...] = ()
    settled: Settled | None = None
    refs: tuple[str, ...] = ()
    trace: str | None = None
    """The traceparent of its translation."""


def pause_after(attempts: int) -> timedelta:
    """1 s, 2 s, 4 s ... half an hour at most."""
    return timedelta(seconds=min(2 ** min(attempts - 1, 11), 1800))


class Translator:
    """The loop of the payments worker that empties the letter box."""

    def __init__(
        self, inbox: Inbox, transactions: Transactions, gateways: Mapping[words.Gateway, Gateway]
    ) -> None:
        self._inbox = inbox
        self._transactions = transactions
        self._gateways = gateways
        self._looking = asyncio.Semaphore(LOOKS)
        self._seals = getattr(inbox, "sealer", None) is not None
        """Bodies are put under somebody's key; not in memory and in simulations, where they are made up."""

    async def translate_due(self, *, limit: int = 200) -> int:
        """Translate what is due; how many webhooks were taken up."""
        claimed = await self._inbox.claim(limit=limit, lease=LEASE)
        if not claimed:
            return 0
        outcomes = await asyncio.gather(*(self._read(one) for one in claimed))
        told = [one for one in outcomes if one.settled is None]
        untold = [one for one in outcomes if one.settled is not None]
        try:
            await self._tell(told)
        except _OUTSIDE:
            # Overtaken, or an outage: what was claimed is free again at once, not after its lease.
            await self._inbox.settle(None, [_free(one.claimed) for one in told])
            await self._settle_untold(untold)
            raise
        await self._settle_untold(untold)
        for one in untold:
            if one.settled is not None:
                _count(one.claimed, one.settled)
        return len(claimed)

    # --- outside a transaction ---

    async def _read(self, claimed: Claimed) -> _Outcome:
        following = span(
            "translate",
            kind="consumer",
            follows=claimed.trace,
            waited=self._transactions.clock.now() - claimed.received_at,
            gateway=str(claimed.gateway),
            webhook=claimed.dedupe_key,
        )
        with following as way, subject(webhook=claimed.dedupe_key):
            outcome = await self._tried(claimed)
            way.say(outcome=outcome.settled.state if outcome.settled else "read")
            return replace(outcome, trace=way.traceparent)

    async def _tried(self, claimed: Claimed) -> _Outcome:
        try:
            return await self._read_one(claimed)
        except Unreadable as error:
            return _settled(claimed, "failed", str(error))
        except NotConfirmed as error:
            if claimed.attempts < CONFIRMATIONS:
                return _later(claimed, f"not confirmed yet: {error}")
            log.warning("hint_not_confirmed", webhook=claimed.dedupe_key, kind=claimed.kind)
            return _settled(claimed, "refused", f"the gateway does not confirm it: {error}")
        except (Transient, OSError, TimeoutError) as error:
            return _later(claimed, str(error))
        except Refused as error:
            return _settled(claimed, "refused", str(error))

    async def _read_one(self, claimed: Claimed) -> _Outcome:
        if claimed.locked:
            return _later(
                claimed,
                "we could not open its body because the key that sealed it is not in payments.subject_keys: bring "
                "that table back from the backup, together with the rest of the database",
            )
        if not claimed.body:
            return _settled(claimed, "refused", "its learner was erased, and its body with them")
        gateway = self._gateways.get(claimed.gateway)
        if gateway is None:
            return _settled(
                claimed, "failed", f"no gateway {claimed.gateway} is set up: set it up, then retry"
            )
        heard = gateway.parse(claimed.body)
        if isinstance(heard, NotOurs):
            return _settled(claimed, "not_ours", heard.reason)
        if not isinstance(heard, Look):
            return _Outcome(claimed=claimed, news=heard, refs=_refs_of(heard))
        return await self._look(claimed, gateway, heard)

    async def _look(self, claimed: Claimed, gateway: Gateway, hint: Look) -> _Outcome:
        known = await self._known(hint)
        if known is not None:
            return _Outcome(claimed=claimed, news=known, refs=hint.refs)
        async with self._looking:
            news = await gateway.look(hint, self._transactions.clock.now())
        if not news:
            return _settled(claimed, "not_ours", "the gateway has nothing to tell about it")
        return _Outcome(claimed=claimed, news=news, refs=tuple(dict.fromkeys((*hint.refs, *_refs_of(news)))))

    async def _known(self, hint: Look) -> tuple[News, ...] | None:
        """What our own books say already, so that the gateway need not be read; ``None`` to read it."""
        if hint.news is None and hint.invoice is None:
            return None
        async with self._transactions() as unit:
            if hint.news is not None:
                return await _placed(hint, hint.news, unit)
            told: list[Transaction] = await unit.transactions_for(hint.invoice)
            return () if _is_on_the_books(hint, told) else None

    # --- in transactions ---

    async def _tell(self, outcomes: Sequence[_Outcome]) -> None:
        """All in one transaction; when one of them cannot be told, each in its own."""
        if not outcomes:
            return
        try:
            await self._tell_together(outcomes)
        except _OUTSIDE:
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to one of them, which is found by telling each alone
            if len(outcomes) == 1:
                await self._could_not_tell(outcomes[0], error)
                return
            for one in outcomes:
                await self._tell([one])

    async def _tell_together(self, outcomes: Sequence[_Outcome]) -> None:
        async with self._transactions() as unit:
            await prefetch_news([news for one in outcomes for news in one.news], unit)
            settled = [await self._tell_one(one, unit) for one in outcomes]
            await self._settle(unit, list(zip(outcomes, settled, strict=True)))
        for one, what in zip(outcomes, settled, strict=True):
            _count(one.claimed, what)

    async def _settle_untold(self, outcomes: Sequence[_Outcome]) -> None:
        """What nothing is told of is put under its subject's key all the same; what is tried again soon is left alone."""
        found = [(one, one.settled) for one in outcomes if one.settled is not None]
        done = [(one, what) for one, what in found if self._seals and not what.pause]
        await self._inbox.settle(None, [what for _, what in found if not (self._seals and not what.pause)])
        if not done:
            return
        try:
            async with self._transactions() as unit:
                await self._settle(unit, done)
        except _OUTSIDE:
            await self._inbox.settle(None, [_free(one.claimed) for one, _ in done])
            raise

    async def _settle(self, unit: PaymentsUnit, done: Sequence[tuple[_Outcome, Settled]]) -> None:
        """Settle in the transaction of ``unit``, each body under the key of whoever it speaks of."""
        settled = [one for _, one in done]
        if self._seals:
            bodies = {
                one.claimed.dedupe_key: (one.claimed.gateway, one.claimed.body, one.refs) for one, _ in done
            }
            whose = await subjects_for(unit, bodies)
            await unit.keys.fetch(list(whose.values()))
            settled = [
                replace(
                    one,
                    subject=(subject := whose[one.dedupe_key]),
                    sealed=await sealed_for(unit, subject, one.dedupe_key, kept.compressed, kept.received_at),
                )
                for kept, one in ((outcome.claimed, what) for outcome, what in done)
            ]
        await self._inbox.settle(getattr(unit.shelf, "connection", None), settled)

    async def _tell_one(self, one: _Outcome, unit: PaymentsUnit) -> Settled:
        with span("tell", follows=one.trace), subject(webhook=one.claimed.dedupe_key):
            hearings = [await hear_news(news, unit) for news in one.news]
        if Hearing.UNKNOWN_SUBSCRIPTION in hearings:
            return _waiting(one, unit.now, "no registered subscription has this gateway id: register it")
        if Hearing.UNKNOWN_SCHOOL in hearings:
            return _waiting(one, unit.now, "its school is not registered yet")
        log.info("webhook_told", webhook=one.claimed.dedupe_key, kind=one.claimed.kind, news=len(one.news))
        return Settled(dedupe_key=one.claimed.dedupe_key, state="told")

    async def _could_not_tell(self, one: _Outcome, error: Exception) -> None:
        log.error("webhook_not_told", webhook=one.claimed.dedupe_key, kind=one.claimed.kind, exc_info=error)
        if one.claimed.attempts < _FAILURES:
            settled = _later(one.claimed, repr(error)).settled
        else:
            settled = _settled(one.claimed, "failed", f"it could not be told: {error!r}").settled
        await self._inbox.settle(None, [settled] if settled else [])
        if settled:
            _count(one.claimed, settled)


async def _placed(hint: Look, news: AttemptNews, unit: PaymentsUnit) -> tuple[News, ...] | None:
    """An attempt that its event tells whole, if it was told before or its invoice is known here."""
    told = await unit.transactions(hint.gateway, news.transaction_id)
    if any(one.outcome is news.outcome for one in told):
        return ()
    invoice = await unit.invoice(hint.gateway, hint.invoice) if hint.invoice else None
    if invoice is None or invoice.one_off:
        return None
    refs = tuple(ref for ref in (hint.intent,) if ref)
    return (replace(news, refs=refs, subscription_id=invoice.subscription_id, invoice_id=invoice.invoice_id),)


def _is_on_the_books(hint: Look, told: Sequence[Transaction]) -> bool:
    """Whether what an invoice's event speaks of was told by another event of the same moment."""
    if hint.amount is not None:
        received = sum(
            one.amount.amount_minor
            for one in told
            if one.outcome is Outcome.SUCCEEDED and one.amount.currency == hint.amount.currency
        )
        return received >= hint.amount.amount_minor
    return hint.kind in _FAILED and any(
        one.outcome is Outcome.FAILED and abs(one.occurred_at - hint.occurred_at) <= _SAME_MOMENT
        for one in told
    )


def _refs_of(news: Sequence[News]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ref for one in news for ref in one.refs))


def _count(claimed: Claimed, settled: Settled) -> None:
    WEBHOOKS_TRANSLATED.add(str(claimed.gateway), "later" if settled.state == "new" else settled.state)


def _settled(claimed: Claimed, state: str, reason: str) -> _Outcome:
    settled = Settled(dedupe_key=claimed.dedupe_key, state=state, reason=reason)
    return _Outcome(claimed=claimed, settled=settled)


def _free(claimed: Claimed) -> Settled:
    return Settled(dedupe_key=claimed.dedupe_key, state=claimed.state, reason="")


def _later(claimed: Claimed, reason: str) -> _Outcome:
    settled = Settled(
        dedupe_key=claimed.dedupe_key,
        state=claimed.state,
        reason=reason,
        pause=pause_after(claimed.attempts),
    )
    return _Outcome(claimed=claimed, settled=settled)


def _waiting(one: _Outcome, now: datetime, reason: str) -> Settled:
    claimed = one.claimed
    overdue = now - claimed.received_at >= FLAG_AFTER
    if overdue and claimed.flagged_at is None:
        log.warning("webhook_waits_too_long", webhook=claimed.dedupe_key, kind=claimed.kind)
    return Settled(
        dedupe_key=claimed.dedupe_key,
        state="waiting",
        reason=reason,
        pause=pause_after(claimed.attempts),
        flagged_at=now if overdue else None,
        waits_for=tuple(f"{claimed.gateway}:{ref}" for ref in one.refs),
    )


def loops(
    inbox: Inbox, transactions: Transactions, gateways: Mapping[words.Gateway, Gateway]
) -> Sequence[Any]:
    """What the payments worker runs beside hearing and errands."""
    return [Translator(inbox, transactions, gateways).translate_due]
