"""payments: money - what gateways told us, and what we asked of them.

owns    subscriptions as the school registered them, gateway references, transactions, requests, webhooks
hears   dunning.SchoolRegistered, AttemptScheduled, AttemptRequested, GatewayCancellationRequested,
        SubscriptionPauseRequested, SubscriptionResumptionRequested, ReconciliationRequested, DuplicateAdopted,
        SelfPaymentLocked, SelfPaymentOpened
says    SubscriptionRegistered, AttemptSucceeded, AttemptFailed, AttemptPending, AttemptUnknown,
        PaymentMethodUpdated, Authentication*, GatewaySubscription*, TemporaryPaymentReceived,
        PaymentRefunded, ChargebackOpened, SaleReversed, PaymentReviewRaised
"""

from __future__ import annotations
