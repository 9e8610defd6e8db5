"""PayPal's signature: RSA over ``transmission id|time|webhook id|crc32(body)``, and its verification."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from ops.simulators.clock import zulu
from ops.simulators.paypal.errors import malformed
from ops.simulators.paypal.pki import Authority
from ops.simulators.store import Json
from ops.simulators.webhooks.sender import Letter
from ops.simulators.world import World

CERT_MODES = ("good", "expired_cert", "wrong_name", "self_signed", "unknown_root")
_SHIFTS = {"stale": timedelta(days=-1), "future": timedelta(days=1)}


def generation(world: World) -> int:
    """The signing key in use; rotation raises it."""
    return int((world.store.get("meta", "paypal_generation") or {"value": 1})["value"])


def rotate(world: World) -> None:
    """Sign with a new key and certificate from now on."""
    world.store.put("meta", "paypal_generation", {"value": generation(world) + 1})


def message(transmission: str, time: str, webhook: str, body: bytes) -> bytes:
    """What is signed."""
    return f"{transmission}|{time}|{webhook}|{zlib.crc32(body)}".encode()


class Signer:
    """Signs deliveries and answers verify-webhook-signature."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def sign(self, world: World, endpoint: Json, event: Json, delivery: Json) -> Letter:
        """Headers and body of one try. Automatic retries repeat the first try's id and time, unless the
        endpoint says ``retry_transmission: new``; a resend gets new ones.
        """
        body: bytes = event["raw"].encode()
        mode = delivery["signature"]
        fresh = endpoint.get("retry_transmission") == "new" and delivery["attempts"] > 1
        if fresh:
            delivery["transmission"] = world.ids.transmission()
        if delivery["transmission_time"] is None or fresh:
            at = world.clock.reading() + _SHIFTS.get(mode, timedelta(0))
            delivery["transmission_time"] = zulu(at)
        number = generation(world)
        cert_mode = mode if mode in CERT_MODES else "good"
        cert = self._authority.cert_id(cert_mode, number)
        base = endpoint.get("cert_base") or f"{world.settings.base_url}/paypal"
        if mode == "foreign_host":
            base = "https://certificates.example.com"
        webhook = "ANOTHER-WEBHOOK-ID" if mode == "wrong_webhook_id" else endpoint["webhook_id"]
        signed = b"something else" if mode == "bad" else body
        text = message(delivery["transmission"], delivery["transmission_time"], webhook, signed)
        signature = self._authority.leaf_key(number).sign(text, padding.PKCS1v15(), SHA256())
        headers = {
            "accept": "*/*",
            "content-type": "application/json",
            "user-agent": "PayPal/AUHD-214.0-58391792",
            "paypal-transmission-id": delivery["transmission"],
            "paypal-transmission-time": delivery["transmission_time"],
            "paypal-transmission-sig": base64.b64encode(signature).decode(),
            "paypal-auth-version": "v2",
            "paypal-cert-url": f"{base}/v1/notifications/certs/{cert}",
            "paypal-auth-algo": "SHA256withRSA",
        }
        if mode == "none":
            del headers["paypal-transmission-sig"]
        if mode == "mutated":
            body = body.replace(b'"event_version":"1.0"', b'"event_version":"1.1"', 1)
        return headers, body

    def certificate(self, world: World, key: str) -> bytes | None:
        """The leaf behind a certificate address: never the chain, as at PayPal."""
        for number in range(1, generation(world) + 1):
            for mode in CERT_MODES:
                if self._authority.cert_id(mode, number) == key:
                    return self._authority.leaf_pem(mode, number)
        return None

    def verifies(self, world: World, raw: bytes) -> bool:
        """Whether a verify-webhook-signature body is about a genuine transmission of ours."""
        body = json.loads(raw)
        names = ("transmission_id", "transmission_time", "transmission_sig", "cert_url", "webhook_id")
        for name in names:
            if not isinstance(body.get(name), str):
                raise malformed(name)
        known = {endpoint["webhook_id"] for endpoint in world.outbox.endpoints("paypal")}
        pem = self.certificate(world, body["cert_url"].rsplit("/", 1)[-1])
        if pem is None or body["webhook_id"] not in known or body["webhook_id"] == "WEBHOOK_ID":
            return False
        key = x509.load_pem_x509_certificate(pem).public_key()
        event = segment(raw, "webhook_event")
        text = message(body["transmission_id"], body["transmission_time"], body["webhook_id"], event)
        try:
            signature = base64.b64decode(body["transmission_sig"], validate=True)
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, text, padding.PKCS1v15(), SHA256())
                return True
        except (InvalidSignature, ValueError):
            return False
        return False


def segment(raw: bytes, name: str) -> bytes:
    """The bytes of one top-level value of a JSON object, exactly as they were sent."""
    text = raw.decode()
    decoder = json.JSONDecoder()
    at = text.index("{") + 1
    while True:
        at = _skip(text, at)
        key, at = decoder.raw_decode(text, at)
        at = _skip(text, text.index(":", at) + 1)
        _, end = decoder.raw_decode(text, at)
        if key == name:
            return text[at:end].encode()
        at = _skip(text, end)
        if text[at] != ",":
            raise malformed(name)
        at += 1


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
