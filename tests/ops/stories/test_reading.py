"""A story is read as a person writes it, and what cannot be understood names its line and what was expected."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from ops.stories.cast import Cast
from ops.stories.model.acts import Attempt, UpdatesMethod
from ops.stories.model.expectations import AccessExpected
from ops.stories.performing.opening import closure_id
from ops.stories.reader import StoryRefused, read_text
from ops.stories.writing import Amount, parse_day, parse_moment, parse_span
from services.dunning.policies import preset
from shared.errors import Unreadable
from shared.money import Money

PARIS = "Europe/Paris"
TOKYO = "Asia/Tokyo"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-06-01 09:00", PARIS, "2026-06-01T07:00:00+00:00"),
        ("Mon 2026-06-01 09:00:30", PARIS, "2026-06-01T07:00:30+00:00"),
        ("Monday, 2026-06-01T09:00", PARIS, "2026-06-01T07:00:00+00:00"),
        ("2026-06-12T22:00:00Z", TOKYO, "2026-06-12T22:00:00+00:00"),
        ("2026-06-13 00:00 +02:00", TOKYO, "2026-06-12T22:00:00+00:00"),
        ("2026-08-20 12:00 Europe/Paris", TOKYO, "2026-08-20T10:00:00+00:00"),
        ("2026-04-20 25:30", TOKYO, "2026-04-20T16:30:00+00:00"),
        ("2026-06-12 24:00", PARIS, "2026-06-12T22:00:00+00:00"),
        ("2026-06-12", PARIS, "2026-06-11T22:00:00+00:00"),
        ("2026-03-29 02:30", PARIS, "2026-03-29T01:30:00+00:00"),
        ("2026-10-25 02:30", PARIS, "2026-10-25T00:30:00+00:00"),
    ],
)
def test_an_instant_is_read_as_it_is_said(text: str, zone: str, instant: str) -> None:
    assert parse_moment(text).at(zone) == utc(instant)


def test_a_relative_instant_counts_from_what_was_before() -> None:
    before = utc("2026-06-01T07:00:00+00:00")

    assert parse_moment("+5s").at(PARIS, before) == before + timedelta(seconds=5)
    assert parse_moment("+1h 30m").at(PARIS, before) == before + timedelta(minutes=90)


def test_a_relative_instant_needs_something_before_it() -> None:
    with pytest.raises(Unreadable, match="counts from what was before it"):
        parse_moment("+5s").at(PARIS)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "2026-06-01 9h", "Tue 2026-06-01", "2026-06-01 Mars/Base"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_moment(text)


def test_a_wrong_weekday_is_refused_with_the_right_one() -> None:
    with pytest.raises(Unreadable, match="2026-06-01 is a Mon"):
        parse_day("Tue 2026-06-01")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("5s", timedelta(seconds=5)),
        ("48h", timedelta(hours=48)),
        ("1d 2h", timedelta(hours=26)),
        ("PT15M", timedelta(minutes=15)),
        ("P2DT1H", timedelta(hours=49)),
    ],
)
def test_a_length_of_time_is_read_in_both_ways(text: str, length: timedelta) -> None:
    assert parse_span(text).length == length


@pytest.mark.parametrize(
    ("text", "currency", "money"),
    [
        ("75.00 EUR", "JPY", Money(7500, "EUR")),
        ("75", "EUR", Money(7500, "EUR")),
        ("75,00 €", "EUR", Money(7500, "EUR")),
        ("€75", "JPY", Money(7500, "EUR")),
        ("12,800円", "EUR", Money(12800, "JPY")),
        ("¥12,800", "EUR", Money(12800, "JPY")),
        ("12800", "JPY", Money(12800, "JPY")),
        ("1 234,50 EUR", "EUR", Money(123450, "EUR")),
        ("74.99", "EUR", Money(7499, "EUR")),
    ],
)
def test_an_amount_is_read_as_on_a_bill(text: str, currency: str, money: Money) -> None:
    assert Amount.parse(text).money(currency) == money


def test_an_amount_with_too_many_decimals_is_never_rounded() -> None:
    with pytest.raises(Unreadable):
        Amount.parse("12800.50 JPY")


def test_hours_and_the_word_on_stay_what_they_are() -> None:
    read = read_text(
        "story: x\nhappens: {at: 2026-06-01 09:00, attempt: failed}\nexpect: {fact: CaseOpened, on: 2026-06-01}\n",
        file="x.yaml",
    )

    assert read.story.expect[0].on.day == date(2026, 6, 1)  # type: ignore[attr-defined]


def test_one_line_is_told_from_another_by_its_first_word() -> None:
    read = read_text(
        """
story: x
happens:
  - {at: 2026-06-01 09:00, attempt: failed}
  - {at: +5m, learner: updates_method, bank: [insufficient_funds x2, ok]}
