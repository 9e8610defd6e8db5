"""How the gateways tell the school what happened: at least once, in any order, signed, sometimes badly."""

from __future__ import annotations
