"""What the bank will say next: outcomes a story wrote down, used up one per attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

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
    than the one asked for, ``currency`` another money. ``takes`` keeps the caller waiting for so long before anything happens; an answer
    that is ``lost`` never arrives: ``before`` anything happened, or ``after`` it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decline: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    message: str | None = None
    amount: int | None = None
    currency: str | None = None
    pending: bool = False
    after: float | str = "PT1H"
    then: Annotated[Outcome | None, BeforeValidator(_spelled_out)] = None
    takes: float | str = 0
    lost: Literal["before", "after"] | None = None

    @model_validator(mode="after")
    def _durations(self) -> Outcome:
        duration(self.after)
        duration(self.takes)
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


class StillAsking(Exception):
    """The bank answers later: the call is made again then, and nothing of it happened yet."""

    def __init__(self, wait: timedelta, answer: Outcome) -> None:
        super().__init__(f"asked again in {wait}")
        self.wait = wait
        self.answer = answer
        """What it will say then, whatever is written meanwhile."""


class LineBroke(Exception):
    """The caller never hears an answer, and nothing happened."""


class Scripts:
    """Queues of outcomes by id (subscription, customer, payment method, order, reference ...)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.answer_is_lost = False
        """The call that used the last outcome up gets no answer, although it did what it was asked to."""
        self.waited_for: Outcome | None = None
        """The answer that the call at hand waited for."""

    def write(
        self,
        key: str,
        outcomes: list[Outcome],
        *,
        default: Outcome | None,
        purpose: str = "charge",
        first: bool = False,
    ) -> Json:
        """Append outcomes for ``key`` (``first``: ahead of others); ``default`` comes when all are used up."""
        name = f"{purpose}:{key}"
        row = self._store.get("script", name) or {
            "key": key,
            "purpose": purpose,
            "queue": [],
            "default": None,
        }
        more = [outcome_to(outcome) for outcome in outcomes]
        row["queue"] = [*more, *row["queue"]] if first else [*row["queue"], *more]
        if default is not None:
            row["default"] = outcome_to(default)
        return self._store.put("script", name, row)

    def said(self, keys: list[str], outcome: Outcome) -> None:
        """A bank repeats itself: what it said last comes again when nothing else is written (``only_told``)."""
        last = outcome.next if outcome.pending else outcome
        kept = last.model_copy(update={"takes": 0, "lost": None, "amount": None, "currency": None})
        for key in keys:
            row = self._store.get("script", f"charge:{key}")
            if row is not None:
                row["last"] = outcome_to(kept)
                self._store.put("script", f"charge:{key}", row)
                return

    def erase(self, key: str | None = None) -> None:
        """Forget what was written for ``key``, or everything."""
        rows = self._store.table("script")
        for name in [name for name, row in rows.items() if key in {None, row["key"]}]:
            self._store.drop("script", name)

    def next(self, keys: list[str], *, purpose: str = "charge") -> Outcome | None:
        """Use up the next outcome of the first key that has one; then defaults; what was said last; else None.

        Raises:
            StillAsking: the outcome takes its time; it is used up when asked for again.
            LineBroke: the caller gets no answer and nothing is to happen.
        """
        outcome = self.queued(keys, purpose=purpose)
        if outcome is not None:
            return outcome
        rows = self._rows(keys, purpose)
        for name in ("default", "last"):
            for row in rows:
                if row.get(name) is not None:
                    return outcome_from(row[name])
        return None

    def queued(self, keys: list[str], *, purpose: str = "charge") -> Outcome | None:
        """Use up the next written outcome of the first key that has one (see ``next``)."""
        if self.waited_for is not None:
            outcome, self.waited_for = self.waited_for, None
            return self._given(outcome)
        for row in self._rows(keys, purpose):
            if row["queue"]:
                outcome = outcome_from(row["queue"].pop(0))
                self._store.put("script", f"{purpose}:{row['key']}", row)
                if takes := duration(outcome.takes):
                    raise StillAsking(takes, outcome)
                return self._given(outcome)
        return None

    def _rows(self, keys: list[str], purpose: str) -> list[Json]:
        return [row for key in keys if (row := self._store.get("script", f"{purpose}:{key}"))]

    def _given(self, outcome: Outcome) -> Outcome:
        if outcome.lost == "before":
            raise LineBroke
        self.answer_is_lost = outcome.lost == "after"
        return outcome

    def written(self) -> list[Json]:
        """All scripts with what is left of them."""
        return list(self._store.table("script").values())
