"""What the office's mails must say, in all three languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.notifications.checklist.required import Required, must
from shared.events.words import Template

T = Template

_CASE: Final = must("the case", "§4", fr="sub-ada~", ja="sub-ada~", en="sub-ada~")
_DESK_LINK: Final = must("a link to the console", "§4", fr="https://", ja="https://", en="https://")

OFFICE: Final[Mapping[Template, tuple[Required, ...]]] = {
    T.STAFF_REVIEW: (
        _CASE,
        _DESK_LINK,
        must(
            "the facts",
            "R-X3",
            fr=("montant différent", "75,00\u00a0€", "74,99\u00a0€"),
            ja=("金額の不一致", "€75.00", "€74.99"),
            en=("amount differs", "€75.00", "€74.99"),
        ),
    ),
    T.STAFF_GUIDANCE_QUEUE: (
        _DESK_LINK,
        must(
            "the list, first come first served",
            "J45",
            fr=("1. sub-a~", "2. sub-b~", "3. sub-c~"),
            ja=("1. sub-a~", "2. sub-b~", "3. sub-c~"),
            en=("1. sub-a~", "2. sub-b~", "3. sub-c~"),
        ),
    ),
    T.STAFF_WATCHDOG: (
        _CASE,
        _DESK_LINK,
        must(
            "not a known failure",
            "R-J1",
            fr="pas un échec constaté",
            ja="失敗が確認されたわけではありません",
            en="not a known failure",
        ),
        must("the window", "J28", fr="19:00–26:00", ja="19:00〜26:00", en="19:00–26:00"),
    ),
    T.STAFF_NOTICE_OVERDUE: (
        _CASE,
        _DESK_LINK,
        must(
            "which mail, and its target",
            "R-J3",
            fr=("jp.payment_failed", "vendredi 17 avril 2026 à 24:00"),
            ja=("jp.payment_failed", "2026年4月17日(金)24:00"),
            en=("jp.payment_failed", "Friday 17 April 2026 at 24:00"),
        ),
    ),
}
