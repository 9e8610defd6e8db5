"""Who is in the crowd: learners by number, each living through one of a few histories under names of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import msgspec

from ops.simulation.checks import state_of
from ops.simulation.histories import HISTORIES, History
from ops.simulation.outside import Webhook, webhook_of
from ops.simulation.town import Town
from ops.simulation.world import FINE
from services.payments.news import AttemptNews, News, SubscriptionNews
from shared.events.wire import from_bytes
from shared.events.words import Gateway

NAMES: Final = (
    "fr-third-retry-pays",
    "jp-exhausted",
    "fr-stolen-card",
    "jp-third-try-pays",
    "fr-suspended",
    "jp-buyer-cancels",
)
"""Learner number n lives through the n-th of these, and so on around."""
_OFFICE: Final = "staff."
"""In the names of letters to the office: some are about many learners at once."""
_SHIFTED: Final = (
    b'"dunning.SchoolRegistered"',
    _OFFICE.encode(),
    # A mail whose answer was lost is asked for and tried again a moment later, which may be after office hours.
    b'"notifications.MailDeferred"',
    b'"notifications.MailFellDue"',
)
_NUMBER: Final = re.compile(rb"(?:ada|hana|HANA)(\d{6})")


def history_of(number: int) -> History:
    """The history of a learner under the learner's own names."""
    told = _by_name(NAMES[number % len(NAMES)])
    return replace(told, subscription_id=f"{told.subscription_id}{number:06d}", key=f"{told.key}{number:06d}")


def number_in(text: bytes) -> int | None:
    """Whom something is about: the number in the first of a learner's names."""
    found = _NUMBER.search(text)
    return int(found[1]) if found else None


def is_about_one(fact: bytes) -> bool:
    """Whether a fact is about one learner, and would be the same if there were no others."""
    return not any(word in fact for word in _SHIFTED)


def is_to_office(mail_id: str) -> bool:
    """Whether a letter is for the office."""
    return _OFFICE in mail_id


def nameless(text: str) -> str:
    """The same words about anybody."""
    return re.sub(r"(ada|hana|HANA)\d{6}", r"\1", text)


def answers_of(subscription_id: str) -> tuple[str | None, ...]:
    """What the bank says to each of our charges; the last one stays."""
    number = number_in(subscription_id.encode())
    return (None,) if number is None else history_of(number).answers


@dataclass(frozen=True, slots=True)
class Posted:
    """Something that happens at a gateway by itself."""

    gateway: Gateway
    told: News
    webhook: Webhook


def happens(number: int, which: int) -> Posted:
    """The ``which``-th thing that happens to a learner."""
    history = history_of(number)
    told = _under_own_name(_recorded(NAMES[number % len(NAMES)])[which], history)
    return Posted(gateway=history.gateway, told=told, webhook=webhook_of(history.gateway, told))


def _under_own_name(told: News, history: History) -> News:
    plain = _by_name(history.name).key
    body = msgspec.json.encode(told).replace(plain.encode(), history.key.encode())
    return msgspec.json.decode(body, type=type(told))


@cache
def _recorded(name: str) -> tuple[News, ...]:
    class Recorder:
        def happens(self, told: News, *, silent: bool = False) -> None:
            assert not silent  # noqa: S101 - histories with webhooks that never come are not in the crowd
            kept.append(told)

    kept: list[News] = []
    for happening in _by_name(name).happenings:
        happening.does(Recorder())  # type: ignore[arg-type]  # what a history asks of a bank
    assert all(isinstance(one, AttemptNews | SubscriptionNews) for one in kept)  # noqa: S101 - as above
    return tuple(kept)


@cache
def _by_name(name: str) -> History:
    """The history, until the last of its season ends: what comes after its own end is compared as well."""
    told = {one.name: one for one in HISTORIES}
    season = [told[one] for one in NAMES if told[one].policy_id == told[name].policy_id]
    return replace(told[name], ends=max(one.ends for one in season))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a history comes to when nothing goes wrong, in the simulation."""

    facts: Counter[str]
    """How many of each type about the learner, and by whom: the services that live there."""
    charges: int
    mails: Counter[str]
    level: str
    state: dict[str, Any]

    @property
    def told(self) -> int:
        """How many facts a learner means for the topics."""
        return self.facts.total()


@cache
def expected_of(name: str) -> Expected:
    """Lived through in fine weather.

    Raises:
        RuntimeError: even then something was violated.
    """
    town = Town(_by_name(name), 0, FINE)
    town.live()
    if town.world.violations:
        message = f"{name} is wrong without any fault: {town.world.violations[0]}"
        raise RuntimeError(message)
    facts: dict[str, str] = {}
    for log in town.machine.broker.log.values():
        for _, said in log:
            if said.value is not None and is_about_one(said.value):
                envelope = from_bytes(said.value)
                facts[envelope.id] = envelope.type
    found = Expected(
        facts=Counter(facts.values()),
        charges=len(town.bank.charges),
        mails=Counter(nameless(mail_id) for _, mail_id, _ in town.channel.taken if _OFFICE not in mail_id),
        level=next((str(notice.overall.level) for notice in town.platform.latest.values()), ""),
        state=state_of(town),
    )
    town.put_away()
    return found


def crowd_for(events: int) -> int:
    """How many learners mean at least so many facts on topics."""
    numbers: Iterator[int] = iter(range(10_000_000))
    told = 0
    for number in numbers:
        if told >= events and number:
            return number
        told += expected_of(NAMES[number % len(NAMES)]).told
    raise AssertionError  # pragma: no cover - nobody asks for so many
