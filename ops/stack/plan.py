"""What a stack consists of and where each part is found: decided once, kept in the data folder.

DATA/stack.json      addresses, keys and pids of what runs      DATA/logs/NAME.log   what each part said
DATA/postgres        the database                               DATA/clock           the virtual clock, if any
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from ops.servers.processes import free_port, port_is_free

SERVICES: Final = ("payments", "dunning", "access", "credits", "notifications", "portal", "desk", "hooks")
"""Every service with an API and a worker; a new one is one word here."""

PARTITIONS: Final = 12
TOPICS: Final[Mapping[str, int]] = {f"{service}.events": PARTITIONS for service in SERVICES}

FEW: Final = 3
"""Partitions on the embedded broker: one worker per service reads it, and an idle partition costs it work."""


def topics_of(kafka_kind: str) -> Mapping[str, int]:
    """Each topic and its partitions, on that kind of Kafka."""
    return dict.fromkeys(TOPICS, FEW) if kafka_kind == "embedded" else TOPICS


_FIRST_PORT: Final = 8310

PORTS: Final = (
    *SERVICES,
    "simulators",
    "smtp",
    "mailbox",
    *(f"{service}-worker" for service in SERVICES),
    "operator",
)
"""Whoever listens in a stack; a worker listens for those who ask how it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of a service."""

    service: str
    kind: str
    """``api`` or ``worker``."""

    @property
    def name(self) -> str:
        """``dunning-worker``: in logs, pids and messages."""
        return f"{self.service}-{self.kind}"


PARTS: Final = (
    *(Part(service=service, kind=kind) for service in SERVICES for kind in ("worker", "api")),
    Part(service="operator", kind="api"),
)


@dataclass(slots=True, kw_only=True)
class Plan:
    """Addresses and secrets of one stack. Secrets are of this machine's simulators only."""

    data: str
    kafka_kind: str = ""
    kafka: str = ""
    database: str = ""
    clock_file: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    """``payments`` .. ``notifications`` (their APIs; ``portal`` is the learners' pages, ``desk`` the office's), ``simulators``, ``smtp``, ``mailbox``, ``dunning-worker`` .."""
    secrets: dict[str, str] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    ready: bool = False

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)

    def url(self, name: str) -> str:
        """Where the part called ``name`` answers HTTP."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def save(self) -> None:
        """Write ``stack.json`` at once or not at all; only this user may read it."""
        target = self.folder / "stack.json"
        draft = target.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        draft.replace(target)


def load(folder: Path) -> Plan | None:
    """The plan kept in ``folder``, or ``None``."""
    file = folder / "stack.json"
    if not file.is_file():
        return None
    return Plan(**json.loads(file.read_text(encoding="utf-8")))


def plan_for(folder: Path) -> Plan:
    """The plan of a stack in ``folder``: what was decided before, or new ports and secrets."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "logs").mkdir(exist_ok=True)
    plan = load(folder) or Plan(data=str(folder))
    plan.data, plan.ready, plan.pids = str(folder), False, {}
    for offset, name in enumerate(PORTS):
        wanted = plan.ports.get(name, _FIRST_PORT + offset)
        plan.ports[name] = wanted if port_is_free(wanted) else free_port()
    for name in (
        "api_key",
        "stripe_key",
        "stripe_webhook",
        "paypal_id",
        "paypal_secret",
        "paypal_webhook",
        "platform_master",
        "portal_master",
        "desk_master",
        "hooks_master",
        "master_keys",
    ):
        plan.secrets.setdefault(name, _secret(name))
    return plan


def environment(plan: Plan, part: Part) -> dict[str, str]:
    """The variables that ``part`` reads, exactly those that docker-compose.yml sets for its container."""
    embedded = plan.kafka_kind == "embedded"
    simulators = plan.url("simulators")
    variables = {
        "RELANCE_DATABASE": plan.database,
        "RELANCE_KAFKA": plan.kafka,
        "RELANCE_KAFKA_SESSION_TIMEOUT": "6" if embedded else "10",
        "RELANCE_KAFKA_FETCH_WAIT_MS": "50" if embedded else "500",
        "RELANCE_CLOCK_FILE": plan.clock_file,
        "RELANCE_MODE": "test",
        "RELANCE_API_KEYS": plan.secrets["api_key"],
        "RELANCE_MASTER_KEYS": plan.secrets["master_keys"],
        "RELANCE_PORT": str(plan.ports[part.service]),
        "RELANCE_WORKER_PORT": str(plan.ports[f"{part.service}-worker"]) if part.kind == "worker" else "",
        "RELANCE_PLATFORM_MASTER": plan.secrets["platform_master"],
        "RELANCE_SMTP_HOST": "127.0.0.1",
        "RELANCE_SMTP_PORT": str(plan.ports["smtp"]),
        "RELANCE_MAILBOX_URL": plan.url("mailbox"),
        "RELANCE_STRIPE_BASE": f"{simulators}/stripe",
        "RELANCE_STRIPE_KEY": plan.secrets["stripe_key"],
        "RELANCE_STRIPE_WEBHOOK_SECRETS": plan.secrets["stripe_webhook"],
        "RELANCE_PAYPAL_BASE": f"{simulators}/paypal",
        "RELANCE_PAYPAL_CLIENT_ID": plan.secrets["paypal_id"],
        "RELANCE_PAYPAL_CLIENT_SECRET": plan.secrets["paypal_secret"],
        "RELANCE_PAYPAL_WEBHOOK_IDS": plan.secrets["paypal_webhook"],
        "RELANCE_PAYPAL_ANCHORS": str(plan.folder / "paypal-anchors"),
        "RELANCE_PUBLIC_URL": plan.url("payments"),
        "RELANCE_PORTAL_URL": plan.url("portal"),
        "RELANCE_PORTAL_MASTER": plan.secrets["portal_master"],
        "RELANCE_PORTAL_GATEWAYS": f"{simulators},{plan.url('payments')}",
        "RELANCE_PORTAL_API_URL": plan.url("portal"),
        "RELANCE_DESK_URL": plan.url("desk"),
        "RELANCE_DESK_MASTER": plan.secrets["desk_master"],
        "RELANCE_HOOKS_MASTER": plan.secrets["hooks_master"],
        "RELANCE_ACCESS_URL": plan.url("access"),
        "RELANCE_CREDITS_URL": plan.url("credits"),
        "RELANCE_PAYMENTS_URL": plan.url("payments"),
        "RELANCE_DUNNING_URL": plan.url("dunning"),
        "RELANCE_NOTIFICATIONS_URL": plan.url("notifications"),
        "RELANCE_HOOKS_URL": plan.url("hooks"),
        "RELANCE_OPERATOR_URL": plan.url("operator"),
        "RELANCE_LOG_LEVEL": os.environ.get("RELANCE_LOG_LEVEL", "INFO"),
        "RELANCE_OTLP_ENDPOINT": os.environ.get("RELANCE_OTLP_ENDPOINT", ""),
    }
    return {name: value for name, value in variables.items() if value}


def _secret(name: str) -> str:
    prefix = {"stripe_key": "sk_test_", "stripe_webhook": "whsec_", "paypal_webhook": "WH-"}.get(name, "")
    return prefix + secrets.token_hex(16)
