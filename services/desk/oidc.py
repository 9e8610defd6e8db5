"""The line to a school's OpenID Connect provider: where it is, the way there, and what a code is worth.

authlib makes the request and PKCE's challenge and judges the claims; joserfc reads signatures. Nothing but an
asymmetric signature by a key that the provider publishes now counts, so ``alg: none`` and a shared secret never do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.errors import Refused, Transient
from shared.logs import logger

log = logger("desk.oidc")

_SIGNATURES: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
_LARGEST: Final = 256 * 1024
_KNOWN_FOR: Final = 600.0
"""Seconds that a provider's addresses are remembered; keys are read again whenever one is unknown."""
_LEEWAY: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a provider is reached."""

    authorize: str
    token: str
    keys: str
    leave: str = ""


def refused(code: str) -> Refused:
    """The provider's answer opens nothing; ``code`` says why, in a word that pages know."""
    return Refused(f"we could not let you in because of the sign-in: {code}", status=403, code=code)


class Line:
    """Asks providers; ``is_test`` admits one on this machine without https."""

    def __init__(self, *, is_test: bool) -> None:
        self._is_test = is_test
        self._places: dict[str, tuple[float, Place]] = {}

    def may_be(self, address: str) -> bool:
        """Whether an address may be a provider's: https, without user, question or fragment."""
        parts = urlsplit(address)
        is_safe = parts.scheme == "https" or (self._is_test and parts.hostname == "127.0.0.1")
        return bool(
            is_safe and parts.hostname and not parts.username and not parts.query and not parts.fragment
        )

    async def place(self, issuer: str) -> Place:
        """Where that provider is reached.

        Raises:
            Refused: what answers there is another.
            Transient: it does not answer.
        """
        known = self._places.get(issuer)
        if known is not None and time.monotonic() - known[0] < _KNOWN_FOR:
            return known[1]
        told = await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        place = Place(
            authorize=str(told.get("authorization_endpoint", "")),
            token=str(told.get("token_endpoint", "")),
            keys=str(told.get("jwks_uri", "")),
            leave=str(told.get("end_session_endpoint", "")),
        )
        ours = (place.authorize, place.token, place.keys)
        if told.get("issuer") != issuer or not all(self.may_be(address) for address in ours):
            raise refused("foreign_issuer")
        self._places[issuer] = (time.monotonic(), place)
        return place

    async def way_to(
        self, issuer: str, client_id: str, *, state: str, nonce: str, verifier: str, back: str
    ) -> str:
        """The address that the browser is sent to."""
        place = await self.place(issuer)
        address: str = prepare_grant_uri(
            place.authorize,
            client_id,
            "code",
            redirect_uri=back,
            scope="openid email profile",
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return address

    async def claims(
        self,
        issuer: str,
        client_id: str,
        secret: str,
        *,
        code: str,
        nonce: str,
        verifier: str,
        back: str,
        now: datetime,
    ) -> Mapping[str, Any]:
        """What the provider says of whoever brought ``code``, once its signature and every claim were checked.

        Raises:
            Refused: the code is worth nothing, or the token is not for us, not of now, or not the provider's.
            Transient: the provider does not answer.
        """
        place = await self.place(issuer)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        told = await self._ask("POST", place.token, form=form, auth=(client_id, secret))
        token = told.get("id_token")
        if not isinstance(token, str):
            raise refused("wrong_token")
        found = await self._signed(place, token)
        options = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
        }
        judged = CodeIDToken(found, {}, options, {"nonce": nonce, "client_id": client_id})
        try:
            judged.validate(now=int(now.timestamp()), leeway=_LEEWAY)
        except Exception as error:
            log.warning("sign_in_refused", why=type(error).__name__)
            raise refused("wrong_token") from error
        return found

    async def _signed(self, place: Place, token: str) -> dict[str, Any]:
        """The token's claims, if a key that the provider publishes now signed it."""
        keys = await self._ask("GET", place.keys)
        try:
            decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=_SIGNATURES)  # type: ignore[arg-type]  # a key set as the provider wrote it
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("sign_in_refused", why=type(error).__name__)
            raise refused("wrong_token") from error
        return dict(decoded.claims)

    async def _ask(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Mapping[str, Any]:
        try:
            async with (
                httpx.AsyncClient(timeout=8, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    method,
                    address,
                    data=form,
                    auth=auth or httpx.USE_CLIENT_DEFAULT,
                    headers={"accept": "application/json"},
                ) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise refused("wrong_token")
                status = answer.status_code
        except httpx.HTTPError as error:
            raise Transient("the school's sign-in does not answer now: try again in a moment") from error
        if status >= 500:
            raise Transient("the school's sign-in cannot answer now: try again in a moment")
        try:
            told = httpx.Response(status, content=body).json()
        except ValueError as error:
            raise refused("wrong_token") from error
        if status >= 300 or not isinstance(told, dict):
            raise refused("wrong_code" if method == "POST" else "foreign_issuer")
        return told
