"""What a learner does, through the same doors and the same gateway pages as in life."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from ops.stories.cast import SubscriptionCast
from ops.stories.engine import Answer, PageEnd, PageVisit
from ops.stories.model import acts
from ops.stories.performing.opening import lesson_body, minor
from ops.stories.rules import usual_price
from ops.stories.stage import Stage
from shared.calendar.wall import local_date
from shared.events.words import Gateway, MethodKind

_HOME: Final = "https://school.example/account"


async def updates_method(line: acts.UpdatesMethod, stage: Stage) -> Answer | None:
    """Another card or PayPal, on the gateway's page (F17)."""
    subscription = _of(line, stage)
    opened = await _open(stage, subscription, "method", request=f"method-{stage.number('method')}")
    if not opened.ok:
        return opened
    await _script(line, stage, subscription)
    await stage.engine.visit(
        _visit(
            line,
            subscription,
            opened,
            method=MethodKind(line.method),
            funding=line.funding,
            cvc=line.cvc,
            three_ds=line.three_ds,
            recurring=line.recurring,
            label=line.label,
            card=line.card,
            card_country=line.card_country,
            update_id=line.update,
        )
    )
    return opened


async def authenticates(line: acts.Authenticates, stage: Stage) -> Answer | None:
    """The mail's link to the bank's page (F23)."""
    subscription = _of(line, stage)
    opened = await _open(stage, subscription, "authenticate", request=f"proof-{stage.number('proof')}")
    if not opened.ok:
        return opened
    await _script(line, stage, subscription)
    await stage.engine.visit(_visit(line, subscription, opened))
    return opened


async def relaunches(line: acts.Relaunches, stage: Stage) -> Answer | None:
    """The suspended learner starts again (F20)."""
    subscription = _of(line, stage)
    await _script(line, stage, subscription)
    body = {
        "request": f"relaunch-{stage.number('relaunch')}",
        "path_id": line.path,
        "method": line.method or subscription.method.value,
    }
    return await stage.engine.call("dunning", "POST", f"/subscriptions/{subscription.id}/relaunch", body)


async def pays(line: acts.Pays, stage: Stage) -> Answer | None:
    """From My Page: a new subscription at the gateway (J26)."""
    subscription = _of(line, stage)
    opened = await _open(stage, subscription, "resume", request=f"pay-{stage.number('pay')}")
    if not opened.ok:
        return opened
    await stage.engine.visit(
        _visit(
            line,
            subscription,
            opened,
            method=MethodKind.PAYPAL_SUBSCRIPTION,
            amount=stage.money(line.amount, subscription) if line.amount else None,
            transaction_id=line.transaction,
            next_billing_at=stage.instant(line.next_billing, subscription) if line.next_billing else None,
        )
    )
    return opened


async def signs_up(line: acts.SignsUp, stage: Stage) -> Answer | None:
    """The school's form first, then the gateway's page (F6-F12)."""
    learner = stage.cast.learner(line.who)
    school = learner.school
    offered = {
        "type": line.method,
        "funding": line.funding if line.method == "card" else "unknown",
        "deferred_debit": line.deferred_debit,
        "cvc_provided": line.cvc,
        "three_ds_supported": line.three_ds,
        "recurring_capable": line.recurring,
    }
    checked = await stage.engine.call("payments", "POST", f"/schools/{school.id}/methods/check", offered)
    if checked.ok and not checked.body["accepted"]:
        return Answer(
            status=409,
            body={
                "title": checked.body["reason"],
                "detail": f"refused on the school's form: {checked.body['reason']}; accepted are "
                f"{', '.join(checked.body['accepted_methods'])}",
            },
        )
    if not checked.ok:
        return checked
    name = line.subscription or learner.id
    gateway = (
        Gateway(line.gateway)
        if line.gateway
        else (Gateway.PAYPAL if line.method.startswith("paypal_") else Gateway.STRIPE)
    )
    price = line.price.money(school.currency) if line.price else usual_price(school.currency)
    today = local_date(stage.engine.now(), school.zone)
    body = {
        "school_id": school.id,
        "learner_id": learner.id,
        "gateway": gateway.value,
        "gateway_plan": "plan_monthly",
        "billing_day": line.billing_day or today.day,
        "started_on": str(today),
        "method": line.method if line.method in set(MethodKind) else "other",
        "price": minor(price),
        "return_url": f"{_HOME}?sign-up={stage.number('sign-up')}",
        "language": learner.language,
    }
    await stage.engine.bank_will_say(name, stage.answers(line.bank, None), next=True)
    opened = await stage.engine.call("payments", "POST", f"/sign-ups/{name}", body)
    if not opened.ok:
        return opened
    await stage.engine.visit(
        PageVisit(
            url=opened.body["url"],
            kind="sign_up",
            subscription_id=name,
            gateway=gateway,
            end=PageEnd(line.page),
            method=MethodKind(str(body["method"])),
            funding=line.funding,
            deferred_debit=line.deferred_debit,
            cvc=line.cvc,
            three_ds=line.three_ds,
            recurring=line.recurring,
            stay=line.stay.length if line.stay else timedelta(0),
            reason=line.reason,
        )
    )
    return await stage.engine.call("payments", "GET", f"/visits/{opened.body['visit_id']}")


