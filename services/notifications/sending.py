"""How one mail is handed over: looked at once more, written in the reader's language, given to the channel once.

Every mail has one Message-ID for life, made from its id. Where an earlier try may have got through (a crash, an
answer that was lost), the channel is asked for it before anything is sent again (docs/decisions/0005).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final
from uuid import uuid5

import msgspec

from services.notifications import domain
from services.notifications.carrier import AddressRefused, Channel
from services.notifications.context import Letter
from services.notifications.rendering import Rendered, render
from shared.errors import Transient
from shared.events.fact import NAMESPACE
from shared.events.words import Audience
from shared.logs import logger
from shared.metrics import SMTP_SECONDS
from shared.paypal_support import Desk
from shared.scrubbing import scrubbed
from shared.service import Doing
from shared.shelf import Errand
from shared.tracing import span

log = logger("sending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """In whose address mails leave: ``address`` of the installation; the school's name stands before it."""

    address: str = "no-reply@relance.invalid"

    @property
    def domain(self) -> str:
        """The right half of every Message-ID."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What sending works with."""

    channel: Channel
    transactions: Callable[[], AbstractAsyncContextManager[Any]]
    """Opens a transaction of notifications (``NotificationsUnit``), for reading."""
    sender: Sender = field(default_factory=Sender)
    support: Mapping[str, Desk] | None = None
    closes: Callable[[], Awaitable[None]] | None = None

    async def close(self) -> None:
        """Let go of what was opened for sending."""
        if self.closes is not None:
            await self.closes()


def message_id_of(mail_id: str, sender: Sender) -> str:
    """The mail's one Message-ID: the same after a crash, on another machine, in a replay."""
    return f"<{uuid5(NAMESPACE, f'mail|{mail_id}')}@{sender.domain}>"


async def run_send(errand: Errand, hands: Hands, now: datetime) -> domain.Outcome:
    """Hand one mail over, at least once by the errand, once by its Message-ID where the channel can tell."""
    order = msgspec.json.decode(errand.body, type=domain.SendOrder)
    async with hands.transactions() as unit:
        letter: Letter | None = await unit.letter(order)
    if letter is None:
        return domain.Withheld(reason="moot")
    message_id = message_id_of(order.mail_id, hands.sender)
    try:
        if errand.tries > 1 or order.attempt > 1:
            found = await hands.channel.was_delivered(message_id)
            if found:
                language = render(letter, support=hands.support).language
                return domain.Delivered(at=now, language=language, message_id=message_id, found=True)
        why = domain.why_withheld(letter.mail, order.attempt, letter.school, now)
        if why:
            return domain.Withheld(reason=why)
        rendered = render(letter, support=hands.support)
        message = compose(letter, rendered, message_id, hands.sender, now)
        await _given(hands.channel, message, order.mail_id)
    except AddressRefused as error:
        log.warning("mail_refused", mail=order.mail_id, reason=str(error))
        return domain.RefusedForGood(reason=scrubbed(str(error)))
    except (Transient, OSError, TimeoutError) as error:
        log.warning("mail_not_now", mail=order.mail_id, reason=str(error))
        return domain.NotNow(reason=scrubbed(str(error)), retry_after=getattr(error, "retry_after", None))
    log.info("mail_sent", mail=order.mail_id, language=rendered.language)
    return domain.Delivered(at=now, language=rendered.language, message_id=message_id)


async def _given(channel: Channel, message: EmailMessage, mail_id: str) -> None:
    """Hand it over, timed and followed."""
    began, outcome = time.perf_counter(), "not_now"
    with span("smtp send", kind="client", mail=mail_id) as way:
        try:
            await channel.deliver(message)
            outcome = "taken"
        except AddressRefused:
            outcome = "refused"
            raise
        finally:
            SMTP_SECONDS.add(outcome, value=time.perf_counter() - began)
            way.say(outcome=outcome)


async def finish_send(errand: Errand, outcome: domain.Outcome, unit: Any) -> None:
    """Record what came of it, in the transaction that ends the errand."""
    order = msgspec.json.decode(errand.body, type=domain.SendOrder)
    case = await unit.known_case(order.case_id)
    if case is None:
        return
    to = await unit.addressing(case)
    decision = domain.when_sending_ended(case, order.mail_id, order.attempt, outcome, to, unit.now)
    await unit.record(case, decision)


async def give_up_send(errand: Errand, error: Exception, unit: Any) -> None:
    """It could not even be written: visible as failed, with the reason; staff can release it once mended."""
    reason = scrubbed(f"it could not be written: {type(error).__name__}: {error}")
    await finish_send(errand, domain.RefusedForGood(reason=reason), unit)


def compose(
    letter: Letter, rendered: Rendered, message_id: str, sender: Sender, now: datetime
) -> EmailMessage:
    """The message as it goes over the wire: both parts, addresses, and headers that keep robots quiet."""
    message = EmailMessage(policy=SMTP)
    message["From"] = address_of(letter.school.name, sender.address)
    to = addresses_of(letter)
    message["To"] = to[0]
    if to[1:]:
        message["Cc"] = to[1:]
    if "@" in letter.school.support_contact and " " not in letter.school.support_contact:
        message["Reply-To"] = address_of(letter.school.name, letter.school.support_contact)
    message["Subject"] = " ".join(rendered.subject.split())
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Relance-Mail"] = letter.mail.mail_id
    message.set_content(rendered.text, cte="quoted-printable" if rendered.language != "ja" else "base64")
    message.add_alternative(rendered.html, subtype="html", cte="base64")
    message["Content-Language"] = (
        rendered.language
    )  # last: adding parts moves such headers into the first one
    return message


def addresses_of(letter: Letter) -> list[Address]:
    """Who gets it: the office, the teacher, or the learner with a copy to whoever pays (J35)."""
    if letter.mail.audience is Audience.OFFICE:
        return [address_of(letter.school.name, letter.school.staff_email)]
    if letter.mail.audience is Audience.TEACHER:
        if letter.teacher is None:
            raise AddressRefused(f"no teacher {letter.mail.recipient_id!r} is registered any more")
        return [address_of(letter.teacher.name, letter.teacher.email)]
    if letter.learner is None:
        raise AddressRefused(f"no learner {letter.mail.recipient_id!r} is registered any more")
    to = [address_of(letter.learner.name, letter.learner.email)]
    payer = letter.learner.payer
    if payer is not None and payer.email != letter.learner.email:
        to.append(address_of(payer.name, payer.email))
    return to


def address_of(name: str, email: str) -> Address:
    """Name and address as headers write them; AddressRefused when it cannot be read as one."""
    try:
        return Address(" ".join(name.split()), addr_spec=email)
    except (ValueError, IndexError) as error:
        raise AddressRefused(
            f"the address cannot be read as one: {error}; correct it in the registry"
        ) from error


ERRANDS: Final[Mapping[str, Doing]] = {"send": Doing(run=run_send, finish=finish_send, give_up=give_up_send)}
