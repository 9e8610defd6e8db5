"""docs/reference/apis: what each service's door answers, as OpenAPI for machines and as one page for people."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import SecretStr

from ops.stack.children import app_of
from ops.stack.plan import SERVICES
from shared.openapi import SCHOOLS, SCOPE, operations

DOORS: Final = (*(name for name in SERVICES if name != "desk"), "operator")
"""Whose API is published; the desk has pages for people and none."""

_ABOUT: Final[Mapping[str, str]] = {
    "payments": "Subscriptions, money that came outside the gateways, pages of the gateways, the letter box of webhooks.",
    "dunning": "Schools with their policies and closures, cases with their reasons, what staff and learners may do.",
    "access": "What a learner may use now, paths and their last days, the learning platform that is told.",
    "credits": "Plans, grants, bookings, balances and the ledger.",
    "notifications": "People to write to, the mail log, what leaves when, every mail to look at.",
    "portal": "What a school offers, and how its platform hands a learner over. The learner's pages are not listed.",
    "hooks": "Endpoints that get facts as signed webhooks, and each delivery.",
    "operator": "What only the operator of an installation asks, over every service.",
}
_HEAD: Final = """\
# APIs

Generated from the routes by `relance events export`: edit there, not here. Each service shows the same at
`/openapi.json`.

A caller shows its key in the header `X-Relance-Key` ([how to get one](../how-to/keys.md)). **Scope** is what the key must
hold; writing includes reading. A key of some schools sees and changes nothing of another school; *every school* means
that only a key without schools opens it.

What cannot be done is answered by a problem document (RFC 9457, `application/problem+json`): `title` is a code that
stays, `detail` says why and what to do.

| | |
|---|---|
| 401 | no key that is known, or one that has ended |
| 403 | the key may not do this, or not at that school |
| 404 | nothing of that id is known, or not at the schools of the key |
| 409 | the rules forbid it as things stand |
| 413 | too large |
| 422 | the request cannot be read; `errors` names the fields |
| 503 | not now: ask again, nothing is lost |
"""


@cache
def documents() -> Mapping[str, dict[str, Any]]:
    """Each service and its OpenAPI document, from its own application; nothing is opened for it."""
    return {name: _document(name) for name in DOORS}


def apis_page() -> str:
    """docs/reference/apis.md."""
    parts = [_HEAD]
    for name, document in documents().items():
        lines = [f"| {_row(*one)} |" for one in operations(document)]
        parts.append(
            f"## {name}\n\n{_ABOUT[name]} [{name}.json](apis/{name}.json)\n\n"
            "| | what | scope |\n|---|---|---|\n" + "\n".join(lines) + "\n"
        )
    return "\n".join(parts)


def _document(name: str) -> dict[str, Any]:
    module = app_of(name)
    settings = module.SETTINGS(mode="test", api_keys=SecretStr("none"))
    found: dict[str, Any] = module.build_api(settings).openapi()
    return found


def _row(method: str, path: str, operation: Mapping[str, Any]) -> str:
    scope = f"`{operation[SCOPE]}`" if operation[SCOPE] else "no key"
    if operation.get(SCHOOLS):
        scope += ", every school"
    more = " ".join(str(operation.get("description", "")).split())
    told = f"{operation['summary']}." + (f" {more}" if more else "")
    return f"`{method} {path}` | {told} | {scope}".replace("\n", " ")
