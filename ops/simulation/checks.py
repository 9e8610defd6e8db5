"""What must hold at every instant, what must have happened once at the end, and what a learner's state is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from services.dunning.domain.case import Case
from shared.events import Fact, dunning, payments
from shared.events.wire import from_bytes

if TYPE_CHECKING:
    from ops.simulation.town import Town


class Watch:
    """Looks at every commit, and judges the end."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.said: Counter[str] = Counter()
        self._once: Counter[tuple[Any, ...]] = Counter()
        for schema in town.machine.database.schemas.values():
            schema.changed.append(self._row)
            schema.said.append(lambda planned: self._fact(planned.envelope.fact))

    # --- at every commit ---

    def _row(self, table: str, key: str, before: Any, after: Any) -> None:
        if table == "cases" and isinstance(after, Case):
            self._case(key, before, after)

    def _case(self, key: str, before: Case | None, after: Case) -> None:
        world = self.town.world
        paid = [one for one in after.attempts if one.outcome == "succeeded"]
        if len(paid) > 1:
            world.violated(f"case {key} has {len(paid)} successful payments applied (domain 2.4, 1)")
        if before is not None:
            told, now = before.clock.grace_at, after.clock.grace_at
            if told is not None and now is not None and now < told and after.is_open:
                world.violated(f"the deadline of {key} moved from {told} to {now} (domain 2.4, 11)")
            if not before.is_open and after.is_open and after.kind == before.kind and before.closed_at:
                world.violated(f"case {key} opened again")

    def _fact(self, fact: Fact) -> None:
        self.said[type(fact).__name__] += 1
        once: tuple[Any, ...] | None = None
        if isinstance(
            fact,
            (
                dunning.CreditForfeitRequested,
                dunning.GatewayCancellationRequested,
                dunning.CaseSuspended,
                dunning.CaseExhausted,
                dunning.CaseRecovered,
                dunning.CaseOpened,
            ),
        ):
            once = (type(fact).__name__, fact.case_id)
        elif isinstance(fact, dunning.AttemptRequested):
            once = ("AttemptRequested", fact.request_id)
            if self.town.history.policy_id == "jp-school":
                self.town.world.violated(
                    "an attempt was asked for although the gateway executes (domain 2.4, 2)"
                )
        elif isinstance(fact, (payments.AttemptFailed, payments.AttemptSucceeded)):
            once = (type(fact).__name__, fact.transaction_id)
        if once is not None:
            self._once[once] += 1
            if self._once[once] > 1:
                self.town.world.violated(f"{' '.join(map(str, once))} was said {self._once[once]} times")

    # --- at the end ---

    def judge(self) -> None:
        """Nothing lost, nothing doubled, nothing stuck."""
        for error in self.town.world.loop.trouble:
            self.town.world.violated(f"the simulation broke: {error!r}")
        self._stuck()
        self._lost_or_doubled()
        self._outside()

    def _stuck(self) -> None:
        town, violated = self.town, self.town.world.violated
        now = town.world.now()
        for name, store in town.machine.stores.items():
            kept = store.kept
            late = [one.planned for one in kept.untold.values() if one.planned.tell_at <= now]
            if late:
                violated(f"stuck: {name} has not told {len(late)} lines, {late[0].envelope.type} first")
            for held in kept.undone.values():
                if held.errand.due_at <= now:
                    violated(f"stuck: {name} has not done {held.errand.kind} {held.errand.id}")
            for parked in kept.parked.values():
                violated(f"stuck: {name} parked {parked.id}: {parked.reason}")
        for name, group in town.machine.broker.groups.items():
            if group.lag:
                violated(f"stuck: {name} has {group.lag} messages before it")
        for row in town.machine.stores["payments"].pool.rows.values():
            if row.state != "told":
                violated(f"stuck: webhook {row.dedupe_key} is {row.state}: {row.reason}")
        if town.undelivered:
            violated(f"stuck: {town.undelivered} webhooks were never taken")

    def _lost_or_doubled(self) -> None:
        town, violated = self.town, self.town.world.violated
        on_topics: dict[str, type[Fact]] = {}
        for log in town.machine.broker.log.values():
            for _, message in log:
                envelope = from_bytes(message.value)
                on_topics[envelope.id] = type(envelope.fact)
        for name, store in town.machine.stores.items():
            kept = store.kept
            hears = town.machine.services[name].hears
            for fact_id, kind in on_topics.items():
                if kind in hears and fact_id not in kept.heard:
                    violated(f"lost: {name} never heard {kind.__name__} {fact_id}")
            for fact_id, times in kept.handled.items():
                if times > 1:
                    violated(f"doubled: {name} handled {fact_id} {times} times")
            for fact_id, entry in kept.journal.items():
                if entry.told_at is not None and fact_id not in on_topics:
                    violated(
                        f"lost: {entry.planned.envelope.type} {fact_id} is marked as told and is on no topic"
                    )

    def _outside(self) -> None:
        town, violated = self.town, self.town.world.violated
        for gateway in town.gateways.values():
            for what, times in gateway.effects.items():
                if times > 1:
                    violated(f"doubled: {what} happened {times} times")
        for mail_id, times in Counter(mail_id for _, mail_id, _ in town.channel.taken).items():
            if times > 1:
                violated(f"doubled: mail {mail_id} left {times} times")
        days = Counter(
            at.astimezone(town.history.zone).date()
            for at, _ in town.bank.charges
            if town.history.zone.key == "Europe/Paris"
        )
        for day, times in days.items():
            if times > 1 and town.history.name != "fr-new-card":
                violated(f"{times} attempts on {day} (domain 2.4, 3)")
            if day.weekday() == 6:
                violated(f"an attempt on the Sunday {day} (domain 2.4, 3)")


