"""What tests share: real servers started once per session, and the payloads that gateways really sent.

A test that asks for `postgres`, `broker` or `apache_kafka` is marked accordingly, so that the closing lines of a run
can say on which lane each test ran.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from ops.servers import postgres as postgres_server

if TYPE_CHECKING:
    from ops.servers.broker import Broker
    from ops.servers.kafka import Kafka
    from ops.servers.mailbox import Mailbox

ROOT = Path(__file__).resolve().parent.parent

LANES = {
    "embedded": "on the embedded Kafka broker",
    "apache_kafka": "on Apache Kafka",
    "postgres": "on PostgreSQL",
    "browser": "in a real browser",
}
GIVEN_BY = {"broker": "embedded", "apache_kafka": "apache_kafka", "postgres_dsn": "postgres"}

PARTITIONS = 12
"""Of the topic `relance.tests`, which is there for whoever needs any topic."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the lanes that its fixtures put it on."""
    for item in items:
        for fixture, lane in GIVEN_BY.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(lane)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which lanes ran, on how many tests, and why a lane did not."""
    passed = terminalreporter.stats.get("passed", [])
    failed = [*terminalreporter.stats.get("failed", []), *terminalreporter.stats.get("error", [])]
    skipped = terminalreporter.stats.get("skipped", [])
    terminalreporter.section("lanes")
    for lane, where in LANES.items():
        ok, bad = _on(lane, passed), _on(lane, failed)
        left = [report for report in skipped if lane in getattr(report, "keywords", ())]
        if not (ok or bad or left):
            terminalreporter.write_line(f"{where}: no test")
            continue
        line = f"{where}: {ok} passed, {bad} failed"
        if left:
            reasons = Counter(_reason(report) for report in left)
            line += f", {len(left)} skipped ({'; '.join(reasons)})"
        terminalreporter.write_line(line)


def _on(lane: str, reports: list[pytest.TestReport]) -> int:
    return sum(1 for report in reports if lane in getattr(report, "keywords", ()))


def _reason(report: pytest.TestReport) -> str:
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return said.removeprefix("Skipped: ")


def _absent(reason: str, *, required: bool) -> None:
    """Skip saying why; on CI a lane that is required fails instead."""
    if required and os.environ.get("CI") == "true":
        pytest.fail(f"required when CI=true: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of recorded gateway payloads (RELANCE_FIXTURES, or `../shared/fixtures` beside the repository)."""
    given = os.environ.get("RELANCE_FIXTURES")
    folder = Path(given) if given else ROOT.parent / "shared" / "fixtures"
    if not folder.is_dir():
        pytest.skip(f"no recorded payloads at {folder}: set RELANCE_FIXTURES to their folder")
    return folder


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The session's embedded PostgreSQL: the address of its first database. Without fsync: its data is not kept."""
    server = postgres_server.start(
        tmp_path_factory.mktemp("postgres"), settings={"fsync": "off", "full_page_writes": "off"}
    )
    yield server.dsn
    server.stop()


@pytest.fixture(scope="module")
def postgres(postgres_dsn: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database for this module: its address. Gone when the module's tests are."""
    module = re.sub(r"\W+", "_", request.path.stem)[-30:]
    name = f"{module}_{uuid4().hex[:8]}"
    yield asyncio.run(postgres_server.create_database(postgres_dsn, name))
    asyncio.run(postgres_server.drop_database(postgres_dsn, name))


@pytest.fixture
def fresh_postgres(postgres_dsn: str) -> Iterator[str]:
    """A fresh database for this one test: its address."""
    name = f"t_{uuid4().hex[:12]}"
    yield asyncio.run(postgres_server.create_database(postgres_dsn, name))
    asyncio.run(postgres_server.drop_database(postgres_dsn, name))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The session's embedded Kafka broker. A test makes its own topics with `create_topics`."""
    from ops.servers import broker as embedded  # noqa: PLC0415 - only the tests that ask for it pay for it

    server = embedded.start({"relance.tests": PARTITIONS}, folder=tmp_path_factory.mktemp("broker"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """The session's real Apache Kafka. Skipped, saying why, where it cannot be had; required when CI=true."""
    from ops.servers import kafka  # noqa: PLC0415 - only the tests that ask for it pay for it

    verdict = kafka.available(timeout=300.0)
    if not verdict.yes:
        _absent(verdict.reason, required=True)
    server = kafka.start(tmp_path_factory.mktemp("kafka"), topics={"relance.tests": PARTITIONS})
    yield server
    server.stop()


@pytest.fixture(
    params=[
        pytest.param("broker", marks=pytest.mark.embedded, id="embedded"),
        pytest.param("apache_kafka", marks=pytest.mark.apache_kafka, id="apache_kafka"),
    ]
)
def any_kafka(request: pytest.FixtureRequest) -> Broker | Kafka:
    """The test runs twice: on the embedded broker and on Apache Kafka (both have `bootstrap` and `create_topics`)."""
    server: Broker | Kafka = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def mailbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    """The session's mailbox, with whatever mails earlier tests sent."""
    from ops.servers import mailbox as local  # noqa: PLC0415 - only the tests that ask for it pay for it

    server = local.start(tmp_path_factory.mktemp("mailbox"))
    yield server
    server.stop()


@pytest.fixture
def mailbox(mailbox_server: Mailbox) -> Mailbox:
    """An empty mailbox that accepts every mail."""
    mailbox_server.clear()
    return mailbox_server
