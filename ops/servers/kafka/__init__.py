"""A school's own Apache Kafka on its own machine: real, one node, no container, kept across restarts.

    verdict = available(timeout=20)          # Java there, jars cached or had within 20 s? `verdict.reason` says it
    kafka = start(folder, topics={"payments.events": 12})
    ... bootstrap_servers=kafka.bootstrap ...
    kafka.stop()

The jars come by their coordinates through Maven into a cache of the user's, and each is compared with the checksum in
`jars.sha256` at every start. `python -m ops.servers.kafka fetch` fills the cache ahead of time.
"""

from __future__ import annotations

from ops.servers.kafka.jars import VERSION, Availability, available
from ops.servers.kafka.server import Kafka, running, start, start_async
from ops.servers.kafka.topics import ensure_topics

__all__ = [
    "VERSION",
    "Availability",
    "Kafka",
    "available",
    "ensure_topics",
    "running",
    "start",
    "start_async",
]
