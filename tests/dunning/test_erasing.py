"""What a learner wrote and what the office noted is read by the office alone, and by nobody once the learner is erased."""

from __future__ import annotations

from shared.events import dunning, notifications
from shared.events.words import CaseState
from tests.dunning.conftest import Town

WORDS = "I am Ada Lovelace, ada@home.example, my bank was closed"
NOTE = "Ada's mother called, 06 12 34 56 78"


async def noted(paris: Town) -> str:
    """A case on which the learner wrote and the office noted."""
    await paris.registered(billing_day=1)
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    case_id = paris.case().case_id
    assert (await paris.post(f"/cases/{case_id}/report", text=WORDS)).status_code == 202
    extended = await paris.post(
        f"/cases/{case_id}/extend", deadline_at="2026-06-20T00:00:00+02:00", note=NOTE
    )
    assert extended.status_code == 202, extended.text
    return case_id


async def erased(paris: Town) -> None:
    fact = notifications.LearnerErased(
        school_id="academie", occurred_at=paris.clock.now(), learner_id="ada-l", by="office"
    )
    await paris.say(fact)


def kept(paris: Town) -> str:
    """Everything that dunning keeps and says, as text."""
    store = paris.line.stores["dunning"]
    return repr([store.rows, store.journal, store.parked])


async def test_words_lie_and_travel_sealed_and_the_office_reads_them(paris: Town) -> None:
    case_id = await noted(paris)
    assert "Lovelace" not in kept(paris)
    assert "06 12" not in kept(paris)
    assert paris.facts(dunning.DeadlineExtended)[0].note.startswith("sealed:")

    detail = (await paris.call("GET", f"/cases/{case_id}?lang=en")).json()
    assert [one["text"] for one in detail["reports"]] == [WORDS]


async def test_once_erased_the_words_are_gone_and_the_case_goes_on(paris: Town) -> None:
    case_id = await noted(paris)
    query = "/learners/ada-l/erasure?school_id=academie"
    assert (await paris.call("GET", query)).json()["holds"] == {"reports": 1, "notes": 1}

    await erased(paris)

    told = (await paris.call("GET", query)).json()
    assert (told["holds"], told["gone"]) == ({}, {"reports": 1, "notes": 1})
    assert told["erased_at"] is not None
    detail = (await paris.call("GET", f"/cases/{case_id}?lang=en")).json()
    assert [one["text"] for one in detail["reports"]] == ["[erased]"]
    assert "sealed:" not in repr(detail)
    assert detail["deadline_at"] == "2026-06-19T22:00:00Z"
    await paris.until("2026-06-30 00:00")
    assert paris.state() is CaseState.SUSPENDED


async def test_what_is_typed_after_an_erasure_is_not_kept_and_the_act_counts(paris: Town) -> None:
    case_id = await noted(paris)
    await erased(paris)
    closed = await paris.post(f"/cases/{case_id}/close", note=NOTE)
    assert closed.status_code == 202
    assert paris.state() is CaseState.CLOSED_BY_STAFF
    assert paris.facts(dunning.CaseClosureChosen)[0].note == "[erased]"


async def test_a_learner_of_the_same_id_at_another_school_keeps_their_words(paris: Town) -> None:
    case_id = await noted(paris)
    await paris.say(
        notifications.LearnerErased(
            school_id="another", occurred_at=paris.clock.now(), learner_id="ada-l", by="office"
        )
    )
    detail = (await paris.call("GET", f"/cases/{case_id}?lang=en")).json()
    assert [one["text"] for one in detail["reports"]] == [WORDS]
