"""What dunning does when it hears a fact: load, decide, record.

Every decision is in ``domain``; a fact that fits nowhere becomes history there or a question for the office,
never an exception and never silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from services.dunning import domain
from services.dunning.domain.account import Account, Card, Learner, School
from services.dunning.domain.attempts import AttemptNews
from services.dunning.domain.case import Case, case_id_of, reversal_case_id
from services.dunning.domain.turn import Decision, World
from services.dunning.policies import Policy
from shared.calendar import Calendars
from shared.events import Fact, Later, access, dunning, notifications, payments
from shared.events.words import AttemptKind, CaseState
from shared.service import Hears


class Unit(Protocol):
    """What the handlers need of the transaction they work in (store.py gives it)."""

    now: datetime
    cause_id: str | None

    async def case(self, case_id: str) -> Case | None: ...

    async def account(self, subscription_id: str) -> Account | None: ...

    async def known_school(self, school_id: str) -> School | None: ...

    async def learner(self, school_id: str, learner_id: str) -> Learner | None: ...

    async def open_cases(self, account: Account) -> list[Case]: ...

    async def cases_in(self, school_id: str, states: Iterable[str]) -> list[Case]: ...

    async def cases_of_learner(self, learner_id: str) -> list[Case]: ...

    async def accounts_billed_on(self, school_id: str, days: Iterable[int]) -> list[Account]: ...

    async def world(self, account: Account, case: Case | None = None) -> World: ...

    async def record(self, decision: Decision) -> None: ...

    async def card(self, school_id: str, card: str | None) -> Card | None: ...

    def keep_card(self, card: Card) -> None: ...

    def keep_account(self, account: Account) -> None: ...

    def keep_school(self, school: School) -> None: ...

    def keep_learner(self, learner: Learner) -> None: ...

    async def keep_policy(self, text: str, file: str) -> str: ...

    async def rules(self, school: School) -> tuple[Policy, Calendars]: ...

    def say(self, *said: Fact | Later) -> None: ...


# --- the subscription and its money -----------------------------------------------------------------


async def on_subscription_registered(fact: payments.SubscriptionRegistered, unit: Unit) -> None:
    """The terms of a subscription; the newest registration holds, what was paid stays paid."""
    unit.keep_account(domain.account_registered(await unit.account(fact.subscription_id), fact))


async def on_attempt_failed(fact: payments.AttemptFailed, unit: Unit) -> None:
    """A try failed: a new case, a number in an open one, or history (T1, T2, T6, T14, T15, T21)."""
    case, world = await _case_and_world(fact, unit)
    await unit.record(domain.when_attempt_failed(world, case, fact, unit.now, unit.cause_id))


async def on_attempt_succeeded(fact: payments.AttemptSucceeded, unit: Unit) -> None:
    """Money came (T3, T10, T11, T20, T23, T24, T30, T33); a carried balance settles older months too."""
    case, world = await _case_and_world(fact, unit)
    carried = domain.carried_months(world, case, fact, await unit.open_cases(world.account))
    if carried:
        for one in carried:
            world = await unit.world(await _account_of(fact, unit), one)
            await unit.record(domain.when_carried_paid(world, one, fact, unit.now, unit.cause_id))
        if case is not None:
            return
        world = await unit.world(await _account_of(fact, unit))
    over = domain.ended(await unit.open_cases(world.account)) if case is None else None
    if over is not None and fact.kind in {AttemptKind.RENEWAL, AttemptKind.LEARNER, AttemptKind.STAFF}:
        beside = await unit.world(world.account, over)
        await unit.record(domain.when_paid_beside(beside, over, fact, unit.now, unit.cause_id))
        return
    await unit.record(domain.when_attempt_succeeded(world, case, fact, unit.now, unit.cause_id))


async def on_attempt_pending(fact: payments.AttemptPending, unit: Unit) -> None:
    """An outcome is open (T13)."""
    case, world = await _case_and_world(fact, unit)
    await unit.record(domain.when_attempt_pending(world, case, fact, unit.now, unit.cause_id))


async def on_attempt_unknown(fact: payments.AttemptUnknown, unit: Unit) -> None:
    """An outcome that nobody can tell."""
    case = await unit.case(fact.request_id.split("/", 1)[0])
    world = await unit.world(await _account_of(fact, unit), case)
    await unit.record(domain.when_attempt_unknown(world, case, fact, unit.now, unit.cause_id))


async def on_method_updated(fact: payments.PaymentMethodUpdated, unit: Unit) -> None:
    """Another card or PayPal: every open month is charged at once, each behind its own attempt in flight (T7)."""
    account = domain.account_with_method(await _account_of(fact, unit), fact)
    unit.keep_account(account)
    await _each_open(fact, unit, domain.when_method_updated)


async def on_money_back(fact: payments.ChargebackOpened | payments.SaleReversed, unit: Unit) -> None:
    """Money was taken back: a review case of its own (T36)."""
    known = await unit.case(reversal_case_id(fact.subscription_id, fact.reversal_id))
    world = await unit.world(await _account_of(fact, unit))
    await unit.record(domain.when_money_went_back(world, known, fact, unit.now, unit.cause_id))


async def on_refunded(fact: payments.PaymentRefunded, unit: Unit) -> None:
    """Money was given back: history (X-08)."""
    case = await unit.case(case_id_of(fact.subscription_id, fact.period)) if fact.period else None
    if case is not None:
        world = await unit.world(await _account_of(fact, unit), case)
        await unit.record(domain.when_refunded(world, case, fact, unit.now, unit.cause_id))


async def on_temporary_payment(fact: payments.TemporaryPaymentReceived, unit: Unit) -> None:
    """Money by the temporary method (T26, T27)."""
    case = await unit.case(case_id_of(fact.subscription_id, fact.period))
    if case is None or not case.is_open:
        opened = [
            one for one in await unit.open_cases(await _account_of(fact, unit)) if one.kind == "renewal"
        ]
        case = opened[0] if opened else case
    world = await unit.world(await _account_of(fact, unit), case)
    if case is None:
        await unit.record(domain.when_unplaced_payment(world, fact, unit.now, unit.cause_id))
        return
    await unit.record(domain.when_temporary_payment_received(world, case, fact, unit.now, unit.cause_id))


# --- the bank's page, the gateway's subscription -----------------------------------------------------


async def on_authentication_started(fact: payments.AuthenticationStarted, unit: Unit) -> None:
    """The learner is on the bank's page (T8)."""
    await _one(fact, unit, case_id_of(fact.subscription_id, fact.period), domain.when_authentication_started)


