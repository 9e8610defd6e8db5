"""When a stack has nothing left to do at an instant: everything told, heard, done and translated.

One statement looks at every service's journal, errands and hearing at once, so that the answer is of one moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from ops.stack.plan import SERVICES
from ops.stack.retell import interests


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An errand that is due and not done."""

    service: str
    id: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What a stack still has to do at an instant, by service, and when the next thing falls due by itself."""

    untold: Mapping[str, int]
    unheard: Mapping[tuple[str, str], int]
    """(who said it, who has not heard it) -> how many facts."""
    errands: Sequence[Pending]
    untranslated: int
    """Webhooks that are due or being translated."""
    paused: int
    """Webhooks whose reading failed and is tried again later."""
    overdue: int
    """Webhooks that have waited for their subscription so long that a person must be shown them."""
    next_plan: Mapping[str, datetime]
    next_errand: Mapping[str, datetime]
    next_look: datetime | None
    """When a webhook that waits for its subscription is shown to a person."""

    def what(self, dead: frozenset[str] = frozenset()) -> list[str]:
        """In words, what is not done; the work of dead workers does not count: nobody can do it."""
        words = [
            f"{n} facts of {who} are not told" for who, n in self.untold.items() if n and who not in dead
        ]
        words += [
            f"{n} facts of {who} are not heard by {hearer}"
            for (who, hearer), n in self.unheard.items()
            if n and hearer not in dead
        ]
        words += [
            f"errand {one.kind} {one.id} of {one.service} is not done"
            for one in self.errands
            if one.service not in dead
        ]
        if self.untranslated and "payments" not in dead:
            words.append(f"{self.untranslated} webhooks are not translated")
        return words

    def next(self, dead: frozenset[str] = frozenset()) -> datetime | None:
        """The hour of the next plan or errand of whoever lives."""
        hours = [at for who, at in (*self.next_plan.items(), *self.next_errand.items()) if who not in dead]
        if self.next_look is not None and "payments" not in dead:
            hours.append(self.next_look)
        return min(hours, default=None)


@cache
def statement() -> str:
    """The one statement; $1 is the instant, $2 an instant at which everything before it was heard."""
    parts = []
    for service in SERVICES:
        parts.append(
            f"select 'journal', '{service}', '', (count(*) filter (where tell_at <= $1))::int, "
            f"min(tell_at) filter (where tell_at > $1), null::jsonb from {service}.journal where told_at is null"
        )
        parts.append(
            f"select 'errands', '{service}', '', (count(*) filter (where due_at <= $1))::int, "
            "min(due_at) filter (where due_at > $1), "
            "jsonb_agg(jsonb_build_object('id', id, 'kind', kind)) filter (where due_at <= $1) "
            f"from {service}.errands where done_at is null"
        )
    for (speaker, hearer), types in sorted(interests().items()):
        kinds = ", ".join(f"'{kind}'" for kind in sorted(types))
        parts.append(
            f"select 'unheard', '{speaker}', '{hearer}', count(*)::int, null, null from {speaker}.journal j "
            f"where j.told_at >= $2 and j.type in ({kinds}) "
            f"and not exists (select 1 from {hearer}.heard h where h.id = j.id)"
        )
    # One that waits for its subscription is shown to a person after a day.
    parts.append(
        "select 'webhooks', 'payments', '', "
        "(count(*) filter (where due_at <= now() or leased_by is not null))::int, "
        "min(received_at + interval '24 hours') filter (where state = 'waiting' and flagged_at is null "
        "and received_at + interval '24 hours' > $1), "
        "jsonb_build_array(count(*) filter (where state = 'new' and leased_by is null and due_at > now()), "
        "count(*) filter (where state = 'waiting' and flagged_at is null "
        "and received_at + interval '24 hours' <= $1)) "
        "from payments.webhooks where state in ('new', 'waiting')"
    )
    return "\nunion all ".join(parts)


async def feel(connection: Any, now: datetime, since: datetime) -> Pulse:
    """The pulse at ``now``; facts told before ``since`` are known to be heard."""
    untold: dict[str, int] = {}
    unheard: dict[tuple[str, str], int] = {}
    errands: list[Pending] = []
    plans: dict[str, datetime] = {}
    next_errand: dict[str, datetime] = {}
    untranslated = paused = overdue = 0
    look: datetime | None = None
    for what, service, other, count, at, detail in await connection.fetch(statement(), now, since):
        match what:
            case "journal":
                untold[service] = count
                if at is not None:
                    plans[service] = at
            case "errands":
                errands += [_pending(service, one) for one in detail or ()]
                if at is not None:
                    next_errand[service] = at
            case "unheard":
                unheard[service, other] = count
            case _:
                untranslated, look = count, at
                paused, overdue = detail
    return Pulse(
        untold=untold,
        unheard=unheard,
        errands=errands,
        untranslated=untranslated,
        paused=paused,
        overdue=overdue,
        next_plan=plans,
        next_errand=next_errand,
        next_look=look,
    )


def _pending(service: str, one: Mapping[str, Any]) -> Pending:
    return Pending(service=service, id=one["id"], kind=one["kind"])
