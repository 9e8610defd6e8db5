"""The first original from sign-up to the relaunch, in a browser, with nothing but what the pages say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ops.stack import newcomers
from ops.stack.engine.engine import StackEngine
from tests.browser.conftest import Walk, walk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

GOOD, DEBIT = "4242424242424242", "4000056655665556"


async def _type_card(learner: Walk, number: str, *, code: str | None = "123456") -> None:
    """On the gateway's page, and the bank's if it asks."""
    page = learner.page
    await page.fill("#number", number)
    await page.click("form button")
    if await page.locator("#code").count() and code is not None:
        await page.fill("#code", code)
        await page.click("form button >> nth=0")


async def _sign_up(noe: Walk) -> None:
    await noe.sign_in(newcomers.LUMIERE, newcomers.NEWCOMER)
    await noe.says("S’abonner", "75,00")
    await noe.look("start")
    await noe.page.click("details.more summary")
    await noe.page.check("input[value=bank_transfer]")
    await noe.page.click("form.card button")
    await noe.says("Ce moyen de paiement n’est pas accepté.", "Deux moyens de paiement sont acceptés")
    await noe.look("start-refused")
    await noe.page.check("input[value=card]")
    await noe.page.click("form.card button")
    await _type_card(noe, DEBIT)
    await noe.settle()
    await noe.says("c'est une carte de débit".replace("'", "’"))
    await noe.look("return-refused")
    await noe.goto("/premium/start")
    await noe.page.click("form.card button")
    await _type_card(noe, GOOD)
    await noe.settle()
    await noe.says("C’est fait")
    await noe.look("return-done")
    await noe.goto("/premium")
    await noe.says("Votre abonnement est actif")
    await noe.look("premium-fine")


async def _recover(lou: Walk) -> None:
    await lou.sign_in(newcomers.LUMIERE, "lou")
    await lou.until("2026-06-01T06:40:00+00:00")
    await lou.says("Votre paiement mensuel n’est pas passé", "vendredi 12 juin 2026 à 24:00 (heure de Paris)")
    await lou.look("premium-retrying")
    for path, name in (("/help", "help"), ("/mails", "mails")):
        await lou.goto(path)
        await lou.says("Paiement du lundi 1er juin non passé.")
        await lou.look(name)
    await lou.goto("/premium")
    await lou.page.click("text=Pourquoi")
    await lou.says("10 jours de délai")
    await lou.look("why")
    await lou.goto("/subscriptions/lou-web/method")
    await lou.look("method")
    await lou.page.click("form.card button")
    await lou.page.wait_for_selector("#number")  # the gateway's page has come before he turns back
    await lou.page.go_back()
    await lou.page.click("form.card button")
    await _type_card(lou, GOOD)
    await lou.settle()
    await lou.says("Votre nouveau moyen de paiement est enregistré.")
    await lou.goto("/premium")
    await lou.says("Tout est réglé, merci", "mercredi 1er juillet 2026")
    await lou.look("premium-recovered")


async def _relaunch(camille: Walk) -> None:
    await camille.sign_in(newcomers.LUMIERE, newcomers.CAMILLE)
    await camille.goto("/subscriptions/camille-web/method")
    await camille.page.click("form.card button")
    await camille.page.click("text=Revenir à l'école")
    await camille.says("Vous avez quitté la page avant la fin")
    await camille.look("return-left")
    await camille.until("2026-06-13T08:00:00+00:00")
    await camille.back("/premium", newcomers.LUMIERE, newcomers.CAMILLE)
    await camille.says("Votre accès est suspendu", "Relancer votre abonnement")
    await camille.look("premium-suspended")
    await camille.goto("/subscriptions/camille-web/method")
    await camille.page.click("form.card button")
    await _type_card(camille, GOOD)
    await camille.settle()
    await camille.goto("/relaunch")
    await camille.says("Payer 75,00 € et relancer".replace(" €", "\u00a0€"))
    await camille.look("relaunch")
    await camille.page.dblclick("button[data-once]")
    await camille.settle()
    await camille.says("Votre abonnement est relancé")
    await camille.look("premium-relaunched")
    await camille.page.go_back()
    await camille.page.reload()
    await camille.says("Rien à relancer")
    await camille.look("told")
    await camille.goto("/subscriptions/camille-web/cancel")
    await camille.look("cancel")


async def test_sign_up_repair_and_relaunch(engine: StackEngine, browser: Any) -> None:
    plan = engine.lines.plan
    await asyncio.to_thread(
        newcomers.register,
        plan,
        "lou",
        newcomers.LUMIERE,
        name="Lou Petit",
        language="fr",
        zone="Europe/Paris",
    )
    await asyncio.to_thread(newcomers.failing_card, plan, engine.now(), "lou", "lou-web")
    await engine.live_until(engine.now())
    noe = await walk(engine, browser, "fr-noe", "fr-FR")
    await _sign_up(noe)
    lou = await walk(engine, browser, "fr-lou", "fr-FR")
    await _recover(lou)
    camille = await walk(engine, browser, "fr-camille", "fr-FR")
    await _relaunch(camille)
    charges = (await engine.lines.control("GET", "/charges"))["doubles"]
    assert charges == []
    assert [*noe.violations, *lou.violations, *camille.violations] == []
