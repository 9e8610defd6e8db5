"""What operators and schools do about endpoints, the same over HTTP and at the command line."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta

from services.hooks.channels.https import refusal
from services.hooks.domain import Delivery, Endpoint, State
from services.hooks.handlers import HEARS
from services.hooks.store import HooksUnit
from shared.errors import NotFound, Refused
from shared.events import name_of

CHOICE = frozenset(name_of(kind) for kind in HEARS)
"""The facts that can be had as webhooks."""


async def register(
    unit: HooksUnit, school_id: str, url: str, types: tuple[str, ...], *, is_test: bool
) -> Endpoint:
    """A new endpoint; it gets what is said from now on.

    Raises:
        Refused: 422, an address that nothing is posted to, or a fact that does not exist.
    """
    why = refusal(url, is_test=is_test)
    if why is not None:
        raise _wrong(f"we could not keep the address because {why}: use https://host/path of a public host")
    unknown = sorted(set(types) - CHOICE)
    if unknown or not types:
        named = ", ".join(unknown) or "none"
        raise _wrong(
            f"we could not keep the endpoint because no fact is called {named}: docs/reference/events.md names them"
        )
    endpoint = Endpoint(
        endpoint_id=f"ep_{secrets.token_hex(8)}",
        school_id=school_id,
        url=url,
        types=tuple(sorted(set(types))),
        made_at=unit.now,
    )
    unit.keep(endpoint)
    return endpoint


async def the_endpoint(unit: HooksUnit, school_id: str, endpoint_id: str) -> Endpoint:
    """The school's endpoint of that id.

    Raises:
        NotFound: it has none.
    """
    found = await unit.endpoint(endpoint_id)
    if found is None or found.school_id != school_id or found.removed_at is not None:
        raise NotFound(
            f"we could not find the endpoint {endpoint_id} because the school {school_id} has none of that id"
        )
    return found


async def rotate(unit: HooksUnit, endpoint: Endpoint, overlap: timedelta) -> Endpoint:
    """Another secret; for the overlap messages carry a signature of each."""
    rotated = replace(endpoint, generation=endpoint.generation + 1, rotated_until=unit.now + overlap)
    unit.keep(rotated)
    return rotated


async def enable(unit: HooksUnit, endpoint: Endpoint) -> Endpoint:
    """Let it get facts again, from now on; what it missed can be sent once more."""
    enabled = replace(endpoint, disabled_at=None, failing_since=None)
    unit.keep(enabled)
    return enabled


async def remove(unit: HooksUnit, endpoint: Endpoint) -> None:
    """It gets nothing more; what waits for it is given up when its hour comes."""
    unit.keep(replace(endpoint, removed_at=unit.now))


async def resend(unit: HooksUnit, endpoint: Endpoint, fact_id: str | None) -> list[Delivery]:
    """Send one delivery now, or every one that was given up, under the ids they had.

    Raises:
        Refused: 409, the endpoint is disabled. NotFound: no such delivery.
    """
    if not endpoint.is_open:
        raise Refused(
            f"we could not send because the endpoint {endpoint.endpoint_id} is disabled: enable it first",
            code="disabled",
        )
    if fact_id is None:
        found = await unit.given_up_by(endpoint.endpoint_id)
    else:
        one = await unit.delivery(f"{endpoint.endpoint_id}/{fact_id}")
        if one is None:
            raise NotFound(
                f"we could not send {fact_id} because it was never for the endpoint {endpoint.endpoint_id}"
            )
        found = [one]
    again = [
        replace(
            one,
            state=State.WAITING,
            asked=one.asked + 1,
            tries=0,
            next_at=unit.now,
            ended_at=None,
        )
        for one in found
    ]
    for one in again:
        unit.ask_again(one)
    return again


def _wrong(message: str) -> Refused:
    return Refused(message, status=422, code="invalid")
