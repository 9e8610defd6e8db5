"""Schools and learners as pages need them: a zone, a language, the way to pay; no name, no address."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

import yaml

from shared.events import access, dunning, notifications
from shared.events.words import AccessLevel

GUIDED: Final = frozenset({"jp-school"})
"""Policies that come with Relance and end in guidance by the office and a payment from My Page."""
GATEWAY_RETRIES: Final = frozenset(
    {"jp-school", "paypal-classic", "paypal-rest-outstanding", "stripe-smart-retries"}
)

_WAYS: Final[dict[str, frozenset[str]]] = {
    "card": frozenset({"credit_card", "card"}),
    "paypal": frozenset({"paypal"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """Whose pages these are."""

    school_id: str
    name: str = ""
    zone: str = "UTC"
    languages: tuple[str, ...] = ()
    currency: str = "EUR"
    support_contact: str = ""
    site_url: str = ""
    help_urls: dict[str, str] = field(default_factory=dict)
    accepted_methods: tuple[str, ...] = ()
    guided: bool = False
    """Learners have My Page (the Japanese procedure) instead of Premium (the French one)."""
    gateway_retries: bool = False
    """The gateway decides when it tries again; nobody here can charge."""
    window: tuple[str, str] = ("19:00", "26:00")
    """When the gateway debits, on the long clock (J28)."""

    @property
    def is_known(self) -> bool:
        return bool(self.name)

    @property
    def ways(self) -> list[str]:
        """The ways of paying that a card gateway can store and that the school takes (F6)."""
        taken = set(self.accepted_methods)
        return [way for way, words in _WAYS.items() if not taken or taken & words]


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A path that a learner follows (F22)."""

    path_id: str
    title: str = ""
    subscription_id: str | None = None
    deadline: date | None = None
    """Last day to re-enrol, inclusive."""
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Who looks at the pages."""

    school_id: str
    learner_id: str
    language: str = "en"
    zone: str = "UTC"
    paths: tuple[Path, ...] = ()
    levels: dict[str, AccessLevel] = field(default_factory=dict)
    """What each subscription opens, where it is less than everything."""

    @property
    def key(self) -> str:
        return learner_key(self.school_id, self.learner_id)

    def path(self, path_id: str | None) -> Path | None:
        """The path of that id."""
        return next((path for path in self.paths if path.path_id == path_id), None)


def learner_key(school_id: str, learner_id: str) -> str:
    """Two schools may use the same learner id; ids never contain a slash."""
    return f"{school_id}/{learner_id}"


# --- schools ----------------------------------------------------------------------------------------------


def when_school_registered(known: School, fact: dunning.SchoolRegistered) -> School:
    """The newest registration holds; a policy of the school's own is remembered."""
    own = known.is_known and (known.guided, known.gateway_retries)
    return School(
        school_id=fact.school_id,
        name=fact.name,
        zone=fact.zone,
        languages=fact.languages,
        currency=fact.currency,
        support_contact=fact.support_contact,
        site_url=fact.site_url,
        help_urls=fact.help_urls,
        accepted_methods=fact.accepted_methods,
        guided=fact.policy_id in GUIDED or bool(own and own[0]),
        gateway_retries=fact.policy_id in GATEWAY_RETRIES or bool(own and own[1]),
        window=known.window,
    )


def when_policy_adopted(known: School, fact: dunning.PolicyAdopted) -> School:
    """Whether the gateway retries by itself, and how the procedure ends, is the policy's."""
    read = yaml.safe_load(fact.text)
    policy: dict[str, Any] = read if isinstance(read, dict) else {}
    base = policy.get("id") if isinstance(policy.get("id"), str) else fact.policy_id
    kind = _part(policy, "remediation").get("kind")
    executor = _part(policy, "attempts").get("executor")
    window = _part(_part(policy, "billing"), "charge_window")
    return replace(
        known,
        guided=kind == "staff_guided_lump_sum" if kind else base in GUIDED,
        gateway_retries=executor == "gateway" if executor else base in GATEWAY_RETRIES,
        window=(str(window["from"]), str(window["to"])) if {"from", "to"} <= window.keys() else known.window,
    )


def _part(section: dict[str, Any], name: str) -> dict[str, Any]:
    found = section.get(name)
    return found if isinstance(found, dict) else {}


# --- learners ---------------------------------------------------------------------------------------------


def when_learner_registered(known: Learner, fact: notifications.LearnerRegistered) -> Learner:
    """A language and a zone."""
    return replace(known, language=fact.language, zone=fact.zone)


def when_path_enrolled(known: Learner, fact: access.PathEnrolled) -> Learner:
    """Another last day, or another path."""
    before = known.path(fact.path_id)
    path = Path(
        path_id=fact.path_id,
        title=fact.title,
        subscription_id=fact.subscription_id,
        deadline=fact.re_enrolment_deadline,
        closed_at=before.closed_at if before else None,
    )
    return _with_path(known, path)


def when_enrolment_closed(known: Learner, fact: access.EnrolmentClosed) -> Learner:
    """The last day to re-enrol passed."""
    path = known.path(fact.path_id) or Path(path_id=fact.path_id)
    return _with_path(known, replace(path, closed_at=fact.occurred_at))


def when_enrolment_reopened(known: Learner, fact: access.EnrolmentReopened) -> Learner:
    """It is open again."""
    path = known.path(fact.path_id) or Path(path_id=fact.path_id)
    return _with_path(known, replace(path, closed_at=None))


def _with_path(known: Learner, path: Path) -> Learner:
    others = tuple(one for one in known.paths if one.path_id != path.path_id)
    return replace(known, paths=tuple(sorted((*others, path), key=lambda one: one.path_id)))


def when_level_changed(known: Learner, fact: access.AccessSuspended | access.AccessRestored) -> Learner:
    """What one subscription opens from now on (R-X2)."""
    levels = {**known.levels, fact.subscription_id: fact.level}
    return replace(
        known, levels={name: level for name, level in levels.items() if level is not AccessLevel.FULL}
    )
