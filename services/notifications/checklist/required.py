"""One fact that a mail must tell: the rule that wants it, and the words that tell it in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """One fact; ``says`` are the needles looked for in the sample's rendering, by language."""

    fact: str
    rule: str
    says: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def must(fact: str, rule: str, **says: str | tuple[str, ...]) -> Required:
    """``must("amount", "F28", fr="75,00 €", en="€75.00")``."""
    listed = {language: (text,) if isinstance(text, str) else text for language, text in says.items()}
    return Required(fact=fact, rule=rule, says=listed)
