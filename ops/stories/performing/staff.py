"""What the school's staff does, by the same doors as its console."""

from __future__ import annotations

from typing import Any, Final

from ops.stories.cast import SubscriptionCast
from ops.stories.engine import Answer
from ops.stories.model import acts
from ops.stories.performing.opening import (
    closure_body,
    closure_id,
    enrolment,
    grant_body,
    minor,
    registration,
)
from ops.stories.rules import changed, policy_text
from ops.stories.stage import CannotPlay, Stage


async def the_case(line: Any, stage: Stage) -> str:
    """The case a line is about: named, of a period, or the newest open one (else the newest) of the subscription.

    Raises:
        CannotPlay: there is none.
    """
    if line.case is not None:
        return str(line.case)
    subscription = stage.cast.subscription(line.subscription)
    if line.period is not None:
        return f"{subscription.id}~{line.period.day.isoformat()}"
    cases = await stage.cases(subscription.id)
    if isinstance(line, acts.ResolvesReversal):
        cases = [case for case in cases if case["kind"] == "reversal"] or cases
    opened = [case for case in cases if case["is_open"]] or cases
    if not opened:
        raise CannotPlay(f"there is no case of {subscription.id} yet")
    return str(opened[-1]["case_id"])


def _act(line: Any, stage: Stage) -> dict[str, Any]:
    return {"by": line.by, "note": line.note, "act": f"act-{stage.number('act')}"}


def _on_case(path: str, *fields: str) -> Any:
    """An act on a case that takes ``fields`` of its line as they are."""

    async def perform(line: Any, stage: Stage) -> Answer | None:
        body = {**_act(line, stage), **{name: getattr(line, name) for name in fields}}
        return await stage.engine.call(
            "dunning", "POST", f"/cases/{await the_case(line, stage)}/{path}", body
        )

    return perform


async def sends_guidance(line: acts.SendsGuidance, stage: Stage) -> Answer | None:
    """The temporary method is confirmed and the mail asked for (T25)."""
    body = {**_act(line, stage), "method": line.method, "reference": line.reference}
    if line.amount is not None:
        body["amount"] = minor(line.amount.money(_currency(line, stage)))
    if line.due is not None:
        body["due_on"] = str(line.due.day)
    return await stage.engine.call("dunning", "POST", f"/cases/{await the_case(line, stage)}/guidance", body)


async def records_receipt(line: acts.RecordsReceipt, stage: Stage) -> Answer | None:
    """Money came by the temporary method (T26, T27)."""
    case_id = await the_case(line, stage)
    name, _, period = case_id.partition("~")
    receipt = line.receipt or f"receipt-{stage.number('receipt')}"
    subscription = stage.cast.subscription(name)
    body: dict[str, Any] = {
        "amount": minor(line.amount.money(subscription.price.currency)),
        "reference": "R-1",
        "recorded_by": line.by,
        "period": period if "~" not in period else None,
    }
    if line.received is not None:
        body["received_at"] = stage.instant(line.received, subscription).isoformat()
    path = f"/subscriptions/{name}/temporary-payments/{receipt}"
    return await stage.engine.call("payments", "PUT", path, body)


async def announces_resume(line: acts.AnnouncesResume, stage: Stage) -> Answer | None:
    """The day on which the learner pays from My Page (T28)."""
    body = {**_act(line, stage), "day": str(line.day.day)}
    return await stage.engine.call(
        "dunning", "POST", f"/cases/{await the_case(line, stage)}/resume-date", body
    )


async def settles_flag(line: acts.SettlesFlag, stage: Stage) -> Answer | None:
    """Something that waited for a person is dealt with."""
    body = {**_act(line, stage), "reason": line.reason, "about": line.what}
    return await stage.engine.call(
        "dunning", "POST", f"/cases/{await the_case(line, stage)}/settle-flag", body
    )


async def extends_deadline(line: acts.ExtendsDeadline, stage: Stage) -> Answer | None:
    """More time, never less (invariant 11)."""
    subscription = stage.cast.subscription(line.subscription) if line.subscription else None
    body = {**_act(line, stage), "deadline_at": stage.instant(line.deadline, subscription).isoformat()}
    return await stage.engine.call("dunning", "POST", f"/cases/{await the_case(line, stage)}/extend", body)


