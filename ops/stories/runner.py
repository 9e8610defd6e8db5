"""Plays a story: time passes, lines are done at their hour, expectations are looked at, differences are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ops.stories.cast import Cast, SchoolCast
from ops.stories.engine import Answer, Engine, EngineStuck, NotOnThisEngine, Seen
from ops.stories.judging.happened import Happened
from ops.stories.judging.matching import Eye, get, shown
from ops.stories.judging.standing import LOOKS, Standing
from ops.stories.model import acts
from ops.stories.model.expectations import TroublesExpected
from ops.stories.performing import PERFORM
from ops.stories.performing.machine import UNDO
from ops.stories.performing.opening import must, open_story, registration
from ops.stories.reader import Read
from ops.stories.stage import CannotPlay, Stage, reason_of
from ops.stories.telling import Teller
from ops.stories.transitions import transitions_of
from ops.stories.writing import Moment, Place
from shared.errors import Unreadable

_LAST: Final = 1 << 30


@dataclass(slots=True)
class Played:
    """What came of a story."""

    id: str
    differences: list[str] = field(default_factory=list)
    """``file:line: what differs``."""
    checked: int = 0
    transitions: frozenset[str] = frozenset()
    seen: Seen = field(default_factory=Seen)
    left_out: str = ""
    """Why this engine cannot tell the story, if it cannot."""

    @property
    def passed(self) -> bool:
        """Everything came true."""
        return not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """Something to do at an instant; lines of the same instant keep their order."""

    at: datetime
    order: int
    place: Place
    line: Any
    act: str
    """``do``, ``undo``, ``look`` or ``register``."""


async def play(read: Read, engine: Engine, tell: Callable[[str, str], Teller] | None = None) -> Played:
    """Play one story from its beginning to its end; ``tell`` makes its teller from its id and zone.

    Raises:
        StoryRefused: a name or an instant of it cannot be resolved.
    """
    cast = Cast(read)
    played = Played(id=read.id)
    teller = tell(read.id, cast.zone) if tell else None
    await engine.open(cast.starts)
    try:
        await _Player(read, cast, engine, teller, played).play()
    except NotOnThisEngine as error:
        played.left_out = str(error)
    except EngineStuck as error:
        played.differences.append(f"{read.file}: {error}")
    finally:
        await engine.close()
    return played


class _Player:
    """One story on one engine."""

    def __init__(self, read: Read, cast: Cast, engine: Engine, teller: Teller | None, played: Played) -> None:
        self.read = read
        self.cast = cast
        self.engine = engine
        self.teller = teller
        self.played = played
        self.stage = Stage(engine=engine, cast=cast)

    async def play(self) -> None:
        """From the beginning to the end."""
        if self.teller:
            self.teller.title(self.read.story.story, self.read.story.about)
        try:
            await open_story(self.stage)
            for step in sorted(self._steps(), key=lambda step: (step.at, step.order)):
                await self._live_until(step.at)
                await self._do(step)
            await self._live_until(max(self.cast.until, self.engine.now()))
        except CannotPlay as error:
            self._differs(("story",), "the story", [str(error)])
            return
        await self._end()

    # --- the plan ---

    def _steps(self) -> Iterator[_Step]:
        before = self.cast.starts
        for index, line in enumerate(self.read.story.entries):
            place: Place = ("happens", index)
            if line.at is not None:
                before = line.at.at(self._zone_of(line), before)
            yield _Step(at=before, order=index, place=place, line=line, act="do")
            until = getattr(line, "until", None)
            if isinstance(until, Moment) and type(line) in UNDO:
                yield _Step(
                    at=until.at(self.cast.zone, before), order=index, place=place, line=line, act="undo"
                )
        for index, one in enumerate(self.read.story.expect):
            if isinstance(one, LOOKS) and one.at is not None:
                at = one.at.at(self._zone_of(one), self.cast.starts)
                yield _Step(at=at, order=_LAST, place=("expect", index), line=one, act="look")
        for name, subscription in self.cast.subscriptions.items():
            if isinstance(subscription.told.registered, Moment):
                at = subscription.told.registered.at(subscription.school.zone, self.cast.starts)
                yield _Step(at=at, order=-1, place=("subscriptions", name), line=subscription, act="register")

    def _school_of(self, line: Any) -> SchoolCast:
        """Whose zone and currency a line is read in: of its subscription or learner, else the story's first."""
        for name, known in (
            (getattr(line, "subscription", None), self.cast.subscriptions),
            (getattr(line, "who", None) or getattr(line, "learner", None), self.cast.learners),
        ):
            found: Any = known.get(name) if isinstance(name, str) else None
            if found is not None:
                school: SchoolCast = found.school
                return school
        return self.cast.school(getattr(line, "school", None))

    def _zone_of(self, line: Any) -> str:
        return self._school_of(line).zone

    def _eye(self, line: Any) -> Eye:
        school = self._school_of(line)
        return Eye(zone=school.zone, currency=school.currency, tolerance=self.engine.tolerance)

    async def _live_until(self, at: datetime) -> None:
        if at > self.engine.now():
            await self.engine.live_until(at)
            await self._tell()

    # --- one step ---

    async def _do(self, step: _Step) -> None:
        match step.act:
            case "do":
                await self._perform(step)
            case "undo":
                await UNDO[type(step.line)](step.line, self.stage)
            case "look":
                await self._look(step.line, step.place)
            case _:
                await must(self.stage, *registration(self.stage, step.line))
        await self._tell()

    async def _perform(self, step: _Step) -> None:
        line = step.line
        try:
            answer = await PERFORM[type(line)](line, self.stage)
        except (CannotPlay, Unreadable) as error:
            self._differs(step.place, _named(line), [str(error)])
            return
        if self.teller and not isinstance(line, acts.Look):
            self.teller.act(self.engine.now(), _named(line), _answered(answer))
        if isinstance(line, acts.Act) and answer is not None:
            self._judge_answer(line, answer, step.place)
        seen = await self.engine.seen() if line.expect else None
        for index, one in enumerate(line.expect):
            place = (*step.place, "expect", index)
            if isinstance(one, LOOKS):
                await self._look(one, place)
            elif seen is not None:
                self._judge_happened(one, seen, place)

    def _judge_answer(self, line: acts.Act, answer: Answer, place: Place) -> None:
        if not answer.ok and isinstance(answer.body, dict):
            self.stage.refusals.append(f"{_named(line)} {answer.body.get('title', '')}")
        self.played.checked += line.refused not in {None, False} or bool(line.answers)
        wrong = _wrong_answer(line, answer)
        if wrong:
            self._differs(place, _named(line), [wrong])
            return
        eye = self._eye(line)
        differences = [
            f"the answer has {key}: {shown(get(answer.body, key))}, and {value} was expected"
            for key, value in line.answers.items()
            if not eye.same(value, get(answer.body, key))
        ]
        if differences:
            self._differs(place, _named(line), differences)

    async def _look(self, one: Any, place: Place) -> None:
        self.played.checked += 1
        self._differs(place, _named(one), await Standing(self.stage, self._eye(one)).judge(one))

    def _judge_happened(self, one: Any, seen: Seen, place: Place) -> None:
        self.played.checked += 1
        happened = Happened(self.cast, seen, self._eye(one), self.stage.refusals)
        self._differs(place, _named(one), happened.judge(one))

    def _differs(self, place: Place, what: str, differences: list[str]) -> None:
        where = f"{self.read.file}:{self.read.page.line_of(place)}"
        self.played.differences += [f"{where}: {text}" for text in differences]
        if self.teller:
            self.teller.expected(what, differences, where)

    # --- the end ---

    async def _end(self) -> None:
        seen = self.played.seen = await self.engine.seen()
        if self.teller:
            self.teller.news(seen)
            await self._tell_states()
        for index, one in enumerate(self.read.story.expect):
            if not isinstance(one, LOOKS):
                self._judge_happened(one, seen, ("expect", index))
            elif one.at is None:
                await self._look(one, ("expect", index))
        if not any(isinstance(one, TroublesExpected) for one in self._all_expected()) and seen.troubles:
            texts = [
                f"{trouble.service} could not handle something: {trouble.what}" for trouble in seen.troubles
            ]
            self._differs(("story",), "no trouble", texts)
        facts = [told.envelope.fact for told in seen.facts]
        self.played.transitions = transitions_of(facts, self.stage.refusals)
        if self.teller:
            self.teller.end(
                passed=self.played.passed,
                checked=self.played.checked,
                transitions=sorted(self.played.transitions, key=lambda name: int(name[1:])),
            )

    def _all_expected(self) -> Iterator[Any]:
        yield from self.read.story.expect
        for line in self.read.story.entries:
            yield from line.expect

    async def _tell(self) -> None:
        if self.teller:
            self.teller.news(await self.engine.seen())

    async def _tell_states(self) -> None:
        """How everything stands at the end."""
        assert self.teller is not None  # noqa: S101 - asked only when somebody listens
        now = self.engine.now()
        for name, subscription in self.cast.subscriptions.items():
            for case in await self.stage.cases(name):
                self.teller.state(
                    now, f"case {case['case_id']}", {"is": case["state"], "flags": case["flags"]}
                )
            answer = await self.engine.call(
                "access", "GET", f"/access/{subscription.learner.id}?school={subscription.school.id}"
            )
            if answer.ok:
                self.teller.state(now, f"access of {subscription.learner.id}", {"is": answer.body["level"]})
            answer = await self.engine.call("credits", "GET", f"/subscriptions/{name}/credits")
            if answer.ok and answer.body["granted"]:
                pots = ("granted", "untouched", "reserved", "consumed", "forfeited", "expired", "held")
                self.teller.state(now, f"credits of {name}", {pot: answer.body[pot] for pot in pots})


def _wrong_answer(line: acts.Act, answer: Answer) -> str | None:
    reason = reason_of(answer)
    if line.refused in {None, False}:
        return None if answer.ok else f"it was refused ({answer.status}): {reason}"
    if answer.ok:
        return f"it was to be refused, and was taken ({answer.status})"
    if line.refused is True:
        return None
    code = answer.body.get("title", "") if isinstance(answer.body, dict) else ""
    wanted = str(line.refused)
    if wanted in {str(answer.status), code} or wanted.lower() in f"{reason} {answer.body}".lower():
        return None
    return f"it was to be refused with {wanted!r}, and was refused with {answer.status} {code}: {reason}"


def _named(line: Any) -> str:
    """A line in few words."""
    for word in ("learner", "staff", "machine", "attempt", "at_gateway", "money_back", "challenge"):
        value = getattr(line, word, None)
        if isinstance(value, str) and isinstance(line, acts.Entry):
            return f"{word} {value}"
    return type(line).__name__


def _answered(answer: Answer | None) -> str:
    if answer is None:
        return ""
    return f"{answer.status}" if answer.ok else f"{answer.status} {reason_of(answer)}"
