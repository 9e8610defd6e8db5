"""Templates of pages, and the style that the learner's pages and the office's desk have in common."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined

from shared.pages.secrets import hash_of

_OURS: Final = "shared.pages"


@cache
def templates(package: str) -> Environment:
    """The templates of a service; they escape everything, and a missing name stops them."""
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def static_version(package: str) -> str:
    """Changes with a service's styles and scripts, so that a browser may keep them for ever."""
    found = [one for home in (_OURS, package) for one in (files(home) / "static").iterdir() if one.is_file()]
    texts = [one.read_bytes() for one in sorted(found, key=lambda one: one.name)]
    return hash_of("".join(text.hex() for text in texts))[:12]


def serve_static(app: FastAPI, package: str) -> None:
    """``/static/`` is the service's own folder, and behind it what all pages share."""
    folders: list[str | tuple[str, str]] = [(package, "static"), (_OURS, "static")]
    app.mount("/static", StaticFiles(packages=folders), name="static")
