"""What gateways send is kept small, and given back byte for byte however long ago it was kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zstandard

from services.payments.inbox import compress, expand
from tests.payments.conftest import stripe_event

EVENT = stripe_event("invoice.payment_failed", {"id": "in_1", "object": "invoice", "attempt_count": 1})


@pytest.mark.parametrize("body", [b"", b"{}", EVENT, os.urandom(5000)])
def test_a_kept_body_comes_back_byte_for_byte(body: bytes) -> None:
    assert expand(compress(body)) == body


def test_a_body_kept_before_there_was_a_dictionary_is_still_read() -> None:
    assert expand(zstandard.ZstdCompressor(level=1).compress(EVENT)) == EVENT


def test_recorded_webhooks_are_kept_far_under_the_size_at_which_rows_are_split(fixtures: Path) -> None:
    recorded = [path.read_bytes() for path in sorted((fixtures / "stripe" / "supabase").glob("*.json"))]

    assert recorded
    assert all(len(compress(body)) < 1900 for body in recorded)
