"""Whose system may sign what comes from a register or a court, by its certificate.

A body's system signs with a certificate of its own: the BIN of the body in its name, the user
type "information system" among its uses (NUC RK, 1.2.398.3.3.4.1.2.6). A certificate of one of
the body's employees bears the same BIN and is refused: a clerk is not the register.
"""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from app.identity.errors import SignatureRefused
from app.identity.rules.certificates import Trust, check_chain

INFORMATION_SYSTEM: Final = "1.2.398.3.3.4.1.2.6"
_RSA_BITS_MIN: Final = 2048
_PREFIX: Final = "BIN"
_NAMES: Final = (NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.SERIAL_NUMBER)


class SignerRefused(Exception):
    """The certificate is not the one of that body's system, or leads to no pinned root."""


def check_system(
    certificate: x509.Certificate, *, body_bin: str, trust: Trust, now: datetime
) -> None:
    """Check that ``certificate`` is of the system of the body with ``body_bin``, at ``now``.

    Raises:
        SignerRefused: it is not; the text says at which step and names nobody.
    """
    try:
        check_chain(certificate, others=(), trust=trust, now=now)
    except SignatureRefused as error:
        raise SignerRefused("chain") from error
    try:
        key, names, usages = certificate.public_key(), _bins(certificate), _usages(certificate)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise SignerRefused("certificate") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _RSA_BITS_MIN:
        raise SignerRefused("key")
    if names != {body_bin}:
        raise SignerRefused("body")
    if INFORMATION_SYSTEM not in usages:
        raise SignerRefused("not_a_system")


def _bins(certificate: x509.Certificate) -> set[str]:
    values = [
        attribute.value
        for name in _NAMES
        for attribute in certificate.subject.get_attributes_for_oid(name)
    ]
    return {
        value.removeprefix(_PREFIX)
        for value in values
        if isinstance(value, str) and value.startswith(_PREFIX)
    }


def _usages(certificate: x509.Certificate) -> set[str]:
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return {usage.dotted_string for usage in extended}
