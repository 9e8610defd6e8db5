"""The mailbox's process: `python -m ops.servers.mailbox --smtp PORT --http PORT --data FOLDER`."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from ops.servers.mailbox import run_file
from ops.servers.mailbox.smtp import Slot, protocol
from ops.servers.mailbox.store import Store
from ops.servers.mailbox.web import application
from ops.servers.processes import Process, end_with_starter, write_run_file


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(128)
    return listening


async def serve(*, smtp: int, http: int, data: Path) -> None:
    """Take mails and show them until SIGTERM or SIGINT; port 0 means any free one."""
    with Store(data / "deliveries.jsonl") as store, _listen(smtp) as mails, _listen(http) as pages:
        slot = Slot(store)
        taking = await asyncio.get_running_loop().create_server(lambda: protocol(slot), sock=mails)
        config = uvicorn.Config(application(slot), log_level="warning", access_log=False, lifespan="off")
        ports = {"smtp": mails.getsockname()[1], "http": pages.getsockname()[1]}
        write_run_file(run_file(data), Process.of(os.getpid()), **ports)
        print(
            f"mails to 127.0.0.1:{ports['smtp']}, read them at http://127.0.0.1:{ports['http']}/", flush=True
        )
        await uvicorn.Server(config).serve(sockets=[pages])
        taking.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m ops.servers.mailbox", description="local mailbox")
    parser.add_argument("--smtp", type=int, default=0, help="port that takes mails (default: any free one)")
    parser.add_argument("--http", type=int, default=0, help="port that shows them (default: any free one)")
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps them")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input does")
    given = parser.parse_args(arguments)
    if given.lifeline:
        end_with_starter()
    asyncio.run(serve(smtp=given.smtp, http=given.http, data=given.data))


if __name__ == "__main__":
    main()
