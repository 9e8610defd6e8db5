"""People as they are kept: names and addresses sealed with a key of their own, found again by keyed hashes."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from services.notifications.domain.people import Contact, Learner, Teacher
from shared.keys import Keys, subject_of

LENGTHS: Final = (1, 2, 3, 5, 8, 12)
"""How many letters of a name's beginning it can be looked for by; more are compared after opening."""


def called(name: str) -> str:
    """How a name is looked for: without capitals, width or outer blanks."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def beginnings(name: str) -> dict[int, str]:
    """The beginnings that a name is found by, by their length."""
    whole = called(name)
    return {length: whole[:length] for length in LENGTHS if length <= len(whole)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """What is sealed of a person."""

    name: str
    email: str
    payer: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLearner:
    """A learner's row. ``name``, ``email`` and ``payer`` are in the clear only in rows older than sealing."""

    learner_id: str
    school_id: str
    language: str
    zone: str
    sealed: str = ""
    digest: str = ""
    """The keyed hash of the address."""
    erased_at: datetime | None = None
    name: str = ""
    email: str = ""
    payer: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedTeacher:
    """A teacher's row, as above."""

    teacher_id: str
    school_id: str
    language: str
    zone: str = ""
    sealed: str = ""
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """One beginning of a learner's name, as a keyed hash."""

    school_id: str
    learner_id: str
    length: int
    digest: str

    @property
    def key(self) -> str:
        return beginning_key(self.school_id, self.learner_id, self.length)


def beginning_key(school_id: str, learner_id: str, length: int) -> str:
    """A learner has at most one of each length."""
    return f"{school_id}/{learner_id}/{length}"


def teacher_subject(school_id: str, teacher_id: str) -> str:
    """A teacher and a learner of one id are two people."""
    return f"{school_id}/teachers/{teacher_id}"


async def address_digest(keys: Keys, school_id: str, email: str) -> str:
    """What an address is found by within a school."""
    return await keys.blind("email", school_id, email.strip().casefold())


async def seal_learner(keys: Keys, learner: Learner) -> SealedLearner:
    """A learner as kept; nothing private of one who was erased."""
    subject = subject_of(learner.school_id, learner.learner_id)
    private = Private(name=learner.name, email=learner.email, payer=learner.payer)
    sealed = await keys.seal(subject, msgspec.json.encode(private).decode())
    return SealedLearner(
        learner_id=learner.learner_id,
        school_id=learner.school_id,
        language=learner.language,
        zone=learner.zone,
        sealed=sealed,
        digest=await address_digest(keys, learner.school_id, learner.email) if sealed else "",
    )


async def open_learner(keys: Keys, row: SealedLearner) -> Learner:
    """A learner as decisions and mails know them; without name and address once erased."""
    learner = Learner(
        learner_id=row.learner_id,
        school_id=row.school_id,
        name=row.name,
        email=row.email,
        language=row.language,
        zone=row.zone,
        payer=row.payer,
        erased_at=row.erased_at,
    )
    opened = await keys.open(subject_of(row.school_id, row.learner_id), row.sealed)
    if not opened:
        return learner
    private = msgspec.json.decode(opened, type=Private)
    return replace(learner, name=private.name, email=private.email, payer=private.payer)


async def seal_teacher(keys: Keys, teacher: Teacher) -> SealedTeacher:
    """A teacher as kept."""
    private = Private(name=teacher.name, email=teacher.email)
    subject = teacher_subject(teacher.school_id, teacher.teacher_id)
    return SealedTeacher(
        teacher_id=teacher.teacher_id,
        school_id=teacher.school_id,
        language=teacher.language,
        zone=teacher.zone,
        sealed=await keys.seal(subject, msgspec.json.encode(private).decode()),
    )


async def open_teacher(keys: Keys, row: SealedTeacher) -> Teacher:
    """A teacher as decisions and mails know them."""
    opened = await keys.open(teacher_subject(row.school_id, row.teacher_id), row.sealed)
    private = msgspec.json.decode(opened, type=Private) if opened else Private(name=row.name, email=row.email)
    return Teacher(
        teacher_id=row.teacher_id,
        school_id=row.school_id,
        name=private.name,
        email=private.email,
        language=row.language,
        zone=row.zone,
    )
