"""Whose key signed this webhook: the certificate's address is the sender's word, so it is believed last.

https, an exact host, one path, no redirects, no credentials, port, query or odd spelling; then the name in the
certificate and its chain to a root we chose, at the time of the transmission. Nothing is fetched before the
address passed.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

import certifi
import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from services.payments.gateways.refusal import refused
from shared.errors import Transient

_PATH: Final = "/v1/notifications/certs/"
_CERT: Final = re.compile(r"CERT-[0-9A-Za-z-]{8,80}")
LIVE_HOSTS: Final = ("api.paypal.com", "api-m.paypal.com")
SANDBOX_HOSTS: Final = ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com")
_NAMES: Final = {
    "live": "messageverificationcerts.paypal.com",
    "sandbox": "messageverificationcerts.sandbox.paypal.com",
}
_LARGEST: Final = 64 * 1024
_KEPT: Final = 64
_REMEMBER_FAILURE: Final = 300.0
_FETCHES_A_MINUTE: Final = 30
_ISSUER_HOST: Final = "http://cacerts.digicert.com/"
"""Where a missing intermediate may be had; what comes from there counts only if it chains to our roots."""

Fetch = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertConfig:
    """Which certificates are believed. ``origins`` (``http://127.0.0.1:9101/paypal``) is for simulators only."""

    environments: tuple[str, ...] = ("live",)
    anchors: tuple[Path, ...] = ()
    """PEM files, or folders of them: the roots we trust, intermediates, and copies of signing certificates named
    as PayPal names them (``CERT-...``). Without any, the public DigiCert roots."""
    origins: tuple[str, ...] = ()


@dataclass(slots=True)
class _Known:
    leaf: x509.Certificate
    key: rsa.RSAPublicKey
    good_on: set[str] = field(default_factory=set)


class Certificates:
    """Fetches and believes PayPal's signing certificates; one per process."""

    def __init__(self, config: CertConfig, *, fetch: Fetch | None = None) -> None:
        self._config = config
        self._fetch = fetch or fetch_bytes
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._failed: OrderedDict[str, float] = OrderedDict()
        self._fetches: list[float] = []
        self._lock = asyncio.Lock()

    async def key(self, url: str, at: datetime) -> rsa.RSAPublicKey:
        """The key behind ``url``, good at ``at``.

        Raises:
            Refused: the address, the name, the chain or the dates are not what they must be.
            Transient: PayPal's certificate cannot be fetched now.
        """
        name = allowed(url, self._config)
        known = self._known.get(url)
        if known is None:
            async with self._lock:
                known = self._known.get(url) or await self._load(url)
        day = at.date().isoformat()
        if day not in known.good_on:
            await self._check(known.leaf, name, at)
            known.good_on.add(day)
        if not known.leaf.not_valid_before_utc <= at <= known.leaf.not_valid_after_utc:
            raise refused("its signing certificate was not valid when it was sent")
        return known.key

    async def _load(self, url: str) -> _Known:
        failed_at = self._failed.get(url)
        if failed_at is not None and time.monotonic() - failed_at < _REMEMBER_FAILURE:
            raise refused("its signing certificate could not be read a moment ago")
        self._count_fetch()
        try:
            kept = _kept_copy(self._config.anchors, url.rsplit("/", 1)[-1])
            leaf = x509.load_pem_x509_certificate(kept or await self._fetch(url))
        except (httpx.HTTPError, ValueError) as error:
            self._remember_failure(url)
            if isinstance(error, httpx.TransportError):
                raise Transient(
                    "PayPal's certificate cannot be fetched now: the webhook is sent again"
                ) from error
            raise refused("its signing certificate could not be read") from error
        key = leaf.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise refused("its signing certificate has no RSA key")
        known = self._known[url] = _Known(leaf=leaf, key=key)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known

    def _count_fetch(self) -> None:
        """New addresses cost a call each: a flood of invented ones waits, known ones do not (PayPal sends again)."""
        now = time.monotonic()
        self._fetches = [at for at in self._fetches if now - at < 60.0]
        if len(self._fetches) >= _FETCHES_A_MINUTE:
            raise Transient("too many new signing certificates were named within a minute: send it again")
        self._fetches.append(now)

    def _remember_failure(self, url: str) -> None:
        self._failed[url] = time.monotonic()
        if len(self._failed) > _KEPT:
            self._failed.popitem(last=False)

    async def _check(self, leaf: x509.Certificate, name: str, at: datetime) -> None:
        roots, intermediates = _anchors(self._config.anchors)
        if not roots:
            raise refused(
                "no root is configured that could vouch for its certificate (RELANCE_PAYPAL_ANCHORS)"
            )
        policy = PolicyBuilder().store(Store(list(roots))).time(at.replace(tzinfo=None))
        verifier = policy.build_server_verifier(x509.DNSName(name))
        chain = list(intermediates) + await self._issuer_of(leaf, intermediates)
        try:
            verifier.verify(leaf, chain)
        except VerificationError as error:
            raise refused(
                f"its signing certificate is not {name}'s own, by a root we trust, of that time"
            ) from error

    async def _issuer_of(
        self, leaf: x509.Certificate, known: tuple[x509.Certificate, ...]
    ) -> list[x509.Certificate]:
        """PayPal serves the leaf only; a bundled intermediate is used first, else DigiCert's public copy."""
        if any(one.subject == leaf.issuer for one in known):
            return []
        try:
            access = leaf.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_INFORMATION_ACCESS).value
        except x509.ExtensionNotFound:
            return []
        assert isinstance(access, x509.AuthorityInformationAccess)  # noqa: S101 - the extension's own type
        for place in access:
            url = place.access_location.value
            is_issuer = place.access_method == AuthorityInformationAccessOID.CA_ISSUERS
            if is_issuer and str(url).startswith(_ISSUER_HOST):
                try:
                    return [x509.load_der_x509_certificate(await self._fetch(url))]
                except (httpx.HTTPError, ValueError):
                    return []
        return []


