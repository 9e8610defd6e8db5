"""What can go wrong between a gateway and the school's door, written down as rules."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ops.simulators.clock import duration
from ops.simulators.store import Json, Store

SignatureMode = Literal[
    "good",
    "bad",  # signed with another secret or key
    "none",  # no signature header at all
    "mutated",  # the body was changed after signing
    "stale",  # dated one day before now
    "future",  # dated one day after now
    "v0_only",  # Stripe: only the test scheme
    "wrong_webhook_id",  # PayPal: signed for another listener
    "expired_cert",  # PayPal: the certificate ended long ago
    "wrong_name",  # PayPal: a certificate for another host name
    "self_signed",  # PayPal: a certificate nobody vouches for
    "unknown_root",  # PayPal: a chain to a root nobody configured
    "foreign_host",  # PayPal: the certificate's address is not the gateway's
]


class Rule(BaseModel):
    """How events are delivered while the rule stands; the first that matches decides.

    ``type`` is a glob over event types; ``times`` limits the rule to so many events. ``duplicates`` adds
    deliveries of the same event; ``delay`` postpones the first try; ``drop`` loses so many tries on the way
    (they are made again later); ``ignore_answers`` delivers but loses so many answers; ``hold`` keeps
    events until released; ``reorder`` keeps them until so many came and then lets them go last first.
    """

    model_config = ConfigDict(extra="forbid")

    gateway: Literal["stripe", "paypal"] | None = None
    type: str = "*"
    times: int | None = Field(default=None, ge=1)
    duplicates: int = Field(default=0, ge=0, le=100)
    delay: float | str = 0.0
    drop: int = Field(default=0, ge=0)
    ignore_answers: int = Field(default=0, ge=0)
    hold: bool = False
    reorder: int = Field(default=0, ge=0)
    signature: SignatureMode = "good"

    @field_validator("delay")
    @classmethod
    def _is_a_duration(cls, value: float | str) -> float | str:
        duration(value)
        return value


class Rules:
    """The rules that stand, in order of writing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, rule: Rule) -> Json:
        """Let a rule stand."""
        key = f"rule-{self._store.count('rule')}"
        return self._store.put("webhook_rule", key, {"id": key, **rule.model_dump()})

    def match(self, gateway: str, kind: str) -> tuple[str, Rule] | None:
        """The rule for this event, used up by one, with its id."""
        for key, row in self._store.table("webhook_rule").items():
            if row["gateway"] in {None, gateway} and fnmatchcase(kind, row["type"]):
                rule = Rule.model_validate({name: value for name, value in row.items() if name != "id"})
                if rule.times is not None:
                    row["times"] = rule.times - 1
                    if row["times"]:
                        self._store.put("webhook_rule", key, row)
                    else:
                        self._store.drop("webhook_rule", key)
                return key, rule
        return None

    def standing(self) -> list[Json]:
        """All rules that stand."""
        return list(self._store.table("webhook_rule").values())

    def end_holding(self, gateway: str | None) -> None:
        """Let the rules that hold events stand no more."""
        rows = self._store.table("webhook_rule")
        for key in [key for key, row in rows.items() if row["hold"] and gateway in {None, row["gateway"]}]:
            self._store.drop("webhook_rule", key)

    def clear(self) -> None:
        """Let none stand."""
        for key in list(self._store.table("webhook_rule")):
            self._store.drop("webhook_rule", key)
