"""A state built anew takes what came from outside after whatever asked for it, however it was written down."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from ops.replay.edges import EDGES
from ops.replay.past import Past, Told
from ops.replay.rebuilding import in_one_order
from services.notifications.app import SERVICE
from shared.events import Envelope, Fact, dunning, notifications
from shared.events.wire import to_bytes, wrap
from shared.events.words import Template

NOON = datetime(2026, 4, 17, 12, 20, tzinfo=UTC)
CASE = "ada~2026-04-15"
ABOUT: dict[str, Any] = {
    "school_id": "ecole",
    "occurred_at": NOON,
    "learner_id": "ada",
    "case_id": CASE,
}


def told(fact: Fact, seq: int, cause: str | None = None) -> Told:
    envelope = wrap(fact, cause=cause, recorded_at=NOON)
    return Told(envelope=envelope, value=to_bytes(envelope), at=NOON, seq=seq, told=True)


def asked(template: Template) -> Envelope:
    fact = dunning.MailRequested(
        **ABOUT, subscription_id="ada", period=date(2026, 4, 15), template=template, data={}
    )
    return wrap(fact, cause=None, recorded_at=NOON)


def left(template: Template, seq: int) -> Told:
    fact = notifications.MailSent(
        **ABOUT, mail_id=f"{CASE}/{template}/1", template=template, language="fr", message_id=f"<{seq}@x>"
    )
    return told(fact, seq, cause=asked(template).id)


def test_two_mails_of_one_instant_that_left_in_the_other_order_were_asked_for_before() -> None:
    first, second = Template.FR_METHOD_UPDATED, Template.FR_RECOVERED
    heard = [
        (NOON, Told(envelope=one, value=to_bytes(one), at=NOON, seq=seq, told=True))
        for seq, one in enumerate((asked(first), asked(second)))
    ]
    past = Past(
        service=SERVICE,
        now=NOON,
        heard=heard,
        lost=[],
        aside=0,
        own=[left(second, 10), left(first, 11)],
        rows={table.name: {} for table in SERVICE.tables},
        errands=set(),
        since=None,
    )

    order = [one.envelope.id for _, _, one in in_one_order(past, EDGES["notifications"])]

    for template, seq in ((first, 11), (second, 10)):
        assert order.index(asked(template).id) < order.index(left(template, seq).envelope.id)
