"""Signing up: the school's ways of paying, and nobody subscribes twice by pressing twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.portal.conftest import ADA_SUB, ECOLE, KOUMON, Town, failed_in_june, field, seen, subscribed

OFFER: dict[str, Any] = {
    "titles": {"fr": "Parcours", "ja": "月8回コース"},
    "amount_minor": 7500,
    "currency": "EUR",
    "path_id": "dev-web",
    "plans": {"stripe": "price_web"},
}


async def offered(town: Town, school: str = ECOLE, **more: Any) -> None:
    async with town.client() as machine:
        body = {**OFFER, **more}
        path = f"/api/schools/{school}/offers/web"
        assert (await machine.put(path, json=body, headers={"x-relance-key": "a-key"})).is_success


def form(page: str, method: str) -> dict[str, str]:
    main = page.split("<main")[1]
    return {"csrf": field(main, "csrf"), "token": field(main, "token"), "method": method}


@pytest.mark.parametrize("method", ["card", "paypal"])
async def test_the_french_school_takes_a_card_and_paypal(town: Town, method: str) -> None:
    await offered(town)
    async with await town.browser(ECOLE, "noe") as noe:
        page = await noe.get("/premium/start")
        answer = await noe.post("/premium/start/web", data=form(page.text, method))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://checkout.stripe.com/")
    assert town.owners.asked[0][2] == "stripe"


async def test_the_japanese_school_takes_a_paypal_subscription_and_nothing_else(town: Town) -> None:
    await offered(town, KOUMON, currency="JPY", plans={"paypal": "P-1"}, path_id=None)
    async with await town.browser(KOUMON, "yui", language="ja") as yui:
        mine = await yui.get("/my-page")
        page = await yui.get("/premium/start")
        answer = await yui.post("/premium/start/web", data=form(page.text, "paypal_subscription"))
    assert "/premium/start" in mine.text
    assert "PayPal定期購読" in seen(page.text)
    assert 'value="card"' not in page.text
    assert answer.status_code == 303
    assert town.owners.asked[0][2] == "paypal"


async def test_two_tabs_are_one_sign_up(town: Town) -> None:
    await offered(town)
    async with await town.browser(ECOLE, "noe") as noe:
        tabs = [(await noe.get("/premium/start")).text for _ in range(2)]
        answers = [await noe.post("/premium/start/web", data=form(tab, "card")) for tab in tabs]
    assert len({one.headers["location"] for one in answers}) == 1
    assert len({one[1] for one in town.owners.asked}) == 1


async def test_two_learners_are_two_sign_ups(town: Town) -> None:
    await offered(town)
    for name in ("noe", "bob"):
        async with await town.browser(ECOLE, name) as browser:
            page = (await browser.get("/premium/start")).text
            await browser.post("/premium/start/web", data=form(page, "card"))
    assert len({one[1] for one in town.owners.asked}) == 2


async def test_whoever_is_subscribed_repairs_and_does_not_buy_again(town: Town) -> None:
    await offered(town)
    async with await town.browser(ECOLE, "noe") as noe:
        old_tab = (await noe.get("/premium/start")).text
        await noe.post("/premium/start/web", data=form(old_tab, "card"))
        sub = town.owners.asked[0][1]
        await town.hear(subscribed(ECOLE, "noe", sub))
        page = await noe.get("/premium/start")
        late = await noe.post("/premium/start/web", data=form(old_tab, "card"))
        fresh = await noe.post("/premium/start/web", data={**form(old_tab, "card"), "token": "x.y"})
    assert "ne vous abonnez pas une seconde fois" in seen(page.text)
    assert 'name="token"' not in page.text.split("<main")[1]
    assert {late.status_code, fresh.status_code} == {409}
    assert "Vous êtes déjà abonné" in seen(late.text)
    assert len(town.owners.asked) == 1


async def test_a_failing_subscription_of_the_school_is_no_reason_to_sign_up_again(town: Town) -> None:
    await offered(town)
    await town.hear(*failed_in_june())
    async with await town.browser() as ada:
        page = await ada.get("/premium/start")
    assert "ne vous abonnez pas une seconde fois" in seen(page.text)


async def test_a_method_that_was_chosen_is_the_one_the_page_takes(town: Town) -> None:
    async with await town.browser() as ada:
        page = await ada.get(f"/subscriptions/{ADA_SUB}/method")
        main = page.text.split("<main")[1]
        data = {"csrf": field(main, "csrf"), "token": field(main, "token"), "method": "paypal"}
        await ada.post(f"/subscriptions/{ADA_SUB}/method", data=data)
    assert "PayPal" in seen(page.text)
    assert town.owners.asked == [("open_page", ADA_SUB, "method", "http://portal.test/return")]
    assert town.owners.chosen == ["paypal"]
