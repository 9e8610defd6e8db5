"""In and out: log-in with password and code, an invitation taken up, the language, the school, the way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final

import pyotp
import segno
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.desk import entering
from services.desk.api.common import (
    COOKIE,
    LANGUAGE_COOKIE,
    Built,
    Looks,
    SignInFirst,
    Staff,
    Told,
    address_of,
    built,
    form_of,
    go,
    knock,
    language_of,
    page,
    safe_back,
    signed_in,
    text_of,
)
from services.desk.domain.people import Person, Session
from services.desk.domain.school import School
from services.desk.speech import Speech
from services.desk.store import PEOPLE, SESSIONS
from shared.calendar import LANGUAGES
from shared.logs import logger
from shared.pages.secrets import hash_of

log = logger("desk.doors")

_BY_ADDRESS: Final = (30, timedelta(minutes=10))
_BY_PERSON: Final = (8, timedelta(minutes=15))
_YEAR: Final = 365 * 24 * 3600
Secret = Annotated[str, Path(pattern=r"^[A-Za-z0-9_\-]{20,80}$")]


def build_router() -> APIRouter:
    """The doors."""
    router = APIRouter(include_in_schema=False)
    router.get("/login")(login_page)
    router.post("/login")(login)
    router.post("/logout")(logout)
    router.get("/join/{secret}")(join_page)
    router.post("/join/{secret}")(join)
    router.get("/language/{language}")(choose_language)
    router.post("/school")(choose_school)
    return router


async def stranger(request: Request) -> Staff:
    """Whoever looks, signed in or not."""
    try:
        return await signed_in(request)
    except SignInFirst:
        async with built(request).opened.looking() as unit:
            now = unit.now
        school = School(school_id="")
        return Staff(
            session=None,
            person=None,
            school=school,
            speech=Speech(language_of(request, school), school, now),
            now=now,
        )


async def login_page(
    request: Request, to: str = "/", school: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse:
    """Who are you? With a ``school``, a link to its own sign-in: a form may not lead away from us, a link may."""
    return page(
        request, await stranger(request), "login", to=safe_back(to), wrong=False, email="", its_school=school
    )


async def login(request: Request) -> Response:
    """Password and code; whatever is wrong, the answer is the same."""
    home = built(request)
    form = await request.form()
    email, to = text_of(form, "email").casefold()[:254], safe_back(text_of(form, "to") or "/")
    await knock(home, f"from/{address_of(request, home)}", *_BY_ADDRESS)
    await knock(home, f"as/{email}", *_BY_PERSON)
    password = form.get("password")
    secret = await _let_in(home, email, password if isinstance(password, str) else "", text_of(form, "code"))
    if not secret:
        log.info("login_refused")
        return page(
            request,
            await stranger(request),
            "login",
            status=401,
            to=to,
            wrong=True,
            email=email,
            its_school="",
        )
    answer = go(to)
    set_cookie(answer, home, COOKIE, secret)
    return answer


async def _let_in(home: Built, email: str, password: str, code: str) -> str:
    async with home.opened() as unit:
        person: Person | None = await unit.person(email)
        is_right = entering.is_password(person, password)
        if person is None or not is_right or not person.is_ready or not person.schools:
            return ""
        step = entering.step_of_code(home.settings.master, person, code, unit.now)
        if step is None:
            return ""
        session, secret = entering.opened(person, person.schools[0], unit.now)
        unit.keep(replace(person, last_step=step), session)
    log.info("logged_in", person=person.person_id)
    return secret


def set_cookie(answer: Response, home: Built, name: str, value: str, **more: Any) -> None:
    """A cookie of ours: no script reads it, no other site's form sends it."""
    answer.set_cookie(
        name, value, path="/", httponly=True, samesite="lax", secure=home.settings.is_secure, **more
    )


async def logout(request: Request, me: Looks) -> Response:
    """Out: the session is over, here and everywhere."""
    await form_of(request, me)
    async with built(request).opened() as unit:
        if me.session is not None:
            unit.drop(SESSIONS, me.session.hash)
    answer = go("/login")
    answer.delete_cookie(COOKIE, path="/")
    return answer


async def _invited(home: Built, secret: str) -> Person:
    async with home.opened.looking() as unit:
        found = await unit.find(PEOPLE, "invited", hash_of(secret))
        now = unit.now
    person: Person | None = found[0] if found else None
    if person is None or person.invited_until is None or now >= person.invited_until:
        raise Told("invitation_over", status=404, link="/login")
    return person


async def join_page(request: Request, secret: Secret) -> HTMLResponse:
    """An invitation: choose a password, set up the second factor."""
    person = await _invited(built(request), secret)
    return _join_page(request, await stranger(request), person, secret)


def _join_page(request: Request, me: Staff, person: Person, secret: str, wrong: str = "") -> HTMLResponse:
    factor = entering.totp_secret(built(request).settings.master, secret)
    uri = pyotp.TOTP(factor).provisioning_uri(name=person.email, issuer_name="Relance")
    picture = segno.make(uri, error="m").svg_inline(
        scale=4, border=4, dark="#000", light="#fff", omitsize=True
    )
    groups = " ".join(factor[start : start + 4] for start in range(0, len(factor), 4))
    return page(
        request, me, "join", status=422 if wrong else 200, email=person.email, groups=groups, uri=uri, picture=picture, wrong=wrong,
        shortest=entering.SHORTEST,
    )  # fmt: skip


async def join(request: Request, secret: Secret) -> Response:
    """The invitation is taken up: from now on password and code open the door."""
    home = built(request)
    await knock(home, f"from/{address_of(request, home)}", *_BY_ADDRESS)
    person = await _invited(home, secret)
    form = await request.form()
    password = str(form.get("password") or "")
    wrong = entering.weak(password, person.email)
    if not wrong and password != str(form.get("again") or ""):
        wrong = "differs"
    async with home.opened() as unit:
        person = await unit.person(person.email) or person
        offered = entering.joined(home.settings.master, replace(person, last_step=0), password, secret, 0)
        step = (
            None
            if wrong
            else entering.step_of_code(home.settings.master, offered, text_of(form, "code"), unit.now)
        )
        if step is not None:
            unit.keep(replace(offered, last_step=step))
    if step is None:
        return _join_page(request, await stranger(request), person, secret, wrong or "code")
    return go("/login", joined="1")


async def choose_language(request: Request, language: str, to: str = "/") -> Response:
    """Pages in that language from now on."""
    answer = go(safe_back(to))
    if language in LANGUAGES:
        set_cookie(answer, built(request), LANGUAGE_COOKIE, language, max_age=_YEAR)
    return answer


async def choose_school(request: Request, me: Looks) -> Response:
    """Another school of the same person."""
    form = await form_of(request, me)
    wanted = text_of(form, "school")
    if me.person is None or me.session is None or me.session.through or wanted not in me.person.schools:
        raise Told("not_found", status=404)
    async with built(request).opened() as unit:
        session: Session | None = await unit.get(SESSIONS, me.session.hash)
        if session is not None:
            unit.keep(replace(session, school_id=wanted))
    return go("/")
