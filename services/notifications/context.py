"""What a template can say: the mail's data as a reader writes it, in the school's zone and in the reader's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from babel import Locale

from services.notifications.domain import Correspondence, Learner, Mail, Payment, School, Teacher
from services.notifications.wording import CARD_ENDING, CAUSES, METHODS, REASONS
from shared import formatting
from shared.calendar import Language, WallTime, instant, local_date
from shared.events.words import Audience
from shared.paypal_support import Desk, support_for

KEYS: Final = frozenset(
    """about amount amount_due attempt attempts_total authenticate_by billing_day charge_result closes_at
    closure_first closure_last closure_name covered current_price deadline_at decline detail due_at due_on
    exhausted_at forfeited_effective_on gateway grandfathered lesson_id method_label next_attempt_at
    next_billing_on opens_at outstanding paid_at paid_on path_deadline path_id path_title period period_end price
    queue reason received reference reopens_on resume_on retry_until starts_at temporary_method transaction_id
    tried_at tried_on window_first window_from window_last window_to""".split()
)
"""Every key that a mail's data may have; all optional."""

_LAST_DIGITS: Final = 4
_OPENS, _CLOSES = WallTime(19), WallTime(26)
_PAY_FROM, _PAY_UNTIL = WallTime(9), WallTime(23, 59)
_SAFE: Final = ("https://", "http://", "mailto:", "tel:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail with everybody it speaks of, at the instant it is written."""

    mail: Mail
    case: Correspondence
    school: School
    now: datetime
    learner: Learner | None = None
    teacher: Teacher | None = None
    payment: Payment | None = None

    @property
    def reader_language(self) -> str:
        """The language its reader asked for."""
        reader = self._reader
        if reader is None:
            return self.school.languages[0] if self.school.languages else ""
        return reader.language

    @property
    def reader_zone(self) -> str:
        """Where its reader lives, as far as known."""
        reader = self._reader
        return (reader.zone if reader else "") or self.school.zone

    @property
    def reader_name(self) -> str:
        """Whom it greets."""
        reader = self._reader
        return reader.name if reader else ""

    @property
    def _reader(self) -> Learner | Teacher | None:
        if self.mail.audience is Audience.OFFICE:
            return None
        return self.teacher if self.mail.audience is Audience.TEACHER else self.learner


class Data:
    """A mail's data by name; what is absent is empty, a name that no mail has is a mistake in a template."""

    def __init__(self, data: Mapping[str, str]) -> None:
        self._data = data

    def __getattr__(self, name: str) -> str:
        if name not in KEYS:
            raise AttributeError(f"no mail carries {name!r}: correct the template, or add the word to KEYS")
        return self._data.get(name, "")


class Context:
    """The names that a template of one letter finds."""

    def __init__(self, letter: Letter, language: Language, desks: Mapping[str, Desk]) -> None:
        self.letter = letter
        self.language = language
        self.zone = letter.school.zone
        self.data = letter.mail.data
        self._desks = desks

    def names(self) -> dict[str, Any]:
        """Everything at once; a few dozen small strings."""
        letter, language = self.letter, self.language
        case, forfeited = letter.case, letter.case.forfeited
        return {
            "d": Data(self.data),
            "name": letter.reader_name,
            "school": letter.school.name,
            "support": letter.school.support_contact,
            "zone": formatting.zone_label(self.zone, language),
            "case_id": case.case_id,
            "learner_id": case.learner_id,
            "subscription_id": case.subscription_id,
            "url": self.url,
            "money": _maybe(lambda text: formatting.amount(formatting.parse_money(text), language)),
            "day": _maybe(lambda text: formatting.day(_date(text), language)),
            "short_day": _maybe(lambda text: formatting.short_day(_date(text), language)),
            "month": _maybe(lambda text: formatting.month(_date(text), language)),
            "moment": _maybe(lambda text: formatting.moment(_at(text), self.zone, language)),
            "deadline": _maybe(lambda text: formatting.deadline(_at(text), self.zone, language)),
            "local": _maybe(lambda text: self._abroad(_at(text))),
            "period": self._period,
            "requested": formatting.moment(letter.mail.requested_at, self.zone, language),
            "tried": self._evening("tried_at", "tried_on"),
            "tried_local": self._abroad(self._instant("tried_at")),
            "paid": self._evening("paid_at", "paid_on") or self._day("paid_on"),
            "next_window": self._window("window_first", "window_last"),
            "next_window_local": self._window_abroad("window_first", "window_last"),
            "debit_window": self._window("next_billing_on", "next_billing_on"),
            "debit_window_local": self._window_abroad("next_billing_on", "next_billing_on"),
            "debit_hours": self._debit_hours(),
            "billing_day": self._billing_day("billing_day"),
            "resume_billing_day": self._billing_day("resume_on"),
            "resume_local": self._resume_abroad(),
            "is_today": self._is_today("resume_on"),
            "covered": self._covered(),
            "lessons": [self._both(starts_at) for _, starts_at in case.lessons],
            "lesson_at": self._lesson(),
            "lesson_local": self._abroad(self._instant("starts_at")),
            "forfeited": {"untouched": forfeited.untouched, "reserved": forfeited.reserved}
            if forfeited
            else None,
            "effective_on": forfeited.effective_on.isoformat()
            if forfeited and forfeited.effective_on
            else "",
            "outstanding": self._difference(),
            "over": self._is_over(),
            "method": self._method(),
            "temporary_method": self._word(METHODS, "temporary_method"),
            "reason": self._word(REASONS, "reason"),
            "cause": self._word(CAUSES, "reason"),
            "had_old_price": self.data.get("grandfathered") == "yes" or self._was_grandfathered,
            "closure_debit": self._closure_debit(self._window),
            "closure_debit_local": self._closure_debit(self._window_abroad),
            "queue": json.loads(self.data["queue"]) if self.data.get("queue") else [],
            "paypal": support_for(
                self._desks, self._card_country, country_name=self._country_name(), language=language
            ),
        }

    def url(self, key: str) -> str:
        """An address from the school's own list, else its site; nothing where neither is safe to follow."""
        found = self.letter.school.help_urls.get(key, "")
        if not found and key in {"premium", "authenticate", "relaunch", "resume_path", "my_page"}:
            found = self.letter.school.site_url
        return found if found.startswith(_SAFE) else ""

    # --- the data by type ---

    def _instant(self, key: str) -> datetime | None:
        text = self.data.get(key)
        return _at(text) if text else None

    def _on(self, key: str) -> date | None:
        text = self.data.get(key)
        return _date(text) if text else None

    def _wall(self, key: str, default: WallTime) -> WallTime:
        text = self.data.get(key)
        return WallTime.parse(text) if text else default

    def _word(self, words: Mapping[str, Mapping[Language, str]], key: str) -> str:
        word = self.data.get(key, "")
        return words[word][self.language] if word in words else word

    def _method(self) -> str:
        label = self.data.get("method_label", "")
        if len(label) == _LAST_DIGITS and label.isdigit():
            return CARD_ENDING[self.language].format(digits=label)
        return self._word(METHODS, "method_label")

    @property
    def _was_grandfathered(self) -> bool:
        return self.letter.payment is not None and self.letter.payment.grandfathered

    def _closure_debit(self, write: Callable[[str, str], str]) -> str:
        """The charge that falls into the closure: an expected attempt, else the due day that lies in it (J38)."""
        if self._on("window_first") is not None:
            return write("window_first", "window_last")
        first, last = self._on("closure_first"), self._on("closure_last")
        for key in ("next_billing_on", "period"):
            on = self._on(key)
            if on is not None and (first is None or last is None or first <= on <= last):
                return write(key, key)
        return ""

    # --- how it is written ---

    def _abroad(self, at: datetime | None) -> str:
        """The reader's own clock, empty where it shows the same as the school's."""
        theirs = self.letter.reader_zone
        if at is None or formatting.same_clock(at, self.zone, theirs):
            return ""
        return formatting.moment(at, theirs, self.language)

    def _both(self, at: datetime) -> str:
        here, there = formatting.moment(at, self.zone, self.language), self._abroad(at)
        return f"{here} / {there}" if there else here

    def _evening(self, at_key: str, on_key: str) -> str:
        at = self._instant(at_key)
        if at is None:
            return ""
        service_day = self._on(on_key) or local_date(at, self.zone)
        return formatting.evening(at, service_day, self.zone, self.language)

    def _day(self, key: str) -> str:
        on = self._on(key)
        return formatting.day(on, self.language) if on else ""

    def _period(self, first: str, last: str) -> str:
        if not first or not last:
            return ""
        return formatting.period(_date(first), _date(last), self.language)

    def _window(self, first_key: str, last_key: str) -> str:
        first, last = self._on(first_key), self._on(last_key)
        if first is None:
            return ""
        opens, closes = self._wall("window_from", _OPENS), self._wall("window_to", _CLOSES)
        return formatting.window(first, last or first, opens, closes, self.zone, self.language)

    def _window_abroad(self, first_key: str, last_key: str) -> str:
        first, last = self._on(first_key), self._on(last_key)
        if first is None:
            return ""
        opens, closes = self._wall("window_from", _OPENS), self._wall("window_to", _CLOSES)
        start, end = formatting.window_instants(first, last or first, opens, closes, self.zone)
        return self._span_abroad(start, end)

    def _span_abroad(self, start: datetime, end: datetime) -> str:
        theirs = self.letter.reader_zone
        if formatting.same_clock(start, self.zone, theirs):
            return ""
        return formatting.span(start, end, theirs, self.language)

    def _debit_hours(self) -> str:
        opens, closes = self._wall("window_from", _OPENS), self._wall("window_to", _CLOSES)
        return formatting.hours(opens, closes, self.zone, self.language)

    def _billing_day(self, key: str) -> str:
        text = self.data.get(key, "")
        number = int(text) if text.isdigit() else _date(text).day if text else 0
        return formatting.day_of_month(number, self.language) if number else ""

    def _resume_abroad(self) -> str:
        on = self._on("resume_on")
        if on is None:
            return ""
        return self._span_abroad(instant(on, _PAY_FROM, self.zone), instant(on, _PAY_UNTIL, self.zone))

    def _is_today(self, key: str) -> bool:
        return self._on(key) == local_date(self.letter.now, self.zone)

    def _covered(self) -> list[str]:
        pairs = [pair.split("/") for pair in self.data.get("covered", "").split(",") if "/" in pair]
        return [self._period(first, last) for first, last in pairs]

    def _lesson(self) -> str:
        at = self._instant("starts_at")
        return formatting.moment(at, self.zone, self.language) if at else ""

    def _difference(self) -> str:
        """What is missing, or what is too much, without a sign."""
        text = self.data.get("outstanding")
        if not text:
            return ""
        money = formatting.parse_money(text)
        return f"{abs(money.amount_minor)} {money.currency}"

    def _is_over(self) -> bool:
        text = self.data.get("outstanding")
        return bool(text) and formatting.parse_money(text or "").amount_minor < 0

    @property
    def _card_country(self) -> str | None:
        return self.letter.payment.card_country if self.letter.payment else None

    def _country_name(self) -> str:
        code = self._card_country
        return Locale(self.language).territories.get(code.upper(), code) if code else ""


def _maybe(write: Callable[[str], str]) -> Callable[[str | None], str]:
    """An absent value is written as nothing."""
    return lambda text: write(text) if text else ""


def _date(text: str) -> date:
    return date.fromisoformat(text)


def _at(text: str) -> datetime:
    return formatting.parse_instant(text)
