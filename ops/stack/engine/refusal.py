"""What a story may ask of memory and not of real processes."""

from __future__ import annotations


class NotOnThisEngine(Exception):
    """A verb that only the memory engine can do; the message says why. Such a story is skipped on a stack."""
