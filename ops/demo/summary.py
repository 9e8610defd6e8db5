"""What a newcomer should have seen in the four stories, in a few lines each, from what really came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ops.stories.engine import Seen
from shared.events import access, credits, dunning, name_of
from shared.events.words import AttemptKind

Line = tuple[str, str]
"""What, and what came of it."""


def summary_of(seen: Seen, zone: str) -> list[Line]:
    """The lines of one story, by what happened in it."""
    story = _Story(seen=seen, facts=[one.envelope.fact for one in seen.facts], zone=ZoneInfo(zone))
    return [
        line
        for tell in (_attempts, _retries, _suspension, _lessons, _coverage, _end, _mails)
        for line in tell(story)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    seen: Seen
    facts: Sequence[Any]
    zone: ZoneInfo

    def at(self, instant: datetime) -> str:
        """As people of the school read it."""
        local = instant.astimezone(self.zone)
        return f"{local:%a %d %b %H:%M}" + (f":{local:%S}" if local.second else "")

    def of(self, *kinds: type[Any]) -> list[Any]:
        """The facts of these kinds."""
        return [fact for fact in self.facts if isinstance(fact, kinds)]


def _attempts(story: _Story) -> list[Line]:
    """What the gateway tried by itself."""
    tried = [one for one in story.seen.money if one.by == "gateway"]
    return (
        [("the gateway tried", ", ".join(f"{story.at(one.at)} {one.outcome}" for one in tried))]
        if tried
        else []
    )


def _retries(story: _Story) -> list[Line]:
    ours = [one for one in story.of(dunning.AttemptRequested) if one.kind is AttemptKind.RENEWAL]
    if not ours:
        return []
    days = ", ".join(story.at(one.occurred_at)[:10] for one in ours)
    return [(f"{len(ours)} retries of ours", f"{days}; at {story.at(ours[0].occurred_at)[11:]}")]


def _suspension(story: _Story) -> list[Line]:
    return [
        (
            "access fell",
            f"{story.at(one.occurred_at)} to {one.level} (= {one.occurred_at:%Y-%m-%dT%H:%M:%SZ})",
        )
        for one in story.of(access.AccessSuspended)
    ]


def _lessons(story: _Story) -> list[Line]:
    """Lessons first, then the credits (J18)."""
    order = story.of(credits.LessonCancelledByAdmin, credits.CreditsForfeited)
    return [("in this order", ", then ".join(name_of(type(one)) for one in order))] if order else []


def _coverage(story: _Story) -> list[Line]:
    return [
        ("two months were paid", f"the resumption is proposed for {one.proposed_resume_on:%d %B}")
        for one in story.of(dunning.CoverageSettled)
    ]


def _end(story: _Story) -> list[Line]:
    words = {
        dunning.CaseRecovered: "recovered",
        dunning.CaseRelaunched: "relaunched",
        dunning.CaseResumed: "resumed",
    }
    return [
        (word, f"{story.at(one.occurred_at)}, next billed on {_day(one)}")
        for kind, word in words.items()
        for one in story.of(kind)
    ]


def _day(fact: Any) -> str:
    day = getattr(fact, "next_billing_on", None)
    return f"{day:%d %B %Y}" if day else "the usual day"


def _mails(story: _Story) -> list[Line]:
    return [(f"{len(story.seen.mails)} mails", ", ".join(one.template for one in story.seen.mails))]
