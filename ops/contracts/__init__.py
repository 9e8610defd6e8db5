"""What other systems may build on: the vocabulary and the APIs, described for machines and people, and kept compatible."""

from __future__ import annotations
