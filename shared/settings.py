"""What differs between one machine and another: read from the environment, prefix ``RELANCE_``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.clock import Clock, clock_for
from shared.keys import ONLY_FOR_TESTS, SHORTEST, Masters


class Settings(BaseSettings):
    """Settings that every service understands; each may subclass it for its own.

    A missing or wrong value stops the process at start with pydantic's message naming the variable.
    """

    model_config = SettingsConfigDict(env_prefix="RELANCE_", extra="ignore")

    database: str = "postgresql://relance@127.0.0.1:5432/relance"
    """Where PostgreSQL is; each service keeps to the schema of its own name."""
    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers, ``HOST:PORT[,HOST:PORT]``."""
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: Path | None = None
    kafka_session_timeout: float = Field(default=30.0, gt=0)
    """Seconds; the embedded broker wants 6 or less, a cluster 30 to 45."""
    kafka_fetch_wait_ms: int = Field(default=500, gt=0)
    """How long a fetch may wait; the embedded broker never cuts it short, so 50 there."""
    clock_file: Path | None = None
    """A virtual clock shared by the whole stack; none outside demonstrations and tests."""
    mode: Literal["production", "test"] = "production"
    """``test`` admits PayPal's simulator id and other conveniences, and says so in the log."""
    api_keys: SecretStr = SecretStr("")
    """Keys for everything at every school, separated by commas: our own services show the first of them to one another.

    Other systems get keys of their own (``relance keys add``)."""
    master_keys: SecretStr = SecretStr("")
    """Master keys, separated by commas: the first wraps people's keys, all unwrap them; 32 characters or more each."""
    host: str = "127.0.0.1"
    port: int = 8000
    batch: int = Field(default=500, ge=1, le=5000)
    """How many facts one transaction hears at most."""
    pool: int = Field(default=4, ge=1)
    """Database connections of one process."""
    parked_limit: int = Field(default=50, ge=1)
    """More parked messages than this within one batch or hour stops the worker instead of parking everything."""
    worker_port: int = Field(default=0, ge=0, le=65535)
    """Where a worker answers /health, /ready and /metrics, beside ``host``; 0 for nowhere."""
    metrics_token: SecretStr = SecretStr("")
    """What Prometheus shows as ``Authorization: Bearer``. Without one, metrics are shown in test mode only."""
    otlp_endpoint: str = ""
    """Where traces are sent by OTLP over HTTP (``http://collector:4318``); nothing is traced without it."""
    otlp_headers: SecretStr = SecretStr("")
    """``NAME=VALUE,NAME=VALUE``: what a collector wants to be shown."""
    trace_share: float = Field(default=1.0, ge=0, le=1)
    """Which share of traces is kept; what follows a kept one is kept."""
    log_level: str = "INFO"
    log_json: bool = True

    def clock(self) -> Clock:
        """The clock that this process lives by."""
        return clock_for(self.clock_file)

    def masters(self) -> Masters:
        """The master keys; a fixed one in test mode when none is set.

        Raises:
            ValueError: none is set in production, or one is too short.
        """
        texts = [text.strip() for text in self.master_keys.get_secret_value().split(",") if text.strip()]
        if not texts and self.mode == "test":
            return ONLY_FOR_TESTS
        if not texts or min(map(len, texts)) < SHORTEST:
            raise ValueError(
                f"RELANCE_MASTER_KEYS must name one key of {SHORTEST} characters or more: `openssl rand -hex 32`; "
                "keep a copy of it away from the backups of the database"
            )
        return Masters(texts)

    def known_keys(self) -> frozenset[str]:
        """The API keys, without blanks."""
        return frozenset(key.strip() for key in self.api_keys.get_secret_value().split(",") if key.strip())
