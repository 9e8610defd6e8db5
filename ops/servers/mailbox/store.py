"""A mail that was accepted is never lost and never merged: one line per delivery, on disk before the answer.

`deliveries.jsonl` holds the envelope and the whole mail of each delivery, in the order of acceptance.
"""

from __future__ import annotations

import email
import email.message
import email.policy
import json
import os
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One acceptance of one mail.

    `at` is when it was accepted (UTC, the machine's clock; a story's own date is in the mail's Date header); `sender`
    and `recipients` are the envelope's; `message_id` is without angle brackets, empty when the mail has none.
    """

    id: int
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    subject: str
    date: str
    size: int
    place: int
    length: int

    def summary(self) -> dict[str, Any]:
        """What a list shows of it, ready for JSON."""
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "from": self.sender,
            "to": list(self.recipients),
            "message_id": self.message_id,
            "subject": self.subject,
            "date": self.date,
            "size": self.size,
        }


class Store:
    """The deliveries of one folder. One process, one store."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._writing = threading.Lock()
        self._deliveries: dict[int, Delivery] = {}
        self._last = self._end = 0
        self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def accept(self, sender: str, recipients: Sequence[str], raw: bytes) -> Delivery:
        """Keep a mail; it is on disk when this returns."""
        with self._writing:
            record = {
                "id": self._last + 1,
                "at": datetime.now(UTC).isoformat(),
                "from": sender,
                "to": list(recipients),
                # Latin-1 gives each byte a character of its own: any mail fits, and plain letters stay readable.
                "mail": raw.decode("latin-1"),
            }
            line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
            delivery = _delivery(record, self._end, len(line))
            self._remember(delivery)
            return delivery

    def search(
        self,
        *,
        to: str | None = None,
        message_id: str | None = None,
        subject: str | None = None,
        after: int = 0,
    ) -> list[Delivery]:
        """Deliveries in order that match everything given.

        Args:
            to: an address, compared without regard to case with the envelope's.
            message_id: with or without angle brackets.
            subject: a part of the subject, without regard to case.
            after: only those with a greater id.
        """
        found: Iterable[Delivery] = (entry for entry in self._deliveries.values() if entry.id > after)
        if to is not None:
            found = (
                entry for entry in found if to.casefold() in {name.casefold() for name in entry.recipients}
            )
        if message_id is not None:
            found = (entry for entry in found if entry.message_id == _bare(message_id))
        if subject is not None:
            found = (entry for entry in found if subject.casefold() in entry.subject.casefold())
        return list(found)

    def get(self, number: int) -> Delivery | None:
        """The delivery of this id."""
        return self._deliveries.get(number)

    def raw(self, delivery: Delivery) -> bytes:
        """The mail exactly as it was accepted."""
        mail: str = json.loads(os.pread(self._file.fileno(), delivery.length, delivery.place))["mail"]
        return mail.encode("latin-1")

    def clear(self) -> int:
        """Forget every delivery; how many there were. Ids go on where they were."""
        with self._writing:
            count = len(self._deliveries)
            self._file.truncate(0)
            os.fsync(self._file.fileno())
            self._deliveries.clear()
            self._end = 0
            return count

    def counts(self) -> dict[str, Any]:
        """How many deliveries, how many different mails, and which Message-IDs came more than once."""
        seen = Counter(entry.message_id for entry in self._deliveries.values() if entry.message_id)
        nameless = sum(1 for entry in self._deliveries.values() if not entry.message_id)
        return {
            "deliveries": len(self._deliveries),
            "distinct": len(seen) + nameless,
            "without_message_id": nameless,
            "duplicates": {name: count for name, count in seen.items() if count > 1},
        }

    def _remember(self, delivery: Delivery) -> None:
        self._deliveries[delivery.id] = delivery
        self._last, self._end = delivery.id, delivery.place + delivery.length

    def _read(self) -> None:
        """Take up what is there; a last line that a power cut left half written was never acknowledged and goes."""
        self._file.seek(0)
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            self._remember(_delivery(json.loads(line), self._end, len(line)))
        self._file.truncate(self._end)


def parse(raw: bytes) -> email.message.EmailMessage:
    """A mail's headers and parts."""
    return email.message_from_bytes(raw, policy=email.policy.default)


def body(mail: email.message.EmailMessage, kind: str) -> str | None:
    """The text of a mail's part (`plain` or `html`), if it has one that can be read."""
    part = mail.get_body(preferencelist=(kind,))
    if part is None:
        return None
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, ValueError):  # an unknown character set, or bytes that are not of the one it names
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else str(payload)


def _delivery(record: dict[str, Any], place: int, length: int) -> Delivery:
    raw = str(record["mail"]).encode("latin-1")
    mail = parse(raw)
    return Delivery(
        id=int(record["id"]),
        at=datetime.fromisoformat(record["at"]),
        sender=str(record["from"]),
        recipients=tuple(record["to"]),
        message_id=_bare(header(mail, "Message-ID")),
        subject=header(mail, "Subject"),
        date=header(mail, "Date"),
        size=len(raw),
        place=place,
        length=length,
    )


def header(mail: email.message.EmailMessage, name: str) -> str:
    """A header's text, empty when it is missing; a malformed one is shown as well as can be."""
    try:
        return str(mail.get(name, ""))
    except (ValueError, IndexError, AttributeError):  # the parser's own stumbles over broken headers
        return ""


def _bare(message_id: str) -> str:
    return message_id.strip().removeprefix("<").removesuffix(">")
