"""P1, P2, P3 and P12: how fast webhooks are durably taken in, beside everybody's way and the barest one."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from ops.bench.bodies import SECRET, Bodies, Requests, prepare
from ops.bench.doors import PREPARE
from ops.bench.goals import Row, not_measured, ratio_row
from ops.bench.ground import PEERS, Ground, Slice, peer_python, python, server, wait_for
from ops.servers.postgres import programs
from ops.servers.processes import Process, free_port
from services.payments.app import SERVICE
from services.payments.inbox import compress
from shared.database import open_pool
from shared.keys import Box
from shared.migrate import migrate

CONNECTIONS: Final = 64
_MIGRATIONS: Final = Path(__file__).parents[2] / "services" / "payments" / "migrations"
_DJSTRIPE: Final = Path(__file__).with_name("peers") / "djstripe_site.py"
_PREPARED: Final = {"ours": 16_000, "bare": 24_000, "usual": 6_000, "djstripe": 900}
"""Requests per second of a slice: more than each door can take."""


@dataclass(slots=True, kw_only=True)
class Door:
    """One contestant."""

    name: str
    port: int
    process: Process
    requests: Requests
    count_sql: str
    dsn: str
    slices: list[Slice]
    latency: list[tuple[float, float]]
    sound: bool = True


def measure(run: Ground, *, seconds: float, rounds: int) -> Iterator[Row]:
    """All four doors up at once, idle; slices interleaved; rows counted after each."""
    dsn = run.database("doors")
    asyncio.run(_prepare_tables(dsn))
    with ExitStack() as stack:
        doors = [
            _door(
                run,
                stack,
                "ours",
                python("ops.cli", "api", "payments"),
                dsn,
                "payments.webhooks",
                seconds,
                rounds,
            ),
            _door(
                run, stack, "bare", python("ops.bench.doors", "bare"), dsn, "bare.webhooks", seconds, rounds
            ),
            _door(
                run,
                stack,
                "usual",
                python("ops.bench.doors", "usual"),
                dsn,
                "usual.webhooks",
                seconds,
                rounds,
            ),
        ]
        peer = peer_python()
        if peer is not None:
            doors.append(_djstripe(run, stack, peer, seconds, rounds))
        for door in doors:
            wait_for(lambda door=door: _answers(door.port), log=run.folder / f"{door.name}.log")
            _knock(run, door, 0.5, warm=True)
        for _ in range(rounds):
            for door in doors:
                _knock(run, door, seconds)
    by_name = {door.name: door for door in doors}
    yield from _verdicts(by_name)


def _verdicts(doors: Mapping[str, Door]) -> Iterator[Row]:
    ours = doors["ours"]
    for id, other in (("P1", "djstripe"), ("P2", "usual"), ("P3", "bare")):
        if other not in doors:
            yield from not_measured(id, note="make bench-peers installs dj-stripe")
            continue
        their = doors[other]
        cpu = statistics.median(s.cost for s in their.slices) / statistics.median(s.cost for s in ours.slices)
        yield ratio_row(
            id,
            [s.rate for s in ours.slices],
            [s.rate for s in their.slices],
            figures={"ours": _shown(ours), other: _shown(their), "cpu_ratio": round(cpu, 2)},
            checks={
                f"{door.name}: acknowledged <= stored <= acknowledged + connections": door.sound
                for door in (ours, their)
            },
        )


def _shown(door: Door) -> dict[str, Any]:
    return {
        "rate": [round(s.rate) for s in door.slices],
        "cpu_us": [round(s.cost, 1) for s in door.slices],
        "server_us": [round(s.cpu / max(s.done, 1) * 1e6, 1) for s in door.slices],
        "database_us": [round(s.database_cpu / max(s.done, 1) * 1e6, 1) for s in door.slices],
        "p50_ms": [round(p50, 2) for p50, _ in door.latency],
        "p99_ms": [round(p99, 2) for _, p99 in door.latency],
    }


def _knock(run: Ground, door: Door, seconds: float, *, warm: bool = False) -> None:
    before = asyncio.run(_count(door.dsn, door.count_sql))
    amount = int(_PREPARED[door.name] * seconds)
    counting = run.counting([door.process.pid])
    said = knock(door.requests, door.port, amount, CONNECTIONS, seconds)
    done = counting.stop(said["good"], seconds=said["seconds"])
    stored = asyncio.run(_count(door.dsn, door.count_sql)) - before
    door.sound &= (
        said["good"] <= stored <= said["good"] + CONNECTIONS and not said["bad"] and said["good"] > 0
    )
    if not warm:
        door.slices.append(done)
        door.latency.append((said["p50_ms"], said["p99_ms"]))


def knock(
    requests: Requests, port: int, amount: int, connections: int, seconds: float, rate: float | None = None
) -> dict[str, Any]:
    """Knock from a process of its own; what it counted."""
    numbers = [
        requests.record,
        requests.take(amount),
        amount,
        port,
        connections,
        seconds,
        *([rate] if rate else []),
    ]
    command = [*python("ops.bench.knock"), str(requests.file), *(str(number) for number in numbers)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


def api_environment(dsn: str, port: int, kafka: str = "") -> dict[str, str]:
    """What `relance api payments` reads."""
    return {
        "RELANCE_DATABASE": dsn,
        "RELANCE_PORT": str(port),
        "RELANCE_MODE": "test",
        "RELANCE_STRIPE_KEY": "sk_test_bench",
        "RELANCE_STRIPE_WEBHOOK_SECRETS": SECRET,
        "RELANCE_KAFKA": kafka,
    }


def _door(
    run: Ground,
    stack: ExitStack,
    name: str,
    command: Sequence[str],
    dsn: str,
    table: str,
    seconds: float,
    rounds: int,
) -> Door:
    port = free_port()
    more = [] if name == "ours" else [str(port), dsn]
    process = stack.enter_context(
        server([*command, *more], log=run.folder / f"{name}.log", env=api_environment(dsn, port), core=0)
    )
    requests = prepare(
        run.folder / f"{name}.requests",
        int(_PREPARED[name] * (0.5 + rounds * seconds)) + 1,
        path="/webhooks/stripe",
        seed=hash(name) % 1000,
    )
    return Door(
        name=name, port=port, process=process, requests=requests, dsn=dsn, slices=[], latency=[],
        count_sql=f"select count(*) from {table}",
    )  # fmt: skip


def _djstripe(run: Ground, stack: ExitStack, peer: Path, seconds: float, rounds: int) -> Door:
    dsn, port, log = run.database("djstripe"), free_port(), run.folder / "djstripe.log"
    env = {"DSN": dsn, "SECRET": SECRET}
    _migrate_djstripe(peer, dsn, env, log)
    command = [
        str(peer), "-m", "gunicorn", "--chdir", str(_DJSTRIPE.parent), "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--threads", "6", "djstripe_site:application",
    ]  # fmt: skip
    process = stack.enter_context(server(command, log=log, env=env, core=0))
    requests = prepare(
        run.folder / "djstripe.requests",
        int(_PREPARED["djstripe"] * (0.5 + rounds * seconds)) + 1,
        path="/stripe/webhook/5b0c2f0e-8f0a-4a1e-9d3b-2f6d0b1c7a11/",
        seed=9,
    )
    return Door(
        name="djstripe", port=port, process=process, requests=requests, dsn=dsn, slices=[], latency=[],
        count_sql="select count(*) from djstripe_event",
    )  # fmt: skip


def _migrate_djstripe(peer: Path, dsn: str, env: Mapping[str, str], log: Path) -> None:
    """Its migrations take a while: what they make is dumped once, beside the peers."""
    dump = PEERS / "djstripe.sql"
    with log.open("ab") as out:
        if dump.exists():
            command = [str(programs() / "psql"), "--quiet", "--file", str(dump), dsn]
            subprocess.run(command, stdout=out, stderr=out, check=True)
            return
        quick = {**env, "PGOPTIONS": "-c synchronous_commit=off"}
        subprocess.run([str(peer), str(_DJSTRIPE), "prepare"], env=quick, stdout=out, stderr=out, check=True)
        command = [str(programs() / "pg_dump"), "--no-owner", "--file", str(dump), dsn]
        subprocess.run(command, stdout=out, stderr=out, check=True)


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True


async def _prepare_tables(dsn: str) -> None:
    pool = await open_pool(dsn, size=1)
    await migrate(pool, SERVICE, _MIGRATIONS)
    await pool.execute(PREPARE)
    await pool.close()


async def _count(dsn: str, sql: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        found: int = await connection.fetchval(sql)
    finally:
        await connection.close()
    return found


# --- P12 ---


def recorded() -> list[bytes]:
    """Webhooks that gateways really sent, as far as they are at hand; the dictionary never saw them."""
    folder = Path(os.environ.get("RELANCE_FIXTURES", "../shared/fixtures"))
    found = []
    for file in sorted(folder.glob("paypal/*signed*/*.json")):
        event = json.loads(file.read_text(encoding="utf-8"))
        body = event.get("body_utf8") or event.get("body") or event
        found.append(body if isinstance(body, str) else json.dumps(body, separators=(",", ":")))
    for name in ("supabase", "pay-rails", "lago-basil"):
        for file in sorted(folder.glob(f"stripe/{name}/*.json")):
            if "_response" in file.name:
                continue  # an answer of the API, no webhook
            event = json.loads(file.read_text(encoding="utf-8"))
            if event.get("object") != "event":
                about = event.get("object")
                event = {
                    "id": "evt_1",
                    "object": "event",
                    "data": about if isinstance(about, dict) else event,
                }
            found.append(json.dumps(event, indent=2, ensure_ascii=False))
    return [body.encode() for body in found]


def kept_bytes(run: Ground, *, copies: int = 500) -> Row:
    """What a kept body takes on disk, beside a plain ``bytea`` column; both tables hold nothing else."""
    found = recorded()
    if not found:
        return not_measured("P12", note="no recorded payloads: set RELANCE_FIXTURES")[0]
    kept, plain = asyncio.run(_kept(run.database("doors"), found, copies))
    own = asyncio.run(_kept(run.database("doors"), [Bodies(3).next() for _ in range(200)], 50))
    return Row(
        id="P12",
        value=kept / plain,
        figures={
            "bytes_ours": round(kept), "bytes_plain": round(plain), "bodies": len(found),
            "simulated_failure_ours": round(own[0]), "simulated_failure_plain": round(own[1]),
        },
    )  # fmt: skip


async def _kept(dsn: str, bodies: Sequence[bytes], copies: int) -> tuple[float, float]:
    connection = await asyncpg.connect(dsn)
    sizes = []
    box = Box(os.urandom(32))
    for storage, write in (
        ("external", lambda body: b"\x01" + box.seal_under(bytes(12), compress(body)[4:], b"evt_1")),
        ("extended", bytes),
    ):
        await connection.execute("drop table if exists sizes; create table sizes (body bytea not null)")
        await connection.execute(f"alter table sizes alter column body set storage {storage}")
        rows = [(write(body),) for body in bodies] * copies
        await connection.executemany("insert into sizes values ($1)", rows)
        sizes.append(await connection.fetchval("select pg_table_size('sizes') / count(*)::float from sizes"))
    await connection.execute("drop table sizes")
    await connection.close()
    return sizes[0], sizes[1]
