"""Checks, before anything is played, that every name a story uses is somebody it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from ops.stories.model import acts, expectations
from ops.stories.transitions import ALL
from ops.stories.writing import Place
from shared.events import VOCABULARY
from shared.events.words import CaseState, ReviewReason, Template

if TYPE_CHECKING:
    from ops.stories.cast import Cast

_FACTS: Final = {name.split(".", 1)[1]: kind for name, kind in VOCABULARY.items()} | dict(VOCABULARY)

_NEEDS = (
    acts.Attempt,
    acts.AtGateway,
    acts.MoneyBack,
    acts.Challenge,
    acts.Bank,
    acts.UpdatesMethod,
    acts.Authenticates,
    acts.Relaunches,
    acts.Pays,
    acts.Cancels,
    acts.Reports,
    acts.OpensMyPage,
    acts.BooksLesson,
    acts.CancelsLesson,
    acts.GrantsCredits,
    acts.Registers,
    expectations.CreditsExpected,
    expectations.LessonsExpected,
    expectations.SelfPaymentExpected,
)
"""Lines that are about one subscription and must name it where the story has several."""


_WORDS: Final[tuple[tuple[type[Any], str, str, tuple[str, ...]], ...]] = (
    (expectations.MailExpected, "mail", "mail", tuple(Template)),
    (expectations.MailsExpected, "mails", "mail", tuple(Template)),
    (expectations.OrderExpected, "order", "mail", tuple(Template)),
    (expectations.WaitingMailsExpected, "waiting_mails", "mail", tuple(Template)),
    (expectations.CaseExpected, "case", "state of a case", (*CaseState, "none")),
    (expectations.CaseExpected, "flags", "reason", tuple(ReviewReason)),
    (expectations.TransitionsExpected, "transitions", "transition", ALL),
    (acts.SettlesFlag, "reason", "reason", tuple(ReviewReason)),
    (acts.ReleasesMail, "template", "mail", tuple(Template)),
    (acts.DropsMail, "template", "mail", tuple(Template)),
)
"""Which key of which line holds words of which list."""


def check_names(cast: Cast) -> None:
    """See that subscriptions, learners and schools exist, and that a line's subscription is clear.

    Raises:
        StoryRefused: at the first line that does not hold.
    """
    story = cast.story
    held: tuple[tuple[str, Sequence[Any]], ...] = (("credits", story.credits), ("lessons", story.lessons))
    for kind, lines in held:
        for index, line in enumerate(lines):
            cast.subscription(line.subscription, kind, index)
    for index, path in enumerate(story.paths):
        cast.learner(path.learner, "paths", index, subscription=path.subscription)
    for place, line in _lines(cast):
        _check(cast, place, line)


def _lines(cast: Cast) -> Iterator[tuple[Place, Any]]:
    for index, entry in enumerate(cast.story.entries):
        yield ("happens", index), entry
        for number, one in enumerate(entry.expect):
            yield ("happens", index, "expect", number), one
    for index, one in enumerate(cast.story.expect):
        yield ("expect", index), one


def _check(cast: Cast, place: Place, line: Any) -> None:
    _check_words(cast, place, line)
    subscription, who = getattr(line, "subscription", None), getattr(line, "who", None)
    if who is not None:
        cast.learner(who, *place, "who")
    if getattr(line, "school", None) is not None:
        cast.school(line.school, *place, "school")
    if isinstance(line, _NEEDS):
        cast.subscription(subscription, *place, who=who)
    elif subscription is not None and not isinstance(line, expectations.RegistryExpected):
        cast.subscription(subscription, *place, "subscription")
    elif (isinstance(line, acts.OnCase) and line.case is None) or (
        isinstance(line, expectations.CaseExpected) and line.id is None
    ):
        cast.subscription(None, *place)


def _check_words(cast: Cast, place: Place, line: Any) -> None:
    """Facts, mails, states and transitions are called as they are: a misspelt one would never come, and no one see it."""
    if isinstance(line, expectations.FactExpected):
        _check_fact(cast, (*place, "fact"), line.fact, line.where)
    for kind, key, what, known in _WORDS:
        if isinstance(line, kind):
            for name in _names_under(line, key):
                _known(cast, (*place, key), what, name, known)
    if isinstance(line, expectations.OrderExpected):
        for step in line.order:
            if step.fact is not None:
                _check_fact(cast, (*place, "order"), step.fact, step.where)


def _names_under(line: Any, key: str) -> Iterator[str]:
    """The words under ``key``: one, several, or those of mails in a list."""
    found = getattr(line, key)
    for one in found if isinstance(found, tuple) else (found,):
        word = one if isinstance(one, str) else getattr(one, "mail", None)
        if word is not None:
            yield word


def _check_fact(cast: Cast, place: Place, name: str, where: Mapping[str, Any]) -> None:
    _known(cast, place, "fact", name, _FACTS)
    names = [field.name for field in fields(_FACTS[name])]
    for key in where:
        _known(cast, place, f"field of {name}", str(key).split(".", 1)[0], names)


def _known(cast: Cast, place: Place, what: str, name: str, known: Iterable[str]) -> None:
    words = [str(word) for word in known]
    if name in words:
        return
    close = get_close_matches(name, words, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(words)[:40])}"
    raise cast.refused(place, f"there is no {what} {name!r}: {hint}")
