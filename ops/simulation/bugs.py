"""Small bugs of the kind that lose money, as changes of one line each; the storms must find them.

``redundant`` argues why a bug alone does no harm: a second defence stands behind the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One change; ``old`` stands exactly once in the file."""

    name: str
    file: str
    old: str
    new: str
    redundant: str = ""
    also: tuple[tuple[str, str], ...] = ()
    """Further changes of the same file: two defences taken away together."""

    @property
    def module(self) -> str:
        """The module's dotted name."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def planted(self, source: str) -> str:
        """The source with the bug in it.

        Raises:
            ValueError: the line is not there once.
        """
        for old, new in ((self.old, self.new), *self.also):
            found = source.count(old)
            if found != 1:
                message = f"{self.name} does not fit {self.file} any more: its line is there {found} times"
                raise ValueError(message)
            source = source.replace(old, new)
        return source


BUGS: Final[tuple[Bug, ...]] = (
    Bug(
        name="hearing-without-dedupe",
        file="shared/hearing.py",
        old="        if envelope.id not in fresh:\n"
        '            heard.types[envelope.type, "duplicate"] += 1\n'
        "            heard.duplicates += 1\n            continue\n",
        new="",
    ),
    Bug(
        name="plan-decided-early",
        file="shared/hearing.py",
        old="    return envelope.fact.PLAN and envelope.fact.occurred_at > now",
        new="    return False",
    ),
    Bug(
        name="early-plan-rings-without-pause",
        file="shared/hearing.py",
        old="    return hour + (hour - now) + further",
        new="    return now",
    ),
    Bug(
        name="early-plan-keeps-its-id",
        file="shared/events/wire.py",
        old='        id=name if not again else f"{name}#{again}",',
        new="        id=name,",
    ),
    Bug(
        name="outage-parks-the-fact",
        file="shared/hearing.py",
        old="        if isinstance(error, (Transient, OSError, unit.shelf.OUTAGES)):",
        new="        if isinstance(error, OSError):",
        redundant="a transaction that broke cannot be committed with its parked fact: the whole batch comes again",
    ),
    Bug(
        name="batch-dropped-after-an-outage",
        file="shared/running.py",
        old='                    log.warning("hearing_paused", reason=repr(error), seconds=pause)',
        new="                    return",
    ),
    Bug(
        name="confirmed-before-commit",
        file="shared/worker.py",
        old="            await type(self).hear(",
        new="            self._confirmed.update((p, r.offset + 1) for p, r in chunk)\n"
        "            self._confirmed[chunk[-1][0]] = chunk[-1][1].offset + 1\n"
        "            await type(self).hear(",
    ),
    Bug(
        name="confirmed-one-too-many",
        file="shared/worker.py",
        old="                self._confirmed[partition] = record.offset + 1",
        new="                self._confirmed[partition] = record.offset + 2",
    ),
    Bug(
        name="confirmed-one-too-few",
        file="shared/worker.py",
        old="                self._confirmed[partition] = record.offset + 1",
        new="                self._confirmed[partition] = record.offset",
    ),
    Bug(
        name="confirmed-in-an-old-generation",
        file="shared/worker.py",
        old="            if generation != self.app.consumer_generation_id:",
        new="            if False:",
        redundant="the coordinator refuses a confirmation of an old generation, and what is heard again is known by its id",
    ),
    Bug(
        name="told-before-the-brokers-have-it",
        file="shared/producing.py",
        old="        await (await producer.send_batch(batch, topic, partition=partition))",
        new="        await producer.send_batch(batch, topic, partition=partition)",
    ),
    Bug(
        name="told-although-refused",
        file="shared/telling.py",
        old="        await self._send(producer, rows)",
        new="        with suppress(KafkaError):\n            await self._send(producer, rows)",
    ),
    Bug(
        name="low-mark-forgets-notices",
        file="shared/telling.py",
        old="        self._low, self._noticed = min(self._low, at), min(self._noticed, at)",
        new="        pass",
        redundant="the whole journal is looked at every thirty seconds: what the mark passed over is late, not lost",
    ),
    Bug(
        name="low-mark-off-and-never-looked-over",
        file="shared/telling.py",
        old="        if at - self._looked_at_all >= _LOOK_AT_ALL:",
        new="        self._low += (self._clock.now() - self._low) / 2\n        if at < 0:",
    ),
    Bug(
        name="errand-without-lease",
        file="shared/errands.py",
        old="        claimed = await self._store.claim_errands(self._clock.now(), limit=free, lease=LEASE)",
        new="        from datetime import timedelta as t\n"
        "        claimed = await self._store.claim_errands(self._clock.now(), limit=free, lease=t(0))",
    ),
    Bug(
        name="errand-done-noted-before-it-is-done",
        file="shared/errands.py",
        old="    doing = service.errands[errand.kind]\n    try:",
        new="    doing = service.errands[errand.kind]\n"
        "    async with store.transaction() as early:\n"
        '        await early.end_errand(errand, "done", clock.now())\n'
        "    try:",
    ),
    Bug(
        name="errand-recorded-twice",
        file="shared/errands.py",
        old='        if not await shelf.end_errand(errand, "done", now):',
        new='        if not await shelf.end_errand(errand, "done", now) and False:',
        redundant="what is recorded twice is said twice under one id, and states that were reached are not reached again",
    ),
    Bug(
        name="errand-given-up-after-an-outage",
        file="shared/errands.py",
        old="    except _NOT_NOW as error:\n        retry_after",
        new="    except Transient as error:\n        retry_after",
    ),
    Bug(
        name="key-rotated-per-retry",
        file="services/payments/errands.py",
        old="    order: ChargeOrder = replace(_order(errand, ChargeOrder), tries=errand.tries)",
        new="    order: ChargeOrder = replace(_order(errand, ChargeOrder), tries=errand.tries)\n"
        '    order = replace(order, request_id=f"{order.request_id}#{errand.tries}")',
    ),
    Bug(
        name="mail-sent-without-asking-first",
        file="services/notifications/sending.py",
        old="        if errand.tries > 1 or order.attempt > 1:",
        new="        if order.attempt > 99:",
    ),
    Bug(
        name="mail-with-a-new-id-each-time",
        file="services/notifications/sending.py",
        old="    return f\"<{uuid5(NAMESPACE, f'mail|{mail_id}')}@{sender.domain}>\"",
        new="    return f\"<{__import__('uuid').uuid4()}@{sender.domain}>\"",
    ),
    Bug(
        name="webhook-accepted-before-it-is-kept",
        file="services/payments/ingress.py",
        old="            fresh = await self._inbox().keep(arrived, body, now)",
        new="            import asyncio\n"
        "            asyncio.ensure_future(self._inbox().keep(arrived, body, now))\n"
        "            fresh = True",
    ),
    Bug(
        name="webhook-of-any-key",
        file="services/payments/inbox.py",
        old="            [arrived.dedupe_key for arrived, *_ in batch],",
        new='            [f"{arrived.dedupe_key} {at.timestamp()}" for arrived, _, at, *_ in batch],',
        redundant="an attempt is known by its transaction id in the books and by its fact's id in the journal",
    ),
    Bug(
        name="webhook-settled-outside-its-transaction",
        file="services/payments/translator.py",
        old='        await self._inbox.settle(getattr(unit.shelf, "connection", None), settled)',
        new="        await self._inbox.settle(None, settled)",
    ),
    Bug(
        name="webhook-failed-after-an-outage",
        file="services/payments/translator.py",
        old="        except (Transient, OSError, TimeoutError) as error:\n            return _later(claimed, str(error))",
        new="        except (Transient, OSError, TimeoutError) as error:\n"
        '            return _settled(claimed, "failed", str(error))',
    ),
    Bug(
        name="facts-with-random-ids",
        file="shared/events/fact.py",
        old="    digest = sha1(NAMESPACE.bytes + meaning.encode(), usedforsecurity=False).hexdigest()",
        new='    digest = __import__("uuid").uuid4().hex * 2',
        redundant="whoever might say a fact again knows from his books that it was said; the id is the second defence",
    ),
    Bug(
        name="restored-access-never-said",
        file="services/access/domain/reckoning.py",
        old="        if limit not in before.limits and limit.until is not None",
        new="        if limit is None",
    ),
    Bug(
        name="rows-without-versions",
        file="ops/simulation/database.py",
        old="        if stored is not None and stored[0] != read:",
        new="        if False:",
        redundant="rows are locked as they are read: only a row that two make at once would need the version",
    ),
    Bug(
        name="rows-without-locks",
        file="ops/simulation/database.py",
        old="        if self._locking:\n            for key in sorted",
        new="        if False:\n            for key in sorted",
        redundant="versions are compared on writing: who decided on an old row hears his batch again",
    ),
    Bug(
        name="rows-with-neither-locks-nor-versions",
        file="ops/simulation/database.py",
        old="        if self._locking:\n            for key in sorted",
        new="        if False:\n            for key in sorted",
        also=(
            ("        if stored is not None and stored[0] != read:", "        if False:"),
            (
                "            for key in found:\n                await self._lock(table.name, key)\n            if found",
                "            if found",
            ),
        ),
    ),
    Bug(
        name="journal-written-outside-its-transaction",
        file="ops/simulation/database.py",
        old="        self.transaction.changes.append(lambda: self._write(planned))",
        new="        self._write(planned)",
        redundant="the batch is heard again and says the same under the same ids: the facts are early, not wrong",
    ),
)
