"""What was said to the school and has not been heard yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

from ops.simulators.agenda import DELIVERY, Agenda
from ops.simulators.clock import SimClock, duration, exact, instant
from ops.simulators.ids import Ids
from ops.simulators.journal import Journal
from ops.simulators.store import Json, Store
from ops.simulators.webhooks.rules import Rule, Rules

Order = Literal["as_said", "reversed", "shuffled"]


@dataclass(slots=True, kw_only=True)
class Telling:
    """How a story has events delivered: when (never, when ``arrivals`` is empty), and which one bears its id."""

    arrivals: tuple[datetime, ...]
    event: str | None = None
    bears: tuple[str, ...] = ("*",)


class Outbox:
    """Events and their deliveries. A delivery is one event on its way to one endpoint.

    Its ``state`` is ``waiting`` (due or to be tried again), ``held``, ``acknowledged`` or ``gave_up``.
    """

    def __init__(self, *, store: Store, clock: SimClock, ids: Ids, agenda: Agenda, journal: Journal) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._agenda = agenda
        self._journal = journal
        self.rules = Rules(store)
        self._telling: Telling | None = None

    @contextmanager
    def telling(self, telling: Telling) -> Iterator[None]:
        """Everything said inside the block reaches the school as a story has it, and not by the rules."""
        before, self._telling = self._telling, telling
        try:
            yield
        finally:
            self._telling = before

    def given_id(self, kind: str) -> str | None:
        """The id that a story gives to the first event of such a kind, once."""
        telling = self._telling
        if telling is None or not any(fnmatchcase(kind, wanted) for wanted in telling.bears):
            return None
        given, telling.event = telling.event, None
        return given

    def endpoints(self, gateway: str) -> list[Json]:
        """Where this gateway's events go."""
        return [row for row in self._store.table("endpoint").values() if row["gateway"] == gateway]

    def listen(self, gateway: str, endpoint: str, url: str, **facts: Any) -> Json:
        """Register or change an endpoint (``secrets`` for Stripe, ``webhook_id`` for PayPal)."""
        row = self._store.get("endpoint", endpoint) or {
            "id": endpoint,
            "gateway": gateway,
            "events": ["*"],
            "enabled": True,
            "retry_seconds": None,
        }
        row.update({"url": url, **facts})
        return self._store.put("endpoint", endpoint, row)

    def say(self, gateway: str, *, event: str, kind: str, raw: str, about: str) -> None:
        """Keep an event (its exact body) and plan its deliveries."""
        now = self._clock.now()
        row = {"id": event, "type": kind, "at": exact(now), "about": about, "raw": raw}
        key = f"{event}/{kind}" if self._store.get(f"{gateway}.event", event) else event
        self._store.put(f"{gateway}.event", key, row)
        self._journal.note("event", gateway=gateway, event=event, type=kind, about=about)
        if self._telling is not None:
            sendings: list[tuple[tuple[str, Rule] | None, datetime]] = [
                (None, at) for at in self._telling.arrivals
            ]
        else:
            sendings = [(self.rules.match(gateway, kind), now)]
        for endpoint in self.endpoints(gateway):
            if endpoint["enabled"] and any(fnmatchcase(kind, wanted) for wanted in endpoint["events"]):
                for rule, at in sendings:
                    self._send(gateway, key, kind, endpoint["id"], rule, at)

    def _send(
        self,
        gateway: str,
        event: str,
        kind: str,
        endpoint: str,
        matched: tuple[str, Rule] | None,
        at: datetime,
    ) -> None:
        rule_id, rule = matched or ("", Rule())
        held = rule.hold or rule.reorder > 1
        due = at + duration(rule.delay)
        transmission = self._ids.transmission() if gateway == "paypal" else None
        for copy in range(1 + rule.duplicates):
            key = self._ids.plain("delivery")
            delivery = {
                "id": key,
                "gateway": gateway,
                "event": event,
                "type": kind,
                "endpoint": endpoint,
                "state": "held" if held else "waiting",
                "bucket": rule_id if held else "",
                "copy": copy,
                "attempts": 0,
                "said_at": exact(at),
                "due": None if held else exact(due),
                "signature": rule.signature,
                "drop": rule.drop,
                "ignore_answers": rule.ignore_answers,
                "transmission": transmission,
                "transmission_time": None,
                "last_status": None,
                "last_error": None,
                "planned": None if held else self._agenda.plan(DELIVERY, key, due),
            }
            self._store.put("delivery", key, delivery)
        if rule.reorder > 1:
            waiting = [row["id"] for row in self.held() if row["bucket"] == rule_id]
            if len(waiting) >= rule.reorder:
                self.release(order="reversed", only=set(waiting))

    def deliveries(self, **wanted: Any) -> list[Json]:
        """Deliveries whose fields equal the wanted ones."""
        return [
            row
            for row in self._store.table("delivery").values()
            if all(row[name] == value for name, value in wanted.items())
        ]

    def held(self) -> list[Json]:
        """Deliveries kept back until released."""
        return self.deliveries(state="held")

    def outstanding(self) -> dict[str, int]:
        """How many deliveries are not acknowledged: waiting (due or to be retried), held, given up."""
        counts = {"waiting": 0, "held": 0, "gave_up": 0}
        for row in self._store.table("delivery").values():
            if row["state"] in counts:
                counts[row["state"]] += 1
        return counts

    def release(self, *, order: Order = "as_said", only: set[str] | None = None) -> int:
        """Let held deliveries go now, in the order asked for; answers how many."""
        rows = [row for row in self.held() if only is None or row["id"] in only]
        if order == "reversed":
            rows.reverse()
        elif order == "shuffled":
            rows = rows[1::2] + rows[::2][::-1]
        for row in rows:
            self.again(row, self._clock.now())
        return len(rows)

    def again(self, delivery: Json, at: datetime) -> None:
        """Plan (another) try of a delivery."""
        if delivery["planned"]:
            self._agenda.remove(delivery["planned"])
        planned = self._agenda.plan(DELIVERY, delivery["id"], at)
        delivery.update({"state": "waiting", "bucket": "", "due": exact(at), "planned": planned})
        self._store.put("delivery", delivery["id"], delivery)

    def recover(self) -> None:
        """Plan again what was in the postman's hands when the process died."""
        planned = self._store.table("agenda")
        for delivery in self.deliveries(state="waiting"):
            if delivery["planned"] not in planned:
                self.again(delivery, instant(delivery["due"]))

    def resend(self, delivery: Json) -> None:
        """Send once more at once, as a new transmission, even if it was acknowledged."""
        if delivery["gateway"] == "paypal":
            delivery.update({"transmission": self._ids.transmission(), "transmission_time": None})
        self.again(delivery, self._clock.now())
