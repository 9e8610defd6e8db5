"""How Stripe says no."""

from __future__ import annotations

from typing import Any

from ops.simulators.store import Json


class StripeError(Exception):
    """An error body and its HTTP status; ``kept`` errors are remembered for their idempotency key."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        kept: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        error: Json = {"code": code, "message": message, "param": param, "type": kind, **more}
        self.error = {name: value for name, value in error.items() if value is not None}

    def body(self) -> Json:
        """The JSON Stripe answers."""
        return {"error": self.error}


def missing(what: str, key: str, param: str = "id") -> StripeError:
    """404 resource_missing."""
    return StripeError(404, f"No such {what}: '{key}'", code="resource_missing", param=param)


def bad(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """400 invalid_request_error, found before anything was done, hence not kept for the key."""
    return StripeError(400, message, param=param, code=code, kept=False)


def required(param: str) -> StripeError:
    """400 parameter_missing."""
    return bad(f"Missing required param: {param}.", param=param, code="parameter_missing")


def unexpected(what: str, message: str) -> StripeError:
    """400 because of the object's state; kept for the key, as Stripe keeps it."""
    return StripeError(400, message, code=what)
