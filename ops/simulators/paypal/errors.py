"""How PayPal says no."""

from __future__ import annotations

from ops.simulators.store import Json

_NAMES = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload media type."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error has occurred."),
}


class PayPalError(Exception):
    """An error body and its HTTP status."""

    def __init__(self, status: int, issue: str, description: str, *, field: str | None = None) -> None:
        super().__init__(f"{issue}: {description}")
        self.status = status
        self.issue = issue
        self.description = description
        self.field = field

    def body(self, debug_id: str) -> Json:
        """The JSON PayPal answers."""
        name, message = _NAMES[self.status]
        detail = {"issue": self.issue, "description": self.description}
        if self.field:
            detail = {"field": self.field, "location": "body", **detail}
        link = {
            "href": f"https://developer.paypal.com/docs/api/errors/#{self.issue}",
            "rel": "information_link",
            "method": "GET",
        }
        return {"name": name, "message": message, "debug_id": debug_id, "details": [detail], "links": [link]}


def not_found(what: str) -> PayPalError:
    """404 INVALID_RESOURCE_ID."""
    return PayPalError(404, "INVALID_RESOURCE_ID", f"Requested resource ID was not found: {what}.")


def malformed(field: str, description: str = "A required field is missing.") -> PayPalError:
    """400 about one field of the body."""
    return PayPalError(400, "MISSING_REQUIRED_PARAMETER", description, field=f"/{field}")


def refused(issue: str, description: str) -> PayPalError:
    """422: understood, and impossible in the resource's state."""
    return PayPalError(422, issue, description)


def status_invalid(action: str, wanted: str) -> PayPalError:
    """422 SUBSCRIPTION_STATUS_INVALID."""
    text = f"Invalid subscription status for {action} action; subscription status should be {wanted}."
    return refused("SUBSCRIPTION_STATUS_INVALID", text)
