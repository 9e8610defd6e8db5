"""Requests for the PayPal SDK beyond those it ships: any object with verb, path, headers and body will do."""

from __future__ import annotations

from typing import Any


class Get:
    """A GET, with the query in the path."""

    verb = "GET"

    def __init__(self, path: str) -> None:
        self.path = path
        self.headers = {"Content-Type": "application/json"}


class Post:
    """A POST with a JSON body and more headers."""

    verb = "POST"

    def __init__(self, path: str, body: Any, **headers: str) -> None:
        self.path = path
        self.body = body
        self.headers = {"Content-Type": "application/json", **headers}


def result(response: Any) -> Any:
    """The body of an answer as plain JSON: the SDK's result object renames keys."""
    return response.result.dict() if response.result is not None else None
