"""Doing something once: the second click, the second tab and the reload get the first one's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from starlette.datastructures import FormData

from services.portal.api.common import Built, Told, Visitor, knock, text_of
from services.portal.domain.doors import Act, Rule
from services.portal.store import ACTS
from shared.database import OvertakenError
from shared.pages.secrets import is_same, new_secret, token_for

_KEPT: Final = timedelta(hours=2)
_WAITS: Final = 40
_PAUSE: Final = 0.1
_ACTS: Final = Rule(most=120, within=timedelta(minutes=10))


def form_token(home: Built, me: Visitor, act: str, about: str) -> str:
    """What a form carries so that it is sent once: random, and ours."""
    drawn = new_secret()[:22]
    return f"{drawn}.{_seal(home, me, act, about, drawn)}"


def _seal(home: Built, me: Visitor, act: str, about: str, drawn: str) -> str:
    return token_for(home.settings.master, "act", me.csrf, act, about, drawn)[:32]


async def once(
    home: Built, me: Visitor, form: FormData, act: str, about: str, do: Callable[[str], Awaitable[str]]
) -> str:
    """Do it for the first of all senders of one form; everybody gets the address that ``do`` answered.

    ``do`` is given the act's id, the same for the same form: the owner's idempotency key.

    Raises:
        Told: the form was not made for this, or the first sender has not come back yet.
    """
    drawn, _, seal = text_of(form, "token").partition(".")
    if not drawn or not is_same(_seal(home, me, act, about, drawn), seal):
        raise Told("old_form", status=409)
    assert me.session is not None  # noqa: S101 - only a learner's pages have forms that act
    await knock(home, f"act/{me.session.key}", _ACTS)
    name = token_for(home.settings.master, "act", me.csrf, act, about, drawn)[:40]
    known = await _begin(home, name)
    if known is not None:
        return await _answer_of(home, name, known)
    try:
        answer = await do(name)
    except BaseException:
        async with home.opened() as unit:
            unit.drop(ACTS, name)
        raise
    async with home.opened() as unit:
        claimed: Act | None = await unit.get(ACTS, name)
        begun = claimed or Act(key=name, at=unit.now, expires_at=unit.now + _KEPT)
        unit.keep(replace(begun, answer=answer))
    return answer


async def _begin(home: Built, name: str) -> Act | None:
    """Claim the act; who came first when it is claimed already."""
    try:
        async with home.opened() as unit:
            known: Act | None = await unit.get(ACTS, name)
            if known is None:
                unit.keep(Act(key=name, at=unit.now, expires_at=unit.now + _KEPT))
            return known
    except OvertakenError:
        async with home.opened.looking() as unit:
            first: Act | None = await unit.get(ACTS, name)
        if first is None:
            raise Told("under_way", status=409) from None
        return first


async def _answer_of(home: Built, name: str, known: Act) -> str:
    for _ in range(_WAITS):
        if known.answer:
            return known.answer
        await asyncio.sleep(_PAUSE)
        async with home.opened.looking() as unit:
            found: Act | None = await unit.get(ACTS, name)
        if found is None:
            break
        known = found
    raise Told("under_way", status=409)
