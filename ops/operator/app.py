"""The operator's API: what-if, in a process of its own for each question; and what was set aside, in every service."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
from fastapi import APIRouter, FastAPI, Request
from fastapi import Path as InPath
from pydantic import AwareDatetime, BaseModel, Field

from ops.operator import parked
from shared.database import PgStore, open_pool
from shared.errors import Refused, Transient
from shared.settings import Settings
from shared.web import READS, Keyed, build_app

SETTINGS: Final = Settings
_LONGEST: Final = 300.0
"""Seconds that one question may take."""


class Question(BaseModel):
    """Which policy, over which months."""

    text: Annotated[
        str, Field(max_length=200_000, description="The policy as YAML; empty for the one lived by.")
    ] = ""
    since: AwareDatetime | None = Field(None, description="Cases that opened from then on.")
    until: AwareDatetime | None = Field(None, description="The last instant looked at.")


Asks = Callable[[str, Question], Awaitable[dict[str, Any]]]
"""School and question to the answer as ``ops.whatif.telling.data`` tells it."""


def build_api(
    settings: Settings | None = None, *, asks: Asks | None = None, store_of: parked.StoreOf | None = None
) -> FastAPI:
    """The application over the installation's database; ``asks`` and ``store_of`` answer in its place over another."""
    settings = settings or Settings()

    async def ready() -> None:
        connection = await asyncpg.connect(settings.database)
        await connection.close()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(settings.database, size=2, name="relance operator api")
        app.state.store_of = lambda service: PgStore(pool, service)
        yield
        await pool.close()

    app: FastAPI = build_app(
        "Relance operator", settings, ready=ready, lifespan=None if store_of else lifespan
    )
    app.state.clock = settings.clock()
    app.state.store_of = store_of
    app.state.asks = asks or partial(_in_a_process, settings.database, asyncio.Semaphore(1))
    router = APIRouter(dependencies=[Keyed], tags=["what-if"])
    router.post("/schools/{school_id}/what-if", openapi_extra=READS)(what_if)
    app.include_router(router)
    app.include_router(parked.build_router())
    return app


async def what_if(
    request: Request, school_id: Annotated[str, InPath(max_length=64)], question: Question
) -> dict[str, Any]:
    """The school's recorded months under another policy, beside what really happened; nothing is changed.

    Refused (422) in words when the policy does not load or the range holds nothing.
    """
    asks: Asks = request.app.state.asks
    return await asks(school_id, question)


async def _in_a_process(
    database: str, one_at_a_time: asyncio.Semaphore, school_id: str, question: Question
) -> dict[str, Any]:
    """Deciding takes all of a processor: it must not keep this door from answering."""
    async with one_at_a_time:
        with tempfile.TemporaryDirectory(prefix="relance-what-if-") as folder:
            arguments = ["--school", school_id, "--database", database, "--show", "json"]
            if question.text:
                file = Path(folder) / "policy.yaml"
                file.write_text(question.text, encoding="utf-8")
                arguments += ["--policy", str(file)]
            for name, at in (("--from", question.since), ("--to", question.until)):
                arguments += [name, at.isoformat()] if at is not None else []
            return await _ask(arguments)


async def _ask(arguments: list[str]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops.cli", "whatif", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        said, wrong = await asyncio.wait_for(process.communicate(), _LONGEST)
    except TimeoutError as error:
        raise Transient(
            f"we could not answer because it took longer than {_LONGEST:.0f} seconds: ask about fewer months"
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        words = wrong.decode(errors="replace").strip().removeprefix("Error: ")
        raise Refused(words or "we could not answer because the question ended without a word", status=422)
    answer: dict[str, Any] = json.loads(said)
    return answer
