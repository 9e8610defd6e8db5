from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.dunning import why
from services.dunning.domain.turn import word
from shared.calendar import LANGUAGES
from shared.events.words import CaseState
from tests.dunning.conftest import Town

DOMAIN = Path(why.__file__).parent / "domain"


def test_every_note_that_a_decision_writes_has_a_sentence_in_every_language() -> None:
    words = why.vocabulary()
    written = set()
    for file in DOMAIN.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        written |= set(re.findall(r'\.note\(\s*"([a-z_]+)"', text))
    written |= {
        "attempt_failed",
        "attempt_succeeded",
        "attempt_pending",
        "challenge_failed",
        "challenge_abandoned",
    }
    assert written <= set(words["sentences"])
    for sentence in words["sentences"].values():
        assert set(sentence) == set(LANGUAGES)
    assert set(words["states"]) == {state.value for state in CaseState}


def test_an_instant_is_written_in_utc_whatever_clock_it_was_read_from() -> None:
    evening = datetime(2026, 4, 15, 20, 10, tzinfo=ZoneInfo("Asia/Tokyo"))

    assert word(evening) == "2026-04-15T11:10:00Z"
    assert word(evening.astimezone(UTC)) == "2026-04-15T11:10:00Z"


def test_every_reason_for_skipping_has_a_word() -> None:
    text = (DOMAIN / "retries.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'Forbidden\("([a-z_]+)"', text)) | {"network_never", "network_wait"}
    assert reasons <= set(why.vocabulary()["words"])


async def japanese_story(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    for day in ("15", "20", "25"):
        await tokyo.fails(f"2026-04-{day} 20:10", "2026-04-15")


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", ["was refused: not enough funds", "¥12,800", "No attempt is left: the last attempt failed"]),
        ("fr", ["a été refusée : fonds insuffisants", "12 800", "la dernière tentative a échoué"]),
        ("ja", ["残高不足", "12,800", "最終決済が失敗しました"]),
    ],
)
async def test_a_case_tells_its_story_with_its_reasons_and_events(
    tokyo: Town, lang: str, expected: list[str]
) -> None:
    await japanese_story(tokyo)
    story = (await tokyo.call("GET", f"/cases/{tokyo.case().case_id}/why?lang={lang}")).json()
    text = story["text"].replace("\u202f", " ").replace("\xa0", " ")

    assert all(part in text for part in expected), text
    assert [line for line in story["lines"] if line["event"]]
    assert "None" not in text
    assert "{" not in text
    assert "–" not in text.replace("jp-school", "")


async def test_the_story_can_be_stopped_at_an_instant(tokyo: Town) -> None:
    await japanese_story(tokyo)
    whole = (await tokyo.call("GET", f"/cases/{tokyo.case().case_id}/why")).json()["lines"]
    part = (
        await tokyo.call("GET", f"/cases/{tokyo.case().case_id}/why?at=2026-04-20T00:00:00%2B09:00")
    ).json()["lines"]
    assert 0 < len(part) < len(whole)
    assert part == whole[: len(part)]


async def test_a_french_suspension_names_the_days_it_skipped(paris: Town) -> None:
    await paris.registered(billing_day=30)
    paris.declines()
    await paris.fails("2026-04-30 09:00", "2026-04-30")
    await paris.until("2026-05-17 00:00")
    story = (await paris.call("GET", f"/cases/{paris.case().case_id}/why?lang=fr")).json()["text"]
    assert "ven. 1 mai" in story
    assert "jeu. 14 mai" in story
    assert "16 mai 2026 00:00" in story


async def test_mails_are_part_of_the_story(paris: Town) -> None:
    await paris.registered(billing_day=1)
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    story = (await paris.call("GET", f"/cases/{paris.case().case_id}/why?lang=en")).json()["text"]
    assert "Mail fr.payment_failed left." in story


async def test_a_mail_to_the_office_that_left_is_not_told_as_waiting(tokyo: Town) -> None:
    await japanese_story(tokyo)
    await tokyo.until("2026-04-27 11:00")
    story = (await tokyo.call("GET", f"/cases/{tokyo.case().case_id}/why?lang=en")).json()["text"]

    assert "Mail staff.guidance_queue left." in story
    assert "has not left" not in story
