"""A learner asks to be forgotten: nothing is written to them any more, and nobody can read who they were."""

from __future__ import annotations

import json
from pathlib import Path

from services.notifications import app
from services.notifications.app import SERVICE, seal_old
from services.notifications.domain import Contact
from services.notifications.sealed import SealedLearner
from services.notifications.store import LEARNERS, person_key
from shared.database import PgStore, open_pool
from shared.events import notifications
from shared.events.wire import wrap
from shared.events.words import Template
from shared.migrate import migrate
from shared.transactions import Transactions
from tests.notifications.conftest import HANA, HIBARI, Said, Town, jst

AT = jst("2026-04-15 20:10")


async def erased(town: Town, learner: str = "hana", school: str = HIBARI) -> dict[str, object]:
    answer = await town.http.post(f"/learners/{learner}/erase", json={"school_id": school, "by": "office-1"})
    await town.line.settle()
    assert answer.status_code == 202, answer.text
    told: dict[str, object] = answer.json()
    return told


def kept(town: Town) -> str:
    """Everything that the store holds, as text."""
    store = town.line.stores["notifications"]
    return repr([store.rows, store.journal, store.errands, store.parked])


async def test_names_and_addresses_are_kept_sealed_only(town: Town) -> None:
    assert HANA not in kept(town)
    assert "花子" not in kept(town)
    shown = (await town.http.get("/learners/hana", params={"school_id": HIBARI})).json()
    assert (shown["name"], shown["email"]) == ("佐藤 花子", HANA)


async def test_a_learner_is_found_by_the_beginning_of_the_name_however_long(town: Town) -> None:
    await town.knows("haru", HIBARI, "haru@example.org", language="ja", zone="Asia/Tokyo", name="佐藤 春")

    async def found(name: str) -> list[str]:
        answer = await town.http.post("/learners/lookup", json={"school_id": HIBARI, "name": name})
        return [one["learner_id"] for one in answer.json()]

    assert set(await found("佐")) == {"haru", "hana"}
    assert await found("佐藤 花") == ["hana"]
    assert await found("佐藤 花子") == ["hana"]
    assert await found("花") == []


async def test_a_corrected_name_is_found_and_the_former_one_is_not(town: Town) -> None:
    await town.knows("hana", HIBARI, HANA, language="ja", zone="Asia/Tokyo", name="鈴木 花子")
    answer = await town.http.post("/learners/lookup", json={"school_id": HIBARI, "name": "佐藤"})
    assert answer.json() == []


async def test_an_erased_learner_has_no_name_no_address_and_cannot_be_found(town: Town) -> None:
    assert (await erased(town))["told"] is True

    shown = (await town.http.get("/learners/hana", params={"school_id": HIBARI})).json()
    assert (shown["name"], shown["email"], shown["language"]) == ("", "", "ja")
    found = await town.http.post("/learners/lookup", json={"school_id": HIBARI, "name": "佐藤"})
    assert found.json() == []
    named = await town.http.post("/learners/lookup", json={"school_id": HIBARI, "learner_ids": ["hana"]})
    assert named.json() == [{"learner_id": "hana", "name": "", "language": "ja", "is_erased": True}]


async def test_what_waits_for_an_erased_learner_is_dropped_and_nothing_is_sent_later(town: Town) -> None:
    said = Said()
    await town.asks(said, Template.JP_PAYMENT_FAILED, jst("2026-05-01 10:00"))
    assert (await town.mail(said, Template.JP_PAYMENT_FAILED))["status"] == "waiting"

    await erased(town)
    await town.asks(said, Template.JP_RECOVERED, jst("2026-05-02 10:00"), ignores_closures=True)
    await town.lives_until(jst("2026-06-01 10:00"))

    assert town.arrivals() == []
    assert town.dropped == [("jp.payment_failed", "erased", ""), ("jp.recovered", "erased", "")]


async def test_what_staff_noted_about_a_mail_is_gone_and_there_is_a_mark_where_it_was(town: Town) -> None:
    said = Said()
    await town.asks(said, Template.JP_PAYMENT_FAILED, jst("2026-05-01 10:00"))
    body = {"mail_id": said.mail_id(Template.JP_PAYMENT_FAILED), "by": "mori", "reason": "花子さん、電話あり"}
    assert (await town.http.post("/mails/drop", json=body)).status_code == 200
    assert "電話" not in kept(town)

    async def details() -> list[str]:
        log = (await town.http.get(f"/cases/{said.case_id}/mails")).json()
        return [step["detail"] for mail in log for step in mail["steps"] if step["detail"]]

    assert "花子さん、電話あり" in await details()
    await erased(town)
    assert await details() == ["[erased]"]


