"""The office walks a Japanese case through its desk, from the first failure to the day it resumes, in a browser."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

import pyotp
import pytest

from ops.stack import newcomers
from ops.stack.engine.engine import StackEngine
from tests.browser.conftest import Walk, walk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

MIKA = "mika@sakura.example"
PASSWORD = "a long and quiet password"
CASE = f"{newcomers.HANA_SUB}~2026-06-01"
SUB = f"/subscriptions/{newcomers.HANA_SUB}"


class Office(Walk):
    """Mika at the desk."""

    secret: str = ""

    @property
    def home(self) -> str:
        return self.plan.url("desk")

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(self.engine.now())

    async def join(self, role: str) -> None:
        """As the operator's line on the terminal says: the address, the key, a password."""
        arguments = ["add", "--data", self.plan.data, "--school", newcomers.SAKURA, "--role", role, MIKA]
        relance = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ops.cli", "staff", *arguments, stdout=asyncio.subprocess.PIPE
        )
        told = (await relance.communicate())[0].decode()
        address = re.search(r"http\S+/join/\S+", told)
        assert address is not None, told
        await self.goto(address[0])
        await self.look("join")
        self.secret = (await self.page.inner_text(".secret code")).replace(" ", "")
        await self.page.fill("#code", self.code())
        await self.page.fill("#password", PASSWORD)
        await self.page.fill("#again", PASSWORD)
        await self.page.click("form.card button")

    async def enter(self) -> None:
        await self.goto("/")
        if "/login" not in self.page.url:
            return
        await self.look("login")
        await self.page.fill("#email", MIKA)
        await self.page.fill("#password", PASSWORD)
        await self.page.fill("#code", self.code())
        await self.page.click("form.card button")

    async def act(self, word: str, note: str = "", **fields: str) -> None:
        """Fill in, look at what would follow, confirm."""
        await self.goto(f"/cases/{CASE}/do/{word}")
        for name, value in fields.items():
            field = self.page.locator(f"#f-{name}")
            if await field.evaluate("one => one.tagName") == "SELECT":
                await field.select_option(value)
            else:
                await field.fill(value)
        if note:
            await self.page.fill("#f-note", note)
        await self.page.click("form.form button")
        await self.look(word)
        await self.page.click("form.confirm button[data-once]")
        await self.settle()


async def test_the_office_guides_a_learner_to_the_day_she_resumes(engine: StackEngine, browser: Any) -> None:
    seen = await walk(engine, browser, "ja-office", "ja-JP")
    office = Office(engine=engine, page=seen.page, axe=seen.axe, name="ja-office")
    await office.join("admin")
    await office.look("today-quiet")

    await office.until("2026-06-01T07:40:00+00:00")
    await office.enter()
    await office.goto(f"/cases/{CASE}")
    await office.look("case-retrying")

    await office.until("2026-06-12T01:30:00+00:00")
    await office.enter()
    await office.look("today")
    for path, name in (
        ("/cases", "cases"),
        ("/guidance", "guidance-queue"),
        ("/receipts", "receipts"),
        ("/resume-days", "resume-days"),
        ("/reviews", "reviews"),
        ("/outbox", "outbox"),
        ("/policy", "policy"),
        ("/templates", "templates"),
        ("/paths", "paths"),
        ("/figures", "figures"),
        ("/audit", "audit"),
        ("/machinery", "machinery"),
        ("/people", "people"),
        (f"/cases/{CASE}", "case-guidance"),
    ):
        await office.goto(path)
        await office.look(name)

    await office.act("guidance", method="bank_transfer", reference="HANA-0601", amount="25600")
    await office.act("receipt", amount="25600", reference="HANA-0601", received_on="2026-06-12")
    await office.act("resume-date", day="2026-08-03")

    # The office closes over the announced day: it is warned before it saves, and the promise stays.
    await office.goto("/closures")
    await office.page.fill("#c-name", "夏季休業")
    await office.page.fill("#c-first", "2026-08-01")
    await office.page.fill("#c-last", "2026-08-09")
    await office.page.click("form.form button.second")
    await office.says("ご案内した日は変わらず")
    await office.look("closure-late")
    await office.page.click("form.confirm button[data-once]")
    await office.settle()
    await office.goto("/resume-days")
    await office.look("resume-days-closed")

    await office.goto("/policy/what-if")
    await office.page.click("form.form button.button")
    await office.says("すべての判断が実際と一致しました")
    await office.look("what-if")

    await office.until("2026-08-02T15:30:00+00:00")
    hana = await walk(engine, browser, "ja-hana-resumes", "ja-JP")
    await hana.sign_in(newcomers.SAKURA, newcomers.HANA)
    await hana.goto(f"{SUB}/pay")
    await hana.page.click("button[data-once]")
    await hana.page.click("text=同意して購読する")
    await hana.settle()
    await office.enter()
    await office.goto(f"/cases/{CASE}")
    await office.says("再締結済み")
    await office.look("case-resumed")
    assert (await engine.lines.control("GET", "/charges"))["doubles"] == []
    assert office.violations == []
