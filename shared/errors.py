"""How Relance says that something cannot be done: refused, not now, or not readable.

Every message finishes the sentence "we could not, because ..." and says what to do next.
"""

from __future__ import annotations


class RelanceError(Exception):
    """The root of every error that Relance raises on purpose."""


class Refused(RelanceError):
    """A person or a system asked for something that the rules forbid; answered with ``status`` (4xx)."""

    def __init__(self, message: str, *, status: int = 409, code: str = "refused") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NotFound(Refused):
    """What was asked for does not exist, or not for whoever asks."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=404, code="not_found")


class Transient(RelanceError):
    """Something outside does not answer now; the same thing is tried again later, nothing is lost."""


class Unreadable(RelanceError):
    """A message that no rule of ours can make sense of; it is parked with this reason."""


class CalendarHorizon(RelanceError):
    """A date lies beyond the days a calendar knows: never answered with "no holidays" (R-X6)."""

    def __init__(self, calendar: str, asked: object, first: object, last: object) -> None:
        super().__init__(
            f"calendar {calendar!r} knows holidays from {first} to {last} only, and {asked} was asked for: "
            "refresh its table with `relance calendars refresh`, or correct the date"
        )
        self.calendar = calendar
