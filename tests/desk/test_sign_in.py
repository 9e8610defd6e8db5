"""A school's own sign-in lets in whom it vouches for, at that school, and nobody who lies."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pyotp
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from services.desk.domain.people import Role
from services.desk.store import PROVIDERS
from shared.pages.secrets import unseal
from tests.desk.conftest import FRENCH, JAPANESE, Town, fields
from tests.desk.provider import CLIENT, SECRET, Provider, provider_on_loopback

MIKA = f"mika@{JAPANESE}.example"
MFA = {"amr": ["pwd", "otp"]}


@pytest.fixture
def provider(town: Town) -> Iterator[Provider]:
    clock = town.engine.line.clock
    with provider_on_loopback(lambda: int(clock.now().timestamp())) as provider:
        provider.claims |= {"email": MIKA, **MFA}
        yield provider


async def set_up(town: Town, provider: Provider, school: str = JAPANESE, **more: str) -> httpx.Response:
    admin = await town.enter("admin", school)
    form = fields((await admin.get("/provider")).text, "/provider")
    return await admin.post(
        "/provider",
        data={
            **{name: value for name, value in form.items() if name in {"csrf", "token"}},
            "issuer": provider.issuer,
            "client_id": CLIENT,
            "secret": SECRET,
            "domain": f"{school}.example",
            "trusts_factor": "yes",
            **more,
        },
    )


async def there(browser: httpx.AsyncClient, provider: Provider, school: str = JAPANESE) -> dict[str, str]:
    answer = await browser.get("/sign-in", params={"school": school, "to": "/cases"})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{provider.issuer}/authorize?")
    state, code = provider.approve(answer.headers["location"])
    return {"state": state, "code": code}


async def through(town: Town, provider: Provider, school: str = JAPANESE) -> tuple[httpx.AsyncClient, Any]:
    browser = town.browser()
    return browser, await browser.get("/sign-in/back", params=await there(browser, provider, school))


async def test_an_invited_person_comes_in_without_our_code_where_the_provider_asked_for_one(
    town: Town, provider: Provider
) -> None:
    await town.person("office", email=MIKA)
    assert (await set_up(town, provider)).status_code == 303

    browser, answer = await through(town, provider)

    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
    assert (await browser.get("/cases")).status_code == 200
    assert (await browser.get("/people")).status_code == 403


async def test_the_clients_secret_is_sealed_and_the_change_is_in_the_audit(
    town: Town, provider: Provider
) -> None:
    await set_up(town, provider)

    async with town.app.state.desk.opened.looking() as unit:
        kept = await unit.get(PROVIDERS, JAPANESE)
    assert SECRET not in msgspec.json.encode(kept).decode()
    assert unseal(town.app.state.desk.settings.master, kept.secret) == SECRET
    admin = await town.enter("admin")
    assert "Change the sign-in" in (await admin.get("/audit")).text
    assert SECRET not in (await admin.get("/provider")).text


async def test_nobody_comes_in_without_an_invitation_unless_the_school_says_so(
    town: Town, provider: Provider
) -> None:
    await set_up(town, provider)
    _, refused = await through(town, provider)
    assert refused.status_code == 403
    assert "not invited" in refused.text

    await set_up(
        town, provider, provision="viewer", claim="groups", roles="teachers = office\nheads = billing"
    )
    browser, _ = await through(town, provider)
    assert "Yuki" not in (await browser.get("/")).text
    async with town.app.state.desk.opened.looking() as unit:
        assert (await unit.person(MIKA)).roles == {JAPANESE: Role.VIEWER}
    provider.lie = {"groups": ["others", "heads"]}
    await through(town, provider)
    async with town.app.state.desk.opened.looking() as unit:
        assert (await unit.person(MIKA)).roles == {JAPANESE: Role.BILLING}


async def test_our_own_code_is_asked_for_when_the_provider_asked_for_none(
    town: Town, provider: Provider
) -> None:
    await town.person("office", email=MIKA)
    await set_up(town, provider)
    provider.lie = {"amr": ["pwd"]}
    browser, asked = await through(town, provider)
    assert (asked.status_code, "One more step" in asked.text) == (200, True)
    assert (await browser.get("/cases")).headers["location"].startswith("/login")

    wrong = await browser.post("/sign-in/code", data={"code": "000000"})
    async with town.app.state.desk.opened() as unit:
        now = unit.now
        unit.keep(replace(await unit.person(MIKA), last_step=0))
    right = {"code": pyotp.TOTP(town.secrets[MIKA]).at(now)}
    answer = await browser.post("/sign-in/code", data=right)

    assert wrong.status_code == 401
    assert answer.status_code == 303
    assert (await browser.get("/cases")).status_code == 200
    assert (await browser.post("/sign-in/code", data=right)).status_code == 403


async def test_whoever_has_no_second_factor_at_all_is_told_so(town: Town, provider: Provider) -> None:
    await set_up(town, provider, provision="admin")
    provider.lie = {"amr": None}
    _, answer = await through(town, provider)
    assert answer.status_code == 403
    assert "second factor" in answer.text


async def test_keys_that_changed_are_read_again(town: Town, provider: Provider) -> None:
    await town.person("office", email=MIKA)
    await set_up(town, provider)
    await through(town, provider)
    provider.rotate()
    _, answer = await through(town, provider)
    assert answer.status_code == 303


def unsigned(claims: dict[str, Any]) -> str:
    parts = [msgspec.json.encode(part) for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join([*(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])


def by_the_clients_secret(claims: dict[str, Any]) -> str:
    return str(jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 3), algorithms=["HS256"]))


def by_a_key_of_ones_own(claims: dict[str, Any]) -> str:
    key = RSAKey.generate_key(2048, {"kid": "key-0"})
    return str(jwt.encode({"alg": "RS256", "kid": "key-0"}, claims, key))


LIES: dict[str, dict[str, Any]] = {
    "a wrong nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "somebody else"},
    "another audience beside ours": {"aud": [CLIENT, "somebody else"], "azp": "somebody else"},
    "a foreign issuer": {"iss": "https://accounts.example.org"},
    "a token that is over": {"exp": 1000},
    "a token of tomorrow": {"iat": 9_999_999_999, "nbf": 9_999_999_999},
    "no subject": {"sub": None},
    "an unverified address": {"email_verified": False},
    "an address verified in words": {"email_verified": "true"},
    "an address of another domain": {"email": f"admin@{FRENCH}.example"},
    "an address with two signs": {"email": f"a@evil.example@{JAPANESE}.example"},
}


@pytest.mark.parametrize("name", LIES)
async def test_a_token_that_lies_opens_nothing(town: Town, provider: Provider, name: str) -> None:
    await town.person("office", email=MIKA)
    await set_up(town, provider, provision="admin")
    provider.lie = LIES[name]

    browser, answer = await through(town, provider)

    assert answer.status_code == 403
    assert (await browser.get("/cases")).headers["location"].startswith("/login")


@pytest.mark.parametrize("forge", [unsigned, by_the_clients_secret, by_a_key_of_ones_own])
async def test_a_token_that_the_provider_did_not_sign_opens_nothing(
    town: Town, provider: Provider, forge: Callable[[dict[str, Any]], str]
) -> None:
    await town.person("office", email=MIKA)
    await set_up(town, provider)
    provider.forge = forge

    _, answer = await through(town, provider)

    assert answer.status_code == 403


async def test_a_provider_that_calls_itself_otherwise_is_not_gone_to(town: Town, provider: Provider) -> None:
    await set_up(town, provider)
    provider.calls_itself = "https://accounts.example.org"
    answer = await town.browser().get("/sign-in", params={"school": JAPANESE})
    assert answer.status_code == 403


async def test_neither_state_nor_code_works_twice_nor_in_another_browser(
    town: Town, provider: Provider
) -> None:
    await town.person("office", email=MIKA)
    await set_up(town, provider)
    browser = town.browser()
    back = await there(browser, provider)

    stolen = await town.browser().get("/sign-in/back", params=back)
    assert stolen.status_code == 403
    assert (await browser.get("/sign-in/back", params=back)).status_code == 403  # spent by the thief

    back = await there(browser, provider)
    assert (await browser.get("/sign-in/back", params=back)).status_code == 303
    assert (await browser.get("/sign-in/back", params=back)).status_code == 403
    again = await there(browser, provider)
    used = await browser.get("/sign-in/back", params={**again, "code": back["code"]})
    assert used.status_code == 403


async def test_another_schools_provider_opens_that_school_only(town: Town, provider: Provider) -> None:
    both = f"mika@{FRENCH}.example"
    await town.person("admin", JAPANESE, email=both)
    await town.person("viewer", FRENCH, email=both)
    provider.claims["email"] = both
    await set_up(town, provider, FRENCH)

    browser, answer = await through(town, provider, FRENCH)
    assert answer.status_code == 303
    assert (await browser.get("/people")).status_code == 403
    csrf = fields((await browser.get("/cases")).text, "/logout")["csrf"]
    moved = await browser.post("/school", data={"csrf": csrf, "school": JAPANESE})

    assert moved.status_code == 404
    assert (await browser.get("/people")).status_code == 403


async def test_an_address_that_went_to_somebody_else_does_not_open_the_old_ones_door(
    town: Town, provider: Provider
) -> None:
    await town.person("office", email=MIKA)
    await set_up(town, provider)
    await through(town, provider)
    provider.claims["sub"] = "subject-2"
    _, answer = await through(town, provider)
    assert answer.status_code == 403
    assert "somebody else" in answer.text


async def test_whoever_goes_out_is_out(town: Town, provider: Provider) -> None:
    await town.person("office", email=MIKA)
    await set_up(town, provider)
    browser, _ = await through(town, provider)
    csrf = fields((await browser.get("/cases")).text, "/logout")["csrf"]
    await browser.post("/logout", data={"csrf": csrf})
    assert (await browser.get("/cases")).headers["location"].startswith("/login")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("issuer", "http://accounts.example.org"),
        ("issuer", "https://user@accounts.example.org"),
        ("domain", "@nihongo.example"),
        ("roles", "heads = emperor"),
        ("client_id", ""),
    ],
)
async def test_settings_that_cannot_work_are_refused_in_words(
    town: Town, provider: Provider, field: str, value: str
) -> None:
    answer = await set_up(town, provider, **{field: value})
    assert answer.status_code == 422
    assert "Correct" in answer.text


async def test_a_school_without_a_provider_says_so(town: Town) -> None:
    answer = await town.browser("fr").get("/sign-in", params={"school": JAPANESE})
    assert answer.status_code == 403
    assert "mot de passe" in answer.text


async def test_the_way_to_the_provider_is_a_link_because_a_form_may_not_lead_away(
    town: Town, provider: Provider
) -> None:
    """Browsers hold a form to the page's policy through every redirect (form-action 'self')."""
    await set_up(town, provider)
    browser = town.browser()

    asked = await browser.get("/login", params={"school": JAPANESE, "to": "/cases"})

    assert f'href="/sign-in?school={JAPANESE}&amp;to=/cases"' in asked.text
    assert 'action="/sign-in"' not in (await browser.get("/login")).text
    assert "form-action 'self'" in asked.headers["content-security-policy"]
