"""The ways in: a magic link by mail, a signed hand-over from the school's own platform; and the way out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, BackgroundTasks, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.portal.api.common import (
    COOKIE,
    LANGUAGE_COOKIE,
    Built,
    Me,
    Visitor,
    address_of,
    built,
    form_of,
    go,
    knock,
    page,
    safe_back,
    stranger,
    text_of,
)
from services.portal.api.cookies import cookie_of
from services.portal.domain import doors
from services.portal.domain.doors import HAND_OVER_LIFE, LINK_LIFE, HandOver, LoginLink, Rule
from services.portal.domain.people import School
from services.portal.hand_over import hand_over_secret, hand_over_signature
from services.portal.store import HAND_OVERS, LINKS, SCHOOLS, SESSIONS
from shared.errors import NotFound, RelanceError
from shared.logs import logger
from shared.pages.secrets import hash_of, is_same, new_secret

log = logger("portal.doors")

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_ID: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_SECRET: Final = re.compile(r"[A-Za-z0-9_\-]{43}")
_LINKS_BY_ADDRESS: Final = Rule(most=20, within=timedelta(minutes=15))
_LINKS_BY_EMAIL: Final = Rule(most=5, within=timedelta(minutes=15))
_REDEEMS: Final = Rule(most=300, within=timedelta(minutes=15))
_YEAR: Final = 365 * 24 * 3600


def build_router() -> APIRouter:
    """Everything that needs no session."""
    router = APIRouter(include_in_schema=False)
    router.get("/at/{school_id}")(show_door)
    router.post("/at/{school_id}")(ask_for_link)
    router.get("/login")(show_lost)
    router.get("/login/{secret}")(show_link)
    router.post("/login/{secret}")(redeem_link)
    router.get("/hand-over")(show_hand_over)
    router.post("/hand-over")(redeem_hand_over)
    router.get("/language/{language}")(choose_language)
    router.post("/logout")(log_out)
    return router


async def the_school(home: Built, school_id: str) -> tuple[School, datetime]:
    """A school that is registered, and the time.

    Raises:
        NotFound: it is not.
    """
    async with home.opened.looking() as unit:
        school: School | None = await unit.get(SCHOOLS, school_id) if _ID.fullmatch(school_id) else None
        now: datetime = unit.now
    if school is None or not school.is_known:
        raise NotFound("there is no such school here")
    return school, now


async def show_door(school_id: str, request: Request, to: Annotated[str, Query()] = "/") -> HTMLResponse:
    """A school's front door: its learners ask for a link here."""
    home = built(request)
    school, now = await the_school(home, school_id)
    return page(
        request, stranger(request, school, now), "door", to=safe_back(to), sent=False, wrong=False, lost=False
    )


async def ask_for_link(school_id: str, request: Request, later: BackgroundTasks) -> Response:
    """Send a link to whoever has that address; the answer is the same when nobody has."""
    home = built(request)
    school, now = await the_school(home, school_id)
    me = stranger(request, school, now)
    form = await request.form()
    email, to = text_of(form, "email").strip(), safe_back(text_of(form, "to"))
    if not _EMAIL.fullmatch(email):
        return page(request, me, "door", status=422, to=to, sent=False, wrong=True, lost=False)
    await knock(home, f"link/{address_of(request, home)}", _LINKS_BY_ADDRESS)
    await knock(home, f"link/{school_id}/{email.lower()}", _LINKS_BY_EMAIL)
    later.add_task(_send_links, home, school_id, email, to)
    answer = page(request, me, "door", to=to, sent=True, wrong=False, lost=False)
    answer.background = later
    return answer


