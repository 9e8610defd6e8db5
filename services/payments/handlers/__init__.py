"""What payments does when it hears something: facts of dunning (``HEARS``), and news of the gateways."""

from __future__ import annotations

from services.payments.handlers.facts import HEARS, ask_to_charge
from services.payments.handlers.news import Hearing, hear_news

__all__ = ["HEARS", "Hearing", "ask_to_charge", "hear_news"]
