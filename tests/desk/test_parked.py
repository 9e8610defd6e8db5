"""An admin reads why a message was set aside, corrects it and lets it be heard; nobody touches another school's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
from pydantic import SecretStr

from ops.contracts.examples import example_fact
from ops.operator import app as operator
from services.desk.owners import HttpOwners
from shared.events import dunning
from shared.events.wire import to_bytes, wrap
from shared.memory import MemoryStore
from shared.settings import Settings
from shared.shelf import Message, Parked
from tests.desk.conftest import FRENCH, JAPANESE, Town, fields

ID = "dunning.events/0/7"
PAGE = f"/machinery/parked/access?parked_id={ID}"


def operated(town: Town) -> httpx.AsyncClient:
    """An operator's API over what the town's services keep."""
    stores = town.engine.line.stores
    app = operator.build_api(
        Settings(api_keys=SecretStr("story")), store_of=lambda service: stores.get(service) or MemoryStore()
    )
    app.state.clock = town.engine.line.clock
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://operator")
    town.app.state.desk.owners = HttpOwners({**town.engine._doors.clients, "operator": client}, key="story")
    return client


def registered(school: str) -> dict[str, Any]:
    """A school's own fact as a message, as data."""
    fact = replace(example_fact(dunning.SchoolRegistered), school_id=school, zone="Asia/Tokyo")
    found: dict[str, Any] = json.loads(to_bytes(wrap(fact, cause=None, recorded_at=fact.occurred_at)))
    return found


async def set_aside(town: Town, school: str, offset: int = 7) -> dict[str, Any]:
    """Access was told of a school without a zone; the right message."""
    right = registered(school)
    wrong = {**right, "fact": {name: value for name, value in right["fact"].items() if name != "zone"}}
    message = Message(
        topic="dunning.events", partition=0, offset=offset, key=b"k", value=json.dumps(wrong).encode()
    )
    async with town.engine.line.stores["access"].transaction() as shelf:
        await shelf.park(
            [Parked(message=message, reason="fact has no zone", remembered=False)],
            town.engine.line.clock.now(),
        )
    return right


async def test_a_message_is_read_corrected_and_heard_and_the_audit_says_by_whom(town: Town) -> None:
    operated(town)
    right = await set_aside(town, JAPANESE)
    admin = await town.enter("admin")

    listed = (await admin.get("/machinery/parked")).text
    assert "dunning.SchoolRegistered" in listed
    assert "fact has no zone" in listed
    page = (await admin.get(PAGE)).text
    assert "As things stand it would fail again" in page

    fix = fields(page, "/machinery/parked/access/fix")
    worse = await admin.post("/machinery/parked/access/fix", data={**fix, "body": "{", "note": "oops"})
    assert worse.status_code == 422
    fix = fields((await admin.get(PAGE)).text, "/machinery/parked/access/fix")
    sent = {**fix, "body": json.dumps(right), "note": "the zone was missing"}
    done = await admin.post("/machinery/parked/access/fix", data=sent)
    assert done.status_code == 303, done.text

    page = (await admin.get(PAGE)).text
    assert "access would hear dunning.SchoolRegistered now" in page
    assert "the zone was missing" in page
    retry = fields(page, "/machinery/parked/access/retry")
    for _ in range(2):  # pressed twice: heard once
        done = await admin.post("/machinery/parked/access/retry", data=retry)
        assert done.status_code == 303, done.text
    assert "Nothing here." in (await admin.get("/machinery/parked")).text
    settled = (await admin.get("/machinery/parked?settled=true")).text
    assert "dunning.SchoolRegistered" in settled
    audit = (await admin.get("/audit")).text
    assert "Correct the message" in audit
    assert "Let it be heard" in audit


async def test_the_second_of_two_people_is_told_what_the_first_did(town: Town) -> None:
    operated(town)
    await set_aside(town, JAPANESE)
    one, other = await town.enter("admin"), await town.enter("admin", email="second@nihongo.example")
    first = fields((await one.get(PAGE)).text, "/machinery/parked/access/discard")
    second = fields((await other.get(PAGE)).text, "/machinery/parked/access/discard")

    without = await one.post("/machinery/parked/access/discard", data=first)
    assert without.status_code == 422
    done = await one.post("/machinery/parked/access/discard", data={**first, "note": "sent twice"})
    assert done.status_code == 303
    late = await other.post("/machinery/parked/access/discard", data={**second, "note": "mine"})
    assert late.status_code == 409
    assert "Discard the message" in late.text


async def test_a_school_sees_and_touches_its_own_only(town: Town) -> None:
    client = operated(town)
    await set_aside(town, FRENCH)
    await set_aside(town, JAPANESE, offset=8)
    admin = await town.enter("admin")

    assert ID not in (await admin.get("/machinery/parked")).text
    assert (await admin.get(PAGE)).status_code == 404
    own = PAGE.replace("/7", "/8")
    fix = fields((await admin.get(own)).text, "/machinery/parked/access/fix")
    sent = {**fix, "body": json.dumps(registered(FRENCH)), "note": "for them"}
    refused = await admin.post("/machinery/parked/access/fix", data=sent)
    assert refused.status_code == 422
    assert "speaks of the school paris" in refused.text
    foreign = await admin.post("/machinery/parked/access/fix", data={**sent, "parked_id": ID})
    assert foreign.status_code == 404
    body = {"parked_id": ID, "by": "x", "act_id": "act-00000001", "seen": 0, "because": "none of ours"}
    answer = await client.post(
        f"/schools/{JAPANESE}/parked/access/discard", json=body, headers={"X-Relance-Key": "story"}
    )
    assert answer.status_code == 404


async def test_only_an_admin_comes_here_and_without_an_operator_the_page_says_so(town: Town) -> None:
    for role in ("viewer", "office", "billing"):
        browser = await town.enter(role)
        assert (await browser.get("/machinery/parked")).status_code == 403
    admin = await town.enter("admin")
    assert (await admin.get("/machinery/parked")).status_code == 404
