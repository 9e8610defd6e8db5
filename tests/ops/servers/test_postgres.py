from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ops.servers import postgres
from ops.servers.postgres import Postgres
from ops.servers.processes import ServerFailed

pytestmark = pytest.mark.postgres

LONG = "a-folder-whose-name-is-far-too-long-for-the-path-of-a-unix-socket-which-has-room-for-a-hundred-bytes"


async def ask(dsn: str, sql: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    started = postgres.start(tmp_path / "pg")
    yield started
    started.crash()


async def test_data_is_there_after_a_stop_and_a_start_at_the_same_address(server: Postgres) -> None:
    await ask(server.dsn, "CREATE TABLE learner AS SELECT 'ada' AS name")
    server.stop()
    assert not server.alive

    again = await postgres.start_async(server.folder)

    assert again.dsn == server.dsn
    assert await ask(again.dsn, "SELECT name FROM learner") == "ada"
    again.crash()


async def test_a_committed_row_survives_kill_minus_9(server: Postgres) -> None:
    await ask(server.dsn, "CREATE TABLE charge AS SELECT 1 AS id")
    server.crash()

    again = postgres.start(server.folder)

    assert again.pid != server.pid
    assert await ask(again.dsn, "SELECT id FROM charge") == 1
    again.crash()


async def test_a_committed_row_survives_an_immediate_stop(server: Postgres) -> None:
    await ask(server.dsn, "CREATE TABLE charge AS SELECT 2 AS id")
    server.stop_at_once()

    again = postgres.start(server.folder)

    assert await ask(again.dsn, "SELECT id FROM charge") == 2
    again.crash()


async def test_a_pid_file_that_names_a_stranger_does_not_hinder_the_start(server: Postgres) -> None:
    server.stop()
    stranger = os.getpid()
    (server.folder / "cluster" / "postmaster.pid").write_text(
        f"{stranger}\n{server.folder / 'cluster'}\n1700000000\n5432\n{server.folder / 'run'}\n\n1 2\nready\n"
    )

    assert postgres.running(server.folder) is None
    again = postgres.start(server.folder)

    assert await ask(again.dsn, "SELECT 1") == 1
    again.crash()


async def test_a_cluster_half_made_when_the_power_went_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "pg" / "cluster.making"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    server = postgres.start(tmp_path / "pg")

    assert await ask(server.dsn, "SELECT current_database()") == "relance"
    assert not half.exists()
    server.crash()


def test_files_that_are_not_postgresqls_are_never_removed(tmp_path: Path) -> None:
    strange = tmp_path / "pg" / "cluster" / "thesis.txt"
    strange.parent.mkdir(parents=True)
    strange.write_text("ten years of work")

    with pytest.raises(ServerFailed, match="holds files that are not PostgreSQL's"):
        postgres.start(tmp_path / "pg")

    assert strange.read_text() == "ten years of work"


def test_a_socket_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "run").symlink_to(elsewhere)

    with pytest.raises(ServerFailed, match="belongs to somebody else"):
        postgres.start(tmp_path / "pg")


def test_starting_twice_takes_up_the_running_server(server: Postgres) -> None:
    assert postgres.start(server.folder) == server
    assert postgres.running(server.folder) == server


async def test_nothing_is_traded_for_speed(server: Postgres) -> None:
    settings = {
        name: await ask(server.dsn, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "TimeZone")
    }

    assert settings == {"fsync": "on", "synchronous_commit": "on", "TimeZone": "UTC"}


async def test_it_listens_on_no_network(server: Postgres) -> None:
    assert await ask(server.dsn, "SHOW listen_addresses") == ""
    assert (server.folder / "run").stat().st_mode & 0o077 == 0


async def test_words_sort_and_zones_convert_the_same_on_every_machine(server: Postgres) -> None:
    assert await ask(server.dsn, "SELECT upper('é') || lower('Ç')") == "Éç"
    tokyo = await ask(server.dsn, "SELECT (timestamptz '2026-04-14 15:00Z' AT TIME ZONE 'Asia/Tokyo')::text")
    assert tokyo == "2026-04-15 00:00:00"


async def test_a_folder_with_a_long_name_works_too(tmp_path: Path) -> None:
    server = postgres.start(tmp_path / LONG)

    assert await ask(server.dsn, "SELECT 1") == 1
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
async def test_root_can_keep_its_data_in_a_folder_that_nobody_else_may_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    server = postgres.start(closed / "pg")

    assert await ask(server.dsn, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    server.crash()


async def test_a_test_gets_a_database_of_its_own(postgres_dsn: str) -> None:
    dsn = await postgres.create_database(postgres_dsn, 'l\'école "à part"')

    assert await ask(dsn, "SELECT current_database()") == 'l\'école "à part"'
    await postgres.drop_database(postgres_dsn, 'l\'école "à part"')
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await ask(dsn, "SELECT 1")


def test_two_starters_at_once_end_with_one_server(tmp_path: Path) -> None:
    code = (
        "import json, sys; from pathlib import Path; from ops.servers import postgres;"
        "print(json.dumps(postgres.start(Path(sys.argv[1]), detached=True).pid))"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "pg")], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    pids = [json.loads(starter.communicate()[0]) for starter in starters]

    assert pids[0] == pids[1]
    server = postgres.running(tmp_path / "pg")
    assert server is not None
    assert server.pid == pids[0]
    server.crash()


def test_it_ends_with_whoever_started_it_even_by_kill_minus_9(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ops.servers import postgres;"
        "postgres.start(Path(sys.argv[1])); sys.stdout.write('up\\n'); sys.stdout.flush(); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "pg")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        server = postgres.running(tmp_path / "pg")
        assert server is not None
        starter.kill()

    assert server.process.wait(20.0)


def test_a_refused_setting_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="max_connections"):
        postgres.start(tmp_path / "pg", settings={"max_connections": "many"})
