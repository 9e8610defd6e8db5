"""What is checked in under docs/reference and must equal what is generated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ops.contracts.apis import apis_page, documents
from ops.contracts.asyncapi import asyncapi_document
from ops.contracts.page import events_page
from ops.contracts.samples import as_text, newest_sample
from ops.contracts.schemas import standalone_schema
from shared.events import VOCABULARY

REFERENCE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"


def events() -> dict[str, str]:
    """File under docs/reference -> its text, for the vocabulary."""
    return {
        "events.md": events_page(),
        "events/asyncapi.json": as_text(asyncapi_document()),
        **{
            f"events/schemas/{name}.json": as_text(standalone_schema(kind, newest_sample(kind)))
            for name, kind in VOCABULARY.items()
        },
    }


def apis() -> dict[str, str]:
    """File under docs/reference -> its text, for the services' APIs."""
    return {
        "apis.md": apis_page(),
        **{f"apis/{name}.json": as_text(document) for name, document in documents().items()},
    }


FOLDERS: Final[Mapping[str, Callable[[], dict[str, str]]]] = {"events": events, "apis": apis}
"""Each folder of generated files, and what makes them."""


def differing(generated: Mapping[str, str], folder: str, root: Path = REFERENCE) -> list[str]:
    """Files that are missing, old, or there without being generated."""
    there = {str(file.relative_to(root)) for file in (root / folder).rglob("*.json")}
    return sorted(
        name
        for name in there | set(generated)
        if name not in generated or _text(root / name) != generated[name]
    )


def write(generated: Mapping[str, str], folder: str, root: Path = REFERENCE) -> list[str]:
    """Make the folder hold exactly what is generated; what was changed."""
    changed = differing(generated, folder, root)
    for name in changed:
        file = root / name
        if name in generated:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(generated[name], encoding="utf-8")
        else:
            file.unlink()
    return changed


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""
