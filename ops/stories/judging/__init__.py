"""Whether what was expected of a story came true, and a difference a person can read where it did not."""

from __future__ import annotations
