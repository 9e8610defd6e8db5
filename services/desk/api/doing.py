"""How a person's act is done once: seen, claimed, written down, asked of its owner, and written down again.

The form remembers what its person had seen. Should somebody else have acted meanwhile, or the case have moved, the
act is not done: the second person is shown what the first one did.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from services.desk.api.common import Built, Staff, Told, built, go, knock, refused, text_of
from services.desk.domain.audit import Claim, Deed, Handled
from services.desk.domain.case import Case
from services.desk.sealed import sealed
from services.desk.store import CLAIMS, DEEDS, DeskUnit
from shared.database import OvertakenError
from shared.errors import Refused, Transient
from shared.pages.secrets import is_same, new_secret, token_for

_KEPT: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """One act that a person confirmed."""

    what: str
    about: str
    """The case's, mail's, closure's, policy's or person's id."""
    link: str
    """Where the person goes afterwards."""
    ask: Callable[[str], Awaitable[Any]]
    """Asks the owner; given the act's id, the same for the same form."""
    back: str = ""
    """Where a refusal leads back to; ``link`` when empty."""
    before: Mapping[str, str] | None = None
    after: Mapping[str, str] | None = None
    note: str = ""
    learner_id: str = ""
    """Whom it is about, where there is no case at hand."""


async def token_of(home: Built, me: Staff, what: str, about: str, case: Case | None = None) -> dict[str, str]:
    """What a form carries: its own id, and what its person had seen."""
    async with home.opened.looking() as unit:
        seen = await _seen(unit, me, about, case)
    drawn = new_secret()[:22]
    return {"csrf": me.csrf, "token": f"{drawn}.{seen}.{_seal(home, me, what, about, drawn, seen)}"}


async def _seen(unit: DeskUnit, me: Staff, about: str, case: Case | None) -> str:
    handled = await unit.handled(me.school.school_id, about)
    current = await unit.case(case.case_id) if case is not None else None
    return f"{current.changes if current else 0}-{handled.count if handled else 0}"


def _seal(home: Built, me: Staff, what: str, about: str, drawn: str, seen: str) -> str:
    return token_for(home.settings.master, "act", me.csrf, what, about, drawn, seen)[:32]


async def do(request: Request, me: Staff, form: FormData, act: Doing, case: Case | None = None) -> Response:
    """Do it for the first of all senders of one form; the others get the same answer.

    Raises:
        Told: the form was not made for this, somebody was quicker, or the owner refused.
    """
    home = built(request)
    drawn, _, rest = text_of(form, "token").partition(".")
    seen, _, seal = rest.partition(".")
    if not drawn or not is_same(_seal(home, me, act.what, act.about, drawn, seen), seal):
        raise Told("old_form", status=409, link=act.back or act.link)
    await knock(home, f"acts/{me.by}", most=600, within=timedelta(minutes=10))
    act_id = token_for(home.settings.master, "act-id", me.csrf, act.what, act.about, drawn)[:40]
    try:
        deed = await _claim(home, me, act, act_id, seen, case)
    except OvertakenError:
        raise Told("overtaken", link=act.link, about=act.about) from None
    if deed is None:
        return go(act.link, done=act.what)
    try:
        await act.ask(act_id)
    except Refused as error:
        await _end(home, replace(deed, outcome="refused", why=str(error)), act_id, again=True)
        raise refused(error, act.back or act.link) from error
    except Transient as error:
        await _end(home, replace(deed, outcome="silent", why=str(error)), act_id, again=True, unseen=True)
        raise Told("not_now", status=503, link=act.back or act.link, detail=str(error)) from error
    await _end(home, replace(deed, outcome="done"), act_id)
    return go(act.link, done=act.what)


async def _claim(
    home: Built, me: Staff, act: Doing, act_id: str, seen: str, case: Case | None
) -> Deed | None:
    """Write down that it is asked for; ``None`` when this very form was sent before."""
    async with home.opened() as unit:
        if await unit.get(CLAIMS, act_id) is not None:
            return None
        if await _seen(unit, me, act.about, case) != seen:
            raise Told("overtaken", link=act.link, about=act.about)
        handled = await unit.handled(me.school.school_id, act.about)
        typed = Deed(
            act_id=act_id,
            school_id=me.school.school_id,
            at=unit.now,
            by=me.by,
            what=act.what,
            about=act.about,
            before=dict(act.before or {}),
            after=dict(act.after or {}),
            note=act.note,
            learner_id=act.learner_id or (case.learner_id if case is not None else ""),
        )
        deed = await sealed(unit.keys, typed)
        unit.keep(
            deed,
            Claim(act_id=act_id, deed=deed.key, answer=act.link, expires_at=unit.now + _KEPT),
            Handled(
                about=act.about,
                school_id=me.school.school_id,
                count=(handled.count if handled else 0) + 1,
                by=me.by,
                what=act.what,
                at=unit.now,
            ),
        )
    return deed


async def _end(home: Built, deed: Deed, act_id: str, *, again: bool = False, unseen: bool = False) -> None:
    async with home.opened() as unit:
        await unit.get(DEEDS, deed.key)
        # What it was typed with is sealed already; a refusal repeats what it refuses.
        unit.keep(
            replace(deed, why=(await sealed(unit.keys, replace(deed, note="", before={}, after={}))).why)
        )
        if again:
            unit.drop(CLAIMS, act_id)
        handled = await unit.handled(deed.school_id, deed.about)
        if unseen and handled is not None:
            unit.keep(replace(handled, count=handled.count - 1))


def note_of(form: Any, *, needed: bool = False, link: str = "/") -> str:
    """The person's own words.

    Raises:
        Told: they are needed and missing.
    """
    note = text_of(form, "note")[:500]
    if needed and not note:
        raise Told("needs_note", status=422, link=link)
    return note
