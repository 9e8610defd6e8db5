"""The Japanese case from the first failure to the announced day, through the desk alone."""

from __future__ import annotations

from tests.desk.conftest import Town, fields


async def test_the_office_walks_a_case_from_three_failures_to_the_announced_day(town: Town) -> None:
    await town.subscription("yuki", full_name="山田 由紀")
    case = await town.exhausted("yuki")
    await town.until("2026-04-27T10:30")
    office = await town.enter("office")
    front = await office.get("/")
    assert front.status_code == 200
    assert "山田 由紀" in front.text
    assert f"/cases/{case}/do/guidance" in front.text
    page = await office.get(f"/cases/{case}")
    assert "waits for guidance" in page.text
    assert "PayPal wrote to the payer by itself" in page.text
    form = await office.get(
        f"/cases/{case}/do/guidance?sent=1&method=bank_transfer&reference=YUKI-04&amount=25600"
    )
    assert "waits for the lump sum" in form.text
    draft = await office.get(
        f"/cases/{case}/do/guidance/mail?sent=1&method=bank_transfer&reference=YUKI-04&amount=25600&language=ja"
    )
    assert "25,600円" in draft.text
    assert "YUKI-04" in draft.text
    action = f"/cases/{case}/do/guidance"
    sent = fields(form.text, action)
    for _ in range(2):
        answer = await office.post(action, data=sent)
        assert answer.status_code == 303
        await town.settle()
    assert [mail.subject for mail in town.engine.mailbox.received if "YUKI-04" in mail.text] != []
    money = await town.enter("billing")
    half = await money.get(
        f"/cases/{case}/do/receipt?sent=1&amount=12800&reference=YUKI-04&received_on=2026-04-27"
    )
    assert "A question for the office is opened." in half.text
    whole = await money.get(
        f"/cases/{case}/do/receipt?sent=1&amount=25600&reference=YUKI-04&received_on=2026-04-27"
    )
    assert "covered, resume day ahead" in whole.text
    answer = await money.post(
        f"/cases/{case}/do/receipt", data=fields(whole.text, f"/cases/{case}/do/receipt")
    )
    assert answer.status_code == 303, answer.text
    await town.settle()
    page = await office.get(f"/cases/{case}")
    assert "Announce the resume day" in page.text
    day = await office.get(f"/cases/{case}/do/resume-date?sent=1&day=2026-06-15")
    answer = await office.post(
        f"/cases/{case}/do/resume-date", data=fields(day.text, f"/cases/{case}/do/resume-date")
    )
    assert answer.status_code == 303, answer.text
    await town.settle()
    page = await office.get(f"/cases/{case}")
    assert "Monday 15 June 2026" in page.text
    await town.until("2026-06-15T09:30")
    front = await (await town.enter("office")).get("/")
    assert "pays today" in front.text
