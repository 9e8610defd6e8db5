"""PayPal's letters: a real chain to a root of our own, every forgery worth refusing, and PayPal's own samples."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from ops.simulators.paypal.signing import message, segment
from tests.ops.simulators.conftest import WEBHOOK_ID
from tests.ops.simulators.paypal_requests import Get, Post, result

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways, Letter

HOST = "messageverificationcerts.sandbox.paypal.com"


def _leaf(sim: Gateways, letter: Letter) -> x509.Certificate:
    answer = sim.http.get(letter.headers["paypal-cert-url"])
    assert answer.status_code == 200
    assert answer.content.count(b"BEGIN CERTIFICATE") == 1
    return x509.load_pem_x509_certificate(answer.content)


def _trusted(sim: Gateways, leaf: x509.Certificate) -> bool:
    root = x509.load_pem_x509_certificate(sim.http.get(f"{sim.base}/_sim/paypal/root.pem").content)
    middle = x509.load_pem_x509_certificate(sim.http.get(f"{sim.base}/_sim/paypal/intermediate.pem").content)
    builder = PolicyBuilder().store(Store([root])).time(datetime(2026, 5, 1, tzinfo=UTC))
    try:
        builder.build_server_verifier(x509.DNSName(HOST)).verify(leaf, [middle])
    except VerificationError:
        return False
    return True


def _signed(letter: Letter, leaf: x509.Certificate, webhook: str = WEBHOOK_ID) -> bool:
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    head = letter.headers
    text = message(head["paypal-transmission-id"], head["paypal-transmission-time"], webhook, letter.body)
    try:
        key.verify(base64.b64decode(head["paypal-transmission-sig"]), text, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _one_letter(sim: Gateways, mode: str = "good") -> Letter:
    if mode != "good":
        sim.control("POST", "/webhooks/rules", {"gateway": "paypal", "signature": mode})
    sim.aiko(quiet=False)
    sim.run()
    return sim.door.letters[-1]


def test_a_letter_verifies_offline_against_our_root(sim: Gateways) -> None:
    letter = _one_letter(sim)
    leaf = _leaf(sim, letter)

    assert letter.headers["paypal-auth-algo"] == "SHA256withRSA"
    assert letter.headers["paypal-transmission-time"] == "2026-05-01T12:00:00Z"
    assert leaf.subject.rfc4514_string().startswith(f"CN={HOST}")
    assert _trusted(sim, leaf)
    assert _signed(letter, leaf)


@pytest.mark.parametrize("mode", ["bad", "mutated", "wrong_webhook_id"])
def test_a_forged_signature_does_not_verify(sim: Gateways, mode: str) -> None:
    letter = _one_letter(sim, mode)
    assert not _signed(letter, _leaf(sim, letter))


@pytest.mark.parametrize("mode", ["expired_cert", "wrong_name", "self_signed", "unknown_root"])
def test_a_right_signature_under_a_wrong_certificate_is_not_to_be_trusted(sim: Gateways, mode: str) -> None:
    letter = _one_letter(sim, mode)
    leaf = _leaf(sim, letter)

    assert _signed(letter, leaf)
    assert not _trusted(sim, leaf)


def test_a_certificate_may_be_announced_on_a_foreign_host_or_not_at_all(sim: Gateways) -> None:
    assert (
        _one_letter(sim, "foreign_host").headers["paypal-cert-url"].startswith("https://certificates.example")
    )
    sim.control("DELETE", "/webhooks/rules")
    assert "paypal-transmission-sig" not in _one_letter(sim, "none").headers


def test_signing_certificates_rotate_and_old_ones_stay_readable(sim: Gateways) -> None:
    first = _one_letter(sim)
    sim.control("POST", "/webhooks/rotate", {"gateway": "paypal"})
    second = _one_letter(sim)

    assert first.headers["paypal-cert-url"] != second.headers["paypal-cert-url"]
    for letter in (first, second):
        leaf = _leaf(sim, letter)
        assert _trusted(sim, leaf)
        assert _signed(letter, leaf)


def test_an_automatic_retry_repeats_the_transmission_and_a_resend_is_a_new_one(sim: Gateways) -> None:
    sim.door.statuses += [500]
    _one_letter(sim)
    sim.advance("2026-05-01T13:00:00Z")
    event = sim.door.letters[0].event["id"]

    answer = sim.paypal().execute(Post(f"/v1/notifications/webhooks-events/{event}/resend", {}))
    sim.run()

    assert answer.status_code == 202
    first, second, third = (letter.headers for letter in sim.door.letters)
    for name in ("paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig"):
        assert first[name] == second[name]
    assert third["paypal-transmission-id"] != first["paypal-transmission-id"]
    assert third["paypal-transmission-time"] == "2026-05-01T13:00:00Z"


def test_post_back_verification_says_success_only_for_what_was_sent(sim: Gateways) -> None:
    letter = _one_letter(sim)
    head = letter.headers

    def verified(body: bytes, webhook: str = WEBHOOK_ID) -> str:
        fields = {
            "auth_algo": head["paypal-auth-algo"],
            "cert_url": head["paypal-cert-url"],
            "transmission_id": head["paypal-transmission-id"],
            "transmission_sig": head["paypal-transmission-sig"],
            "transmission_time": head["paypal-transmission-time"],
            "webhook_id": webhook,
        }
        raw = json.dumps(fields).encode()[:-1] + b', "webhook_event": ' + body + b"}"
        token = result(sim.paypal().execute(_Token())).get("access_token")
        answer = sim.http.post(
            f"{sim.base}/paypal/v1/notifications/verify-webhook-signature",
            content=raw,
            headers={"content-type": "application/json", "authorization": f"Bearer {token}"},
        )
        return str(answer.json()["verification_status"])

    assert verified(letter.body) == "SUCCESS"
    assert verified(letter.body.replace(b"ACTIVE", b"FROZEN")) == "FAILURE"
    assert verified(json.dumps(letter.event).encode()) == "FAILURE"
    assert verified(letter.body, "WEBHOOK_ID") == "FAILURE"


class _Token:
    verb = "POST"
    path = "/v1/oauth2/token"

    def __init__(self) -> None:
        basic = base64.b64encode(b"client:secret").decode()
        self.headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Basic {basic}",
        }
        self.body = {"grant_type": "client_credentials"}


def test_missed_events_are_listed(sim: Gateways) -> None:
    sim.aiko()
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED", "ok"])
    sim.advance("2026-05-21T00:00:00Z")
    path = "/v1/notifications/webhooks-events?start_time=2026-05-16T00:00:00Z&end_time=2026-05-21T00:00:00Z"

    listed = result(sim.paypal().execute(Get(path)))

    assert [event["event_type"] for event in listed["events"]] == ["PAYMENT.SALE.COMPLETED"]
    one = result(sim.paypal().execute(Get(f"/v1/notifications/webhooks-events/{listed['events'][0]['id']}")))
    assert one == listed["events"][0]


def test_the_signed_text_is_the_one_paypal_really_signs(fixtures: Path) -> None:
    checked = 0
    for path in sorted((fixtures / "paypal" / "signed_live_simulator").glob("*.json")):
        sample = json.loads(path.read_text())
        head = sample["headers"]
        name = head["paypal-cert-url"].rsplit("/", 1)[-1]
        (pem,) = (fixtures / "paypal" / "certs").glob(f"{name}*.pem")
        key = x509.load_pem_x509_certificate(pem.read_bytes()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        text = message(
            head["paypal-transmission-id"],
            head["paypal-transmission-time"],
            sample["webhook_id"],
            sample["body_utf8"].encode(),
        )
        key.verify(base64.b64decode(head["paypal-transmission-sig"]), text, padding.PKCS1v15(), SHA256())
        checked += 1
    assert checked >= 5


def _paths(value: Any, prefix: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {prefix}
    return {prefix} | {found for key, child in value.items() for found in _paths(child, f"{prefix}.{key}")}


def test_our_events_have_the_fields_of_real_ones(sim: Gateways, fixtures: Path) -> None:
    sim.aiko()
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED", "ok"])
    sim.advance("2026-05-21T00:00:00Z")
    failed, sale = (letter.event for letter in sim.door.letters)
    folder = fixtures / "paypal"
    signed = json.loads(
        (folder / "signed_live_simulator" / "billing.subscription.payment.failed.json").read_text()
    )
    real_failed = json.loads(signed["body_utf8"])
    real_sale = json.loads(
        (folder / "unsigned" / "payment.sale.completed.subscription-2023-10.json").read_text()
    )

    not_ours = {  # what the sample has that a subscription without an end or an address has not
        ".resource.billing_info.final_payment_time",
        ".resource.billing_info.last_failed_payment.next_payment_retry_date",
        ".resource.billing_info.last_payment",
    }
    missing = {path for path in _paths(real_failed) - _paths(failed) if "shipping_address" not in path}
    assert {path for path in missing if not any(path.startswith(known) for known in not_ours)} == set()
    assert _paths(real_sale) - _paths(sale) == set()


def test_one_value_of_a_json_body_is_cut_out_byte_by_byte() -> None:
    raw = '{"a": [1, {"b": "}"}], "webhook_event" : {"x":"é\\u00e9" , "y":1} , "c":2}'.encode()
    assert segment(raw, "webhook_event") == '{"x":"é\\u00e9" , "y":1}'.encode()
