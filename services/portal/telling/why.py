"""Why? In plain words: what happened in order, and the reason that was recorded with each date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from markupsafe import Markup

from services.portal.domain.case import Case, Told
from services.portal.telling.speech import Speech
from shared import reason_words
from shared.calendar import Calendar, Language, built_in_calendars
from shared.errors import Refused
from shared.events.dunning import Because
from shared.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step of the story."""

    at: datetime
    text: Markup
    because: str = ""
    skipped: tuple[str, ...] = ()
    """Days that were passed over, and why."""
    rule: str = ""


def story_of(case: Case, speech: Speech) -> list[Line]:
    """Attempts and decisions in the order of their time."""
    told = [_line(one, speech) for one in case.story]
    tried = [
        Line(
            at=one.at,
            text=speech.t(
                f"why.attempt_{one.outcome}"
                if speech.has(f"why.attempt_{one.outcome}")
                else "why.attempt_failed",
                ordinal=one.ordinal,
                amount=speech.money(one.amount),
                reason=speech.word("decline", one.decline) if one.decline else "",
            ),
        )
        for one in case.attempts
    ]
    return sorted([*tried, *told], key=lambda line: line.at)


def _line(told: Told, speech: Speech) -> Line:
    values = {name: _value(text, speech) for name, text in (told.values or {}).items()}
    when = speech.deadline(told.when) if told.what.startswith("deadline") else speech.moment(told.when)
    name = f"why.{told.what}" if speech.has(f"why.{told.what}") else "why.other"
    text = speech.t(name, when=when, **values)
    because = told.because
    if because is None:
        return Line(at=told.at, text=text)
    return Line(
        at=told.at,
        text=text,
        because=reason_of(because, speech),
        skipped=tuple(skipped_days(because, speech)),
        rule=because.rule,
    )


def reason_of(because: Because, speech: Speech) -> str:
    """The recorded reason in the reader's language; its own English line where there is no sentence."""
    if because.word not in reason_words.SENTENCES:
        return because.text if speech.language == "en" else ""
    values = tuple(
        (name, int(text) if text.isdigit() else text) for name, text in sorted(because.values.items())
    )
    return reason_words.tell(
        Reason(rule=because.word, source=because.rule, values=values), speech.language, zone_name=speech.zone
    )


def skipped_days(because: Because, speech: Speech) -> list[str]:
    """Each day that did not count, with its name in the reader's language."""
    calendar = _calendar(because.calendar)
    return [_skipped(day, why, calendar, speech.language) for day, why in because.skipped]


def _skipped(day: date, why: str, calendar: Calendar | None, language: Language) -> str:
    told = reason_words.tell_day(day, language, short=True)
    closed = calendar.why_closed(day) if calendar is not None else None
    if closed is not None:
        return told if closed.why == "weekday" else f"{told} ({closed.name.get(language)})"
    return told if day.weekday() == 6 else f"{told} ({why})"


@cache
def _calendar(name: str | None) -> Calendar | None:
    try:
        return built_in_calendars().named(name) if name else None
    except Refused:
        return None


def _value(text: str, speech: Speech) -> str:
    try:
        return speech.day(date.fromisoformat(text))
    except ValueError:
        pass
    return str(speech.word("cause", text)) if speech.has(f"cause.{text}") else text
