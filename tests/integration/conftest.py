"""One whole stack for a session, and an engine that tells it stories."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.stack.engine import StackEngine
from ops.stack.running import RunningStack, start_stack
from ops.stories.engine import Seen
from ops.stories.reader import read_text
from ops.stories.runner import Played, play
from shared.events import name_of

START = datetime(2026, 4, 1, tzinfo=UTC)
HERE = Path(__file__).parent
STORY = (HERE / "fortnight.yaml").read_text(encoding="utf-8")


def recorded_certificates(folder: Path, into: Path) -> None:
    """Lay PayPal's own certificates where the stack looks for them: nothing is fetched from outside."""
    into.mkdir(parents=True, exist_ok=True)
    for file in sorted((folder / "paypal" / "certs").glob("*.pem")):
        shutil.copy(file, into / file.name)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningStack]:
    """The session's stack on the embedded broker, in virtual time."""
    folder = tmp_path_factory.mktemp("stack")
    recorded = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
    if recorded.is_dir():
        recorded_certificates(recorded, folder / "paypal-anchors")
    running = start_stack(folder, kafka="embedded", clock=START)
    yield running
    running.stop()


@pytest.fixture
async def engine(stack: RunningStack) -> AsyncIterator[StackEngine]:
    """A teller of stories to the session's stack."""
    engine = StackEngine(stack)
    yield engine
    await engine.shut_down()


async def tell(engine: Any, *more: str, first: bool = False) -> Played:
    """Tell the fortnight, with further lines of ``happens``: of one instant, the ones told first come first."""
    lines = "".join(f"  - {line}\n" for line in more)
    text = (
        STORY.replace("happens:\n", f"happens:\n{lines}")
        if first
        else STORY.replace("expect:\n", f"{lines}expect:\n")
    )
    return await play(read_text(text, file="fortnight.yaml"), engine)


@dataclass(frozen=True, slots=True)
class Came:
    """What came of the fortnight, without ids and instants that differ from run to run."""

    facts: Counter[str]
    mails: Counter[tuple[str, str]]
    money: Counter[tuple[str, str, str, int]]

    @classmethod
    def of(cls, seen: Seen) -> Came:
        return cls(
            facts=Counter(
                name_of(type(told.envelope.fact)) for told in seen.facts if not told.envelope.fact.PLAN
            ),
            mails=Counter((mail.template, mail.to) for mail in seen.mails),
            money=Counter(
                (one.subscription_id, one.by, one.outcome, one.amount.amount_minor) for one in seen.money
            ),
        )
