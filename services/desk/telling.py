"""A case's timeline: what happened and when we heard of it, from every service, duplicates folded into one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.desk.domain.case import Case
from services.desk.speech import Speech

_AT_ONCE: Final = timedelta(seconds=90)
"""What reached us sooner than this after it happened came at once."""
_QUIET: Final = frozenset({"lesson_started", "booked", "consumed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line."""

    at: datetime
    kind: str
    """``case``, ``mail``, ``credits``, ``gateway``: its sign."""
    text: str
    because: str = ""
    received_at: datetime | None = None
    """When we heard of it, where that was not at once."""
    times: int = 1
    detail: str = ""


def timeline(speech: Speech, case: Case, told: Mapping[str, Any], people: Mapping[str, str]) -> list[Line]:
    """Everything in order of its own time, the oldest first."""
    lines = [
        *_of_dunning(case, told["detail"], people),
        *_of_mails(speech, told["mails"]),
        *_of_credits(speech, case, told["ledger"]),
    ]
    folded: dict[tuple[Any, ...], Line] = {}
    for line in sorted(lines, key=lambda one: one.at):
        name = (line.at, line.kind, line.text)
        known = folded.get(name)
        folded[name] = replace(known, times=known.times + 1) if known else line
    return list(folded.values())


def _of_dunning(case: Case, detail: Any, people: Mapping[str, str]) -> Iterator[Line]:
    received = dict(case.received)
    for one in (detail or {}).get("timeline", []):
        if one["code"] in {"mail_left", "mail_waits"}:
            continue  # notifications tells these with their reasons
        at, heard = _at(one["at"]), received.get(one["event"])
        text = one["text"]
        for person_id, email in people.items():
            text = text.replace(person_id, email)
        yield Line(
            at=at,
            kind="gateway" if one["code"].startswith("attempt_") else "case",
            text=text,
            because=one["because"] or "",
            received_at=heard if heard is not None and heard - at > _AT_ONCE else None,
        )


def _of_mails(speech: Speech, mails: Any) -> Iterator[Line]:
    for mail in mails or []:
        name = speech.w("templates", mail["template"])
        if mail["sender"] != "school":
            text = speech.t("timeline.external", sender=mail["sender"])
            yield Line(at=_at(mail["requested_at"]), kind="mail", text=text)
            continue
        for step in mail["steps"]:
            status = speech.w("mail_status", step["status"])
            because = speech.w("mail_because", step["because"]) if step["because"] else ""
            skipped = ", ".join(speech.closed_day(day, why) for day, why in step["skipped"])
            yield Line(
                at=_at(step["at"]),
                kind="mail",
                text=speech.t("timeline.mail", name=name, status=status),
                because=f"{because} ({skipped})" if skipped else because,
                detail=step["detail"],
            )


def _of_credits(speech: Speech, case: Case, ledger: Any) -> Iterator[Line]:
    opened = case.opened_at
    for entry in ledger or []:
        at = _at(entry["at"])
        if entry["kind"] in _QUIET or opened is None or (at < opened and entry["case_id"] != case.case_id):
            continue
        moved = sum(move["credits"] for move in entry["moves"])
        yield Line(
            at=at,
            kind="credits",
            text=speech.t("timeline.credits", kind=speech.w("credit_kinds", entry["kind"]), n=moved),
            detail=entry["ref"],
        )


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
