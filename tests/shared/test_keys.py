"""What is kept of a person opens with their own key, and with nothing once that key is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from shared import keys
from shared.keys import KEYS, Keys, Masters
from shared.memory import MemoryStore
from shared.settings import Settings
from shared.unit import Unit

NOW = datetime(2026, 4, 1, tzinfo=UTC)
OLD, NEW = "old-" * 8, "new-" * 8


@dataclass
class Place:
    store: MemoryStore

    async def do(self, act: str, *arguments: str) -> object:
        async with self.store.transaction() as shelf:
            unit = Unit(shelf, NOW)
            answer = await getattr(Keys(unit), act)(*arguments)
            await unit.write()
        return answer


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place(MemoryStore())
    keys.use(keys.ONLY_FOR_TESTS)


async def test_a_sealed_text_opens_for_its_subject_alone(place: Place) -> None:
    token = str(await place.do("seal", "school/ada", "Ada, 3 rue du Bac"))
    assert "Ada" not in token
    assert await place.do("open", "school/ada", token) == "Ada, 3 rue du Bac"
    await place.do("seal", "school/bob", "something")
    assert await place.do("open", "school/bob", token) == ""


async def test_two_seals_of_one_text_do_not_look_alike(place: Place) -> None:
    assert await place.do("seal", "school/ada", "Ada") != await place.do("seal", "school/ada", "Ada")


async def test_nothing_stays_nothing_and_an_old_clear_text_is_itself(place: Place) -> None:
    assert await place.do("seal", "school/ada", "") == ""
    assert await place.do("open", "school/ada", "written before") == "written before"


async def test_an_erased_subject_is_unreadable_and_nothing_is_sealed_for_it_again(place: Place) -> None:
    token = str(await place.do("seal", "school/ada", "Ada"))
    assert await place.do("erase", "school/ada") is True
    assert await place.do("erase", "school/ada") is False
    assert await place.do("open", "school/ada", token) == ""
    assert await place.do("seal", "school/ada", "Ada again") == ""
    row = place.store.rows[KEYS.name]["school/ada"]
    assert (row.wrapped, row.master) == ("", "")


async def test_who_was_never_known_can_be_erased_before_anything_comes(place: Place) -> None:
    await place.do("erase", "school/ada")
    assert await place.do("seal", "school/ada", "Ada") == ""


async def test_sealed_words_in_a_story_are_opened_for_who_may_read_them(place: Place) -> None:
    token = str(await place.do("seal", "school/ada", "her bank changed"))
    story = {"lines": [f"closed (note: {token}), by office-1", "recovered"]}
    opened = {"lines": ["closed (note: her bank changed), by office-1", "recovered"]}
    assert await place.do("reveal", "school/ada", story) == opened  # type: ignore[arg-type]
    await place.do("erase", "school/ada")
    assert await place.do("reveal", "school/ada", f"note: {token}") == "note: [erased]"


async def test_a_new_master_takes_over_and_the_old_one_can_go(place: Place) -> None:
    keys.use(Masters([OLD]))
    token = str(await place.do("seal", "school/ada", "Ada"))
    before = place.store.rows[KEYS.name]["school/ada"].wrapped

    keys.use(Masters([NEW, OLD]))
    assert await place.do("open", "school/ada", token) == "Ada"
    assert await place.do("rewrap", Masters([OLD]).first) == 1

    keys.use(Masters([NEW]))
    assert await place.do("open", "school/ada", token) == "Ada"
    assert place.store.rows[KEYS.name]["school/ada"].wrapped != before


async def test_a_missing_master_is_named_with_what_to_do(place: Place) -> None:
    keys.use(Masters([OLD]))
    token = str(await place.do("seal", "school/ada", "Ada"))
    keys.use(Masters([NEW]))
    with pytest.raises(keys.MasterMissing, match="RELANCE_MASTER_KEYS does not name"):
        await place.do("open", "school/ada", token)


async def test_a_value_is_found_by_a_hash_that_says_nothing_without_the_key(place: Place) -> None:
    one = await place.do("blind", "email", "school", "ada@example.org")
    assert one == await place.do("blind", "email", "school", "ada@example.org")
    assert one != await place.do("blind", "email", "other", "ada@example.org")
    assert one != await Place(MemoryStore()).do("blind", "email", "school", "ada@example.org")


@pytest.mark.parametrize("given", ["", "too-short", f"{OLD},short"])
def test_production_does_not_start_without_a_good_master(given: str) -> None:
    with pytest.raises(ValueError, match="RELANCE_MASTER_KEYS"):
        Settings(master_keys=SecretStr(given)).masters()


def test_a_test_stack_has_a_master_of_its_own() -> None:
    assert Settings(mode="test").masters() is keys.ONLY_FOR_TESTS
