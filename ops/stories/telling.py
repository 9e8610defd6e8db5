"""Prints a story as it goes: each fact, mail, charge, act and state on a dated line, or as a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import partial
from typing import Any, Final

from ops.stories.engine import FactTold, MailLeft, MoneyTried, Seen, Trouble
from ops.stories.judging.local import local
from shared.money import Money

_ORDER: Final = ("kind", "story", "at", "local")
_ABOUT: Final = {"school_id", "occurred_at", "case_id", "subscription_id", "learner_id"}
_QUIET: Final = {"text", "data", "html", "because", "deadline_because", "policy_hash", "help_urls"}
"""Fields that are too long for a line; JSON has them."""

Write = Callable[[str], None]


@dataclass(slots=True)
class _Cursor:
    facts: int = 0
    mails: int = 0
    money: int = 0
    troubles: int = 0


class Teller:
    """Tells one story line by line; ``as_json`` for JSON Lines, ``plans`` to show plans that fell due too."""

    def __init__(
        self, write: Write, *, story: str, zone: str, as_json: bool = False, plans: bool = False
    ) -> None:
        self._write = write
        self._story = story
        self._zone = zone
        self._json = as_json
        self._plans = plans
        self._seen = _Cursor()

    def title(self, text: str, about: str) -> None:
        """The story begins."""
        if self._json:
            self._line("story", None, {"title": text, "about": about})
        else:
            self._write(f"\n{self._story}: {text}")

    def act(self, at: datetime, what: str, answer: str) -> None:
        """Somebody did something."""
        self._line("act", at, {"what": what, "answer": answer})

    def news(self, seen: Seen) -> None:
        """Everything that is new since the last time, by time."""
        cursor = self._seen
        told = [one for one in seen.facts[cursor.facts :] if self._plans or not one.envelope.fact.PLAN]
        lines: list[tuple[datetime, int, Callable[[], None]]] = [
            *((one.at, 0, partial(self._charge, one)) for one in seen.money[cursor.money :]),
            *((one.at, 1, partial(self._fact, one)) for one in told),
            *((one.at, 2, partial(self._mail, one)) for one in seen.mails[cursor.mails :]),
            *((one.at, 3, partial(self._trouble, one)) for one in seen.troubles[cursor.troubles :]),
        ]
        for _, _, tell in sorted(lines, key=lambda line: line[:2]):
            tell()
        self._seen = _Cursor(len(seen.facts), len(seen.mails), len(seen.money), len(seen.troubles))

    def state(self, at: datetime, what: str, found: Mapping[str, Any]) -> None:
        """How something stands."""
        self._line("state", at, {"what": what, **found})

    def expected(self, text: str, differences: list[str], place: str) -> None:
        """Whether an expectation came true."""
        for difference in differences:
            if self._json:
                self._line("difference", None, {"expected": text, "difference": difference, "place": place})
            else:
                self._write(f"  DIFFERS {place}: {difference}")

    def end(self, *, passed: bool, checked: int, transitions: list[str]) -> None:
        """The story is over."""
        if self._json:
            self._line("end", None, {"passed": passed, "checked": checked, "transitions": transitions})
        else:
            result = "came true" if passed else "DID NOT COME TRUE"
            self._write(f"  {checked} expectations {result}; transitions {' '.join(transitions) or 'none'}")

    # --- one line each ---

    def _fact(self, told: FactTold) -> None:
        fact = told.envelope.fact
        body = {field.name: getattr(fact, field.name) for field in fields(fact)}
        owner = (
            body.get("case_id") or body.get("subscription_id") or body.get("learner_id") or body["school_id"]
        )
        if self._json:
            facts = {"fact": told.envelope.type, "id": told.envelope.id, "cause": told.envelope.cause}
            self._line("fact", told.at, {**facts, "occurred_at": fact.occurred_at, "data": body})
            return
        late = (
            ""
            if abs(told.at - fact.occurred_at).total_seconds() < 1
            else f" occurred {local(fact.occurred_at, self._zone)}"
        )
        rest = " ".join(
            f"{name}={_short(value)}"
            for name, value in body.items()
            if name not in _ABOUT | _QUIET and value not in {None, ""} and not isinstance(value, dict | tuple)
        )
        self._line("fact", told.at, {"what": f"{told.envelope.type:<36} {owner} {rest}{late}".rstrip()})

    def _mail(self, mail: MailLeft) -> None:
        if self._json:
            body = {
                field.name: getattr(mail, field.name)
                for field in fields(mail)
                if field.name not in {"at", "html"}
            }
            self._line("mail", mail.at, body)
        else:
            what = f"{mail.template:<36} to {mail.to} ({mail.recipient}, {mail.language}): {mail.subject}"
            self._line("mail", mail.at, {"what": what})

    def _charge(self, tried: MoneyTried) -> None:
        body = {field.name: getattr(tried, field.name) for field in fields(tried) if field.name != "at"}
        what = f"{tried.outcome:<36} {tried.subscription_id} {tried.amount} at {tried.gateway} by {tried.by} ({tried.transaction_id})"
        self._line("charge", tried.at, body if self._json else {"what": what})

    def _trouble(self, trouble: Trouble) -> None:
        self._line("trouble", trouble.at, {"service": trouble.service, "what": trouble.what})

    def _line(self, kind: str, at: datetime | None, body: Mapping[str, Any]) -> None:
        if self._json:
            dated = {"at": at, "local": local(at, self._zone)} if at is not None else {}
            self._write(
                json.dumps(plain({"kind": kind, "story": self._story, **dated, **body}), ensure_ascii=False)
            )
            return
        rest = " ".join(
            f"{name}={_short(value)}" for name, value in body.items() if name != "what" and value != ""
        )
        text = " ".join(part for part in (str(body.get("what", "")), rest) if part)
        self._write(f"  {local(at, self._zone) if at else '':<51} {kind:<7} {text}")


def plain(value: Any) -> Any:
    """Any value as JSON has it: instants in UTC, amounts with their currency."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Money):
        return {"amount_minor": value.amount_minor, "currency": value.currency}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def _short(value: Any) -> str:
    found = plain(value)
    if isinstance(value, Money):
        return str(value).replace(" ", "")
    if isinstance(found, dict | list):
        return json.dumps(found, ensure_ascii=False)
    return str(found)
