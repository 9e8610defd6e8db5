"""Premium, as Ada sees it on a bad day and after it (seed F13-F22)."""

from __future__ import annotations

from datetime import date

import pytest

from shared.declines import DeclineClass
from shared.events import dunning, payments
from shared.events.words import AttemptKind, CaseState, Gateway, MethodKind
from tests.portal.conftest import (
    ADA,
    ADA_SUB,
    ECOLE,
    EUR,
    Town,
    failed_in_june,
    field,
    of_june,
    path,
    seen,
    suspended_in_june,
    utc,
)

UNTIL = "vendredi 12 juin 2026 à 24:00 (heure de Paris)"


async def test_a_failed_payment_is_told_calmly_with_the_deadline_and_one_thing_to_do(town: Town) -> None:
    await town.hear(*failed_in_june())
    async with await town.browser() as ada:
        page = await ada.get("/premium")
    text = seen(page.text)
    assert page.status_code == 200
    assert "Pas de panique" in text
    assert "75,00 €" in text
    assert UNTIL in text
    assert "Mettre à jour votre moyen de paiement" in text
    assert "fonds insuffisants" in text
    assert "mardi 2 juin 2026 à 09:00 (heure de Paris)" in text
    assert "Relancer votre abonnement" not in text
    assert "insufficient_funds" not in page.text


async def test_the_banner_stands_on_every_page_until_it_is_settled(town: Town) -> None:
    await town.hear(*failed_in_june())
    async with await town.browser() as ada:
        for address in ("/premium", "/mails", "/help", f"/subscriptions/{ADA_SUB}/method"):
            page = seen((await ada.get(address)).text)
            assert "Paiement du lundi 1er juin non passé." in page
            assert f"votre accès est maintenu jusqu’au {UNTIL}" in page
        await town.hear(
            dunning.CaseRecovered(**of_june("2026-06-02T07:00:00Z"), transaction_id="ch_2", amount=EUR,
                                  next_billing_on=date(2026, 7, 1)),
            dunning.CaseClosed(**of_june("2026-06-02T07:00:00Z"), state=CaseState.RECOVERED),
        )  # fmt: skip
        page = seen((await ada.get("/premium")).text)
    assert "non passé" not in page
    assert "Tout est réglé" in page
    assert "mercredi 1er juillet 2026" in page


async def test_a_bank_that_wants_a_proof_makes_the_proof_the_one_thing_to_do(town: Town) -> None:
    await town.hear(*failed_in_june(DeclineClass.AUTHENTICATION_REQUIRED))
    async with await town.browser() as ada:
        premium = seen((await ada.get("/premium")).text)
        found = await ada.get("/authenticate")
        assert found.status_code == 303
        page = await ada.get(found.headers["location"])
        sent = await ada.post(found.headers["location"], data=hidden(page.text))
    assert "Confirmer auprès de ma banque" in premium
    assert "75,00 €" in seen(page.text)
    assert UNTIL in seen(page.text)
    assert sent.status_code == 303
    assert town.owners.asked == [("open_page", ADA_SUB, "authenticate", "http://portal.test/return")]


async def test_the_mails_link_leads_through_the_login_and_back(town: Town) -> None:
    await town.hear(*failed_in_june(DeclineClass.AUTHENTICATION_REQUIRED))
    async with town.client() as nobody:
        answer = await nobody.get("/authenticate")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?to=%2Fauthenticate"


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ("bank_transfer", "débits automatiques"),
        ("cheque", "débits automatiques"),
        ("debit_card", "carte de débit"),
        ("card_without_cvc", "sans cryptogramme"),
    ],
)
async def test_a_method_that_is_not_accepted_is_refused_with_its_reason_and_the_two_that_are(
    town: Town, chosen: str, why: str
) -> None:
    async with await town.browser() as ada:
        page = await ada.get(f"/subscriptions/{ADA_SUB}/method")
        answer = await ada.post(
            f"/subscriptions/{ADA_SUB}/method", data={**hidden(page.text), "method": chosen}
        )
    text = seen(answer.text)
    assert answer.status_code == 422
    assert why in text
    assert "Deux moyens de paiement sont acceptés" in text
    assert town.owners.asked == []