_OF_LATENESS = frozenset({"staff.notice_overdue", "staff.watchdog"})
"""Letters to the office that say that something was late; in a storm it was."""


def state_of(town: Town) -> dict[str, Any]:
    """The learners' states, the money and the letters, without what a late answer may shift by minutes."""
    stores = town.machine.stores

    def rows(service: str, table: str) -> dict[str, Any]:
        return {key: row for key, (_, row) in sorted(stores[service].kept.rows.get(table, {}).items())}

    zone = town.history.zone
    return {
        "cases": {
            key: {
                "state": case.state.value,
                "cause": case.cause,
                "exhausted": _day(case.exhausted_at, zone),
                "attempts": [
                    (one.outcome, str(one.kind), _day(one.occurred_at, zone)) for one in case.attempts
                ],
                "deadline": _minute(case.clock.grace_at),
                "flags": sorted(str(flag.reason) for flag in case.flags),
                "marks": sorted(case.marks),
                "mails": sorted(
                    f"{mail.template.value}/{mail.ordinal}"
                    for mail in case.mails
                    if mail.template.value not in _OF_LATENESS
                ),
                "closed": case.closed_at is not None,
            }
            for key, case in rows("dunning", "cases").items()
        },
        "mails": sorted(
            mail_id for _, mail_id, _ in town.channel.taken if mail_id.split("/")[-2] not in _OF_LATENESS
        ),
        "charges": [
            (_day(at, zone), told.decline and str(told.decline), str(told.amount))
            for at, told in town.bank.charges
        ],
        "effects": sorted(town.bank.effects),
        "access": {key: str(notice.overall.level) for key, notice in sorted(town.platform.latest.items())},
        "credits": {
            key: [str(account.balance), [lesson.lesson_id for lesson in account.lessons], len(account.holds)]
            for key, account in rows("credits", "accounts").items()
        },
        "lessons": {key: str(lesson.state) for key, lesson in rows("credits", "lessons").items()},
        "transactions": sorted(
            f"{one.transaction_id} {one.outcome}" for one in rows("payments", "transactions").values()
        ),
    }


def _day(at: Any, zone: Any) -> str | None:
    return None if at is None else at.astimezone(zone).date().isoformat()


def _minute(at: Any) -> str | None:
    return None if at is None else at.isoformat(timespec="minutes")


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Where two states differ, in words."""
    return [
        f"{part} differs: without faults {expected[part]!r}, now {found.get(part)!r}"
        for part in expected
        if expected[part] != found.get(part)
    ]
