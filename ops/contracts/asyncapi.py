"""The vocabulary as AsyncAPI 3: a channel per speaker, a message per fact, who sends and who receives it."""

from __future__ import annotations

from typing import Any, Final

from ops.contracts.hearers import hearers_of
from ops.contracts.reading import plain, sentence_of
from ops.contracts.samples import newest_sample
from ops.contracts.schemas import Dialect, message_schema
from ops.stack.plan import PARTITIONS, SERVICES
from shared.events import SPEAKERS, VOCABULARY, Fact, name_of

_ABOUT: Final = """\
Everything that services of Relance tell one another, in the past tense, each fact once.

Delivery is at least once and in order per key: remember the ids that you acted upon, and confirm an offset only when
what you did is kept. Fields and words may be added, so ignore what you do not know; nothing is taken away or changes
its meaning, because a new meaning is a new fact. Facts whose description says that they are a plan are what a service
says to itself when an hour has come; others may read them. No name, address or mail address of a person travels."""


def asyncapi_document() -> dict[str, Any]:
    """The whole document; the same bytes for the same vocabulary."""
    # AsyncAPI's own schema objects extend draft 7, where an array's fixed places are told by ``items``.
    dialect = Dialect(ref="#/components/schemas/{}", pairs="items", definitions={})
    messages = {name: _message(kind, dialect) for name, kind in VOCABULARY.items()}
    schemas = dialect.definitions or {}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Relance",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "cluster": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The installation's Kafka.",
                "variables": {
                    "bootstrap": {"default": "127.0.0.1:9092", "description": "What RELANCE_KAFKA says."}
                },
            }
        },
        "channels": {service: _channel(service, says) for service, says in SPEAKERS.items()},
        "operations": _operations(),
        "components": {
            "messages": messages,
            "schemas": {name: schemas[name] for name in sorted(schemas)},
        },
    }


def _channel(service: str, says: tuple[type[Fact], ...]) -> dict[str, Any]:
    return {
        "address": f"{service}.events",
        "title": f"What {service} says",
        "messages": {name_of(kind): {"$ref": f"#/components/messages/{name_of(kind)}"} for kind in says},
        "bindings": {
            "kafka": {"topic": f"{service}.events", "partitions": PARTITIONS, "bindingVersion": "0.5.0"}
        },
    }


def _operations() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for service, says in SPEAKERS.items():
        found[f"{service}.says"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{service}"},
            "summary": f"{service} tells its journal.",
            "messages": [_in_channel(kind) for kind in says],
        }
    for hearer in SERVICES:
        for speaker, says in SPEAKERS.items():
            heard = [kind for kind in says if hearer in hearers_of(kind)]
            if heard:
                found[f"{hearer}.hears.{speaker}"] = {
                    "action": "receive",
                    "channel": {"$ref": f"#/channels/{speaker}"},
                    "summary": f"{hearer} hears {speaker}.",
                    "messages": [_in_channel(kind) for kind in heard],
                    "bindings": {
                        "kafka": {
                            "groupId": {"type": "string", "enum": [f"relance-{hearer}"]},
                            "bindingVersion": "0.5.0",
                        }
                    },
                }
    return found


def _in_channel(kind: type[Fact]) -> dict[str, str]:
    name = name_of(kind)
    return {"$ref": f"#/channels/{name.split('.', 1)[0]}/messages/{name}"}


def _message(kind: type[Fact], dialect: Dialect) -> dict[str, Any]:
    name = name_of(kind)
    example = newest_sample(kind)
    schema = message_schema(kind, example, dialect)
    schema.pop("examples")
    return {
        "name": name,
        "title": kind.__name__,
        "summary": plain(sentence_of(kind)),
        "contentType": "application/json",
        "payload": schema,
        "correlationId": {
            "location": "$message.payload#/cause",
            "description": "The fact behind this one.",
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The value of {kind.KEY}."},
                "bindingVersion": "0.5.0",
            }
        },
        "tags": [{"name": "plan" if kind.PLAN else "fact"}],
        "examples": [{"name": "golden", "payload": example}],
    }
