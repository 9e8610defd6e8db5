"""What would follow if lost facts were heard now: carried on between rebuilt services in memory, nothing outside done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ops.replay.comparing import Difference
from ops.replay.past import Told
from ops.replay.rebuilding import Rebuilt, listen
from shared.events.wire import to_bytes


async def foresee(built: Mapping[str, Rebuilt], found: Mapping[str, Difference]) -> None:
    """Note in ``found`` what each service would say and ask for; ``built`` is spoilt for comparing."""
    said = {name: len(one.store.journal) for name, one in built.items()}
    asked = {name: set(one.store.errands) for name, one in built.items()}
    marks = dict(said)
    for name, one in built.items():
        if found[name].lost:
            await listen(one, found[name].lost)
    lost_by_journal = [one for name in built for one in found[name].unsaid if one.told]
    for name, one in built.items():
        await _tell(one, _with_bytes(lost_by_journal))
        del name
    while fresh := _new(built, marks):
        for one in built.values():
            await _tell(one, fresh)
    for name, one in built.items():
        now = one.past.now
        new = one.store.journal[said[name] :]
        found[name].follows = Counter(
            planned.envelope.type
            for planned in new
            if planned.tell_at <= now and planned.envelope.id not in one.past.said
        )
        found[name].follows_outside = Counter(
            held.errand.kind
            for key, held in one.store.errands.items()
            if key not in asked[name] | one.past.errands
        )


def _new(built: Mapping[str, Rebuilt], marks: dict[str, int]) -> list[Told]:
    fresh: list[Told] = []
    for name, one in built.items():
        journal = one.store.journal
        fresh += [
            Told(envelope=planned.envelope, value=b"", at=planned.tell_at, seq=number, told=True)
            for number, planned in enumerate(journal[marks[name] :], marks[name])
            if planned.tell_at <= one.past.now
        ]
        marks[name] = len(journal)
    return _with_bytes(fresh)


def _with_bytes(facts: list[Told]) -> list[Told]:
    return [
        Told(envelope=one.envelope, value=to_bytes(one.envelope), at=one.at, seq=one.seq, told=one.told)
        for one in facts
    ]


async def _tell(one: Rebuilt, facts: list[Told]) -> None:
    concerned = [
        fact
        for fact in facts
        if type(fact.envelope.fact) in one.past.service.hears and fact.envelope.id not in one.store.heard
    ]
    if concerned:
        await listen(one, concerned)
