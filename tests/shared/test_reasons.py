"""A date's reason is kept as data and told in three languages."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from services.dunning.policies import dates, preset
from shared.calendar import LANGUAGES, Language, WallTime, built_in_calendars, instant
from shared.errors import Unreadable
from shared.reason_words import SENTENCES, tell, tell_day
from shared.reasons import Dated, Reason

ROOT = Path(__file__).resolve().parents[2]
FAILED = instant(date(2026, 4, 30), WallTime(9), "Europe/Paris")
RETRY = dates.retries(preset("fr-elearning"), built_in_calendars(), FAILED)[5]


def test_a_dated_decision_survives_the_journal() -> None:
    text = json.dumps(RETRY.to_data(), ensure_ascii=False)

    assert Dated.from_data(json.loads(text)) == RETRY
    assert "Victoire de 1945" in text


def test_what_is_no_reason_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no reason"):
        Reason.from_data({"rule": "retry"})


TOLD: dict[Language, str] = {
    "fr": "tentative 6 sur 10, le 6e jour compté après l'échec (calendrier fr-ouvrable; jours sautés : "
    "ven. 1 mai Fête du Travail, dim. 3 mai, ven. 8 mai Victoire de 1945)",
    "ja": "決済失敗後に数える6番目の日の再試行(10回中6回目) (カレンダー fr-ouvrable; 除外日:"
    "5月1日(金) メーデー、5月3日(日)、5月8日(金) 戦勝記念日)",
    "en": "retry 6 of 10, on the 6th working day that counts after the failure (calendar fr-ouvrable; "
    "skipped: Fri 1 May Labour Day, Sun 3 May, Fri 8 May Victory in Europe Day)",
}


@pytest.mark.parametrize(("language", "text"), TOLD.items())
def test_a_reason_is_told_with_every_day_it_skipped(language: Language, text: str) -> None:
    assert tell(RETRY.because, language) == text


def test_every_rule_is_told_in_every_language_with_the_same_gaps() -> None:
    for rule, texts in SENTENCES.items():
        gaps = {language: set(re.findall(r"\{(\w+)\}", texts[language])) for language in LANGUAGES}
        values = {language: gap - {"nth", "n", "ordinal"} for language, gap in gaps.items()}

        assert values["fr"] == values["ja"] == values["en"], rule


def test_every_rule_that_the_dates_use_has_a_sentence() -> None:
    sources = [*(ROOT / "services/dunning/policies").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]
    used = {
        rule
        for path in sources
        for rule in re.findall(r'Reason\(\s*rule="(\w+)"', path.read_text(encoding="utf-8"))
    }

    assert used
    assert used - set(SENTENCES) == set()


def test_an_unknown_rule_is_told_by_its_word_and_its_values() -> None:
    told = tell(Reason(rule="by_hand", values=(("by", "Aiko"),)), "en")

    assert told == "by hand by Aiko"


@pytest.mark.parametrize(("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (21, "21st")])
def test_ordinals_are_english(number: int, word: str) -> None:
    told = tell(Reason(rule="retry", values=(("ordinal", number), ("of", 30))), "en")

    assert f"the {word} working day" in told


def test_days_are_told_as_each_language_writes_them() -> None:
    day = date(2026, 5, 1)

    assert [tell_day(day, language) for language in LANGUAGES] == [
        "ven. 1 mai 2026",
        "2026年5月1日(金)",
        "Fri 1 May 2026",
    ]


def test_instants_in_a_reason_are_told_in_the_rules_zone() -> None:
    reason = Reason(rule="told_date_kept", values=(("planned", "2026-06-12T22:00:00+00:00"),))

    assert "Sat 13 Jun 2026 00:00" in tell(reason, "en", zone_name="Europe/Paris")
