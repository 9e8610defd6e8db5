"""Keys of people: whatever is kept of a person is sealed with a key of their own, and erasing is losing the key.

A data key (AES-256-GCM) belongs to one subject of one service (a learner, a webhook's payer) and lies in that
service's ``subject_keys``, wrapped by a master key that is in no database (``RELANCE_MASTER_KEYS``). A key that was
erased leaves a tombstone: nothing can be sealed for that subject any more, so a replay brings nothing back
(docs/decisions/0040).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.shelf import Table

SHORTEST: Final = 32
"""Characters of a master key: ``openssl rand -hex 32`` gives twice as many."""
SEALED: Final = "sealed:"
"""How a sealed text begins; a text without it is from before texts were sealed."""
ERASED: Final = ""
"""What is read where the key is gone."""

PLACEHOLDER: Final = "[erased]"
"""What people are shown in its place."""

_NONCE: Final = 12
_TOKEN: Final = re.compile(r"sealed:[A-Za-z0-9_-]+")
_INDEX: Final = "_index"


class Masters:
    """The master keys: the first wraps, each of them unwraps, so that one can take another's place."""

    def __init__(self, texts: Sequence[str]) -> None:
        keys = [hashlib.sha256(b"relance master\x1f" + text.encode()).digest() for text in texts]
        self.ids: Final = tuple(hashlib.sha256(key).hexdigest()[:8] for key in keys)
        self._boxes: Final[Mapping[str, AESGCM]] = {
            name: AESGCM(key) for name, key in zip(self.ids, keys, strict=True)
        }

    @property
    def first(self) -> str:
        """The id of the one that wraps."""
        return self.ids[0]

    def wrap(self, subject: str, data_key: bytes) -> str:
        """A data key as it is kept; it opens for this subject only."""
        nonce = os.urandom(_NONCE)
        return _text(nonce + self._boxes[self.first].encrypt(nonce, data_key, subject.encode()))

    def unwrap(self, master: str, subject: str, wrapped: str) -> bytes:
        """The data key again.

        Raises:
            MasterMissing: it was wrapped by a master that is not in the settings, or was changed by somebody.
        """
        box = self._boxes.get(master)
        raw = _bytes(wrapped)
        try:
            if box is not None:
                return box.decrypt(raw[:_NONCE], raw[_NONCE:], subject.encode())
        except InvalidTag:
            pass
        raise MasterMissing(
            f"we could not read what is kept of {subject} because its key was wrapped by master {master}, which "
            "RELANCE_MASTER_KEYS does not name: put that master behind the first one, separated by a comma"
        )


class MasterMissing(Exception):
    """A key cannot be unwrapped with the masters at hand."""


ONLY_FOR_TESTS: Final = Masters(["only-for-tests-and-demonstrations"])
_in_use: list[Masters] = [ONLY_FOR_TESTS]


def use(masters: Masters) -> None:
    """From now on this process wraps and unwraps with these; called by each composition root."""
    _in_use[:] = [masters]


