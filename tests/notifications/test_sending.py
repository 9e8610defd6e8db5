"""A provider that is away, loses its answer or refuses; a process that dies: one mail, and never a stale one."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest

from services.notifications.memory import Fault, Mailbox, memory_hands
from services.notifications.sending import Sender, message_id_of
from shared.errands import LEASE
from shared.events import notifications
from shared.events.wire import wrap
from shared.events.words import CaseState, Template
from tests.notifications.conftest import HANA, Said, Town, jst

T = Template
EVENING = jst("2026-04-15 20:10")


async def test_a_provider_that_was_away_gets_the_mail_once(town: Town) -> None:
    """X-31: down until Thursday 15:00, in time for the target of Friday 24:00."""
    said = Said()
    town.mailbox.away = True
    await town.asks(said, T.JP_PAYMENT_FAILED, EVENING, due_at=jst("2026-04-18 00:00"))
    await town.lives_until(jst("2026-04-16 15:00"))
    town.mailbox.away = False
    await town.lives_until(jst("2026-04-20 00:00"))
    (arrival,) = town.arrivals()
    assert jst("2026-04-16 15:00") <= arrival[1] <= jst("2026-04-16 15:15")
    assert town.said(notifications.NoticeOverdue) == []
    assert [fact.because for fact in town.said(notifications.MailDeferred)] == ["provider_down"]


async def test_a_mail_that_became_stale_while_the_provider_was_away_never_leaves(town: Town) -> None:
    said = Said()
    town.mailbox.away = True
    await town.asks(said, T.JP_PAYMENT_FAILED, EVENING)
    await town.lives_until(jst("2026-04-20 19:30"))
    at = jst("2026-04-20 19:40")
    await town.hears(said.recovered(at), said.asks(T.JP_RECOVERED, at), at=at)
    town.mailbox.away = False
    await town.lives_until(jst("2026-04-21 12:00"))
    assert [template for template, _ in town.arrivals()] == ["jp.recovered"]


async def test_a_mail_under_way_is_recalled_when_it_becomes_stale(town: Town) -> None:
    """The recovery is heard between the decision to send and the sending."""
    said = Said()
    at = EVENING
    await town.lives_until(at)
    line = town.line
    for fact in (
        said.asks(T.JP_PAYMENT_FAILED, at),
        said.recovered(at),
        said.closed(at, CaseState.RECOVERED),
    ):
        await line.deliver(wrap(fact, cause=None, recorded_at=at))
    await line.settle()
    assert town.arrivals() == []
    assert town.dropped == [("jp.payment_failed", "obsolete", "recovered")]


async def test_midnight_before_a_closed_day_holds_a_mail_that_was_about_to_leave(town: Town) -> None:
    """Decided on Friday 23:59:59; when its turn comes it is Saturday."""
    said = Said()
    await town.lives_until(jst("2026-06-19 23:59"))

    fact = said.asks(T.JP_PAYMENT_FAILED, jst("2026-06-19 23:59"))
    await town.line.deliver(wrap(fact, cause=None, recorded_at=town.clock.now()))
    town.clock.move_to(jst("2026-06-20 00:00"))
    await town.lives_until(jst("2026-06-23 00:00"))
    assert town.arrivals() == [("jp.payment_failed", jst("2026-06-22 10:00"))]


@pytest.mark.parametrize(("fault", "arrives"), [("lost_after", 1), ("lost_before", 1)])
async def test_a_lost_answer_is_asked_for_before_sending_again(
    town: Town, fault: Fault, arrives: int
) -> None:
    said = Said()
    town.mailbox.faults = [fault]
    await town.asks(said, T.JP_PAYMENT_FAILED, EVENING)
    await town.lives_until(jst("2026-04-15 21:00"))
    assert len(town.mailbox.received) == arrives
    mail = await town.mail(said, T.JP_PAYMENT_FAILED)
    assert mail["status"] == "sent"
    assert mail["because"] == ("found" if fault == "lost_after" else "")


async def test_a_provider_that_cannot_tell_gets_the_same_message_id_again(town: Town) -> None:
    """docs/decisions/0005: better the same mail twice, which mail programs fold, than none."""
    town.mailbox.can_tell = False
    town.mailbox.faults = ["lost_after"]
    await town.asks(Said(), T.JP_PAYMENT_FAILED, EVENING)
    await town.lives_until(jst("2026-04-15 21:00"))
    assert len(town.mailbox.received) == 2
    assert len({letter.message_id for letter in town.mailbox.received}) == 1


async def test_a_process_that_died_after_sending_does_not_send_again(town: Town) -> None:
    """The errand is taken up under a new lease; the mailbox is asked first."""
    said = Said()
    await town.lives_until(EVENING)
    store = town.line.stores["notifications"]

    fact = said.asks(T.JP_PAYMENT_FAILED, EVENING)
    await town.line.deliver(wrap(fact, cause=None, recorded_at=EVENING))
    (errand,) = await store.claim_errands(EVENING, limit=1, lease=LEASE)
    doing = town.line.services["notifications"].errands["send"]
    await doing.run(errand, town.line.hands["notifications"], EVENING)  # and here the process dies

    town.clock.move_to(EVENING + LEASE + timedelta(seconds=1))
    await town.line.settle()
    assert len(town.mailbox.received) == 1
    assert (await town.mail(said, T.JP_PAYMENT_FAILED))["status"] == "sent"


async def test_an_address_that_does_not_exist_is_a_visible_failure_that_staff_can_mend(town: Town) -> None:
    said = Said()
    town.mailbox.refuses = {HANA}
    await town.asks(said, T.JP_PAYMENT_FAILED, EVENING)
    failed = town.said(notifications.MailFailed)
    assert [(fact.attempt, fact.because.startswith("550")) for fact in failed] == [(1, True)]
    outbox = (await town.http.get("/outbox", params={"school_id": said.school})).json()
    assert [mail["status"] for mail in outbox["stuck"]] == ["failed"]

    await town.knows(
        "hana", said.school, "hana2@example.org", language="ja", zone="Asia/Tokyo", name="佐藤 花子"
    )
    assert town.arrivals("hana2@example.org") == []
    act = {"mail_id": said.mail_id(T.JP_PAYMENT_FAILED), "by": "mori", "reason": "address corrected by phone"}
    assert (await town.http.post("/mails/release", json=act)).is_success
    await town.line.settle()
    assert town.arrivals("hana2@example.org") == [("jp.payment_failed", EVENING)]


async def test_a_mail_that_cannot_be_written_is_a_visible_failure(town: Town) -> None:
    said = Said()
    await town.asks(said, T.JP_PAYMENT_FAILED, EVENING, data={"amount": "twelve thousand"})
    mail = await town.mail(said, T.JP_PAYMENT_FAILED)
    assert mail["status"] == "failed"
    assert "could not be written" in mail["because"]


def test_a_mail_keeps_one_message_id_for_life() -> None:
    sender = Sender(address="no-reply@school.example")
    one = message_id_of("sub-hana~2026-04-15/jp.payment_failed/1", sender)
    assert one == message_id_of("sub-hana~2026-04-15/jp.payment_failed/1", sender)
    assert one != message_id_of("sub-hana~2026-04-15/jp.payment_failed/2", sender)
    assert one.endswith("@school.example>")


class Watched(Mailbox):
    """A mailbox that keeps the messages themselves."""

    async def deliver(self, message: EmailMessage) -> None:
        seen.append(message)
        await super().deliver(message)


seen: list[EmailMessage] = []


async def test_headers_say_that_a_robot_wrote_and_who_answers(town: Town) -> None:
    town.line.hands["notifications"] = memory_hands(town.line.transactions("notifications"), Watched())
    await town.asks(Said(), T.JP_PAYMENT_FAILED, EVENING)
    message = seen[-1]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "ja"
    assert message["Reply-To"].addresses[0].addr_spec == "office@hibari.example"
    assert message["From"].addresses[0].display_name == "ひばりオンライン語学院"
    assert message["To"].addresses[0].display_name == "佐藤 花子"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
