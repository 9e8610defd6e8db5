"""What every page of the desk shares: who looks, with which rights, how a page is written, what a form must carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from services.desk.domain import people
from services.desk.domain.case import LATER, Case
from services.desk.domain.people import Person, Role, Session, may
from services.desk.domain.school import School
from services.desk.oidc import Line
from services.desk.owners import Owners
from services.desk.settings import DeskSettings
from services.desk.speech import Speech
from services.desk.store import KNOCKS, SESSIONS, DeskUnit
from shared.calendar import LANGUAGES, Language
from shared.errors import NotFound, Refused
from shared.pages.changes import Changes
from shared.pages.secrets import hash_of, is_same, token_for
from shared.pages.writing import static_version, templates
from shared.transactions import Transactions

COOKIE: Final = "relance_desk"
LANGUAGE_COOKIE: Final = "relance_desk_language"
_SEEN_EVERY: Final = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True)
class Built:
    """What the application was built with; ``transactions`` come with the lifespan."""

    settings: DeskSettings
    owners: Owners
    changes: Changes
    transactions: Transactions | None = None
    line: Line = field(default_factory=lambda: Line(is_test=False))
    """To the schools' own sign-ins."""

    @property
    def opened(self) -> Transactions:
        """Transactions of the desk."""
        assert self.transactions is not None  # noqa: S101 - set by the lifespan before any request
        return self.transactions


class SignInFirst(Exception):
    """Nobody is signed in: the log-in page comes first."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back


class Told(Exception):
    """A page that says what happened and what to do, in place of the one that was asked for."""

    def __init__(
        self, name: str, *, status: int = 409, link: str = "/", detail: str = "", **values: Any
    ) -> None:
        super().__init__(name)
        self.name = name
        self.status = status
        self.link = link
        self.detail = detail
        """An owner's own words."""
        self.values = values


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Who looks: somebody of an office, at one school, with one role there; or nobody yet."""

    session: Session | None
    person: Person | None
    school: School
    speech: Speech
    now: datetime
    csrf: str = ""

    @property
    def role(self) -> Role | None:
        """What this person is at this school."""
        return self.person.roles.get(self.school.school_id) if self.person else None

    def may(self, what: str) -> bool:
        """Whether the role allows it."""
        return may(self.role, what)

    @property
    def by(self) -> str:
        """Under which name acts go to their owners."""
        return self.person.person_id if self.person else ""


def built(request: Request) -> Built:
    """The application's own things."""
    found: Built = request.app.state.desk
    return found


async def signed_in(request: Request) -> Staff:
    """A dependency: whose session this is.

    Raises:
        SignInFirst: there is none, or it is over, or the role was taken away.
    """
    home = built(request)
    secret = request.cookies.get(COOKIE, "")
    async with home.opened.looking() as unit:
        session, person = await _session(unit, secret)
        if session is None or person is None:
            asked = f"?{request.url.query}" if request.url.query else ""
            raise SignInFirst(f"{request.url.path}{asked}" if request.method == "GET" else "/")
        school = await unit.school(session.school_id)
        now = unit.now
    if now - session.seen_at > _SEEN_EVERY and request.url.path != "/live":
        await _seen(home, session)
    return Staff(
        session=session,
        person=person,
        school=school,
        speech=Speech(language_of(request, school, person.language), school, now),
        now=now,
        csrf=token_for(home.settings.master, "form", session.email, session.started_at.isoformat()),
    )


async def _session(unit: DeskUnit, secret: str) -> tuple[Session | None, Person | None]:
    if not secret or len(secret) > 100:
        return None, None
    session = await unit.get(SESSIONS, hash_of(secret))
    if session is None or not session.is_good(unit.now):
        return None, None
    person = await unit.person(session.email)
    if person is None or session.school_id not in person.schools:
        return None, None
    return session, person


async def _seen(home: Built, session: Session) -> None:
    async with home.opened() as unit:
        current: Session | None = await unit.get(SESSIONS, session.hash)
        if current is not None:
            unit.keep(people.seen(current, unit.now))


