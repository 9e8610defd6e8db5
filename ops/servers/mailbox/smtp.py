"""The letter box's slot: SMTP on the loopback address, with failures on demand.

What happens when a mail server is busy, unknown to a person, or dies between keeping a mail and saying so can only be
tested against one that does it when asked.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from aiosmtpd.smtp import SMTP
from pydantic import BaseModel, ConfigDict, Field

from ops.servers.mailbox.store import Store

LARGEST_MAIL = 10 * 1024 * 1024
"""Bytes; a longer mail is refused with 552."""


class Fault(BaseModel):
    """A failure asked for: how long, where, what, for whom.

    `until` true fails until it is asked to stop (false), a number fails that many times. `at` says where: `rcpt`
    refuses the recipient, `data` refuses the mail, `after` keeps the mail and hangs up without an answer.
    """

    model_config = ConfigDict(extra="forbid")

    until: bool | Annotated[int, Field(ge=0)] = False
    at: Literal["rcpt", "data", "after"] = "data"
    code: Annotated[int, Field(ge=400, le=599)] = 451
    to: str | None = None

    @property
    def active(self) -> bool:
        """Whether the next mail can fail."""
        return bool(self.until)

    def strikes(self, at: str, recipients: list[str]) -> bool:
        """Whether it is this mail's turn to fail."""
        concerned = self.to is None or self.to.casefold() in {name.casefold() for name in recipients}
        return self.active and self.at == at and concerned

    def spent(self) -> Fault:
        """What is left of it after one failure."""
        left = self.until if isinstance(self.until, bool) else self.until - 1
        return self.model_copy(update={"until": left})


class Slot:
    """What happens to a mail that is handed in (aiosmtpd's handler)."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fault = Fault()
        self.refused = 0
        self._writing = asyncio.Lock()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Accept any recipient, unless asked to refuse this one."""
        if self.fault.strikes("rcpt", [address]):
            return self._fail()
        envelope.rcpt_tos.append(address)
        return "250 Welcome"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the mail, then say so."""
        recipients = list(envelope.rcpt_tos)
        if self.fault.strikes("data", recipients):
            return self._fail()
        async with self._writing:
            kept = await asyncio.to_thread(
                self.store.accept, envelope.mail_from or "", recipients, envelope.original_content
            )
        if self.fault.strikes("after", recipients):
            self.fault = self.fault.spent()
            if isinstance(server.transport, asyncio.Transport):
                server.transport.abort()
        return f"250 Kept as {kept.id}"

    def _fail(self) -> str:
        code = self.fault.code
        self.fault, self.refused = self.fault.spent(), self.refused + 1
        return f"{code} This mailbox was asked to fail"


def protocol(slot: Slot) -> SMTP:
    """One connection."""
    return SMTP(slot, hostname="mailbox.localhost", enable_SMTPUTF8=True, data_size_limit=LARGEST_MAIL)
