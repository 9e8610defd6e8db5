"""What a whole stack recorded in its journals is decided alike when it is lived through once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.policy_cli import policy_of
from ops.whatif.asking import ask
from ops.whatif.reading import read_history
from services.dunning.domain.policies_at_hand import adopt
from tests.integration.conftest import tell

if TYPE_CHECKING:
    from ops.stack.engine import StackEngine
    from ops.stack.running import RunningStack

pytestmark = [pytest.mark.embedded, pytest.mark.postgres, pytest.mark.timeout(300)]


async def test_the_live_policy_decides_event_for_event_what_was_decided(
    engine: StackEngine, stack: RunningStack
) -> None:
    played = await tell(engine)
    assert played.differences == []

    history = await read_history(stack.plan.database)
    answer = await ask(history, None)

    assert answer.differences == ()
    assert answer.unknown == ()
    assert answer.here == answer.really_all
    assert answer.here.cases > 0

    policy = adopt(policy_of("fr-elearning", ("attempts.schedule.offsets=[1]", "grace.length.n=1")))
    shorter = await ask(history, policy)
    assert [one.subscription_id for one in shorter.unknown] == ["ada"], (
        "she paid on a day that it does not reach"
    )
    assert shorter.really_all.cases < answer.really_all.cases, "the other school lives by another policy"


async def test_the_operator_answers_for_one_school_and_says_what_is_wrong_with_a_policy(
    engine: StackEngine,
) -> None:
    played = await tell(engine)
    assert played.differences == []
    (school,) = {told.envelope.fact.school_id for told in played.seen.facts if "ada" in told.envelope.key}

    alike = await engine.call("operator", "POST", f"/schools/{school}/what-if", {})
    broken = await engine.call("operator", "POST", f"/schools/{school}/what-if", {"text": "id: x\non: 1\n"})
    nobody = await engine.call("operator", "POST", "/schools/nowhere/what-if", {})

    assert alike.status == 200
    assert (alike.body["differences"], alike.body["unknown"]) == ([], [])
    assert alike.body["with_policy"] == alike.body["really"]
    assert broken.status == 422
    assert "policy.yaml:" in broken.body["detail"]
    assert nobody.status == 422
    assert "nothing was told at the school 'nowhere'" in nobody.body["detail"]
