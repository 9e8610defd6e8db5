"""Stories told to a whole stack: real services, topics, database and mail, simulated gateways, virtual time."""

from __future__ import annotations

from ops.stack.engine.engine import StackEngine
from ops.stack.engine.refusal import NotOnThisEngine

__all__ = ["NotOnThisEngine", "StackEngine"]
