"""Money moves at most once, however often a button is pressed."""

from __future__ import annotations

import asyncio

from tests.portal.conftest import (
    ADA_SUB,
    HANA,
    HANA_SUB,
    KOUMON,
    Town,
    announced_in_april,
    field,
    seen,
    suspended_in_june,
    utc,
)


async def test_a_hundred_clicks_on_pay_open_one_payment(town: Town) -> None:
    town.clock.move_to(utc("2026-06-15T02:00:00Z"))
    await town.hear(*announced_in_april())
    address = f"/subscriptions/{HANA_SUB}/pay"
    async with await town.browser(KOUMON, HANA) as hana:
        page = await hana.get(address)
        form = {"csrf": field(page.text, "csrf"), "token": field(page.text, "token")}
        answers = await asyncio.gather(*(hana.post(address, data=form) for _ in range(100)))
    assert {one.status_code for one in answers} == {303}
    assert len({one.headers["location"] for one in answers}) == 1
    assert [one[0] for one in town.owners.asked] == ["open_page"]


async def test_a_hundred_clicks_on_relaunch_ask_for_one_charge(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:00:00Z"))
    await town.hear(*suspended_in_june())
    address = f"/subscriptions/{ADA_SUB}/relaunch"
    async with await town.browser() as ada:
        page = await ada.get(address)
        main = page.text.split("<main")[1]
        form = {"csrf": field(main, "csrf"), "token": field(main, "token")}
        answers = await asyncio.gather(*(ada.post(address, data=form) for _ in range(100)))
    assert {one.headers["location"] for one in answers} == {"/premium?done=relaunch"}
    assert len(town.owners.asked) == 1


async def test_two_tabs_have_two_requests_and_the_owner_decides(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:00:00Z"))
    await town.hear(*suspended_in_june())
    address = f"/subscriptions/{ADA_SUB}/relaunch"
    async with await town.browser() as ada:
        tabs = [(await ada.get(address)).text.split("<main")[1] for _ in range(2)]
        forms = [{"csrf": field(tab, "csrf"), "token": field(tab, "token")} for tab in tabs]
        first = await ada.post(address, data=forms[0])
        town.owners.refuses["relaunch"] = "in_flight"
        second = await ada.post(address, data=forms[1])
    assert first.status_code == 303
    assert second.status_code == 409
    assert "Un paiement de relance est déjà en cours" in seen(second.text).replace("’", "'")
    assert len(town.owners.asked) == 1


async def test_a_form_of_one_subscription_does_nothing_to_another_act(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:00:00Z"))
    await town.hear(*suspended_in_june())
    async with await town.browser() as ada:
        main = (await ada.get(f"/subscriptions/{ADA_SUB}/cancel")).text.split("<main")[1]
        form = {"csrf": field(main, "csrf"), "token": field(main, "token")}
        answer = await ada.post(f"/subscriptions/{ADA_SUB}/relaunch", data=form)
    assert answer.status_code == 409
    assert town.owners.asked == []


async def test_a_refused_try_may_be_made_again(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:00:00Z"))
    await town.hear(*suspended_in_june())
    address = f"/subscriptions/{ADA_SUB}/relaunch"
    async with await town.browser() as ada:
        main = (await ada.get(address)).text.split("<main")[1]
        form = {"csrf": field(main, "csrf"), "token": field(main, "token")}
        town.owners.refuses["relaunch"] = "under_review"
        refused = await ada.post(address, data=form)
        town.owners.refuses.clear()
        taken = await ada.post(address, data=form)
    assert (refused.status_code, taken.status_code) == (409, 303)
