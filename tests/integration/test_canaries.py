"""A thousand seeded names and addresses are looked for in everything that a stack keeps, says and logs."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import re
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from zstandard import ZstdError

from ops.erase_cli import holders
from ops.replay.running import dry_run
from ops.replay.wording import lines
from ops.stack.engine import StackEngine
from ops.stack.plan import SERVICES, TOPICS
from ops.stack.running import RunningStack, start_stack
from ops.topics.place import database, place_of, unseal
from ops.topics.reading import consumer_of, extents
from services.payments.app import SERVICE as PAYMENTS
from services.payments.inbox import expand
from services.payments.sealing import Sealer
from shared.database import PgStore
from shared.scrubbing import is_card_number
from shared.transactions import Transactions
from tests.integration.conftest import START, tell

if TYPE_CHECKING:
    from ops.topics.place import Place

pytestmark = [pytest.mark.embedded, pytest.mark.postgres, pytest.mark.timeout(600)]

LEARNERS: Final = 500
"""Each has a seeded name and a seeded address."""
PAYERS: Final = 100
"""So many of them pay, and are named in webhooks."""
CARD: Final = "4000056655665556"
CARDS: Final = re.compile(rb"(?<!\d)(?:4\d{3}|5[1-5]\d\d)[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?!\d)")
CVC: Final = re.compile(rb"""cvc\W{1,8}\d{3,4}""", re.IGNORECASE)


def name_of(number: int) -> str:
    return f"Kanarie{number:04d} Vogel"


def address_of(number: int) -> str:
    return f"kanarie{number:04d}@seeded.example"


def _spellings() -> tuple[bytes, ...]:
    """The seeded word in the clear, as hexadecimal digits, and as base64 at each of its three places."""
    found = []
    for word in (b"kanarie", b"Kanarie", b"KANARIE"):
        found += [word, word.hex().encode()]
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + word)
            found.append(whole[(before * 8 + 5) // 6 : (before + len(word)) * 8 // 6])
    return tuple(found)


SEEDED: Final = _spellings()


def seeded_in(text: bytes) -> int:
    """How often a seeded name or address is seen."""
    return sum(text.count(word) for word in SEEDED)


@dataclass(slots=True)
class Collector:
    """An OTLP receiver on loopback: it keeps every byte that it is sent."""

    bodies: list[bytes] = field(default_factory=list)
    url: str = ""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    found = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.bodies.append(
                gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            )
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of its own that traces."""
    running = start_stack(
        tmp_path_factory.mktemp("canaries"),
        kafka="embedded",
        clock=START,
        extra={"RELANCE_OTLP_ENDPOINT": collector.url},
    )
    yield running
    running.stop()