def allowed(url: str, config: CertConfig) -> str:
    """The name that the certificate at ``url`` must bear.

    Raises:
        Refused: the address is not exactly one of PayPal's; no socket was opened.
    """
    for environment in config.environments:
        hosts = LIVE_HOSTS if environment == "live" else SANDBOX_HOSTS
        for host in hosts:
            if _is_below(url, f"https://{host}"):
                return _NAMES[environment]
    for origin in config.origins:
        if _is_below(url, origin.rstrip("/")):
            return _NAMES["sandbox"]
    raise refused("its certificate's address is not PayPal's")


def _is_below(url: str, origin: str) -> bool:
    """Compared as text, character by character: what needs interpretation is not PayPal's address."""
    prefix = f"{origin}{_PATH}"
    return url.startswith(prefix) and _CERT.fullmatch(url, len(prefix)) is not None


def _files(anchors: tuple[Path, ...]) -> list[Path]:
    return [file for path in anchors for file in (sorted(path.glob("*.pem")) if path.is_dir() else [path])]


@cache
def _kept_copy(anchors: tuple[Path, ...], name: str) -> bytes | None:
    """A signing certificate that lies beside the anchors; it is believed no more than a fetched one."""
    found = [file for file in _files(anchors) if file.name.split(".")[0] == name]
    return found[0].read_bytes() if found else None


@cache
def _anchors(
    paths: tuple[Path, ...],
) -> tuple[tuple[x509.Certificate, ...], tuple[x509.Certificate, ...]]:
    """Roots and intermediates of the configured files; without any, the public DigiCert roots."""
    if not paths:
        bundle = x509.load_pem_x509_certificates(Path(certifi.where()).read_bytes())
        return tuple(one for one in bundle if "DigiCert" in one.subject.rfc4514_string()), ()
    found: list[x509.Certificate] = []
    for file in _files(paths):
        found += x509.load_pem_x509_certificates(file.read_bytes())
    authorities = [one for one in found if _is_authority(one)]
    roots = tuple(one for one in authorities if one.subject == one.issuer)
    return roots, tuple(one for one in authorities if one.subject != one.issuer)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


async def fetch_bytes(url: str) -> bytes:
    """A small file over HTTP: no redirects, no proxies from the environment, five seconds, 64 KB.

    Raises:
        httpx.HTTPError: it cannot be had.
        ValueError: it is too large.
    """
    async with (
        httpx.AsyncClient(follow_redirects=False, timeout=5.0, trust_env=False) as client,
        client.stream("GET", url) as answer,
    ):
        answer.raise_for_status()
        if answer.is_redirect:
            raise ValueError("a certificate's address must not redirect")
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _LARGEST:
                raise ValueError("a certificate is not that large")
        return body
