"""Two schools with everything in them, behind the doors of every service, for the files that knock at them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.contracts.two_schools import Place, place, settled


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def there(
    postgres: str, loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    opened = place(postgres, tmp_path_factory.mktemp("clock"))
    found = loop.run_until_complete(opened.__aenter__())
    loop.run_until_complete(settled(found))
    yield found
    loop.run_until_complete(opened.__aexit__(None, None, None))
