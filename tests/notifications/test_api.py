"""What the office can do over HTTP: register people, read the mail log, see what leaves when, release and drop."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.notifications.api import build_api
from services.notifications.app import NotificationsSettings
from shared.events import notifications
from shared.events.words import Template
from tests.notifications.conftest import HANA, HIBARI, Said, Town, jst

T = Template
HANAKO = {
    "school_id": HIBARI,
    "name": "花子",
    "email": "h@example.org",
    "language": "ja",
    "zone": "Asia/Tokyo",
}


async def test_registering_the_same_twice_says_it_once(town: Town) -> None:
    before = len(town.said(notifications.LearnerRegistered))
    for _ in range(2):
        assert (await town.http.put("/learners/h", json=HANAKO)).json()["email"] == "h@example.org"
        await town.line.settle()
    facts = town.said(notifications.LearnerRegistered)[before:]
    assert [(fact.learner_id, fact.language, fact.zone) for fact in facts] == [("h", "ja", "Asia/Tokyo")]
    assert "h@example.org" not in repr(facts)


async def test_a_correction_is_said_again(town: Town) -> None:
    await town.http.put("/learners/h", json=HANAKO)
    await town.lives_until(jst("2026-04-02 10:00"))
    await town.http.put("/learners/h", json={**HANAKO, "email": "new@example.org"})
    read = await town.http.get("/learners/h", params={"school_id": HIBARI})
    assert read.json()["email"] == "new@example.org"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", "a@b\r\nBcc: x@y"),
        ("email", "a b@example.org"),
        ("zone", "Mars/Olympus"),
        ("language", "de"),
        ("name", ""),
        ("name", "a\r\nBcc: x@example.org"),
        ("school_id", "../x"),
    ],
)
async def test_what_cannot_be_written_to_is_refused_by_field(town: Town, field: str, value: str) -> None:
    answer = await town.http.put("/learners/h", json={**HANAKO, field: value})
    assert answer.status_code == 422
    assert field in answer.json()["detail"]


async def test_half_a_payer_is_refused(town: Town) -> None:
    answer = await town.http.put("/learners/h", json={**HANAKO, "payer_name": "父"})
    assert (answer.status_code, answer.json()["title"]) == (422, "half_a_payer")


async def test_nobody_gets_in_without_a_key(town: Town) -> None:
    answer = await town.http.get("/outbox", params={"school_id": HIBARI}, headers={"X-Relance-Key": "guess"})
    assert answer.status_code == 401


async def test_a_list_of_learners_is_taken_line_by_line(town: Town) -> None:
    sheet = (
        "learner_id;school_id;name;email;language;zone;payer_name;payer_email\n"
        "a;hibari;Aoi;aoi@example.org;ja;Asia/Tokyo;;\n"
        "b;hibari;Ben;not-an-address;en;Europe/Paris;;\n"
        "c;hibari;Chloé;chloe@example.org;fr;Europe/Paris;Paul;\n"
        "d;hibari;Dai;dai@example.org;ja;Asia/Tokyo;父;papa@example.org\n"
    )
    first = (await town.http.post("/imports/learners", content=sheet.encode())).json()
    assert (first["taken"], first["unchanged"]) == (2, 0)
    assert [(wrong["line"], wrong["problem"].split(":")[0]) for wrong in first["wrong"]] == [
        (3, "email"),
        (4, "we could not keep the payer because only one of payer_name and payer_email was given"),
    ]
    again = (await town.http.post("/imports/learners", content=sheet.encode())).json()
    assert (again["taken"], again["unchanged"], len(again["wrong"])) == (0, 2, 2)


async def test_a_list_of_teachers(town: Town) -> None:
    sheet = "teacher_id,school_id,name,email,language\nsuzuki,hibari,鈴木,suzuki@example.org,ja\n"
    assert (await town.http.post("/imports/teachers", content=sheet.encode())).json()["taken"] == 1
    read = await town.http.get("/teachers/suzuki", params={"school_id": HIBARI})
    assert read.json()["name"] == "鈴木"


async def test_somebody_unknown_is_not_found(town: Town) -> None:
    for path in ("/learners/nobody", "/teachers/nobody"):
        assert (await town.http.get(path, params={"school_id": HIBARI})).status_code == 404
    assert (await town.http.get("/learners/hana", params={"school_id": "lumiere"})).status_code == 404


# --- the mail log -----------------------------------------------------------------------------------------


async def waiting(town: Town) -> Said:
    said = Said()
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-06-20 20:00"))
    return said


def act(said: Said, **more: Any) -> dict[str, Any]:
    return {"mail_id": said.mail_id(T.JP_PAYMENT_FAILED), "by": "mori", "reason": "she called us", **more}


async def test_the_outbox_tells_what_leaves_on_which_day(town: Town) -> None:
    said = await waiting(town)
    outbox = (await town.http.get("/outbox", params={"school_id": HIBARI})).json()
    (day,) = outbox["days"]
    assert day["day"] == "2026-06-22"
    assert [(mail["mail_id"], mail["until"], mail["because"]) for mail in day["mails"]] == [
        (said.mail_id(T.JP_PAYMENT_FAILED), "2026-06-22T01:00:00Z", "closed")
    ]
    assert outbox["stuck"] == []


async def told_of(town: Town, said: Said) -> list[str]:
    """What the office reads beside each step of a case's mails."""
    log = (await town.http.get(f"/cases/{said.case_id}/mails")).json()
    return [step["detail"] for mail in log for step in mail["steps"]]


