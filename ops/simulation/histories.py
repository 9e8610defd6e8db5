"""What happens to learners when nothing goes wrong with the machines: the histories that storms are let loose on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from ops.simulation.outside import attempt
from services.payments.news import MethodNews, MoneyBackNews, SubscriptionNews
from shared.events.words import CancelledBy, Gateway, MethodKind
from shared.methods import OfferedMethod
from shared.money import Money

if TYPE_CHECKING:
    from ops.simulation.outside import SimGateway

PARIS: Final = ZoneInfo("Europe/Paris")
TOKYO: Final = ZoneInfo("Asia/Tokyo")
EUROS: Final = Money(7500, "EUR")
YEN: Final = Money(12800, "JPY")
SETTLING: Final = timedelta(hours=12)
"""After the last thing that happens, storms go on this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something at the gateway."""

    at: datetime
    does: Callable[[SimGateway], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One learner's months, told by what the world does."""

    name: str
    school_id: str
    policy_id: str
    zone: ZoneInfo
    gateway: Gateway
    subscription_id: str
    key: str
    price: Money
    old_price: Money
    billing_day: int
    started_on: date
    starts: datetime
    ends: datetime
    """Storms end here; a while later everything must have come right."""
    answers: tuple[str | None, ...] = (None,)
    happenings: tuple[Happening, ...] = ()
    credits: int = 0
    lessons: tuple[datetime, ...] = ()

    @property
    def learner_id(self) -> str:
        """Who learns."""
        return f"{self.subscription_id}-l"


def _at(zone: ZoneInfo, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def _fails(
    gateway: Gateway, key: str, zone: ZoneInfo, at: str, price: Money, *, silent: bool = False
) -> Happening:
    decline = "insufficient_funds" if gateway is Gateway.STRIPE else "INSUFFICIENT_FUNDS"
    when = _at(zone, at)
    told = attempt(gateway, key, when, f"txn_{key}_{at[5:10]}", price, decline)
    return Happening(at=when, does=lambda bank: bank.happens(told, silent=silent))


def _pays(gateway: Gateway, key: str, zone: ZoneInfo, at: str, price: Money) -> Happening:
    when = _at(zone, at)
    told = attempt(gateway, key, when, f"txn_{key}_{at[5:10]}", price, None)
    return Happening(at=when, does=lambda bank: bank.happens(told))


def _french(
    name: str, answers: tuple[str | None, ...], *more: Happening, ends: str = "2026-04-06 12:00"
) -> History:
    first = _fails(Gateway.STRIPE, "sub_ada", PARIS, "2026-03-05 09:00", EUROS)
    return History(
        name=name,
        school_id="academie",
        policy_id="fr-elearning",
        zone=PARIS,
        gateway=Gateway.STRIPE,
        subscription_id="ada",
        key="sub_ada",
        price=EUROS,
        old_price=EUROS,
        billing_day=5,
        started_on=date(2026, 1, 5),
        starts=_at(PARIS, "2026-03-04 10:00"),
        ends=_at(PARIS, ends),
        answers=answers,
        happenings=(first, *more),
    )


def _japanese(name: str, *happenings: Happening, ends: str = "2026-05-12 12:00") -> History:
    return History(
        name=name,
        school_id="eikaiwa",
        policy_id="jp-school",
        zone=TOKYO,
        gateway=Gateway.PAYPAL,
        subscription_id="hana",
        key="I-HANA",
        price=YEN,
        old_price=Money(9800, "JPY"),
        billing_day=14,
        started_on=date(2026, 1, 14),
        starts=_at(TOKYO, "2026-04-13 10:00"),
        ends=_at(TOKYO, ends),
        happenings=happenings,
        credits=8,
        lessons=(_at(TOKYO, "2026-04-20 19:00"), _at(TOKYO, "2026-05-25 19:00")),
    )


def _new_card() -> Happening:
    when = _at(PARIS, "2026-03-10 15:30")
    told = MethodNews(
        gateway=Gateway.STRIPE,
        occurred_at=when,
        refs=("sub_ada",),
        update_id="seti_1",
        method_id="pm_2",
        method=MethodKind.CARD,
        label="4242",
        card="fp_2",
        offered=OfferedMethod(type="card", funding="credit", recurring_capable=True),
    )
    return Happening(at=when, does=lambda bank: bank.happens(told))


def _chargeback() -> Happening:
    when = _at(PARIS, "2026-03-28 11:00")

    def charge_back(bank: SimGateway) -> None:
        paid = next((told for _, told in bank.charges if told.decline is None), bank.books["sub_ada"][0])
        bank.happens(
            MoneyBackNews(
                gateway=Gateway.STRIPE,
                occurred_at=when,
                refs=("sub_ada",),
                what="chargeback",
                reversal_id="dp_1",
                transaction_id=paid.transaction_id,
                amount=EUROS,
            )
        )

    return Happening(at=when, does=charge_back)


def _ends(at: str, status: str, by: CancelledBy) -> Happening:
    when = _at(TOKYO, at)
    told = SubscriptionNews(
        gateway=Gateway.PAYPAL,
        occurred_at=when,
        refs=("I-HANA",),
        gateway_subscription_id="I-HANA",
        status=status,  # type: ignore[arg-type]  # one of the words of news
        by=by,
        failed_payments=4,
    )
    return Happening(at=when, does=lambda bank: bank.happens(told))


def _paypal(at: str, *, silent: bool = False) -> Happening:
    return _fails(Gateway.PAYPAL, "I-HANA", TOKYO, at, Money(9800, "JPY"), silent=silent)


_LOW: Final = "insufficient_funds"

HISTORIES: Final[tuple[History, ...]] = (
    _french("fr-third-retry-pays", (_LOW, _LOW, None), ends="2026-03-12 12:00"),
    _french("fr-suspended", (_LOW,)),
    _french("fr-new-card", (_LOW, _LOW, None), _new_card(), ends="2026-03-13 12:00"),
    _french("fr-stolen-card", ("stolen_card",), ends="2026-04-06 12:00"),
    _french("fr-charged-back", (_LOW, None), _chargeback(), ends="2026-03-31 12:00"),
    _japanese(
        "jp-third-try-pays",
        _paypal("2026-04-14 20:10"),
        _paypal("2026-04-19 20:05"),
        _pays(Gateway.PAYPAL, "I-HANA", TOKYO, "2026-04-24 20:07", Money(9800, "JPY")),
        ends="2026-04-28 12:00",
    ),
    _japanese(
        "jp-exhausted",
        _paypal("2026-04-14 20:10"),
        _paypal("2026-04-19 20:05"),
        _paypal("2026-04-24 20:07"),
        _paypal("2026-04-29 20:02"),
        _ends("2026-04-29 20:03", "suspended", CancelledBy.GATEWAY),
    ),
    _japanese(
        "jp-webhook-never-comes",
        _paypal("2026-04-14 20:10"),
        _paypal("2026-04-19 20:05", silent=True),
        _pays(Gateway.PAYPAL, "I-HANA", TOKYO, "2026-04-24 20:07", Money(9800, "JPY")),
        ends="2026-04-28 12:00",
    ),
    _japanese(
        "jp-buyer-cancels",
        _paypal("2026-04-14 20:10"),
        _ends("2026-04-17 09:30", "cancelled", CancelledBy.LEARNER),
        ends="2026-05-05 12:00",
    ),
)
