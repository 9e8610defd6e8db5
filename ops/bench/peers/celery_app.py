"""Celery over Redis: a task records the failure in one transaction, then asks for the retry in three days.

DSN=... BROKER=redis://... celery -A celery_app worker        and    python celery_app.py COUNT to enqueue
"""

from __future__ import annotations

import os
import sys
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
from celery import Celery

app = Celery("bench", broker=os.environ["BROKER"])
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=8,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)
_connection: psycopg.Connection | None = None

TABLES = """
create schema if not exists celery_peer;
create table if not exists celery_peer.inbox (id text primary key);
create table if not exists celery_peer.cases (id text primary key, attempts int not null, next_at timestamptz not null);
"""


def connection() -> psycopg.Connection:
    """One for each worker process."""
    global _connection  # noqa: PLW0603 - as Celery users do
    if _connection is None:
        _connection = psycopg.connect(os.environ["DSN"])
    return _connection


@app.task(name="failed")  # one name for whoever asks and whoever works
def failed(event: str, subscription: str) -> None:
    """Record, then ask."""
    at = datetime.now(UTC) + timedelta(days=3)
    with connection().transaction():
        connection().execute("insert into celery_peer.inbox values (%s) on conflict do nothing", [event])
        connection().execute(
            "insert into celery_peer.cases values (%s, 1, %s) on conflict (id) do update "
            "set attempts = celery_peer.cases.attempts + 1",
            [subscription, at],
        )
    retry.apply_async((subscription,), eta=at)


@app.task(name="retry")
def retry(subscription: str) -> None:
    """Never runs in a bench."""


if __name__ == "__main__":
    with psycopg.connect(os.environ["DSN"], autocommit=True) as _setup:
        _setup.execute(TABLES)
    for _ in range(int(sys.argv[1])):
        failed.delay(uuid.uuid4().hex, uuid.uuid4().hex)
