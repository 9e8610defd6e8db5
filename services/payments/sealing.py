"""Bodies of webhooks as they are kept: sealed at the door for a day, and then for whoever they speak of.

At the door nobody knows yet whose a webhook is, and there is no time to look: one key of the day seals them all. When
a webhook is settled, its body is sealed anew under its learner's key (or its payer's, or its own, where no learner is
known), and the day's key is lost once nothing lies under it any more. The body stays byte-exact throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import msgspec

from services.payments.store import PaymentsUnit, subject_of_payer
from shared.database import OvertakenError
from shared.events.words import Gateway
from shared.keys import Box, Keys, subject_of
from shared.transactions import Transactions

_AT_THE_DOOR: Final = b"\x01"
_OF_SUBJECT: Final = b"\x02"
"""How a sealed body begins; a clear one of an older version begins with zstd's own mark."""
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""Every compressed body begins so: it is left out of what is sealed, because each byte of a row counts (P12)."""
DOOR_KEPT: Final = timedelta(days=3)
"""A day's key lives at least so long: gateways deliver again, and translation may wait."""
_DEEPEST: Final = 4


def door_subject(day: date) -> str:
    """The day's key, as keys name it."""
    return f"_door/{day.isoformat()}"


class Sealer:
    """Seals and opens kept bodies; one per process. ``opened`` opens transactions of payments."""

    def __init__(self, opened: Transactions) -> None:
        self._opened = opened
        self._days: dict[date, Box] = {}

    # --- the door ---

    async def ready(self, days: Iterable[date]) -> None:
        """Have the keys of those days at hand: one look into the table per process and day."""
        for day in days:
            if day not in self._days:
                self._days = {**dict(list(self._days.items())[-1:]), day: await self._door(day)}

    async def forget_lost(self, days: Iterable[date]) -> bool:
        """Take up anew the keys that the table no longer has (it was restored, or the clock went back); whether any."""
        async with self._opened.looking() as unit:
            keys = Keys(unit)
            lost = {day for day in days if await keys.box(door_subject(day), make=False) is None}
        self._days = {day: box for day, box in self._days.items() if day not in lost}
        return bool(lost)

    def seal(self, compressed: bytes, dedupe_key: str, received_at: datetime) -> bytes:
        """One body at the door, 13 bytes longer; after ``ready``."""
        box = self._days[received_at.date()]
        return _AT_THE_DOOR + _sealed(box, compressed, dedupe_key, received_at)

    async def _door(self, day: date) -> Box:
        subject = door_subject(day)
        for _ in range(3):
            try:
                async with self._opened() as unit:
                    box = await Keys(unit).box(subject, make=True)
            except OvertakenError:
                continue  # another process made it at the same moment
            if box is not None:
                return box
        raise OvertakenError(
            f"the key {subject} could not be made: others made and lost it meanwhile; send it again"
        )

    # --- opening ---

    async def open_all(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, bytes | None]:
        """Dedupe key -> the compressed body; empty where it was forgotten or its key was lost on purpose.

        ``None`` where the key is neither there nor marked as lost: somebody took it away, and it may come back.
        """
        wanted = {subject for row in rows if (subject := _key_of(row))}
        boxes: dict[str, Box | None] = {}
        if wanted:
            async with self._opened.looking() as unit:
                keys = Keys(unit)
                await keys.fetch(sorted(wanted))
                for subject in wanted:
                    box = await keys.box(subject, make=False)
                    if box is not None or await keys.is_erased(subject):
                        boxes[subject] = box
        return {row["dedupe_key"]: _opened(row, boxes) for row in rows}


def _key_of(row: Mapping[str, Any]) -> str | None:
    mark = row["body"][:1]
    if mark == _AT_THE_DOOR:
        return door_subject(row["received_at"].date())
    return str(row["subject"]) if mark == _OF_SUBJECT else None


def _opened(row: Mapping[str, Any], boxes: Mapping[str, Box | None]) -> bytes | None:
    body: bytes = row["body"]
    subject = _key_of(row)
    if subject is None:
        return body
    if subject not in boxes:
        return None
    box, key = boxes[subject], row["dedupe_key"]
    opened = box.open_under(_nonce(key, row["received_at"]), body[1:], key.encode()) if box else None
    return b"" if opened is None else _ZSTD + opened


