"""In-memory twin of the owners, for tests without other services: it remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.portal.owners import SignUp, Visit
from shared.errors import NotFound, Refused


@dataclass(slots=True)
class MemoryOwners:
    """Answers as the owners would; ``refuses`` tells which acts are refused with which code."""

    visits: dict[str, Visit] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    emails: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    payment: str = "open_today"
    chosen: list[str] = field(default_factory=list)
    """What each opened page was asked to take."""

    def _ask(self, act: str, *parts: str) -> None:
        if act in self.refuses:
            raise Refused(f"we could not {act}", code=self.refuses[act])
        self.asked.append((act, *parts))

    async def open_page(
        self,
        subscription_id: str,
        kind: str,
        *,
        return_url: str,
        language: str,
        method: str | None = None,
        period: date | None = None,
    ) -> Visit:
        """See ``Owners``: an open page is given again."""
        del language, period
        self.chosen.append(method or "")
        self._ask("open_page", subscription_id, kind, return_url)
        return self._visit(subscription_id, kind)

    async def sign_up(self, order: SignUp, *, return_url: str, language: str) -> Visit:
        """See ``Owners``."""
        del language
        self._ask("sign_up", order.subscription_id, order.gateway, return_url)
        return self._visit(order.subscription_id, "sign_up")

    def _visit(self, subscription_id: str, kind: str) -> Visit:
        name = f"{kind}-{subscription_id}".ljust(24, "x")
        return self.visits.setdefault(
            name,
            Visit(
                visit_id=name,
                kind=kind,
                subscription_id=subscription_id,
                url=f"https://checkout.stripe.com/{name}",
                state="started",
            ),
        )

    async def visit(self, visit_id: str) -> Visit:
        """See ``Owners``."""
        if visit_id not in self.visits:
            raise NotFound("we could not find this visit")
        return self.visits[visit_id]

    async def why_refused(self, school_id: str, offered: dict[str, Any]) -> str | None:
        """See ``Owners``: the French school's white list."""
        del school_id
        if offered["type"] not in {"card", "paypal", "paypal_subscription"}:
            return "not_accepted"
        return "debit_card_not_accepted" if offered["funding"] == "debit" else None

    async def report(self, case_id: str, report_id: str, text: str) -> None:
        """See ``Owners``."""
        self._ask("report", case_id, report_id, text)

    async def relaunch(self, subscription_id: str, request: str, path_id: str | None, method: str) -> None:
        """See ``Owners``."""
        self._ask("relaunch", subscription_id, request, path_id or "", method)

    async def cancel(self, subscription_id: str, request: str) -> None:
        """See ``Owners``."""
        self._ask("cancel", subscription_id, request)

    async def self_payment(self, subscription_id: str) -> str:
        """See ``Owners``."""
        del subscription_id
        return self.payment

    async def learners_at(self, school_id: str, email: str) -> list[str]:
        """See ``Owners``."""
        return self.emails.get((school_id, email), [])

    async def send_login_link(self, school_id: str, learner_id: str, url: str, minutes: int) -> None:
        """See ``Owners``."""
        del school_id, minutes
        self.links.append((learner_id, url))
