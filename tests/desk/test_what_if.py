"""An admin asks what another policy would have meant for the months that are on record."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import SecretStr

from ops.operator import app as operator
from ops.whatif.asking import ask
from ops.whatif.history import in_order
from ops.whatif.telling import data
from services.desk.owners import HttpOwners
from services.dunning.domain.policies_at_hand import read_document
from shared.settings import Settings
from tests.desk.conftest import JAPANESE, Town, fields


def run_beside(town: Town) -> None:
    """An operator over what the town has on record."""

    async def asks(school_id: str, question: operator.Question) -> dict[str, Any]:
        told = [(one.at, one.envelope) for one in town.engine.line.history]
        history = in_order([one for one in told if one[1].fact.school_id == school_id])
        adopted = read_document(question.text, file="policy.yaml") if question.text else None
        return data(await ask(history, adopted, since=question.since, until=question.until))

    app = operator.build_api(Settings(api_keys=SecretStr("story")), asks=asks)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://operator")
    clients = {**town.engine._doors.clients, "operator": client}
    town.app.state.desk.owners = HttpOwners(clients, key="story")


async def test_the_policy_in_force_decides_as_it_did_and_another_is_shown_beside(town: Town) -> None:
    run_beside(town)
    await town.subscription("yuki", full_name="山田 由紀")
    await town.exhausted("yuki")
    admin = await town.enter("admin")

    form = await admin.get("/policy/what-if")
    sent = {**fields(form.text, "/policy/what-if"), "text": "", "since": "", "until": ""}
    alike = await admin.post("/policy/what-if", data=sent)
    assert "Every decision is the same, event for event." in alike.text

    policy = (await town.told("dunning", "GET", f"/schools/{JAPANESE}/policy"))["text"]
    other = policy.replace("held_lessons: deliver", "held_lessons: cancel")
    assert other != policy
    changed = await admin.post("/policy/what-if", data={**sent, "text": other, "since": "2026-04-01"})
    assert changed.status_code == 200
    assert "Beside what really happened" in changed.text
    assert "Decided otherwise: " in changed.text
    assert "CreditHoldRequested" in changed.text

    broken = await admin.post("/policy/what-if", data={**sent, "text": "id: mine\non: 1\n"})
    assert broken.status_code == 422
    assert "policy.yaml" in broken.text


async def test_a_range_that_holds_nothing_is_told_in_words(town: Town) -> None:
    run_beside(town)
    await town.subscription("yuki")
    await town.exhausted("yuki")
    admin = await town.enter("admin")
    form = await admin.get("/policy/what-if")

    sent = {**fields(form.text, "/policy/what-if"), "text": "", "since": "2031-01-01", "until": "2031-02-01"}
    answer = await admin.post("/policy/what-if", data=sent)

    assert answer.status_code == 422
    assert "nothing is recorded" in answer.text


async def test_where_no_operator_runs_the_page_says_so(town: Town) -> None:
    admin = await town.enter("admin")
    form = await admin.get("/policy/what-if")

    answer = await admin.post("/policy/what-if", data=fields(form.text, "/policy/what-if"))

    assert answer.status_code == 404
    assert "no operator runs beside this desk" in answer.text


async def test_who_may_not_change_the_rules_may_not_ask(town: Town) -> None:
    for role in ("viewer", "office", "billing"):
        browser = await town.enter(role)
        assert (await browser.get("/policy/what-if")).status_code in {403, 404}
