"""A change that would break a subscriber or an old message fails, in words that say what to do instead."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from shutil import copytree
from typing import Any, ClassVar

import msgspec
import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.contracts import shape
from ops.contracts.samples import FOLDER
from shared.events import VOCABULARY, Fact
from shared.money import Money


def test_everything_that_was_promised_still_holds_and_everything_new_is_promised() -> None:
    """A grown vocabulary is taken into the baseline by `relance events keep`, so that a review sees it."""
    assert shape.not_kept() == [], "\n".join(shape.not_kept())
    kept = {str(one.relative_to(FOLDER)) for one in FOLDER.rglob("*.json")}
    assert shape.baseline()["samples"].keys() == kept


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Fewer(StrEnum):
    SMALL = "small"


Fewer.__name__ = "Size"


class More(StrEnum):
    SMALL = "small"
    LARGE = "large"
    HUGE = "huge"


More.__name__ = "Size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    text: str
    colour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlabelled:
    text: str


Unlabelled.__name__ = "Label"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSent(Fact):
    """What was promised; the classes below are what somebody made of it."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("parcel_id",)

    parcel_id: str
    subscription_id: str
    size: Size
    price: Money
    sent_on: date
    weight: int | None = None
    label: Label | None = None


def parcel(**changes: Any) -> type[Fact]:
    """``ParcelSent`` with other fields (``None`` leaves one out) or class variables."""
    given: dict[str, Any] = {
        "parcel_id": (str,),
        "subscription_id": (str,),
        "size": (Size,),
        "price": (Money,),
        "sent_on": (date,),
        "weight": (int | None, None),
        "label": (Label | None, None),
    }
    names = {"KEY": "subscription_id", "IDENTITY": ("parcel_id",), "PLAN": False}
    names |= {key: changes.pop(key) for key in list(changes) if key.isupper()}
    fields = {key: value for key, value in {**given, **changes}.items() if value is not None}
    body: dict[str, Any] = {key: value[1] for key, value in fields.items() if len(value) == 2}
    body["__annotations__"] = {key: value[0] for key, value in fields.items()}
    body["__annotations__"] |= {
        "KEY": ClassVar[str],
        "IDENTITY": ClassVar[tuple[str, ...]],
        "PLAN": ClassVar[bool],
    }
    made = type("ParcelSent", (Fact,), {**body, **names, "__module__": __name__})
    return dataclass(frozen=True, kw_only=True)(made)


def judged(now: type[Fact] | None) -> list[str]:
    before = {"tests.ParcelSent": shape.shape_of(parcel())}
    return shape.broken_promises(before, {} if now is None else {"tests.ParcelSent": shape.shape_of(now)})


BAD = {
    "a fact that was removed or renamed": (None, "tests.ParcelSent is gone or has another name"),
    "a field that was removed": (parcel(weight=None), "ParcelSent.weight was removed"),
    "a field that was renamed": (
        parcel(weight=None, grams=(int | None, None)),
        "ParcelSent.weight was removed",
    ),
    "another type": (parcel(sent_on=(datetime,)), "ParcelSent.sent_on had the type"),
    "a number that became text": (parcel(weight=(str | None, None)), "ParcelSent.weight had the type"),
    "a field that may be null now": (parcel(price=(Money | None,)), "ParcelSent.price had the type"),
    "one that became a list": (parcel(parcel_id=(tuple[str, ...],)), "ParcelSent.parcel_id had the type"),
    "a new field that must be there": (
        parcel(weight_kg=(int,)),
        "ParcelSent.weight_kg is new and must be there",
    ),
    "a field that must be there now": (parcel(weight=(int | None,)), "ParcelSent.weight must be there now"),
    "another meaning of nothing": (
        parcel(weight=(int | None, 0)),
        "meant None when it was missing and now means 0",
    ),
    "a narrowed enumeration": (parcel(size=(Fewer,)), "Size lost large"),
    "a value inside that lost a field": (
        parcel(label=(Unlabelled | None, None)),
        "(Label).colour was removed",
    ),
    "another key": (parcel(KEY="parcel_id"), "its key was 'subscription_id' and is 'parcel_id'"),
    "another identity": (parcel(IDENTITY=("parcel_id", "sent_on")), "its identity was"),
    "a fact that became a plan": (parcel(PLAN=True), "its plan was False and is True"),
}


