"""Whatever happens, in whatever order: the invariants of domain.md §2.4 over generated months of both schools.

The numbers beside assertions are the invariants' own; ``tests/histories.py`` says where each is held.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.access import domain as access
from services.dunning.domain.case import Case
from shared.calendar import built_in_calendars, local_date
from shared.declines import DeclineClass
from shared.events import Fact, dunning, payments
from shared.events.words import (
    AccessLevel,
    AttemptKind,
    CaseState,
    Gateway,
    MethodKind,
    ReviewReason,
    Template,
)
from shared.money import Money
from tests.dunning.fold import Fold
from tests.histories import histories

often = settings(
    max_examples=histories(150), deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)

JUNE = date(2026, 6, 1)
APRIL = date(2026, 4, 15)
DECLINES = st.sampled_from(list(DeclineClass))


@dataclass
class Month:
    """One month of one learner: what is scripted, and what dunning made of it."""

    fold: Fold
    period: date
    script: list[tuple[datetime, int, Fact]] = field(default_factory=list)
    open_requests: dict[str, datetime] = field(default_factory=dict)
    most_open: int = 0
    states_at_request: list[CaseState] = field(default_factory=list)
    replies: list[tuple[str, float]] = field(default_factory=list)
    mail_hours: float = 0.0
    told_at: dict[int, datetime] = field(default_factory=dict)
    """When each fact was said, by its identity."""
    _count: int = 0

    def at(self, when: datetime, fact: Fact) -> None:
        self._count += 1
        heapq.heappush(self.script, (when, self._count, fact))

    def play(self, until: datetime) -> None:
        while True:
            hours = [
                hour for hour in (self.fold.next_due(), self.script[0][0] if self.script else None) if hour
            ]
            if not hours or min(hours) > until:
                break
            hour = max(min(hours), self.fold.now)
            if self.script and self.script[0][0] <= hour:
                _, _, fact = heapq.heappop(self.script)
                self.fold.now = hour
                self._heard(fact)
            else:
                self.fold.live_until(hour, self._react)
            self._catch_up()
        self.fold.live_until(until, self._react)
        self._catch_up()

    _shown: int = 0

    def _catch_up(self) -> None:
        while self._shown < len(self.fold.said):
            self._shown += 1
            self._react_once(self.fold.said[self._shown - 1])

    def _react(self, fact: Fact) -> None:
        """Called by the fold while it lives; the catching up is done between plans."""

    def _heard(self, fact: Fact) -> None:
        request = getattr(fact, "request_id", None)
        if isinstance(fact, payments.AttemptFailed | payments.AttemptSucceeded) and request:
            self.open_requests.pop(request, None)
        self.fold.hear(fact)

    def _react_once(self, fact: Fact) -> None:
        fold = self.fold
        self.told_at[id(fact)] = fold.now
        if isinstance(fact, dunning.AttemptRequested):
            self.states_at_request.append(fold.cases[fact.case_id].state)
            word, hours = self.replies.pop(0) if self.replies else ("insufficient_funds", 0.0)
            if word != "lost":
                self.open_requests[fact.request_id] = fold.now
                self.most_open = max(self.most_open, len(self.open_requests))
            self._reply(fact, word, hours)
        elif isinstance(fact, dunning.MailRequested):
            self.at(fold.now + timedelta(hours=self.mail_hours), fold.mail_left(fact))
        elif isinstance(fact, dunning.GatewayCancellationRequested):
            self.at(fold.now + timedelta(hours=1), fold.cancelled("school", fold.now))

    def _reply(self, fact: dunning.AttemptRequested, word: str, hours: float) -> None:
        fold = self.fold
        when = fold.now + timedelta(hours=hours)
        txn = f"t-{fact.request_id}"
        more: dict[str, Any] = {"kind": fact.kind, "request_id": fact.request_id, "amount": fact.amount}
        if word == "lost":
            return
        if word == "pending":
            self.at(fold.now, payments.AttemptPending(**fold.attempt(fact.period, txn, fold.now, **more)))
            self.at(
                when + timedelta(hours=30), fold.failed(fact.period, txn, when + timedelta(hours=30), **more)
            )
        elif word == "odd_amount":
            more["amount"] = Money(fact.amount.amount_minor - 1, fact.amount.currency)
            self.at(when, fold.succeeded(fact.period, txn, when, **more))
        elif word == "success":
            self.at(when, fold.succeeded(fact.period, txn, when, **more))
        else:
            decline = DeclineClass(word)
            self.at(when, fold.failed(fact.period, txn, when, decline=decline, **more))

    @property
    def case(self) -> Case:
        return self.fold.cases[f"sub~{self.period}"]

    def facts(self, *kinds: type[Any]) -> list[Any]:
        return [fact for fact in self.fold.said if isinstance(fact, kinds)]


def act(fold: Fold, kind: type[Any], case_id: str, period: date, at: datetime, n: int, **more: Any) -> Fact:
    about = {**fold.about(at), "case_id": case_id, "period": period}
    fact: Fact = kind(**about, act=f"a{n}", by="staff", **more)
    return fact


REPLIES = st.tuples(
    st.sampled_from([*(one.value for one in DeclineClass), "success", "pending", "lost", "odd_amount"]),
    st.sampled_from([0.0, 0.1, 3.0, 30.0]),
)
FRENCH_ACTS = st.tuples(
    st.integers(0, 400),
    st.sampled_from(
        [
            "update",
            "start",
            "pass",
            "fail",
            "cancel",
            "relaunch",
            "extend",
            "attempt",
            "accept",
            "settle",
            "close",
            "duplicate",
            "stray_success",
            "refund",
            "chargeback",
            "grant",
        ]
    ),
)


def french(
    decline: DeclineClass, replies: list[tuple[str, float]], acts: list[tuple[int, str]], mail: float
) -> Month:
    fold = Fold("fr-elearning", billing_day=1)
    start = datetime(2026, 6, 1, 7, tzinfo=UTC)
    month = Month(fold=fold, period=JUNE, replies=list(replies), mail_hours=mail)
    case_id = f"sub~{JUNE}"
    month.at(start, fold.failed(JUNE, "t0", start, decline=decline))
    for n, (hours, word) in enumerate(acts):
        when = start + timedelta(hours=hours, seconds=n)
        month.at(when, french_act(fold, word, case_id, when, n))
    month.play(start + timedelta(days=40))
    return month


def french_act(fold: Fold, word: str, case_id: str, when: datetime, n: int) -> Fact:
    about = {**fold.about(when), "case_id": case_id, "period": JUNE}
    challenge = {**fold.about(when), "period": JUNE, "challenge_id": "c"}
    back: dict[str, Any] = {
        "gateway": Gateway.STRIPE,
        "reversal_id": f"b{n}",
        "transaction_id": None,
        "amount": fold.price,
    }
    made: dict[str, Any] = {
        "update": lambda: payments.PaymentMethodUpdated(
            **fold.about(when), update_id=f"u{n}", method=MethodKind.CARD, label="1"
        ),
        "start": lambda: payments.AuthenticationStarted(**{**challenge, "challenge_id": f"c{n}"}),
        "pass": lambda: payments.AuthenticationPassed(**{**challenge, "challenge_id": f"c{n - 1}"}),
        "fail": lambda: payments.AuthenticationFailed(**{**challenge, "challenge_id": f"c{n - 1}"}),
        "cancel": lambda: dunning.CancellationRequested(**fold.about(when), request=f"x{n}"),
        "relaunch": lambda: dunning.RelaunchRequested(**about, request=f"r{n}", path_id=None),
        "extend": lambda: act(
            fold, dunning.DeadlineExtended, case_id, JUNE, when, n, deadline_at=when + timedelta(days=n)
        ),
        "attempt": lambda: act(fold, dunning.ManualAttemptChosen, case_id, JUNE, when, n),
        "accept": lambda: act(fold, dunning.DifferenceAccepted, case_id, JUNE, when, n),
        "settle": lambda: act(
            fold,
            dunning.FlagSettled,
            case_id,
            JUNE,
            when,
            n,
            reason=ReviewReason.AMOUNT_MISMATCH,
            about=f"t-{case_id}/attempt/1",
        ),
        "close": lambda: act(fold, dunning.CaseClosureChosen, case_id, JUNE, when, n),
        "grant": lambda: act(fold, dunning.AccessGranted, case_id, JUNE, when, n),
        "duplicate": lambda: fold.failed(JUNE, "t0", datetime(2026, 6, 1, 7, tzinfo=UTC)),
        "stray_success": lambda: fold.succeeded(JUNE, f"s{n}", when),
        "refund": lambda: payments.PaymentRefunded(**fold.about(when), **back, period=JUNE),
        "chargeback": lambda: payments.ChargebackOpened(**fold.about(when), **back, period=JUNE),
    }
    fact: Fact = made[word]()
    return fact


TENTH_ANSWERED_AFTER_THE_DEADLINE = [*[("insufficient_funds", 0.0)] * 9, ("insufficient_funds", 30.0)]


@often
@example(
    decline=DeclineClass.INSUFFICIENT_FUNDS, replies=TENTH_ANSWERED_AFTER_THE_DEADLINE, acts=[], mail=0.0
)
@given(
    decline=DECLINES,
    replies=st.lists(REPLIES, max_size=14),
    acts=st.lists(FRENCH_ACTS, max_size=8),
    mail=st.sampled_from([0.0, 0.0, 5.0, 300.0]),
)
def test_a_french_month_keeps_every_promise(
    decline: DeclineClass, replies: list[tuple[str, float]], acts: list[tuple[int, str]], mail: float
) -> None:
    always_refused = not acts and all(word in REFUSALS for word, _ in replies)
    month = french(decline, replies, acts, mail)
    case, fold = month.case, month.fold

    # 1: one success is applied; every other one is a question.
    assert len({f.transaction_id for f in month.facts(dunning.PeriodPaid)}) <= 1
    applied = {f.transaction_id for f in month.facts(dunning.PeriodPaid)}
    questions = {f.about for f in month.facts(dunning.CaseFlagged)}
    for one in case.attempts:
        if one.outcome == "succeeded" and one.kind is not AttemptKind.RELAUNCH:
            assert one.transaction_id in applied | questions

    # 3: at most one automatic attempt a day, ten in all, on jours ouvrables, while the case is being retried.
    asked = [f for f in month.facts(dunning.AttemptRequested) if f.kind is AttemptKind.RENEWAL]
    scheduled = [f for f in asked if "." not in f.request_id]
    days = [local_date(f.occurred_at, "Europe/Paris") for f in scheduled]
    ouvrable = built_in_calendars().named("fr-ouvrable")
    assert len(days) == len(set(days)) <= 10
    assert all(ouvrable.is_working(day) for day in days)
    assert len(asked) <= 10 + 3 * 10
    for fact, state in zip(month.facts(dunning.AttemptRequested), month.states_at_request, strict=True):
        assert state in {CaseState.RETRYING, CaseState.AWAITING_OUTCOME} or fact.kind is AttemptKind.RELAUNCH
    assert month.most_open <= 1 or case.exhausted_at

    # 4: nobody is cut before the deadline, and nobody stays on without a reason.
    deadline = datetime(2026, 6, 12, 22, tzinfo=UTC)
    for cut in month.facts(dunning.AccessSuspensionRequested):
        if cut.case_id == case.case_id:
            assert cut.occurred_at >= deadline
    if case.state is CaseState.RETRYING:
        assert case.frozen or case.clock.notice_hold_since or (case.clock.ends_at or deadline) > fold.now

    _access_lasts_until_the_deadline(month, {word for _, word in acts})
    if always_refused and mail < 100:
        # An attempt that was still open at the deadline is waited for, and its refusal ends the access (T13, FR-35).
        end = max(deadline, *(month.told_at[id(f)] for f in month.facts(dunning.AttemptRecorded)))
        assert end <= deadline + timedelta(hours=48)
        for late in (timedelta(), timedelta(seconds=1), timedelta(days=20)):
            assert level_at(month, end + late) is AccessLevel.NONE

    # 11: a deadline that a mail told is never told earlier again.
    told = [
        f.data["deadline_at"]
        for f in month.facts(dunning.MailRequested)
        if "deadline_at" in f.data and f.case_id == case.case_id
    ]
    assert all(one <= two for one, two in pairwise(told))

    # R-J16: the suspension never came before its notice.
    if case.exhausted_at and month.facts(dunning.CaseSuspended) and not case.has("notice_waived"):
        first = [
            m for m in case.mails if m.template in {Template.FR_PAYMENT_FAILED, Template.FR_AUTHENTICATE}
        ]
        assert any(m.sent_at is not None and m.sent_at <= case.exhausted_at for m in first)
    _closed_once(month)


def _access_lasts_until_the_deadline(month: Month, acts: set[str]) -> None:
    """4, from the facts that access hears: full at every instant before, whatever else happens."""
    if acts & {"cancel", "close"}:
        return  # the contract is over, or staff decided
    start = datetime(2026, 6, 1, 7, tzinfo=UTC)
    last = datetime(2026, 6, 12, 21, 59, 59, tzinfo=UTC)
    for at in (start, start + timedelta(days=5), last):
        assert level_at(month, at) is AccessLevel.FULL


def level_at(month: Month, at: datetime) -> AccessLevel:
    """What access answers at that instant, having heard everything that was said by then."""
    learner = access.Learner(school_id="s", learner_id="l")
    for fact in month.fold.said:
        decide: Any = HEARD_BY_ACCESS.get(type(fact))
        if decide is not None and (told := month.told_at[id(fact)]) <= at:
            learner = decide(learner, fact, told).learner
    return access.standing(learner, at).level


HEARD_BY_ACCESS: dict[type[Any], Any] = {
    dunning.AccessDeadlineSet: access.when_deadline_set,
    dunning.AccessSuspensionRequested: access.when_suspension_requested,
    dunning.AccessRestorationRequested: access.when_restoration_requested,
}
REFUSALS = {one.value for one in DeclineClass}


JAPANESE = st.tuples(
    st.integers(0, 70),
    st.sampled_from(
        [
            "fail",
            "fail",
            "fail",
            "succeed",
            "cancelled",
            "cancelled_by_learner",
            "suspended",
            "report",
            "guidance",
            "receipt",
            "half",
            "announce",
            "activate",
            "resume_paid",
            "reversal",
            "close",
            "cancel",
            "accept",
            "adopt",
            "other_month",
        ]
    ),
    st.sampled_from([0, 0, 0, 26]),
)


@often
@given(acts=st.lists(JAPANESE, max_size=14), old=st.booleans())
def test_a_japanese_month_keeps_every_promise(acts: list[tuple[int, str, int]], old: bool) -> None:
    fold = Fold("jp-school", billing_day=15)
    if old:
        account = fold.accounts["sub"]
        fold.accounts["sub"] = type(account)(
            **{
                **{name: getattr(account, name) for name in account.__slots__},
                "grandfathered": True,
                "price": Money(11500, "JPY"),
            }
        )
    start = datetime(2026, 4, 15, 11, 10, tzinfo=UTC)
    month = Month(fold=fold, period=APRIL)
    amount = Money(11500, "JPY") if old else Money(12800, "JPY")
    month.at(start, fold.failed(APRIL, "f0", start, amount=amount))
    for n, (days, word, late) in enumerate(acts):
        when = start + timedelta(days=days, minutes=n)
        month.at(when + timedelta(hours=late), japanese_act(fold, word, when, n, amount))
    month.play(start + timedelta(days=120))
    case = month.case

    assert month.facts(dunning.AttemptRequested) == []  # 2
    assert len({f.period for f in month.facts(dunning.PeriodPaid)}) == len(
        month.facts(dunning.PeriodPaid)
    )  # 1
    opened = False
    for fact in month.fold.said:  # 6
        if isinstance(fact, dunning.SelfPaymentOpened):
            assert fact.opens_at is not None or fact.why in {"nothing_to_pay", "closed_by_staff"}
            opened = fact.opens_at is not None
        if isinstance(fact, dunning.CaseResumed) and not opened:
            assert any(isinstance(one, dunning.CaseFlagSettled) for one in month.fold.said)
    forfeits = month.facts(dunning.CreditForfeitRequested)  # 7
    assert len([f for f in forfeits if f.case_id == case.case_id]) <= 1
    if month.facts(dunning.OldPriceDropped):  # 8
        assert month.facts(dunning.CaseExhausted)
    if case.state is CaseState.RECOVERED and not month.facts(dunning.CaseExhausted):
        assert fold.accounts["sub"].grandfathered is old
    days_told = [f.day for f in month.facts(dunning.ResumeDateAnnounced)]
    missed = {f.day for f in month.facts(dunning.ResumeMissed)}
    for one, two in pairwise(days_told):  # 11
        assert two >= one or one in missed
    if case.exhausted_at:
        assert case.cause is not None
    _closed_once(month)


def japanese_act(fold: Fold, word: str, when: datetime, n: int, amount: Money) -> Fact:
    about = {**fold.about(when), "case_id": f"sub~{APRIL}", "period": APRIL}
    case_id = f"sub~{APRIL}"
    money: dict[str, Any] = {"receipt_id": f"r{n}", "reference": "R", "recorded_by": "m", "period": APRIL}
    back: dict[str, Any] = {
        "gateway": Gateway.PAYPAL,
        "reversal_id": f"b{n}",
        "transaction_id": None,
        "amount": fold.price,
    }
    day = local_date(when, "Asia/Tokyo") + timedelta(days=n)
    made: dict[str, Any] = {
        "fail": lambda: fold.failed(APRIL, f"f{n + 1}", when, amount=amount),
        "succeed": lambda: fold.succeeded(APRIL, f"s{n}", when, amount=amount),
        "cancelled": lambda: fold.cancelled("gateway", when),
        "cancelled_by_learner": lambda: fold.cancelled("learner", when),
        "suspended": lambda: fold.suspended(when),
        "report": lambda: dunning.LearnerReported(**about, report_id=f"p{n}"),
        "guidance": lambda: act(
            fold, dunning.GuidanceConfirmed, case_id, APRIL, when, n, method="bank_transfer", reference="R"
        ),
        "receipt": lambda: payments.TemporaryPaymentReceived(
            **fold.about(when), **money, amount=Money(25600, "JPY")
        ),
        "half": lambda: payments.TemporaryPaymentReceived(
            **fold.about(when), **money, amount=Money(12800, "JPY")
        ),
        "announce": lambda: act(fold, dunning.ResumeDateChosen, case_id, APRIL, when, n, day=day),
        "activate": lambda: payments.GatewaySubscriptionActivated(
            **fold.about(when), gateway_subscription_id=f"I-{n}"
        ),
        "resume_paid": lambda: fold.succeeded(
            local_date(when, "Asia/Tokyo"), f"m{n}", when, kind=AttemptKind.RESUME
        ),
        "reversal": lambda: payments.SaleReversed(**fold.about(when), **back, period=APRIL),
        "close": lambda: act(fold, dunning.CaseClosureChosen, case_id, APRIL, when, n),
        "cancel": lambda: dunning.CancellationRequested(**fold.about(when), request=f"x{n}"),
        "accept": lambda: act(fold, dunning.DifferenceAccepted, case_id, APRIL, when, n),
        "adopt": lambda: act(
            fold, dunning.DuplicateAdopted, case_id, APRIL, when, n, gateway_subscription_id="I-9", day=day
        ),
        "other_month": lambda: fold.succeeded(date(2026, 5, 15), f"o{n}", when, amount=amount),
    }
    fact: Fact = made[word]()
    return fact


def _closed_once(month: Month) -> None:
    """A terminal case says so once, is not among the open ones, and plans nothing any more."""
    closed = [f for f in month.facts(dunning.CaseClosed) if f.case_id == month.case.case_id]
    assert len(closed) == (0 if month.case.is_open else 1)
    assert (month.case.case_id in month.fold.accounts["sub"].open_cases) == month.case.is_open
    before = len(month.fold.said)
    month.fold.live_until(month.fold.now + timedelta(days=400))
    if not month.case.is_open and not any(
        not c.is_open or c.kind == "reversal" for c in month.fold.cases.values()
    ):
        assert len(month.fold.said) == before