async def on_authentication_passed(fact: payments.AuthenticationPassed, unit: Unit) -> None:
    """The bank said yes (T8)."""
    await _one(fact, unit, case_id_of(fact.subscription_id, fact.period), domain.when_authentication_passed)


async def on_authentication_failed(fact: payments.AuthenticationFailed, unit: Unit) -> None:
    """The bank said no (T14)."""
    await _one(fact, unit, case_id_of(fact.subscription_id, fact.period), domain.when_authentication_failed)


async def on_gateway_activated(fact: payments.GatewaySubscriptionActivated, unit: Unit) -> None:
    """A new subscription began at the gateway (T30, T32)."""
    await _each_open(fact, unit, domain.when_activated)


async def on_gateway_cancelled(fact: payments.GatewaySubscriptionCancelled, unit: Unit) -> None:
    """The subscription is gone (T16, T25)."""
    unit.keep_account(domain.account_ended(await _account_of(fact, unit), fact))
    await _each_open(fact, unit, domain.when_cancelled)


async def on_gateway_suspended(fact: payments.GatewaySubscriptionSuspended, unit: Unit) -> None:
    """PayPal's other ending (T16)."""
    unit.keep_account(domain.account_ended(await _account_of(fact, unit), fact))
    await _each_open(fact, unit, domain.when_suspended)


async def on_review_raised(fact: payments.PaymentReviewRaised, unit: Unit) -> None:
    """Payments saw something only a person can settle: it is shown on the open case it belongs to."""
    await _each_open(fact, unit, domain.when_review_raised)


# --- what others did ---------------------------------------------------------------------------------


async def on_path_enrolled(fact: access.PathEnrolled, unit: Unit) -> None:
    """A path and its re-enrolment deadline; a suspended learner is reminded of the new one (F22)."""
    learner = await unit.learner(fact.school_id, fact.learner_id)
    unit.keep_learner(domain.learner_enrolled(learner, fact))
    for case in await unit.cases_of_learner(fact.learner_id):
        account = await unit.account(case.subscription_id)
        if case.state is CaseState.SUSPENDED and case.school_id == fact.school_id and account is not None:
            world = await unit.world(account, case)
            await unit.record(domain.when_path_deadline_changed(world, case, unit.now, unit.cause_id))


async def on_mail_sent(fact: notifications.MailSent, unit: Unit) -> None:
    """A mail left: what waited for it may run (R-J16)."""
    case = await unit.case(fact.case_id)
    if case is not None:
        await _decide(
            case, unit, lambda world: domain.when_mail_sent(world, case, fact, unit.now, unit.cause_id)
        )


# --- what people did ---------------------------------------------------------------------------------


