"""A new master key takes over: every key of people is wrapped by it, and the old one can be thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ops import masters_cli
from ops.cli import main
from ops.masters_cli import sealers
from ops.replay.running import service_called
from shared import keys
from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.keys import Keys, Masters
from shared.migrate import migrate
from shared.transactions import Transactions

OLD, NEW = "old-" * 8, "new-" * 8
NOW = HandClock(datetime(2026, 4, 1, tzinfo=UTC))
PEOPLE = 7


def inside(work: Any) -> Any:
    return asyncio.run(work)


@pytest.fixture
def sealed(fresh_postgres: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Every service that seals has people under the old master; one of them was erased. Service -> a sealed text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RELANCE_DATABASE", fresh_postgres)
    monkeypatch.setattr(masters_cli, "TOGETHER", 3)
    keys.use(Masters([OLD]))

    async def fill() -> dict[str, str]:
        pool = await open_pool(fresh_postgres, size=2)
        found = {}
        for name in sealers():
            await migrate(pool, service_called(name))
            async with Transactions(service_called(name), PgStore(pool, name), NOW)() as unit:
                for number in range(PEOPLE):
                    found[name] = await Keys(unit).seal(f"ecole/k{number}", f"Ada {number}")
                await Keys(unit).erase("ecole/k0")
        await pool.close()
        return found

    yield inside(fill())
    keys.use(keys.ONLY_FOR_TESTS)


def run(monkeypatch: pytest.MonkeyPatch, masters: list[str], *arguments: str) -> Any:
    monkeypatch.setenv("RELANCE_MASTER_KEYS", ",".join(masters))
    return CliRunner().invoke(main, ["masters", *arguments])


async def opens(dsn: str, name: str, token: str) -> str:
    pool = await open_pool(dsn, size=1)
    try:
        async with Transactions(service_called(name), PgStore(pool, name), NOW)() as unit:
            return await Keys(unit).open(f"ecole/k{PEOPLE - 1}", token)
    finally:
        await pool.close()


def test_each_service_says_how_many_it_rewrapped_and_the_old_master_can_go(
    sealed: dict[str, str], monkeypatch: pytest.MonkeyPatch, fresh_postgres: str
) -> None:
    before = run(monkeypatch, [NEW, OLD], "list")
    assert f"{Masters([NEW]).first}  wraps    no key: it can go" in before.output
    assert f"payments {PEOPLE - 1}" in before.output

    done = run(monkeypatch, [NEW, OLD], "rewrap", "--yes")
    assert done.exit_code == 0, done.output
    for name in ("payments", "dunning", "notifications", "desk"):
        assert (
            f"{name:<14} {PEOPLE - 1} keys rewrapped, {PEOPLE - 1} under {Masters([NEW]).first}"
            in done.output
        )

    after = run(monkeypatch, [NEW, OLD], "list")
    assert f"{Masters([OLD]).first}  old      no key: it can go" in after.output
    keys.use(Masters([NEW]))
    for name, token in sealed.items():
        assert inside(opens(fresh_postgres, name, token)) == f"Ada {PEOPLE - 1}"


def test_who_was_stopped_midway_goes_on_where_it_was(
    sealed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Keys.rewrap, 0

    async def dies(self: Keys, master: str, subjects: Any = None) -> int:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return await real(self, master, subjects)

    with monkeypatch.context() as dying:
        dying.setattr(Keys, "rewrap", dies)
        assert run(monkeypatch, [NEW, OLD], "rewrap", "--yes").exit_code != 0

    first = sealers()[0]
    again = run(monkeypatch, [NEW, OLD], "rewrap", "--yes")
    assert again.exit_code == 0
    assert f"{first:<14} 0 keys rewrapped, {PEOPLE - 1} under" in again.output


def test_a_master_that_is_not_at_hand_is_named_and_nothing_of_it_is_touched(
    sealed: dict[str, str], monkeypatch: pytest.MonkeyPatch, fresh_postgres: str
) -> None:
    refused = run(monkeypatch, [NEW], "rewrap", "--yes")
    assert refused.exit_code == 1
    assert f"does not name their masters {Masters([OLD]).first}" in refused.output
    keys.use(Masters([OLD]))
    assert inside(opens(fresh_postgres, "dunning", sealed["dunning"])) == f"Ada {PEOPLE - 1}"


def test_nothing_happens_without_a_yes(sealed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, [NEW, OLD], "rewrap").exit_code == 1
    assert f"payments {PEOPLE - 1}" in run(monkeypatch, [OLD], "list").output