@dataclass(slots=True)
class Aviary:
    """The stack with the seeded people in it, and everything of it that can be searched."""

    engine: StackEngine
    stack: RunningStack
    place: Place
    pool: Any
    collector: Collector

    async def call(self, service: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = await self.engine.lines.knock(service, method, path, body, **more)
        assert answer.ok, (service, path, answer)
        return answer.body

    async def settled(self, seconds: int = 5) -> None:
        await self.engine.live_until(self.engine.now() + timedelta(seconds=seconds))

    # --- putting them in ---

    async def fill(self) -> None:
        """Learners from a list, their subscriptions, webhooks that name them, and words that people type."""
        people = range(LEARNERS)
        learners = ["learner_id,school_id,name,email,language,zone,payer_name,payer_email"] + [
            f"k{n},ecole,{name_of(n)},{address_of(n)},fr,Europe/Paris,{name_of(n)} père,pere.{address_of(n)}"
            for n in people
        ]
        await self._brings("notifications", "learners", learners)
        payers = range(PAYERS)
        head = "subscription_id,school_id,learner_id,gateway,gateway_subscription_id,gateway_customer_id"
        rest = "billing_day,started_on,method,price_minor,currency"
        for start in payers[::20]:
            some = [
                f"s{n},ecole,k{n},stripe,sub_k{n},cus_k{n},28,2026-01-28,card,7500,EUR"
                for n in payers[start : start + 20]
            ]
            await self._brings("payments", "subscriptions", [f"{head},{rest}", *some])
        await self.settled()
        for n in payers:
            await self._webhook(n)
        for learner, school, n in (("ada", "ecole", 900), ("haruka", "gakko", 901)):
            body = {
                "school_id": school,
                "name": name_of(n),
                "email": address_of(n),
                "language": "en",
                "zone": "UTC",
            }
            await self.call("notifications", "PUT", f"/learners/{learner}", body)
        case = "haruka~2026-04-15"
        await self.call("dunning", "POST", f"/cases/{case}/report", {"text": _words()})
        await self.settled()
        note = f"{name_of(903)} called, write to {address_of(903)}, card {CARD}, cvc 737"
        await self.call("dunning", "POST", f"/cases/{case}/close", {"by": "office", "note": note})
        await self.settled()
        receipt = {
            "amount": {"amount_minor": 12800, "currency": "JPY"},
            "reference": name_of(902),
            "period": "2026-04-15",
            "recorded_by": "office",
        }
        await self.call("payments", "PUT", "/subscriptions/haruka/temporary-payments/r1", receipt)
        await self._mistakes()
        await self.settled()

    async def _brings(self, service: str, kind: str, rows: list[str]) -> None:
        answer = await self.engine.lines.knock(
            service,
            "POST",
            f"/imports/{kind}",
            raw="\n".join(rows).encode(),
            headers={"x-relance-key": self.stack.plan.secrets["api_key"], "content-type": "text/csv"},
        )
        assert (answer.status, answer.body["taken"]) == (200, len(rows) - 1), answer.body

    async def _webhook(self, n: int) -> None:
        customer = {
            "id": f"cus_k{n}",
            "object": "customer",
            "name": name_of(n),
            "email": address_of(n),
            "description": f"pays with {CARD}, cvc 737",
        }
        told = {"id": f"evt_k{n}", "object": "event", "type": "customer.updated", "created": 1777000000}
        body = json.dumps({**told, "data": {"object": customer}}).encode()
        answer = await self.engine.lines.knock(
            "payments", "POST", "/webhooks/stripe", raw=body, headers=self._signed(body)
        )
        assert answer.status == 200, answer.body

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp = int(self.engine.now().timestamp())
        secret = self.stack.plan.secrets["stripe_webhook"].encode()
        signed = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"stripe-signature": f"t={stamp},v1={signed}", "content-type": "application/json"}

    async def _mistakes(self) -> None:
        """What goes wrong with names in it: each is answered, none may be kept or logged."""
        broken = b'{"id": "evt_x", "object": "event", "type": "' + address_of(904).encode()
        await self.engine.lines.knock(
            "payments", "POST", "/webhooks/stripe", raw=broken, headers=self._signed(broken)
        )
        half = {
            "school_id": "ecole",
            "name": name_of(905),
            "email": name_of(905),
            "language": "xx",
            "zone": "Mars",
        }
        for service, path, body in (
            ("notifications", "/learners/k1", half),
            ("payments", "/subscriptions/s1", {"label": name_of(905), "card": address_of(905) * 9}),
        ):
            assert not (await self.engine.call(service, "PUT", path, body)).ok
        lookup = {"school_id": "ecole", "name": name_of(906)}
        await self.call("notifications", "POST", "/learners/lookup", lookup)
        http = self.engine.lines.http
        for n in (907, 3):
            await http.post(f"{self.stack.plan.url('portal')}/at/ecole", data={"email": address_of(n)})
        await http.post(
            f"{self.stack.plan.url('desk')}/login",
            data={"email": address_of(908), "password": name_of(908), "code": "123456"},
        )
        await http.get(f"{self.stack.plan.url('portal')}/login/{address_of(909)}?to={name_of(909)}")
        # A message that nobody can read: each who hears it parks it, with a reason.
        producer = AIOKafkaProducer(bootstrap_servers=self.stack.plan.kafka)
        await producer.start()
        await producer.send_and_wait("payments.events", b"no fact at all", key=b"k1")
        await producer.stop()

    # --- looking for them ---

    async def everything(self) -> AsyncIterator[tuple[str, bytes]]:
        """Each text or bytes that is kept, said, logged or traced, with the place where it is."""
        async for place, told in self._tables():
            yield place, told
        async with consumer_of(self.place, *TOPICS) as consumer:
            for one in await extents(consumer):
                async for told in _messages(consumer, one):
                    yield f"topic {one.topic}", told
        for file in sorted((self.stack.folder / "logs").glob("*")):
            yield f"log {file.name}", file.read_bytes()
        yield "log up.log", self.stack.output.read_bytes()
        for body in list(self.collector.bodies):
            yield "traces", body
        for file in sorted((self.stack.folder / "postgres").rglob("*")):
            with suppress(OSError):  # the database takes files away while it runs
                if file.is_file():
                    yield "database files", file.read_bytes()

    async def _tables(self) -> AsyncIterator[tuple[str, bytes]]:
        tables = await self.pool.fetch(
            "select table_schema, table_name from information_schema.tables where table_schema = any($1::text[])",
            list(SERVICES),
        )
        for schema, table in tables:
            for row in await self.pool.fetch(f"select * from {schema}.{table}"):
                for value in row.values():
                    if isinstance(value, bytes):
                        yield f"{schema}.{table}", value
                        with suppress(ZstdError, KeyError):
                            yield f"{schema}.{table}", expand(value)
                    elif value is not None:
                        yield f"{schema}.{table}", str(value).encode()

    async def found(self) -> Counter[str]:
        """Places where a seeded name, a seeded address, or a card's number or code is readable."""
        seen: Counter[str] = Counter()
        async for place, told in self.everything():
            seen[place] += seeded_in(told)
            if place != "database files":
                numbers = [re.sub(rb"\D", b"", one).decode() for one in CARDS.findall(told)]
                seen[place] += sum(map(is_card_number, numbers)) + len(CVC.findall(told))
        return +seen

    async def read_with_keys(self) -> Counter[str]:
        """What whoever has the keys can read, by place: the documented ones."""
        seen: Counter[str] = Counter()
        for learner, school in [
            *((f"k{n}", "ecole") for n in range(LEARNERS)),
            ("ada", "ecole"),
            ("haruka", "gakko"),
        ]:
            shown = await self.call("notifications", "GET", f"/learners/{learner}?school_id={school}")
            seen["people"] += bool(seeded_in(json.dumps(shown).encode()))
        rows = await self.pool.fetch("select dedupe_key, received_at, subject, body from payments.webhooks")
        sealer = Sealer(Transactions(PAYMENTS, PgStore(self.pool, "payments"), self.place.clock))
        for body in (await sealer.open_all(rows)).values():
            seen["webhooks"] += bool(body and seeded_in(expand(body)))
        detail = await self.call("dunning", "GET", "/cases/haruka~2026-04-15")
        seen["words"] += bool(seeded_in(json.dumps(detail).encode()))
        return +seen

    async def erase_everybody(self) -> None:
        people = [*((f"k{n}", "ecole") for n in range(LEARNERS)), ("ada", "ecole"), ("haruka", "gakko")]
        for learner, school in people:
            asked = {"school_id": school, "by": "operator"}
            await self.call("notifications", "POST", f"/learners/{learner}/erase", asked)
        await self.settled()
        for service in holders():
            async with asyncio.timeout(120):
                while await self.pool.fetchval(f"select count(*) from {service}.erasures") < len(people):
                    await self.settled()


def _words() -> str:
    """As many seeded people as a report can name."""
    return ", ".join(f"{name_of(n)} <{address_of(n)}>" for n in range(910, 980))


async def _messages(consumer: Any, extent: Any) -> AsyncIterator[bytes]:
    where = TopicPartition(extent.topic, extent.partition)
    consumer.resume(where)
    consumer.seek(where, extent.first)
    at = extent.first
    while at < extent.end:
        for told in (await consumer.getmany(where, timeout_ms=1000)).get(where, []):
            at = told.offset + 1
            yield b" ".join([told.key or b"", told.value or b"", *(value for _, value in told.headers)])
    consumer.pause(where)


@pytest.fixture
async def aviary(traced: RunningStack, collector: Collector) -> AsyncIterator[Aviary]:
    engine = StackEngine(traced)
    played = await tell(engine)
    assert played.differences == []
    place = place_of(traced.folder)
    unseal(place)
    async with database(place, size=4) as pool:
        yield Aviary(engine, traced, place, pool, collector)
    await engine.shut_down()


async def test_a_thousand_names_and_addresses_are_readable_with_their_keys_alone_and_nowhere_once_erased(
    aviary: Aviary,
) -> None:
    await aviary.fill()

    assert await aviary.found() == {}
    readable = await aviary.read_with_keys()
    assert readable == {"people": LEARNERS + 2, "webhooks": PAYERS, "words": 1}
    assert await aviary.pool.fetchval("select count(*) from dunning.parked") > 0
    assert aviary.collector.bodies

    await aviary.erase_everybody()

    assert await aviary.found() == {}
    assert await aviary.read_with_keys() == {}
    differs = [one for one in await dry_run(aviary.pool, aviary.place.clock, SERVICES) if not one.is_none]
    assert [line for one in differs for line in lines(one)] == []


def test_the_search_itself_sees_what_it_looks_for() -> None:
    word = address_of(7).encode()
    for told in (
        word,
        name_of(7).encode(),
        word.hex().encode(),
        base64.b64encode(word),
        base64.b64encode(b"x" + word),
        base64.b64encode(b"xy" + word),
    ):
        assert seeded_in(told), told
    assert CARDS.search(b"pays with 4000 0566 5566 5556, ")
    assert CVC.search(b'{"cvc": "737"}')
