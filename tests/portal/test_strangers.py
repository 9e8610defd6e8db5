"""Nobody sees or touches what is another's: every route, every page and action, for every kind of stranger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest
from fastapi.routing import APIRoute

from services.portal.owners import Visit
from shared.clock import HandClock
from shared.events.words import Template
from tests.portal.conftest import (
    ADA_SUB,
    ECOLE,
    HANA,
    HANA_SUB,
    JUNE,
    KOUMON,
    Town,
    announced_in_april,
    failed_in_june,
    field,
    learner,
    sent,
    subscribed,
    utc,
)

OPEN = {
    "/health",
    "/ready",
    "/",
    "/premium",
    "/my-page",
    "/mails",
    "/help",
    "/live",
    "/logout",
    "/login",
    "/hand-over",
}
"""Routes that name nothing: they show whoever is signed in his own, or a way in."""
_DOORS = ("/at/", "/login/", "/language/", "/api/", "/openapi", "/docs", "/redoc", "/static")


def routes() -> Iterator[tuple[str, str]]:
    """Every method and path that names a subscription, a case, a visit or an offer."""
    app = Town(HandClock(utc("2026-06-01T12:00:00Z"))).app
    for route in _all(app.routes):
        for method in sorted((route.methods or set()) & {"GET", "POST"}):
            yield method, route.path


def _all(found: Sequence[object]) -> Iterator[APIRoute]:
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from _all(getattr(getattr(route, "original_router", None), "routes", []))


EVERY = sorted(set(routes()))
NAMING = [
    (method, path)
    for method, path in EVERY
    if path not in OPEN and "{" in path and not path.startswith(_DOORS) and "offer_id" not in path
]
OF_ADA = {"subscription_id": ADA_SUB, "case_id": JUNE}


def _address(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: OF_ADA[found[1]], path)


def test_the_matrix_covers_what_there_is() -> None:
    assert len(EVERY) > 35
    assert len(NAMING) >= 15


@pytest.mark.parametrize(("method", "path"), NAMING)
@pytest.mark.parametrize("who", ["another learner", "another school", "the same id at another school"])
async def test_a_stranger_gets_nothing_but_404(town: Town, method: str, path: str, who: str) -> None:
    await town.hear(
        *failed_in_june(),
        *announced_in_april(),
        learner(ECOLE, "bob", "fr", "Europe/Paris"),
        subscribed(ECOLE, "bob", "bob-fr"),
        learner(KOUMON, "ada", "ja", "Asia/Tokyo"),
        subscribed(KOUMON, "ada", "ada-jp"),
    )
    school, name = {
        "another learner": (ECOLE, "bob"),
        "another school": (KOUMON, HANA),
        "the same id at another school": (KOUMON, "ada"),
    }[who]
    async with await town.browser(school, name, language="fr") as stranger:
        form = {"csrf": field((await stranger.get("/mails")).text, "csrf"), "method": "card", "token": "x.y"}
        answer = await stranger.request(method, _address(path), data=form if method == "POST" else None)
    assert answer.status_code == 404
    assert "75,00" not in answer.text
    assert town.owners.asked == []


@pytest.mark.parametrize(("method", "path"), NAMING)
async def test_nobody_gets_nothing_but_the_way_in(town: Town, method: str, path: str) -> None:
    await town.hear(*failed_in_june())
    async with town.client() as nobody:
        answer = await nobody.request(method, _address(path), data={} if method == "POST" else None)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?")
    assert town.owners.asked == []


async def test_another_learners_visit_is_no_visit(town: Town) -> None:
    town.owners.visits["x" * 24] = Visit(
        visit_id="x" * 24,
        kind="method",
        subscription_id=ADA_SUB,
        url="https://checkout.stripe.com/x",
        state="done",
    )
    async with await town.browser(KOUMON, HANA) as hana, await town.browser() as ada:
        assert (await hana.get(f"/return?visit={'x' * 24}")).status_code == 404
        assert (await ada.get(f"/return?visit={'x' * 24}")).status_code == 200
        assert (await ada.get(f"/return?visit={'y' * 24}")).status_code == 404


async def test_a_sign_up_is_known_to_its_own_learner_alone(town: Town) -> None:
    async with town.client() as machine:
        offer = {
            "titles": {"fr": "Parcours"},
            "amount_minor": 7500,
            "currency": "EUR",
            "plans": {"stripe": "price_web"},
        }
        key = {"x-relance-key": "a-key"}
        assert (await machine.put(f"/api/schools/{ECOLE}/offers/web", json=offer)).status_code == 401
        assert (
            await machine.put(f"/api/schools/{ECOLE}/offers/web", json=offer, headers=key)
        ).status_code == 200
    async with await town.browser(ECOLE, "noe") as noe, await town.browser(ECOLE, "bob") as bob:
        page = await noe.get("/premium/start")
        main = page.text.split("<main")[1]
        form = {"csrf": field(main, "csrf"), "token": field(main, "token"), "method": "card"}
        went = await noe.post("/premium/start/web", data=form)
        assert went.status_code == 303
        visit = next(iter(town.owners.visits))
        assert (await noe.get(f"/return?visit={visit}")).status_code == 200
        assert (await bob.get(f"/return?visit={visit}")).status_code == 404


async def test_everybody_reads_his_own_mails_only(town: Town) -> None:
    await town.hear(
        *failed_in_june(),
        sent(JUNE, ECOLE, "ada", Template.FR_PAYMENT_FAILED, "2026-06-01T07:01:00Z"),
        sent("hana-jp~2026-04-15", KOUMON, HANA, Template.JP_PAYMENT_FAILED, "2026-04-16T07:01:00Z"),
    )
    async with await town.browser() as ada, await town.browser(KOUMON, HANA) as hana:
        mine, theirs = (await ada.get("/mails")).text, (await hana.get("/mails")).text
    assert "Votre prélèvement" in mine
    assert "Votre prélèvement" not in theirs
    assert HANA_SUB not in mine
