"""Is this webhook PayPal's? Checked offline; and even so it is only a hint, for its body is not what is signed.

PayPal signs ``transmission id|time|webhook id|crc32 of the body``. A checksum is no seal: whoever has one set
of headers can write another body under it. So an accepted webhook only says where to look (``client.look``).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from services.payments.gateways.paypal.certs import Certificates
from services.payments.gateways.refusal import refused
from services.payments.news import Arrived
from shared.events.words import Gateway

SIMULATED: Final = "WEBHOOK_ID"
"""The webhook id that PayPal's public event simulator signs with: anybody can have such headers."""
OLDEST: Final = timedelta(days=3, hours=6)
"""PayPal tries again for three days."""
NEWEST: Final = timedelta(minutes=5)
_PADDING: Final = padding.PKCS1v15()
_HASH: Final = SHA256()


class _Head(msgspec.Struct):
    id: str = ""
    event_type: str = ""


_heads = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyConfig:
    """Which listener we are, and how old a transmission may be."""

    webhook_ids: tuple[str, ...]
    oldest: timedelta = OLDEST
    newest: timedelta = NEWEST


async def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    config: VerifyConfig,
    certificates: Certificates,
    now: datetime,
) -> Arrived:
    """Check the signature, its time and the certificate behind it.

    Raises:
        Refused: 400.
        Transient: the certificate cannot be fetched now.
    """
    transmission = _header(headers, "paypal-transmission-id")
    sent = _header(headers, "paypal-transmission-time")
    signature = _header(headers, "paypal-transmission-sig")
    url = _header(headers, "paypal-cert-url")
    if headers.get("paypal-auth-algo", "").upper() != "SHA256WITHRSA":
        raise refused("its signature is not SHA256withRSA")
    at = _instant(sent)
    _check_freshness(at, now, config)
    raw_signature = _decoded(signature)
    key = await certificates.key(url, at)
    checksum = zlib.crc32(body) & 0xFFFFFFFF
    for webhook_id in config.webhook_ids:
        message = f"{transmission}|{sent}|{webhook_id}|{checksum}".encode()
        try:
            key.verify(raw_signature, message, _PADDING, _HASH)
        except InvalidSignature:
            continue
        return _head(body, transmission)
    raise refused(
        "its signature fits neither the body nor a webhook id of ours: check RELANCE_PAYPAL_WEBHOOK_IDS"
    )


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise refused(f"it carries no {name} header: send it from PayPal, or sign it")
    if not value.isascii() or len(value) > 2048:
        raise refused(f"its {name} header is not what PayPal writes")
    return value


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise refused("its transmission time is no instant") from error
    if at.tzinfo is None:
        raise refused("its transmission time has no zone")
    return at.astimezone(UTC)


def _check_freshness(at: datetime, now: datetime, config: VerifyConfig) -> None:
    if now - at > config.oldest:
        raise refused(f"it was sent at {at:%Y-%m-%dT%H:%M:%SZ}, and {config.oldest} of age are allowed")
    if at - now > config.newest:
        raise refused(f"it is dated {at:%Y-%m-%dT%H:%M:%SZ}, in the future: check the clocks")


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused("its signature is not base64") from error


def _head(body: bytes, transmission: str) -> Arrived:
    try:
        body.decode("utf-8")
        head = _heads.decode(body)
    except UnicodeDecodeError as error:
        raise refused("its body is not UTF-8") from error
    except msgspec.MsgspecError as error:
        raise refused("its body is no JSON event") from error
    # Two events of one id were seen in real deliveries: the type belongs to the key (gateways.md 2.4).
    key = f"{head.id}:{head.event_type}" if head.id and head.event_type else f"transmission:{transmission}"
    return Arrived(
        dedupe_key=f"paypal:{key}",
        gateway=Gateway.PAYPAL,
        kind=head.event_type or "no event",
        transmission=transmission,
    )
