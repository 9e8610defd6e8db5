"""Reading the body of a control call."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from ops.simulators.http import Request

Body = TypeVar("Body", bound=BaseModel)


def body_of(request: Request, model: type[Body]) -> Body:
    """The body as ``model``; an empty one is {}. Raises pydantic.ValidationError."""
    return model.model_validate_json(request.body or b"{}")