@pytest.mark.parametrize(("now", "words"), BAD.values(), ids=BAD.keys())
def test_a_bad_change_is_told_with_what_to_do(now: type[Fact] | None, words: str) -> None:
    told = judged(now)
    assert [one for one in told if words in one], told
    assert all("a new meaning is a new fact" in one for one in told)


GOOD = {
    "nothing": parcel(),
    "a new field with a default": parcel(insured=(bool, False)),
    "one word more": parcel(size=(More,)),
}


@pytest.mark.parametrize("now", GOOD.values(), ids=GOOD.keys())
def test_growing_is_no_breach(now: type[Fact]) -> None:
    assert judged(now) == []


def test_the_class_that_was_tried_is_the_one_that_was_written() -> None:
    assert shape.shape_of(parcel()) == shape.shape_of(ParcelSent)


def test_a_removed_word_makes_old_messages_unreadable_which_is_why_it_is_refused() -> None:
    sample = json.loads((FOLDER / "dunning.CaseOpened/1.json").read_bytes())["fact"]
    kind = VOCABULARY["dunning.CaseOpened"]
    assert isinstance(msgspec.convert(sample, kind), kind)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**sample, "gateway": "a word that was taken away"}, kind)


def kept(folder: Path) -> tuple[Path, Path]:
    """A copy of the samples and the baseline."""
    copytree(FOLDER, folder / "facts")
    file = folder / "baseline.json"
    file.write_bytes(shape.BASELINE.read_bytes())
    return folder / "facts", file


def test_an_edited_or_removed_sample_is_told(tmp_path: Path) -> None:
    folder, file = kept(tmp_path)
    assert shape.edited_samples(folder, file) == []
    sample = folder / "dunning.CaseOpened/1.json"
    sample.write_text(sample.read_text(encoding="utf-8").replace("7500", "7600"), encoding="utf-8")
    (folder / "dunning.CaseClosed/1.json").unlink()

    told = shape.edited_samples(folder, file)
    assert [one.split(":")[0] for one in told] == [
        "dunning.CaseClosed/1.json is gone",
        "dunning.CaseOpened/1.json was edited",
    ]
    with pytest.raises(ValueError, match="never edited"):
        shape.keep(folder=folder, file=file)


def test_keeping_twice_adds_nothing(tmp_path: Path) -> None:
    folder, file = kept(tmp_path)
    assert shape.keep(folder=folder, file=file) == []
    assert file.read_bytes() == shape.BASELINE.read_bytes()


def test_a_new_fact_gets_its_sample_and_a_broken_promise_is_not_taken(tmp_path: Path) -> None:
    folder, file = kept(tmp_path)
    known = json.loads(file.read_text(encoding="utf-8"))
    del known["shapes"]["dunning.CaseOpened"], known["samples"]["dunning.CaseOpened/1.json"]
    file.write_text(json.dumps(known), encoding="utf-8")
    (folder / "dunning.CaseOpened/1.json").unlink()
    assert shape.keep(folder=folder, file=file) == [folder / "dunning.CaseOpened/1.json"]

    fewer = {name: kind for name, kind in VOCABULARY.items() if name != "dunning.CaseOpened"}
    with pytest.raises(ValueError, match="a new meaning is a new fact"):
        shape.keep(fewer, folder, file)
    assert file.read_bytes() == shape.BASELINE.read_bytes()


def test_the_command_line_says_how_much_is_promised() -> None:
    done = CliRunner().invoke(main, ["events", "keep", "--check"])
    assert done.exit_code == 0, done.output
    assert f"{len(VOCABULARY)} facts are promised, and every promise holds" in done.output
