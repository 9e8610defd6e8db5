"""Checks, before anything is played, that every name a story uses is somebody it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ops.stories.model import acts, expectations
from ops.stories.writing import Place

if TYPE_CHECKING:
    from ops.stories.cast import Cast

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
