"""What the routes of credits share: the open store, and the account that a request is about."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from services.credits.domain import Account
from services.credits.store import CreditsUnit
from shared.errors import NotFound, Refused
from shared.transactions import Transactions
from shared.web import opened_for

PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]


Opened = Annotated[Transactions, Depends(opened_for)]


async def account_of(
    unit: CreditsUnit, subscription_id: str, school_id: str | None = None, learner_id: str | None = None
) -> Account:
    """The account, or a new one when the request names its owner.

    Raises:
        NotFound: it is not known here. Refused: it is another's.
    """
    account = await unit.account(subscription_id)
    if account is None:
        if school_id is None or learner_id is None:
            raise NotFound(
                f"we could not find the credits of subscription {subscription_id} because it is not known here: "
                "register it (PUT /subscriptions/{id} of payments) or send school_id and learner_id along"
            )
        return Account(subscription_id=subscription_id, school_id=school_id, learner_id=learner_id)
    if school_id not in {None, account.school_id} or learner_id not in {None, account.learner_id}:
        raise Refused(
            f"we could not take this for subscription {subscription_id} because it belongs to learner "
            f"{account.learner_id} of school {account.school_id}: correct the ids",
            code="other_owner",
        )
    return account
