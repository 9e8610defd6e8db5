from __future__ import annotations

from pydantic import SecretStr

from services.dunning import api
from services.dunning.policies import preset
from shared.events import dunning
from shared.events.words import CaseState
from shared.settings import Settings
from tests.dunning.conftest import Town

JUNE = "2026-06-01"


async def opened(paris: Town) -> str:
    await paris.registered(billing_day=1)
    await paris.fails("2026-06-01 09:00", JUNE)
    return paris.case().case_id


async def test_nobody_comes_in_without_a_key(paris: Town) -> None:
    refused = await paris.api.get("/cases", headers={"X-Relance-Key": "wrong"})
    assert refused.status_code == 401


async def test_a_school_takes_what_it_leaves_out_from_its_policy(paris: Town) -> None:
    school = (await paris.call("GET", "/schools/academie")).json()
    assert (school["zone"], school["currency"], school["languages"]) == ("Europe/Paris", "EUR", ["fr", "en"])
    assert school["delivery_calendar"] == "every-day"
    assert [one["school_id"] for one in (await paris.call("GET", "/schools")).json()] == ["academie"]


async def test_registering_the_same_school_again_says_nothing_new(paris: Town) -> None:
    before = len(paris.facts(dunning.SchoolRegistered))
    await paris.call("PUT", "/schools/academie", {"name": "School", "policy_id": "fr-elearning"})
    assert len(paris.facts(dunning.SchoolRegistered)) == before == 1


async def test_an_unknown_school_case_or_policy_is_named_as_such(paris: Town) -> None:
    for path in ("/schools/nobody", "/cases/x~2026-06-01", "/policies/nobody", "/cases/x~2026-06-01/why"):
        answer = await paris.call("GET", path)
        assert answer.status_code == 404, path
    assert "register it" in (await paris.call("GET", "/subscriptions/zzz/self-payment")).json()["detail"]


async def test_cases_are_found_by_school_state_subscription_and_learner(paris: Town) -> None:
    case_id = await opened(paris)
    for query in (
        "school=academie",
        "school=academie&state=retrying",
        "subscription=ada",
        "learner=ada-l",
        "state=retrying",
        "open=true",
        "flagged=false",
    ):
        found = (await paris.call("GET", f"/cases?{query}")).json()
        assert [one["case_id"] for one in found] == [case_id], query
    for query in ("school=other", "state=suspended", "open=false", "flagged=true"):
        assert (await paris.call("GET", f"/cases?{query}")).json() == [], query


async def test_a_case_shows_what_happened_what_will_and_what_may_be_done(paris: Town) -> None:
    case_id = await opened(paris)
    detail = (await paris.call("GET", f"/cases/{case_id}?lang=en")).json()

    assert detail["state"] == "retrying"
    assert detail["deadline_at"] == "2026-06-12T22:00:00Z"
    assert len(detail["planned"]) == 10
    assert detail["attempts"][0]["decline"] == "insufficient_funds"
    assert detail["mails"][0]["template"] == "fr.payment_failed"
    assert set(detail["allowed"]) == {"close", "extend", "grant-access", "attempt", "report", "cancel"}
    assert detail["timeline"][0]["text"].startswith("The payment of")


async def test_an_act_twice_is_one_act(paris: Town) -> None:
    case_id = await opened(paris)
    body = {"deadline_at": "2026-06-20T00:00:00+02:00", "act": "once", "by": "lea"}
    answers = [await paris.post(f"/cases/{case_id}/extend", **body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 409]
    assert len(paris.facts(dunning.DeadlineExtended)) == 1


async def test_a_school_adopts_a_file_of_its_own_and_errors_are_told_with_their_line(paris: Town) -> None:
    text = preset("fr-elearning").to_yaml().replace("version: 1\n", "version: 7\n", 1)
    text = text.replace("schema_version: 7", "schema_version: 1")
    good = await paris.call("PUT", "/schools/academie/policy", {"text": text})
    assert good.status_code == 200, good.text
    assert good.json()["policy_id"] == "fr-elearning"
    bad = await paris.call(
        "PUT", "/schools/academie/policy", {"text": text.replace("executor: merchant", "executor: nobody")}
    )
    assert bad.status_code == 422
    assert "executor" in bad.json()["detail"]
    problems = (
        await paris.post("/policies/check", text=text.replace("executor: merchant", "executor: nobody"))
    ).json()
    assert problems[0]["line"] is not None


async def test_a_policy_with_calendars_of_its_own_keeps_them(paris: Town) -> None:
    answer = await paris.call(
        "PUT",
        "/schools/academie/policy",
        {
            "policy": {
                **preset("fr-elearning").to_data(),
                "id": "mine",
                "attempts": {
                    **preset("fr-elearning").to_data()["attempts"],
                    "schedule": {
                        "kind": "business_days",
                        "calendar": "odd",
                        "offsets": [1, 2],
                        "local_time": "09:00",
                    },
                },
                "grace": {
                    **preset("fr-elearning").to_data()["grace"],
                    "length": {"unit": "business_days", "n": 2, "calendar": "odd"},
                },
                "calendars": {
                    "odd": {
                        "timezone": "Europe/Paris",
                        "working_weekdays": ["mon", "thu"],
                        "public_holidays": {"country": "FR", "subdivision": None},
                        "beyond_horizon": "error",
                    }
                },
            }
        },
    )
    assert answer.status_code == 200, answer.text
    paris.declines()
    await opened(paris)
    await paris.until("2026-06-30 00:00")
    assert paris.asked() == ["2026-06-04 09:00", "2026-06-08 09:00"]
    assert paris.state() is CaseState.SUSPENDED


async def test_a_policy_shows_its_dates_before_anybody_fails(paris: Town) -> None:
    dates = (await paris.call("GET", "/policies/fr-elearning/dates?failure=2026-04-30&lang=fr")).json()
    retries = [one["at"] for one in dates if one["what"] == "retry"]
    assert len(retries) == 10
    assert retries[-1] == "2026-05-15T07:00:00Z"
    assert next(one for one in dates if one["what"] == "deadline")["at"] == "2026-05-15T22:00:00Z"
    assert (await paris.call("GET", "/schools/academie/policy/dates?failure=2026-04-30")).status_code == 200
    assert (await paris.call("GET", "/policies/fr-elearning/dates?failure=never")).status_code == 422


async def test_a_policy_explains_itself_in_the_readers_language(paris: Town) -> None:
    shown = (await paris.call("GET", "/schools/academie/policy?lang=ja")).json()
    assert shown["sentences"]


async def test_a_reversed_closure_is_refused(paris: Town) -> None:
    answer = await paris.call(
        "PUT", "/schools/academie/closures/x", {"name": "x", "first": "2026-08-16", "last": "2026-08-13"}
    )
    assert answer.status_code == 422


async def test_the_api_describes_itself() -> None:
    app = api.build_api(Settings(api_keys=SecretStr("k")))
    paths = app.openapi()["paths"]
    assert "/cases/{case_id}/guidance" in paths
    assert "/subscriptions/{subscription_id}/self-payment" in paths
