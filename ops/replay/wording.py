"""A difference in words: what would be put back, what would be said, what would be done outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from ops.replay.comparing import Difference

_EFFECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "mails": ("notifications:send",),
    "charges": ("payments:charge",),
    "cancellations at the gateway": ("payments:cancel",),
    "learners suspended": ("dunning.AccessSuspensionRequested", "access.AccessSuspended"),
    "learners restored": ("dunning.AccessRestorationRequested", "access.AccessRestored"),
    "forfeits": ("dunning.CreditForfeitRequested", "credits.CreditsForfeited"),
    "forfeits reversed": ("dunning.CreditRestorationRequested", "credits.CreditsRegranted"),
}
"""What an operator fears or hopes for, and which facts or errands it is; of several services, the one with the most counts."""
_SHOWN: Final = 5


def effects(found: list[Difference]) -> dict[str, int]:
    """How often each effect would happen."""
    counts: Counter[str] = Counter()
    for one in found:
        counts.update(fact.envelope.type for fact in one.unsaid if fact.told)
        counts.update(f"{one.service}:{errand.kind}" for errand in one.undone)
        counts.update(one.follows)
        counts.update({f"{one.service}:{kind}": n for kind, n in one.follows_outside.items()})
    return {name: max(counts[part] for part in parts) for name, parts in _EFFECTS.items()}


def effects_in_words(found: list[Difference]) -> str:
    """``3 learners restored, 0 mails, 2 forfeits reversed``: mails and charges always, the rest where it happens."""
    counted = effects(found)
    always = ("mails", "charges")
    words = [f"{n} {name}" for name, n in counted.items() if n or name in always]
    return "outside: " + ", ".join(words)


def lines(one: Difference) -> Iterator[str]:
    """One service's difference."""
    if one.since is not None:
        yield (
            f"{one.service}: the journals reach back to {one.since:%Y-%m-%d %H:%M:%S} UTC; it can speak of subscriptions "
            f"registered since, {one.unjudged} rows that differ may only be older and are not judged"
        )
    if one.is_none:
        yield f"{one.service}: no difference ({one.facts} facts)"
        return
    kinds = Counter((row.table, row.kind) for row in one.rows)
    words = []
    for (table, kind), n in sorted(kinds.items()):
        words.append(f"{n} {table} {_KINDS[kind]}")
    if one.lost:
        words.append(f"{len(one.lost)} facts that were never heard")
    if one.unsaid:
        words.append(f"{len(one.unsaid)} facts that the journal lost")
    if one.unexplained:
        words.append(f"{len(one.unexplained)} facts that nothing explains")
    if one.undone:
        words.append(f"{len(one.undone)} errands that were never asked for")
    if one.problems:
        words.append(f"{len(one.problems)} facts that could not be replayed")
    yield f"{one.service}: {', '.join(words)} ({one.facts} facts)"
    yield from _details(one)


_KINDS: Final = {
    "missing": "would be restored",
    "different": "would be put right",
    "untold": "that no fact tells of (left alone)",
}


def _details(one: Difference) -> Iterator[str]:
    for row in one.rows[:_SHOWN]:
        fields = f" ({', '.join(row.fields())})" if row.fields() else ""
        yield f"  {row.table} {row.key}: {row.kind}{fields}"
    for name, told in (
        ("not heard", one.lost),
        ("not in the journal", one.unsaid),
        ("unexplained", one.unexplained),
    ):
        for fact in told[:_SHOWN]:
            yield f"  {fact.envelope.type} {fact.envelope.id} of {fact.at:%Y-%m-%d %H:%M:%S}Z, {fact.envelope.key}: {name}"
    for errand in one.undone[:_SHOWN]:
        yield f"  errand {errand.kind} {errand.id}: never asked for"
    yield from (f"  {problem}" for problem in one.problems[:_SHOWN])
    for kind, n in sorted(one.follows.items()):
        yield f"  would then be said: {n} {kind}"
