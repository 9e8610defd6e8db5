"""Facts as bytes on a topic, and back; a message that is no fact of ours is unreadable, with the reason.

One JSON object per message: ``{"id", "type", "cause", "recorded_at", "again", "fact": {...}}``. msgspec does
the work on this hot path (docs/decisions); `relance events export` publishes the JSON Schema of the same classes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from shared.errors import Unreadable
from shared.events import VOCABULARY, Envelope, Fact, id_of, key_of, name_of, topic_of


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str
    recorded_at: datetime
    fact: msgspec.Raw
    cause: str | None = None
    again: int = 0


_encoder = msgspec.json.Encoder()
_envelopes = msgspec.json.Decoder(_Wire)


_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(kind) for name, kind in VOCABULARY.items()
}


def wrap(fact: Fact, *, cause: str | None, recorded_at: datetime, again: int = 0) -> Envelope:
    """Address a fact: its id from its meaning, its topic from who says it, its key for order."""
    kind = type(fact)
    name = id_of(fact)
    return Envelope(
        id=name if not again else f"{name}#{again}",
        type=name_of(kind),
        topic=topic_of(kind),
        key=key_of(fact),
        cause=cause,
        recorded_at=recorded_at,
        fact=fact,
        again=again,
    )


def to_bytes(envelope: Envelope) -> bytes:
    """The message's value."""
    return _encoder.encode(
        _Wire(
            id=envelope.id,
            type=envelope.type,
            recorded_at=envelope.recorded_at,
            fact=msgspec.Raw(_encoder.encode(envelope.fact)),
            cause=envelope.cause,
            again=envelope.again,
        )
    )


def from_bytes(value: bytes | None) -> Envelope:
    """Read a message's value.

    Raises:
        Unreadable: it is not JSON, not an envelope, of no type we know, or its fields do not fit.
    """
    if value is None:
        raise Unreadable("the message has no value: it is no fact; discard it or send it again")
    try:
        wire = _envelopes.decode(value)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"the message is no envelope: {error}") from error
    kind = VOCABULARY.get(wire.type)
    if kind is None:
        raise Unreadable(
            f"no fact is called {wire.type!r}: a newer service may say it; upgrade, then retry it"
        )
    try:
        fact = _decoders[wire.type].decode(wire.fact)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"the fields of {wire.type} do not fit: {error}") from error
    return Envelope(
        id=wire.id,
        type=wire.type,
        topic=topic_of(kind),
        key=key_of(fact),
        cause=wire.cause,
        recorded_at=wire.recorded_at,
        fact=fact,
        again=wire.again,
    )
