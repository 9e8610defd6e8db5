"""P10: what one message costs our worker until it reaches a batch, decoded, beside FastStream's loop over aiokafka.

python -m ops.bench.consuming BOOTSTRAP TOPIC COUNT      is the contestant: prints CPU microseconds per message
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import uvloop
from aiokafka import AIOKafkaProducer

from ops.bench.goals import Row, not_measured, ratio_row
from ops.bench.ground import Ground, peer_python, python
from ops.bench.retrying import failure
from shared.events.wire import from_bytes, to_bytes, wrap
from shared.producing import send_all
from shared.settings import Settings
from shared.shelf import Message
from shared.worker import Worker

COUNT: Final = 8_000
_PEER: Final = Path(__file__).with_name("peers") / "faststream_loop.py"


async def _fill(bootstrap: str, topic: str, count: int) -> None:
    rows = []
    for _ in range(count):
        envelope = wrap(failure(), cause=None, recorded_at=failure().received_at)
        rows.append({"topic": topic, "key": envelope.key, "value": to_bytes(envelope)})
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=64 * 1024)
    await producer.start()
    await send_all(producer, rows)
    await producer.stop()


async def consume(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """Our worker over a hearer that only decodes; CPU of the whole process from the first batch to the last."""
    state: dict[str, Any] = {"heard": 0, "decode": 0.0, "batches": 0}
    done = asyncio.Event()

    async def hear(messages: list[Message]) -> None:
        if not state["heard"]:
            state["cpu"], state["at"] = time.process_time(), time.perf_counter()
            state["first"] = len(messages)
        at = time.process_time()
        for message in messages:
            from_bytes(message.value)
        state["decode"] += time.process_time() - at
        state["batches"] += 1
        state["heard"] += len(messages)
        if state["heard"] >= count:
            done.set()

    settings = Settings(kafka=bootstrap, kafka_session_timeout=6, kafka_fetch_wait_ms=50)
    worker = Worker(f"bench-{time.time_ns()}", [topic], hear, settings)
    await worker.start()
    async with asyncio.timeout(60):
        await done.wait()
    cpu, elapsed = time.process_time() - state["cpu"], time.perf_counter() - state["at"]
    counted = state["heard"] - state["first"]
    await worker.stop(within=2.0)
    return {
        "us": cpu / counted * 1e6,
        "decode_us": state["decode"] / state["heard"] * 1e6,
        "rate": counted / elapsed,
        "batch": state["heard"] / state["batches"],
        "heard": state["heard"],
    }


def measure(run: Ground, *, rounds: int) -> Iterator[Row]:
    """The same messages for both, in turns."""
    bootstrap, peer = run.broker.bootstrap, peer_python()
    if peer is None:
        yield from not_measured("P10", note="make bench-peers installs FastStream")
    topics = [f"bench.worker{number}" for number in range(rounds)]
    run.broker.create_topics(dict.fromkeys(topics, 8))
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for topic in topics:
        asyncio.run(_fill(bootstrap, topic, COUNT))
        if peer is not None:
            theirs.append(_run([str(peer), str(_PEER), bootstrap, topic, str(COUNT)]))
        ours.append(_run([*python("ops.bench.consuming"), bootstrap, topic, str(COUNT)]))
    if peer is not None:
        checks = {"everything was heard": all(one["heard"] >= COUNT for one in (*ours, *theirs))}
        yield ratio_row(
            "P10",
            [one["us"] for one in theirs],
            [one["us"] for one in ours],
            figures={"ours": ours, "faststream": theirs},
            checks=checks,
        )


def _run(command: list[str]) -> dict[str, Any]:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    if ran.returncode:
        raise RuntimeError(f"a consumer failed: {ran.stderr[-1500:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    print(json.dumps(uvloop.run(consume(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
