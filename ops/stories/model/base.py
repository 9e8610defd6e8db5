"""The small parts every line of a story is made of: instants, days, lengths, amounts, names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import TypeAliasType

from ops.stories.writing import Amount, Day, Moment, Span, parse_day, parse_moment, parse_span
from ops.stories.writing.amounts import AMOUNT_FORM
from ops.stories.writing.moments import DAY_FORM, MOMENT_FORM, SPAN_FORM
from shared.errors import Unreadable


class Part(BaseModel):
    """A piece of a story: nothing in it is guessed, an unknown key is refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, str_strip_whitespace=True
    )


def _reads(read: Any, form: str) -> BeforeValidator:
    def validate(value: Any) -> Any:
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            return _wrong(value, form)
        try:
            return read(str(value))
        except Unreadable as error:
            raise PydanticCustomError("unreadable", "{why}", {"why": str(error)}) from error

    return BeforeValidator(validate)


def _wrong(value: Any, form: str) -> Any:
    if isinstance(value, Moment | Day | Span | Amount):
        return value
    raise PydanticCustomError("unreadable", "{why}", {"why": f"{value!r} is none: {form}"})


def _schema(form: str, *kinds: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": list(kinds) if len(kinds) > 1 else kinds[0], "description": form, **more})


_as_written = PlainSerializer(lambda value: value.text, return_type=str)

if TYPE_CHECKING:
    When = Moment
    OnDay = Day
    Length = Span
    Sum = Amount
else:
    When = TypeAliasType(
        "When",
        Annotated[Moment, _reads(parse_moment, MOMENT_FORM), _as_written, _schema(MOMENT_FORM, "string")],
    )
    """An instant."""
    OnDay = TypeAliasType(
        "OnDay",
        Annotated[
            Day,
            _reads(parse_day, DAY_FORM),
            _as_written,
            _schema(DAY_FORM, "string", pattern=r"^([A-Za-z]{3,9},?\s+)?[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        ],
    )
    """A calendar day in the school's zone."""
    Length = TypeAliasType(
        "Length", Annotated[Span, _reads(parse_span, SPAN_FORM), _as_written, _schema(SPAN_FORM, "string")]
    )
    """A length of time."""
    Sum = TypeAliasType(
        "Sum",
        Annotated[
            Amount, _reads(Amount.parse, AMOUNT_FORM), _as_written, _schema(AMOUNT_FORM, "string", "number")
        ],
    )
    """An amount of money."""

Name = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
    StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,64}$"),
]
"""An id of the school's own."""
Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
"""Any text."""


class Written:
    """A shorter way of writing a value: ``longer`` makes the long form of it, ``as_schema`` says it to editors."""

    def __init__(
        self, longer: Callable[[Any], Any], as_schema: Callable[[JsonSchemaValue], JsonSchemaValue]
    ) -> None:
        self._longer = longer
        self._as_schema = as_schema

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read the short form too."""
        return core_schema.no_info_before_validator_function(self._longer, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Show the short form too."""
        return self._as_schema(handler(schema))


def shorthand(longer: Callable[[Any], Any]) -> Written:
    """A text in place of the long form."""
    return Written(longer, lambda schema: {"anyOf": [{"type": "string"}, schema]})


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) or value is None else [value]


def _one_or_list(schema: JsonSchemaValue) -> JsonSchemaValue:
    items = schema.get("items")
    return {"anyOf": [schema, items]} if items else schema


Listed = Written(_listed, _one_or_list)
"""One thing may be written without the list around it."""
