"""A whole Relance in one process, under a clock moved by hand: where stories take milliseconds."""

from __future__ import annotations

from ops.stories.memory.engine import MemoryEngine

__all__ = ["MemoryEngine"]