async def test_an_accepted_method_is_typed_on_the_gateways_own_page(town: Town) -> None:
    async with await town.browser() as ada:
        page = await ada.get(f"/subscriptions/{ADA_SUB}/method")
        answer = await ada.post(
            f"/subscriptions/{ADA_SUB}/method", data={**hidden(page.text), "method": "card"}
        )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://checkout.stripe.com/")


async def test_a_suspended_learner_still_signs_in_and_reads_the_last_day_to_re_enrol(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:00:00Z"))
    await town.hear(*suspended_in_june())
    async with await town.browser() as ada:
        text = seen((await ada.get("/premium")).text)
        page = seen((await ada.get(f"/subscriptions/{ADA_SUB}/relaunch")).text)
    assert "Votre accès est suspendu" in text
    assert "progression est conservée" in text
    assert "vendredi 31 juillet 2026 à 24:00 (heure de Paris)" in text
    assert "Relancer votre abonnement" in text
    assert "Comment reprendre mon parcours ?" in text
    assert "Payer 75,00 € et relancer" in page
    assert "le 13 de chaque mois" in page
    assert "ne vous est pas réclamé" in page


async def test_a_relaunch_is_asked_for_once_and_told(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:00:00Z"))
    await town.hear(*suspended_in_june())
    async with await town.browser() as ada:
        page = await ada.get(f"/subscriptions/{ADA_SUB}/relaunch")
        answer = await ada.post(f"/subscriptions/{ADA_SUB}/relaunch", data=hidden(page.text))
        again = await ada.post(f"/subscriptions/{ADA_SUB}/relaunch", data=hidden(page.text))
        after = seen((await ada.get(answer.headers["location"])).text)
    assert answer.headers["location"] == again.headers["location"] == "/premium?done=relaunch"
    assert [one[0] for one in town.owners.asked] == ["relaunch"]
    assert town.owners.asked[0][3] == "dev-web"
    assert "Votre demande est enregistrée" in after


async def test_after_the_last_day_the_relaunch_is_refused_before_anything_is_paid(town: Town) -> None:
    town.clock.move_to(utc("2026-07-31T21:59:00Z"))
    await town.hear(*suspended_in_june())
    async with await town.browser() as ada:
        page = await ada.get(f"/subscriptions/{ADA_SUB}/relaunch")
        assert page.status_code == 200
        town.clock.move_to(utc("2026-07-31T22:00:00Z"))
        answer = await ada.post(f"/subscriptions/{ADA_SUB}/relaunch", data=hidden(page.text))
    assert answer.status_code == 409
    assert "La date limite de réinscription est passée" in seen(answer.text)
    assert "Rien ne vous a été débité." in seen(answer.text)
    assert town.owners.asked == []


async def test_what_dunning_refuses_is_told_in_words(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:00:00Z"))
    await town.hear(*suspended_in_june(), path(None))
    town.owners.refuses["relaunch"] = "deadline_passed"
    async with await town.browser() as ada:
        page = await ada.get(f"/subscriptions/{ADA_SUB}/relaunch")
        answer = await ada.post(f"/subscriptions/{ADA_SUB}/relaunch", data=hidden(page.text))
    assert answer.status_code == 409
    assert "La date limite de réinscription est passée" in seen(answer.text)
    assert "deadline_passed" not in answer.text


async def test_a_refused_relaunch_charges_nothing_and_says_so(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:10:00Z"))
    at = utc("2026-06-13T08:05:00Z")
    await town.hear(
        *suspended_in_june(),
        payments.AttemptFailed(school_id=ECOLE, occurred_at=at, subscription_id=ADA_SUB, learner_id=ADA,
                               period=date(2026, 6, 13), kind=AttemptKind.RELAUNCH, gateway=Gateway.STRIPE,
                               transaction_id="ch_9", amount=EUR, received_at=at, method=MethodKind.CARD,
                               decline=DeclineClass.EXPIRED_CARD, raw_code="expired_card"),
    )  # fmt: skip
    async with await town.browser() as ada:
        text = seen((await ada.get("/premium")).text)
    assert "n’a pas abouti" in text
    assert "semble expiré" in text
    assert "Rien n’a été débité" in text


async def test_a_cancellation_says_what_ends_and_is_asked_for_once(town: Town) -> None:
    await town.hear(*failed_in_june())
    async with await town.browser() as ada:
        page = await ada.get(f"/subscriptions/{ADA_SUB}/cancel")
        answer = await ada.post(f"/subscriptions/{ADA_SUB}/cancel", data=hidden(page.text))
    assert "ne vous est pas réclamé" in seen(page.text)
    assert answer.headers["location"] == "/premium?done=cancel"
    assert [one[:2] for one in town.owners.asked] == [("cancel", ADA_SUB)]


async def test_why_names_the_rule_and_the_days_that_did_not_count(town: Town) -> None:
    await town.hear(*failed_in_june())
    async with await town.browser() as ada:
        text = seen((await ada.get("/cases/ada-fr~2026-06-01/why")).text)
    assert "10 jours de délai" in text
    assert "Jours non comptés : dim. 7 juin" in text
    assert "tentative 1 sur 10" in text


async def test_the_help_page_answers_the_whole_first_original(town: Town) -> None:
    async with town.client(language="fr") as nobody:
        text = seen((await nobody.get(f"/at/{ECOLE}/help")).text)
    for answer in (
        "fonds suffisants", "souvent calculé sur 7 jours roulants", "n’a pas expiré", "rapprocher de votre banque",
        "Carte de crédit", "PayPal", "virement bancaire, chèque, carte de débit", "sans cryptogramme",
        "renouvelés automatiquement et tacitement", "code à usage unique", "message de confirmation",
        "obligatoirement accepter cette vérification", "Pas de panique", "chaque jour pendant 10 jours ouvrables",
        "Mettre à jour votre moyen de paiement", "accès à la plateforme est suspendu", "Relancer votre abonnement",
        "Comment reprendre mon parcours ?", "date limite de réinscription", "vous inscrire", "quel que soit le motif",
        "transactions récurrentes et le 3D Secure", "n’hésitez pas à nous contacter", "aide@lumiere.example",
    ):  # fmt: skip
        assert answer in text, answer


def hidden(html: str) -> dict[str, str]:
    return {"csrf": field(html.split("<main")[1], "csrf"), "token": field(html, "token")}


async def test_a_relaunch_that_the_bank_wants_confirmed_has_a_button_for_it(town: Town) -> None:
    town.clock.move_to(utc("2026-06-13T08:10:00Z"))
    at = utc("2026-06-13T08:05:00Z")
    await town.hear(
        *suspended_in_june(),
        payments.AttemptFailed(school_id=ECOLE, occurred_at=at, subscription_id=ADA_SUB, learner_id=ADA,
                               period=date(2026, 6, 13), kind=AttemptKind.RELAUNCH, gateway=Gateway.STRIPE,
                               transaction_id="ch_9", amount=EUR, received_at=at, method=MethodKind.CARD,
                               decline=DeclineClass.AUTHENTICATION_REQUIRED, raw_code="authentication_required"),
    )  # fmt: skip
    async with await town.browser() as ada:
        text = seen((await ada.get("/premium")).text)
        page = await ada.get(f"/subscriptions/{ADA_SUB}/authenticate")
    assert "Confirmer auprès de ma banque" in text
    assert page.status_code == 200
