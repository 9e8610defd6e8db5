"""The worker of hooks over real PostgreSQL, Kafka and HTTP: killed in the middle, it brings every fact all the same."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner

from ops.cli import main
from ops.servers.broker import Broker
from ops.stack.plan import TOPICS
from services.hooks.app import SERVICE
from shared.database import open_pool
from shared.events import Fact, id_of
from shared.events.wire import to_bytes, wrap
from shared.migrate import migrate
from tests.conftest import ROOT
from tests.hooks.conftest import ECOLE, recovered
from tests.hooks.receiver import Receiver, receiver

MASTER = "0123456789abcdef0123456789abcdef"


class Installation:
    """One worker of hooks at a time, on real servers."""

    def __init__(self, database: str, broker: Broker, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.settings = {
            "RELANCE_DATABASE": database,
            "RELANCE_KAFKA": broker.bootstrap,
            "RELANCE_KAFKA_SESSION_TIMEOUT": "6",
            "RELANCE_KAFKA_FETCH_WAIT_MS": "50",
            "RELANCE_MODE": "test",
            "RELANCE_HOOKS_MASTER": MASTER,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.pool: Any = None

    def start(self) -> None:
        with (self.folder / "hooks.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", "worker", "hooks"],
                env={**os.environ, **self.settings},
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)

    def says(self, *words: str) -> str:
        done = CliRunner().invoke(main, ["webhooks", *words, "--data", "nowhere"], env=self.settings)
        assert done.exit_code == 0, done.output
        return done.output

    async def tell(self, facts: list[Fact]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.broker.bootstrap) as producer:
            for fact in facts:
                said = wrap(fact, cause=None, recorded_at=datetime.now(UTC))
                await producer.send_and_wait(said.topic, to_bytes(said), key=said.key.encode())

    async def states(self) -> dict[str, str]:
        rows = await self.pool.fetch(
            "select body->>'fact_id' as fact, body->>'state' as state from hooks.deliveries"
        )
        return {row["fact"]: row["state"] for row in rows}


@pytest.fixture
async def installation(fresh_postgres: str, broker: Broker, tmp_path: Path) -> AsyncIterator[Installation]:
    broker.create_topics(dict(TOPICS))
    found = Installation(fresh_postgres, broker, tmp_path)
    found.pool = await open_pool(fresh_postgres, size=2)
    await migrate(found.pool, SERVICE)
    yield found
    found.kill()
    await found.pool.close()


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.mark.timeout(300)
async def test_a_worker_that_is_killed_while_it_posts_brings_every_fact_under_its_own_id(
    installation: Installation, there: Receiver
) -> None:
    told = await asyncio.to_thread(
        installation.says, "add", "--school", ECOLE, "--fact", "dunning.CaseRecovered", there.url
    )
    endpoint = told.split()[0]
    facts: list[Fact] = [recovered(number) for number in range(8)]
    wanted = {id_of(fact) for fact in facts}
    await installation.tell(facts)

    there.seconds = 30  # nobody is answered: the first worker dies with its hands full
    installation.start()
    await until(lambda: len(there.got) >= 2)
    installation.kill()
    assert "delivered" not in (await installation.states()).values()

    there.seconds = 0
    installation.start()
    async with asyncio.timeout(180):
        while (
            set((await installation.states()).values()) != {"delivered"}
            or len(await installation.states()) < 8
        ):
            await asyncio.sleep(0.2)

    assert set(there.ids()) == wanted
    assert await installation.states() == dict.fromkeys(wanted, "delivered")
    shown = await asyncio.to_thread(installation.says, "deliveries", "--school", ECOLE, endpoint)
    assert shown.count("delivered") == 8
    assert "open" in await asyncio.to_thread(installation.says, "list", "--school", ECOLE)


@pytest.mark.timeout(300)
async def test_at_the_command_line_a_receiver_is_rotated_enabled_resent_to_and_removed(
    installation: Installation,
) -> None:
    def at(*words: str) -> str:
        return installation.says(*words)

    url = "https://books.example/hook"
    added = await asyncio.to_thread(at, "add", "--school", ECOLE, "--fact", "dunning.CaseRecovered", url)
    endpoint, secret = added.split()[0], added.split()[-1]
    assert secret.startswith("whsec_")
    rotated = await asyncio.to_thread(at, "rotate", "--school", ECOLE, endpoint)
    assert rotated.split()[-1] not in {secret, ""}
    assert url in await asyncio.to_thread(at, "enable", "--school", ECOLE, endpoint)
    assert await asyncio.to_thread(at, "resend", "--school", ECOLE, endpoint) == "0 are being sent now\n"
    assert "nothing was sent" in await asyncio.to_thread(at, "deliveries", "--school", ECOLE, endpoint)
    await asyncio.to_thread(at, "remove", "--school", ECOLE, endpoint)
    assert "nowhere yet" in await asyncio.to_thread(at, "list", "--school", ECOLE)
    refused = await asyncio.to_thread(
        CliRunner().invoke,
        main,
        ["webhooks", "resend", "--school", ECOLE, endpoint],
        env=installation.settings,
    )
    assert refused.exit_code == 1
    assert "has none of that id" in refused.output


async def until(happened: Any) -> None:
    async with asyncio.timeout(120):
        while not happened():
            await asyncio.sleep(0.05)
