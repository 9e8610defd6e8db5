"""What a person filled in, read into what an owner takes; what cannot be read is said beside its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from services.desk.api.common import Staff, text_of
from services.desk.domain.acts import Act
from services.desk.domain.case import Case
from shared.calendar import end_of_day, start_of_day
from shared.errors import Unreadable
from shared.money import Money


@dataclass(slots=True, kw_only=True)
class Filled:
    """A form as it was read."""

    values: dict[str, str]
    """As they were typed, or as they are proposed."""
    body: dict[str, Any] = field(default_factory=dict)
    """For the owner."""
    wrong: dict[str, str] = field(default_factory=dict)
    """Field to the word of what is wrong with it."""

    @property
    def is_good(self) -> bool:
        """Everything can be read."""
        return not self.wrong


def filled(me: Staff, case: Case, detail: Any, act: Act, form: Mapping[str, Any]) -> Filled:
    """Read the fields of an act; those that were not sent are proposed."""
    is_sent = "sent" in form
    proposed = proposals(me, case, detail, act)
    names = (*act.fields, "note")
    values = {name: text_of(form, name) if is_sent else proposed.get(name, "") for name in names}
    found = Filled(values=values)
    for name in names:
        _READ.get(name, _text)(found, name, values[name], me, case)
    if act.needs_note and not values["note"]:
        found.wrong["note"] = "needed"
    if not is_sent:
        found.wrong.setdefault("", "new")
    return found


def proposals(me: Staff, case: Case, detail: Any, act: Act) -> dict[str, str]:
    """What stands in the fields before anybody typed."""
    guidance = (detail or {}).get("guidance") or {}
    money = case.asked if act.word == "guidance" else case.outstanding
    proposed = {
        "amount": money.decimal_text if money else "",
        "reference": case.reference or f"{case.learner_id}-{case.period:%y%m}".upper(),
        "day": str(guidance.get("proposed_on") or case.proposed_on or "")
        if act.word == "resume-date"
        else "",
        "received_on": me.speech.today.isoformat(),
        "keep_access": "yes",
        "release_credits": "yes",
        "due_on": "",
        "method": "bank_transfer",
    }
    questions = (detail or {}).get("questions") or []
    if questions:
        proposed["question"] = f"{questions[0]['reason']}|{questions[0]['about']}"
    return proposed


def _text(found: Filled, name: str, value: str, me: Staff, case: Case) -> None:
    del me, case
    found.body[name] = value[:500]


def _amount(found: Filled, name: str, value: str, me: Staff, case: Case) -> None:
    del me
    currency = (case.asked or case.amount or Money(0, "EUR")).currency
    try:
        money = Money.parse(
            value.replace(",", "").replace("\u00a0", "") if currency == "JPY" else value.replace(",", "."),
            currency,
        )
    except Unreadable:
        found.wrong[name] = "amount"
        return
    if money.amount_minor <= 0:
        found.wrong[name] = "amount"
    found.body[name] = {"amount_minor": money.amount_minor, "currency": money.currency}


def _date(found: Filled, name: str, value: str, me: Staff, case: Case) -> None:
    del me, case
    if not value and name in {"due_on", "day"}:
        if name == "day":
            found.wrong[name] = "day"
        found.body[name] = None
        return
    try:
        found.body[name] = date.fromisoformat(value).isoformat()
    except ValueError:
        found.wrong[name] = "day"


def _received(found: Filled, name: str, value: str, me: Staff, case: Case) -> None:
    _date(found, name, value, me, case)
    day = found.body.pop(name, None)
    if day is None:
        found.wrong[name] = "day"
    elif date.fromisoformat(day) > me.speech.today:
        found.wrong[name] = "future"
    elif date.fromisoformat(day) == me.speech.today:
        found.body["received_at"] = me.now.isoformat()
    else:
        noon = start_of_day(date.fromisoformat(day), me.school.zone) + timedelta(hours=12)
        found.body["received_at"] = noon.isoformat()


def _deadline(found: Filled, name: str, value: str, me: Staff, case: Case) -> None:
    _date(found, name, value, me, case)
    day = found.body.pop(name, None)
    if day is None:
        found.wrong[name] = "day"
    else:
        found.body["deadline_at"] = end_of_day(date.fromisoformat(day), me.school.zone).isoformat()


def _question(found: Filled, name: str, value: str, me: Staff, case: Case) -> None:
    del me, case
    reason, _, about = value.partition("|")
    if not reason:
        found.wrong[name] = "choose"
    found.body |= {"reason": reason, "about": about or None}


def _yes(found: Filled, name: str, value: str, me: Staff, case: Case) -> None:
    del me, case
    found.body[name] = value == "yes"


_READ = {
    "amount": _amount,
    "due_on": _date,
    "day": _date,
    "received_on": _received,
    "deadline": _deadline,
    "question": _question,
    "keep_access": _yes,
    "release_credits": _yes,
}
