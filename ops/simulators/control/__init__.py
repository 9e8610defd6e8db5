"""What a story driver may do to the outside world: set learners up, script banks, move time, lose letters."""

from __future__ import annotations
