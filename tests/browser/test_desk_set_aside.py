"""A message was set aside: an admin reads why, corrects it and lets it be heard, in a real browser on a real stack."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import asyncpg

from ops.contracts.examples import example_fact
from ops.stack import newcomers
from ops.stack.engine.engine import StackEngine
from shared.events import dunning
from shared.events.wire import to_bytes, wrap
from tests.browser.conftest import walk
from tests.browser.test_desk_journey import Office

PARKED = "dunning.events/0/999999"


async def set_aside(engine: StackEngine, database: str) -> dict[str, Any]:
    """The desk was told of a policy without its name; the right message."""
    fact = replace(
        example_fact(dunning.PolicyAdopted),
        school_id=newcomers.SAKURA,
        occurred_at=engine.now(),
    )
    right: dict[str, Any] = json.loads(to_bytes(wrap(fact, cause=None, recorded_at=engine.now())))
    wrong = {
        **right,
        "fact": {name: value for name, value in right["fact"].items() if name != "policy_id"},
    }
    connection = await asyncpg.connect(database)
    await connection.execute(
        'insert into desk.parked (id, topic, partition, "offset", key, value, reason, parked_at, remembered) '
        "values ($1, 'dunning.events', 0, 999999, 'k', $2, $3, $4, false)",
        PARKED,
        json.dumps(wrong).encode(),
        "dunning.PolicyAdopted has no policy_id",
        engine.now(),
    )
    await connection.close()
    return right


async def test_an_admin_corrects_what_was_set_aside_and_lets_it_be_heard(
    engine: StackEngine, browser: Any
) -> None:
    seen = await walk(engine, browser, "ja-set-aside", "ja-JP")
    office = Office(engine=engine, page=seen.page, axe=seen.axe, name="ja-set-aside")
    await office.join("admin")
    await office.until("2026-06-01T07:40:00+00:00")
    await office.enter()
    await office.look("today")
    right = await set_aside(engine, office.plan.database)

    await office.goto("/machinery")
    await office.page.click('a[href="/machinery/parked"]')
    await office.look("parked")
    await office.page.click("table.list a")
    await office.says("このままでは再び失敗します")
    await office.look("parked-one")
    await office.page.fill("#f-body", json.dumps(right))
    await office.page.fill("#n-fix", "番号が抜けていた")
    await office.page.click('form[action$="/fix"] button[data-once]')
    await office.says("修正済み・未処理")
    await office.look("parked-fixed")
    await office.page.click('form[action$="/retry"] button[data-once]')
    await office.says("ありません。")
    await office.goto("/machinery/parked?settled=true")
    await office.says("対応済み")
    await office.look("parked-settled")
    assert office.violations == []
