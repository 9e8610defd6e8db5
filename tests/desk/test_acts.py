"""Acts: done once, by one person at a time, written down, refused in clear words."""

from __future__ import annotations

import re

import pyotp

from services.desk.domain.audit import Deed
from services.desk.speech import words
from tests.desk.conftest import JAPANESE, Town, fields

CASE = "yuki~2026-04-15"
GUIDE = f"/cases/{CASE}/do/guidance"
ASKED = "sent=1&method=bank_transfer&reference=YUKI-04&amount=25600"


async def _waiting(town: Town) -> None:
    await town.subscription("yuki", full_name="山田 由紀")
    await town.exhausted("yuki")
    await town.until("2026-04-27T10:30")


async def _deeds(town: Town) -> list[Deed]:
    async with town.app.state.desk.opened.looking() as unit:
        found: list[Deed] = await unit.deeds(JAPANESE)
    return found


async def test_the_second_of_two_people_is_shown_what_the_first_did(town: Town) -> None:
    await _waiting(town)
    one, other = await town.enter("office"), await town.enter("admin")
    first = fields((await one.get(f"{GUIDE}?{ASKED}")).text, GUIDE)
    second = fields((await other.get(f"{GUIDE}?{ASKED}")).text, GUIDE)
    assert (await one.post(GUIDE, data=first)).status_code == 303
    late = await other.post(GUIDE, data=second)
    assert late.status_code == 409
    assert "Somebody was quicker" in late.text
    assert "office@nihongo.example" in late.text
    await town.settle()
    sent = [fact for fact in town.engine.line.history if fact.envelope.type == "dunning.GuidanceConfirmed"]
    assert len(sent) == 1