def current() -> Masters:
    """The masters of this process."""
    return _in_use[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectKey:
    """The key of one subject, wrapped; or the mark that it is gone for good."""

    subject: str
    wrapped: str
    """Empty once it was erased."""
    master: str
    """The id of the master that wrapped it; empty once it was erased."""
    made_at: datetime
    erased_at: datetime | None = None


KEYS: Final = Table(
    name="subject_keys",
    kind=SubjectKey,
    key=lambda row: row.subject,
    columns={"master": ("text", lambda row: row.master)},
)
"""Every service that seals anything declares this table among its own."""


class _Room(Protocol):
    """What keys need of a transaction (``shared.unit.Unit``)."""

    now: datetime

    async def get(self, table: Table[Any], key: str) -> Any: ...

    async def find(self, table: Table[Any], column: str, *values: Any) -> list[Any]: ...

    async def fetch(self, table: Table[Any], keys: Any) -> None: ...

    def put(self, table: Table[Any], row: Any) -> None: ...

    def drop(self, table: Table[Any], key: str) -> None: ...


def subject_of(school_id: str, learner_id: str) -> str:
    """A learner, as keys and erasures name them: ids are a school's own and hold no slash."""
    return f"{school_id}/{learner_id}"


class Keys:
    """The keys of one service within one transaction."""

    def __init__(self, unit: _Room) -> None:
        self._unit = unit

    async def fetch(self, subjects: Sequence[str]) -> None:
        """Load the keys of many at once."""
        await self._unit.fetch(KEYS, subjects)

    async def is_erased(self, subject: str) -> bool:
        """Whether nothing may be kept of this subject any more."""
        row = await self._unit.get(KEYS, subject)
        return row is not None and row.erased_at is not None

    async def box(self, subject: str, *, make: bool) -> Box | None:
        """What seals and opens for a subject; ``None`` when it was erased, or has no key and none is to be made."""
        row: SubjectKey | None = await self._unit.get(KEYS, subject)
        if row is None:
            if not make:
                return None
            masters = current()
            wrapped = masters.wrap(subject, AESGCM.generate_key(256))
            row = SubjectKey(subject=subject, wrapped=wrapped, master=masters.first, made_at=self._unit.now)
            self._unit.put(KEYS, row)
        return None if row.erased_at else _box(current(), row.master, subject, row.wrapped)

    async def seal(self, subject: str, text: str) -> str:
        """``text`` as it may be kept and told; nothing stays nothing, and nothing is kept of an erased subject."""
        if not text:
            return text
        box = await self.box(subject, make=True)
        return ERASED if box is None else SEALED + _text(box.seal(text.encode(), subject.encode()))

    async def open(self, subject: str, sealed: str) -> str:
        """A sealed text again; ``ERASED`` where its key is gone. A text that never was sealed is itself."""
        if not sealed.startswith(SEALED):
            return sealed
        box = await self.box(subject, make=False)
        if box is None:
            return ERASED
        opened = box.open(_bytes(sealed.removeprefix(SEALED)), subject.encode())
        return ERASED if opened is None else opened.decode()

    async def reveal(self, subject: str, told: Any) -> Any:
        """``told`` (text, or lists and dicts of it) with each sealed text in it opened, for people who may read it."""
        if isinstance(told, str):
            for token in _TOKEN.findall(told) if SEALED in told else ():
                told = told.replace(token, await self.open(subject, token) or PLACEHOLDER)
            return told
        if isinstance(told, list):
            return [await self.reveal(subject, one) for one in told]
        if isinstance(told, dict):
            return {name: await self.reveal(subject, one) for name, one in told.items()}
        return told

    async def erase(self, subject: str) -> bool:
        """Lose the key for good; ``False`` when it was lost before."""
        row: SubjectKey | None = await self._unit.get(KEYS, subject)
        if row is None:
            row = SubjectKey(subject=subject, wrapped="", master="", made_at=self._unit.now)
        if row.erased_at is not None:
            return False
        self._unit.put(KEYS, replace(row, wrapped="", master="", erased_at=self._unit.now))
        return True

    async def let_go(self, subject: str) -> None:
        """Lose the key of a subject that is nobody: no mark stays, and who needs it again makes a new one."""
        if await self._unit.get(KEYS, subject) is not None:
            self._unit.drop(KEYS, subject)

    async def blind(self, purpose: str, *parts: str) -> str:
        """What a value is searched by without being kept: the same for the same parts, nothing without the key."""
        box = await self.box(_INDEX, make=True)
        assert box is not None  # noqa: S101 - the index is no person and is never erased
        return box.digest("\x1f".join((purpose, *parts)).encode())

    async def rewrap(self, master: str, subjects: Sequence[str] | None = None) -> int:
        """Wrap by the first master whatever ``master`` wrapped, of everybody or of ``subjects``; how many keys.

        Raises:
            MasterMissing: ``master`` is not at hand.
        """
        masters = current()
        if subjects is None:
            rows: list[SubjectKey] = await self._unit.find(KEYS, "master", master)
        else:
            await self.fetch(subjects)
            found = [await self._unit.get(KEYS, subject) for subject in subjects]
            rows = [row for row in found if row is not None and row.master == master]
        for row in rows:
            data_key = masters.unwrap(row.master, row.subject, row.wrapped)
            wrapped = masters.wrap(row.subject, data_key)
            self._unit.put(KEYS, replace(row, wrapped=wrapped, master=masters.first))
        return len(rows)


class Box:
    """One data key, ready to seal and open."""

    __slots__ = ("_gcm", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._gcm = AESGCM(key)

    def seal(self, data: bytes, about: bytes) -> bytes:
        """``data`` bound to what it is about; 28 bytes longer."""
        nonce = os.urandom(_NONCE)
        return nonce + self._gcm.encrypt(nonce, data, about)

    def seal_under(self, nonce: bytes, data: bytes, about: bytes) -> bytes:
        """The same where the row itself gives the 12 bytes of a nonce that it shares with no other; 16 bytes longer."""
        return self._gcm.encrypt(nonce, data, about)

    def open_under(self, nonce: bytes, sealed: bytes, about: bytes) -> bytes | None:
        """What ``seal_under`` sealed; ``None`` as below."""
        try:
            return self._gcm.decrypt(nonce, sealed, about)
        except InvalidTag:
            return None

    def open(self, sealed: bytes, about: bytes) -> bytes | None:
        """The data again; ``None`` when another key sealed it, it is about something else, or it was changed."""
        try:
            return self._gcm.decrypt(sealed[:_NONCE], sealed[_NONCE:], about)
        except InvalidTag:
            return None

    def digest(self, data: bytes) -> str:
        """A keyed hash of 128 bits."""
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()[:32]


@lru_cache(maxsize=10_000)
def _box(masters: Masters, master: str, subject: str, wrapped: str) -> Box:
    """Unwrapped once per process; who asks has just read that the key still is there."""
    return Box(masters.unwrap(master, subject, wrapped))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
