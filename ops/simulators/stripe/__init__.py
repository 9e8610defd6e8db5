"""Stripe as the unmodified SDK sees it: objects in today's shape, idempotency, renewals and signed events."""

from __future__ import annotations

API_VERSION = "2026-10-28.endive"
"""The version stripe 16.1 pins; events are written in its shape unless an endpoint asks for a legacy one."""
