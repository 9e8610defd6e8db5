"""What happens to the machines, and raw HTTP for whatever has no word of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ops.stories.model.acts.common import Act, Entry, Gateway, Service
from ops.stories.model.base import Length, Listed, Text, When


class _Machine(Entry):
    pass


class Crashes(_Machine):
    """A process dies and stays dead until it is restarted; its HTTP doors stay open."""

    machine: Literal["crashes"]
    service: Service | Literal["all"] = "all"
    point: Literal["now", "after_charge", "before_charge", "before_commit", "after_commit"] = "now"


class Restarts(_Machine):
    """What died lives again."""

    machine: Literal["restarts"]
    service: Service | Literal["all"] = "all"


class Jumps(_Machine):
    """Everything stood still until ``to``, then goes on: whatever was due meanwhile is late."""

    machine: Literal["jumps"]
    to: When


class WrongClock(_Machine):
    """A service's agenda runs on a clock that is wrong by so much."""

    machine: Literal["wrong_clock"]
    service: Service = "dunning"
    fast: Length | None = None
    slow: Length | None = None


class TwoWorkers(_Machine):
    """Two workers take every timer and errand of a service at the same instant."""

    machine: Literal["two_workers"]
    service: Service = "dunning"
    until: When | None = Field(default=None, description="To the end of the story when absent")


class Replays(_Machine):
    """Every message is delivered again; the story fails when anything changes by it (invariant 9)."""

    machine: Literal["replays"]
    services: Annotated[tuple[Service, ...], Listed] = Field(default=(), description="All when absent")
    times: int = Field(default=1, ge=1, le=10)


class MailProvider(_Machine):
    """The mail provider takes mails or does not."""

    machine: Literal["mail_provider"]
    state: Literal["down", "up"]
    until: When | None = Field(default=None, description="Then it is the other way round")


class GatewayApi(_Machine):
    """A gateway's API answers or does not."""

    machine: Literal["gateway_api"]
    gateway: Gateway | None = Field(default=None, description="Both when absent")
    state: Literal["down", "up"]
    until: When | None = Field(default=None, description="Then it is the other way round")


class Webhook(Act):
    """Raw bytes at a gateway's door: forged, stale, unreadable ones."""

    webhook: Gateway
    signature: Literal["bad", "none", "stale"] = "bad"
    body: Any = Field(default=None, description="Text as it is, or data that is sent as JSON")
    headers: dict[str, str] = Field(default={})


class Call(Act):
    """One HTTP request to a service, for whatever has no word of its own."""

    call: Service
    method: Literal["GET", "PUT", "POST", "DELETE", "PATCH"] = "GET"
    path: Text
    body: Any = None


class Look(Entry):
    """Only ``expect``."""