async def _send_links(home: Built, school_id: str, email: str, to: str) -> None:
    """After the answer, so that nobody can tell by its speed whether an address is known."""
    try:
        for learner_id in await home.owners.learners_at(school_id, email):
            secret = await new_link(home, school_id, learner_id, to)
            url = f"{home.settings.portal_url.rstrip('/')}/login/{secret}"
            minutes = int(LINK_LIFE.total_seconds() // 60)
            await home.owners.send_login_link(school_id, learner_id, url, minutes)
    except RelanceError as error:
        log.warning("login_link_not_sent", school=school_id, reason=str(error))


async def new_link(home: Built, school_id: str, learner_id: str, to: str) -> str:
    """A link's secret; only its hash is kept."""
    secret = new_secret()
    async with home.opened() as unit:
        link = LoginLink(
            hash=hash_of(secret),
            school_id=school_id,
            learner_id=learner_id,
            expires_at=unit.now + LINK_LIFE,
            to=to,
        )
        unit.keep(link)
    return secret


async def show_lost(request: Request, to: Annotated[str, Query()] = "/", lost: bool = False) -> HTMLResponse:
    """Nobody is signed in, and no school is named: choose it."""
    home = built(request)
    async with home.opened.looking() as unit:
        former = await unit.get(SESSIONS, hash_of(request.cookies.get(COOKIE, ""))[:64])
        schools = [former.school_id] if former is not None else []
        known = [await unit.school(one) for one in schools]
        now = unit.now
    school = known[0] if known else School(school_id="")
    me = stranger(request, school, now)
    if not school.is_known:
        return page(request, me, "told", name="no_session", values={}, link="", link_name="", status=401)
    return page(request, me, "door", status=401, to=safe_back(to), sent=False, wrong=False, lost=lost)


async def show_link(secret: str, request: Request) -> HTMLResponse:
    """A link is opened, perhaps by a mail program that looks ahead: nothing happens before the button."""
    home = built(request)
    link, me = await _link(home, request, secret)
    why = link.why_not(me.now) if link else "unknown"
    if why:
        return _dead_link(request, me, why)
    return page(request, me, "enter", action=f"/login/{secret}", fields={})


async def redeem_link(secret: str, request: Request) -> Response:
    """The button: one link, one session, however often it is pressed."""
    home = built(request)
    await knock(home, f"redeem/{address_of(request, home)}", _REDEEMS)
    _, me = await _link(home, request, secret)
    cookie = new_secret()
    async with home.opened() as unit:
        link: LoginLink | None = await unit.get(LINKS, hash_of(secret)) if _SECRET.fullmatch(secret) else None
        why = link.why_not(unit.now) if link else "unknown"
        if link is not None and not why:
            unit.keep(
                replace(link, used_at=unit.now),
                doors.opened(hash_of(cookie), link.school_id, link.learner_id, unit.now),
            )
    if link is None or why:
        return _dead_link(request, me, why)
    request.state.cookie = cookie
    return go(safe_back(link.to))


async def _link(home: Built, request: Request, secret: str) -> tuple[LoginLink | None, Visitor]:
    async with home.opened.looking() as unit:
        link = await unit.get(LINKS, hash_of(secret)) if _SECRET.fullmatch(secret) else None
        school = await unit.school(link.school_id) if link else School(school_id="")
        return link, stranger(request, school, unit.now)


def _dead_link(request: Request, me: Visitor, why: str) -> HTMLResponse:
    door = f"/at/{me.school.school_id}" if me.school.is_known else ""
    return page(
        request,
        me,
        "told",
        status=410 if why != "unknown" else 404,
        name=f"link_{why}",
        values={},
        link=door,
        link_name="new_link",
    )


# --- from the school's own platform -----------------------------------------------------------------------


async def show_hand_over(request: Request) -> HTMLResponse:
    """A learner comes from the school's platform, by an address it signed: a button takes it up."""
    home = built(request)
    fields = {name: request.query_params.get(name, "") for name in _HANDED}
    school, now = await the_school(home, fields["school"])
    me = stranger(request, school, now)
    why = _why_not_handed(home, fields, now)
    if why:
        return _dead_link(request, me, why)
    return page(request, me, "enter", action="/hand-over", fields=fields)


_HANDED: Final = ("school", "learner", "at", "number", "to", "signature")


async def redeem_hand_over(request: Request) -> Response:
    """Signed, fresh and new: the learner is in. The signature is the form's own proof."""
    home = built(request)
    await knock(home, f"redeem/{address_of(request, home)}", _REDEEMS)
    form = await request.form()
    fields = {name: text_of(form, name) for name in _HANDED}
    school, now = await the_school(home, fields["school"])
    me = stranger(request, school, now)
    why = _why_not_handed(home, fields, now)
    cookie = new_secret()
    if not why:
        name = hash_of(f"{fields['school']}\x1f{fields['number']}")
        async with home.opened() as unit:
            if await unit.get(HAND_OVERS, name) is not None:
                why = "used"
            else:
                unit.keep(
                    HandOver(hash=name, expires_at=unit.now + 2 * HAND_OVER_LIFE),
                    doors.opened(hash_of(cookie), fields["school"], fields["learner"], unit.now),
                )
    if why:
        return _dead_link(request, me, why)
    request.state.cookie = cookie
    return go(safe_back(fields["to"] or "/"))


def _why_not_handed(home: Built, fields: dict[str, str], now: datetime) -> str:
    secret = hand_over_secret(home.settings.master, fields["school"])
    expected = hand_over_signature(
        secret,
        school_id=fields["school"],
        learner_id=fields["learner"],
        at=fields["at"],
        number=fields["number"],
        to=fields["to"],
    )
    if not is_same(expected, fields["signature"]) or not _ID.fullmatch(fields["learner"]):
        return "unknown"
    if not re.fullmatch(r"[0-9]{1,12}", fields["at"]) or not fields["number"]:
        return "unknown"
    at = datetime.fromtimestamp(int(fields["at"]), UTC)
    return "" if abs(now - at) < HAND_OVER_LIFE else "expired"


# --- small things -----------------------------------------------------------------------------------------


async def choose_language(
    language: str, request: Request, to: Annotated[str, Query()] = "/"
) -> RedirectResponse:
    """Another language, for a year."""
    if language not in {"fr", "ja", "en"}:
        raise NotFound("there is no such language here")
    answer = go(safe_back(to))
    settings = built(request).settings
    answer.headers.append("set-cookie", cookie_of(settings, LANGUAGE_COOKIE, language, seconds=_YEAR))
    return answer


async def log_out(request: Request, me: Me) -> Response:
    """Forget this browser."""
    home = built(request)
    await form_of(request, me)
    async with home.opened() as unit:
        if me.session is not None:
            unit.drop(SESSIONS, me.session.hash)
    answer = go(f"/at/{me.school.school_id}")
    answer.headers.append("set-cookie", cookie_of(home.settings, COOKIE, "", seconds=0))
    request.state.cookie = ""
    return answer
