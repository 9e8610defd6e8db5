"""Starts the simulators: ``python -m ops.simulators --port 7400 --data .relance/gateways``."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from ops.servers.processes import end_with_starter
from ops.simulators.app import Simulator
from ops.simulators.world import Settings
from shared.clock import clock_for


def main(arguments: list[str] | None = None) -> None:
    """Serve on the loopback interface until stopped."""
    parser = argparse.ArgumentParser(prog="python -m ops.simulators", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="loopback port")
    parser.add_argument("--data", type=Path, required=True, help="folder where the accounts are kept")
    parser.add_argument("--clock", type=Path, help="virtual clock file (8 bytes); the wall clock without it")
    parser.add_argument("--clock-owner", action="store_true", help="/_sim/advance moves the clock file")
    parser.add_argument(
        "--tick", type=float, help="bill what is due every so many seconds (1 on the wall clock, 0 is never)"
    )
    parser.add_argument("--seed", default="relance", help="ids are drawn from it")
    parser.add_argument("--public-url", help="how browsers reach this process; loopback by default")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input does")
    options = parser.parse_args(arguments)
    if options.lifeline:
        end_with_starter()
    tick = options.tick if options.tick is not None else (0 if options.clock else 1)
    settings = Settings(
        data=options.data,
        base_url=(options.public_url or f"http://127.0.0.1:{options.port}").rstrip("/"),
        clock=clock_for(options.clock),
        clock_owner=options.clock_owner,
        seed=options.seed,
    )
    uvicorn.run(
        Simulator(settings, tick=tick or None),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
