"""PayPal's own deliveries are recognised offline; whoever only looks like PayPal is not even spoken to."""

from __future__ import annotations

import json
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.payments.gateways.paypal.certs import CertConfig, Certificates, allowed
from services.payments.gateways.paypal.parse import parse
from services.payments.gateways.paypal.verify import VerifyConfig, verify
from services.payments.news import Arrived
from shared.errors import Refused, Transient
from tests.payments.conftest import utc

URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb"
TEST = VerifyConfig(webhook_ids=("WEBHOOK_ID",))


class Fetched:
    """What would be fetched, by address; counts."""

    def __init__(self, pem: bytes) -> None:
        self.pem = pem
        self.urls: list[str] = []

    async def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        return self.pem


@pytest.fixture
def folder(fixtures: Path) -> Path:
    return fixtures / "paypal"


@pytest.fixture
def leaf(folder: Path) -> Fetched:
    return Fetched((folder / "certs" / "CERT-360caa42-fca2a594-1a5f47cb.live.2024.pem").read_bytes())


@pytest.fixture
def anchors(folder: Path) -> tuple[Path, ...]:
    certs = folder / "certs"
    return (certs / "DigiCertHighAssuranceEVRootCA.pem", certs / "DigiCertSHA2ExtendedValidationServerCA.pem")


def deliveries(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "signed_live_simulator").glob("*.json"))
    assert len(files) >= 7
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def delivery(folder: Path, name: str = "payment.sale.completed") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "signed_live_simulator" / f"{name}.json").read_text("utf-8"))
    return found


async def check(
    told: dict[str, Any],
    leaf: Fetched,
    anchors: tuple[Path, ...],
    *,
    config: VerifyConfig = TEST,
    now: datetime | None = None,
    body: bytes | None = None,
    **headers: str | None,
) -> Arrived:
    all_headers = {**told["headers"], **{name.replace("_", "-"): value for name, value in headers.items()}}
    shown = {name: value for name, value in all_headers.items() if value is not None}
    return await verify(
        shown,
        body if body is not None else told["body_utf8"].encode(),
        config=config,
        certificates=Certificates(CertConfig(anchors=anchors), fetch=leaf),
        now=now or utc(told["headers"]["paypal-transmission-time"]),
    )