async def test_staff_release_a_mail_with_a_reason(town: Town) -> None:
    said = await waiting(town)
    answer = await town.http.post("/mails/release", json=act(said))
    assert answer.json()["status"] == "leaving"
    await town.line.settle()
    assert town.arrivals() == [("jp.payment_failed", jst("2026-06-20 20:00"))]
    released = town.said(notifications.MailReleased)
    assert [fact.by for fact in released] == ["mori"]
    assert released[0].note.startswith("sealed:")
    assert "she called us" in await told_of(town, said)
    again = await town.http.post("/mails/release", json=act(said))
    assert (again.status_code, again.json()["title"]) == (409, "not_releasable")


async def test_staff_drop_a_mail_with_a_reason(town: Town) -> None:
    said = await waiting(town)
    assert (await town.http.post("/mails/drop", json=act(said))).json()["status"] == "dropped"
    await town.lives_until(jst("2026-06-30 00:00"))
    assert town.arrivals() == []
    (dropped,) = town.said(notifications.MailDropped)
    assert (dropped.because, dropped.by) == ("by_staff", "mori")
    assert dropped.detail.startswith("sealed:")
    assert "she called us" in await told_of(town, said)
    assert (await town.http.post("/mails/drop", json=act(said))).status_code == 409


@pytest.mark.parametrize("door", ["/mails/release", "/mails/drop"])
async def test_staff_acts_need_a_reason_and_a_mail(town: Town, door: str) -> None:
    said = await waiting(town)
    assert (await town.http.post(door, json=act(said, reason=" "))).status_code == 422
    assert (await town.http.post(door, json=act(said, mail_id="no/such/mail"))).status_code == 404
    other = f"{said.case_id}/jp.recovered/1"
    assert (await town.http.post(door, json=act(said, mail_id=other))).status_code == 404


async def test_a_mail_without_an_address_cannot_be_released(town: Town) -> None:
    said = Said(learner="new")
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    answer = await town.http.post("/mails/release", json=act(said))
    assert (answer.status_code, answer.json()["title"]) == (409, "no_address")
    outbox = (await town.http.get("/outbox", params={"school_id": HIBARI})).json()
    assert [mail["because"] for mail in outbox["stuck"]] == ["no_address"]


async def test_a_learners_mails_of_all_cases_are_listed_in_order(town: Town) -> None:
    for period, day in (("2026-05-15", "2026-05-15"), ("2026-04-15", "2026-04-15")):
        await town.hears(Said(period).asks(T.JP_PAYMENT_FAILED, jst(f"{day} 20:10")))
    mails = (await town.http.get("/learners/hana/mails", params={"school_id": HIBARI})).json()
    assert [mail["case_id"] for mail in mails] == ["sub-hana~2026-04-15", "sub-hana~2026-05-15"]
    assert (await town.http.get("/learners/hana/mails", params={"school_id": "lumiere"})).json() == []


async def test_a_mail_of_the_log_can_be_looked_at(town: Town) -> None:
    said = await waiting(town)
    mail_id = said.mail_id(T.JP_PAYMENT_FAILED)
    page = await town.http.get("/mails/preview", params={"mail_id": mail_id})
    assert page.headers["content-type"].startswith("text/html")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "佐藤 花子 様" in page.text
    text = await town.http.get(
        "/mails/preview", params={"mail_id": mail_id, "form": "text", "language": "en"}
    )
    assert "Hello 佐藤 花子," in text.text
    assert (await town.http.get("/mails/preview", params={"mail_id": "a/b/c"})).status_code == 404


# --- templates --------------------------------------------------------------------------------------------


async def test_every_template_is_listed_with_what_it_must_say(town: Town) -> None:
    listed = {one["template"]: one for one in (await town.http.get("/templates")).json()}
    assert set(listed) == {template.value for template in Template}
    assert listed["jp.guidance"]["languages"] == ["ja", "en", "fr"]
    rules = [one["rule"] for one in listed["jp.payment_failed"]["required"]]
    assert "J16" in rules


async def test_a_template_is_previewed_for_a_reader_abroad(town: Town) -> None:
    asked = {"language": "fr", "form": "text", "zone": "Europe/Paris", "card_country": "FR"}
    answer = await town.http.get("/templates/jp.payment_failed/preview", params=asked)
    assert "(heure de Paris)" in answer.text
    missing = await town.http.get("/templates/fr.suspended/preview", params={"language": "ja"})
    assert missing.status_code == 404
    assert (
        await town.http.get("/templates/fr.nothing/preview", params={"language": "fr"})
    ).status_code == 422


def test_the_api_describes_itself() -> None:
    paths = build_api(NotificationsSettings()).openapi()["paths"]
    assert {"/learners/{learner_id}", "/outbox", "/mails/release", "/imports/learners"} <= set(paths)


async def test_an_address_is_never_said(town: Town) -> None:
    """Facts carry ids: names and addresses stay in notifications."""
    await town.asks(Said(), T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    told = repr(town.said())
    assert HANA not in told
    assert "佐藤" not in told


async def test_an_answer_for_a_case_nobody_wrote_about_is_empty(town: Town) -> None:
    answer: httpx.Response = await town.http.get("/cases/sub-x~2026-01-01/mails")
    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_draft_whose_data_do_not_fit_is_refused_in_words(town: Town) -> None:
    draft = {
        "school_id": "ecole",
        "learner_id": "ada",
        "subscription_id": "ada-fr",
        "template": "fr.re_enrolment_closed",
    }
    other = await town.http.post("/cases/ada-fr~2026-06-01/drafts", json={**draft, "language": "ja"})
    assert other.status_code == 404
    assert "it exists in fr, en" in other.json()["detail"]
    answers = {}
    for template in T:
        odd = {"template": template.value, "data": {"amount": "much", "due_on": "soon", "day": "one day"}}
        answer = await town.http.post("/cases/ada-fr~2026-06-01/drafts", json={**draft, **odd})
        answers[template.value] = answer.status_code
    assert set(answers.values()) == {200, 422}, answers
