"""A story as typed data: what stands before it begins, what happens, and what must come of it."""

from __future__ import annotations
