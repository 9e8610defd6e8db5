"""The answer for a person: three columns, what is unknown, and what would have been decided otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from ops.whatif.asking import Answer
from ops.whatif.comparing import Difference, counted
from ops.whatif.figures import Figures
from ops.whatif.observed import Unknown

_ROWS: Final = (
    ("cases", "cases"),
    ("recovered", "recovered"),
    ("days_to_recover", "median days until then"),
    ("money", "money recovered"),
    ("tries", "tries of ours"),
    ("mails", "mails to learners"),
    ("days_locked", "days locked out"),
    ("days_limited", "days with less access"),
    ("lessons_lost", "lessons lost"),
    ("forfeited", "credits forfeited"),
    ("still_open", "still open"),
)


def lines(answer: Answer, *, cases: bool = False) -> Iterator[str]:
    """The report; ``cases`` names each difference."""
    yield f"{answer.policy_id} at {', '.join(answer.schools)}, {answer.since:%Y-%m-%d %H:%MZ} to {answer.until:%Y-%m-%d %H:%MZ}"
    yield f"{answer.cases} cases, {answer.decisions} facts decided upon"
    yield ""
    columns = ("really", "of these known", "with the policy")
    yield f"{'':24}" + "".join(f"{column:>18}" for column in columns)
    for name, label in _ROWS:
        values = [cell(getattr(of, name)) for of in (answer.really_all, answer.really, answer.here)]
        yield f"{label:24}" + "".join(f"{value:>18}" for value in values)
    unknown = answer.really_all.cases - answer.really.cases
    yield ""
    yield f"unknown: {unknown} of {answer.really_all.cases} cases, because the world was never asked"
    for one in answer.unknown:
        yield f"  {one.case_id} from {one.at:%Y-%m-%d %H:%MZ} on: {one.why}"
    for text in answer.not_understood:
        yield f"not understood, as it would have been parked: {text}"
    yield ""
    yield f"{len(answer.differences)} differences between the decisions" + (":" if answer.differences else "")
    for (type_, what), many in sorted(counted(answer.differences).items()):
        yield f"  {many:6} {type_}: {what}"
    if cases:
        for difference in answer.differences:
            yield f"  {difference.at:%Y-%m-%d %H:%M:%SZ} {difference.case_id} {difference.type}: {difference.what}"


def cell(value: Any) -> str:
    """One figure as text."""
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return ", ".join(str(money) for money in value) or "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def data(answer: Answer) -> dict[str, Any]:
    """The same with stable names; amounts in minor units, instants in UTC."""
    return {
        "policy": answer.policy_id,
        "schools": list(answer.schools),
        "from": answer.since.isoformat(),
        "to": answer.until.isoformat(),
        "cases": answer.cases,
        "decisions": answer.decisions,
        "really": _figures(answer.really_all),
        "really_known": _figures(answer.really),
        "with_policy": _figures(answer.here),
        "unknown": [_unknown(one) for one in answer.unknown],
        "not_understood": list(answer.not_understood),
        "differences": [_difference(one) for one in answer.differences],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {**asdict(figures), "money": {one.currency: one.amount_minor for one in figures.money}}


def _unknown(one: Unknown) -> dict[str, Any]:
    return {**asdict(one), "at": one.at.isoformat()}


def _difference(one: Difference) -> dict[str, Any]:
    return {**asdict(one), "at": one.at.isoformat()}
