"""The parts of a certificate as they are encoded, where a parser above would refuse or rewrite.

Names and keys are compared and hashed by their own bytes. Extensions are read here because genuine
certificates of the national authority's OCSP responders hold one (``id-pkix-ocsp-nocheck`` with an
empty value) at which stricter parsers give up, and with it the whole list.
"""

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.identity.rules.der import DerNotValid, check_der, children, content_of

_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_OBJECT_IDENTIFIER: Final = 0x06
_OCTET_STRING: Final = 0x04
_BIT_STRING: Final = 0x03
_BOOLEAN_TRUE: Final = b"\x01\x01\xff"


@dataclass(frozen=True, kw_only=True)
class CertificateParts:
    """What a certificate consists of, in DER.

    Attributes:
        issuer: the name of the issuer.
        subject: the name of the holder.
        spki: the key with its algorithm.
        key_bits: the key alone, as OCSP hashes it.
        extensions: value and criticality by object identifier.
    """

    issuer: bytes
    subject: bytes
    spki: bytes
    key_bits: bytes
    extensions: dict[str, tuple[bool, bytes]]


def parts_of(certificate: x509.Certificate) -> CertificateParts:
    """Return the parts of a certificate of version 3.

    Raises:
        DerNotValid: it has another form.
    """
    to_sign = certificate.public_bytes(Encoding.DER)
    check_der(to_sign)
    fields = children(children(to_sign)[0])
    if len(fields) < 7 or fields[0][0] != _VERSION:  # noqa: PLR2004 - RFC 5280, section 4.1
        raise DerNotValid("not a certificate of version 3")
    spki = fields[6]
    extensions: dict[str, tuple[bool, bytes]] = {}
    for field in fields[7:]:
        if field[0] == _EXTENSIONS:
            for one in children(content_of(field, tag=_EXTENSIONS)):
                name, critical, value = _extension(one)
                if name in extensions:
                    raise DerNotValid("an extension stands twice")
                extensions[name] = (critical, value)
    return CertificateParts(
        issuer=fields[3],
        subject=fields[5],
        spki=spki,
        key_bits=content_of(children(spki)[1], tag=_BIT_STRING)[1:],
        extensions=extensions,
    )


def object_identifier(encoded: bytes) -> str:
    """Return the dotted form of an object identifier in DER."""
    content = content_of(encoded, tag=_OBJECT_IDENTIFIER)
    steps, number = [], 0
    for byte in content:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            steps.append(number)
            number = 0
    if not steps or content[-1] & 0x80:
        raise DerNotValid("no object identifier")
    first = min(steps[0] // 40, 2)
    return ".".join(str(step) for step in (first, steps[0] - 40 * first, *steps[1:]))


def _extension(encoded: bytes) -> tuple[str, bool, bytes]:
    name, *rest = children(encoded)
    critical = bool(rest) and rest[0] == _BOOLEAN_TRUE
    if len(rest) != 1 + critical:
        raise DerNotValid("an extension of another form")
    return object_identifier(name), critical, content_of(rest[-1], tag=_OCTET_STRING)