async def cancels(line: acts.Cancels, stage: Stage) -> Answer | None:
    """The contract ends (T34)."""
    subscription = _of(line, stage)
    body = {"request": f"cancel-{stage.number('cancel')}"}
    return await stage.engine.call("dunning", "POST", f"/subscriptions/{subscription.id}/cancel", body)


async def reports(line: acts.Reports, stage: Stage) -> Answer | None:
    """Solved, ready for the next attempt (J11, J39)."""
    subscription = _of(line, stage)
    body = {"report_id": f"report-{stage.number('report')}", "text": line.text}
    return await stage.engine.call("dunning", "POST", f"/subscriptions/{subscription.id}/report", body)


async def opens_my_page(line: acts.OpensMyPage, stage: Stage) -> Answer | None:
    """The payment button: locked or not (J31). Pressing a locked one must be refused by the door too."""
    subscription = _of(line, stage)
    shown = await stage.engine.call("dunning", "GET", f"/subscriptions/{subscription.id}/self-payment")
    if shown.ok and not shown.body["allowed"]:
        return Answer(
            status=409,
            body={
                "title": shown.body["reason"],
                "detail": f"the button is locked: {shown.body['reason']}",
                **shown.body,
            },
        )
    return shown


async def logs_in(line: acts.LogsIn, stage: Stage) -> Answer | None:
    """What may he reach? Logging in itself is never refused (FR-41)."""
    learner = stage.cast.learner(line.who, subscription=line.subscription)
    return await stage.engine.call("access", "GET", f"/access/{learner.id}?school={learner.school.id}")


async def books_lesson(line: acts.BooksLesson, stage: Stage) -> Answer | None:
    """A lesson is booked."""
    return await stage.engine.call(*lesson_body(stage, line, _of(line, stage)))


async def cancels_lesson(line: acts.CancelsLesson, stage: Stage) -> Answer | None:
    """A lesson is given up."""
    subscription = _of(line, stage)
    path = f"/subscriptions/{subscription.id}/lessons/{line.lesson}/cancellation"
    return await stage.engine.call("credits", "POST", path)


def _of(line: Any, stage: Stage) -> SubscriptionCast:
    return stage.cast.subscription(line.subscription, who=line.who)


async def _open(stage: Stage, subscription: SubscriptionCast, kind: str, *, request: str) -> Answer:
    body = {
        "kind": kind,
        "return_url": f"{_HOME}?visit-of={request}",
        "language": subscription.learner.language,
    }
    return await stage.engine.call("payments", "POST", f"/subscriptions/{subscription.id}/visits", body)


async def _script(line: Any, stage: Stage, subscription: SubscriptionCast) -> None:
    if line.bank:
        await stage.engine.bank_will_say(subscription.id, stage.answers(line.bank, subscription), next=True)


def _visit(line: Any, subscription: SubscriptionCast, opened: Answer, **more: Any) -> PageVisit:
    return PageVisit(
        url=opened.body["url"],
        kind=opened.body["kind"],
        subscription_id=subscription.id,
        gateway=subscription.gateway,
        end=PageEnd(line.page),
        stay=line.stay.length if line.stay else timedelta(0),
        reason=line.reason,
        **more,
    )


PERFORM: Final[dict[type[Any], Any]] = {
    acts.UpdatesMethod: updates_method,
    acts.Authenticates: authenticates,
    acts.Relaunches: relaunches,
    acts.Pays: pays,
    acts.SignsUp: signs_up,
    acts.Cancels: cancels,
    acts.Reports: reports,
    acts.OpensMyPage: opens_my_page,
    acts.LogsIn: logs_in,
    acts.BooksLesson: books_lesson,
    acts.CancelsLesson: cancels_lesson,
}
