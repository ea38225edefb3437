"""The chain of certificates under GOST-2015, which no library here can build (RFC 5280, section 6).

Short on purpose: an issuing authority between holder and root, at most two, each named by the one
below, allowed to sign certificates, valid now. What a chain may hold beyond that is refused.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from cryptography import x509

from app.identity.rules.encoding import parts_of
from app.identity.rules.issuing import NotSignedBy, check_signed_by

_BETWEEN_MAX: Final = 2


class NoChain(ValueError):
    """No chain leads to a root."""


def build_chain(
    certificate: x509.Certificate,
    *,
    others: Iterable[x509.Certificate],
    roots: Sequence[x509.Certificate],
    now: datetime,
) -> tuple[x509.Certificate, ...]:
    """Return the certificates from the holder's to a root, both included.

    Raises:
        NoChain: there is none.
    """
    between = [one for one in others if one != certificate and one not in roots]
    chain = _extended((certificate,), between=between, roots=roots, now=now)
    if chain is None:
        raise NoChain("no chain leads to a trusted root")
    return chain


def _extended(
    chain: tuple[x509.Certificate, ...],
    *,
    between: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    now: datetime,
) -> tuple[x509.Certificate, ...] | None:
    for root in roots:
        if _issued(root, chain, now=now):
            return (*chain, root)
    if len(chain) > _BETWEEN_MAX:
        return None
    for one in between:
        if one not in chain and _issued(one, chain, now=now):
            found = _extended((*chain, one), between=between, roots=roots, now=now)
            if found is not None:
                return found
    return None


def _issued(
    authority: x509.Certificate, chain: tuple[x509.Certificate, ...], *, now: datetime
) -> bool:
    below = chain[-1]
    if parts_of(authority).subject != parts_of(below).issuer:
        return False
    if not authority.not_valid_before_utc <= now <= authority.not_valid_after_utc:
        return False
    try:
        _check_authority(authority, below=len(chain) - 1)
        check_signed_by(
            authority,
            algorithm=below.signature_algorithm_oid.dotted_string,
            signature=below.signature,
            content=below.tbs_certificate_bytes,
        )
    except (NotSignedBy, NoChain, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False
    return True


def _check_authority(authority: x509.Certificate, *, below: int) -> None:
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
    if not constraints.ca or not usage.key_cert_sign:
        raise NoChain("not an authority")
    if constraints.path_length is not None and constraints.path_length < below:
        raise NoChain("the chain is longer than the authority may make it")
