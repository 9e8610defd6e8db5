"""The desk's templates, and what a browser keeps of its style."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from shared.pages.secrets import hash_of


@cache
def templates() -> Environment:
    """Templates that escape everything, and that a missing name stops."""
    return Environment(
        loader=PackageLoader("services.desk", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def static_version() -> str:
    """Changes with the style and the script, so that a browser may keep them for ever."""
    folder = files("services.desk") / "static"
    texts = [one.read_bytes() for one in sorted(folder.iterdir(), key=lambda one: one.name) if one.is_file()]
    return hash_of("".join(text.hex() for text in texts))[:12]
