"""Every metric of Relance: its name, what it says, its labels and their values. ``relance metrics`` prints them.

A metric is counted by one process and begins at zero with it. Labels are words of the glossary, never ids, names,
addresses or amounts (``shared/meters.py`` holds them to their lists). docs/reference/metrics.md is this file.
"""

from __future__ import annotations

from typing import Final

from shared.declines import DeclineClass
from shared.events.words import CaseState, Gateway
from shared.meters import Bounded, Count, Level, Spread

_GATEWAY: Final = tuple(one.value for one in Gateway)
_SERVICE: Final = Bounded("the seven services")
_TYPE: Final = Bounded("the vocabulary of facts")
_KIND: Final = Bounded("the kinds of errand that a service knows")
_MOMENTS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WAITS: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400)
_SIZES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)

# --- webhooks: what gateways send ---------------------------------------------------------------------------

WEBHOOKS: Final = Count(
    "relance_webhooks_total",
    "Webhooks that knocked, by what the gateway was answered: kept, known already, refused, could not be kept "
    "(it sends again), or it hung up.",
    gateway=_GATEWAY,
    outcome=("kept", "duplicate", "refused", "not_kept", "gone"),
)
WEBHOOKS_REFUSED: Final = Count(
    "relance_webhooks_refused_total",
    "Webhooks that were turned away, by reason: not genuine, too large, or an address without a gateway.",
    gateway=_GATEWAY,
    reason=("webhook_refused", "webhook_too_large", "not_found"),
)
WEBHOOK_SECONDS: Final = Spread(
    "relance_webhook_seconds",
    "From the first byte of a webhook to its answer; kept means committed.",
    _MOMENTS,
    gateway=_GATEWAY,
)
WEBHOOKS_TRANSLATED: Final = Count(
    "relance_webhooks_translated_total",
    "Webhooks read: told as facts, not ours, waiting for a subscription to be registered, refused by the gateway's "
    "own books, failed (a person must look), or to be read again later.",
    gateway=_GATEWAY,
    outcome=("told", "not_ours", "waiting", "refused", "failed", "later"),
)

# --- facts: what services hear and tell ---------------------------------------------------------------------

FACTS_HEARD: Final = Count(
    "relance_facts_heard_total",
    "Facts that reached a service that listens to them: handled, heard before, or a plan that came before its hour.",
    service=_SERVICE,
    type=_TYPE,
    outcome=("handled", "duplicate", "early"),
)
FACTS_PARKED: Final = Count(
    "relance_facts_parked_total",
    "Messages set aside for a person: unreadable, too old to know whether they were heard, not to be handled, or not "
    "to be written.",
    service=_SERVICE,
    reason=("unreadable", "too_old", "not_handled", "not_written"),
)
BATCH_SIZE: Final = Spread(
    "relance_batch_messages", "Messages that one transaction heard.", _SIZES, service=_SERVICE
)
BATCH_SECONDS: Final = Spread(
    "relance_batch_seconds", "From a batch's arrival to its commit.", _MOMENTS, service=_SERVICE
)
FACTS_TOLD: Final = Count(
    "relance_facts_told_total",
    "Facts that the brokers have taken from a service's journal.",
    service=_SERVICE,
)
TELLING_LAG: Final = Spread(
    "relance_telling_lag_seconds",
    "How long the oldest fact of each telling had waited since its hour.",
    _WAITS,
    service=_SERVICE,
)
CONSUMER_LAG: Final = Level(
    "relance_consumer_lag",
    "Messages of a partition that its service has not committed yet.",
    service=_SERVICE,
    topic=Bounded("the topics, one per service"),
    partition=Bounded("the partitions of a topic"),
)

# --- what waits ---------------------------------------------------------------------------------------------

_THINGS: Final = ("untold", "errand", "parked", "webhook", "webhook_failed")
OLDEST_SECONDS: Final = Level(
    "relance_oldest_seconds",
    "How long the oldest thing that is due waits: a fact untold, an errand undone, a message parked, a webhook unread "
    "or one that could not be read (a person must look). 0 when nothing waits.",
    service=_SERVICE,
    what=_THINGS,
)
WAITING: Final = Level(
    "relance_waiting", "How many of those wait, counted up to 10,000.", service=_SERVICE, what=_THINGS
)

