"""Where a worker, which serves nobody, is asked how it is: ``/health``, ``/ready`` and ``/metrics`` on a port of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from shared.errors import RelanceError
from shared.logs import logger
from shared.meters import CONTENT_TYPE, exposition
from shared.settings import Settings
from shared.watching import NOT_SHOWN, may_scrape

log = logger("side_door")


class SideDoor:
    """A small HTTP server in the worker's own loop: when the worker hangs, it hangs too, and that is the point."""

    def __init__(self, settings: Settings, ready: Callable[[], Awaitable[None]]) -> None:
        self._settings = settings
        self._ready = ready
        self._runner: web.AppRunner | None = None
        self.port = 0
        """Where it listens."""

    async def open(self) -> None:
        """Listen at ``host:worker_port``; nowhere when that is 0.

        Raises:
            OSError: something else listens there.
        """
        if not self._settings.worker_port:
            return
        app = web.Application()
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/ready", self._is_ready),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self._settings.host, self._settings.worker_port, shutdown_timeout=1.0
        )
        await site.start()
        self.port = self._settings.worker_port
        log.info("side_door_open", host=self._settings.host, port=self.port)

    async def close(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _is_ready(self, _: web.Request) -> web.Response:
        try:
            await self._ready()
        except RelanceError as error:
            log.warning("not_ready", reason=str(error))
            return web.json_response(
                {"type": "about:blank", "title": "not_ready", "status": 503, "detail": str(error)},
                status=503,
                content_type="application/problem+json",
            )
        return web.json_response({"status": "ready"})

    async def _metrics(self, request: web.Request) -> web.Response:
        if not may_scrape(self._settings, request.headers.get("authorization", "")):
            return web.Response(status=401, body=NOT_SHOWN, content_type="text/plain")
        return web.Response(body=exposition(), headers={"content-type": CONTENT_TYPE})
