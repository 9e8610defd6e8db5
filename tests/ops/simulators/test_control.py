"""The story driver's door: time, memory across restarts, and the same ids in the same story."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import stripe

from ops.simulators.world import Settings, open_world
from shared.clock import FileClock
from tests.ops.simulators.conftest import Door, Gateways, free_port, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ops.simulators.conftest import Json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    FileClock(tmp_path / "clock", start=datetime(2026, 5, 1, 12, tzinfo=UTC))
    return tmp_path


class Restartable:
    """A pair of gateways that follows a clock file somebody else moves."""

    def __init__(self, folder: Path, data: str = "data") -> None:
        self._folder = folder
        self._data = data
        self._port = free_port()
        self.clock = FileClock(folder / "clock")
        self._client = httpx.Client(timeout=30)
        self.up()

    def up(self) -> None:
        base = f"http://127.0.0.1:{self._port}"
        settings = Settings(data=self._folder / self._data, base_url=base, clock=self.clock)
        self._running = start(settings, self._port)
        self.gateways = Gateways(base=base, clock=self.clock, http=self._client, door=Door(port=9))

    def down(self) -> None:
        self._running.stop()

    def close(self) -> None:
        self.down()
        self._client.close()


@pytest.fixture
def pair(folder: Path) -> Iterator[Restartable]:
    pair = Restartable(folder)
    yield pair
    pair.close()


def test_the_driver_steps_from_one_due_instant_to_the_next(sim: Gateways) -> None:
    sim.ada()
    sim.aiko()
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED"])
    seen = []

    for _ in range(4):
        due = sim.control("GET", "/next")["next"]
        seen.append((due["kind"], due["at"]))
        sim.advance(due["at"])

    assert seen == [
        ("paypal.attempt", "2026-05-15T11:10:00Z"),
        ("paypal.attempt", "2026-05-20T11:10:00Z"),
        ("stripe.renew", "2026-06-01T07:00:00Z"),
        ("paypal.attempt", "2026-06-15T11:10:00Z"),
    ]
    assert sim.clock.now() == datetime(2026, 6, 15, 11, 10, tzinfo=UTC)
    assert sim.control("GET", "/next?kind=stripe.")["next"]["at"] == "2026-07-01T07:00:00Z"


def test_a_clock_moved_by_somebody_else_is_followed_when_asked(pair: Restartable) -> None:
    sim = pair.gateways
    ada = sim.ada()
    pair.clock.move_to(datetime(2026, 7, 10, tzinfo=UTC))
    assert sim.charges() == []

    done = sim.run()

    assert [item["kind"] for item in done if item["kind"] != "webhook.deliver"] == ["stripe.renew"] * 2
    assert [row["at"] for row in sim.charges(ada["subscription"])] == [
        "2026-06-01T07:00:00Z",
        "2026-07-01T07:00:00Z",
    ]
    assert pair.clock.now() == datetime(2026, 7, 10, tzinfo=UTC)


def test_a_restart_forgets_nothing(pair: Restartable) -> None:
    sim = pair.gateways
    ada = sim.ada()
    aiko = sim.aiko()
    sim.script(learner="ada", outcomes=["ok", "insufficient_funds"])
    sim.listen()
    sim.control("POST", "/fault", {"gateway": "stripe", "kind": "429", "route": "GET /v1/customers"})
    paid = sim.stripe().v1.customers.create({"email": "x@example.com"}, {"idempotency_key": "k"})
    root = sim.http.get(f"{sim.base}/_sim/paypal/root.pem").content
    pair.clock.move_to(datetime(2026, 6, 1, 7, tzinfo=UTC))
    sim.run()
    before = sim.control("GET", "/webhooks/outstanding")["waiting"]

    pair.down()
    pair.up()

    sim = pair.gateways
    assert before > 0
    assert sim.control("GET", "/webhooks/outstanding")["waiting"] == before
    assert sim.http.get(f"{sim.base}/_sim/paypal/root.pem").content == root
    assert len(sim.control("GET", "/fault")["faults"]) == 1
    assert len(sim.charges(ada["subscription"])) == 1
    pair.clock.move_to(datetime(2026, 7, 2, tzinfo=UTC))
    sim.run()
    assert sim.stripe().v1.subscriptions.retrieve(ada["subscription"]).status == "past_due"
    assert len(sim.charges(aiko["subscription"])) == 2
    assert sim.stripe().v1.customers.retrieve(paid.id).email == "x@example.com"


def test_the_same_story_has_the_same_ids(folder: Path) -> None:
    told: list[Json] = []
    for data in ("one", "two"):
        pair = Restartable(folder, data)
        pair.clock.move_to(datetime(2026, 5, 1, 12, tzinfo=UTC))
        sim = pair.gateways
        sim.ada()
        sim.aiko()
        sim.advance("2026-06-02T00:00:00Z")
        told.append(sim.control("GET", "/charges"))
        pair.close()

    assert told[0] == told[1]
    assert len(told[0]["charges"]) == 2


def test_a_double_charge_would_show(sim: Gateways) -> None:
    ada = sim.ada()
    sim.advance("2026-06-01T07:00:00Z")
    client = sim.stripe()
    again = client.v1.invoices.create(
        {"customer": ada["customer"], "currency": "eur", "subscription": ada["subscription"]}
    )
    client.v1.invoice_items.create({"customer": ada["customer"], "amount": 7500, "invoice": again.id})
    client.v1.invoices.pay(again.id)

    (double,) = sim.doubles()
    assert (double["subscription"], double["period"]) == (ada["subscription"], "2026-06-01")
    sim.act("refund", charge=double["refs"][1])
    assert sim.doubles() == []


def test_the_journal_tells_everything_in_order(sim: Gateways) -> None:
    sim.ada()
    sim.advance("2026-06-01T07:00:00Z")
    sim.stripe().v1.customers.create({}, {"idempotency_key": "k"})
    sim.run()

    lines = sim.control("GET", "/journal")["journal"]

    assert [line["n"] for line in lines] == sorted(line["n"] for line in lines)
    kinds = {line["kind"] for line in lines}
    assert {"due", "event", "webhook.acknowledged", "api.call"} <= kinds
    (call,) = sim.control("GET", "/journal?kind=api.call")["journal"]
    assert (call["call"], call["key"], call["status"]) == ("POST /v1/customers", "k", 200)
    assert sim.control("GET", f"/journal?since={lines[-1]['n']}")["journal"] == []


def test_stripes_own_test_clock_moves_everybody(sim: Gateways) -> None:
    sim.ada()
    client = sim.stripe()
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": int(sim.clock.now().timestamp())})
    target = int(datetime(2026, 6, 2, tzinfo=UTC).timestamp())

    advancing = client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": target})
    while client.v1.test_helpers.test_clocks.retrieve(clock.id).status != "ready":
        time.sleep(0.05)
    sim.run()

    assert advancing.status == "advancing"
    assert len(sim.charges()) == 1
    assert "test_helpers.test_clock.ready" in sim.door.types()
    assert sim.clock.now() == datetime(2026, 6, 2, tzinfo=UTC)


def test_a_misspelt_control_is_refused_with_the_reason(sim: Gateways) -> None:
    answer = sim.control("POST", "/script", {"learner": "ada", "outcome": ["ok"]}, expect=400)
    assert answer["problems"][0]["loc"] == ["outcome"]
    assert "set up" in sim.control("POST", "/script", {"learner": "nobody"}, expect=400)["error"]
    assert "there are" in sim.control("POST", "/act", {"action": "dance"}, expect=400)["error"]
    assert "no control" in sim.control("GET", "/nothing", expect=404)["error"]


def test_a_key_that_is_no_test_key_opens_nothing(sim: Gateways) -> None:
    for key in ("sk_live_1", "pk_test_1"):
        client = stripe.StripeClient(key, base_addresses={"api": f"{sim.base}/stripe"})
        with pytest.raises(stripe.AuthenticationError):
            client.v1.customers.list()


def test_lists_come_by_page_newest_first(sim: Gateways) -> None:
    client = sim.stripe()
    for number in range(5):
        client.v1.customers.create({"name": f"learner {number}"})

    first = client.v1.customers.list({"limit": 2})

    assert [customer.name for customer in first.data] == ["learner 4", "learner 3"]
    assert first.has_more
    assert [customer.name for customer in first.auto_paging_iter()] == [
        f"learner {n}" for n in (4, 3, 2, 1, 0)
    ]


def test_an_unknown_object_is_a_404_that_names_it(sim: Gateways) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice: 'in_nothing'") as missing:
        sim.stripe().v1.invoices.retrieve("in_nothing")

    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def test_the_command_line_serves_on_the_wall_clock_and_bills_by_itself(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "ops.simulators", "--port", str(port), "--data", str(tmp_path)]
    process = subprocess.Popen([*command, "--tick", "0.1"])
    try:
        with httpx.Client(timeout=30, transport=httpx.HTTPTransport(retries=8)) as client:
            base = f"http://127.0.0.1:{port}"
            sim = Gateways(
                base=base, clock=FileClock(tmp_path / "c", start=datetime.now(UTC)), http=client, door=Door()
            )
            now = datetime.fromisoformat(sim.control("GET", "/health")["now"])
            sim.ada(anchor=None, next_billing=(now + timedelta(seconds=0.3)).isoformat())
            deadline = time.monotonic() + 20
            while not sim.charges() and time.monotonic() < deadline:
                time.sleep(0.1)

            assert [row["by"] for row in sim.charges()] == ["engine"]
    finally:
        process.terminate()
        assert process.wait(timeout=10) in {0, -15}


def test_a_letter_in_the_postmans_hands_is_posted_again_after_a_kill(folder: Path) -> None:
    settings = Settings(
        data=folder / "data", base_url="http://127.0.0.1:9", clock=FileClock(folder / "clock")
    )
    world = open_world(settings)
    world.outbox.listen("stripe", "main", "http://127.0.0.1:9/hook", secrets=["s"])
    world.outbox.say("stripe", event="evt_1", kind="customer.created", raw="{}", about="cus_1")
    taken = world.agenda.next()
    assert taken is not None
    world.agenda.remove(taken.id)
    world.keep()
    world.store.close()

    again = open_world(settings)

    planned = again.agenda.next()
    assert planned is not None
    assert planned.ref == taken.ref
    again.store.close()
