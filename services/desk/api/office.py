"""The office itself: who did what, who may come in, and how much comes back."""

from __future__ import annotations

import csv
import io
import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.desk import entering, plots
from services.desk.api.common import Admins, Looks, Staff, Told, built, form_of, page, text_of
from services.desk.api.doing import Doing, do, note_of, token_of
from services.desk.api.names import people_of
from services.desk.domain.figures import Tally, merged, months_before
from services.desk.domain.people import Role
from services.desk.owners import maybe
from services.desk.store import MEMBERS, SESSIONS
from shared.money import Money

_EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9.\-]{1,190}")
_ROWS = 50


def build_router() -> APIRouter:
    """Audit, people, figures."""
    router = APIRouter(include_in_schema=False)
    router.get("/audit")(audit)
    router.get("/people")(people)
    router.post("/people")(set_role)
    router.get("/figures")(figures)
    router.get("/figures.csv")(figures_csv)
    return router


async def audit(
    request: Request,
    me: Looks,
    by: Annotated[str, Query(max_length=40)] = "",
    about: Annotated[str, Query(max_length=300)] = "",
    after: Annotated[str, Query(max_length=400)] = "",
) -> HTMLResponse:
    """Who did what, the newest first."""
    school = me.school.school_id
    async with built(request).opened.looking() as unit:
        deeds = await unit.deeds(school, by=by, about=about, after=after, limit=_ROWS + 1)
    webhooks = (
        await maybe(built(request).owners.ask("payments", "GET", "/webhooks/counts"))
        if me.may("people")
        else None
    )
    shown = deeds[:_ROWS]
    return page(
        request, me, "audit", deeds=shown, people=await people_of(request, me), by=by, about=about,
        next=shown[-1].key if len(deeds) > _ROWS else "", webhooks=webhooks,
    )  # fmt: skip


async def people(request: Request, me: Admins) -> HTMLResponse:
    """Who may come in at this school."""
    async with built(request).opened.looking() as unit:
        found = await unit.people_of(me.school.school_id)
    forms = await token_of(built(request), me, "staff_role", "people")
    return page(
        request,
        me,
        "people",
        everybody=sorted(found, key=lambda one: one.email),
        roles=list(Role),
        form=forms,
        invitation="",
    )


async def set_role(request: Request, me: Admins) -> Response:
    """Invite somebody, change a role, or take it away; nobody takes away their own."""
    form = await form_of(request, me)
    email, role = text_of(form, "email").casefold()[:254], text_of(form, "role")
    if _EMAIL.fullmatch(email) is None or role not in {"", *Role}:
        raise Told("look_again", status=422, link="/people", fields=me.speech.t("login.email"))
    if me.person is not None and email == me.person.email and role != Role.ADMIN:
        raise Told("not_yourself", status=409, link="/people")
    home, school = built(request), me.school.school_id
    async with home.opened.looking() as unit:
        known = await unit.person(email)
    before = known.roles.get(school) if known else None
    found: dict[str, str] = {}
    again = text_of(form, "again") == "yes"

    async def ask(_: str) -> Any:
        async with home.opened() as unit:
            person = await unit.person(email)
            if not role:
                if person is not None:
                    unit.keep(person.with_role(school, None))
                return
            person, member, found["secret"] = entering.invited(
                person, email, school, Role(role), unit.now, again=again
            )
            await unit.get(MEMBERS, MEMBERS.key(member))
            unit.keep(person, member)
            if again and not person.is_ready:
                for session in await unit.find(SESSIONS, "email", email):
                    unit.drop(SESSIONS, session.hash)

    doing = Doing(
        what="staff_role",
        about="people",
        link="/people",
        ask=ask,
        note=note_of(form),
        before={"person": known.person_id if known else "", "role": before.value if before else ""},
        after={"role": role},
    )
    answer = await do(request, me, form, doing)
    if not found.get("secret"):
        return answer
    async with home.opened.looking() as unit:
        everybody = await unit.people_of(school)
    return page(
        request, me, "people", everybody=sorted(everybody, key=lambda one: one.email), roles=list(Role),
        form=await token_of(home, me, "staff_role", "people"),
        invitation=f"{home.settings.desk_url.rstrip('/')}/join/{found['secret']}",
    )  # fmt: skip


async def _tallies(request: Request, me: Staff, months: int) -> tuple[list[str], list[Tally]]:
    names = months_before(me.speech.today, months)
    async with built(request).opened.looking() as unit:
        return names, await unit.tallies(me.school.school_id, names)


async def figures(
    request: Request, me: Looks, months: Annotated[int, Query(ge=1, le=36)] = 12
) -> HTMLResponse:
    """How much comes back, how fast, by reason and attempt; what is at risk now."""
    names, found = await _tallies(request, me, months)
    by_currency = merged(found, "currency")
    currency = next((one.currency for _, one in by_currency.items()), me.school.currency)
    mine = [one for one in found if one.currency == currency]
    by_month = {key[0]: one for key, one in merged(mine, "month").items()}
    by_reason = {key[0]: one for key, one in merged(mine, "reason").items()}
    total = merged(mine, "currency").get((currency,))
    return page(
        request,
        me,
        "figures",
        live=True,
        months=months,
        names=names,
        currency=currency,
        by_month=by_month,
        by_reason=by_reason,
        total=total,
        at_risk=Money(total.at_risk_minor, currency) if total else None,
        bars=plots.stacked([(name[2:], by_month.get(name)) for name in names]),
        curves=plots.curves([by_month[name] for name in names if name in by_month][-3:]),
        money=lambda minor: me.speech.money(Money(minor, currency)),
    )


async def figures_csv(
    request: Request, me: Looks, months: Annotated[int, Query(ge=1, le=36)] = 12
) -> Response:
    """The same figures for a spreadsheet."""
    _, found = await _tallies(request, me, months)
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(
        ["month", "reason", "currency", "opened", "opened_minor", "won", "won_minor", "lost", "lost_minor",
         "at_risk_minor", "hours_to_win", "won_by"]
    )  # fmt: skip
    for (month, reason, currency), one in merged(found, "month", "reason", "currency").items():
        won = sum(one.won.values())
        sheet.writerow(
            [month, reason, currency, one.opened, one.opened_minor, won, one.won_minor, sum(one.lost.values()),
             one.lost_minor, one.at_risk_minor, round(one.hours / won, 1) if won else "",
             "; ".join(f"{how}: {count}" for how, count in sorted(one.won.items()))]
        )  # fmt: skip
    name = f"recovery-{me.school.school_id}.csv"
    return Response(
        "\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip
