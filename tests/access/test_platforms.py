"""Learning platforms are told of levels by signed messages that may come twice, late or in the wrong order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import msgspec
import pytest

from services.access.domain import Level, Notice
from services.access.memory import MemoryPlatform
from services.access.platforms import Platform, PlatformWouldNotError
from services.access.platforms.webhook import PlatformAwayError, WebhookPlatform, secret_of, signature
from shared.errors import Transient
from shared.events.access import PlatformRefused, PlatformTold
from shared.events.words import AccessLevel
from tests.access.conftest import ADA, DEADLINE, Said, Town, utc

URL = "https://lms.example/relance"
NOW = utc("2026-06-12T22:00:00Z")
NOTICE = Notice(
    school_id="ecole",
    learner_id=ADA,
    version=3,
    decided_at=NOW,
    overall=Level(level=AccessLevel.NONE, until=None, then=None),
    subscriptions={"ada-fr": Level(level=AccessLevel.NONE, until=None, then=None)},
)

Answer = Callable[[httpx.Request], httpx.Response]


def platform(answer: Answer) -> WebhookPlatform:
    return WebhookPlatform(httpx.AsyncClient(transport=httpx.MockTransport(answer)), b"master")


async def test_a_message_is_signed_so_that_the_platform_knows_it_is_ours() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    await platform(answer).tell(URL, NOTICE, NOW)
    (request,) = seen
    secret = secret_of("ecole", b"master")
    assert request.headers["Relance-Id"] == "ecole/ada/3"
    timestamp = int(request.headers["Relance-Timestamp"])
    assert timestamp == int(NOW.timestamp())
    assert request.headers["Relance-Signature"] == signature(secret, timestamp, request.content)
    assert msgspec.json.decode(request.content, type=Notice) == NOTICE
    assert secret != secret_of("lycee", b"master")


@pytest.mark.parametrize(
    ("status", "headers", "wish"),
    [
        (500, {}, None),
        (429, {"Retry-After": "90"}, 90),
        (503, {"Retry-After": "99999999"}, 3600),
        (408, {}, None),
    ],
)
async def test_a_platform_in_trouble_is_told_again_later(
    status: int, headers: dict[str, str], wish: int | None
) -> None:
    with pytest.raises(Transient) as raised:
        await platform(lambda _: httpx.Response(status, headers=headers)).tell(URL, NOTICE, NOW)
    assert isinstance(raised.value, PlatformAwayError)
    assert raised.value.retry_after == (timedelta(seconds=wish) if wish else None)


async def test_a_platform_that_does_not_answer_is_told_again_later() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("no answer", request=request)

    with pytest.raises(Transient):
        await platform(away).tell(URL, NOTICE, NOW)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
async def test_a_platform_that_will_never_take_it_is_for_a_person_to_look_at(status: int) -> None:
    with pytest.raises(PlatformWouldNotError, match=str(status)):
        await platform(lambda _: httpx.Response(status)).tell(URL, NOTICE, NOW)


@pytest.fixture
async def told(town: Town, http: httpx.AsyncClient) -> MemoryPlatform:
    """The town's platform, registered."""
    assert (await http.put("/schools/ecole/platform", json={"url": URL})).status_code == 200
    return town.platform


async def test_word_that_could_not_be_sent_arrives_when_the_platform_is_back(
    town: Town, told: MemoryPlatform, said: Said
) -> None:
    told.away = True
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    await town.lives_until("2026-06-12T22:01:00Z")
    assert told.calls == []
    told.away = False
    await town.lives_until("2026-06-12T23:00:00Z")
    assert told.level(ADA, utc("2026-06-12T23:00:00Z")) is AccessLevel.NONE
    assert len(town.said(PlatformTold)) == 1


async def test_a_refusal_is_said_so_that_somebody_looks(town: Town, told: MemoryPlatform, said: Said) -> None:
    told.unwilling = PlatformWouldNotError("the learning platform answered 404")
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    (refused,) = town.said(PlatformRefused)
    assert (refused.learner_id, refused.level) == (ADA, AccessLevel.NONE)
    assert "404" in refused.reason


async def test_older_word_that_arrives_later_changes_nothing() -> None:
    twin = MemoryPlatform()
    as_platform: Platform = twin
    newer = replace(NOTICE, version=4, overall=Level(level=AccessLevel.FULL, until=None, then=None))
    await as_platform.tell(URL, newer, NOW)
    await as_platform.tell(URL, NOTICE, NOW)
    assert twin.level(ADA, NOW) is AccessLevel.FULL


async def test_a_school_without_a_platform_is_told_nothing(town: Town, said: Said) -> None:
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    assert town.platform.calls == []
    assert town.said(PlatformTold) == []
