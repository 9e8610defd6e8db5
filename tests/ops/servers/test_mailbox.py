from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.servers import mailbox as local
from ops.servers.mailbox import Mailbox
from ops.servers.mailbox.store import Store


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Mailbox]:
    started = local.start(tmp_path / "mailbox")
    yield started
    now = local.running(started.folder)
    if now is not None:
        now.stop()


def mail(to: str, subject: str, *, message_id: str = "", html: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "school@example.org", to, subject
    message["Date"] = "Wed, 15 Apr 2026 09:00:00 +0900"
    if message_id:
        message["Message-ID"] = f"<{message_id}>"
    message.set_content("Bonjour Ada, l'échéance est passée.\n")
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


def send(box: Mailbox, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", box.smtp_port, timeout=10) as smtp:
        smtp.send_message(message)


def ask(box: Mailbox, path: str, **params: str | int) -> Any:
    answer = httpx.get(f"{box.url}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fail(box: Mailbox, **how: Any) -> None:
    httpx.post(f"{box.url}/_fail", json=how).raise_for_status()


def test_a_mail_that_was_sent_can_be_read(box: Mailbox) -> None:
    send(
        box,
        mail(
            "ada@example.org", "お支払いのお願い — l'été", message_id="case-1@school", html="<p>Bonjour</p>"
        ),
    )

    read = ask(box, "/messages/1")

    assert read["to"] == ["ada@example.org"]
    assert read["subject"] == "お支払いのお願い — l'été"
    assert read["message_id"] == "case-1@school"
    assert read["text"] == "Bonjour Ada, l'échéance est passée.\n"
    assert read["html"].strip() == "<p>Bonjour</p>"
    assert ["Date", "Wed, 15 Apr 2026 09:00:00 +0900"] in read["headers"]


def test_mails_are_found_by_recipient_message_id_and_subject(box: Mailbox) -> None:
    send(box, mail("ada@example.org", "Your payment failed", message_id="one@school"))
    send(box, mail("Ken@Example.org", "Thank you", message_id="two@school"))

    def ids(**params: str | int) -> list[int]:
        return [entry["id"] for entry in ask(box, "/messages", **params)["messages"]]

    assert ids() == [1, 2]
    assert ids(to="ken@example.org") == [2]
    assert ids(message_id="<one@school>") == [1]
    assert ids(subject="thank") == [2]
    assert ids(after=1) == [2]
    assert ids(to="nobody@example.org") == []


def test_a_second_delivery_of_the_same_mail_is_counted(box: Mailbox) -> None:
    for message_id in ("one@school", "two@school", "one@school"):
        send(box, mail("ada@example.org", "Your payment failed", message_id=message_id))

    counts = ask(box, "/_counts")

    assert counts["deliveries"] == 3
    assert counts["distinct"] == 2
    assert counts["duplicates"] == {"one@school": 2}


def test_a_mail_to_several_people_is_one_delivery_that_each_of_them_finds(box: Mailbox) -> None:
    send(box, mail("ada@example.org, ken@example.org", "Hello"))

    assert ask(box, "/_counts")["deliveries"] == 1
    assert ask(box, "/messages", to="ken@example.org")["total"] == 1


def test_what_was_accepted_survives_kill_minus_9_at_the_same_ports(box: Mailbox) -> None:
    send(box, mail("ada@example.org", "Before", message_id="one@school"))
    box.crash()

    again = local.start(box.folder)

    assert (again.smtp_port, again.http_port) == (box.smtp_port, box.http_port)
    send(again, mail("ada@example.org", "After", message_id="one@school"))
    assert [entry["subject"] for entry in ask(again, "/messages")["messages"]] == ["Before", "After"]
    assert ask(again, "/_counts")["duplicates"] == {"one@school": 2}


def test_starting_twice_takes_up_the_running_mailbox(box: Mailbox) -> None:
    assert local.start(box.folder) == box


def test_it_refuses_as_often_as_it_was_asked_to_and_keeps_nothing(box: Mailbox) -> None:
    fail(box, until=2)

    for _ in range(2):
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(box, mail("ada@example.org", "Your payment failed"))
        assert refused.value.smtp_code == 451
    send(box, mail("ada@example.org", "Your payment failed"))

    assert ask(box, "/_counts") == {
        "deliveries": 1,
        "distinct": 1,
        "without_message_id": 1,
        "duplicates": {},
        "refused": 2,
    }


def test_it_refuses_until_it_is_told_to_stop(box: Mailbox) -> None:
    fail(box, until=True, code=421)
    for _ in range(3):
        with pytest.raises(smtplib.SMTPException):
            send(box, mail("ada@example.org", "Never"))

    fail(box, until=False)
    send(box, mail("ada@example.org", "At last"))

    assert [entry["subject"] for entry in ask(box, "/messages")["messages"]] == ["At last"]


def test_one_persons_address_can_be_unknown(box: Mailbox) -> None:
    fail(box, until=True, at="rcpt", code=550, to="gone@example.org")

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(box, mail("gone@example.org", "Hello"))
    send(box, mail("ada@example.org", "Hello"))

    assert refused.value.recipients["gone@example.org"][0] == 550
    assert ask(box, "/_counts")["deliveries"] == 1


def test_it_can_keep_a_mail_and_hang_up_before_saying_so(box: Mailbox) -> None:
    fail(box, until=1, at="after")

    with pytest.raises((smtplib.SMTPException, OSError)):
        send(box, mail("ada@example.org", "Did it arrive?"))

    assert ask(box, "/_counts")["deliveries"] == 1


def test_an_impossible_failure_is_refused_with_a_reason(box: Mailbox) -> None:
    answer = httpx.post(f"{box.url}/_fail", json={"until": 1, "code": 250})

    assert answer.status_code == 400
    assert "we could not fail as asked because" in answer.json()["error"]


def test_the_shared_mailbox_is_empty_and_willing_at_each_test(mailbox: Mailbox) -> None:
    fail(mailbox, until=True)
    mailbox.clear()

    send(mailbox, mail("ada@example.org", "Only one"))

    assert ask(mailbox, "/_counts")["deliveries"] == 1


def test_clearing_forgets_every_mail_and_ids_go_on(box: Mailbox) -> None:
    send(box, mail("ada@example.org", "Old"))

    assert httpx.delete(f"{box.url}/messages").json() == {"forgotten": 1}
    send(box, mail("ada@example.org", "New"))

    assert [(entry["id"], entry["subject"]) for entry in ask(box, "/messages")["messages"]] == [(2, "New")]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/messages/9", 404),
        ("/read/9", 404),
        ("/messages/9/raw", 404),
        ("/messages?after=x", 400),
        ("/x", 404),
    ],
)
def test_what_is_not_there_is_refused_without_a_traceback(box: Mailbox, path: str, status: int) -> None:
    answer = httpx.get(f"{box.url}{path}")

    assert answer.status_code == status
    assert "error" in answer.json()
    assert "Traceback" not in (box.folder / "mailbox.log").read_text()


def test_people_read_mails_on_a_page_where_a_mails_script_does_nothing(box: Mailbox) -> None:
    send(box, mail("ada@example.org", "<b>Bold</b>", html="<script>alert(1)</script><p>Bonjour</p>"))

    listed, page = httpx.get(f"{box.url}/"), httpx.get(f"{box.url}/read/1")
    frame = httpx.get(f"{box.url}/messages/1/html")

    assert "&lt;b&gt;Bold&lt;/b&gt;" in listed.text
    assert '<iframe title="The mail" sandbox src="/messages/1/html">' in page.text
    assert "échéance" in page.text
    assert "default-src 'none'" in frame.headers["content-security-policy"]
    assert "<p>Bonjour</p>" in frame.text


def test_a_line_half_written_when_the_power_went_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "deliveries.jsonl"
    with Store(path) as store:
        store.accept("school@example.org", ["ada@example.org"], mail("ada@example.org", "Whole").as_bytes())
    with path.open("ab") as file:
        file.write(b'{"id": 2, "at": "2026-0')

    with Store(path) as store:
        store.accept("school@example.org", ["ada@example.org"], mail("ada@example.org", "Next").as_bytes())
    with Store(path) as store:
        assert [(entry.id, entry.subject) for entry in store.search()] == [(1, "Whole"), (2, "Next")]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe no header at all",
        b"Subject: =?utf-8?q?=ff=fe?=\r\nMessage-ID: <<<>\r\nDate: never\r\n\r\n\xe9",
        b"Content-Type: text/plain; charset=unheard-of\r\nSubject: x\r\n\r\nbody\xff",
    ],
)
def test_a_malformed_mail_is_kept_byte_for_byte_and_can_be_listed(tmp_path: Path, raw: bytes) -> None:
    with Store(tmp_path / "deliveries.jsonl") as store:
        kept = store.accept("", ["ada@example.org"], raw)

        assert store.raw(kept) == raw
        assert store.search(to="ada@example.org") == [kept]
        assert kept.summary()["size"] == len(raw)