expect:
  - {access: full}
""",
        file="x.yaml",
    )
    attempt, update = read.story.happens

    assert isinstance(attempt, Attempt)
    assert isinstance(update, UpdatesMethod)
    assert [(answer.decline, answer.times) for answer in update.bank] == [
        ("insufficient_funds", 2),
        (None, 1),
    ]
    assert isinstance(read.story.expect[0], AccessExpected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("story: x\nscool: {}", "x.yaml:2: scool: there is no key `scool` here: did you mean `school`?"),
        ("story: x\nhappens:\n  - at: 2026-06-41 09:00\n    attempt: failed", "x.yaml:3: happens.0.at: '2026-06-41 09:00' is no"),
        ("story: x\nhappens:\n  - learner: update_method", "x.yaml:3: happens.0: `learner: update_method` is not known: did you"),
        ("story: x\nhappens:\n  - foo: 1", "x.yaml:3: happens.0: a line that begins with one of attempt, at_gateway"),
        ("story: x\nhappens:\n  - attempt: failed\n    amnt: 3", "x.yaml:4: happens.0.amnt: there is no key `amnt` here: did you mean `amount`?"),
        ("story: x\nexpect:\n  - access: total", "x.yaml:3: expect.0.access: 'total' is not known here: write 'full'"),
        ("story: x\nhappens:\n  - attempt: failed\n    arrives: [never, soon]", "x.yaml:4: happens.0.arrives.1: 'soon' is none"),
        ("story: x\nstory: y", "x.yaml:2: `story` stands twice: keep one"),
        ("happens: []", "x.yaml:1: lacks `story`"),
        ("- 1", "x.yaml:1: a story is expected: start with `story: <its title>`"),
        ("story: [", "x.yaml:1: this is no YAML"),
        ("story: a: b", "x.yaml:1: this is no YAML: mapping values are not allowed here"),
        ("story: x\nsubscriptions:\n  a b: {}", "x.yaml:3: subscriptions.a b: an id is expected"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_names_its_line(text: str, problem: str) -> None:
    with pytest.raises(StoryRefused) as refused:
        read_text(text, file="x.yaml")

    assert refused.value.problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        ("{fact: CaseOpend, never: true}", "there is no fact 'CaseOpend': did you mean 'CaseOpened'?"),
        (
            "{fact: CaseOpened, with: {amuont: 1}}",
            "there is no field of CaseOpened 'amuont': did you mean 'amount'?",
        ),
        (
            "{mail: fr.payment_faild}",
            "there is no mail 'fr.payment_faild': did you mean 'fr.payment_failed'?",
        ),
        ("{mails: [fr.suspend]}", "there is no mail 'fr.suspend': did you mean 'fr.suspended'?"),
        ("{order: [CaseOpened, CaseClosd]}", "there is no fact 'CaseClosd': did you mean 'CaseClosed'?"),
        ("{case: retying}", "there is no state of a case 'retying': did you mean 'retrying'?"),
        ("{case: retrying, flags: partial}", "there is no reason 'partial': did you mean 'partial_payment'?"),
        ("{transitions: [T99]}", "there is no transition 'T99'"),
    ],
)
def test_a_misspelt_word_is_refused_because_it_would_never_come(expected: str, problem: str) -> None:
    read = read_text(
        f"story: x\nsubscriptions: {{ada: }}\nstarts: 2026-06-01\nexpect: {expected}\n", file="x.yaml"
    )

    with pytest.raises(StoryRefused) as refused:
        Cast(read)

    assert refused.value.problems[0].startswith(f"x.yaml:4: {problem}")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("subscriptions: {ada: {}, lea: {}}\nhappens: {at: 2026-06-01, attempt: failed}", "x.yaml:3: which subscription?"),
        ("subscriptions: {ada: {}}\nhappens: {at: 2026-06-01, attempt: failed, subscription: bob}", "x.yaml:3: there is no subscription 'bob'"),
        ("subscriptions: {ada: {learner: bob}}\nlearners: {ada: }\nhappens: {at: 2026-06-01, attempt: failed}", None),
        ("subscriptions: {ada: {}}", "x.yaml:1: nothing in this story has a date"),
        ("school: {policy: nowhere}\nstarts: 2026-06-01", "x.yaml:2: there is no policy 'nowhere'"),
        ("school: {set: {attempts.wrong: 1}}\nstarts: 2026-06-01", "x.yaml:2: the policy cannot be used: attempts.wrong:"),
        ("subscriptions: {ada: {price: 12.345}}\nstarts: 2026-06-01", "x.yaml:2: '12.345' is no amount of EUR"),
        ("subscriptions: {ada: {}}\nstarts: 2026-06-01\nexpect: {access: full, who: bob}", "x.yaml:4: there is no learner 'bob'"),
    ],
)  # fmt: skip
def test_a_name_that_nobody_has_is_refused_before_anything_is_played(lines: str, problem: str | None) -> None:
    read = read_text(f"story: x\n{lines}\n", file="x.yaml")
    if problem is None:
        assert set(Cast(read).learners) == {"ada", "bob"}
        return
    with pytest.raises(StoryRefused) as refused:
        Cast(read)

    assert refused.value.problems[0].startswith(problem)


def test_a_whole_policy_in_a_story_may_be_a_policy_file_as_it_stands() -> None:
    text = preset("fixed-offsets").to_yaml().replace("\n", "\n    ")

    cast = Cast(
        read_text(f"story: x\nschool:\n  own_policy:\n    {text}\nstarts: 2026-06-01\n", file="x.yaml")
    )

    assert cast.school().policy.id == "fixed-offsets"


def test_a_whole_policy_that_contradicts_itself_is_refused_with_its_key_and_the_remedy() -> None:
    own = "{id: mine, attempts: {executor: bank}}"
    read = read_text(f"story: x\nschool:\n  own_policy: {own}\nstarts: 2026-06-01\n", file="x.yaml")

    with pytest.raises(StoryRefused) as refused:
        Cast(read)

    assert all(one.startswith("x.yaml:3: the policy cannot be used: ") for one in refused.value.problems)
    assert any("attempts.executor: is 'bank'" in one for one in refused.value.problems)
    assert not any("pydantic" in one for one in refused.value.problems)


def test_a_closure_may_have_a_name_in_any_script() -> None:
    ids = {closure_id(name) for name in ("研修", "創立記念日", "Été", "Pont de l'Ascension", "GW")}

    assert len(ids) == 5
    assert "GW" in ids
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]{1,64}", one) for one in ids)


def test_a_story_begins_the_day_before_and_ends_a_month_after_what_it_names() -> None:
    read = read_text(
        "story: x\nsubscriptions: {ada: }\nhappens: {at: 2026-06-03 09:00, attempt: failed}\n"
        "expect: {access: full, at: 2026-06-10 12:00}\n",
        file="x.yaml",
    )
    cast = Cast(read)

    assert cast.starts == utc("2026-06-02T00:00:00+02:00")
    assert cast.until == utc("2026-07-10T12:00:00+02:00")


def test_what_a_subscription_leaves_out_follows_from_its_school() -> None:
    fr = Cast(read_text("story: x\nsubscriptions: {ada: }\nstarts: 2026-06-01\n", file="x.yaml"))
    jp = Cast(
        read_text(
            "story: x\nschool: {policy: jp-school}\nsubscriptions: {yuki: {billing_day: 15}}\nstarts: 2026-06-01\n",
            file="x.yaml",
        )
    )

    ada, yuki = fr.subscriptions["ada"], jp.subscriptions["yuki"]
    assert (ada.gateway, ada.price, ada.method) == ("stripe", Money(7500, "EUR"), "card")
    assert (yuki.gateway, yuki.price, yuki.method) == ("paypal", Money(12800, "JPY"), "paypal_subscription")
    assert yuki.started_on == date(2026, 2, 15)
    assert yuki.learner.language == "ja"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{at: 9999-12-31 09:00, attempt: failed}", "'9999-12-31 09:00' lies too far away"),
        ("{at: 0001-01-01 09:00, attempt: failed}", "'0001-01-01 09:00' lies too far away"),
        ("{at: 2026-06-01 09:00 +25:00, attempt: failed}", "has an offset that no zone has"),
        ("{at: +99999999999d, attempt: failed}", "is longer than any story"),
        ("{at: 2026-06-01 09:00, attempt: failed, arrives: +P99999D}", "is longer than any story"),
    ],
)  # fmt: skip
def test_an_instant_that_nobody_lives_to_see_is_refused_with_its_line(line: str, problem: str) -> None:
    with pytest.raises(StoryRefused) as refused:
        read_text(f"story: x\nsubscriptions: {{ada: }}\nhappens: {line}\n", file="x.yaml")

    assert any(one.startswith("x.yaml:3: ") and problem in one for one in refused.value.problems)


def test_spans_that_add_up_to_more_than_can_be_told_are_refused_with_their_line() -> None:
    lines = ["  - {at: Mon 2026-06-01 09:00, attempt: failed}", *["  - {at: +36000d, learner: logs_in}"] * 90]
    read = read_text("\n".join(["story: x", "subscriptions: {ada: }", "happens:", *lines]), file="x.yaml")

    with pytest.raises(StoryRefused) as refused:
        Cast(read)

    assert refused.value.problems[0].startswith("x.yaml:6: '+36000d' leads too far away")
