"""Where access keeps learners and schools: two tables behind one Unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.access.domain import Decided, Learner, School, TellPlatform, notice_of
from shared.events import Envelope
from shared.shelf import Table
from shared.unit import Unit

TELL_PLATFORM: Final = "tell_platform"


def learner_key(school_id: str, learner_id: str) -> str:
    """Two schools may use the same learner id; ids never contain a slash."""
    return f"{school_id}/{learner_id}"


LEARNERS: Final[Table[Learner]] = Table(
    name="learners",
    kind=Learner,
    key=lambda row: learner_key(row.school_id, row.learner_id),
    columns={
        "learner_id": ("text", lambda row: row.learner_id),
        "school_id": ("text", lambda row: row.school_id),
        "waits_for_zone_of": ("text", lambda row: row.school_id if row.waits_for_zone else None),
    },
)
SCHOOLS: Final[Table[School]] = Table(name="schools", kind=School, key=lambda row: row.school_id)

TABLES: Final = (LEARNERS, SCHOOLS)


class AccessUnit(Unit):
    """One transaction of access."""

    async def learner(self, school_id: str, learner_id: str) -> Learner:
        """The learner as known; a new one when nothing was heard of him yet."""
        known = await self.get(LEARNERS, learner_key(school_id, learner_id))
        return known or Learner(school_id=school_id, learner_id=learner_id)

    async def learners_called(self, learner_id: str) -> list[Learner]:
        """The learners of that id, one per school that uses it."""
        return await self.find(LEARNERS, "learner_id", learner_id)

    async def learners_of(self, school_id: str) -> list[Learner]:
        return await self.find(LEARNERS, "school_id", school_id)

    async def learners_waiting_for_zone(self, school_id: str) -> list[Learner]:
        """Those whose path deadlines came before the school's zone."""
        return await self.find(LEARNERS, "waits_for_zone_of", school_id)

    async def school(self, school_id: str) -> School:
        return await self.get(SCHOOLS, school_id) or School(school_id=school_id)

    def keep_school(self, school: School) -> None:
        self.put(SCHOOLS, school)

    async def record(self, decided: Decided) -> None:
        """Keep the learner, say what was decided, and send word to the school's platform if it has one."""
        learner = decided.learner
        if learner != await self.get(LEARNERS, learner_key(learner.school_id, learner.learner_id)):
            self.put(LEARNERS, learner)
        self.say(*decided.said)
        if decided.tell_platform:
            await self._tell_platform(learner)

    async def _tell_platform(self, learner: Learner) -> None:
        school = await self.school(learner.school_id)
        if school.platform_url is None:
            return
        notice = notice_of(learner, self.now)
        self.errand(
            TELL_PLATFORM,
            notice.id,
            learner_key(learner.school_id, learner.learner_id),
            TellPlatform(url=school.platform_url, notice=notice),
        )


async def prefetch(envelopes: Sequence[Envelope], unit: AccessUnit) -> None:
    """Load the learners and schools of a batch in two statements."""
    facts = [envelope.fact for envelope in envelopes]
    await unit.fetch(SCHOOLS, {fact.school_id for fact in facts})
    await unit.fetch(
        LEARNERS,
        {
            learner_key(fact.school_id, learner_id)
            for fact in facts
            if (learner_id := getattr(fact, "learner_id", None))
        },
    )
