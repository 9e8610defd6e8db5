"""Who is in a story: every name resolved, every default filled in, every local time in its school's zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from ops.stories.model import acts, setup
from ops.stories.model.base import Part
from ops.stories.names import check_names
from ops.stories.reader import Read, StoryRefused
from ops.stories.rules import changed, policy_text, usual_price
from ops.stories.writing import Amount, Day, Moment, Place
from services.dunning.policies import Policy, policy_from_data, preset, read_policies
from shared.calendar.months import add_months
from shared.calendar.wall import local_date, start_of_day
from shared.errors import NotFound, Unreadable
from shared.events.words import Gateway, MethodKind
from shared.money import Money

_LONGEST: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolCast:
    """A school with its policy."""

    told: setup.School
    policy: Policy
    policy_data: dict[str, Any]
    is_preset: bool
    """Nothing of the preset was changed."""
    zone: str
    currency: str
    languages: tuple[str, ...]
    delivery_calendar: str

    @property
    def id(self) -> str:
        """The school's id."""
        return self.told.id


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerCast:
    """A learner with everything filled in."""

    id: str
    school: SchoolCast
    name: str
    email: str
    language: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCast:
    """A subscription with everything filled in."""

    id: str
    told: setup.Subscription
    school: SchoolCast
    learner: LearnerCast
    gateway: Gateway
    price: Money
    current_price: Money
    grandfathered: bool
    billing_day: int
    started_on: date
    method: MethodKind
    signs_up: bool = False
    """It does not exist before the learner signs up in the story."""


