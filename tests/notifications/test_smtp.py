"""The SMTP channel against real servers on this machine: taken once, refused for good, or not now."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd import smtp as aiosmtpd_smtp
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.servers import mailbox
from services.notifications.carrier import AddressRefused, AnswerLost, ProviderAway
from services.notifications.channels import CHANNELS, Smtp
from services.notifications.memory import received
from services.notifications.rendering import render
from services.notifications.samples import sample_letter
from services.notifications.sending import Sender, compose, message_id_of
from shared.events.words import Template
from tests.notifications.conftest import jst

Server = aiosmtpd_smtp.SMTP
NOW = jst("2026-04-15 20:10")
SENDER = Sender(address="no-reply@relance.example")


def message(template: Template = Template.JP_PAYMENT_FAILED, language: Any = "ja") -> EmailMessage:
    letter = sample_letter(template, language)
    return compose(letter, render(letter, language), message_id_of(letter.mail.mail_id, SENDER), SENDER, NOW)


@dataclass
class Handler:
    """A server that answers as it is told."""

    taken: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = "250 taken"
    hang_up: bool = False
    mail: str = "250 OK"

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        envelope.mail_from = address
        return self.mail

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        if self.hang_up:
            server.transport.abort()
        return self.data


@asynccontextmanager
async def listening(factory: Callable[[], Any]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
async def smtp(handler: Handler) -> AsyncIterator[Smtp]:
    async with listening(lambda: Server(handler, hostname="here")) as port:
        yield Smtp(host="127.0.0.1", port=port, timeout=5)


async def test_a_mail_arrives_with_both_parts_and_its_headers(smtp: Smtp, handler: Handler) -> None:
    sent = message()
    await smtp.deliver(sent)
    (raw,) = handler.taken
    arrived = message_from_bytes(raw, policy=policy.default)
    assert isinstance(arrived, EmailMessage)
    letter = received(arrived)
    assert letter.subject == "【重要】2026年4月分の月謝をお引き落としできませんでした"
    assert "合計3回" in letter.text
    assert '<html lang="ja">' in letter.html
    assert letter.to == ("ada@example.org",)
    assert letter.at == NOW
    assert letter.message_id == sent["Message-ID"]
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 no such user", AddressRefused),
        ("451 come back later", ProviderAway),
        ("452 mailbox full", ProviderAway),
    ],
)
async def test_a_recipient_refused(smtp: Smtp, handler: Handler, answer: str, error: type[Exception]) -> None:
    handler.rcpt = {"ada@example.org": answer}
    with pytest.raises(error, match=answer[:3]):
        await smtp.deliver(message())
    assert handler.taken == []


@pytest.mark.parametrize(
    ("answer", "error"), [("554 not wanted", AddressRefused), ("451 try again", ProviderAway)]
)
async def test_a_message_refused(smtp: Smtp, handler: Handler, answer: str, error: type[Exception]) -> None:
    handler.data = answer
    with pytest.raises(error, match=answer[:3]):
        await smtp.deliver(message())


async def test_a_copy_that_is_refused_does_not_keep_the_learner_from_reading(
    smtp: Smtp, handler: Handler
) -> None:
    sent = message()
    sent["Cc"] = "father@example.org"
    handler.rcpt = {"father@example.org": "550 no such user"}
    await smtp.deliver(sent)
    assert handler.recipients == ["ada@example.org"]


async def test_our_own_address_refused_is_our_trouble_and_not_the_learners(
    smtp: Smtp, handler: Handler
) -> None:
    handler.mail = "550 who are you"
    with pytest.raises(ProviderAway, match="did not take the envelope"):
        await smtp.deliver(message())


async def test_a_server_that_hangs_up_after_the_message_leaves_a_doubt(smtp: Smtp, handler: Handler) -> None:
    handler.hang_up = True
    with pytest.raises(AnswerLost):
        await smtp.deliver(message())
    assert len(handler.taken) == 1


async def test_a_server_that_is_not_there_is_not_now() -> None:
    async with listening(lambda: Server(Handler())) as port:
        pass
    with pytest.raises(ProviderAway, match="does not let us in"):
        await Smtp(host="127.0.0.1", port=port, timeout=2).deliver(message())


# --- TLS and a password -----------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that nobody but this test trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, private = folder / "cert.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return file, context


def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.login == b"relance" and data.password == b"right")


@pytest.mark.parametrize(("password", "arrives"), [("right", True), ("wrong", False)])
async def test_a_server_with_tls_and_a_password(tmp_path: Path, password: str, arrives: bool) -> None:
    handler = Handler()
    file, context = certificate(tmp_path)
    factory = lambda: Server(  # noqa: E731 - a factory for the loop
        handler, tls_context=context, require_starttls=True, authenticator=check, auth_required=True
    )
    async with listening(factory) as port:
        channel = Smtp(
            host="127.0.0.1",
            port=port,
            tls="starttls",
            user="relance",
            password=password,
            certificates=str(file),
            timeout=5,
        )
        assert password not in repr(channel)
        if arrives:
            await channel.deliver(message())
        else:
            with pytest.raises(ProviderAway, match="does not let us in"):
                await channel.deliver(message())
    assert len(handler.taken) == int(arrives)


async def test_a_certificate_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    handler = Handler()
    _, context = certificate(tmp_path)
    async with listening(lambda: Server(handler, tls_context=context)) as port:
        with pytest.raises(ProviderAway):
            await Smtp(host="127.0.0.1", port=port, tls="starttls", timeout=5).deliver(message())
    assert handler.taken == []


# --- asking for a Message-ID --------------------------------------------------------------------------------


async def test_the_local_mailbox_tells_whether_it_has_a_mail(tmp_path: Path) -> None:
    box = mailbox.start(tmp_path)
    try:
        channel = Smtp(
            host="127.0.0.1",
            port=box.smtp_port,
            lookup=f"{box.url}/messages?message_id={{message_id}}",
            timeout=5,
        )
        sent = message()
        assert await channel.was_delivered(sent["Message-ID"]) is False
        await channel.deliver(sent)
        assert await channel.was_delivered(sent["Message-ID"]) is True
    finally:
        box.stop()
    with pytest.raises(ProviderAway, match="look-up"):
        await channel.was_delivered(sent["Message-ID"])


async def test_a_server_without_a_look_up_cannot_tell() -> None:
    assert await Smtp(host="127.0.0.1").was_delivered("<a@b>") is None


def test_the_menu_of_channels() -> None:
    assert list(CHANNELS) == ["smtp"]
