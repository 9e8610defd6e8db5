"""A mailbox in memory: what tests, stories and dry runs send their mails to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from services.notifications.carrier import AddressRefused, AnswerLost, ProviderAway
from services.notifications.sending import Hands

Fault = Literal["away", "lost_before", "lost_after"]
"""Down; the answer lost with nothing taken; the answer lost although the message was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as it arrived."""

    at: datetime
    """Its Date header: the domain clock's instant of sending."""
    to: tuple[str, ...]
    subject: str
    language: str
    message_id: str
    mail_id: str
    text: str
    html: str


@dataclass(slots=True)
class Mailbox:
    """Takes every mail and keeps it; ``faults`` are used up one per delivery, ``away`` holds until it is unset."""

    received: list[Received] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    away: bool = False
    refuses: set[str] = field(default_factory=set)
    """Addresses that do not exist."""
    can_tell: bool = True
    """Whether it can be asked for a Message-ID."""

    async def deliver(self, message: EmailMessage) -> None:
        """See ``Channel``."""
        fault = "away" if self.away else self.faults.pop(0) if self.faults else None
        if fault == "away":
            raise ProviderAway("the mailbox is away")
        if fault == "lost_before":
            raise AnswerLost("the connection broke before the mailbox answered")
        letter = received(message)
        if set(letter.to) <= self.refuses:
            raise AddressRefused(f"550 no such mailbox here: {len(letter.to)} recipient(s)")
        self.received.append(letter)
        if fault == "lost_after":
            raise AnswerLost("the connection broke after the mailbox took the message")

    async def was_delivered(self, message_id: str) -> bool | None:
        """See ``Channel``."""
        if self.away:
            raise ProviderAway("the mailbox is away")
        if not self.can_tell:
            return None
        return any(letter.message_id == message_id for letter in self.received)

    # --- looking ---

    def to(self, address: str) -> list[Received]:
        """What an address received, in order."""
        return [letter for letter in self.received if address in letter.to]

    def subjects(self, address: str) -> list[str]:
        """The subjects of what an address received."""
        return [letter.subject for letter in self.to(address)]

    def templates(self, address: str | None = None) -> list[str]:
        """Which templates arrived, in order: ``jp.payment_failed``."""
        letters = self.received if address is None else self.to(address)
        return [letter.mail_id.split("/")[-2] for letter in letters]


def received(message: EmailMessage) -> Received:
    """Read a message back from its bytes, as a mail program would."""
    parsed = BytesParser(policy=policy.default).parsebytes(message.as_bytes())
    assert isinstance(parsed, EmailMessage)  # noqa: S101 - what this policy makes
    return read_message(parsed)


def read_message(parsed: EmailMessage) -> Received:
    """The parts of a message that people and tests look at."""
    to = [one.addr_spec for name in ("To", "Cc") if parsed[name] for one in parsed[name].addresses]
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return Received(
        at=parsedate_to_datetime(parsed["Date"]),
        to=tuple(to),
        subject=str(parsed["Subject"]),
        language=str(parsed["Content-Language"]),
        message_id=str(parsed["Message-ID"]),
        mail_id=str(parsed["X-Relance-Mail"]),
        text=text.get_content() if text else "",
        html=html.get_content() if html else "",
    )


def memory_hands(
    transactions: Callable[[], AbstractAsyncContextManager[Any]], mailbox: Mailbox | None = None
) -> Hands:
    """What the memory engine gives to sending: transactions of its own store and a mailbox."""
    return Hands(channel=mailbox or Mailbox(), transactions=transactions)
