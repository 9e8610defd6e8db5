"""Posting to an address that somebody else chose leads nowhere but there, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from ipaddress import ip_address

import pytest

from services.hooks.carrier import Unreachable
from services.hooks.channels.https import Https, is_public, refusal
from tests.hooks.receiver import Receiver, receiver


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
async def way() -> AsyncIterator[Https]:
    found = Https(seconds=1.0, is_test=True)
    yield found
    await found.close()


async def test_a_message_arrives_with_its_headers_and_exact_body(way: Https, there: Receiver) -> None:
    assert await way.post(there.url, {"webhook-id": "f-1"}, b'{"a": 1}') == 200
    [(headers, body)] = there.got
    assert (headers["webhook-id"], headers["host"], body) == ("f-1", there.url.split("/")[2], b'{"a": 1}')


async def test_a_redirect_is_an_answer_and_nowhere_to_go(way: Https, there: Receiver) -> None:
    with receiver() as inside:
        there.status, there.headers = 307, {"Location": inside.url}
        assert await way.post(there.url, {}, b"{}") == 307
        assert inside.got == []


async def test_a_receiver_that_does_not_answer_in_time_is_left(way: Https, there: Receiver) -> None:
    there.seconds = 3
    with pytest.raises(Unreachable, match="longer than 1 seconds"):
        await way.post(there.url, {}, b"{}")


async def test_an_endless_answer_is_not_read_to_its_end(way: Https, there: Receiver) -> None:
    there.answer = b"x" * 50_000_000
    assert await way.post(there.url, {}, b"{}") == 200


async def test_nobody_at_the_address_is_told_as_such(way: Https, there: Receiver) -> None:
    port = int(there.url.split(":")[2].split("/")[0])
    with receiver() as gone:
        url = gone.url
    assert str(port) not in url
    with pytest.raises(Unreachable, match="the connection failed"):
        await way.post(url, {}, b"{}")


async def test_in_production_nothing_is_posted_to_this_machine(there: Receiver) -> None:
    strict = Https(seconds=1.0)
    for url in (there.url, there.url.replace("http:", "https:"), "https://localhost/", "https://[::1]/"):
        with pytest.raises(Unreachable):
            await strict.post(url, {}, b"{}")
    assert there.got == []
    await strict.close()


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["93.184.215.14", "192.168.0.1"],
        ["::ffff:127.0.0.1"],
        ["fe80::1%eth0"],
        [],
    ],
)
async def test_a_public_name_that_leads_inside_is_not_followed(addresses: list[str]) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        assert (host, port) == ("books.example", 443)
        return addresses

    strict = Https(seconds=1.0, resolve=resolve)
    with pytest.raises(Unreachable, match=r"private network|no address"):
        await strict.post("https://books.example/hook", {}, b"{}")
    await strict.close()


async def test_a_name_is_looked_up_once_and_what_was_checked_is_what_is_reached(there: Receiver) -> None:
    """A name that answers differently the second time (DNS rebinding) has no second time."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        asked.append(host)
        return ["127.0.0.1"]

    way = Https(seconds=2.0, is_test=True, resolve=resolve)
    assert await way.post(there.url.replace("127.0.0.1", "localhost"), {}, b"{}") == 200
    assert asked == ["localhost"]
    assert there.got[0][0]["host"].startswith("localhost:")
    await way.close()


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
     "::1", "fc00::1", "fe80::1", "ff02::1", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1"],
)  # fmt: skip
def test_no_address_of_ours_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


def test_an_ordinary_address_is_public() -> None:
    assert is_public(ip_address("93.184.215.14"))
    assert is_public(ip_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c"))
    assert refusal("https://books.example/hook?x=1", is_test=False) is None
