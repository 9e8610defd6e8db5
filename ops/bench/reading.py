"""P4: checking and reading one event, beside the SDK's ``construct_event``; and what one decision takes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops.bench.bodies import SECRET, Bodies, signature
from ops.bench.goals import Row, ratio_row
from ops.bench.ground import Ground
from services.payments.gateways.stripe.parse import parse
from services.payments.gateways.stripe.verify import verify

_SDK: Final = Path(__file__).with_name("peers") / "stripe_parse.py"


def measure(run: Ground, *, rounds: int = 3) -> Iterator[Row]:
    """Ours and theirs in turns, each on the same body."""
    body = Bodies(5).next()
    file = run.folder / "event.json"
    file.write_bytes(body)
    sign, secrets, now = signature(body), (SECRET.encode(),), datetime.now(UTC)

    def ours() -> None:
        verify(sign, body, secrets=secrets, now=now)
        parse(body)

    theirs: list[float] = []
    mine: list[float] = []
    for _ in range(rounds):
        ran = subprocess.run(
            [sys.executable, str(_SDK), str(file), sign, SECRET, "1"],
            capture_output=True,
            text=True,
            check=True,
        )
        theirs += json.loads(ran.stdout)
        mine.append(microseconds(ours, 4000))
    figures = {
        "construct_event_us": [round(one) for one in theirs],
        "ours_us": [round(one, 1) for one in mine],
        "verify_us": round(microseconds(lambda: verify(sign, body, secrets=secrets, now=now), 4000), 1),
        "bytes": len(body),
    }
    yield ratio_row("P4", theirs, mine, figures=figures)


def microseconds(work: Callable[[], Any], times: int) -> float:
    """CPU per call."""
    at = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - at) / times * 1e6