class Right:
    """A dependency: somebody who is signed in and may do that at the school."""

    def __init__(self, what: str) -> None:
        self.what = what

    async def __call__(self, me: Annotated[Staff, Depends(signed_in)]) -> Staff:
        """Let in, or told that the role does not allow it.

        Raises:
            Told: 403.
        """
        if not me.may(self.what):
            raise Told(
                "not_your_role",
                status=403,
                role=me.speech.w("roles", me.role),
                needed=me.speech.w("rights", self.what),
            )
        return me


Looks = Annotated[Staff, Depends(Right("look"))]
Guides = Annotated[Staff, Depends(Right("guide"))]
Writes = Annotated[Staff, Depends(Right("write"))]
Resumes = Annotated[Staff, Depends(Right("resume"))]
Settles = Annotated[Staff, Depends(Right("settle"))]
Counts = Annotated[Staff, Depends(Right("money"))]
Rules = Annotated[Staff, Depends(Right("rules"))]
Admins = Annotated[Staff, Depends(Right("people"))]


async def form_of(request: Request, me: Staff) -> FormData:
    """The form that was sent, once it is sure that one of our own pages sent it.

    Raises:
        Told: 403.
    """
    form = await request.form()
    if not is_same(text_of(form, "csrf"), me.csrf):
        raise Told("not_our_form", status=403)
    return form


def text_of(form: Any, name: str) -> str:
    """A field's text without outer blanks; a file is none."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


async def knock(home: Built, key: str, most: int, within: timedelta) -> None:
    """Count one more try.

    Raises:
        Told: 429, there were too many.
    """
    name = token_for(home.settings.master, "knock", key)
    async with home.opened() as unit:
        limit = people.knocked(await unit.get(KNOCKS, name), name, within, unit.now)
        unit.keep(limit)
    if limit.count > most:
        raise Told("too_often", status=429, link="/login", minutes=int(within.total_seconds() // 60))


def address_of(request: Request, home: Built) -> str:
    """Whose browser this is, as far as our own proxies tell."""
    hops = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    trusted = home.settings.desk_trusted_proxies
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return request.client.host if request.client else "nowhere"


def language_of(request: Request, school: School, own: str = "") -> Language:
    """What was chosen, else the person's own, else the browser's, else the school's first."""
    accepted = [
        part.split(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")
    ]
    for wanted in (request.cookies.get(LANGUAGE_COOKIE, ""), own, *accepted, *school.languages):
        for language in LANGUAGES:
            if wanted == language:
                return language
    return "en"


async def its_case(request: Request, me: Staff, case_id: str) -> Case:
    """A case of this school.

    Raises:
        NotFound: there is none, or it is another school's.
    """
    async with built(request).opened.looking() as unit:
        case: Case | None = await unit.case(case_id)
    if case is None or not case.is_shown or case.school_id != me.school.school_id:
        raise NotFound("there is no such case at this school")
    return case


# --- writing pages ----------------------------------------------------------------------------------------


def page(
    request: Request, me: Staff, template: str, *, status: int = 200, live: bool = False, **more: Any
) -> HTMLResponse:
    """A page for ``me``; ``live`` pages renew themselves when something at the school changes."""
    speech = me.speech
    names: dict[str, Any] = {
        "t": speech.t,
        "w": speech.w,
        "s": speech,
        "lang": speech.language,
        "languages": LANGUAGES,
        "me": me,
        "school": me.school,
        "now": me.now,
        "today": speech.today,
        "later": LATER,
        "live": live and me.session is not None,
        "here": request.url.path,
        "query": request.url.query,
        "version": static_version("services.desk"),
        "done": request.query_params.get("done", ""),
    }
    html = templates("services.desk").get_template(f"{template}.html.j2").render({**names, **more})
    return HTMLResponse(html, status_code=status)


def go(address: str, **query: str) -> RedirectResponse:
    """Send the browser on after a form, so that reloading does not send it again."""
    sign = "&" if "?" in address else "?"
    asked = f"{sign}{urlencode(query)}" if query else ""
    return RedirectResponse(f"{address}{asked}", status_code=303)


def safe_back(address: str) -> str:
    """An address of our own, or the front page."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and "\n" not in address
    return address if is_ours and len(address) < 500 else "/"


def refused(error: Refused, link: str) -> Told:
    """An owner's refusal, in its own words."""
    return Told("refused", status=error.status, link=link, detail=str(error))
