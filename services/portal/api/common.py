"""What every page shares: who looks, in which language, how a page is written, and what a form must carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from services.portal.domain import doors
from services.portal.domain.doors import Limit, Rule, Session
from services.portal.domain.people import School
from services.portal.owners import Owners
from services.portal.settings import PortalSettings
from services.portal.store import LIMITS, SESSIONS, Picture, PortalUnit
from services.portal.telling.speech import Speech
from services.portal.telling.standing import Standing, standings
from shared.calendar import LANGUAGES, Language, local_date
from shared.database import OvertakenError
from shared.errors import NotFound, Refused
from shared.pages.changes import Changes
from shared.pages.secrets import hash_of, is_same, new_secret, token_for
from shared.pages.writing import static_version, templates
from shared.transactions import Transactions

COOKIE: Final = "relance_session"
LANGUAGE_COOKIE: Final = "relance_language"
_TOGETHER: Final = 5


@dataclass(slots=True, kw_only=True)
class Built:
    """What the application was built with; ``transactions`` come with the lifespan."""

    settings: PortalSettings
    owners: Owners
    changes: Changes
    transactions: Transactions | None = None

    @property
    def opened(self) -> Transactions:
        assert self.transactions is not None  # noqa: S101 - set by the lifespan before any request
        return self.transactions


class SignInFirst(Exception):
    """Nobody is signed in: the login page comes first, then this address again."""

    def __init__(self, back: str, *, lost: bool) -> None:
        super().__init__(back)
        self.back = back
        self.lost = lost
        """A form was sent: what it asked for was not done."""


class Told(Exception):
    """A page that says what happened and what to do, in place of the one that was asked for."""

    def __init__(
        self, name: str, *, status: int = 409, link: str = "/", link_name: str = "back", **values: Any
    ) -> None:
        super().__init__(name)
        self.name = name
        self.status = status
        self.link = link
        self.link_name = link_name
        self.values = values


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who looks at a page: a learner with everything known of him, or nobody."""

    session: Session | None
    picture: Picture
    speech: Speech
    now: datetime
    csrf: str = ""

    @property
    def school(self) -> School:
        return self.picture.school

    @property
    def standings(self) -> list[Standing]:
        return standings(self.picture, self.now)

    def standing(self, subscription_id: str) -> Standing:
        """The learner's own subscription of that id.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        for one in self.standings:
            if one.subscription.subscription_id == subscription_id:
                return one
        raise NotFound("there is no such subscription here")


def built(request: Request) -> Built:
    """The application's own things."""
    found: Built = request.app.state.portal
    return found


async def signed_in(request: Request) -> Visitor:
    """A dependency: the learner whose session this is.

    Raises:
        SignInFirst: there is none, or it is over.
    """
    home = built(request)
    secret = request.cookies.get(COOKIE, "")
    async with home.opened.looking() as unit:
        session = await _session(unit, secret)
        if session is None:
            back = request.url.path if request.method == "GET" else _page_of(request.url.path)
            if request.url.query and request.method == "GET":
                back = f"{back}?{request.url.query}"
            raise SignInFirst(back, lost=request.method == "POST")
        picture = await unit.picture(session.school_id, session.learner_id)
        now = unit.now
    if session.wants_turning(now) and request.method == "GET" and request.url.path != "/live":
        request.state.cookie = await turn(home.opened, session)
    language = language_of(request, picture.school, picture.learner.language)
    return Visitor(
        session=session,
        picture=picture,
        speech=Speech(language, picture.school, picture.learner.zone),
        now=now,
        csrf=csrf_of(home.settings, session),
    )


Me = Annotated[Visitor, Depends(signed_in)]


async def _session(unit: PortalUnit, secret: str) -> Session | None:
    if not secret or len(secret) > 100:
        return None
    session = await unit.get(SESSIONS, hash_of(secret))
    return session if session is not None and session.is_good(unit.now) else None


async def turn(opened: Transactions, session: Session) -> str:
    """Change a session's cookie for another; the new secret."""
    secret = new_secret()
    async with opened() as unit:
        current: Session | None = await unit.get(SESSIONS, session.hash)
        if current is None or not current.wants_turning(unit.now):
            return ""
        unit.keep(*current.turned(hash_of(secret), unit.now))
    return secret


