"""The emulator's certificate authority and the server certificates that it signs."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=30)


class Pair(NamedTuple):
    """A certificate and its key (PEM files); for an authority, also the system's bundle with the authority added."""

    cert_file: Path
    key_file: Path
    bundle_file: Path | None = None


def authority(folder: Path) -> Pair:
    """Create a certificate authority in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Teal rehearsal CA")
    # Python 3.13 refuses an authority without keyUsage.
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    builder = _builder(name, name, key.public_key()).add_extension(
        x509.BasicConstraints(True, None), critical=True
    )
    pair = _write(folder, "ca", builder.add_extension(usage, critical=True).sign(key, hashes.SHA256()), key)
    bundle = folder / "ca-bundle.pem"
    bundle.write_text(_system_bundle() + "\n" + pair.cert_file.read_text())
    return pair._replace(bundle_file=bundle)


def server(folder: Path, name: str, hosts: list[str], ca: Pair) -> Pair:
    """Create a server certificate for `hosts` (DNS names, wildcards, IP addresses), signed by `ca`."""
    issuer = x509.load_pem_x509_certificate(ca.cert_file.read_bytes())
    issuer_key = serialization.load_pem_private_key(ca.key_file.read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(hosts[0][:64]), issuer.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, False, False, False, False),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
    )
    return _write(folder, name, builder.sign(issuer_key, hashes.SHA256()), key)  # type: ignore[arg-type]


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    pair.cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key_file.touch(mode=0o600)
    pair.key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pair


def _system_bundle() -> str:
    cafile = ssl.get_default_verify_paths().cafile
    return Path(cafile if cafile else certifi.where()).read_text()
