"""What an API says of itself at ``/openapi.json``: for each operation its sentence, the scope of its key, its error answers.

FastAPI knows routes and shapes; what our doors have in common (keys, problem documents, ids) is added here, once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.openapi_examples import BY_NAME, example_of

Document = dict[str, Any]

SCOPE: Final = "x-relance-scope"
"""What the key of a caller must hold; ``null`` where no key is asked for."""
SCHOOLS: Final = "x-relance-schools"
"""``every``: only a key without schools opens it."""
EVERY_SCHOOL: Final = "every-school"
"""How a dependency of ours tells FastAPI so."""
METHODS: Final = ("get", "put", "post", "delete", "patch")

_PROBLEM: Final[Document] = {
    "title": "Problem",
    "description": "Why something could not be done, and what to do (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "A code for machines; it stays."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "We could not, because ..: what to do. For people."},
        "errors": {
            "type": "array",
            "description": "Which fields could not be read.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
                "required": ["field", "problem"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
_SAID: Final[Mapping[str, tuple[str, str, str]]] = {
    "400": (
        "The request is not what HTTP or the gateway would send.",
        "bad_request",
        "we could not read the request: correct it and send it again",
    ),
    "401": (
        "No key that is known here, or one that has ended.",
        "unauthorized",
        "we could not let you in because your key is not known here: ask the operator for one (relance keys add)",
    ),
    "403": (
        "The key may not do this, or not at that school.",
        "forbidden",
        "we could not do this because your key is not for the school ecole: ask the operator for one that is",
    ),
    "404": (
        "Nothing of that id is known here, or not at the schools of the key.",
        "not_found",
        "we could not find it because nothing of that id is known here: check the id",
    ),
    "409": (
        "The rules forbid it as things stand; ``title`` is the reason's code.",
        "not_allowed",
        "we could not do this because of how things stand: the sentence says what to do",
    ),
    "413": (
        "It is too large.",
        "too_long",
        "we could not read it because it is too long: send it in parts",
    ),
    "422": (
        "The request cannot be read, or names something that cannot be.",
        "invalid",
        "we could not read the request because of body.school_id: correct and send again",
    ),
    "503": (
        "Not now: something that we need does not answer. Nothing is lost; ask again.",
        "try_again",
        "we cannot work now because the database does not answer: try again soon",
    ),
}


def describe(app: FastAPI, service: str) -> None:
    """Let ``app.openapi()``, and so ``/openapi.json``, tell all of it."""

    def openapi() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, service)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own documentation does it


def operations(document: Document) -> list[tuple[str, str, Document]]:
    """Method in capitals, path and operation, in the order of the document."""
    return [
        (method.upper(), path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def sheet(columns: type[Any]) -> Document:
    """``openapi_extra`` of an operation that takes a list as CSV with these columns."""
    fields: Mapping[str, Any] = columns.model_fields
    needed = [name for name, one in fields.items() if one.is_required()]
    described = columns.model_json_schema()
    row = example_of(described, described.get("$defs", {}))
    cells = ",".join(_cell(row[name]) for name in needed)
    return {
        "requestBody": {
            "required": True,
            "description": f"CSV in UTF-8, comma or semicolon; columns: {', '.join(fields)}; needed: {', '.join(needed)}.",
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": f"{','.join(needed)}\n{cells}\n"}
            },
        }
    }


def _document(app: FastAPI, service: str) -> Document:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = _PROBLEM
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    document["components"]["responses"] = {said[1]: _error(status) for status, said in _SAID.items()}
    for method, path, operation in operations(document):
        _tell(service, method, path, operation, schemas)
    return document


def _tell(service: str, method: str, path: str, operation: Document, schemas: Mapping[str, Document]) -> None:
    summary, description = _sentence(operation.get("description") or operation["summary"])
    operation["summary"] = summary
    operation.pop("description", None)
    if description:
        operation["description"] = description
    keyed = bool(operation.get("security"))
    need = operation.pop("x-relance-need", "read" if method == "GET" else "write")
    scope = f"{service}:{need}" if keyed else None
    operation[SCOPE] = scope
    if any(EVERY_SCHOOL in words for one in operation.get("security", ()) for words in one.values()):
        operation[SCHOOLS] = "every"
    if scope:
        operation["security"] = [{"key": [scope]}]
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" or parameter["name"] in BY_NAME:
            parameter["example"] = example_of(parameter["schema"], schemas, parameter["name"])
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and "example" not in body:
        body["example"] = example_of(body["schema"], schemas)
    answers = operation["responses"]
    if method != "GET" and "{" not in path and not keyed and "requestBody" not in operation:
        answers.pop("422", None)
    for status in {*_errors(method, path, operation, keyed=keyed), *answers} & set(_SAID):
        own = answers.get(status, {}).get("description", "Validation Error")
        common = {"$ref": f"#/components/responses/{_SAID[status][1]}"}
        answers[status] = common if own == "Validation Error" else {**_error(status), "description": own}
    operation["responses"] = dict(sorted(answers.items()))


def _errors(method: str, path: str, operation: Document, *, keyed: bool) -> set[str]:
    """The refusals that an operation may answer with."""
    found = {"401", "403", "503"} if keyed else {"503"} if path != "/health" else set()
    takes = "requestBody" in operation or operation.get("parameters")
    if takes:
        found |= {"404", "422"}
    if takes and method != "GET":
        found |= {"409"}
    if "text/csv" in operation.get("requestBody", {}).get("content", {}):
        found |= {"413"}
    return found


def _error(status: str) -> Document:
    meaning, code, detail = _SAID[status]
    return {
        "description": meaning,
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {"type": "about:blank", "title": code, "status": int(status), "detail": detail},
            }
        },
    }


def _sentence(text: str) -> tuple[str, str]:
    """The first sentence of a docstring without its stop, and whatever follows it."""
    text = re.sub(r"``([^`]+)``", r"`\1`", text.split("\nRaises:", 1)[0].strip())
    first, _, rest = text.partition("\n\n")
    first = " ".join(first.split())
    told, stop, more = first.partition(". ")
    return told.removesuffix("."), "\n\n".join(part for part in (more if stop else "", rest.strip()) if part)


def _cell(value: Any) -> str:
    text = str(value)
    return f'"{text}"' if "," in text else text
