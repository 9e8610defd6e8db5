"""The second original from the first failure to the new PayPal subscription, in a browser."""

from __future__ import annotations

from typing import Any

import pytest

from ops.stack import newcomers
from ops.stack.engine.engine import StackEngine
from tests.browser.conftest import walk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

SUB = f"/subscriptions/{newcomers.HANA_SUB}"
HANA = (newcomers.SAKURA, newcomers.HANA)
CASE = f"{newcomers.HANA_SUB}~2026-06-01"


async def test_the_four_steps(engine: StackEngine, browser: Any) -> None:
    hana = await walk(engine, browser, "ja-hana", "ja-JP")
    await hana.sign_in(newcomers.SAKURA, newcomers.HANA)
    await hana.says("お手続きは必要ありません")
    await hana.look("my-page-fine")

    await hana.until("2026-06-01T06:40:00+00:00")
    await hana.says("PayPalでのお引き落としが完了していません", "当校が決済を実行することはできません")
    await hana.look("my-page-retrying")
    for path, name in (
        ("/help", "guide"),
        ("/mails", "mails"),
        (f"{SUB}/credits", "credits"),
        (f"{SUB}/pay", "pay-locked"),
    ):
        await hana.goto(path)
        await hana.look(name)
    await hana.says("現在ロックされています")
    await hana.goto(f"{SUB}/report")
    await hana.look("report")
    await hana.page.check("#solved")
    await hana.page.fill("#text", "カードの有効期限を更新しました。")
    await hana.page.click("form.card button")
    await hana.settle()
    await hana.says("確かに承りました")
    await hana.goto(f"/cases/{CASE}/why")
    await hana.look("why")

    await hana.until("2026-06-12T00:00:00+00:00")
    await hana.back("/my-page", *HANA)
    await hana.says("PayPal定期購読は解約となりました")
    await hana.look("my-page-guidance")
    await hana.office(
        "POST", f"/cases/{CASE}/guidance", {"method": "bank_transfer", "reference": "HANA-0601"}
    )
    await hana.says("2ヶ月分の月謝をお支払いください")
    await hana.look("my-page-lump-sum")
    await hana.goto(f"{SUB}/two-months")
    await hana.says("25,600円", "HANA-0601")
    await hana.look("two-months")
    paid = {
        "amount": {"amount_minor": 25600, "currency": "JPY"},
        "reference": "HANA-0601",
        "recorded_by": "office",
    }
    await hana.office("PUT", f"{SUB}/temporary-payments/r1", {**paid, "period": "2026-06-01"})
    await hana.says("ご入金を確認しました")
    await hana.office("POST", f"/cases/{CASE}/resume-date", {"day": "2026-08-03"})
    await hana.goto("/my-page")
    await hana.says("2026年8月3日(月)")
    await hana.look("my-page-announced")

    await hana.until("2026-08-02T16:00:00+00:00")
    await hana.back(f"{SUB}/pay", *HANA)
    await hana.says("本日ご入金いただけます")
    await hana.look("pay-open")
    await hana.page.dblclick("button[data-once]")
    await hana.page.click("text=同意して購読する")
    await hana.settle()
    await hana.says("完了しました")
    await hana.look("return-done")
    await hana.goto(f"{SUB}/pay")
    await hana.says("ご入金が完了しました")
    await hana.look("pay-done")
    await hana.goto("/my-page")
    await hana.says("すべてのお手続きが終了しました")
    await hana.look("my-page-resumed")
    assert (await engine.lines.control("GET", "/charges"))["doubles"] == []
    assert hana.violations == []