async def on_cancellation_requested(fact: dunning.CancellationRequested, unit: Unit) -> None:
    """The learner ends the contract, in the middle of a case or without any (T34)."""
    account = await unit.account(fact.subscription_id)
    if account is None:
        return
    opened = [case for case in await unit.open_cases(account) if case.kind == "renewal"]
    if not opened:
        world = await unit.world(account)
        await unit.record(domain.end_without_case(world, fact, unit.now, unit.cause_id))
    await _each_open(fact, unit, domain.when_cancellation_requested)


async def on_guidance_fell_due(fact: dunning.GuidanceFellDue, unit: Unit) -> None:
    """The office opens and is told who waits (J45)."""
    case = await unit.case(fact.case_id)
    if case is None:
        return
    queue = tuple(await unit.cases_in(fact.school_id, [CaseState.AWAITING_GUIDANCE.value]))
    await _decide(
        case,
        unit,
        lambda world: domain.when_guidance_fell_due(world, case, fact, queue, unit.now, unit.cause_id),
    )


def _act(decide: Callable[..., Decision]) -> Callable[[Any, Any], Any]:
    """A handler for a fact about one case: an act of a person, or a plan that fell due."""

    async def handle(fact: Any, unit: Any) -> None:
        await _one(fact, unit, fact.case_id, decide)

    return handle


# --- the school itself -------------------------------------------------------------------------------


async def on_school_registered(fact: dunning.SchoolRegistered, unit: Unit) -> None:
    """The school as its API registered it; also how a replay learns of it."""
    school = domain.school_registered(await unit.known_school(fact.school_id), fact)
    unit.keep_school(school)
    await _plan_heads_up(school, unit)


async def on_policy_adopted(fact: dunning.PolicyAdopted, unit: Unit) -> None:
    """Cases that open from now on use this version (R-X5); a replay reads the document from the fact."""
    school = await unit.known_school(fact.school_id)
    if school is None:
        return
    content_hash = await unit.keep_policy(fact.text, fact.policy_id)
    school = domain.school_adopted(
        school, policy_id=fact.policy_id, version=fact.version, content_hash=content_hash
    )
    unit.keep_school(school)
    await _plan_heads_up(school, unit)


async def on_closure_announced(fact: dunning.ClosureAnnounced, unit: Unit) -> None:
    """The office will be closed: mails follow, and learners concerned are told before (J37, J38)."""
    school = await unit.known_school(fact.school_id)
    if school is not None:
        school = domain.closure_announced(school, fact)
        unit.keep_school(school)
        await _plan_heads_up(school, unit)


async def on_closure_withdrawn(fact: dunning.ClosureWithdrawn, unit: Unit) -> None:
    """The office is open after all."""
    school = await unit.known_school(fact.school_id)
    if school is not None:
        unit.keep_school(domain.closure_withdrawn(school, fact))


async def _plan_heads_up(school: School, unit: Unit) -> None:
    policy, calendars = await unit.rules(school)
    unit.say(*domain.heads_up(school, policy, calendars, unit.now))


async def on_closure_approached(fact: dunning.ClosureApproached, unit: Unit) -> None:
    """The last business day before a closure: whoever is billed or awaits an attempt in it is told (J38)."""
    school = await unit.known_school(fact.school_id)
    if school is None or not domain.still_closes(*await unit.rules(school), fact):
        return
    billed = await unit.accounts_billed_on(fact.school_id, domain.billing_days(fact))
    accounts = {account.subscription_id: account for account in billed}
    for case in await unit.cases_in(fact.school_id, [CaseState.RETRYING.value]):
        account = await unit.account(case.subscription_id)
        if account is not None and domain.attempt_falls_in(case, fact):
            accounts[account.subscription_id] = account
    for _, account in sorted(accounts.items()):
        opened = [case for case in await unit.open_cases(account) if case.kind == "renewal"]
        case_or_none = opened[0] if opened else None
        world = await unit.world(account, case_or_none)
        await unit.record(domain.when_closure_approached(world, case_or_none, fact, unit.now, unit.cause_id))


# --- loading -----------------------------------------------------------------------------------------


async def _account_of(fact: Any, unit: Unit) -> Account:
    account = await unit.account(fact.subscription_id)
    return account if account is not None else domain.account_from_news(fact)


async def _case_and_world(fact: AttemptNews, unit: Unit) -> tuple[Case | None, World]:
    account = await _account_of(fact, unit)
    if fact.card is not None:
        known = await unit.card(fact.school_id, fact.card)
        tried = domain.card_after(known, fact)
        if tried is not known:
            unit.keep_card(tried)
        if account.card is None:
            account = replace(account, card=fact.card)
            unit.keep_account(account)
    case = await unit.case(await _case_id(fact, account, unit))
    return case, await unit.world(account, case)


