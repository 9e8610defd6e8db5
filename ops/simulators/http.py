"""The little HTTP the simulators speak: a request, a reply in one write, and a table of routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from ops.simulators.store import Json

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, read whole. ``path`` is without the gateway's prefix; header names are lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def args(self) -> dict[str, str]:
        """The query as a flat mapping."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def form(self) -> dict[str, str]:
        """A form body as a flat mapping."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self) -> Json:
        """A JSON object body ({} when empty). Raises ValueError for anything else."""
        value = json.loads(self.body) if self.body.strip() else {}
        if not isinstance(value, dict):
            raise ValueError("the body is not a JSON object")  # noqa: TRY004 - callers answer one 400 for both
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def with_headers(self, **headers: str) -> Reply:
        """The same answer with more headers (``request_id`` becomes ``request-id``)."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply(status=self.status, body=self.body, headers={**self.headers, **more})


def json_reply(value: Any, status: int = 200, *, indent: int | None = None) -> Reply:
    """JSON in UTF-8, not escaped."""
    separators = (",", ": ") if indent else (",", ":")
    body = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators).encode()
    return Reply(status=status, body=body, headers={"content-type": "application/json"})


def html_reply(page: str, status: int = 200) -> Reply:
    """A hosted page: no script, nothing from elsewhere."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action *"
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
    return Reply(status=status, body=page.encode(), headers=headers)


def redirect(address: str) -> Reply:
    """Send the browser on (303)."""
    return Reply(status=303, headers={"location": address})


class Routes(Generic[Handler]):
    """A table of ``METHOD /path/{id}`` to handlers: reading it is reading what is simulated."""

    def __init__(self, table: dict[str, Handler]) -> None:
        self._routes: list[tuple[str, re.Pattern[str], str, Handler]] = []
        for route, handler in table.items():
            method, path = route.split(" ", 1)
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
            self._routes.append((method, pattern, route, handler))

    def find(self, method: str, path: str) -> tuple[str, Handler, dict[str, str]] | None:
        """The route's text, its handler and the ids in the path; None when nothing answers there."""
        for verb, pattern, route, handler in self._routes:
            match = pattern.fullmatch(path) if verb == method else None
            if match is not None:
                return route, handler, match.groupdict()
        return None