async def test_the_office_is_still_told_about_the_case_of_an_erased_learner(town: Town) -> None:
    await erased(town)
    await town.asks(Said(), Template.STAFF_WATCHDOG, AT)
    assert len(town.arrivals("staff@hibari.example")) == 1


async def test_erasing_twice_is_erasing_once(town: Town) -> None:
    await erased(town)
    assert (await erased(town))["told"] is False
    assert len(town.said(notifications.LearnerErased)) == 1


async def test_an_erased_learner_is_not_registered_again_by_a_list_that_comes_late(town: Town) -> None:
    await erased(town)
    answer = await town.knows("hana", HIBARI, HANA, language="ja", zone="Asia/Tokyo", name="佐藤 花子")
    assert (answer.status_code, answer.json()["title"]) == (409, "learner_erased")
    sheet = f"learner_id,school_id,name,email,language,zone\nhana,{HIBARI},花子,{HANA},ja,Asia/Tokyo\n"
    report = (await town.http.post("/imports/learners", content=sheet.encode())).json()
    assert report["taken"] == 0
    assert "erased" in report["wrong"][0]["problem"]
    assert HANA not in kept(town)


async def test_a_learner_of_the_same_id_at_another_school_stays(town: Town) -> None:
    await erased(town, "ada", HIBARI)
    shown = (await town.http.get("/learners/ada", params={"school_id": "lumiere"})).json()
    assert shown["email"] == "ada@example.org"


async def test_it_is_told_what_is_held_and_what_went(town: Town) -> None:
    async def told() -> dict[str, object]:
        answer = await town.http.get("/learners/hana/erasure", params={"school_id": HIBARI})
        body: dict[str, object] = answer.json()
        return body

    await town.asks(Said(), Template.JP_PAYMENT_FAILED, AT)
    assert await told() == {"holds": {"people": 1, "mails": 1}, "erased_at": None, "gone": {}}
    await erased(town)
    after = await told()
    assert after["erased_at"] is not None
    assert after["gone"] == {"people": 1, "mails": 1}


async def test_hearing_all_of_it_again_brings_nothing_back(town: Town) -> None:
    said = Said()
    await town.asks(said, Template.JP_PAYMENT_FAILED, AT)
    await erased(town)
    before = await town.log(said)
    store = town.line.stores["notifications"]
    store.heard.clear()
    for told in [*town.line.history]:
        await town.line.deliver(wrap(told.envelope.fact, cause=None, recorded_at=told.at))
    await town.line.settle()

    shown = (await town.http.get("/learners/hana", params={"school_id": HIBARI})).json()
    assert shown["email"] == ""
    assert await town.log(said) == before
    assert HANA not in kept(town)


async def test_people_of_an_older_installation_are_sealed_when_it_is_migrated(fresh_postgres: str) -> None:
    pool = await open_pool(fresh_postgres, size=2)
    await migrate(pool, SERVICE)
    await pool.execute("alter table notifications.learners add column called text")
    clear = SealedLearner(
        learner_id="old",
        school_id=HIBARI,
        language="ja",
        zone="Asia/Tokyo",
        name="田中 一郎",
        email="ichiro@old.example",
        payer=Contact(name="田中 母", email="mother@old.example"),
    )
    body = {
        "learner_id": "old", "school_id": HIBARI, "name": clear.name, "email": clear.email, "language": "ja",
        "zone": "Asia/Tokyo", "payer": {"name": "田中 母", "email": "mother@old.example"},
    }  # fmt: skip
    await pool.execute(
        "insert into notifications.learners (key, version, body, school_id, called, email) values ($1, 1, $2, $3, $4, $5)",
        person_key(HIBARI, "old"), json.dumps(body), HIBARI, clear.name, clear.email,
    )  # fmt: skip
    await migrate(pool, SERVICE, Path(app.__file__).with_name("migrations"))
    opened = Transactions(SERVICE, PgStore(pool, "notifications"), Town().clock)

    assert await seal_old(opened) == [LEARNERS.name]
    assert await seal_old(opened) == []

    row = await pool.fetchrow("select *, body::text as told from notifications.learners")
    assert "old.example" not in repr(dict(row))
    async with opened() as unit:
        learner = await unit.learner(HIBARI, "old")
        assert (learner.name, learner.email, learner.payer.email) == (
            clear.name,
            clear.email,
            "mother@old.example",
        )
        assert [one.learner_id for one in await unit.learners_at(HIBARI, "Ichiro@old.example")] == ["old"]
        assert [one.learner_id for one in await unit.learners_named(HIBARI, "田中", limit=5)] == ["old"]
    await pool.close()