async def _case_id(fact: AttemptNews, account: Account, unit: Unit) -> str:
    """The case an attempt belongs to: by our own request, by the procedure it is part of, else by its period."""
    if fact.request_id is not None and "/" in fact.request_id:
        return fact.request_id.split("/", 1)[0]
    if fact.kind in {AttemptKind.RELAUNCH, AttemptKind.RESUME}:
        opened = [case for case in await unit.open_cases(account) if case.kind == "renewal"]
        if opened:
            return opened[-1].case_id
    return case_id_of(fact.subscription_id, fact.period)


async def _decide(case: Case, unit: Unit, decide: Callable[[World], Decision]) -> None:
    account = await unit.account(case.subscription_id)
    if account is not None:
        await unit.record(decide(await unit.world(account, case)))


async def _one(fact: Any, unit: Unit, case_id: str, decide: Callable[..., Decision]) -> None:
    case = await unit.case(case_id)
    if case is not None:
        await _decide(case, unit, lambda world: decide(world, case, fact, unit.now, unit.cause_id))


async def _each_open(fact: Any, unit: Unit, decide: Callable[..., Decision]) -> None:
    account = await unit.account(fact.subscription_id)
    for case in await unit.open_cases(account) if account is not None else []:
        await _one(fact, unit, case.case_id, decide)


HEARS: Hears = {
    payments.SubscriptionRegistered: on_subscription_registered,
    payments.AttemptFailed: on_attempt_failed,
    payments.AttemptSucceeded: on_attempt_succeeded,
    payments.AttemptPending: on_attempt_pending,
    payments.AttemptUnknown: on_attempt_unknown,
    payments.PaymentMethodUpdated: on_method_updated,
    payments.AuthenticationStarted: on_authentication_started,
    payments.AuthenticationPassed: on_authentication_passed,
    payments.AuthenticationFailed: on_authentication_failed,
    payments.GatewaySubscriptionActivated: on_gateway_activated,
    payments.GatewaySubscriptionCancelled: on_gateway_cancelled,
    payments.GatewaySubscriptionSuspended: on_gateway_suspended,
    payments.TemporaryPaymentReceived: on_temporary_payment,
    payments.PaymentRefunded: on_refunded,
    payments.ChargebackOpened: on_money_back,
    payments.SaleReversed: on_money_back,
    payments.PaymentReviewRaised: on_review_raised,
    access.PathEnrolled: on_path_enrolled,
    notifications.MailSent: on_mail_sent,
    dunning.SchoolRegistered: on_school_registered,
    dunning.PolicyAdopted: on_policy_adopted,
    dunning.ClosureAnnounced: on_closure_announced,
    dunning.ClosureWithdrawn: on_closure_withdrawn,
    dunning.LearnerReported: _act(domain.when_learner_reported),
    dunning.RelaunchRequested: _act(domain.when_relaunch_requested),
    dunning.CancellationRequested: on_cancellation_requested,
    dunning.GuidanceConfirmed: _act(domain.when_guidance_confirmed),
    dunning.ResumeDateChosen: _act(domain.when_date_chosen),
    dunning.DifferenceAccepted: _act(domain.when_difference_accepted),
    dunning.FlagSettled: _act(domain.when_flag_settled),
    dunning.CaseClosureChosen: _act(domain.when_closure_chosen),
    dunning.DeadlineExtended: _act(domain.when_deadline_extended),
    dunning.AccessGranted: _act(domain.when_access_granted),
    dunning.ManualAttemptChosen: _act(domain.when_manual_attempt_chosen),
    dunning.ReversalResolved: _act(domain.when_reversal_resolved),
    dunning.CreditRestorationChosen: _act(domain.when_credit_restoration_chosen),
    dunning.DuplicateAdopted: _act(domain.when_duplicate_adopted),
    dunning.AttemptFellDue: _act(domain.when_attempt_fell_due),
    dunning.DeadlineFellDue: _act(domain.when_deadline_fell_due),
    dunning.HoldFellDue: _act(domain.when_hold_fell_due),
    dunning.ChallengeFellDue: _act(domain.when_challenge_fell_due),
    dunning.AccessStepFellDue: _act(domain.when_access_step_fell_due),
    dunning.WatchdogFellDue: _act(domain.when_watchdog_fell_due),
    dunning.ConsequenceFellDue: _act(domain.when_consequence_fell_due),
    dunning.GuidanceFellDue: on_guidance_fell_due,
    dunning.ResumeDayBegan: _act(domain.when_day_began),
    dunning.ResumeDayEnded: _act(domain.when_day_ended),
    dunning.CoverageBegan: _act(domain.when_coverage_began),
    dunning.ReminderFellDue: _act(domain.when_reminder_fell_due),
    dunning.ClosureApproached: on_closure_approached,
}
