"""What a school expects of whoever carries its mail: take it, refuse it for good, or say "not now"."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from typing import Protocol

from shared.errors import RelanceError, Transient


class ProviderAway(Transient):
    """The provider does not answer, is busy, or refuses us for now; nothing was taken."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AnswerLost(Transient):
    """The message was given and the answer never came: it may or may not have been taken."""


class AddressRefused(RelanceError):
    """This mail will never be taken: no such mailbox, or the message is not wanted."""


class Channel(Protocol):
    """One way for mails to leave."""

    async def deliver(self, message: EmailMessage) -> None:
        """Hand it over.

        Raises:
            AddressRefused: never again.
            ProviderAway: nothing was taken; later.
            AnswerLost: ask ``was_delivered`` before trying again.
        """
        ...

    async def was_delivered(self, message_id: str) -> bool | None:
        """Whether a message with this Message-ID was taken; ``None`` when the provider cannot tell."""
        ...
