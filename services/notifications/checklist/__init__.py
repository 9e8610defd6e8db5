"""What every mail must say (domain.md §4), as data: tests hold each rendering to it, the office can read it.

Each needle is looked for in the sample's rendering, in each language the mail exists in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.notifications.checklist.french import FRENCH
from services.notifications.checklist.japanese import JAPANESE
from services.notifications.checklist.office import OFFICE
from services.notifications.checklist.required import Required
from shared.events.words import Template

REQUIRED: Final[Mapping[Template, tuple[Required, ...]]] = {**FRENCH, **JAPANESE, **OFFICE}

FORBIDDEN: Final[Mapping[str, tuple[str, ...]]] = {
    "fr": (
        "garanti",
        "insufficient_funds",
        "limit_exceeded",
        "expired_card",
        "hard_never_retry",
        "do_not_honor",
    ),
    "en": (
        "guarantee",
        "insufficient_funds",
        "limit_exceeded",
        "expired_card",
        "hard_never_retry",
        "do_not_honor",
    ),
    "ja": (
        "保証",
        "必ず失効しません",
        "insufficient_funds",
        "limit_exceeded",
        "expired_card",
        "do_not_honor",
    ),
}
"""No promise where the seeds make none (trap 13), and never a bank's own code (F24)."""

__all__ = ["FORBIDDEN", "REQUIRED", "Required"]
