"""Premium, as Ada sees it on a bad day and after it (seed F13-F22)."""

from __future__ import annotations

from tests.portal.conftest import (
    Town,
    failed_in_june,
    seen,
)


async def test_a_failed_payment_is_told_calmly_with_the_deadline_and_one_thing_to_do(town: Town) -> None:
    await town.hear(*failed_in_june())
    async with await town.browser() as ada:
        page = await ada.get("/premium")
    text = seen(page.text)
    assert page.status_code == 200
    assert "Pas de panique" in text
    assert "75,00 €" in text
    assert "vendredi 12 juin 2026 à 24:00 (heure de Paris)" in text
    assert "Mettre à jour votre moyen de paiement" in text
    assert "fonds insuffisants" in text
    assert "mardi 2 juin 2026 à 09:00 (heure de Paris)" in text
    assert "Relancer votre abonnement" not in text
    assert "insufficient_funds" not in page.text
