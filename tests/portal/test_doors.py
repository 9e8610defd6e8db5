"""Who gets in, and how often: links by mail, hand-overs, sessions, forms."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from services.portal.api.common import COOKIE
from services.portal.api.doors import new_link
from services.portal.hand_over import hand_over_secret, hand_over_signature
from shared.events import notifications
from shared.pages.secrets import hash_of
from tests.portal.conftest import ADA, ADA_SUB, ECOLE, HOST, Town, failed_in_june, field, seen

EMAIL = "ada@example.org"


async def link(town: Town, to: str = "/") -> str:
    return await new_link(town.app.state.portal, ECOLE, ADA, to)


async def test_a_link_is_sent_to_whoever_has_the_address_and_the_answer_is_the_same_for_nobodys(
    town: Town,
) -> None:
    town.owners.emails[ECOLE, EMAIL] = [ADA]
    async with town.client(language="fr") as nobody:
        known = await nobody.post(f"/at/{ECOLE}", data={"email": EMAIL})
        unknown = await nobody.post(f"/at/{ECOLE}", data={"email": "nobody@example.org"})
    assert known.text == unknown.text
    assert "Regardez vos e-mails" in seen(known.text)
    assert [who for who, _ in town.owners.links] == [ADA]
    secret = town.owners.links[0][1].removeprefix(f"{HOST}/login/")
    assert len(secret) == 43
    rows = town.line.stores["portal"].rows["login_links"]
    assert list(rows) == [hash_of(secret)]
    assert secret not in repr(rows)


async def test_looking_at_a_link_uses_nothing_up_and_the_button_opens_the_page_it_was_for(town: Town) -> None:
    secret = await link(town, "/mails")
    async with town.client(language="fr") as ada:
        for _ in range(3):
            assert (await ada.get(f"/login/{secret}")).status_code == 200
        entered = await ada.post(f"/login/{secret}")
        assert entered.headers["location"] == "/mails"
        assert "HttpOnly" in entered.headers["set-cookie"]
        assert "SameSite=Lax" in entered.headers["set-cookie"]
        assert (await ada.get("/mails")).status_code == 200


async def test_a_link_opens_once(town: Town) -> None:
    secret = await link(town)
    async with town.client(language="fr") as ada, town.client(language="fr") as other:
        assert (await ada.post(f"/login/{secret}")).status_code == 303
        again = await other.post(f"/login/{secret}")
        looked = await other.get(f"/login/{secret}")
    assert again.status_code == looked.status_code == 410
    assert "Ce lien a déjà servi" in seen(again.text)
    assert COOKIE not in other.cookies


async def test_a_hundred_at_once_make_one_session(town: Town) -> None:
    secret = await link(town)

    async def press() -> int:
        async with town.client() as somebody:
            return (await somebody.post(f"/login/{secret}")).status_code

    answers = await asyncio.gather(*(press() for _ in range(100)))
    assert sorted(answers) == [303, *[410] * 99]
    assert len(town.line.stores["portal"].rows["sessions"]) == 1


async def test_a_link_lives_for_a_quarter_of_an_hour(town: Town) -> None:
    secret = await link(town)
    town.clock.move_to(town.clock.now() + timedelta(minutes=15))
    async with town.client(language="en") as ada:
        late = await ada.post(f"/login/{secret}")
    assert late.status_code == 410
    assert "expired" in seen(late.text)


@pytest.mark.parametrize("secret", ["x" * 43, "short", "a" * 200])
async def test_a_made_up_link_opens_nothing(town: Town, secret: str) -> None:
    async with town.client(language="fr") as nobody:
        assert (await nobody.get(f"/login/{secret}")).status_code == 404
        assert (await nobody.post(f"/login/{secret}")).status_code == 404


def handed(
    town: Town, *, learner: str = ADA, number: str = "1", at: int | None = None, to: str = "/"
) -> dict[str, str]:
    when = str(at if at is not None else int(town.clock.now().timestamp()))
    secret = hand_over_secret(town.settings.master, ECOLE)
    signature = hand_over_signature(
        secret, school_id=ECOLE, learner_id=learner, at=when, number=number, to=to
    )
    return {
        "school": ECOLE,
        "learner": learner,
        "at": when,
        "number": number,
        "to": to,
        "signature": signature,
    }


async def test_a_signed_hand_over_lets_in_once(town: Town) -> None:
    fields = handed(town, to="/mails")
    async with town.client(language="fr") as ada:
        assert (await ada.get("/hand-over", params=fields)).status_code == 200
        entered = await ada.post("/hand-over", data=fields)
        assert entered.headers["location"] == "/mails"
        assert (await ada.get("/mails")).status_code == 200
    async with town.client(language="fr") as other:
        assert (await other.post("/hand-over", data=fields)).status_code == 410


@pytest.mark.parametrize(
    "change",
    [{"learner": "hana"}, {"to": "/premium"}, {"number": "2"}, {"school": "gakko"}, {"signature": "0" * 64}],
)
async def test_a_hand_over_with_anything_changed_is_none(town: Town, change: dict[str, str]) -> None:
    async with town.client() as nobody:
        answer = await nobody.post("/hand-over", data={**handed(town), **change})
    assert answer.status_code == 404
    assert COOKIE not in nobody.cookies


async def test_an_old_hand_over_has_expired(town: Town) -> None:
    fields = handed(town, at=int(town.clock.now().timestamp()) - 121)
    async with town.client() as nobody:
        assert (await nobody.post("/hand-over", data=fields)).status_code == 410


async def test_a_session_changes_its_cookie_and_the_former_one_ends(town: Town) -> None:
    first = await town.session()
    town.clock.move_to(town.clock.now() + timedelta(minutes=31))
    async with town.client(first) as ada:
        answer = await ada.get("/mails")
        second = answer.cookies[COOKIE]
        assert second != first
    town.clock.move_to(town.clock.now() + timedelta(minutes=2))
    async with town.client(first) as thief, town.client(second) as ada:
        assert (await thief.get("/mails")).status_code == 303
        assert (await ada.get("/mails")).status_code == 200


async def test_a_session_ends_after_twelve_hours_and_at_the_way_out(town: Town) -> None:
    async with await town.browser() as ada:
        page = await ada.get("/mails")
        await ada.post("/logout", data={"csrf": field(page.text, "csrf")})
        ada.cookies.clear()
        assert (await ada.get("/mails")).status_code == 303
    assert town.line.stores["portal"].rows["sessions"] == {}
    old = await town.session()
    town.clock.move_to(town.clock.now() + timedelta(hours=12))
    async with town.client(old) as ada:
        assert (await ada.get("/mails")).status_code == 303


async def test_a_form_of_another_site_does_nothing(town: Town) -> None:
    await town.hear(*failed_in_june())
    async with await town.browser() as ada:
        for csrf in ("", "0" * 64):
            answer = await ada.post(f"/subscriptions/{ADA_SUB}/cancel", data={"csrf": csrf, "token": "x.y"})
            assert answer.status_code == 403
    assert town.owners.asked == []


async def test_a_form_sent_without_a_session_says_that_nothing_was_done(town: Town) -> None:
    async with town.client(await town.session(), language="fr") as ada:
        page = await ada.get(f"/subscriptions/{ADA_SUB}/cancel")
        town.clock.move_to(town.clock.now() + timedelta(hours=13))
        answer = await ada.post(
            f"/subscriptions/{ADA_SUB}/cancel",
            data={"csrf": field(page.text, "csrf"), "token": field(page.text, "token")},
        )
        door = await ada.get(answer.headers["location"])
    assert answer.status_code == 303
    assert "n’a pas été pris en compte" in seen(door.text)
    assert town.owners.asked == []


async def test_coming_back_from_the_bank_without_a_session_leads_through_the_login(town: Town) -> None:
    async with town.client() as nobody:
        answer = await nobody.get("/return?visit=method-ada-fr-xxxxxxxxxxxx")
    assert answer.status_code == 303
    assert "to=%2Freturn%3Fvisit%3D" in answer.headers["location"]


async def test_knocking_too_often_is_answered_with_patience(town: Town) -> None:
    async with town.client(language="fr") as somebody:
        answers = [await somebody.post(f"/at/{ECOLE}", data={"email": EMAIL}) for _ in range(6)]
    assert [one.status_code for one in answers] == [*[200] * 5, 429]
    assert "15 minutes" in seen(answers[-1].text)


async def test_an_address_back_never_leads_elsewhere(town: Town) -> None:
    secret = await link(town, "//evil.example/")
    async with town.client() as ada:
        entered = await ada.post(f"/login/{secret}")
        tongue = await ada.get("/language/ja", params={"to": "https://evil.example/"})
    assert entered.headers["location"] == "/"
    assert tongue.headers["location"] == "/"


async def test_every_answer_has_the_strict_policy_and_is_kept_by_nobody(town: Town) -> None:
    async with await town.browser() as ada:
        page = await ada.get("/premium")
        style = await ada.get("/static/portal.css")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert "style=" not in page.text
    assert "immutable" in style.headers["cache-control"]


async def test_an_erased_learner_is_signed_out_everywhere_and_their_links_are_dead(town: Town) -> None:
    secret = await link(town)
    cookie = await town.session()
    async with town.client(cookie, language="fr") as ada:
        assert (await ada.get("/mails")).status_code == 200
        keyed = {"X-Relance-Key": "a-key"}
        query = f"/api/learners/{ADA}/erasure?school_id={ECOLE}"
        assert (await ada.get(query, headers=keyed)).json()["holds"] == {"links": 1, "sessions": 1}

        await town.hear(
            notifications.LearnerErased(
                school_id=ECOLE, occurred_at=town.clock.now(), learner_id=ADA, by="office"
            )
        )

        assert (await ada.get("/mails")).headers["location"].startswith("/login")
        assert (await ada.post(f"/login/{secret}")).status_code == 404
        told = (await ada.get(query, headers=keyed)).json()
        assert (told["holds"], told["gone"]) == ({}, {"links": 1, "sessions": 1})
        assert (await ada.get(query)).status_code == 401


async def test_erasing_somebody_else_signs_nobody_out(town: Town) -> None:
    cookie = await town.session()
    await town.hear(
        notifications.LearnerErased(
            school_id="another", occurred_at=town.clock.now(), learner_id=ADA, by="office"
        )
    )
    async with town.client(cookie, language="fr") as ada:
        assert (await ada.get("/mails")).status_code == 200
