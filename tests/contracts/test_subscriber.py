"""The how-to's subscriber runs as it stands in the docs, on a story's own facts, and counts each once."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from ops.servers import broker as embedded
from ops.servers.broker import Broker
from ops.stack.plan import TOPICS
from ops.stories.memory.engine import MemoryEngine
from ops.stories.runner import play
from ops.stories.shelf import read_all
from shared.events import Envelope
from shared.events.wire import to_bytes
from tests.conftest import ROOT

FILE = ROOT / "docs/how-to/subscriber.py"
STORY = ROOT / "ops/stories/demo/2-french-learner-updates-the-card.yaml"


async def facts_of_the_story() -> list[Envelope]:
    """What dunning told while a French learner mended her card."""
    told: list[Envelope] = []

    class Listening(MemoryEngine):
        async def close(self) -> None:
            told.extend(one.envelope for one in self.line.history if one.envelope.topic == "dunning.events")
            await super().close()

    engine = Listening()
    try:
        played = await play(read_all([STORY])[0], engine, None)
    finally:
        await engine.shut_down()
    assert played.passed
    return told


async def tell(broker: Broker, facts: list[Envelope]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for fact in facts:
            await producer.send_and_wait(fact.topic, to_bytes(fact), key=fact.key.encode())


@contextmanager
def subscriber(broker: Broker, book: Path, group: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "RELANCE_KAFKA": broker.bootstrap, "BOOK": str(book), "GROUP": group}
    process = subprocess.Popen([sys.executable, str(FILE)], env=environment, stdin=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait(20)


def rows_of(book: Path, case_id: str) -> list[tuple[object, ...]]:
    if not book.is_file():
        return []
    with sqlite3.connect(book, timeout=10) as opened:
        if not opened.execute("select 1 from sqlite_master where name = 'recovered'").fetchall():
            return []
        return opened.execute(
            "select fact_id, amount_minor, currency from recovered where case_id = ?", (case_id,)
        ).fetchall()


async def booked(book: Path, case_id: str, count: int) -> list[tuple[object, ...]]:
    """What the book holds of one case, once it holds that many lines."""
    async with asyncio.timeout(120):
        while len(rows := rows_of(book, case_id)) < count:
            await asyncio.sleep(0.1)
    return rows


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that nobody has left a broken message on."""
    server = embedded.start(TOPICS, folder=tmp_path / "broker")
    yield server
    server.stop()


@pytest.mark.embedded
@pytest.mark.timeout(300)
async def test_the_subscriber_of_the_docs_books_a_recovery_once_whatever_dies(
    own_broker: Broker, tmp_path: Path
) -> None:
    facts = await facts_of_the_story()
    recovered = next(fact for fact in facts if fact.type == "dunning.CaseRecovered")
    case_id = recovered.fact.case_id  # type: ignore[attr-defined]  # a CaseRecovered has one
    group = f"books-{uuid4().hex[:8]}"
    book = tmp_path / "recovered.db"

    await tell(own_broker, facts)
    with subscriber(own_broker, book, group):
        first = await booked(book, case_id, 1)
    # It was killed where it stood; everything is told again, and what follows is told for the first time.
    marker = Envelope(
        id=f"{recovered.id}-marker", type=recovered.type, topic=recovered.topic, key=recovered.key,
        cause=None, recorded_at=recovered.recorded_at, fact=recovered.fact,
    )  # fmt: skip
    await tell(own_broker, [*facts, *facts, marker])
    with subscriber(own_broker, book, group):
        second = await booked(book, case_id, 2)

    amount = recovered.fact.amount  # type: ignore[attr-defined]  # as above
    assert first == [(recovered.id, amount.amount_minor, amount.currency)]
    assert [row[0] for row in second] == [recovered.id, marker.id]


def test_the_subscriber_is_as_short_as_the_how_to_says() -> None:
    body = FILE.read_text(encoding="utf-8").split("async def main")[1]
    lines = [line for line in body.splitlines()[1:] if line.strip() and '"""' not in line]
    assert len(lines) <= 20, len(lines)
    assert re.search(r"enable_auto_commit=False", body)


def test_what_the_how_to_names_exists() -> None:
    from shared.events import VOCABULARY  # noqa: PLC0415 - only this test looks names up

    text = (ROOT / "docs/how-to/subscribe.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:payments|dunning|access|credits|notifications)\.[A-Z]\w+)`", text))
    assert named
    assert named <= set(VOCABULARY)
