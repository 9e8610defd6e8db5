"""My Page, as Hana sees it from the first failure to the last step (seed J1-J51)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.events import Fact, credits, dunning
from shared.events.words import CaseState
from tests.portal.conftest import (
    APRIL,
    HANA,
    HANA_SUB,
    KOUMON,
    YEN,
    Town,
    announced_in_april,
    covered_in_april,
    exhausted_in_april,
    failed_in_april,
    field,
    guided_in_april,
    hana_has_credits,
    of_april,
    resumed_in_june,
    seen,
    utc,
)

PAY = f"/subscriptions/{HANA_SUB}/pay"


async def look(town: Town, address: str, language: str = "ja") -> str:
    async with await town.browser(KOUMON, HANA, language=language) as hana:
        answer = await hana.get(address)
    assert answer.status_code == 200, seen(answer.text)
    return seen(answer.text)


async def test_the_first_failure_shows_the_next_window_in_both_clocks_and_what_to_do(town: Town) -> None:
    await town.hear(*failed_in_april())
    text = await look(town, "/my-page")
    assert "2026年4月15日(水)19:30(日本時間)" in text
    assert "2026年4月18日(土)〜4月20日(月)" in text
    assert "19:00〜26:00(=翌日2:00)" in text
    assert "パリ時間" in text
    assert "ご自身で" in text
    assert "当校が決済を実行することはできません" in text
    assert "マイページから月謝を入金なさらないでください" in text
    assert "0120-271-888" in text
    assert "3回中1回" in text


async def test_a_debit_after_midnight_is_told_both_ways(town: Town) -> None:
    await town.hear(*failed_in_april(2))
    text = await look(town, "/my-page")
    assert "2026年4月20日(月)25:30=21日1:30(日本時間)" in text


async def test_step_one_ends_everything_when_an_attempt_succeeds(town: Town) -> None:
    town.clock.move_to(utc("2026-04-21T00:00:00Z"))
    at = "2026-04-20T10:30:00Z"
    await town.hear(
        *failed_in_april(),
        dunning.CaseRecovered(
            **of_april(at), transaction_id="S2", amount=YEN, next_billing_on=date(2026, 5, 15)
        ),
        dunning.CaseClosed(**of_april(at), state=CaseState.RECOVERED),
    )
    text = await look(town, "/my-page")
    assert "お引き落としが完了しました" in text
    assert "決済日も変わりません" in text
    assert "2026年5月15日(金)" in text
    assert "0120-271-888" not in text


STEPS: list[tuple[list[Fact], str, str]] = [
    (exhausted_in_april(), "2026-04-25T12:00:00Z", "PayPal定期購読は解約となりました"),
    (guided_in_april(), "2026-04-28T00:00:00Z", "2ヶ月分の月謝をお支払いください"),
    (covered_in_april(), "2026-05-02T00:00:00Z", "2ヶ月分のご入金を確認しました"),
    (announced_in_april(), "2026-05-08T00:00:00Z", "2026年6月15日(月)"),
    (announced_in_april(), "2026-06-15T02:00:00Z", "本日がマイページからのご入金日です"),
    (announced_in_april(), "2026-06-16T02:00:00Z", "ご入金日が過ぎました"),
    (resumed_in_june(), "2026-06-16T02:00:00Z", "すべてのお手続きが終了しました"),
]


@pytest.mark.parametrize(("facts", "now", "says"), STEPS)
async def test_every_step_says_what_it_means(town: Town, facts: list[Fact], now: str, says: str) -> None:
    town.clock.move_to(utc(now))
    await town.hear(*facts)
    assert says in await look(town, "/my-page")


async def test_two_months_show_amount_reference_covered_months_and_what_came(town: Town) -> None:
    town.clock.move_to(utc("2026-05-02T00:00:00Z"))
    await town.hear(*covered_in_april())
    text = await look(town, f"/subscriptions/{HANA_SUB}/two-months")
    for said in (
        "25,600円",
        "HANA-0415",
        "2026年5月8日(金)",
        "2026年4月15日(水)〜2026年5月14日(木)",
        "銀行振込",
    ):
        assert said in text
    assert "ご入金を確認しました" in text


@pytest.mark.parametrize(
    ("facts", "now"),
    [
        (failed_in_april(), "2026-04-16T00:00:00Z"),
        (exhausted_in_april(), "2026-04-26T00:00:00Z"),
        (guided_in_april(), "2026-04-28T00:00:00Z"),
        (covered_in_april(), "2026-05-02T00:00:00Z"),
        (announced_in_april(), "2026-06-14T14:59:59Z"),
        (announced_in_april(), "2026-06-15T15:00:00Z"),
    ],
)
async def test_the_payment_is_locked_by_the_page_and_by_the_server(
    town: Town, facts: list[Fact], now: str
) -> None:
    town.clock.move_to(utc(now))
    await town.hear(*facts)
    async with await town.browser(KOUMON, HANA, language="ja") as hana:
        page = await hana.get(PAY)
        forced = await hana.post(PAY, data={"csrf": field(page.text, "csrf"), "token": "x.y"})
    assert "現在ロックされています" in seen(page.text)
    assert 'name="token"' not in page.text
    assert forced.status_code == 409
    assert "決済は行われていません" in seen(forced.text)
    assert town.owners.asked == []


async def test_on_the_announced_day_the_page_is_open_and_leads_to_paypal(town: Town) -> None:
    town.clock.move_to(utc("2026-06-14T15:00:00Z"))
    await town.hear(*announced_in_april())
    async with await town.browser(KOUMON, HANA, language="ja") as hana:
        page = await hana.get(PAY)
        form = {"csrf": field(page.text, "csrf"), "token": field(page.text, "token")}
        answer = await hana.post(PAY, data=form)
    assert "2026年6月15日(月)24:00(日本時間)" in seen(page.text)
    assert "毎月15日" in seen(page.text)
    assert answer.status_code == 303
    assert town.owners.asked == [("open_page", HANA_SUB, "resume", "http://portal.test/return")]


async def test_a_form_that_was_opened_in_time_is_refused_after_midnight(town: Town) -> None:
    town.clock.move_to(utc("2026-06-15T14:59:00Z"))
    await town.hear(*announced_in_april())
    async with await town.browser(KOUMON, HANA, language="ja") as hana:
        page = await hana.get(PAY)
        form = {"csrf": field(page.text, "csrf"), "token": field(page.text, "token")}
        town.clock.move_to(utc("2026-06-15T15:00:00Z"))
        answer = await hana.post(PAY, data=form)
    assert answer.status_code == 409
    assert "ご入金日が過ぎました" in seen(answer.text)
    assert town.owners.asked == []


async def test_dunnings_no_is_the_last_word(town: Town) -> None:
    town.clock.move_to(utc("2026-06-15T02:00:00Z"))
    await town.hear(*announced_in_april())
    town.owners.payment = "wait_for_announcement"
    async with await town.browser(KOUMON, HANA, language="ja") as hana:
        page = await hana.get(PAY)
        form = {"csrf": field(page.text, "csrf"), "token": field(page.text, "token")}
        answer = await hana.post(PAY, data=form)
    assert answer.status_code == 409
    assert "重複登録" in seen(answer.text)
    assert town.owners.asked == []


async def test_the_report_is_kept_by_dunning_and_acknowledged(town: Town) -> None:
    town.clock.move_to(utc("2026-04-16T00:00:00Z"))
    await town.hear(*failed_in_april())
    address = f"/subscriptions/{HANA_SUB}/report"
    async with await town.browser(KOUMON, HANA, language="ja") as hana:
        page = await hana.get(address)
        form = {"csrf": field(page.text, "csrf"), "token": field(page.text, "token")}
        unticked = await hana.post(address, data={**form, "text": "カードを変更しました"})
        kept = await hana.post(address, data={**form, "solved": "yes", "text": "カードを変更しました"})
        after = seen((await hana.get(kept.headers["location"])).text)
    assert unticked.status_code == 422
    assert "カードを変更しました" in unticked.text
    assert [one[:2] for one in town.owners.asked] == [("report", APRIL)]
    assert town.owners.asked[0][3] == "カードを変更しました"
    assert "確かに承りました" in after


async def test_held_credits_are_told_without_a_promise(town: Town) -> None:
    about: dict[str, Any] = {"school_id": KOUMON, "subscription_id": HANA_SUB, "learner_id": HANA}
    await town.hear(
        *hana_has_credits(),
        credits.CreditsHeld(**about, occurred_at=utc("2026-04-15T10:30:00Z"), case_id=APRIL, hold="failure",
                            untouched=7, reserved=1),
    )  # fmt: skip
    text = await look(town, f"/subscriptions/{HANA_SUB}/credits")
    assert "予備決済成功時は失効しないよう善処します" in text
    assert "お約束まではいたしかねます" in text
    assert "新規予約はできません" in text
    assert "7 未使用" in text
    assert "1 予約済み" in text
    assert "2026年4月28日(火)19:00(日本時間)" in text


async def test_lapsed_credits_and_cancelled_lessons_are_all_accounted_for(town: Town) -> None:
    about: dict[str, Any] = {"school_id": KOUMON, "subscription_id": HANA_SUB, "learner_id": HANA}
    at = utc("2026-04-25T10:30:00Z")
    await town.hear(
        *hana_has_credits(),
        credits.LessonCancelledByAdmin(**about, occurred_at=at, case_id=APRIL, lesson_id="l1",
                                       starts_at=utc("2026-04-28T10:00:00Z"), teacher_id="t", credits=1),
        credits.CreditsForfeited(**about, occurred_at=at, case_id=APRIL, untouched=7, reserved=1),
    )  # fmt: skip
    text = await look(town, f"/subscriptions/{HANA_SUB}/credits")
    assert "管理キャンセル" in text
    assert "0 未使用" in text
    assert "8 失効(滞納)" in text
