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
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop


class _Run:
    """What is sent, until when, and what came of it."""

    def __init__(self, requests: Iterator[memoryview], seconds: float) -> None:
        self.requests = requests
        self.until = time.perf_counter() + seconds
        self.good = self.bad = self.lost = 0
        self.waits: list[float] = []

    def next(self) -> memoryview | None:
        if time.perf_counter() >= self.until:
            return None
        return next(self.requests, None)

    def answered(self, answer: bytes, sent_at: float) -> None:
        self.waits.append(time.perf_counter() - sent_at)
        if answer[9:10] == b"2":
            self.good += 1
        else:
            self.bad += 1


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    lines = head.lower()
    if b"transfer-encoding: chunked" in lines:
        return body.endswith(b"0\r\n\r\n")
    at = lines.find(b"content-length:")
    return len(body) >= (int(lines[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)


class _Line:
    """One connection of the closed loop. Plain sockets: whoever knocks must cost less than whoever opens."""

    def __init__(self, run: _Run, port: int, ready: select.epoll) -> None:
        self._run, self._port, self._ready = run, port, ready
        self._open()

    def _open(self) -> None:
        self._answer, self._sent_at = b"", 0.0
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = self.socket.fileno()
        self._ready.register(self.number, select.EPOLLIN)

    def send(self) -> bool:
        """Send one more; ``False`` when nothing is left to send."""
        request = self._run.next()
        if request is None:
            self.socket.close()
            return False
        self._sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> bool:
        """Take what came, and send the next when that was a whole answer."""
        got = self.socket.recv(65_536)
        self._answer += got
        if not got:
            self._run.lost += 1
            self.socket.close()
            self._open()
            return self.send()
        if not _is_whole(self._answer):
            return True
        self._run.answered(self._answer, self._sent_at)
        self._answer = b""
        return self.send()


def _closed(run: _Run, port: int, connections: int) -> None:
    """Each connection's next request when its last one is answered; one that was closed is opened again."""
    with select.epoll() as ready:
        lines = {line.number: line for line in (_Line(run, port, ready) for _ in range(connections))}
        for number in [number for number, line in lines.items() if not line.send()]:
            del lines[number]
        while lines:
            for number, _ in ready.poll():
                line = lines.pop(number)
                if line.receive():
                    lines[line.number] = line


class _Connection(asyncio.Protocol):
    """One connection of the timetable."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._answer = b""
        self._due = 0.0
        self._done: asyncio.Future[None] | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    async def ask(self, request: memoryview, due: float) -> None:
        """Send, and return when it is answered or the line is lost."""
        self._due, self._done = due, asyncio.get_running_loop().create_future()
        self.transport.write(request)
        await self._done

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if _is_whole(self._answer):
            self._run.answered(self._answer, self._due)
            self._answer = b""
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's shape
        if self._done is not None:
            self._run.lost += 1
            self._end()

    def _end(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)
        self._done = None


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
            if connection is None or connection.transport.is_closing():
                _, connection = await loop.create_connection(lambda: _Connection(run), "127.0.0.1", port)
            await connection.ask(request, due)
        if connection is not None:
            connection.transport.close()

    await asyncio.gather(*(one() for _ in range(connections)))


def main(
    file: str, record: int, first: int, count: int, port: int, connections: int, *more: float
) -> dict[str, float]:
    """Knock, and say what came of it."""
    with Path(file).open("rb") as opened:
        data = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
    requests = (data[at * record : (at + 1) * record] for at in range(first, first + count))
    run = _Run(requests, more[0])
    start = time.perf_counter()
    if len(more) > 1:
        uvloop.run(_paced(run, port, connections, more[1]))
    else:
        _closed(run, port, connections)
    waits = sorted(run.waits) or [0.0]
    return {
        "good": run.good,
        "bad": run.bad,
        "lost": run.lost,
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time(),
        "p50_ms": waits[len(waits) // 2] * 1e3,
        "p99_ms": waits[int(len(waits) * 0.99)] * 1e3,
    }


if __name__ == "__main__":
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    _file, *_numbers = sys.argv[1:]
    print(json.dumps(main(_file, *(int(n) for n in _numbers[:5]), *(float(n) for n in _numbers[5:]))))
