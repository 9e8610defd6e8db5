"""Who can be reached at the moment of a decision."""

from __future__ import annotations

from dataclasses import dataclass

from services.notifications.domain.mail import Mail
from services.notifications.domain.people import Learner, School, Teacher
from shared.events.words import Audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """The people that a case's mails may go to, as far as they are known."""

    school: School | None
    learner: Learner | None = None
    teachers: tuple[Teacher, ...] = ()

    def teacher(self, teacher_id: str) -> Teacher | None:
        """The teacher of that id."""
        return next((one for one in self.teachers if one.teacher_id == teacher_id), None)

    def is_erased(self, mail: Mail) -> bool:
        """Whether ``mail`` was for a learner who was erased."""
        return mail.audience is Audience.LEARNER and self.learner is not None and bool(self.learner.erased_at)

    def reaches(self, mail: Mail) -> bool:
        """Whether ``mail`` has an address to go to."""
        if mail.audience is Audience.OFFICE:
            return bool(self.school and self.school.staff_email)
        if mail.audience is Audience.TEACHER:
            teacher = self.teacher(mail.recipient_id)
            return bool(teacher and teacher.email)
        return bool(self.learner and self.learner.email)
