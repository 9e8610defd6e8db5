"""The gateways a school can be paid through; each is one folder that knows its SDK and nobody else does."""

from __future__ import annotations