# --- errands: what is done outside --------------------------------------------------------------------------

ERRANDS: Final = Count(
    "relance_errands_total",
    "Errands tried: done, postponed (the outside does not answer now), failed for good, or done by another "
    "process.",
    service=_SERVICE,
    kind=_KIND,
    outcome=("done", "postponed", "failed", "done_by_another"),
)
ERRAND_SECONDS: Final = Spread(
    "relance_errand_seconds",
    "How long one try outside took.",
    (*_MOMENTS, 30, 60),
    service=_SERVICE,
    kind=_KIND,
)
ERRAND_AGE: Final = Spread(
    "relance_errand_age_seconds",
    "How long after its hour an errand was begun.",
    _WAITS,
    service=_SERVICE,
    kind=_KIND,
)
GATEWAY_CALLS: Final = Count(
    "relance_gateway_calls_total",
    "Requests to a gateway: answered, declined (the answer is no), not there, refused (ours was wrong), or no answer "
    "now.",
    gateway=_GATEWAY,
    outcome=("answered", "declined", "not_there", "refused", "no_answer"),
)
GATEWAY_SECONDS: Final = Spread(
    "relance_gateway_seconds", "How long a gateway took to answer.", (*_MOMENTS, 20, 30), gateway=_GATEWAY
)
SMTP_SECONDS: Final = Spread(
    "relance_smtp_seconds",
    "How long the mail server took to take a mail, or not.",
    (*_MOMENTS, 20, 30),
    outcome=("taken", "refused", "not_now"),
)

# --- what a school would recognise --------------------------------------------------------------------------

MAILS: Final = Count(
    "relance_mails_total",
    "Mails by what became of them: sent, deferred by a closure, dropped because they came to be moot, failed, set "
    "aside for a person, released by one.",
    outcome=("sent", "deferred", "dropped", "failed", "parked", "released"),
)
ATTEMPTS: Final = Count(
    "relance_attempts_total",
    "Attempts at money by outcome, and why they failed (decline is empty otherwise).",
    outcome=("succeeded", "failed", "pending", "unknown"),
    decline=("", *(one.value for one in DeclineClass)),
)
CASE_CHANGES: Final = Count(
    "relance_case_changes_total",
    "What became of cases: opened, paid again, out of attempts, suspended, closed, relaunched, resumed, or a question "
    "for a person.",
    change=("opened", "recovered", "exhausted", "suspended", "closed", "relaunched", "resumed", "flagged"),
)
FORECASTS_MISSED: Final = Count(
    "relance_forecasts_missed_total", "Attempts that a gateway made at another time than we had forecast."
)
CASES: Final = Level(
    "relance_cases",
    "Cases that are in a state now; those that ended are not counted.",
    state=tuple(one.value for one in CaseState if not one.is_terminal),
)
ACCESS_CHANGES: Final = Count(
    "relance_access_changes_total",
    "Learners whose access was cut, or given back.",
    change=("suspended", "restored"),
)

# --- the processes ------------------------------------------------------------------------------------------

POOL: Final = Level(
    "relance_database_connections",
    "Connections of a process's pool: in use, idle, and the most it may open.",
    service=_SERVICE,
    state=("used", "idle", "most"),
)
HTTP_SECONDS: Final = Spread(
    "relance_http_seconds",
    "How long requests took, by route (as it is declared, without what stands in its braces); webhooks have their own.",
    _MOMENTS,
    service=_SERVICE,
    method=("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
    route=Bounded("the routes of an API; what matches none is `none`"),
    status=("1xx", "2xx", "3xx", "4xx", "5xx"),
)
READY: Final = Level(
    "relance_ready",
    "1 when the process could work when it was last asked (/ready), 0 when not.",
    service=_SERVICE,
)
