"""In by a school's own sign-in: there and back, our own code where the provider asked for none, and its settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.desk import entering
from services.desk.api.common import (
    COOKIE,
    Admins,
    Built,
    Told,
    address_of,
    built,
    form_of,
    go,
    knock,
    page,
    safe_back,
    text_of,
)
from services.desk.api.doing import Doing, do, note_of, token_of
from services.desk.api.doors import set_cookie, stranger
from services.desk.domain.people import Person, Role
from services.desk.domain.providers import VISIT_LIFE, Guest, Provider, Visit, guest_of, welcomed
from services.desk.store import MEMBERS, PROVIDERS, VISITS
from shared.errors import Refused
from shared.logs import logger
from shared.pages.secrets import hash_of, is_same, new_secret, seal, unseal

log = logger("desk.sign_in")

_BROWSER: Final = "desk_visit"
_CODE: Final = "desk_code"
_BY_ADDRESS: Final = (60, timedelta(minutes=10))
_CODES: Final = (8, timedelta(minutes=15))
Word = Annotated[str, Query(max_length=4000)]


def build_router() -> APIRouter:
    """There, back, the code, and the settings."""
    router = APIRouter(include_in_schema=False)
    router.get("/sign-in")(leave)
    router.get("/sign-in/back")(come_back)
    router.post("/sign-in/code")(code)
    router.get("/provider")(settings_page)
    router.post("/provider")(set_provider)
    return router


def _back(home: Built) -> str:
    return f"{home.settings.desk_url.rstrip('/')}/sign-in/back"


def _no(why: str) -> Told:
    log.info("sign_in_refused", why=why)
    return Told("sign_in_refused", status=403, link="/login", why=why)


async def leave(request: Request, school: Annotated[str, Query(max_length=200)], to: str = "/") -> Response:
    """To the provider of that school, with a state, a nonce and a challenge of this browser's own."""
    home = built(request)
    await knock(home, f"from/{address_of(request, home)}", *_BY_ADDRESS)
    state, nonce, verifier, browser = (new_secret() for _ in range(4))
    async with home.opened.looking() as unit:
        provider: Provider | None = await unit.get(PROVIDERS, school)
    if provider is None:
        raise _no("no_provider")
    address = await home.line.way_to(
        provider.issuer, provider.client_id, state=state, nonce=nonce, verifier=verifier, back=_back(home)
    )
    async with home.opened() as unit:
        unit.keep(
            Visit(
                hash=hash_of(state),
                browser=hash_of(browser),
                school_id=school,
                nonce=nonce,
                verifier=seal(home.settings.master, verifier),
                to=safe_back(to),
                expires_at=unit.now + VISIT_LIFE,
            )
        )
    answer = RedirectResponse(address, status_code=303)
    set_cookie(answer, home, _BROWSER, browser, max_age=int(VISIT_LIFE.total_seconds()))
    return answer


async def come_back(request: Request, state: Word = "", code: Word = "", error: Word = "") -> Response:
    """From the provider: the visit ends here whatever comes of it, so that neither state nor code works twice."""
    home = built(request)
    await knock(home, f"from/{address_of(request, home)}", *_BY_ADDRESS)
    async with home.opened() as unit:
        visit: Visit | None = await unit.get(VISITS, hash_of(state))
        provider: Provider | None = None
        if visit is not None:
            unit.drop(VISITS, visit.hash)
            provider = await unit.get(PROVIDERS, visit.school_id)
        now = unit.now
    browser = request.cookies.get(_BROWSER, "")
    if (
        visit is None
        or visit.email
        or now >= visit.expires_at
        or not is_same(hash_of(browser), visit.browser)
    ):
        raise _no("not_this_browser")
    if provider is None or error or not code:
        raise _no("no_answer")
    master = home.settings.master
    try:
        claims = await home.line.claims(
            provider.issuer,
            provider.client_id,
            unseal(master, provider.secret),
            code=code,
            nonce=visit.nonce,
            verifier=unseal(master, visit.verifier),
            back=_back(home),
            now=now,
        )
    except Refused as refusal:
        raise _no(refusal.code) from refusal
    guest = guest_of(provider, claims)
    if isinstance(guest, str):
        raise _no(guest)
    answer = await _welcome(request, home, provider, visit, guest)
    answer.delete_cookie(_BROWSER, path="/")
    return answer


async def _welcome(request: Request, home: Built, provider: Provider, visit: Visit, guest: Guest) -> Response:
    ticket = new_secret()
    async with home.opened() as unit:
        known: Person | None = await unit.person(guest.email)
        new_id = f"s-{new_secret()[:8].lower().replace('_', '0').replace('-', '1')}"
        found = welcomed(provider, guest, known, new_id)
        if isinstance(found, str):
            raise _no(found)
        person, member = found
        if not guest.has_factor and not person.totp:
            raise _no("no_factor")
        await unit.get(MEMBERS, MEMBERS.key(member))
        unit.keep(person, member)
        if guest.has_factor:
            session, secret = entering.opened(person, provider.school_id, unit.now)
            unit.keep(replace(session, through=provider.school_id))
        else:
            unit.keep(
                replace(
                    visit,
                    hash=hash_of(ticket),
                    browser="",
                    email=person.email,
                    expires_at=unit.now + VISIT_LIFE,
                )
            )
            secret = ""
    if not secret:
        asked = page(request, await stranger(request), "sign_in_code", to=visit.to, wrong=False)
        set_cookie(asked, home, _CODE, ticket, max_age=int(VISIT_LIFE.total_seconds()))
        return asked
    log.info("logged_in", person=person.person_id, by="provider")
    answer = go(visit.to)
    set_cookie(answer, home, COOKIE, secret)
    return answer


