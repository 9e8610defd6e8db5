"""What must never change of a fact that was once said, and the words for whoever changes it all the same.

A shape is the part of a fact that other systems rely on: its topic, its key, what makes it one, and for each field the
type, whether it must be there, and what is meant when it is not. The shapes of everything published are kept in
``tests/contracts/baseline.json``; a shape may grow and may do nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ops.contracts.reading import fields_of
from ops.contracts.samples import FOLDER, as_text, write_missing
from ops.contracts.schemas import Dialect
from shared.events import VOCABULARY, Fact, topic_of

BASELINE: Final = FOLDER.parent / "baseline.json"

Shape = Mapping[str, Any]

_NEW: Final = "a new meaning is a new fact: put this back, and add a class beside it"


def shape_of(kind: type[Fact]) -> dict[str, Any]:
    """One fact's shape, as data."""
    dialect = Dialect(definitions={})
    fields = {
        member.name: {
            "type": dialect.schema(member.hint),
            "required": member.required,
            "default": None if member.required else json.loads(json.dumps(member.default)),
        }
        for member in fields_of(kind)
    }
    inside = {name: _bare(schema) for name, schema in sorted((dialect.definitions or {}).items())}
    return {
        "topic": topic_of(kind),
        "key": kind.KEY,
        "identity": list(kind.IDENTITY),
        "plan": kind.PLAN,
        "fields": fields,
        "inside": inside,
    }


def shapes(vocabulary: Mapping[str, type[Fact]] = VOCABULARY) -> dict[str, Any]:
    """Every fact's shape."""
    return {name: shape_of(vocabulary[name]) for name in sorted(vocabulary)}


def broken_promises(before: Mapping[str, Shape], now: Mapping[str, Shape]) -> list[str]:
    """What a subscriber or an old message would stumble over, one sentence each; empty when all may stay as it is."""
    found: list[str] = []
    for name, old in before.items():
        new = now.get(name)
        if new is None:
            found.append(
                f"{name} is gone or has another name, but it lies on topics and in journals: keep the class, say the "
                "new one beside it (a new meaning is a new fact)"
            )
            continue
        found += _of_fact(name, old, new)
        found += _of_fields(name, old["fields"], new["fields"])
        found += _of_inside(name, old["inside"], new["inside"])
    return found


def _of_fact(name: str, old: Shape, new: Shape) -> Iterable[str]:
    meant = {
        "topic": "subscribers wait for it on the old topic",
        "key": "facts of one key would be read out of order",
        "identity": "the same thing said before and after would count twice",
        "plan": "its speaker would act upon it at another hour",
    }
    for part, why in meant.items():
        if old[part] != new[part]:
            yield f"{name}: its {part} was {old[part]!r} and is {new[part]!r}; {why}: {_NEW}"


def _of_fields(name: str, old: Shape, new: Shape) -> Iterable[str]:
    for field, was in old.items():
        now = new.get(field)
        if now is None:
            yield f"{name}.{field} was removed, and subscribers read it: {_NEW}"
        elif was["type"] != now["type"]:
            yield f"{name}.{field} had the type {_told(was['type'])} and has {_told(now['type'])}: {_NEW}"
        elif now["required"] and not was["required"]:
            yield f"{name}.{field} must be there now, and older messages lack it: give it its default again, or {_NEW}"
        elif was["default"] != now["default"] and not was["required"]:
            yield (
                f"{name}.{field} meant {was['default']!r} when it was missing and now means {now['default']!r}: {_NEW}"
            )
    for field, now in new.items():
        if field not in old and now["required"]:
            yield (
                f"{name}.{field} is new and must be there, but every older message lacks it: give it a default that "
                "says what its absence meant, or a new meaning is a new fact"
            )


def _of_inside(name: str, old: Shape, new: Shape) -> Iterable[str]:
    for kind, was in old.items():
        now = new.get(kind)
        if now is None:
            continue  # a field that named it has another type now, which is told above
        lost = [word for word in was.get("words", ()) if word not in now.get("words", ())]
        if lost:
            yield (
                f"{name}: {kind} lost {', '.join(lost)}, which older messages hold: put it back and say it no more, "
                "or a new meaning is a new fact"
            )
        yield from _of_fields(f"{name} ({kind})", was.get("fields", {}), now.get("fields", {}))


def _told(schema: Shape) -> str:
    return json.dumps(schema, ensure_ascii=False)


def _bare(schema: Shape) -> dict[str, Any]:
    if "enum" in schema:
        return {"words": sorted(schema["enum"])}
    required = schema["required"]
    return {
        "fields": {
            name: {
                "type": _without_words(member),
                "required": name in required,
                "default": member.get("default"),
            }
            for name, member in schema["properties"].items()
        }
    }


def _without_words(schema: Shape) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in {"description", "default", "title"}}


def baseline(file: Path = BASELINE) -> dict[str, Any]:
    """What is promised: ``shapes`` by name, and ``samples``: each golden file's digest."""
    if not file.is_file():
        return {"shapes": {}, "samples": {}}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def digest_of(file: Path) -> str:
    """By which an edited sample is known."""
    return sha256(file.read_bytes()).hexdigest()


def edited_samples(folder: Path = FOLDER, file: Path = BASELINE) -> list[str]:
    """Golden samples that are not any more what they were, one sentence each."""
    found = []
    for name, digest in baseline(file)["samples"].items():
        sample = folder / name
        if not sample.is_file():
            found.append(f"{name} is gone: golden samples are added, never removed; put it back")
        elif digest_of(sample) != digest:
            found.append(
                f"{name} was edited: golden samples are added, never edited; put it back and add the next number"
            )
    return found


def not_kept() -> list[str]:
    """What keeps the checkout from being published: broken promises, edited samples, new facts without a promise."""
    known, now = baseline(), shapes()
    wrong = [*broken_promises(known["shapes"], now), *edited_samples()]
    if not wrong and known["shapes"] != now:
        grown = [name for name in now if known["shapes"].get(name) != now[name]]
        wrong.append(
            f"{', '.join(grown)} grew and nobody promised it yet: run `relance events keep`, commit what it adds"
        )
    return wrong


def keep(
    vocabulary: Mapping[str, type[Fact]] = VOCABULARY, folder: Path = FOLDER, file: Path = BASELINE
) -> list[Path]:
    """Promise what is new: add missing samples and take the grown shapes into the baseline.

    Raises:
        ValueError: something promised would be broken; nothing is written.
    """
    now = shapes(vocabulary)
    before = baseline(file)
    broken = [*broken_promises(before["shapes"], now), *edited_samples(folder, file)]
    if broken:
        raise ValueError("\n".join(broken))
    added = write_missing(folder)
    samples = {str(one.relative_to(folder)): digest_of(one) for one in sorted(folder.rglob("*.json"))}
    file.write_text(as_text({"shapes": now, "samples": samples}), encoding="utf-8")
    return added
