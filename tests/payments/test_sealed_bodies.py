"""Raw webhooks are readable while their learner may be known, byte for byte, and by nobody afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.payments.binding import Binder
from services.payments.gateways.stripe import StripeConfig, StripeGateway
from services.payments.inbox import compress
from services.payments.sealing import door_subject
from shared.clock import HandClock
from shared.events import notifications
from shared.events.words import Gateway
from shared.keys import KEYS
from tests.payments.conftest import ADA, ECOLE, JUNE_1, SECRET, stripe_event
from tests.payments.stack import Stack, stack_on

WHO = "ada.lovelace@home.example"
LEASE = timedelta(minutes=2)


def about_ada(event_id: str, kind: str = "customer.updated", **more: Any) -> bytes:
    return stripe_event(
        kind, {"id": "cus_ada", "object": "customer", "email": WHO, **more}, event_id=event_id
    )


@pytest.fixture
async def stack(fresh_postgres: str) -> AsyncIterator[Stack]:
    gateway = StripeGateway(StripeConfig(api_key="sk_test_x", webhook_secrets=(SECRET,)))
    async with stack_on(fresh_postgres, HandClock(JUNE_1), {Gateway.STRIPE: gateway}) as stack:
        yield stack


async def kept(stack: Stack) -> dict[str, tuple[str | None, bytes, str]]:
    return {row["dedupe_key"]: (row["subject"], row["body"], row["state"]) for row in await stack.rows()}


def erasing(learner_id: str = "ada") -> notifications.LearnerErased:
    return notifications.LearnerErased(
        school_id=ECOLE, occurred_at=JUNE_1, learner_id=learner_id, by="operator"
    )


async def readable(stack: Stack) -> str:
    """Everything in the schema, and each body that still opens."""
    tables = await stack.pool.fetch(
        "select table_name from information_schema.tables where table_schema = 'payments'"
    )
    found = []
    for (name,) in tables:
        found += [repr(dict(row)) for row in await stack.pool.fetch(f"select * from payments.{name}")]
    rows = await stack.pool.fetch("select * from payments.webhooks")
    opened = await stack.inbox._bodies(rows)
    return "\n".join([*found, *(repr(body) for body in opened.values() if body)])


async def test_at_the_door_a_body_is_sealed_and_the_translator_gets_its_very_bytes(stack: Stack) -> None:
    body = about_ada("evt_1")
    assert (await stack.post_stripe(body)).status_code == 200
    (subject, sealed, _) = (await kept(stack))["stripe:evt_1"]
    assert subject is None
    assert compress(body) not in sealed
    assert WHO.encode() not in sealed

    (claimed,) = await stack.inbox.claim(limit=1, lease=LEASE)
    assert claimed.body == body


async def test_a_key_that_somebody_took_away_is_waited_for_because_nobody_was_erased(stack: Stack) -> None:
    await stack.post_stripe(about_ada("evt_1"))
    await stack.pool.execute("create table public.taken as select * from payments.subject_keys")
    await stack.pool.execute("delete from payments.subject_keys")
    await stack.work()
    (row,) = await stack.rows()
    assert (row["state"], "is not in payments.subject_keys: bring that table back" in row["reason"]) == (
        "new",
        True,
    )

    await stack.pool.execute("insert into payments.subject_keys select * from public.taken")
    await stack.inbox.again("stripe:evt_1")
    await stack.work()
    (row,) = await stack.rows()
    assert row["state"] == "not_ours"


async def test_the_door_never_seals_with_a_key_that_the_table_no_longer_has(stack: Stack) -> None:
    await stack.post_stripe(about_ada("evt_1"))
    await stack.work()
    await stack.pool.execute(
        "delete from payments.subject_keys where key like '_door/%'"
    )  # restored from before

    assert (await stack.post_stripe(about_ada("evt_2"))).status_code == 200
    assert (await stack.post_stripe(about_ada("evt_2"))).status_code == 200  # again, and it is no other

    claimed = await stack.inbox.claim(limit=5, lease=LEASE)
    assert [one.body for one in claimed] == [about_ada("evt_2")]


async def test_a_settled_body_lies_under_its_learners_key(stack: Stack) -> None:
    await stack.register(ADA)
    body = about_ada("evt_1")
    await stack.post_stripe(body)
    await stack.work()

    subject, _, state = (await kept(stack))["stripe:evt_1"]
    assert (subject, state) == (f"{ECOLE}/ada", "not_ours")
    await stack.inbox.again("stripe:evt_1")
    (claimed,) = await stack.inbox.claim(limit=1, lease=LEASE)
    assert claimed.body == body


async def test_a_payer_nobody_knows_has_a_key_of_their_own_until_somebody_does(stack: Stack) -> None:
    await stack.post_stripe(about_ada("evt_1"))
    await stack.work()
    assert (await kept(stack))["stripe:evt_1"][0] == "stripe:cus_ada"

    await stack.register(ADA)
    await stack.inbox.again("stripe:evt_1")
    await stack.work()
    assert (await kept(stack))["stripe:evt_1"][0] == f"{ECOLE}/ada"


async def test_a_body_about_nobody_lies_under_a_key_of_its_own(stack: Stack) -> None:
    await stack.post_stripe(stripe_event("product.updated", {"id": "prod_1", "object": "product"}))
    await stack.work()
    assert (await kept(stack))["stripe:evt_1"][0] == "_webhook/stripe:evt_1"


async def test_after_erasure_no_body_of_the_learner_can_be_read_and_late_ones_are_not_kept(
    stack: Stack,
) -> None:
    await stack.post_stripe(about_ada("evt_0"))  # before anybody knew her
    await stack.work()
    await stack.register(ADA)
    await stack.post_stripe(about_ada("evt_1"))
    await stack.work()
    before = await stack.rows()

    await stack.hear(erasing())
    await stack.post_stripe(about_ada("evt_2"))
    await stack.work()

    after = await kept(stack)
    assert {key: bool(body) for key, (_, body, _) in after.items()} == {
        "stripe:evt_0": False,
        "stripe:evt_1": False,
        "stripe:evt_2": False,
    }
    assert after["stripe:evt_2"][2] == "not_ours"
    # Even rows from a backup of yesterday do not open with the keys of today.
    assert [body for body in (await stack.inbox._bodies(before)).values() if body] == []
    assert WHO not in await readable(stack)


async def test_a_sister_whom_the_same_parent_pays_for_keeps_what_is_hers(stack: Stack) -> None:
    sister = replace(ADA, subscription_id="bea-fr", learner_id="bea", gateway_subscription_id="sub_bea")
    await stack.register(ADA, sister)
    await stack.post_stripe(about_ada("evt_1"))
    await stack.post_stripe(
        stripe_event("customer.subscription.trial_will_end", {"id": "sub_bea", "object": "subscription"},
                     event_id="evt_2")
    )  # fmt: skip
    await stack.work()

    await stack.hear(erasing())
    after = await kept(stack)
    assert after["stripe:evt_1"][:1] == ("stripe:cus_ada",)
    assert after["stripe:evt_1"][1]
    assert after["stripe:evt_2"][0] == f"{ECOLE}/bea"
    assert after["stripe:evt_2"][1]


async def test_erasing_keeps_the_subscription_by_its_ids_and_takes_what_a_learner_would_recognise(
    stack: Stack,
) -> None:
    await stack.register(ADA)
    await stack.hear(erasing())
    async with stack.transactions() as unit:
        ada = await unit.subscription("ada-fr")
    assert (ada.label, ada.card, ada.gateway_subscription_id, ada.price) == ("", None, "sub_ada", ADA.price)
    told = (await stack.http.get("/learners/ada/erasure", params={"school_id": ECOLE})).json()
    assert told["holds"] == {}
    assert told["gone"] == {"subscriptions": 1}

    await stack.register(ADA)  # a list of the school's that comes late
    async with stack.transactions() as unit:
        assert ((await unit.subscription("ada-fr")).label, (await unit.subscription("ada-fr")).card) == (
            "",
            None,
        )


async def test_clear_bodies_of_an_older_version_are_sealed_a_little_at_a_time(stack: Stack) -> None:
    await stack.register(ADA)
    body = about_ada("evt_1")
    await stack.post_stripe(body)
    await stack.pool.execute(
        "update payments.webhooks set body = $1, subject = null, state = 'not_ours'", compress(body)
    )
    binder = Binder(stack.inbox, stack.transactions)
    assert await binder.bind_due() == 1
    assert await binder.bind_due() == 0

    subject, sealed, _ = (await kept(stack))["stripe:evt_1"]
    assert (subject, compress(body) in sealed) == (f"{ECOLE}/ada", False)
    await stack.inbox.again("stripe:evt_1")
    (claimed,) = await stack.inbox.claim(limit=1, lease=LEASE)
    assert claimed.body == body


async def test_the_key_of_a_day_is_lost_once_nothing_lies_under_it(stack: Stack) -> None:
    day = door_subject(JUNE_1.date())
    clock = stack.clock
    assert isinstance(clock, HandClock)

    async def lost() -> bool:
        clock.move_to(clock.now() + timedelta(hours=2))
        await Binder(stack.inbox, stack.transactions).bind_due()
        async with stack.transactions.looking() as unit:
            return await unit.get(KEYS, day) is None

    await stack.post_stripe(about_ada("evt_1"))
    clock.move_to(JUNE_1 + timedelta(days=5))
    assert not await lost()  # it still waits to be translated
    await stack.work()
    assert await lost()
    await stack.inbox.again("stripe:evt_1")
    (claimed,) = await stack.inbox.claim(limit=1, lease=LEASE)
    assert claimed.body == about_ada("evt_1")

    clock.move_to(JUNE_1)  # a story that begins anew: the door has forgotten nothing that is still to be read
    assert (await stack.post_stripe(about_ada("evt_2"))).status_code == 200
    (claimed,) = await stack.inbox.claim(limit=1, lease=LEASE)
    assert claimed.body == about_ada("evt_2")
