"""Where a certificate says that its revocation can be asked about (RFC 5280, section 4.2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

_ADDRESSES_MAX: Final = 4  # of a kind; genuine certificates name one or two


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """What a certificate names. It is somebody else's text: none of it is asked unchecked.

    Attributes:
        ocsp: who answers about this certificate.
        lists: the lists that it would stand in, deltas last.
        has_delta: whether there is a delta, without which a list is not the whole truth.
    """

    ocsp: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    has_delta: bool = False


def addresses_of(certificate: x509.Certificate) -> Addresses:
    """Return the addresses that a certificate names; none where it cannot be read."""
    try:
        extensions = list(certificate.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return Addresses()
    ocsp: list[str] = []
    full: list[str] = []
    delta: list[str] = []
    for one in extensions:
        value = one.value
        if isinstance(value, x509.AuthorityInformationAccess):
            ocsp += _uris(
                access.access_location
                for access in value
                if access.access_method == AuthorityInformationAccessOID.OCSP
            )
        elif isinstance(value, x509.FreshestCRL):
            delta += _uris(name for point in value for name in point.full_name or ())
        elif isinstance(value, x509.CRLDistributionPoints):
            full += _uris(name for point in value for name in point.full_name or ())
    return Addresses(
        ocsp=tuple(ocsp[:_ADDRESSES_MAX]),
        lists=(*full[:_ADDRESSES_MAX], *delta[:_ADDRESSES_MAX]),
        has_delta=bool(delta),
    )


def _uris(names: Iterable[x509.GeneralName]) -> list[str]:
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
