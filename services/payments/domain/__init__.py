"""What payments decides: which period money belongs to, whether news is new, what is said of it. Pure."""

from __future__ import annotations
