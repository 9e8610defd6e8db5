"""Mails leave by SMTP; where the server has an HTTP look-up by Message-ID (a local mailbox, Mailpit), it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal
from urllib.parse import quote

import aiosmtplib
import httpx

from services.notifications.carrier import AddressRefused, AnswerLost, ProviderAway

Tls = Literal["none", "starttls", "implicit"]

_PERMANENT = 500


@dataclass(slots=True, kw_only=True)
class Smtp:
    """One SMTP server.

    ``lookup`` is the address of a look-up with ``{message_id}`` in it (without angle brackets, percent-encoded);
    it answers 404 or an empty list for a message it does not know.
    """

    host: str
    port: int = 25
    tls: Tls = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 20.0
    lookup: str = ""
    certificates: str | None = None
    """A file with the authorities to trust, where the machine's own are not enough."""

    async def deliver(self, message: EmailMessage) -> None:
        """Connect, hand one message over, and leave.

        The payer's copy being refused does not stop the learner's: one accepted recipient is delivered.
        """
        sender = _addresses(message, "From")[0]
        recipients = [*_addresses(message, "To"), *_addresses(message, "Cc")]
        content = message.as_bytes()
        async with self._connected() as client:
            await self._offer(client, sender, recipients)
            await self._give(client, content)

    async def was_delivered(self, message_id: str) -> bool | None:
        """Ask the server's own look-up, if it has one."""
        if not self.lookup:
            return None
        url = self.lookup.replace("{message_id}", quote(message_id.strip("<>"), safe=""))
        async with httpx.AsyncClient(timeout=self.timeout) as http:
            try:
                answer = await http.get(url)
            except httpx.HTTPError as error:
                raise ProviderAway(
                    f"the mailbox's look-up does not answer ({error}); asked again later"
                ) from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        if answer.is_error:
            raise ProviderAway(f"the mailbox's look-up answered {answer.status_code}; asked again later")
        return _says_found(answer.json())

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls == "implicit",
            start_tls=self.tls == "starttls",
            username=self.user or None,
            password=self.password or None,
            timeout=self.timeout,
            cert_bundle=self.certificates,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ProviderAway(f"{self.host}:{self.port} does not let us in: {error}") from error
        try:
            yield client
        finally:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
            client.close()

    async def _offer(self, client: aiosmtplib.SMTP, sender: str, recipients: list[str]) -> None:
        refusals: list[aiosmtplib.SMTPRecipientRefused] = []
        try:
            await client.mail(sender)
            for recipient in recipients:
                try:
                    await client.rcpt(recipient)
                except aiosmtplib.SMTPRecipientRefused as error:
                    refusals.append(error)
        except (aiosmtplib.SMTPException, OSError) as error:  # before DATA nothing was taken
            raise ProviderAway(f"{self.host} did not take the envelope: {error}") from error
        if len(refusals) < len(recipients):
            return
        first = refusals[0]
        reason = f"{first.code} {first.message}"
        if all(one.code >= _PERMANENT for one in refusals):
            raise AddressRefused(reason)
        raise ProviderAway(f"{self.host} defers: {reason}")

    async def _give(self, client: aiosmtplib.SMTP, content: bytes) -> None:
        try:
            await client.data(content)
        except aiosmtplib.SMTPDataError as error:
            reason = f"{error.code} {error.message}"
            if error.code >= _PERMANENT:
                raise AddressRefused(reason) from error
            raise ProviderAway(f"{self.host} defers: {reason}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise AnswerLost(f"{self.host} went silent while it took the message: {error}") from error


def _addresses(message: EmailMessage, header: str) -> list[str]:
    value = message[header]
    return [one.addr_spec for one in value.addresses] if value is not None else []


def _says_found(answer: object) -> bool:
    """A list of messages, Mailpit's ``{"messages": [...]}``, or one message."""
    if isinstance(answer, dict) and "messages" in answer:
        return bool(answer["messages"])
    return bool(answer)
