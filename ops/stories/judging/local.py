"""An instant as people read it: the school's own clock first, the world's behind it."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.calendar.wall import zone


def local(at: datetime, zone_name: str) -> str:
    """``Sat 2026-06-13 00:00:00 CEST (=2026-06-12T22:00:00Z)``."""
    there = at.astimezone(zone(zone_name))
    return f"{there:%a %Y-%m-%d %H:%M:%S %Z} (={at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})"
