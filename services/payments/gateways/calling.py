"""What every request to a gateway has in common: it is counted, timed and followed, whatever came of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from shared.events.words import Gateway
from shared.metrics import GATEWAY_CALLS, GATEWAY_SECONDS
from shared.tracing import span

_WORD: Final = re.compile(r"v\d|[a-z][a-z_-]*")
"""A segment of a path that is no id: gateways' ids have digits or capitals."""


@dataclass(slots=True)
class Call:
    """One request; ``status`` is 0 until it was answered."""

    status: int = 0

    @property
    def outcome(self) -> str:
        """In the words of ``relance_gateway_calls_total``."""
        if 200 <= self.status <= 299:
            return "answered"
        if self.status == 402:
            return "declined"
        if self.status == 404:
            return "not_there"
        if self.status in {0, 401, 403, 408, 409, 429} or self.status >= 500:
            return "no_answer"
        return "refused"


def route_of(url: str) -> str:
    """``/v1/invoices/{id}/pay``: the address without host, ids and question."""
    path = re.sub(r"^https?://.*?(?=/v\d/)", "", url).partition("?")[0]
    return "/".join(part if not part or _WORD.fullmatch(part) else "{id}" for part in path.split("/"))


@contextmanager
def calling(gateway: Gateway, method: str, url: str) -> Iterator[Call]:
    """Around one request; set the answer's status."""
    call = Call()
    began = time.perf_counter()
    route = route_of(url)
    with span(
        f"{method.upper()} {route}", kind="client", gateway=gateway.value, method=method.upper(), route=route
    ) as way:
        try:
            yield call
        finally:
            GATEWAY_SECONDS.add(gateway.value, value=time.perf_counter() - began)
            GATEWAY_CALLS.add(gateway.value, call.outcome)
            way.say(outcome=call.outcome, status=call.status or None)
