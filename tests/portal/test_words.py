"""Every sentence exists in every language, and every page can be read in each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.portal import api
from services.portal.telling.speech import sentences
from shared.declines import DeclineClass
from shared.events import Fact
from shared.events.words import AttemptKind, CaseState, ExhaustionCause, Template
from tests.portal.conftest import (
    ADA,
    ADA_SUB,
    ECOLE,
    HANA,
    HANA_SUB,
    JUNE,
    KOUMON,
    Town,
    announced_in_april,
    exhausted_in_april,
    failed_in_april,
    failed_in_june,
    guided_in_april,
    hana_has_credits,
    resumed_in_june,
    seen,
    suspended_in_june,
    utc,
)

LANGUAGES = ("fr", "ja", "en")
_HERE = Path(api.__file__).parent.parent


def test_every_sentence_is_told_in_three_languages_with_the_same_values() -> None:
    for name, told in sentences().items():
        assert set(told) == set(LANGUAGES), name
        values = {language: set(re.findall(r"\{(\w+)\}", text)) for language, text in told.items()}
        widest = set().union(*values.values())
        assert all(widest - found <= {"period", "month", "day"} for found in values.values()), name
        assert all(text.strip() for text in told.values()), name


def test_every_sentence_that_a_page_names_exists() -> None:
    known = sentences()
    for file in sorted((_HERE / "templates").glob("*.j2")):
        for name in re.findall(
            r'\bt\("([a-z_]+\.[a-z_0-9.]+[a-z0-9])"[,)]', file.read_text(encoding="utf-8")
        ):
            assert name in known, f"{file.name}: {name}"
    for file in sorted((_HERE / "api").glob("*.py")):
        for name in re.findall(r'Told\("([a-z_]+)"', file.read_text(encoding="utf-8")):
            assert f"told.{name}" in known
            assert f"told.{name}_title" in known


def test_every_word_of_the_vocabulary_has_its_own() -> None:
    known = sentences()
    for decline in DeclineClass:
        assert f"decline.{decline.value}" in known
        assert f"hint.{decline.value}" in known
    for kind in AttemptKind:
        assert f"kind.{kind.value}" in known
    for cause in ExhaustionCause:
        assert f"cause.{cause.value}" in known
    for template in Template:
        assert template.value.startswith("staff.") or f"mail.{template.value}" in known
    for state in CaseState:
        assert not state.is_terminal or f"why.closed_{state.value}" in known


FRENCH: list[tuple[str, list[Fact]]] = [
    ("2026-05-20T10:00:00Z", []),
    ("2026-06-01T12:00:00Z", failed_in_june()),
    ("2026-06-01T12:00:00Z", failed_in_june(DeclineClass.AUTHENTICATION_REQUIRED)),
    ("2026-06-12T22:00:01Z", failed_in_june()),
    ("2026-06-13T12:00:00Z", suspended_in_june()),
    ("2026-08-01T12:00:00Z", suspended_in_june()),
]
JAPANESE: list[tuple[str, list[Fact]]] = [
    ("2026-04-01T10:00:00Z", []),
    ("2026-04-16T00:00:00Z", failed_in_april()),
    ("2026-04-26T00:00:00Z", exhausted_in_april()),
    ("2026-04-28T00:00:00Z", guided_in_april()),
    ("2026-06-15T02:00:00Z", announced_in_april()),
    ("2026-06-17T02:00:00Z", announced_in_april()),
    ("2026-06-16T02:00:00Z", resumed_in_june()),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("now", "facts"), FRENCH)
async def test_every_french_page_reads_in_every_language(
    town: Town, language: str, now: str, facts: list[Fact]
) -> None:
    await town.hear(*facts)
    town.clock.move_to(utc(now))
    sub = f"/subscriptions/{ADA_SUB}"
    addresses = [
        "/premium", "/premium/start", "/mails", "/help", f"{sub}/method", f"{sub}/authenticate",
        f"{sub}/relaunch", f"{sub}/cancel", *([f"/cases/{JUNE}/why"] if facts else []),
    ]  # fmt: skip
    await _read_all(town, ECOLE, ADA, language, addresses)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("now", "facts"), JAPANESE)
async def test_every_japanese_page_reads_in_every_language(
    town: Town, language: str, now: str, facts: list[Fact]
) -> None:
    await town.hear(*hana_has_credits(), *facts)
    town.clock.move_to(utc(now))
    sub = f"/subscriptions/{HANA_SUB}"
    addresses = [
        "/my-page", "/mails", "/help", f"{sub}/report", f"{sub}/pay", f"{sub}/two-months", f"{sub}/credits",
        f"{sub}/cancel", *(["/cases/hana-jp~2026-04-15/why"] if facts else []),
    ]  # fmt: skip
    await _read_all(town, KOUMON, HANA, language, addresses)


async def _read_all(town: Town, school: str, name: str, language: str, addresses: list[str]) -> None:
    async with await town.browser(school, name, language=language) as browser:
        for address in addresses:
            page = await browser.get(address)
            assert page.status_code in {200, 409}, address
            assert f'<html lang="{language}">' in page.text
            text = seen(page.text)
            assert "{" not in text, address
            assert "**" not in text, address
            assert "None" not in text, address
            assert page.text.count("<h1") == 1, address
            assert len(page.content) < 60_000
