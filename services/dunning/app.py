"""Composition root of dunning: the plaque that workers and tests work from, and the API."""

from __future__ import annotations

from typing import Final

from services.dunning.handlers import HEARS
from services.dunning.store import TABLES, DunningUnit, prefetch
from shared.service import Service

SERVICE: Final = Service(name="dunning", unit=DunningUnit, hears=HEARS, tables=TABLES, prefetch=prefetch)
