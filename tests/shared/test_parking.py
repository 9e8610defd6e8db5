"""What was set aside waits for a person: fixed, retried or discarded, once, with a name, and nothing of it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.errors import NotFound, Refused
from shared.events import dunning
from shared.events.wire import to_bytes, wrap
from shared.hearing import hear
from shared.memory import MemoryStore
from shared.migrate import migrate
from shared.parking import Parking, What
from shared.service import Service
from shared.shelf import Message, Table
from shared.unit import Unit

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Heard:
    school_id: str
    times: int


SCHOOLS: Table[Heard] = Table(name="schools", kind=Heard, key=lambda row: row.school_id)
BROKEN: set[str] = set()


async def on_school(fact: dunning.SchoolRegistered, unit: Unit) -> None:
    if fact.school_id in BROKEN:
        raise ValueError("the calendar is missing")
    known = await unit.get(SCHOOLS, fact.school_id)
    unit.put(SCHOOLS, Heard(school_id=fact.school_id, times=(known.times if known else 0) + 1))


SERVICE = Service(name="listener", unit=Unit, hears={dunning.SchoolRegistered: on_school}, tables=(SCHOOLS,))


def message(school: str, offset: int = 1, value: bytes | None = None) -> Message:
    return Message(topic="dunning.events", partition=0, offset=offset, key=b"k", value=value or body(school))


def body(school: str) -> bytes:
    fact = dunning.SchoolRegistered(
        school_id=school, occurred_at=NOW, name="École", policy_id="fr-elearning", zone="Europe/Paris",
        languages=("fr",), currency="EUR", support_contact="a@b.example", staff_email="c@d.example",
        site_url="https://x.example", delivery_calendar="fr-ouvrable",
    )  # fmt: skip
    return to_bytes(wrap(fact, cause=None, recorded_at=NOW))


class Place:
    def __init__(self, store: Any) -> None:
        self.store = store
        self.clock = HandClock(NOW)
        self.parking = Parking(SERVICE, store, self.clock)

    async def comes(self, *messages: Message) -> None:
        await hear(SERVICE, self.store, self.clock, messages)

    async def times(self, school: str) -> int:
        async with self.store.transaction() as shelf:
            found = await shelf.load(SCHOOLS, [school])
        return found[school].times if school in found else 0


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def dsn(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "memory" else str(request.getfixturevalue("fresh_postgres"))


@pytest.fixture
async def place(dsn: str) -> AsyncIterator[Place]:
    BROKEN.clear()
    if not dsn:
        yield Place(MemoryStore())
        return
    pool = await open_pool(dsn, size=4)
    await migrate(pool, SERVICE)
    yield Place(PgStore(pool, "listener"))
    await pool.close()


async def test_what_failed_and_was_mended_is_retried_once(place: Place) -> None:
    BROKEN.add("paris")
    await place.comes(message("paris"))
    (waiting,) = await place.parking.listed()
    assert "the calendar is missing" in waiting.reason
    assert waiting.school_id == "paris"

    BROKEN.clear()
    settled = await place.parking.retry(waiting.id, by="mika", act_id="one")

    assert settled.how == "retried by mika"
    assert await place.times("paris") == 1
    assert await place.parking.listed() == []
    assert (await place.parking.retry(waiting.id, by="mika", act_id="one")).how == "retried by mika"
    with pytest.raises(Refused, match="it was settled at 2026-06-02 09:00:00 UTC: retried by mika"):
        await place.parking.retry(waiting.id, by="noe", act_id="two")
    assert await place.times("paris") == 1


async def test_what_fails_again_stays_with_the_new_reason(place: Place) -> None:
    BROKEN.add("paris")
    await place.comes(message("paris"))

    with pytest.raises(Refused, match="the calendar is missing"):
        await place.parking.retry("dunning.events/0/1", by="mika", act_id="one")

    waiting, acts = await place.parking.shown("dunning.events/0/1")
    assert waiting.settled_at is None
    assert [(act.what, act.who) for act in acts] == [(What.FAILED, "mika")]
    assert await place.times("paris") == 0


async def test_an_unreadable_message_is_fixed_and_then_heard_and_its_first_body_stays(place: Place) -> None:
    await place.comes(message("paris", value=b"{half"))

    fixed = await place.parking.fix(
        "dunning.events/0/1", body("paris"), by="mika", because="a cut line", act_id="one"
    )
    await place.parking.retry(fixed.id, by="noe", act_id="two")

    assert await place.times("paris") == 1
    kept, acts = await place.parking.shown(fixed.id)
    assert kept.original == b"{half"
    assert [(act.what, act.who, act.because) for act in acts] == [
        (What.FIXED, "mika", "a cut line"),
        (What.RETRIED, "noe", "retried"),
    ]


async def test_a_fixed_message_that_came_well_by_another_way_has_no_second_effect(place: Place) -> None:
    await place.comes(message("paris", value=b"{half"), message("paris", offset=2))
    assert await place.times("paris") == 1

    await place.parking.fix("dunning.events/0/1", body("paris"), by="mika", because="", act_id="one")
    settled = await place.parking.retry("dunning.events/0/1", by="mika", act_id="two")

    assert settled.how == "found to be heard already by mika"
    assert await place.times("paris") == 1


async def test_a_body_that_is_no_fact_of_ours_is_refused_before_it_is_kept(place: Place) -> None:
    await place.comes(message("paris", value=b"{half"))
    other = msgspec.json.decode(body("paris"))
    for wrong, why in (
        (b"{still half", "no envelope"),
        (body("paris").replace(b"SchoolRegistered", b"SchoolRegistred"), "no fact is called"),
        (body("paris").replace(b'"zone":', b'"zoen":'), "do not fit"),
        (msgspec.json.encode({**other, "id": "made-up"}), f"write {other['id']}"),
    ):
        with pytest.raises(Refused, match=why):
            await place.parking.fix("dunning.events/0/1", wrong, by="mika", because="", act_id=why)

    kept, acts = await place.parking.shown("dunning.events/0/1")
    assert kept.fixed is None
    assert acts == []


async def test_discarding_needs_a_reason_and_keeps_everything(place: Place) -> None:
    await place.comes(message("paris", value=b"{half"))
    with pytest.raises(Refused, match="no reason was given"):
        await place.parking.discard("dunning.events/0/1", by="mika", because=" ", act_id="one")

    settled = await place.parking.discard("dunning.events/0/1", by="mika", because="a probe", act_id="one")

    assert settled.how == "discarded by mika: a probe"
    assert [one.original for one in await place.parking.listed(settled=True)] == [b"{half"]


async def test_of_two_people_the_second_sees_what_the_first_did(place: Place) -> None:
    await place.comes(message("paris", value=b"{half"))
    await place.parking.fix(
        "dunning.events/0/1", body("paris"), by="mika", because="cut", act_id="one", seen=0
    )

    with pytest.raises(Refused, match=r"mika acted on it meanwhile \(fixed, 2026-06-02 09:00:00 UTC: cut\)"):
        await place.parking.discard("dunning.events/0/1", by="noe", because="a probe", act_id="two", seen=0)


async def test_two_people_at_once_retry_it_once(place: Place) -> None:
    BROKEN.add("paris")
    await place.comes(message("paris"))
    BROKEN.clear()

    said = await asyncio.gather(
        *(place.parking.retry("dunning.events/0/1", by=who, act_id=who) for who in ("mika", "noe", "ada")),
        return_exceptions=True,
    )

    assert sum(isinstance(one, Refused) for one in said) == 2
    assert await place.times("paris") == 1


async def test_what_was_never_parked_is_not_found(place: Place) -> None:
    with pytest.raises(NotFound, match="an id is TOPIC/PARTITION/OFFSET"):
        await place.parking.retry("dunning.events/7/7", by="mika", act_id="one")


async def test_too_old_a_message_is_heard_when_a_person_says_so(place: Place) -> None:
    place.clock.move_to(NOW + timedelta(days=200))
    await place.comes(message("paris"))
    assert await place.times("paris") == 0

    await place.parking.retry("dunning.events/0/1", by="mika", act_id="one")

    assert await place.times("paris") == 1
