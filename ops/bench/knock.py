"""Knocks at a door as fast as it opens: prepared requests over a few connections, in a process of its own.

    python -m ops.bench.knock FILE RECORD FIRST COUNT PORT CONNECTIONS SECONDS [RATE]

FILE holds requests of RECORD bytes each. Without RATE each connection sends its next request when the last is
answered; with RATE requests are started on a timetable and late ones count their wait. One line of JSON says what came
of it.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop


class _Run:
    def __init__(self, requests: Iterator[bytes], seconds: float) -> None:
        self.requests = requests
        self.until = time.perf_counter() + seconds
        self.good = self.bad = self.lost = 0
        self.waits: list[float] = []

    def next(self) -> bytes | None:
        if time.perf_counter() >= self.until:
            return None
        return next(self.requests, None)


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run, done: asyncio.Future[None], *, paced: bool = False) -> None:
        self._run, self._done, self._paced = run, done, paced
        self._buffer = b""
        self._sent_at = 0.0
        self._waiting = False
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        if not self._paced:
            self._send()

    def _send(self) -> None:
        request = self._run.next()
        if request is None:
            self._finish()
            return
        self.send(request, time.perf_counter())

    def send(self, request: bytes, due: float) -> None:
        self._sent_at, self._waiting = due, True
        if self.transport is not None:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lines = self._buffer[:head].lower()
        at = lines.find(b"content-length:")
        length = int(lines[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < head + 4 + length:
            return
        self._run.waits.append(time.perf_counter() - self._sent_at)
        if self._buffer[9:10] == b"2":
            self._run.good += 1
        else:
            self._run.bad += 1
        self._buffer, self._waiting = b"", False
        if self._paced:
            self._done.set_result(None)
            return
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's shape
        if self._waiting:
            self._run.lost += 1
        self._finish()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
        if self.transport is not None:
            self.transport.close()


async def _closed(run: _Run, port: int) -> None:
    """One connection at a time, opened again when the server closes it."""
    loop = asyncio.get_running_loop()
    while time.perf_counter() < run.until:
        done: asyncio.Future[None] = loop.create_future()
        try:
            await loop.create_connection(lambda done=done: _Connection(run, done), "127.0.0.1", port)  # type: ignore[misc]
        except OSError:
            run.lost += 1
            await asyncio.sleep(0.01)
            continue
        await done


async def _paced(run: _Run, port: int, connections: int, rate: float) -> None:
    loop = asyncio.get_running_loop()
    start, sent = time.perf_counter(), 0

    async def one() -> None:
        nonlocal sent
        connection: _Connection | None = None
        while True:
            due = start + sent / rate
            sent += 1
            request = run.next()
            if request is None or due > run.until:
                break
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            done: asyncio.Future[None] = loop.create_future()
            if connection is None or connection.transport is None or connection.transport.is_closing():
                _, connection = await loop.create_connection(
                    lambda done=done: _Connection(run, done, paced=True),  # type: ignore[misc]
                    "127.0.0.1",
                    port,
                )
            connection._done = done  # noqa: SLF001 - this module's own
            connection.send(request, due)
            await done
        if connection is not None and connection.transport is not None:
            connection.transport.close()

    await asyncio.gather(*(one() for _ in range(connections)))


async def _main(
    file: str, record: int, first: int, count: int, port: int, connections: int, *more: float
) -> None:
    with Path(file).open("rb") as opened:  # noqa: ASYNC230 - mapped, before anything runs
        data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    requests = (data[at * record : (at + 1) * record] for at in range(first, first + count))
    run = _Run(requests, more[0])
    start = time.perf_counter()
    if len(more) > 1:
        await _paced(run, port, connections, more[1])
    else:
        await asyncio.gather(*(_closed(run, port) for _ in range(connections)))
    waits = sorted(run.waits) or [0.0]
    print(
        json.dumps(
            {
                "good": run.good,
                "bad": run.bad,
                "lost": run.lost,
                "seconds": time.perf_counter() - start,
                "p50_ms": waits[len(waits) // 2] * 1e3,
                "p99_ms": waits[int(len(waits) * 0.99)] * 1e3,
            }
        )
    )


if __name__ == "__main__":
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    _file, *_numbers = sys.argv[1:]
    uvloop.run(_main(_file, *(int(n) for n in _numbers[:5]), *(float(n) for n in _numbers[5:])))
