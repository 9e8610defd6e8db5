"""How one process of a service is started: by its own command, or forked from a parent that imported everything.

Forking shares the imported libraries' memory and saves a second of processor time per process, which on a
small machine is most of the start.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NoReturn

import uvicorn
import uvloop

from ops.stack.plan import SERVICES, Part
from shared import keys, tracing
from shared.database import PgStore, open_pool
from shared.logs import configure
from shared.migrate import migrate
from shared.running import WorkerProcess
from shared.settings import Settings
from shared.transactions import Transactions

_PR_SET_PDEATHSIG: Final = 1


def app_of(service: str) -> ModuleType:
    """The composition root of a service: ``SERVICE``, ``SETTINGS``, ``build_api``, ``hands``, ``loops``."""
    return importlib.import_module("ops.operator.app" if service == "operator" else f"services.{service}.app")


def preload() -> None:
    """Import every service once, before forking."""
    for service in (*SERVICES, "operator"):
        app_of(service)
    gc.collect()
    gc.freeze()


_IDLE: Final = 75
"""Seconds that an idle connection stays open: longer than callers keep theirs (httpx: 5), so that none is used while it
closes."""


def run_api(service: str, *, settings: Any = None) -> None:
    """Serve one service's API until SIGTERM; ``settings`` are read from the environment unless given."""
    app = app_of(service)
    settings = settings or app.SETTINGS()
    keys.use(settings.masters())
    configure(f"{service}.api", level=settings.log_level, as_json=settings.log_json)
    tracing.begin(service, "api", settings)
    built = app.build_api(settings)
    gc.collect()
    gc.freeze()  # what is imported stays: it need not be looked through again for garbage
    try:
        uvicorn.run(
            built,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            loop="uvloop",
            http="httptools",
            timeout_graceful_shutdown=5,
            timeout_keep_alive=_IDLE,
        )
    finally:
        tracing.end()


def run_worker(service: str, *, hands_of: Callable[[Any], Any] | None = None) -> None:
    """Run one service's worker until SIGTERM; ``hands_of`` makes other hands of its settings than its own."""
    app = app_of(service)
    settings = app.SETTINGS()
    keys.use(settings.masters())
    configure(f"{service}.worker", level=settings.log_level, as_json=settings.log_json)
    tracing.begin(service, "worker", settings)

    async def work() -> None:
        made = hands_of or getattr(app, "hands", None)
        hands = made(settings) if made else None
        process = WorkerProcess(
            app.SERVICE, settings, hands=hands, migrations=Path(app.__file__ or "").with_name("migrations")
        )
        further = getattr(app, "loops", None)
        await process.run((lambda store: further(store, hands, settings)) if further else None)

    try:
        uvloop.run(work())
    finally:
        tracing.end()


def run_migration(services: tuple[str, ...] = SERVICES) -> None:
    """Bring every schema up to date; the one-shot of docker-compose.yml."""
    settings = Settings()
    keys.use(settings.masters())

    async def work() -> None:
        for service in services:
            app = app_of(service)
            pool = await open_pool(settings.database, size=1, name="relance migrate")
            await migrate(pool, app.SERVICE, Path(app.__file__ or "").with_name("migrations"))
            if hasattr(app, "seal_old"):
                opened = Transactions(app.SERVICE, PgStore(pool, service), settings.clock())
                for table in await app.seal_old(opened):
                    # Rows in the clear stay on disk until their pages are written anew.
                    await pool.execute(f"vacuum full {service}.{table}")
            await pool.close()

    asyncio.run(work())


RUNS: Final[Mapping[str, Callable[[str], None]]] = {"api": run_api, "worker": run_worker}


def fork(
    part: Part,
    environment: Mapping[str, str],
    log: Path,
    *,
    runs: Mapping[str, Callable[[str], None]] = RUNS,
) -> int:
    """Start ``part`` in a child of this process; its pid. The child ends when this process does.

    ``runs`` says what each kind of part runs.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(partial(runs[part.kind], part.service), environment, log, parent)
    return pid


def _become(run: Callable[[], None], environment: Mapping[str, str], log: Path, parent: int) -> NoReturn:
    status = 1
    try:
        _leave_parent(environment, log, parent)
        run()
        status = 0
    except SystemExit as asked:
        status = int(asked.code or 0) if isinstance(asked.code, int | None) else 1
    except BaseException:  # noqa: BLE001 - a child never returns into its parent's code
        import traceback  # noqa: PLC0415 - only a process that dies needs it

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _leave_parent(environment: Mapping[str, str], log: Path, parent: int) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(name, signal.SIG_DFL)
    # Ctrl-C in a terminal goes to the supervisor, which stops its children in order.
    os.setpgid(0, 0)
    libc: Any = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)
    os.environ.update(environment)
    target = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