def _sealed(box: Box, compressed: bytes, dedupe_key: str, received_at: datetime) -> bytes:
    nonce = _nonce(dedupe_key, received_at)
    return box.seal_under(nonce, compressed.removeprefix(_ZSTD), dedupe_key.encode())


def _nonce(dedupe_key: str, received_at: datetime) -> bytes:
    """Of the row itself: no two rows have one key and one microsecond, and a body keeps both for life."""
    return blake2b(f"{dedupe_key}\x1f{received_at.timestamp():.6f}".encode(), digest_size=12).digest()


async def sealed_for(
    unit: PaymentsUnit, subject: str, dedupe_key: str, compressed: bytes, received_at: datetime
) -> bytes:
    """A body as it lies under its subject's key; nothing of an erased one."""
    if not compressed:
        return b""
    box = await Keys(unit).box(subject, make=True)
    return b"" if box is None else _OF_SUBJECT + _sealed(box, compressed, dedupe_key, received_at)


# --- whose it is ---

_PAYERS: Final = ("customer", "payer_id")
_IDS: Final = frozenset(
    """customer payer_id subscription subscription_id billing_agreement_id payment_intent invoice id custom_id
    custom""".split()
)


def ids_in(body: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of a gateway that a body speaks of, and those of its payer among them; nothing where it is unreadable."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return (), ()
    if not isinstance(told, dict):
        return (), ()
    data = told.get("data")
    about = data.get("object") if isinstance(data, dict) else told.get("resource")
    ids: dict[str, None] = {}
    payers: dict[str, None] = {}
    _collect(about, ids, payers, _DEEPEST)
    if isinstance(about, dict) and about.get("object") == "customer" and isinstance(about.get("id"), str):
        payers[about["id"]] = None
    return tuple(ids), tuple(payers)


def _collect(found: Any, ids: dict[str, None], payers: dict[str, None], depth: int) -> None:
    if not isinstance(found, dict) or not depth:
        return
    for name, value in found.items():
        if isinstance(value, dict):
            inner = value.get("id")
            if name in _IDS and isinstance(inner, str):
                ids[inner] = None
                if name in _PAYERS:
                    payers[inner] = None
            _collect(value, ids, payers, depth - 1)
        elif name in _IDS and isinstance(value, str) and value:
            ids[value] = None
            if name in _PAYERS:
                payers[value] = None


async def subjects_for(
    unit: PaymentsUnit, bodies: Mapping[str, tuple[Gateway, bytes, Iterable[str]]]
) -> dict[str, str]:
    """Dedupe key -> whose a body is: the learner by any id that is known, else the payer, else only itself.

    ``bodies`` give the gateway, the exact body, and further ids that were learnt while it was looked up.
    """
    seen = {key: (gateway, *ids_in(body), more) for key, (gateway, body, more) in bodies.items()}
    wanted = {f"{gateway}:{one}" for gateway, ids, _, more in seen.values() for one in (*ids, *more)}
    known = {one.key: one for one in await unit.references_of(wanted)}
    carried = {one for _, ids, _, _ in seen.values() for one in ids}
    names = {one.subscription_id for one in known.values()} | carried
    subscriptions = {one.subscription_id: one for one in await unit.subscriptions_named(names)}
    found: dict[str, str] = {}
    for key, (gateway, ids, payers, more) in seen.items():
        theirs = [known[name] for one in (*ids, *more) if (name := f"{gateway}:{one}") in known]
        theirs.sort(key=lambda one: one.role.tells_little)
        names_of = [one.subscription_id for one in theirs if not one.role.tells_nothing]
        whose = next((subscriptions[one] for one in (*names_of, *ids) if one in subscriptions), None)
        if whose is not None:
            found[key] = subject_of(whose.school_id, whose.learner_id)
        else:
            found[key] = subject_of_payer(gateway, payers[0]) if payers else f"_webhook/{key}"
    return found
