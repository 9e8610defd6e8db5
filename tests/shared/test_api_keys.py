"""Keys of internal services: who is let in, what for, at which schools, until when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from fastapi import APIRouter
from pydantic import SecretStr

from ops.cli import main
from ops.keys_cli import DOORS
from ops.stack.children import app_of
from shared.api_keyring import MemoryKeyring, PgKeyring, caller_with
from shared.api_keys import Key, mint
from shared.clock import HandClock
from shared.database import open_pool
from shared.errors import Refused
from shared.migrate import migrate
from shared.settings import Settings
from shared.web import READS, ForEverySchool, Keyed, build_app

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


@pytest.fixture
def ring(clock: HandClock) -> MemoryKeyring:
    return MemoryKeyring(clock)


@pytest.fixture
async def door(ring: MemoryKeyring) -> AsyncIterator[httpx.AsyncClient]:
    """A service with one route of each kind."""
    app = build_app("Relance dunning", Settings(api_keys=SecretStr("operator-1, operator-2")))
    app.state.keyring = ring
    router = APIRouter(dependencies=[Keyed])

    async def answer() -> str:
        return "well"

    router.get("/cases")(answer)
    router.post("/cases")(answer)
    router.post("/check", openapi_extra=READS)(answer)
    router.get("/schools/{school_id}/cases")(answer)
    router.get("/everything", dependencies=[ForEverySchool])(answer)
    app.include_router(router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://door") as client:
        yield client


async def given(ring: Any, *scopes: str, **more: Any) -> dict[str, str]:
    """A new key, as the header that its owner sends."""
    key, shown = mint("lms", scopes, now=NOW, **more)
    await ring.add(key)
    return {"X-Relance-Key": shown}


async def test_without_a_key_that_is_known_nobody_is_let_in(
    door: httpx.AsyncClient, ring: MemoryKeyring
) -> None:
    right = await given(ring, "dunning:read")
    forged = right["X-Relance-Key"][:-1] + ("A" if right["X-Relance-Key"][-1] != "A" else "B")
    for headers in ({}, {"X-Relance-Key": "guess"}, {"X-Relance-Key": forged}):
        answer = await door.get("/cases", headers=headers)
        assert answer.status_code == 401
        assert "relance keys add" in answer.json()["detail"]


async def test_a_reader_reads_and_does_not_write(door: httpx.AsyncClient, ring: MemoryKeyring) -> None:
    reader = await given(ring, "dunning:read")
    assert (await door.get("/cases", headers=reader)).status_code == 200
    assert (await door.post("/check", headers=reader)).status_code == 200
    refused = await door.post("/cases", headers=reader)
    assert refused.status_code == 403
    assert "dunning:write" in refused.json()["detail"]


async def test_a_key_of_another_service_opens_nothing_here(
    door: httpx.AsyncClient, ring: MemoryKeyring
) -> None:
    assert (await door.get("/cases", headers=await given(ring, "credits:write"))).status_code == 403
    for scope in ("dunning:write", "*:write", "*:read"):
        assert (await door.get("/cases", headers=await given(ring, scope))).status_code == 200


async def test_a_key_of_some_schools_names_no_other(door: httpx.AsyncClient, ring: MemoryKeyring) -> None:
    paris = await given(ring, "dunning:read", schools=("paris",))
    assert (await door.get("/schools/paris/cases", headers=paris)).status_code == 200
    assert (await door.get("/cases?school=paris", headers=paris)).status_code == 200
    for address in ("/schools/tokyo/cases", "/cases?school=tokyo", "/cases?school=paris&school_id=tokyo"):
        answer = await door.get(address, headers=paris)
        assert answer.status_code == 403
        assert "not for the school tokyo" in answer.json()["detail"]
    assert (await door.get("/everything", headers=paris)).status_code == 403
    assert (await door.get("/everything", headers=await given(ring, "dunning:read"))).status_code == 200


async def test_the_keys_of_the_environment_still_open_everything(door: httpx.AsyncClient) -> None:
    for key in ("operator-1", "operator-2"):
        assert (await door.post("/cases", headers={"X-Relance-Key": key})).status_code == 200
        assert (await door.get("/everything", headers={"X-Relance-Key": key})).status_code == 200


async def test_two_keys_of_one_name_are_valid_at_once_until_the_first_ends(
    door: httpx.AsyncClient, ring: MemoryKeyring, clock: HandClock
) -> None:
    old = await given(ring, "dunning:read", expires_at=NOW + timedelta(days=7))
    new = await given(ring, "dunning:read")
    for key in (old, new):
        assert (await door.get("/cases", headers=key)).status_code == 200

    clock.move_to(NOW + timedelta(days=7))
    ended = await door.get("/cases", headers=old)
    assert ended.status_code == 401
    assert "expired at 2026-06-08 09:00 UTC" in ended.json()["detail"]
    assert (await door.get("/cases", headers=new)).status_code == 200


def test_a_key_is_kept_as_a_digest_only() -> None:
    key, shown = mint("lms", ("dunning:read",), now=NOW)
    secret = shown.rsplit("_", 1)[-1]
    assert secret not in repr(key)
    assert len(key.digest) == 32


@pytest.mark.parametrize("scope", ["dunning", "dunning:own", "Dunning:read", "", "a:b:read"])
def test_a_scope_that_does_not_exist_makes_no_key(scope: str) -> None:
    with pytest.raises(Refused, match="is no scope"):
        mint("lms", (scope,), now=NOW)


async def test_over_postgresql_a_use_is_noted_and_a_revoked_key_opens_nothing(
    fresh_postgres: str, clock: HandClock
) -> None:
    pool = await open_pool(fresh_postgres)
    await migrate(pool, app_of("dunning").SERVICE)
    ring = PgKeyring(pool, "dunning", clock)
    shown = (await given(ring, "dunning:read", schools=("paris",)))["X-Relance-Key"]

    caller = await caller_with(ring, shown)
    assert caller is not None
    assert (caller.name, caller.schools) == ("lms", frozenset({"paris"}))
    [key] = await ring.all()
    assert key.last_used_at == NOW

    clock.move_to(NOW + timedelta(seconds=20))
    await caller_with(ring, shown)
    assert (await ring.all())[
        0
    ].last_used_at == NOW  # to the minute, so that a busy key is not written each time
    clock.move_to(NOW + timedelta(hours=1))
    await caller_with(ring, shown)
    assert (await ring.all())[0].last_used_at == NOW + timedelta(hours=1)

    assert await ring.revoke([key.id], NOW + timedelta(hours=1)) == 1
    with pytest.raises(Refused, match=r"was revoked at 2026-06-01 10:00 UTC"):
        await caller_with(ring, shown)
    await pool.close()


class Operator:
    """Somebody at the command line of an installation."""

    def __init__(self, database: str) -> None:
        self.environment = {"RELANCE_DATABASE": database}

    def says(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["keys", *words, "--data", "nowhere"], env=self.environment)

    def lines(self) -> list[str]:
        return self.says("list").output.splitlines()


@pytest.fixture
async def operator(fresh_postgres: str) -> Operator:
    pool = await open_pool(fresh_postgres)
    for service in DOORS:
        await migrate(pool, app_of(service).SERVICE)
    await pool.close()
    return Operator(fresh_postgres)


def test_the_operator_adds_rotates_lists_and_revokes(operator: Operator) -> None:
    assert "there is no key yet" in operator.says("list").output
    shown = operator.says(
        "add", "lms", "--scope", "dunning:read", "--scope", "access:read", "--school", "paris"
    )
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("rk_")
    [line] = operator.lines()
    assert shown.stdout.strip() not in line
    for word in ("lms", "access:read,dunning:read", "paris", "never used", "valid"):
        assert word in line

    assert operator.says("rotate", "lms", "--overlap-hours", "24").stdout.startswith("rk_")
    first, second = operator.lines()
    assert "valid until" in first
    assert second.endswith("valid")

    assert operator.says("revoke", "lms").exit_code == 0
    assert all("was revoked at" in line for line in operator.lines())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "Big Name", "--scope", "dunning:read"), "small letters"),
        (("add", "lms", "--scope", "dunning"), "is no scope"),
        (("add", "lms", "--scope", "kitchen:read"), "no door is called kitchen"),
        (("revoke", "nobody"), "there is no key of the id or name 'nobody'"),
        (("rotate", "nobody"), "has no key that still opens anything"),
    ],
)
def test_a_mistake_of_the_operator_is_told(operator: Operator, words: tuple[str, ...], told: str) -> None:
    done = operator.says(*words)
    assert done.exit_code == 1
    assert told in done.output


def test_a_key_may_not_outlive_its_days() -> None:
    key: Key = mint("lms", ("*:read",), now=NOW, expires_at=NOW + timedelta(days=1))[0]
    assert key.ended(NOW) is None
    assert key.ended(NOW + timedelta(days=1)) == "expired at 2026-06-02 09:00 UTC"
