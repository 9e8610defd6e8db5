"""What is being worked on now: logs and pages of trouble name its case, subscription, cause and trace by themselves.

Setting it costs one look-up for each fact; what it means is only read when a line is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from shared.events import Envelope
from shared.tracing import trace_id

_NOW: Final[ContextVar[Envelope | Mapping[str, str] | None]] = ContextVar("subject", default=None)
_IDS: Final = {
    "case_id": "case",
    "subscription_id": "subscription",
    "learner_id": "learner",
    "school_id": "school",
}


def set_subject(envelope: Envelope | None) -> None:
    """From here on, this task works on ``envelope``; ``None`` when it is done."""
    _NOW.set(envelope)


@contextmanager
def subject(**ids: str | None) -> Iterator[None]:
    """What the block works on, in ids."""
    token = _NOW.set({name: value for name, value in ids.items() if value})
    try:
        yield
    finally:
        _NOW.reset(token)


def ids_in(key: str) -> dict[str, str]:
    """What an errand's key names: a case (``subscription~period``) and its subscription, or a subscription."""
    subscription, sign, _ = key.partition("~")
    return {"case": key, "subscription": subscription} if sign else {"subscription": key}


def subject_ids() -> dict[str, str]:
    """What is worked on now: ``case``, ``subscription``, ``learner``, ``school``, ``cause``, as far as known."""
    now = _NOW.get()
    if now is None:
        return {}
    if not isinstance(now, Envelope):
        return dict(now)
    found = {
        word: str(value)
        for field, word in _IDS.items()
        if (value := getattr(now.fact, field, None)) is not None
    }
    found["cause"] = now.id
    return found


def bind_subject(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: what a line does not say itself, it says of what is worked on now."""
    for word, value in subject_ids().items():
        event.setdefault(word, value)
    trace = trace_id()
    if trace is not None:
        event.setdefault("trace", trace)
    return event
