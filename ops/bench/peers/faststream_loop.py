"""FastStream over aiokafka as its documentation shows it: one handler call per message, its value decoded."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime
from typing import Any

import msgspec
import uvloop
from faststream import FastStream
from faststream.kafka import KafkaBroker


class _Envelope(msgspec.Struct):
    id: str
    type: str
    recorded_at: datetime
    fact: dict[str, Any]


_decode = msgspec.json.Decoder(_Envelope).decode


async def main(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """CPU of the process from the first message to the last."""
    broker = KafkaBroker(bootstrap, logger=None)
    app = FastStream(broker, logger=None)
    state: dict[str, Any] = {"heard": 0}

    @broker.subscriber(
        topic, group_id=f"bench-{time.time_ns()}", auto_offset_reset="earliest", decoder=_plain
    )
    async def heard(body: bytes) -> None:
        _decode(body)
        if not state["heard"]:
            state["cpu"], state["at"] = time.process_time(), time.perf_counter()
        state["heard"] += 1
        if state["heard"] >= count:
            state["end"] = time.process_time() - state["cpu"], time.perf_counter() - state["at"]
            app.exit()

    await asyncio.wait_for(app.run(log_level=50), 80)
    cpu, elapsed = state["end"]
    return {"us": cpu / count * 1e6, "rate": count / elapsed, "heard": state["heard"]}


async def _plain(message: Any) -> bytes:
    return bytes(message.body)


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
