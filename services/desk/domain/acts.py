"""What people can do with a case: the act's word, the right it needs, what must be filled in, where it goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act of a case page."""

    word: str
    """As dunning calls it in a case's ``allowed``, and in our addresses."""
    right: str
    fields: tuple[str, ...] = ()
    needs_note: bool = False
    service: str = "dunning"
    is_grave: bool = False
    """It cannot be taken back."""


ACTS: Final = (
    Act(word="guidance", right="guide", fields=("method", "reference", "amount", "due_on")),
    Act(word="receipt", right="money", fields=("amount", "reference", "received_on"), service="payments"),
    Act(word="resume-date", right="resume", fields=("day",)),
    Act(word="accept-difference", right="money", needs_note=True, is_grave=True),
    Act(word="settle-flag", right="settle", fields=("question",), needs_note=True),
    Act(word="adopt", right="settle", fields=("day",), needs_note=True, is_grave=True),
    Act(
        word="resolve",
        right="money",
        fields=("keep_access", "release_credits"),
        needs_note=True,
        is_grave=True,
    ),
    Act(word="extend", right="money", fields=("deadline",), needs_note=True),
    Act(word="attempt", right="money", needs_note=True),
    Act(word="grant-access", right="settle", needs_note=True),
    Act(word="restore-credits", right="settle", needs_note=True),
    Act(word="reconcile", right="guide", service="payments"),
    Act(word="close", right="settle", needs_note=True, is_grave=True),
)
BY_WORD: Final = {act.word: act for act in ACTS}
