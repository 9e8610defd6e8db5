"""What came of a story on a stack: facts from the journals, mails from the mailbox, money from the gateways' books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from ops.stack.engine.lines import Lines, instant
from ops.stack.engine.outside import Outside
from ops.stack.plan import SERVICES
from ops.stories.engine import FactTold, MailLeft, MoneyTried, Seen, Trouble
from services.notifications.store import CASES
from shared.clock import EPOCH
from shared.database import row_from
from shared.events import Envelope
from shared.events.wire import from_bytes
from shared.events.words import Gateway
from shared.money import Money

_BY: Final = {"engine": "gateway", "api": "us", "payer": "learner"}
_OUTCOME: Final = {"succeeded": "succeeded", "pending": "pending", "processing": "pending"}


@dataclass(slots=True)
class Looking:
    """Reads what is new since the last time; what was there when a story began is not part of it."""

    lines: Lines
    outside: Outside
    facts: list[FactTold] = field(default_factory=list)
    mails: list[MailLeft] = field(default_factory=list)
    schools: set[str] | None = None
    """Whose facts and mails belong to the story; nobody named: everybody's (it goes on with who is there)."""
    _known: set[str] = field(default_factory=set)
    _read_until: datetime = EPOCH
    _last_mail: int = 0
    _forged: int = 0

    async def begin(self, start: datetime) -> None:
        """A new story: only what comes from now on."""
        union = " union all ".join(f"select id from {service}.journal" for service in SERVICES)
        self._known = {row["id"] for row in await self.lines.database.fetch(union)}
        self.facts, self.mails, self._forged = [], [], 0
        self._read_until = start
        found = await self.lines.mailbox("GET", "/messages")
        self._last_mail = max((one["id"] for one in found["messages"]), default=0)

    def note_refused(self) -> None:
        """A raw webhook was not let in."""
        self._forged += 1

    async def seen(self) -> Seen:
        """Everything so far."""
        await self._read_facts()
        await self._read_mails()
        return Seen(
            facts=tuple(self.facts),
            mails=tuple(self.mails),
            money=await self._money(),
            troubles=await self._troubles(),
            counters=await self._counters(),
        )

    # --- facts ---

    async def _read_facts(self) -> None:
        union = " union all ".join(
            f"select {place} as place, seq, told_at, id, value from {service}.journal where told_at >= $1"
            for place, service in enumerate(SERVICES)
        )
        rows = await self.lines.database.fetch(
            f"select * from ({union}) told order by told_at, place, seq", self._read_until
        )
        fresh = [row for row in rows if row["id"] not in self._known]
        if not fresh:
            return
        self._known |= {row["id"] for row in fresh}
        self._read_until = max(row["told_at"] for row in fresh)
        told = [(row["told_at"], from_bytes(row["value"])) for row in fresh]
        self.facts += [
            FactTold(at=at, envelope=envelope)
            for at, envelope in causes_first(told)
            if not self.schools or envelope.fact.school_id in self.schools
        ]

    # --- mails ---

    async def _read_mails(self) -> None:
        found = await self.lines.mailbox("GET", f"/messages?after={self._last_mail}")
        for summary in found["messages"]:
            self._last_mail = summary["id"]
            mail = await self._mail(await self.lines.mailbox("GET", f"/messages/{summary['id']}"))
            if mail is not None:
                self.mails.append(mail)

    async def _mail(self, message: Mapping[str, Any]) -> MailLeft | None:
        headers = {name.lower(): value for name, value in message["headers"]}
        mail_id = headers["x-relance-mail"]
        case_id, template, _ = mail_id.rsplit("/", 2)
        body = await self.lines.database.fetchval(
            "select body::text from notifications.correspondence where key = $1", case_id
        )
        if body is None:
            return None
        case = row_from(CASES, body)
        if self.schools and case.school_id not in self.schools:
            return None
        mail = case.mail(mail_id)
        return MailLeft(
            at=parsedate_to_datetime(headers["date"]).astimezone(UTC),
            mail_id=mail_id,
            template=template,
            to=message["to"][0],
            recipient=mail.audience.value if mail else "",
            learner_id=case.learner_id,
            case_id=case_id,
            language=headers.get("content-language", ""),
            subject=message["subject"],
            text=message["text"] or "",
            html=message["html"] or "",
        )

    # --- money, troubles, counters ---

    async def _money(self) -> Sequence[MoneyTried]:
        found = await self.lines.control("GET", "/charges?all=true")
        return [
            MoneyTried(
                at=instant(row["at"]),
                gateway=Gateway(row["gateway"]),
                subscription_id=owner,
                transaction_id=row["ref"],
                amount=Money(row["amount"], row["currency"]),
                outcome=_OUTCOME.get(row["outcome"], "failed"),
                by=_BY.get(row["by"], row["by"]),
                request_id=row["request"],
            )
            for row in found["charges"]
            if (owner := self._owner(row)) is not None
        ]

    def _owner(self, row: Mapping[str, Any]) -> str | None:
        """Whose attempt it was; ``None`` for another story's."""
        known = self.outside.subscriptions.get(row["subscription"] or "")
        reference: str | None = row["reference"]
        return known or (reference if reference in self.outside.names else None)

    async def _troubles(self) -> Sequence[Trouble]:
        parts = []
        for service in SERVICES:
            parts.append(f"select parked_at, '{service}', reason from {service}.parked")
            parts.append(
                f"select done_at, '{service}', 'errand ' || kind || ' ' || id || ' ' || outcome "
                f"from {service}.errands where outcome like 'gave up%'"
            )
        rows = await self.lines.database.fetch(" union all ".join(parts) + " order by 1")
        return [Trouble(at=at, service=service, what=what) for at, service, what in rows]

    async def _counters(self) -> Mapping[str, int]:
        """Of the events that the story knows: a real gateway sends more about the same thing."""
        rows = await self.lines.database.fetch("select dedupe_key, state, flagged_at from payments.webhooks")
        known = [row for row in rows if any(event in row["dedupe_key"] for event in self.outside.events)]
        deliveries = await self.lines.control("GET", "/deliveries?state=acknowledged")
        heard = [one["event"] for one in deliveries["deliveries"] if one["event"] in self.outside.events]
        return {
            "duplicates": len(heard) - len(set(heard)),
            "forged": self._forged,
            "flagged": sum(1 for row in known if row["flagged_at"] is not None),
            **Counter(row["state"] for row in known),
        }


def causes_first(told: Iterable[tuple[datetime, Envelope]]) -> list[tuple[datetime, Envelope]]:
    """Facts of one instant in an order in which each comes after the one that caused it."""
    waiting = list(told)
    ids = {envelope.id for _, envelope in waiting}
    placed: set[str] = set()
    ordered: list[tuple[datetime, Envelope]] = []
    while waiting:
        later: list[tuple[datetime, Envelope]] = []
        for at, envelope in waiting:
            ready = envelope.cause is None or envelope.cause not in ids or envelope.cause in placed
            if ready and not (later and later[0][0] < at):
                ordered.append((at, envelope))
                placed.add(envelope.id)
            else:
                later.append((at, envelope))
        if len(later) == len(waiting):  # causes in a circle cannot be: keep the order of telling
            return ordered + later
        waiting = later
    return ordered
