"""One budget per card, dated, with the reason in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared import networks
from shared.money import Money
from shared.networks import Allowed, Initiator, Never, Tried, WaitUntil, network_verdict
from shared.reason_words import tell

PRICE = Money(7500, "EUR")
START = datetime(2026, 6, 1, 7, tzinfo=UTC)


def declined(
    day: float,
    code: str | None = None,
    advice: str | None = None,
    *,
    by: Initiator = "merchant",
    amount: Money = PRICE,
) -> Tried:
    at = START + timedelta(days=day)
    return Tried(at=at, amount=amount, declined=True, network_code=code, advice_code=advice, by=by)


def approved(day: float) -> Tried:
    return Tried(at=START + timedelta(days=day), amount=PRICE, declined=False, approved=True)


def test_a_new_card_may_be_tried() -> None:
    verdict = network_verdict([], network="visa", at=START, amount=PRICE)

    assert isinstance(verdict, Allowed)
    assert verdict.because.value("used") == 0


def test_the_whole_french_procedure_stays_allowed_on_one_card() -> None:
    history = [declined(day, "51") for day in range(11)]

    for network in ("visa", "mastercard", None):
        assert isinstance(
            network_verdict(history, network=network, at=START + timedelta(days=16), amount=PRICE), Allowed
        )


def test_a_full_budget_waits_until_the_oldest_refusal_leaves_the_window() -> None:
    history = [declined(day, "51") for day in range(15)]
    verdict = network_verdict(history, network="visa", at=START + timedelta(days=15), amount=PRICE)

    assert isinstance(verdict, WaitUntil)
    assert verdict.at == START + timedelta(days=30)
    assert isinstance(network_verdict(history, network="visa", at=verdict.at, amount=PRICE), Allowed)


def test_attempts_of_every_origin_count_against_mastercards_day() -> None:
    origins: tuple[Initiator, ...] = ("merchant", "learner")
    history = [declined(0.01 * n, "51", by=origins[n % 2], amount=Money(7500 + n, "EUR")) for n in range(10)]
    verdict = network_verdict(history, network="mastercard", at=START + timedelta(hours=3), amount=PRICE)

    assert isinstance(verdict, WaitUntil)
    assert verdict.at == START + timedelta(hours=24)
    assert verdict.because.value("rule") == "mastercard_24_hours"


def test_visa_counts_the_learners_own_attempts_apart() -> None:
    history = [declined(day, "51") for day in range(15)]
    verdict = network_verdict(
        history, network="visa", at=START + timedelta(days=15), amount=PRICE, by="learner"
    )

    assert isinstance(verdict, Allowed)


def test_another_amount_has_a_budget_of_its_own_at_visa() -> None:
    history = [declined(day, "51") for day in range(15)]
    at = START + timedelta(days=15)

    assert isinstance(network_verdict(history, network="visa", at=at, amount=Money(7600, "EUR")), Allowed)


def test_an_unknown_network_keeps_to_the_strictest_budget() -> None:
    history = [declined(day, "51") for day in range(15)]

    assert isinstance(
        network_verdict(history, network=None, at=START + timedelta(days=15), amount=PRICE), WaitUntil
    )


@pytest.mark.parametrize(
    ("advice", "wait"),
    [
        ("24", timedelta(hours=1)),
        ("25", timedelta(days=1)),
        ("26", timedelta(days=2)),
        ("27", timedelta(days=4)),
        ("28", timedelta(days=6)),
        ("29", timedelta(days=8)),
        ("30", timedelta(days=10)),
    ],
)
def test_the_wait_that_an_advice_code_asks_for_is_kept(advice: str, wait: timedelta) -> None:
    history = [declined(0, "51", advice)]
    verdict = network_verdict(history, network="mastercard", at=START + timedelta(minutes=1), amount=PRICE)

    assert isinstance(verdict, WaitUntil)
    assert verdict.at == START + wait
    assert isinstance(network_verdict(history, network="mastercard", at=START + wait, amount=PRICE), Allowed)


def test_a_learner_who_pays_himself_does_not_wait_for_an_advice_code() -> None:
    history = [declined(0, "51", "30")]

    verdict = network_verdict(
        history, network="mastercard", at=START + timedelta(hours=1), amount=PRICE, by="learner"
    )
    assert isinstance(verdict, Allowed)


@pytest.mark.parametrize(
    ("network", "code", "advice"),
    [
        ("visa", "43", None),
        ("visa", "12", None),
        ("mastercard", None, "03"),
        ("mastercard", "41", None),
        (None, None, "22"),
    ],
)
def test_a_card_that_is_gone_is_never_tried_again(
    network: str | None, code: str | None, advice: str | None
) -> None:
    for by in ("merchant", "learner"):
        verdict = network_verdict(
            [declined(0, code, advice)],
            network=network,
            at=START + timedelta(days=300),
            amount=PRICE,
            by="learner" if by == "learner" else "merchant",
        )

        assert isinstance(verdict, Never)
        assert verdict.lifted_by == "another_card"


@pytest.mark.parametrize(("network", "code", "advice"), [("visa", "R1", None), ("mastercard", None, "21")])
def test_a_stopped_mandate_is_renewed_by_the_learner_and_by_nobody_else(
    network: str, code: str | None, advice: str | None
) -> None:
    history = [declined(0, code, advice)]
    at = START + timedelta(days=1)

    ours = network_verdict(history, network=network, at=at, amount=PRICE)
    theirs = network_verdict(history, network=network, at=at, amount=PRICE, by="learner")
    assert isinstance(ours, Never)
    assert ours.lifted_by == "learner_present"
    assert isinstance(theirs, Allowed)


def test_an_approval_ends_what_a_refusal_forbade() -> None:
    history = [declined(0, "43"), declined(0, None, "30"), approved(1)]

    assert isinstance(
        network_verdict(history, network="visa", at=START + timedelta(days=2), amount=PRICE), Allowed
    )


def test_rules_hold_from_their_day_on() -> None:
    before = Tried(at=datetime(2026, 10, 24, 12, tzinfo=UTC), amount=PRICE, declined=True, network_code="57")
    after = Tried(at=datetime(2026, 10, 25, 12, tzinfo=UTC), amount=PRICE, declined=True, network_code="57")
    at = datetime(2026, 11, 20, tzinfo=UTC)

    assert isinstance(network_verdict([before], network="visa", at=at, amount=PRICE), Allowed)
    assert isinstance(network_verdict([after], network="visa", at=at, amount=PRICE), Never)


def test_the_figures_are_data_and_may_be_replaced() -> None:
    data = yaml.safe_load(
        """
        as_of: "2027-01-01"
        budgets:
          - {rule: mine, network: visa, window: P7D, per: [], apart_by_initiator: false,
             limits: [{published: 9, applied: 9}, {from: "2026-06-03", published: 2, applied: 2}]}
        codes: []
        advice: []
        """
    )
    rules = networks.network_rules_from_data(data)
    history = [declined(0, "43"), declined(0.5, "51")]

    early = network_verdict(history, network="visa", at=START + timedelta(days=1), amount=PRICE, rules=rules)
    late = network_verdict(history, network="visa", at=START + timedelta(days=3), amount=PRICE, rules=rules)
    assert isinstance(early, Allowed)
    assert isinstance(late, WaitUntil)
    assert late.at == START + timedelta(days=7)


def test_the_reason_is_told_in_words() -> None:
    verdict = network_verdict(
        [declined(0, "51", "27")], network="mastercard", at=START + timedelta(hours=1), amount=PRICE
    )

    assert tell(verdict.because, "en") == "mastercard asks to wait 96 hours after code 27 (mac_wait)"
    assert tell(verdict.because, "fr").startswith("mastercard demande d'attendre 96 heures")


def test_attempts_that_are_still_to_come_do_not_count() -> None:
    history = [declined(5, "43")]

    assert isinstance(network_verdict(history, network="visa", at=START, amount=PRICE), Allowed)


HISTORY = st.lists(
    st.builds(
        declined,
        st.floats(0, 40, allow_nan=False).map(lambda day: round(day, 3)),
        st.sampled_from(["51", "05", None]),
        st.sampled_from([None, None, "24", "26", "28"]),
    ),
    max_size=40,
)


@given(HISTORY, st.sampled_from(["visa", "mastercard", None]), st.floats(0, 45, allow_nan=False))
def test_waiting_as_long_as_told_is_enough(history: list[Tried], network: str | None, day: float) -> None:
    at = START + timedelta(days=round(day, 3))
    past = [one for one in history if one.at <= at]
    verdict = network_verdict(past, network=network, at=at, amount=PRICE)

    if isinstance(verdict, WaitUntil):
        assert verdict.at > at
        verdict = network_verdict(past, network=network, at=verdict.at, amount=PRICE)
    assert isinstance(verdict, Allowed)


@given(HISTORY, st.floats(0, 45, allow_nan=False))
def test_the_order_in_which_attempts_became_known_changes_nothing(history: list[Tried], day: float) -> None:
    at = START + timedelta(days=round(day, 3))

    assert network_verdict(history, network="visa", at=at, amount=PRICE) == network_verdict(
        history[::-1], network="visa", at=at, amount=PRICE
    )
