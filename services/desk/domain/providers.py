"""A school's own sign-in (OpenID Connect): whom its provider vouches for, and whether that opens the door. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.desk.domain.people import Member, Person, Role

VISIT_LIFE: Final = timedelta(minutes=10)
_FACTORS: Final = frozenset({"mfa", "otp", "hwk", "swk", "fpt", "face", "iris", "sc"})
"""Values of ``amr`` (RFC 8176) that say that more than a password was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """How the people of one school prove who they are, beside password and code."""

    school_id: str
    issuer: str
    """Exactly as the provider writes it in its tokens."""
    client_id: str
    secret: str
    """The client's secret, sealed."""
    domain: str
    """The part of e-mail addresses behind the @ that this provider may vouch for."""
    provision: Role | None = None
    """The role of whoever comes without an invitation; ``None`` lets in invited people only."""
    claim: str = ""
    """A claim that says what somebody is; empty when roles are given at the desk."""
    roles: dict[str, Role] = field(default_factory=dict)
    """What a value of that claim means."""
    trusts_factor: bool = True
    """Our own code is not asked for when the provider says that it asked for a second factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A browser on its way to a provider and back, kept under the hash of its state: it comes back once."""

    hash: str
    browser: str
    """The hash of that browser's cookie: nobody else's browser can come back for it."""
    school_id: str
    nonce: str
    verifier: str
    """PKCE's, sealed."""
    to: str
    expires_at: datetime
    email: str = ""
    """Whom the provider vouched for, when only our own code is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Whom a provider vouches for."""

    email: str
    subject: str
    role: Role | None
    has_factor: bool


def guest_of(provider: Provider, claims: Mapping[str, Any]) -> Guest | str:
    """Whom the claims of a verified token name, or why that is nobody for us: ``unverified``, ``other_domain``."""
    email = str(claims.get("email", "")).strip().casefold()
    if claims.get("email_verified") is not True or email.count("@") != 1:
        return "unverified"
    if email.rpartition("@")[2] != provider.domain.casefold():
        return "other_domain"
    told = claims.get(provider.claim) if provider.claim else None
    values = told if isinstance(told, list) else [told]
    role = next((provider.roles[value] for value in map(str, values) if value in provider.roles), None)
    amr = claims.get("amr")
    return Guest(
        email=email,
        subject=f"{provider.issuer}|{claims['sub']}",
        role=role,
        has_factor=provider.trusts_factor
        and isinstance(amr, list)
        and not _FACTORS.isdisjoint(map(str, amr)),
    )


def welcomed(
    provider: Provider, guest: Guest, known: Person | None, new_id: str
) -> tuple[Person, Member] | str:
    """The person as let in, or why not: ``not_invited``, ``other_subject`` (the address has a new owner there)."""
    school = provider.school_id
    is_member = known is not None and school in known.schools
    if known is not None and is_member:
        bound = known.subjects.get(school)
        if bound is not None and bound != guest.subject:
            return "other_subject"
        person = known if guest.role is None else known.with_role(school, guest.role)
    else:
        role = guest.role or provider.provision
        if provider.provision is None or role is None or (known is not None and known.ended_at is not None):
            return "not_invited"
        person = (known or Person(email=guest.email, person_id=new_id)).with_role(school, role)
    person = replace(person, subjects={**person.subjects, school: guest.subject})
    return person, Member(school_id=school, email=guest.email)
