"""How each line of a story is done: by the world outside, or by knocking at a service's door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ops.stories.engine import Answer
from ops.stories.performing import gateway, learner, machine, staff
from ops.stories.stage import Stage

Perform = Callable[[Any, Stage], Awaitable[Answer | None]]
"""``async (line, stage) -> the door's answer, or nothing where nobody was asked``."""

PERFORM: Final[dict[type[Any], Perform]] = {
    **gateway.PERFORM,
    **learner.PERFORM,
    **staff.PERFORM,
    **machine.PERFORM,
}

__all__ = ["PERFORM", "Perform"]
