"""The bad days of a gateway: silence, broken lines and errors, before or after the money moved."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ops.simulators.store import Json, Store

FaultKind = Literal[
    "timeout_before",  # nothing happens and nothing is answered
    "timeout_after",  # it happens, nothing is answered
    "drop_before",  # nothing happens, the line breaks
    "drop_after",  # it happens, the line breaks
    "500_before",  # nothing happens, HTTP 500
    "500_after",  # it happens, HTTP 500 from in front of the gateway: the same key gets the real answer
    "500_stored",  # it happens, HTTP 500 is remembered for the key: only reading tells
    "429",  # refused: too many requests
    "409",  # refused: somebody holds the lock (Stripe), or try again later (PayPal)
    "slow",  # it happens after ``seconds``; meanwhile the same key is in flight
]


class Fault(BaseModel):
    """A fault to inject the next ``times`` times a request matches.

    ``route`` is a glob over ``METHOD /path`` without the gateway's prefix (``POST /v1/invoices/*/pay``);
    ``seconds`` are real seconds: how long to be silent or slow.
    """

    model_config = ConfigDict(extra="forbid")

    gateway: Literal["stripe", "paypal"]
    route: str = "*"
    kind: FaultKind
    times: int = Field(default=1, ge=1)
    seconds: float = Field(default=30.0, ge=0, le=600)


class Faults:
    """Faults in wait; the first that matches a request is used up once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, fault: Fault) -> Json:
        """Put a fault in wait."""
        key = f"fault-{self._store.count('fault')}"
        return self._store.put("fault", key, {"id": key, **fault.model_dump()})

    def take(self, gateway: str, method: str, path: str) -> Fault | None:
        """The fault for this request, or None."""
        for key, row in self._store.table("fault").items():
            if row["gateway"] == gateway and fnmatchcase(f"{method} {path}", row["route"]):
                row["times"] -= 1
                if row["times"] == 0:
                    self._store.drop("fault", key)
                else:
                    self._store.put("fault", key, row)
                facts = {name: value for name, value in row.items() if name != "id"}
                return Fault.model_validate({**facts, "times": 1})
        return None

    def waiting(self) -> list[Json]:
        """Faults not used up."""
        return list(self._store.table("fault").values())

    def clear(self, gateway: str | None = None) -> None:
        """Forget them all, or those of one gateway."""
        for key, row in list(self._store.table("fault").items()):
            if gateway in {None, row["gateway"]}:
                self._store.drop("fault", key)