async def test_a_double_click_is_one_act_and_one_line_of_the_audit(town: Town) -> None:
    await _waiting(town)
    office = await town.enter("office")
    form = fields((await office.get(f"{GUIDE}?{ASKED}")).text, GUIDE)
    answers = [await office.post(GUIDE, data=form) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    deeds = await _deeds(town)
    assert [(deed.what, deed.about, deed.outcome) for deed in deeds] == [("guidance", CASE, "done")]
    assert deeds[0].before == {"state": "awaiting_guidance"}
    assert deeds[0].after["reference"] == "YUKI-04"
    page = await office.get("/audit")
    assert "office@nihongo.example" in page.text


async def test_facts_and_owners_never_learn_a_person_s_address(town: Town) -> None:
    await _waiting(town)
    office = await town.enter("office")
    form = fields((await office.get(f"{GUIDE}?{ASKED}")).text, GUIDE)
    await office.post(GUIDE, data=form)
    await town.settle()
    assert not [
        fact
        for fact in town.engine.line.history
        if "office@nihongo" in repr(fact.envelope.fact.__class__) + str(getattr(fact.envelope.fact, "by", ""))
    ]
    assert "office@nihongo.example" in (await office.get(f"/cases/{CASE}")).text


async def test_another_amount_without_a_reason_is_refused_in_dunning_s_own_words(town: Town) -> None:
    await _waiting(town)
    office = await town.enter("office")
    page = await office.get(f"{GUIDE}?sent=1&method=bank_transfer&reference=X&amount=20000")
    assert "needs a note that says why" in page.text
    assert '<form method="post" class="confirm"' not in page.text


async def test_what_cannot_be_read_is_said_beside_its_field_and_nothing_is_done(town: Town) -> None:
    await _waiting(town)
    office = await town.enter("office")
    page = await office.get(f"{GUIDE}?sent=1&method=bank_transfer&reference=X&amount=lots")
    assert "We could not read this amount" in page.text
    form = fields((await office.get(f"{GUIDE}?{ASKED}")).text, GUIDE)
    answer = await office.post(GUIDE, data={**form, "amount": "lots"})
    assert answer.status_code == 422
    assert await _deeds(town) == []


async def test_a_form_of_nobody_of_ours_does_nothing(town: Town) -> None:
    await _waiting(town)
    office = await town.enter("office")
    form = fields((await office.get(f"{GUIDE}?{ASKED}")).text, GUIDE)
    assert (await office.post(GUIDE, data={**form, "csrf": "x"})).status_code == 403
    assert (await office.post(GUIDE, data={**form, "token": "x"})).status_code == 409
    assert await _deeds(town) == []


async def test_a_code_opens_once_and_guessing_is_slowed(town: Town) -> None:
    await town.enter("office")
    browser = town.browser()
    for number in range(9):
        answer = await browser.post(
            "/login", data={"email": "office@nihongo.example", "password": "wrong", "code": "000000"}
        )
        assert answer.status_code == (401 if number < 7 else 429)


async def test_an_admin_invites_and_the_invited_person_comes_in(town: Town) -> None:
    admin = await town.enter("admin")
    form = fields((await admin.get("/people")).text, "/people")
    page = await admin.post("/people", data={**form, "email": "New@School.example", "role": "office"})
    link = re.search(r"/join/[A-Za-z0-9_-]+", page.text)
    assert link, page.text
    browser = town.browser()
    joined = await browser.get(link[0])
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", joined.text)
    assert secret
    code = pyotp.TOTP(secret[1].replace(" ", "")).at(town.engine.now())
    weak = await browser.post(link[0], data={"password": "short", "again": "short", "code": code})
    assert weak.status_code == 422
    good = {"password": "a quiet long password", "again": "a quiet long password", "code": code}
    assert (await browser.post(link[0], data=good)).status_code == 303
    assert (await browser.get(link[0])).status_code == 404
    await town.engine.live_until(town.engine.now().replace(minute=2))
    code = pyotp.TOTP(secret[1].replace(" ", "")).at(town.engine.now())
    answer = await browser.post(
        "/login", data={"email": "new@school.example", "password": good["password"], "code": code}
    )
    assert answer.status_code == 303
    assert [deed.what for deed in await _deeds(town)] == ["staff_role"]


async def test_a_closure_shows_which_mails_move_before_it_is_saved(town: Town) -> None:
    await town.subscription("yuki", full_name="山田 由紀")
    await town.fails("yuki", "2026-04-18T20:10", 1)
    admin = await town.enter("admin")
    page = await admin.get("/closures?name=Flu&first=2026-04-20&last=2026-04-21")
    assert "Mon 20 Apr, 10:00" in page.text
    assert "Wed 22 Apr, 10:00" in page.text
    form = fields(page.text, "/closures")
    assert (await admin.post("/closures", data={**form, "note": "flu"})).status_code == 303
    await town.settle()
    assert "Wednesday 22 April 2026" in (await admin.get("/outbox")).text
    assert "Flu" in (await admin.get("/closures")).text


async def test_an_admin_never_gets_the_keys_of_somebody_of_another_school(town: Town) -> None:
    email = await town.person("admin", "paris")
    admin = await town.enter("admin")
    for again in ("", "yes"):
        form = fields((await admin.get("/people")).text, "/people")
        page = await admin.post("/people", data={**form, "email": email, "role": "viewer", "again": again})
        assert "/join/" not in page.text
    assert (await town.enter("admin", "paris")).cookies.get("relance_desk")


async def test_lost_keys_are_given_anew_and_the_old_ones_open_nothing(town: Town) -> None:
    office, admin = await town.enter("office"), await town.enter("admin")
    form = fields((await admin.get("/people")).text, "/people")
    page = await admin.post(
        "/people", data={**form, "email": "office@nihongo.example", "role": "office", "again": "yes"}
    )
    assert "/join/" in page.text
    assert (await office.get("/")).headers["location"].startswith("/login")


async def test_nobody_takes_away_their_own_role(town: Town) -> None:
    admin = await town.enter("admin")
    form = fields((await admin.get("/people")).text, "/people")
    page = await admin.post("/people", data={**form, "email": "admin@nihongo.example", "role": ""})
    assert page.status_code == 409


async def test_figures_count_each_case_once(town: Town) -> None:
    await town.subscription("yuki", full_name="山田 由紀")
    await town.exhausted("yuki")
    viewer = await town.enter("viewer")
    table = (await viewer.get("/figures.csv")).text.splitlines()
    assert table[1].startswith("2026-04,insufficient_funds,JPY,1,12800,0,0,0,0,12800")
    office = await town.enter("office")
    shut = f"/cases/{CASE}/do/close"
    form = fields((await office.get(f"{shut}?sent=1&note=left")).text, shut)
    assert (await office.post(shut, data=form)).status_code == 303
    await town.settle()
    table = (await viewer.get("/figures.csv")).text.splitlines()
    assert table[1].startswith("2026-04,insufficient_funds,JPY,1,12800,0,0,1,12800,0")


async def test_every_word_of_the_desk_is_there_in_three_languages() -> None:
    for section, entries in words().items():
        for key, entry in entries.items():
            assert set(entry) == {"en", "fr", "ja"}, (section, key)
            names = [set(re.findall(r"{(\w+)}", entry[language])) for language in ("en", "fr", "ja")]
            assert names[0] == names[1] == names[2], (section, key)


async def test_a_page_may_load_and_run_nothing_but_ours(town: Town) -> None:
    browser = await town.enter("viewer")
    answer = await browser.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert "<script>" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
