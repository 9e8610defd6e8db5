"""What the bank will say next: outcomes a story wrote down, used up one per attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, model_validator

from ops.simulators.clock import duration
from ops.simulators.store import Json, Store


def _spelled_out(value: Any) -> Any:
    return {} if value == "ok" else {"decline": value} if isinstance(value, str) else value


class Outcome(BaseModel):
    """One answer of a bank or of PayPal; an empty one is a success.

    ``decline`` is a Stripe decline code or a PayPal reason code. ``pending`` leaves the payment in the air
    for ``after`` and then becomes ``then`` (a success when absent). After an ``authentication_required``,
    ``then`` is what happens once the payer passed 3-D Secure. ``amount`` (minor units) takes another sum
    than the one asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decline: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    message: str | None = None
    amount: int | None = None
    pending: bool = False
    after: float | str = "PT1H"
    then: Annotated[Outcome | None, BeforeValidator(_spelled_out)] = None

    @model_validator(mode="after")
    def _after_is_a_duration(self) -> Outcome:
        duration(self.after)
        return self

    @property
    def wait(self) -> timedelta:
        """How long a pending payment stays in the air."""
        return duration(self.after)

    @property
    def next(self) -> Outcome:
        """What follows a pending or authenticated payment."""
        return self.then or OK


ScriptedOutcome = Annotated[Outcome, BeforeValidator(_spelled_out)]
OK = Outcome()
_READER: TypeAdapter[Outcome] = TypeAdapter(ScriptedOutcome)


def outcome_from(value: Any) -> Outcome:
    """Read ``"ok"``, ``"insufficient_funds"`` or the long form. Raises pydantic.ValidationError."""
    return _READER.validate_python(value)


def outcome_to(outcome: Outcome) -> Json:
    """The long form, to keep it until it is needed."""
    return outcome.model_dump(mode="json", exclude_defaults=True)


class Scripts:
    """Queues of outcomes by id (subscription, customer, payment method, order, reference ...)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(
        self, key: str, outcomes: list[Outcome], *, default: Outcome | None, purpose: str = "charge"
    ) -> Json:
        """Append outcomes for ``key``; ``default`` is what comes when they are used up."""
        name = f"{purpose}:{key}"
        row = self._store.get("script", name) or {
            "key": key,
            "purpose": purpose,
            "queue": [],
            "default": None,
        }
        row["queue"] += [outcome_to(outcome) for outcome in outcomes]
        if default is not None:
            row["default"] = outcome_to(default)
        return self._store.put("script", name, row)

    def erase(self, key: str | None = None) -> None:
        """Forget what was written for ``key``, or everything."""
        rows = self._store.table("script")
        for name in [name for name, row in rows.items() if key in {None, row["key"]}]:
            self._store.drop("script", name)

    def next(self, keys: list[str], *, purpose: str = "charge") -> Outcome | None:
        """Use up the next outcome of the first key that has one; then defaults; else None."""
        rows = [row for key in keys if (row := self._store.get("script", f"{purpose}:{key}"))]
        for row in rows:
            if row["queue"]:
                outcome = outcome_from(row["queue"].pop(0))
                self._store.put("script", f"{purpose}:{row['key']}", row)
                return outcome
        for row in rows:
            if row["default"] is not None:
                return outcome_from(row["default"])
        return None

    def written(self) -> list[Json]:
        """All scripts with what is left of them."""
        return list(self._store.table("script").values())
