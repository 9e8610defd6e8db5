"""The ways in which a webhook leaves; one file per kind."""

from __future__ import annotations
