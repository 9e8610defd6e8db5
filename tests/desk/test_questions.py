"""A month that went without a case, and about which somebody is asked: found, looked at, settled."""

from __future__ import annotations

import pytest

from tests.desk.conftest import Town, fields

MONTH = "yuki~2026-04-15"
SETTLE = f"/cases/{MONTH}/do/settle-flag"


async def _silent(town: Town) -> None:
    """PayPal never debits the 15th of April, and its books have nothing."""
    await town.subscription("yuki", full_name="山田 由紀")
    await town.until("2026-04-17T12:00")


async def test_a_month_of_which_nothing_was_heard_stands_among_the_questions_of_the_morning(
    town: Town,
) -> None:
    await _silent(town)
    office = await town.enter("office")

    for page in ("/", "/reviews", "/cases?needs=watchdog&state=all"):
        answer = await office.get(page)
        assert answer.status_code == 200
        assert f"/cases/{MONTH}" in answer.text, page
        assert "山田 由紀" in answer.text, page


@pytest.mark.parametrize("language", ["en", "fr", "ja"])
async def test_its_page_says_that_no_case_is_open_and_offers_only_to_settle_it(
    town: Town, language: str
) -> None:
    await _silent(town)
    office = await town.enter("admin", language=language)
    page = (await office.get(f"/cases/{MONTH}")).text

    assert SETTLE in page
    assert f"/cases/{MONTH}/do/close" not in page
    assert {"en": "No case is open", "fr": "Aucun dossier n&#39;est ouvert", "ja": "始まっていません"}[
        language
    ] in page
    assert "2026-04-15" in page, "the question in words"


async def test_a_settled_question_is_gone_and_the_audit_has_it(town: Town) -> None:
    await _silent(town)
    office = await town.enter("office")
    asked = f"{SETTLE}?sent=1&question=watchdog|renewal/2026-04-15&note=PayPal+was+asked"
    form = fields((await office.get(asked)).text, SETTLE)
    answer = await office.post(SETTLE, data=form)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/reviews")
    await town.settle()

    assert MONTH not in (await office.get("/reviews")).text
    assert (await office.get(f"/cases/{MONTH}")).status_code == 404
    assert "PayPal was asked" in (await office.get("/audit")).text


async def test_news_of_the_month_answers_the_question_by_itself(town: Town) -> None:
    await _silent(town)
    office = await town.enter("office")
    await town.fails("yuki", "2026-04-18T20:00", 1)

    assert MONTH not in (await office.get("/reviews")).text


async def test_another_school_never_sees_it(town: Town) -> None:
    await _silent(town)
    other = await town.enter("admin", "paris")

    assert (await other.get(f"/cases/{MONTH}")).status_code == 404
    assert (await other.get(SETTLE)).status_code == 404
