"""A real browser on a real stack in virtual time; screenshots stay in an ignored folder (`.relance/screens`).

Where Chromium or Playwright is missing the lane is skipped with the reason, and required when CI=true.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

import pytest

from ops.stack import newcomers
from ops.stack.engine.engine import StackEngine
from ops.stack.plan import Plan
from tests.conftest import ROOT, _absent

CHROMIUM = os.environ.get("RELANCE_CHROMIUM", "chromium")
SCREENS = ROOT / ".relance" / "screens"
PATIENCE_MS = 150_000
"""A page that does not come by then is broken, not slow: the machine is shared with a whole stack and other tests."""
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@dataclass(slots=True)
class Walk:
    """One learner's browser, the stack under it, and the time of both."""

    engine: StackEngine
    page: Any
    axe: Any
    name: str
    seen: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    mails: set[int] = field(default_factory=set)

    @property
    def plan(self) -> Plan:
        return self.engine.lines.plan

    @property
    def home(self) -> str:
        return self.plan.url("portal")

    async def goto(self, path: str) -> None:
        await self.page.goto(path if path.startswith("http") else self.home + path)

    async def until(self, text: str) -> None:
        """Let time pass until `text` (ISO, UTC), everything at its own hour."""
        await self.engine.live_until(datetime.fromisoformat(text).astimezone(UTC))

    async def back(self, path: str, school: str, learner: str) -> None:
        """Another day: the session is over, so the way in comes first."""
        await self.goto(path)
        if "/login" in self.page.url:
            await self.sign_in(school, learner)
            await self.goto(path)

    async def settle(self) -> None:
        """What the learner just did goes its way."""
        await self.engine.live_until(self.engine.now())

    async def office(self, method: str, path: str, body: dict[str, Any]) -> None:
        """What the school's office does meanwhile."""
        service = "payments" if path.startswith("/subscriptions") else "dunning"
        answer = await self.engine.call(service, method, path, body)
        assert answer.ok, answer

    async def sign_in(self, school: str, learner: str) -> None:
        """By the link from the mailbox."""
        await self.goto(f"/at/{school}")
        await self.look("door")
        await self.page.fill("#email", f"{learner}@example.org")
        await self.page.click("form.card button")
        await self.page.goto(await self._link(learner))
        await self.look("enter")
        await self.page.click("form.card button")

    async def _link(self, learner: str) -> str:
        for _ in range(100):
            found = await self.engine.lines.mailbox("GET", f"/messages?to={learner}@example.org")
            for mail in reversed(found["messages"]):
                if mail["id"] not in self.mails:
                    whole = json.dumps(await self.engine.lines.mailbox("GET", f"/messages/{mail['id']}"))
                    link = re.search(r"/login/([A-Za-z0-9_-]{43})", whole)
                    if link is not None:
                        self.mails.add(mail["id"])
                        return f"{self.home}/login/{link[1]}"
            await asyncio.sleep(0.1)
        raise AssertionError(f"no login link came for {learner}")

    async def says(self, *texts: str) -> None:
        """Each text is on the page, now or as soon as the news of it arrive."""
        for text in texts:
            try:
                await self.page.get_by_text(text).first.wait_for(state="visible", timeout=PATIENCE_MS)
            except Exception as error:
                await self.page.screenshot(path=SCREENS / f"{self.name}-failed.png", full_page=True)
                told = await self.page.inner_text("body")
                raise AssertionError(f"{self.page.url} does not say {text!r} but:\n{told}") from error

    async def look(self, name: str) -> None:
        """Pictures at both sizes, and the accessibility checker in light and dark; once per name."""
        if name in self.seen:
            return
        self.seen.add(name)
        for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            await self.page.set_viewport_size(viewport)
            await self.page.screenshot(path=SCREENS / f"{self.name}-{name}-{size}.png", full_page=True)
        wide = await self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        if wide:
            self.violations.append(f"{name}: wider than the phone")
        for scheme in ("dark", "light"):
            await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = await self.axe.run(self.page)
            for one in found.response["violations"]:
                nodes = "; ".join(node["html"][:120] for node in one["nodes"][:3])
                self.violations.append(f"{name} ({scheme}): {one['id']}: {nodes}")


@pytest.fixture
async def engine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StackEngine]:
    """A stack with the newcomers' two schools, at half past six in the morning of 1 June 2026 (UTC)."""
    if find_spec("playwright") is None or find_spec("axe_playwright_python") is None:
        _absent("playwright or axe-playwright-python is not installed: `make setup`", required=False)
    if shutil.which(CHROMIUM) is None:
        _absent(
            f"no Chromium at {CHROMIUM}: install it (apt-get install chromium) or set RELANCE_CHROMIUM",
            required=False,
        )
    monkeypatch.setattr("ops.stack.engine.time.PATIENCE", 150.0)  # a browser shares the machine
    built = StackEngine()
    await built.open(datetime(2026, 6, 1, 6, 30, tzinfo=UTC))
    await built.lines.control(
        "POST", "/settings", {"only_told": False}
    )  # gateways bill by themselves, as they do
    await asyncio.to_thread(newcomers.welcome, built.lines.plan)
    await built.live_until(built.now())
    yield built
    await built.shut_down()


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Debian's Chromium, without a screen."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - the lane may be absent

    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=shutil.which(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        await chromium.close()


async def walk(engine: StackEngine, browser: Any, name: str, locale: str) -> Walk:
    """A fresh browser of one learner."""
    from axe_playwright_python.async_playwright import Axe  # noqa: PLC0415 - as above

    SCREENS.mkdir(parents=True, exist_ok=True)
    context = await browser.new_context(locale=locale, viewport=PHONE, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    return Walk(engine=engine, page=await context.new_page(), axe=Axe(), name=name)
