"""Mails without names: people are known by their ids and languages, which is all that decides when a mail leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.notifications.domain import Learner, Teacher
from services.notifications.store import NotificationsUnit, person_key
from shared.events import Fact, notifications
from shared.shelf import Shelf

_SOMEBODY: Final = "somebody@relance.invalid"


class People:
    """Whoever was registered."""

    def __init__(self) -> None:
        self.learners: dict[str, Learner] = {}
        self.teachers: dict[str, Teacher] = {}

    def meet(self, fact: Fact) -> None:
        """Somebody is registered, if the fact says so."""
        if isinstance(fact, notifications.LearnerRegistered):
            self.learners[person_key(fact.school_id, fact.learner_id)] = Learner(
                learner_id=fact.learner_id, school_id=fact.school_id, name=fact.learner_id, email=_SOMEBODY,
                language=fact.language, zone=fact.zone,
            )  # fmt: skip
        elif isinstance(fact, notifications.TeacherRegistered):
            self.teachers[person_key(fact.school_id, fact.teacher_id)] = Teacher(
                teacher_id=fact.teacher_id, school_id=fact.school_id, name=fact.teacher_id, email=_SOMEBODY,
                language=fact.language,
            )  # fmt: skip


class LettersUnit(NotificationsUnit):
    """A transaction of notifications that knows people from ``People``."""

    def __init__(self, shelf: Shelf, now: datetime, people: People) -> None:
        super().__init__(shelf, now)
        self._people = people

    async def learner(self, school_id: str, learner_id: str) -> Learner | None:
        """The learner, if registered."""
        return self._people.learners.get(person_key(school_id, learner_id))

    async def teacher(self, school_id: str, teacher_id: str) -> Teacher | None:
        """The teacher, if registered."""
        return self._people.teachers.get(person_key(school_id, teacher_id))
