"""A policy in plain words, and all its dates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import services.dunning.policies.explain as explaining
from services.dunning.policies import Policy, dates, preset, presets, with_overrides
from services.dunning.policies.explain import explain, phrases
from services.dunning.policies.readings import READINGS
from shared.calendar import LANGUAGES, Calendars, Language
from shared.errors import Refused
from shared.events.words import AccessLevel, Template
from tests.dunning.policies.conftest import At


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_is_explained_in_every_language(name: str, language: Language) -> None:
    sections = explain(preset(name), language)

    assert len(sections) == 8
    assert all(section.sentences for section in sections)
    assert not re.search(r"\{|\}", " ".join(" ".join(section.sentences) for section in sections))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_other_reading_has_words_too(language: Language) -> None:
    for code, switch in READINGS.items():
        for other in switch.others:
            policy = with_overrides(preset(switch.preset), {code: other})

            assert explain(policy, language)[0].heading


def test_every_phrase_is_there_in_three_languages_with_the_same_gaps() -> None:
    for key, texts in phrases().items():
        gaps = [set(re.findall(r"\{(\w+)\}", text)) for text in texts]

        assert all(texts), key
        assert gaps[0] == gaps[1] == gaps[2], key


def test_every_mail_and_every_access_level_has_a_name() -> None:
    assert [template for template in Template if f"mail.{template.value}" not in phrases()] == []
    assert [level for level in AccessLevel if f"access.{level.value}" not in phrases()] == []


def test_the_phrases_are_all_used() -> None:
    source = Path(explaining.__file__).read_text(encoding="utf-8")
    stems = set(re.findall(r"""["']([a-z_]+)[."']""", source)) | {"line", "if"}

    assert {key.split(".")[0] for key in phrases()} <= stems


def test_a_french_office_reads_the_french_procedure(french: Policy) -> None:
    text = "\n".join(sentence for section in explain(french, "fr") for sentence in section.sentences)

    assert "10 fois, les jours comptés 1 à 10 après l'échec" in text
    assert "Il s'achève à minuit, non au dernier refus." in text


def test_the_overview_holds_every_date_in_order(french: Policy, calendars: Calendars, paris: At) -> None:
    lines = dates.overview(french, calendars, [paris("2026-04-30 09:00")])
    retries = [line for line in lines if line.word == "retry"]
    (end,) = [line for line in lines if line.word == "deadline"]

    assert [line.when.at for line in lines] == sorted(line.when.at for line in lines)
    assert len(retries) == 10
    assert end.when.at.isoformat() == "2026-05-15T22:00:00+00:00"


def test_the_overview_plays_the_gateways_choices_through(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    lines = dates.overview(japanese, calendars, [tokyo("2026-07-10 20:10")])
    exhausted = {line.only_if: line.when.at for line in lines if line.word == "exhausted"}

    assert exhausted == {"earliest": tokyo("2026-07-16 19:00"), "latest": tokyo("2026-07-21 02:00")}


def test_the_overview_follows_what_really_failed(japanese: Policy, calendars: Calendars, tokyo: At) -> None:
    failures = [tokyo("2026-04-15 20:10"), tokyo("2026-04-20 20:10"), tokyo("2026-04-25 20:05")]
    found = {line.word: line.when.at for line in dates.overview(japanese, calendars, failures)}

    assert found["exhausted"] == failures[-1]
    assert found["guidance"] == tokyo("2026-04-27 10:00")
    assert found["resume_proposal"] == tokyo("2026-06-15 00:00")
    assert "forecast_opens" not in found


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_has_an_overview(name: str, calendars: Calendars, paris: At) -> None:
    assert dates.overview(preset(name), calendars, [paris("2026-06-01 09:00")])


def test_failures_are_given_in_order(japanese: Policy, calendars: Calendars, tokyo: At) -> None:
    with pytest.raises(Refused, match="in order"):
        dates.overview(japanese, calendars, [tokyo("2026-04-20 20:10"), tokyo("2026-04-15 20:10")])
