"""What people typed about a learner stands in the audit until the learner is erased; who did what and when stays."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services.desk.domain.audit import Deed
from tests.desk.conftest import JAPANESE, Town, fields

CASE = "yuki~2026-04-15"
GUIDE = f"/cases/{CASE}/do/guidance"
NOTE = "由紀さんのお母様が電話で依頼"
ASKED = f"sent=1&method=bank_transfer&reference=YUKI-04&amount=20000&note={NOTE}"


async def guided(town: Town) -> Any:
    """The office guided Yuki, with a note, and Yuki wrote."""
    await town.subscription("yuki", full_name="山田 由紀")
    await town.exhausted("yuki")
    await town.until("2026-04-27T10:30")
    office = await town.enter("office", language="en")
    form = fields((await office.get(f"{GUIDE}?{ASKED}")).text, GUIDE)
    assert (await office.post(GUIDE, data=form)).status_code == 303
    await town.told("dunning", "POST", f"/cases/{CASE}/report", {"text": "山田です。銀行が休みでした"})
    await town.settle()
    return office


def kept(town: Town) -> str:
    """Everything that the desk keeps, as text."""
    store = town.engine.line.stores["desk"]
    return repr([store.rows, store.journal, store.parked])


async def erased(town: Town) -> None:
    await town.told(
        "notifications", "POST", "/learners/yuki/erase", {"school_id": JAPANESE, "by": "operator"}
    )
    await town.settle()


async def test_what_was_typed_lies_sealed_and_the_office_reads_it(town: Town) -> None:
    office = await guided(town)
    assert "電話で依頼" not in kept(town)
    assert NOTE in (await office.get("/audit")).text
    case = (await office.get(f"/cases/{CASE}")).text
    assert NOTE in case
    assert "銀行が休み" in case


@pytest.mark.parametrize(("language", "mark"), [("en", "[erased]"), ("fr", "[effacé]"), ("ja", "[消去済み]")])
async def test_once_erased_there_is_a_mark_where_the_words_were(town: Town, language: str, mark: str) -> None:
    await guided(town)
    await erased(town)

    office = await town.enter("office", language=language)
    for address in ("/audit", f"/cases/{CASE}"):
        page = (await office.get(address)).text
        assert NOTE not in page
        assert "銀行が休み" not in page
        assert "sealed:" not in page
        assert mark in page
    assert "20000" in re.sub(r"[,. \u202f]", "", (await office.get("/audit")).text)
    async with town.app.state.desk.opened.looking() as unit:
        (deed,) = await unit.deeds(JAPANESE)
    assert isinstance(deed, Deed)
    assert (deed.what, deed.outcome, deed.note, deed.after["reference"]) == (
        "guidance",
        "done",
        "[erased]",
        "[erased]",
    )


async def test_the_desk_says_what_it_holds_and_what_went_to_whoever_has_a_key(town: Town) -> None:
    await guided(town)
    browser = town.browser()
    query = f"/api/learners/yuki/erasure?school_id={JAPANESE}"
    refused = await browser.get(query)
    assert (refused.status_code, refused.json()["title"]) == (401, "unauthorized")

    keyed = {"X-Relance-Key": "story"}
    assert (await browser.get(query, headers=keyed)).json()["holds"] == {"notes": 1}
    await erased(town)
    told = (await browser.get(query, headers=keyed)).json()
    assert (told["holds"], told["gone"]) == ({}, {"notes": 1})
