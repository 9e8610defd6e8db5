"""Structured logs: one word per outcome, ids in the open, people and amounts never."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from shared.scrubbing import scrubbed
from shared.subject import bind_subject

REDACTED: Final = frozenset(
    """address amount authorization body called cc cookie email from iban key label message name note password payer
    payer_email payer_name phone price recipient recipients secret set-cookie signature subject text to token
    x-relance-key""".split()
)
"""What is under one of these words, at any depth, is never written."""

_DEEPEST: Final = 6
_GONE: Final = "[redacted]"


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor: words of ``REDACTED`` are covered at any depth, addresses and card numbers in any text."""
    for word, value in event.items():
        if word not in {"event", "level", "timestamp", "service", "part"}:
            event[word] = _GONE if word.lower() in REDACTED else _without_people(value, _DEEPEST)
    return event


def _without_people(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if depth == 0:
        return "[...]"
    if isinstance(value, Mapping):
        return {
            scrubbed(str(word)): _GONE if str(word).lower() in REDACTED else _without_people(one, depth - 1)
            for word, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_people(one, depth - 1) for one in value]
    return scrubbed(repr(value))


class _Scrubbing(logging.Formatter):
    """The lines of libraries, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))


def configure(service: str, *, level: str = "INFO", as_json: bool = True) -> None:
    """Set up structlog and the standard library's logging for one process; call once at its start."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            bind_subject,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # First the traceback becomes a text, then every text is looked at.
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Scrubbing("%(levelname)s %(name)s %(message)s"))
    logging.raiseExceptions = False  # a line that cannot be written would be repeated with its raw arguments
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # A broker that is away makes these two write about eighty lines a second (facts/faust.md 2.3).
    for noisy in ("aiokafka", "faust", "mode"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


def logger(name: str) -> Any:
    """A bound logger; ``logger("hearing").info("fact_heard", type=..., case=...)``."""
    return structlog.get_logger(part=name)