# --- the school -----------------------------------------------------------------------------------


async def adds_closure(line: acts.AddsClosure, stage: Stage) -> Answer | None:
    """Days on which the office is closed."""
    return await stage.engine.call("dunning", "PUT", *closure_body(stage.cast.school(line.school).id, line))


async def withdraws_closure(line: acts.WithdrawsClosure, stage: Stage) -> Answer | None:
    """The office is open after all."""
    school = stage.cast.school(line.school)
    return await stage.engine.call(
        "dunning", "DELETE", f"/schools/{school.id}/closures/{closure_id(line.name)}"
    )


async def adopts_policy(line: acts.AdoptsPolicy, stage: Stage) -> Answer | None:
    """The procedure changes for cases opened from now on (R-X5)."""
    school = stage.cast.school(line.school)
    version = line.version or stage.versions[school.id] + 1
    body: dict[str, Any] = {"version": version, "by": line.by}
    if line.own_policy is not None:
        body["text"] = policy_text(changed({**line.own_policy, "version": version}, line.set, CannotPlay))
    else:
        body |= {"policy_id": line.policy, "overrides": line.set}
    answer = await stage.engine.call("dunning", "PUT", f"/schools/{school.id}/policy", body)
    if answer.ok:
        stage.versions[school.id] = version
    return answer


async def grants_credits(line: acts.GrantsCredits, stage: Stage) -> Answer | None:
    """Lesson credits, or a later last day of a grant."""
    return await stage.engine.call(*grant_body(stage, line))


async def sets_path_deadline(line: acts.SetsDeadline, stage: Stage) -> Answer | None:
    """A path's re-enrolment deadline is set or moved."""
    return await stage.engine.call(*enrolment(stage, line))


async def registers(line: acts.Registers, stage: Stage) -> Answer | None:
    """The school's system tells of the subscription, or of a change of it."""
    subscription = stage.cast.subscription(line.subscription)
    changes: dict[str, Any] = {}
    if line.price is not None:
        changes["price"] = minor(stage.money(line.price, subscription))
    if line.current_price is not None:
        changes["current_price"] = minor(stage.money(line.current_price, subscription))
    if line.billing_day is not None:
        changes["billing_day"] = line.billing_day
    return await stage.engine.call(*registration(stage, subscription, **changes))


# --- mails ----------------------------------------------------------------------------------------


def _mail(act: str) -> Any:
    async def perform(line: Any, stage: Stage) -> Answer | None:
        mail_id = f"{await the_case(line, stage)}/{line.template}/{line.ordinal}"
        body = {"mail_id": mail_id, "by": line.by, "reason": line.note or "the office decided so"}
        return await stage.engine.call("notifications", "POST", f"/mails/{act}", body)

    return perform


def _currency(line: Any, stage: Stage) -> str:
    subscription: SubscriptionCast = stage.cast.subscription(line.subscription)
    return subscription.price.currency


PERFORM: Final[dict[type[Any], Any]] = {
    acts.SendsGuidance: sends_guidance,
    acts.RecordsReceipt: records_receipt,
    acts.AnnouncesResume: announces_resume,
    acts.AcceptsDifference: _on_case("accept-difference"),
    acts.SettlesFlag: settles_flag,
    acts.ClosesCase: _on_case("close"),
    acts.ExtendsDeadline: extends_deadline,
    acts.GrantsAccess: _on_case("grant-access"),
    acts.ChargesNow: _on_case("attempt"),
    acts.ResolvesReversal: _on_case("resolve", "keep_access", "release_credits"),
    acts.AdoptsRegistration: _on_case("adopt"),
    acts.RestoresCredits: _on_case("restore-credits"),
    acts.AddsClosure: adds_closure,
    acts.WithdrawsClosure: withdraws_closure,
    acts.AdoptsPolicy: adopts_policy,
    acts.GrantsCredits: grants_credits,
    acts.SetsDeadline: sets_path_deadline,
    acts.Registers: registers,
    acts.ReleasesMail: _mail("release"),
    acts.DropsMail: _mail("drop"),
}