class Cast:
    """Everybody of one story.

    Raises:
        StoryRefused: a name, a policy or an instant cannot be resolved.
    """

    def __init__(self, read: Read) -> None:
        self.read = read
        self.story = read.story
        self.schools = {
            told.id: self._school(told, index) for index, told in enumerate(self.story.all_schools)
        }
        self.starts, self.until = self._span()
        self.learners = dict(self._learners())
        self.subscriptions = {
            name: self._subscription(name, told or setup.Subscription())
            for name, told in self.story.subscriptions.items()
        }
        self._sign_ups()
        check_names(self)

    # --- finding ---

    def school(self, name: str | None = None, *place: str | int) -> SchoolCast:
        """A school by its id; the only (or first) one."""
        if name is None:
            return next(iter(self.schools.values()))
        if name not in self.schools:
            raise self.refused(place, f"there is no school {name!r}: the story has {', '.join(self.schools)}")
        return self.schools[name]

    def subscription(self, name: str | None, *place: str | int, who: str | None = None) -> SubscriptionCast:
        """A subscription by its id; the only one of the story, or of the learner ``who``."""
        if name is not None:
            if name not in self.subscriptions:
                known = ", ".join(self.subscriptions) or "none"
                raise self.refused(place, f"there is no subscription {name!r}: the story has {known}")
            return self.subscriptions[name]
        mine = [one for one in self.subscriptions.values() if who in {None, one.learner.id}]
        if len(mine) != 1:
            known = ", ".join(self.subscriptions) or "none"
            raise self.refused(
                place, f"which subscription? name one with `subscription:` (the story has {known})"
            )
        return mine[0]

    def learner(self, name: str | None, *place: str | int, subscription: str | None = None) -> LearnerCast:
        """A learner by his id; the subscription's, or the only one of the story."""
        if name is not None:
            if name not in self.learners:
                raise self.refused(
                    place, f"there is no learner {name!r}: the story has {', '.join(self.learners)}"
                )
            return self.learners[name]
        if subscription is not None:
            return self.subscription(subscription, *place).learner
        if len(self.learners) != 1:
            raise self.refused(place, f"which learner? name one of {', '.join(self.learners) or 'none'}")
        return next(iter(self.learners.values()))

    @property
    def zone(self) -> str:
        """The zone of the story's first school: local times without another are read in it."""
        return self.school().zone

    def at(
        self, moment: Moment, *place: str | int, zone: str | None = None, before: datetime | None = None
    ) -> datetime:
        """The instant of a moment."""
        try:
            return moment.at(zone or self.zone, before)
        except Unreadable as error:
            raise self.refused(place, str(error)) from error

    def money(self, amount: Amount, currency: str, *place: str | int) -> Money:
        """The exact amount."""
        try:
            return amount.money(currency)
        except Unreadable as error:
            raise self.refused(place, str(error)) from error

    def refused(self, place: Place, what: str) -> StoryRefused:
        """A problem at that place of the file."""
        return StoryRefused([f"{self.read.file}:{self.read.page.line_of(place)}: {what}"])

    # --- filling in ---

    def _school(self, told: setup.School, index: int) -> SchoolCast:
        place: Place = ("schools", index) if self.story.schools else ("school",)
        data = self._policy_data(told, place)
        policy = self._policy(told, data, place)
        return SchoolCast(
            told=told,
            policy=policy,
            policy_data=data,
            is_preset=not told.set and told.own_policy is None and told.version == 1,
            zone=told.zone or policy.timezone,
            currency=told.currency or policy.currency,
            languages=tuple(told.languages or policy.languages),
            delivery_calendar=told.delivery_calendar or policy.notices.delivery_calendar,
        )

    def _policy(self, told: setup.School, data: dict[str, Any], place: Place) -> Policy:
        """The policy, held to the rules of a policy file; a problem names the line of the story that brings it in."""
        if told.own_policy is None and not told.set:
            return policy_from_data(data)
        reading = read_policies(policy_text(data), file=self.read.file)
        problems = [f"{problem.key}: {problem.message}; {problem.remedy}" for problem in reading.errors]
        if not problems and len(reading.policies) != 1:
            problems = [f"one policy is expected, found {', '.join(reading.policies) or 'none'}; keep one"]
        if problems:
            where = (*place, "own_policy" if told.own_policy is not None else "set")
            line = self.read.page.line_of(where)
            raise StoryRefused(
                [f"{self.read.file}:{line}: the policy cannot be used: {one}" for one in problems]
            )
        return next(iter(reading.policies.values()))

    def _policy_data(self, told: setup.School, place: Place) -> dict[str, Any]:
        if told.own_policy is not None:
            base = {"version": told.version, **told.own_policy}
            return changed(base, told.set, lambda what: self.refused((*place, "set"), what))
        try:
            base = preset(told.policy).to_data()
        except NotFound as error:
            raise self.refused((*place, "policy"), str(error)) from error
        base["version"] = told.version
        return changed(base, told.set, lambda what: self.refused((*place, "set"), what))

    def _learners(self) -> Iterator[tuple[str, LearnerCast]]:
        for name, told in self.story.learners.items():
            yield name, self._learner(name, told or setup.Learner())
        for name, subscription in self.story.subscriptions.items():
            learner = (subscription.learner if subscription else None) or name
            if learner not in self.story.learners:
                school = subscription.school if subscription else None
                yield learner, self._learner(learner, setup.Learner(school=school))

    def _learner(self, name: str, told: setup.Learner) -> LearnerCast:
        school = self.school(told.school, "learners", name, "school")
        return LearnerCast(
            id=name,
            school=school,
            name=told.name or name.replace("_", " ").replace("-", " ").title(),
            email=told.email or f"{name}@learners.example",
            language=told.language or school.languages[0],
            zone=told.zone or school.zone,
        )

    def _subscription(self, name: str, told: setup.Subscription) -> SubscriptionCast:
        place: Place = ("subscriptions", name)
        who = told.learner or name
        if who not in self.learners:
            raise self.refused((*place, "learner"), f"there is no learner {who!r}")
        learner = self.learners[who]
        school = self.school(told.school, *place, "school") if told.school else learner.school
        by_gateway = school.policy.attempts.executor == "gateway"
        gateway = (
            Gateway(told.gateway) if told.gateway else (Gateway.PAYPAL if by_gateway else Gateway.STRIPE)
        )
        usual = (
            MethodKind.CARD
            if gateway is Gateway.STRIPE
            else (MethodKind.PAYPAL_SUBSCRIPTION if by_gateway else MethodKind.PAYPAL)
        )
        price = self._price(told, school, place)
        current = self.money(told.current_price, school.currency, *place) if told.current_price else price
        billing_day = told.billing_day or (told.started.day.day if told.started else 1)
        return SubscriptionCast(
            id=name,
            told=told,
            school=school,
            learner=learner,
            gateway=gateway,
            price=price,
            current_price=current,
            grandfathered=current != price if told.grandfathered is None else told.grandfathered,
            billing_day=billing_day,
            started_on=told.started.day if told.started else self._some_months_ago(school, billing_day),
            method=MethodKind(told.method) if told.method else usual,
        )

    def _sign_ups(self) -> None:
        """Subscriptions that begin in the story itself."""
        for index, entry in enumerate(self.story.entries):
            if not isinstance(entry, acts.SignsUp):
                continue
            place: Place = ("happens", index)
            learner = self.learner(entry.who, *place)
            name = entry.subscription or learner.id
            if name in self.subscriptions:
                continue
            by_paypal = entry.gateway == "paypal" or (
                entry.gateway is None and entry.method.startswith("paypal_")
            )
            told = setup.Subscription(
                learner=learner.id,
                gateway="paypal" if by_paypal else "stripe",
                price=entry.price,
                billing_day=entry.billing_day,
                registered="never",
            )
            found = self._subscription(name, told)
            self.subscriptions[name] = replace(found, signs_up=True)

    def _price(self, told: setup.Subscription, school: SchoolCast, place: Place) -> Money:
        if told.price is not None:
            return self.money(told.price, school.currency, *place, "price")
        try:
            return usual_price(school.currency)
        except Unreadable as error:
            raise self.refused(place, str(error)) from error

    def _some_months_ago(self, school: SchoolCast, billing_day: int) -> date:
        return add_months(local_date(self.starts, school.zone), -4, anchor_day=billing_day)

    # --- time ---

    def _span(self) -> tuple[datetime, datetime]:
        named = sorted(self._moments())
        if self.story.starts is not None:
            starts = self.at(self.story.starts, "starts")
        elif named:
            starts = start_of_day(local_date(named[0], self.zone) - timedelta(days=1), self.zone)
        else:
            raise self.refused(
                ("story",), "nothing in this story has a date: write `starts:` or a line with `at:`"
            )
        if self.story.until is not None:
            return starts, self.at(self.story.until, "until", before=starts)
        return starts, max([starts, *named]) + _LONGEST

    def _moments(self) -> Iterator[datetime]:
        """Every instant that the story names, to know when it begins and ends."""
        before: datetime | None = None
        for index, entry in enumerate(self.story.entries):
            if entry.at is not None:
                before = self.at(entry.at, "happens", index, "at", before=before)
            for moment in _deep(entry):
                if isinstance(moment, Day) or moment.after is None:
                    yield self._instant(moment)
            if before is not None:
                yield before
        for moment in _deep(self.story.expect):
            if isinstance(moment, Moment) and moment.after is None:
                yield self._instant(moment)

    def _instant(self, moment: Moment | Day) -> datetime:
        if isinstance(moment, Day):
            return start_of_day(moment.day, self.zone)
        return moment.at(self.zone)


def _deep(value: Any) -> Iterator[Moment | Day]:
    if isinstance(value, Moment | Day):
        yield value
    elif isinstance(value, Part):
        for name in type(value).model_fields:
            if name not in {"period", "deadline", "expires"}:
                yield from _deep(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _deep(item)