async def refusal(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(Refused) as refused:
        await check(*args, **kwargs)
    assert refused.value.status == 400
    return str(refused.value)


async def test_real_deliveries_are_recognised_with_the_chain_of_their_time(
    folder: Path, leaf: Fetched, anchors: tuple[Path, ...]
) -> None:
    for told in deliveries(folder):
        arrived = await check(told, leaf, anchors)
        assert arrived.kind in told["body_utf8"]
        assert arrived.transmission == told["headers"]["paypal-transmission-id"]


async def test_a_key_of_the_event_is_its_id_and_its_type(
    folder: Path, leaf: Fetched, anchors: tuple[Path, ...]
) -> None:
    arrived = await check(delivery(folder, "billing.subscription.cancelled"), leaf, anchors)

    assert (
        arrived.dedupe_key == "paypal:WH-UY687577TY25889J9-2R6T55435R66168Y6:BILLING.SUBSCRIPTION.CANCELLED"
    )


async def test_another_listeners_webhook_is_refused(
    folder: Path, leaf: Fetched, anchors: tuple[Path, ...]
) -> None:
    ours = VerifyConfig(webhook_ids=("4JH86294D6297924G",))

    assert "webhook id" in await refusal(delivery(folder), leaf, anchors, config=ours)


async def test_every_mutation_of_a_delivery_is_refused(
    folder: Path, leaf: Fetched, anchors: tuple[Path, ...]
) -> None:
    told = delivery(folder)
    body = told["body_utf8"].encode()
    sent = utc(told["headers"]["paypal-transmission-time"])

    assert await refusal(told, leaf, anchors, body=body.replace(b"0.48", b"9.48", 1))
    assert await refusal(told, leaf, anchors, body=json.dumps(json.loads(body)).encode())
    assert await refusal(told, leaf, anchors, body=b"")
    for name in ("id", "time", "sig"):
        assert "carries no" in await refusal(told, leaf, anchors, **{f"paypal_transmission_{name}": None})
    assert await refusal(told, leaf, anchors, paypal_transmission_id="another")
    assert "no instant" in await refusal(told, leaf, anchors, paypal_transmission_time="yesterday")
    assert await refusal(told, leaf, anchors, paypal_transmission_time="2024-07-30T10:29:04Z")
    assert await refusal(told, leaf, anchors, paypal_transmission_sig="AAAA")
    assert await refusal(told, leaf, anchors, paypal_transmission_sig="***")
    assert "SHA256withRSA" in await refusal(told, leaf, anchors, paypal_auth_algo="none")
    assert "of age" in await refusal(told, leaf, anchors, now=sent + timedelta(days=4))
    assert "in the future" in await refusal(told, leaf, anchors, now=sent - timedelta(hours=1))


async def test_three_days_of_redelivery_are_borne(
    folder: Path, leaf: Fetched, anchors: tuple[Path, ...]
) -> None:
    told = delivery(folder)
    late = utc(told["headers"]["paypal-transmission-time"]) + timedelta(days=3)

    assert (await check(told, leaf, anchors, now=late)).kind == "PAYMENT.SALE.COMPLETED"


async def test_a_certificate_that_nobody_we_trust_vouches_for_is_refused(folder: Path, leaf: Fetched) -> None:
    only_leaf = (folder / "certs" / "CERT-360caa42-fca2a594-1a5f47cb.live.2024.pem",)

    assert "no root is configured" in await refusal(delivery(folder), leaf, only_leaf)


async def test_an_expired_certificate_is_refused(
    folder: Path, leaf: Fetched, anchors: tuple[Path, ...]
) -> None:
    certificates = Certificates(CertConfig(anchors=anchors), fetch=leaf)

    with pytest.raises(Refused, match=r"of that time|not valid"):
        await certificates.key(URL, utc("2026-06-01T00:00:00Z"))


async def test_a_certificate_is_fetched_once(folder: Path, leaf: Fetched, anchors: tuple[Path, ...]) -> None:
    certificates = Certificates(CertConfig(anchors=anchors), fetch=leaf)
    for _ in range(5):
        await certificates.key(URL, utc("2024-08-01T00:00:00Z"))

    assert leaf.urls == [URL]


async def test_invented_addresses_are_not_fetched_without_end(
    leaf: Fetched, anchors: tuple[Path, ...]
) -> None:
    certificates = Certificates(CertConfig(anchors=anchors), fetch=leaf)
    known = await certificates.key(URL, utc("2024-08-01T00:00:00Z"))

    for n in range(29):
        await certificates.key(f"{URL[:-8]}{n:08d}", utc("2024-08-01T00:00:00Z"))
    with pytest.raises(Transient, match="too many new signing certificates"):
        await certificates.key(f"{URL[:-8]}99999999", utc("2024-08-01T00:00:00Z"))

    assert len(leaf.urls) == 30
    assert await certificates.key(URL, utc("2024-08-01T00:00:00Z")) == known


async def test_a_copy_that_lies_beside_the_anchors_needs_no_network(folder: Path) -> None:
    nothing = Fetched(b"")
    certificates = Certificates(CertConfig(anchors=(folder / "certs",)), fetch=nothing)

    assert (await certificates.key(URL, utc("2024-08-01T00:00:00Z"))).key_size == 2048
    assert nothing.urls == []


async def test_a_body_of_the_same_checksum_passes_the_signature_and_is_only_a_hint(
    folder: Path, leaf: Fetched, anchors: tuple[Path, ...]
) -> None:
    forged = json.loads(
        (folder / "constructed_negative" / "payment.sale.completed.crc32-collision.json").read_text("utf-8")
    )

    arrived = await check(forged, leaf, anchors)
    hint: Any = parse(forged["body_utf8"].encode())

    # That is how weak PayPal's seal is; so the amount in it is not even read, only where to look.
    assert arrived.kind == "PAYMENT.SALE.COMPLETED"
    assert hint.subscription == "I-VICTIM00001"
    assert hint.amount is None


# --- addresses ------------------------------------------------------------------------------------

_HOST = "api.paypal.com"
_PATH = "/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb"
EVIL = [
    "",
    "CERT-360caa42-fca2a594-1a5f47cb",
    f"http://{_HOST}{_PATH}",
    f"HTTPS://{_HOST}{_PATH}",
    f"https://{_HOST.upper()}{_PATH}",
    f"ftp://{_HOST}{_PATH}",
    f"file://{_PATH}",
    f"gopher://{_HOST}{_PATH}",
    f"//{_HOST}{_PATH}",
    f"https:/{_HOST}{_PATH}",
    f"https:{_HOST}{_PATH}",
    f"https:\\\\{_HOST}{_PATH}",
    f" https://{_HOST}{_PATH}",
    f"https://{_HOST}{_PATH} ",
    f"https://{_HOST}{_PATH}\n",
    f"https://{_HOST}{_PATH}\r\nHost: evil",
    f"https://{_HOST}{_PATH}\x00",
    f"https://{_HOST}:443{_PATH}",
    f"https://{_HOST}:8080{_PATH}",
    f"https://{_HOST}:80@evil.example{_PATH}",
    f"https://{_HOST}@evil.example{_PATH}",
    f"https://evil.example@{_HOST}{_PATH}",
    f"https://user:pass@{_HOST}{_PATH}",
    f"https://{_HOST}.evil.example{_PATH}",
    f"https://evil{_HOST}{_PATH}",
    f"https://evil.{_HOST}{_PATH}",
    f"https://{_HOST}%2eevil.example{_PATH}",
    f"https://{_HOST}%00.evil.example{_PATH}",
    f"https://{_HOST}#.evil.example{_PATH}",
    f"https://{_HOST}?.evil.example{_PATH}",
    f"https://{_HOST};evil.example{_PATH}",
    f"https://{_HOST}\\.evil.example{_PATH}",
    f"https://{_HOST}/.evil.example{_PATH}",
    f"https://{_HOST}.{_PATH}",
    f"https://api.paypa1.com{_PATH}",
    f"https://api.pаypal.com{_PATH}",
    f"https://xn--pypal-4ve.com{_PATH}",
    f"https://api。paypal。com{_PATH}",
    f"https://paypal.com{_PATH}",
    f"https://www.paypal.com{_PATH}",
    f"https://api.sandbox.paypal.com{_PATH}",
    f"https://169.254.169.254{_PATH}",
    f"https://[::ffff:169.254.169.254]{_PATH}",
    f"https://[::1]{_PATH}",
    f"https://127.0.0.1{_PATH}",
    f"https://127.1{_PATH}",
    f"https://0x7f000001{_PATH}",
    f"https://2130706433{_PATH}",
    f"https://localhost{_PATH}",
    f"https://metadata.google.internal{_PATH}",
    f"https://10.0.0.1{_PATH}",
    f"https://192.168.1.1{_PATH}",
    f"https://0{_PATH}",
    f"https://{_HOST}/v1/notifications/certs/../../oauth2/token",
    f"https://{_HOST}/v1/notifications/certs/CERT-1234567890/../../../evil",
    f"https://{_HOST}/v1/notifications/certs/CERT-1234567890%2f..%2fevil",
    f"https://{_HOST}/v1/notifications/certs/CERT-1234567890?redirect=evil",
    f"https://{_HOST}/v1/notifications/certs/CERT-1234567890#evil",
    f"https://{_HOST}/v1/notifications/certs/CERT-",
    f"https://{_HOST}/v1/notifications/certs/CERT-{'a' * 200}",
    f"https://{_HOST}/v1/notifications/certs/evil",
    f"https://{_HOST}/v1/notifications/certs//CERT-360caa42-fca2a594",
    f"https://{_HOST}//v1/notifications/certs/CERT-360caa42-fca2a594",
    f"https://{_HOST}/V1/notifications/certs/CERT-360caa42-fca2a594",
    f"https://{_HOST}/v1/payments/sale/CERT-360caa42-fca2a594",
    f"https://{_HOST}{_PATH}.pem",
    f"https://{_HOST}{_PATH}é",
]


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Counts every attempt to resolve a name or to connect."""
    tried: list[Any] = []

    def refuse(*args: Any, **kwargs: Any) -> Any:
        tried.append(args)
        raise OSError("no sockets in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tried


async def test_no_odd_address_opens_a_socket(no_sockets: list[Any]) -> None:
    certificates = Certificates(CertConfig())
    assert len(EVIL) >= 60
    for url in EVIL:
        with pytest.raises(Refused):
            await certificates.key(url, utc("2026-06-01T00:00:00Z"))
    assert no_sockets == []


def test_paypals_own_addresses_are_known_by_environment() -> None:
    live, sandbox = CertConfig(), CertConfig(environments=("sandbox",))

    assert allowed(URL, live) == "messageverificationcerts.paypal.com"
    assert allowed(URL.replace("api.", "api-m."), live) == "messageverificationcerts.paypal.com"
    assert (
        allowed(URL.replace("api.", "api.sandbox."), sandbox) == "messageverificationcerts.sandbox.paypal.com"
    )
    with pytest.raises(Refused):
        allowed(URL, sandbox)


def test_a_simulators_address_counts_only_where_it_is_named() -> None:
    url = f"http://127.0.0.1:9101/paypal{_PATH}"

    assert allowed(url, CertConfig(origins=("http://127.0.0.1:9101/paypal",)))
    for config in (CertConfig(), CertConfig(origins=("http://127.0.0.1:9102/paypal",))):
        with pytest.raises(Refused):
            allowed(url, config)
