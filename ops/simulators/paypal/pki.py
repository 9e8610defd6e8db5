"""PayPal's signing certificates, from a root of our own: good ones, and every bad one worth refusing."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_PEM = serialization.Encoding.PEM
_BEGIN = datetime(2015, 1, 1, tzinfo=UTC)
_END = datetime(2049, 12, 31, tzinfo=UTC)
_HOST = "messageverificationcerts.sandbox.paypal.com"
_CaKey = ec.EllipticCurvePrivateKey
_AnyKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """A root, an intermediate and leaves on disk, made once per data folder.

    A leaf is known by its mode (``good``, ``expired_cert``, ``wrong_name``, ``self_signed``,
    ``unknown_root``) and its generation, which rotation raises. All leaves of a generation share one RSA
    key; the intermediate is not served by the certificate address, as at PayPal.
    """

    def __init__(self, folder: Path, seed: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._seed = seed
        self._keys: dict[int, rsa.RSAPrivateKey] = {}
        self._root = self._authority("root", None)
        self._intermediate = self._authority("intermediate", self._root)

    def root_pem(self) -> bytes:
        """The anchor a service has to trust."""
        return (self._folder / "root.pem").read_bytes()

    def intermediate_pem(self) -> bytes:
        """What a service has to bundle."""
        return (self._folder / "intermediate.pem").read_bytes()

    def cert_id(self, mode: str, generation: int) -> str:
        """``CERT-...``: the last part of the certificate's address."""
        digest = hashlib.sha256(f"{self._seed}|{mode}|{generation}".encode()).hexdigest()
        return f"CERT-{digest[:8]}-{digest[8:16]}-{digest[16:24]}"

    def leaf_pem(self, mode: str, generation: int) -> bytes:
        """The certificate itself; made when first asked for."""
        path = self._folder / f"leaf-{mode}-{generation}.pem"
        if not path.exists():
            path.write_bytes(self._make_leaf(mode, generation).public_bytes(_PEM))
        return path.read_bytes()

    def leaf_key(self, generation: int) -> rsa.RSAPrivateKey:
        """The key of a generation's leaves."""
        if generation not in self._keys:
            path = self._folder / f"leaf-{generation}.key"
            if not path.exists():
                _write_key(path, rsa.generate_private_key(public_exponent=65537, key_size=2048))
            key = serialization.load_pem_private_key(path.read_bytes(), None)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise TypeError(f"{path.name} is not an RSA key: remove it and start again")
            self._keys[generation] = key
        return self._keys[generation]

    def _make_leaf(self, mode: str, generation: int) -> x509.Certificate:
        key = self.leaf_key(generation)
        name = "certificates.example.com" if mode == "wrong_name" else _HOST
        end = datetime(2019, 1, 1, tzinfo=UTC) if mode == "expired_cert" else _END
        issuer: _AnyKey
        if mode == "self_signed":
            issuer, issuer_name = key, _name(name)
        elif mode == "unknown_root":
            issuer, issuer_name = ec.generate_private_key(ec.SECP256R1()), _name("Somebody's own CA")
        else:
            issuer, certificate = self._intermediate
            issuer_name = certificate.subject
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        return (
            _builder(_name(name), issuer_name, key.public_key(), issuer, end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(usage, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .sign(issuer, hashes.SHA256())
        )

    def _authority(
        self, word: str, issuer: tuple[_CaKey, x509.Certificate] | None
    ) -> tuple[_CaKey, x509.Certificate]:
        key_path, path = self._folder / f"{word}.key", self._folder / f"{word}.pem"
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            signer, signer_name = (issuer[0], issuer[1].subject) if issuer else (key, _ca_name(word))
            certificate = (
                _builder(_ca_name(word), signer_name, key.public_key(), signer, _END)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
                .add_extension(_key_usage(ca=True), critical=True)
                .sign(signer, hashes.SHA256())
            )
            _write_key(key_path, key)
            path.write_bytes(certificate.public_bytes(_PEM))
        loaded = serialization.load_pem_private_key(key_path.read_bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{key_path.name} is not an EC key: remove the folder and start again")
        return loaded, x509.load_pem_x509_certificate(path.read_bytes())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    signer: _AnyKey,
    end: datetime,
) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(identifier, critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Simulated PayPal"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _ca_name(word: str) -> x509.Name:
    return _name(f"Relance simulator {word} CA")


def _write_key(path: Path, key: _AnyKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
