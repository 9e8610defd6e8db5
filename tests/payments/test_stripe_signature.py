"""Whoever is not Stripe, or not of now, is turned away at the door with the reason; nothing crashes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from services.payments.gateways.stripe.verify import verify
from shared.errors import Refused
from tests.payments.conftest import JUNE_1, SECRET, stripe_event, stripe_signature

BODY = stripe_event("invoice.payment_failed", {"id": "in_1", "object": "invoice"})
NEW_SECRET = "whsec_new"
GOOD = stripe_signature(BODY, JUNE_1)


def check(header: str | None, body: bytes = BODY, *, secrets: tuple[str, ...] = (SECRET,)) -> str:
    arrived = verify(header, body, secrets=[secret.encode() for secret in secrets], now=JUNE_1)
    return arrived.dedupe_key


def refusal(header: str | None, body: bytes = BODY) -> str:
    with pytest.raises(Refused) as refused:
        check(header, body)
    assert refused.value.status == 400
    return str(refused.value)


def test_a_genuine_event_is_known_by_its_id() -> None:
    assert check(GOOD) == "stripe:evt_1"


def test_two_secrets_are_good_while_one_replaces_the_other() -> None:
    old, new = stripe_signature(BODY, JUNE_1), stripe_signature(BODY, JUNE_1, secret=NEW_SECRET)

    assert check(old, secrets=(SECRET, NEW_SECRET)) == "stripe:evt_1"
    assert check(new, secrets=(SECRET, NEW_SECRET)) == "stripe:evt_1"


def test_several_signatures_in_one_header_need_one_that_fits() -> None:
    other = stripe_signature(BODY, JUNE_1, secret="whsec_other").split(",")[1]

    assert check(f"{GOOD.split(',')[0]},{other},{GOOD.split(',')[1]}") == "stripe:evt_1"


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_of_difference_are_borne_on_both_sides(seconds: int) -> None:
    assert check(stripe_signature(BODY, JUNE_1 + timedelta(seconds=seconds))) == "stripe:evt_1"


@pytest.mark.parametrize(
    ("seconds", "why"), [(-301, "301 s ago"), (301, "in the future"), (31_536_000, "in the future")]
)
def test_what_is_too_old_or_of_tomorrow_is_refused(seconds: int, why: str) -> None:
    assert why in refusal(stripe_signature(BODY, JUNE_1 + timedelta(seconds=seconds)))


MUTATIONS = {
    "no header": (None, BODY),
    "empty header": ("", BODY),
    "v0 only": (stripe_signature(BODY, JUNE_1, scheme="v0"), BODY),
    "no timestamp": (GOOD.split(",")[1], BODY),
    "two timestamps": (f"{GOOD},t=1", BODY),
    "a timestamp that is no number": (GOOD.replace("t=1", "t=x1"), BODY),
    "a negative timestamp": (GOOD.replace("t=", "t=-"), BODY),
    "another secret": (stripe_signature(BODY, JUNE_1, secret="whsec_other"), BODY),
    "a signature cut short": (GOOD[:-1], BODY),
    "an empty signature": (GOOD.split("v1=", maxsplit=1)[0] + "v1=", BODY),
    "letters outside ASCII": (GOOD.split("v1=", maxsplit=1)[0] + "v1=é", BODY),
    "digits outside ASCII": (GOOD.replace("t=1", "t=²"), BODY),
    "one bit of the body": (GOOD, BODY[:-2] + bytes([BODY[-2] ^ 1]) + BODY[-1:]),
    "the same JSON written anew": (GOOD, json.dumps(json.loads(BODY)).encode()),
    "an empty body": (GOOD, b""),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_mutation_is_refused_in_words(name: str) -> None:
    assert refusal(*MUTATIONS[name]).startswith("we could not accept the webhook because")


@pytest.mark.parametrize("bit", range(0, 8 * 64, 37))
def test_any_bit_of_the_signature_counts(bit: int) -> None:
    start, digest = GOOD.split("v1=")
    raw = bytearray.fromhex(digest)
    raw[(bit // 8) % len(raw)] ^= 1 << (bit % 8)

    assert "no v1 signature fits" in refusal(f"{start}v1={raw.hex()}")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"id": "\xff"}', "not UTF-8"),
        (b"hello", "not JSON"),
        (b'{"id": "evt_1", "type": "x"', "not JSON"),
        (b'{"id": "evt_1", "object": "event", "data": nonsense, "type": "invoice.paid"}', "not JSON"),
        (b'["evt_1"]', "no object"),
        (b'"evt_1"', "no object"),
        (b"", "not JSON"),
    ],
)
def test_rightly_signed_nonsense_is_refused_and_never_crashes(body: bytes, why: str) -> None:
    assert why in refusal(stripe_signature(body, JUNE_1), body)


def test_a_rightly_signed_object_that_is_no_event_is_kept_under_its_own_bytes() -> None:
    body = b'{"object": {"id": "in_1"}, "previous_attributes": null}'

    first = check(stripe_signature(body, JUNE_1), body)

    assert first.startswith("stripe:")
    assert first == check(stripe_signature(body, JUNE_1), body)
