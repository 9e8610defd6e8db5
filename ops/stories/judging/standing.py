"""Expectations about how things stand at an instant: access, cases, credits, lessons, My Page, the registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from ops.stories.judging.local import local
from ops.stories.judging.matching import Eye, get, shown
from ops.stories.model import expectations as expected
from ops.stories.stage import CannotPlay, Stage

Differences = list[str]


class Standing:
    """How things stand now, read through the services' own doors."""

    def __init__(self, stage: Stage, eye: Eye) -> None:
        self.stage = stage
        self.cast = stage.cast
        self.eye = eye

    async def judge(self, one: Any) -> Differences:
        """What differs; nothing when it stands so."""
        try:
            found = await _JUDGES[type(one)](self, one)
        except CannotPlay as error:
            found = [str(error)]
        at = local(self.stage.engine.now(), self.eye.zone)
        return [f"at {at} {text}" for text in found]

    async def access(self, one: expected.AccessExpected) -> Differences:
        """What a learner may reach, as the access door answers for this very instant."""
        learner = self.cast.learner(one.who, subscription=one.subscription)
        query = {"school": learner.school.id, "at": self.stage.engine.now().isoformat()}
        if one.subscription:
            query["subscription"] = one.subscription
        found = await self.stage.get("access", f"/access/{learner.id}?{urlencode(query)}")
        if found["level"] != one.access:
            return [f"the access of {learner.id} is {found['level']}, and {one.access} was expected"]
        return self._parts(f"the access of {learner.id}", one.where, found)

    async def case(self, one: expected.CaseExpected) -> Differences:
        """The state of one case."""
        subscription = self.cast.subscription(one.subscription).id if one.id is None else one.id.split("~")[0]
        cases = await self.stage.cases(subscription)
        if one.case == "none":
            return [f"there is the case {cases[0]['case_id']}, and none was expected"] if cases else []
        wanted = [
            case
            for case in cases
            if (one.id is None or case["case_id"] == one.id)
            and (one.period is None or case["case_id"] == f"{subscription}~{one.period.day}")
        ]
        if not wanted:
            there = ", ".join(case["case_id"] for case in cases) or "none"
            return [
                f"there is no such case of {subscription} (there is {there}), and {one.case} was expected"
            ]
        detail = await self.stage.get("dunning", f"/cases/{wanted[-1]['case_id']}")
        name = f"the case {detail['case_id']}"
        if detail["state"] != one.case:
            return [f"{name} is {detail['state']}, and {one.case} was expected"]
        differences = self._parts(name, one.where, detail)
        if one.flags is not None and sorted(detail["flags"]) != sorted(one.flags):
            differences.append(
                f"{name} waits for a person for {detail['flags']}, and {list(one.flags)} was expected"
            )
        return differences

    async def cases(self, one: expected.CasesExpected) -> Differences:
        """How many there are."""
        cases = await self.stage.cases(one.subscription)
        if len(cases) == one.cases:
            return []
        there = ", ".join(case["case_id"] for case in cases) or "none"
        return [f"there are {len(cases)} cases ({there}), and {one.cases} were expected"]

    async def credits(self, one: expected.CreditsExpected) -> Differences:
        """Where lesson credits are."""
        subscription = self.cast.subscription(one.subscription)
        found = await self.stage.get("credits", f"/subscriptions/{subscription.id}/credits")
        return self._parts(f"the credits of {subscription.id}", one.credits, found)

    async def lessons(self, one: expected.LessonsExpected) -> Differences:
        """What became of lessons."""
        subscription = self.cast.subscription(one.subscription)
        lessons = await self.stage.get("credits", f"/subscriptions/{subscription.id}/lessons")
        found = {lesson["lesson_id"]: lesson["state"] for lesson in lessons}
        return self._parts(f"a lesson of {subscription.id}", one.lessons, found)

    async def self_payment(self, one: expected.SelfPaymentExpected) -> Differences:
        """Whether My Page lets the learner pay: the button and the door behind it must agree."""
        subscription = self.cast.subscription(one.subscription)
        shown_ = await self.stage.get("dunning", f"/subscriptions/{subscription.id}/self-payment")
        button = "open" if shown_["allowed"] else "locked"
        if button == one.self_payment:
            return []
        return [
            f"My Page of {subscription.id} is {button} ({shown_['reason']}), and {one.self_payment} was expected"
        ]

    async def enrolment(self, one: expected.EnrolmentExpected) -> Differences:
        """Whether a path can be followed."""
        learner = self.cast.learner(one.who)
        paths = await self.stage.get("access", f"/learners/{learner.id}/paths?school={learner.school.id}")
        found = next((path["state"] for path in paths if path["path_id"] == one.path), "not there")
        if found == one.enrolment:
            return []
        return [f"the path {one.path} of {learner.id} is {found}, and {one.enrolment} was expected"]

    async def registered(self, one: expected.RegistryExpected) -> Differences:
        """The subscription as payments knows it; with ``none`` it must not exist."""
        name = one.subscription or self.cast.subscription(None).id
        answer = await self.stage.engine.call("payments", "GET", f"/subscriptions/{name}")
        if one.registered == {"none": True}:
            return [f"{name} is registered, and it was expected not to be"] if answer.ok else []
        if not answer.ok:
            return [f"{name} is not registered"]
        return self._parts(f"the registration of {name}", one.registered, answer.body)

    async def guidance_queue(self, one: expected.QueueExpected) -> Differences:
        """Who waits for guidance."""
        school = self.cast.school(one.school)
        queue = await self.stage.get("dunning", f"/schools/{school.id}/guidance-queue")
        found = [place["subscription_id"] for place in queue]
        if found == list(one.guidance_queue):
            return []
        return [f"the guidance queue is {found}, and {list(one.guidance_queue)} was expected"]

    async def waiting_mails(self, one: expected.WaitingMailsExpected) -> Differences:
        """Mails that wait to leave."""
        found: list[str] = []
        for school in self.cast.schools.values():
            outbox = await self.stage.get("notifications", f"/outbox?school_id={school.id}")
            found += [
                mail["template"]
                for day in outbox["days"]
                for mail in day["mails"]
                if one.subscription is None or mail["case_id"].startswith(f"{one.subscription}~")
            ]
        if sorted(found) == sorted(one.waiting_mails):
            return []
        return [f"the mails that wait are {found}, and {list(one.waiting_mails)} was expected"]

    def _parts(self, what: str, wanted: Any, found: Any) -> Differences:
        return [
            f"{what} has {key}: {shown(get(found, key))}, and {value} was expected"
            for key, value in wanted.items()
            if not self.eye.same(value, get(found, key))
        ]


_JUDGES: dict[type[Any], Callable[[Standing, Any], Awaitable[Differences]]] = {
    expected.AccessExpected: Standing.access,
    expected.CaseExpected: Standing.case,
    expected.CasesExpected: Standing.cases,
    expected.CreditsExpected: Standing.credits,
    expected.LessonsExpected: Standing.lessons,
    expected.SelfPaymentExpected: Standing.self_payment,
    expected.EnrolmentExpected: Standing.enrolment,
    expected.RegistryExpected: Standing.registered,
    expected.QueueExpected: Standing.guidance_queue,
    expected.WaitingMailsExpected: Standing.waiting_mails,
}

LOOKS = tuple(_JUDGES)
"""The expectations that look at an instant instead of at what happened."""
