"""Posts to addresses that somebody else chose, and lets itself be led nowhere: https, public, no redirects, in time.

The name is resolved once, every address it has must be a public one, and the connection goes to an address that was
checked: a name that answers differently the second time (DNS rebinding) leads nowhere. On a development machine
(``RELANCE_MODE=test``) plain http to the loopback is let through as well.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from services.hooks.carrier import Unreachable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""``async (host, port) -> addresses``."""

LARGEST: Final = 64 * 1024
"""Bytes of an answer that are read; nothing of it is kept."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by the machine's own resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class Https:
    """The real channel."""

    def __init__(self, *, seconds: float = 15.0, is_test: bool = False, resolve: Resolve = resolve) -> None:
        self._seconds = seconds
        self._is_test = is_test
        self._resolve = resolve
        # No proxy of the environment, no cookies from one receiver to another, and few connections to each.
        self._client = httpx.AsyncClient(
            timeout=seconds,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Let go of what is open."""
        await self._client.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See ``Channel``. Takes ``seconds`` at most, from the first look-up to the last byte."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(url, headers, body)
        except TimeoutError as error:
            raise Unreachable(f"it took longer than {self._seconds:g} seconds") from error
        except OSError as error:
            raise Unreachable(f"its name or its address does not answer: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"the connection failed: {type(error).__name__}") from error

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        parts = urlsplit(url)
        why = refusal(url, is_test=self._is_test)
        if why is not None or parts.hostname is None:
            raise Unreachable(why or "it names no host")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = self._checked(await self._resolve(parts.hostname, port))
        request = self._client.build_request(
            "POST",
            _at(parts, address, port),
            content=body,
            headers={**headers, "Host": parts.netloc},
            extensions={"sni_hostname": parts.hostname},
        )
        answer = await self._client.send(request, stream=True)
        try:
            read = 0
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > LARGEST:
                    break
            return answer.status_code
        finally:
            await answer.aclose()

    def _checked(self, addresses: Sequence[str]) -> str:
        if not addresses:
            raise Unreachable("its name has no address")
        for address in addresses:
            found = ipaddress.ip_address(address.split("%", 1)[0])
            if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
                found = found.ipv4_mapped
            if not is_public(found) and not (self._is_test and found.is_loopback):
                raise Unreachable("its name leads into a private network, where we post nothing")
        return addresses[0]


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is somewhere on the open internet, where it cannot be anything of ours."""
    tunnelled = isinstance(address, ipaddress.IPv6Address) and (
        address.sixtofour is not None or address.teredo is not None or address in _NAT64
    )
    return address.is_global and not address.is_multicast and not tunnelled


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def refusal(url: str, *, is_test: bool) -> str | None:
    """Why nothing is posted to that address; ``None`` when its name may be looked up."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is no address"
    if parts.username or parts.password or parts.fragment:
        return "it has a user, a password or a fragment in it"
    if not parts.hostname or port == 0:
        return "it names no host"
    if parts.scheme == "http" and is_test and parts.hostname in _LOOPBACK:
        return None
    if parts.scheme != "https":
        return "it is not https"
    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return None
    return (
        None if is_public(address) or (is_test and address.is_loopback) else "it is inside a private network"
    )


def _at(parts: SplitResult, address: str, port: int) -> str:
    host = f"[{address}]" if ":" in address else address
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{host}:{port}{parts.path or '/'}{query}"