def csrf_of(settings: PortalSettings, session: Session) -> str:
    """What every form of a session carries; it outlives a change of cookie, and nothing else."""
    started = session.started_at.isoformat()
    return token_for(settings.master, "form", session.school_id, session.learner_id, started)


async def form_of(request: Request, me: Visitor) -> FormData:
    """The form that was sent, once it is sure that one of our own pages sent it.

    Raises:
        Told: 403.
    """
    form = await request.form()
    if not is_same(text_of(form, "csrf"), me.csrf):
        raise Told("not_our_form", status=403)
    return form


def text_of(form: FormData, name: str) -> str:
    """A field's text; a file is none."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


async def knock(home: Built, key: str, rule: Rule) -> None:
    """Count one more try.

    Raises:
        Told: 429, there were too many.
    """
    name = token_for(home.settings.master, "limit", key)
    limit = await _counted(home, name, rule)
    if limit.count > rule.most:
        raise Told("too_often", status=429, minutes=int(rule.within.total_seconds() // 60))


async def _counted(home: Built, name: str, rule: Rule) -> Limit:
    for _ in range(_TOGETHER):
        try:
            async with home.opened() as unit:
                limit = doors.knocked(await unit.get(LIMITS, name), name, rule, unit.now)
                unit.keep(limit)
                return limit
        except OvertakenError:
            continue  # two knocked first at the same moment: now there is a row to wait for
    raise Told("too_often", status=429, minutes=int(rule.within.total_seconds() // 60))


def address_of(request: Request, home: Built) -> str:
    """Whose browser this is, as far as our own proxies tell."""
    hops = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    trusted = home.settings.portal_trusted_proxies
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return request.client.host if request.client else "nowhere"


def language_of(request: Request, school: School, own: str = "") -> Language:
    """What was chosen, else the learner's own, else the browser's, else the school's first."""
    accepted = [
        part.split(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")
    ]
    for wanted in (request.cookies.get(LANGUAGE_COOKIE, ""), own, *accepted, *school.languages):
        for language in LANGUAGES:
            if wanted == language:
                return language
    return "en"


def stranger(request: Request, school: School, now: datetime) -> Visitor:
    """Somebody who is not signed in."""
    from services.portal.domain.people import Learner  # noqa: PLC0415 - only here

    picture = Picture(school=school, learner=Learner(school_id=school.school_id, learner_id=""))
    return Visitor(
        session=None, picture=picture, speech=Speech(language_of(request, school), school), now=now
    )


# --- writing pages ----------------------------------------------------------------------------------------


def page(
    request: Request, me: Visitor, template: str, *, status: int = 200, live: bool = False, **more: Any
) -> HTMLResponse:
    """A page for ``me``; ``live`` pages renew themselves when something changes."""
    speech = me.speech
    names: dict[str, Any] = {
        "t": speech.t,
        "s": speech,
        "lang": speech.language,
        "languages": LANGUAGES,
        "me": me,
        "school": me.school,
        "now": me.now,
        "today": local_date(me.now, me.school.zone),
        "live": live and me.session is not None,
        "here": request.url.path,
        "version": static_version("services.portal"),
        "notice": request.query_params.get("done", ""),
    }
    html = templates("services.portal").get_template(f"{template}.html.j2").render({**names, **more})
    return HTMLResponse(html, status_code=status)


def told(request: Request, me: Visitor, error: Told) -> HTMLResponse:
    """The page of a ``Told``."""
    return page(
        request,
        me,
        "told",
        status=error.status,
        name=error.name,
        values=error.values,
        link=error.link,
        link_name=error.link_name,
    )


def go(address: str, **query: str) -> RedirectResponse:
    """Send the browser on after a form, so that reloading does not send it again."""
    asked = f"?{urlencode(query)}" if query else ""
    return RedirectResponse(f"{address}{asked}", status_code=303)


def safe_back(address: str) -> str:
    """An address of our own, or the front page."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and "\n" not in address
    return address if is_ours and len(address) < 500 else "/"


def _page_of(path: str) -> str:
    """The page that a form belongs to."""
    return path if path.count("/") < 4 else path.rsplit("/", 1)[0]


def refusal(error: Refused, names: Mapping[str, str], *, link: str = "/") -> Told:
    """An owner's refusal in the learner's words: ``names`` tells the sentence of each code."""
    return Told(names.get(error.code, "refused"), status=error.status, link=link)
