"""What a story may ask of memory and not of real processes."""

from __future__ import annotations

from ops.stories.engine import NotOnThisEngine

__all__ = ["NotOnThisEngine"]
