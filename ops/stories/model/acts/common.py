"""What every line of ``happens`` may say."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ops.stories.model.base import Name, Part, Text, When
from ops.stories.model.expectations import Expectations

Service = Literal["payments", "dunning", "access", "credits", "notifications"]
Gateway = Literal["stripe", "paypal"]
End = Literal["done", "refused", "left"]


class Entry(Part):
    """What every line of ``happens`` may say."""

    at: When | None = Field(
        default=None, description="When; at the same instant as the line before when absent"
    )
    about: Text = Field(default="", description="A remark for readers")
    expect: Expectations = Field(default=(), description="What must be so right after this")


class Act(Entry):
    """Something asked of Relance by a person or by the school's own system, through the services' doors."""

    refused: bool | int | Text | None = Field(
        default=None,
        description="It must be refused: true, the HTTP status, the problem's code, or words of the reason",
    )
    answers: dict[str, Any] = Field(default={}, description="Part of the answer's body, keys may be dotted")


class OfSubscription(Part):
    """A line about one subscription."""

    subscription: Name | None = Field(
        default=None, description="The only one of the story (or learner) when absent"
    )