async def code(request: Request) -> Response:
    """The provider vouched for the person and not for a second factor: our own code opens the rest."""
    home = built(request)
    form = await request.form()
    ticket = hash_of(request.cookies.get(_CODE, ""))
    async with home.opened.looking() as unit:
        visit: Visit | None = await unit.get(VISITS, ticket)
        now = unit.now
    if visit is None or not visit.email or now >= visit.expires_at:
        raise _no("not_this_browser")
    await knock(home, f"as/{visit.email}", *_CODES)
    async with home.opened() as unit:
        person: Person | None = await unit.person(visit.email)
        step, secret = None, ""
        if person is not None and person.totp and visit.school_id in person.schools:
            step = entering.step_of_code(home.settings.master, person, text_of(form, "code"), unit.now)
        if person is not None and step is not None:
            await unit.get(VISITS, ticket)
            unit.drop(VISITS, ticket)
            session, secret = entering.opened(person, visit.school_id, unit.now)
            unit.keep(replace(person, last_step=step), replace(session, through=visit.school_id))
    if person is None or step is None:
        return page(request, await stranger(request), "sign_in_code", status=401, to=visit.to, wrong=True)
    log.info("logged_in", person=person.person_id, by="provider and code")
    answer = go(visit.to)
    set_cookie(answer, home, COOKIE, secret)
    answer.delete_cookie(_CODE, path="/")
    return answer


# --- settings ---------------------------------------------------------------------------------------------


async def settings_page(request: Request, me: Admins) -> HTMLResponse:
    """Which provider lets this school's people in."""
    home = built(request)
    async with home.opened.looking() as unit:
        provider = await unit.get(PROVIDERS, me.school.school_id)
    form = await token_of(home, me, "provider", "provider")
    return page(request, me, "provider", provider=provider, form=form, roles=list(Role), back=_back(home))


def _roles_in(text: str) -> dict[str, Role] | None:
    """``VALUE = ROLE``, one a line."""
    found: dict[str, Role] = {}
    for line in text.splitlines():
        value, sign, role = (part.strip() for part in line.rpartition("="))
        if not line.strip():
            continue
        if not sign or not value or role not in set(Role):
            return None
        found[value] = Role(role)
    return found


async def set_provider(request: Request, me: Admins) -> Response:
    """Set, change or take away the provider; a secret that was left empty stays as it is."""
    home, school = built(request), me.school.school_id
    form = await form_of(request, me)
    names = ("issuer", "client_id", "domain", "claim", "provision")
    values = {name: text_of(form, name)[:500] for name in names}
    secret, roles = text_of(form, "secret"), _roles_in(text_of(form, "roles")[:5000])
    async with home.opened.looking() as unit:
        known: Provider | None = await unit.get(PROVIDERS, school)
    if values["issuer"]:
        wrong = [
            name
            for name, is_right in (
                ("issuer", home.line.may_be(values["issuer"])),
                ("client_id", bool(values["client_id"])),
                ("secret", bool(secret or known)),
                ("domain", "." in values["domain"] and "@" not in values["domain"]),
                ("roles", roles is not None),
                ("provision", values["provision"] in {"", *Role}),
            )
            if not is_right
        ]
        if wrong:
            fields = ", ".join(me.speech.w("provider_fields", name) for name in wrong)
            raise Told("look_again", status=422, link="/provider", fields=fields)

    async def ask(_: str) -> Any:
        async with home.opened() as unit:
            current: Provider | None = await unit.get(PROVIDERS, school)
            if not values["issuer"]:
                if current is not None:
                    unit.drop(PROVIDERS, school)
                return
            unit.keep(
                Provider(
                    school_id=school,
                    issuer=values["issuer"],
                    client_id=values["client_id"],
                    secret=seal(home.settings.master, secret)
                    if secret
                    else current.secret
                    if current
                    else "",
                    domain=values["domain"].casefold(),
                    provision=Role(values["provision"]) if values["provision"] else None,
                    claim=values["claim"],
                    roles=roles or {},
                    trusts_factor=text_of(form, "trusts_factor") == "yes",
                )
            )

    doing = Doing(
        what="provider",
        about="provider",
        link="/provider",
        ask=ask,
        note=note_of(form),
        before={"issuer": known.issuer if known else ""},
        after={"issuer": values["issuer"]},
    )
    return await do(request, me, form, doing)
