"""Whose key a signing SEI is under."""

import enum
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from bodycam.rules.signed_video.claims import Claim, Scheme

_CHAIN_MAX: Final = 8
_RSA_BITS_MIN: Final = 2048
_BLOCK: Final = re.compile(
    rb"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----.+?-----END \1-----", re.DOTALL
)
_PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class Trust(enum.Enum):
    """What is known of the key that signed."""

    PROVEN = "proven"  # it leads to an anchor that we were given
    UNPROVEN = "unproven"  # no anchor of its kind was given: anybody could have made it
    FOREIGN = "foreign"  # anchors of its kind were given, and it is under none of them
    NONE = "none"  # the stream has no key that can be read


_FROM_BEST: Final = (Trust.NONE, Trust.PROVEN, Trust.UNPROVEN, Trust.FOREIGN)


class AnchorsNotReadable(ValueError):
    """The file of anchors holds neither certificates nor public keys."""


@dataclass(frozen=True)
class Anchors:
    """What we trust: roots of certificates, and single public keys by their SHA-256.

    A root speaks of chains alone, and a listed key of bare keys: neither convicts what the other
    is there to judge. A listed key proves itself wherever it comes.
    """

    roots: tuple[x509.Certificate, ...] = ()
    keys: frozenset[bytes] = frozenset()


def read_anchors(pem: bytes) -> Anchors:
    """Return the anchors in a PEM text: certificates of authorities, public keys of cameras.

    Raises:
        AnchorsNotReadable: it holds none, or one that cannot be read.
    """
    roots, keys = [], set()
    try:
        for block in _BLOCK.finditer(pem):
            if block.group(1) == b"CERTIFICATE":
                roots.append(x509.load_pem_x509_certificate(block.group(0)))
            else:
                key = serialization.load_pem_public_key(block.group(0))
                keys.add(_fingerprint(key))  # type: ignore[arg-type]  # any key has one
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AnchorsNotReadable("an anchor cannot be read") from error
    if not roots and not keys:
        raise AnchorsNotReadable("no certificate and no public key in the file")
    return Anchors(tuple(roots), frozenset(keys))


def _fingerprint(key: _PublicKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).digest()


@dataclass
class KeyRing:
    """The keys that a stream carries, each judged once.

    ``trust`` is of the worst key so far: a proven one does not speak for what another signed.
    """

    anchors: Anchors = field(default_factory=Anchors)
    trust: Trust = Trust.NONE
    fingerprint: bytes = b""
    _foreign: bool = False  # the key of this moment is another's
    _key: _PublicKey | None = None
    _pem: bytes = b""
    _first: bytes = b""

    def note(self, claim: Claim) -> None:
        """Take the key that the SEI carries, if any. A changed key counts as a new one."""
        if not claim.key_pem or claim.key_pem == self._pem:
            return
        self._pem = claim.key_pem
        self._key, trust = _judge(claim, self.anchors)
        if self._key is None:
            self.fingerprint = b""
            return
        self.fingerprint = _fingerprint(self._key)
        # Where no anchor speaks the first key is all there is; another later is somebody else's.
        self._first = self._first or self.fingerprint
        if trust is Trust.UNPROVEN and self.fingerprint != self._first:
            trust = Trust.FOREIGN
        self._foreign = trust is Trust.FOREIGN
        self.trust = max(self.trust, trust, key=_FROM_BEST.index)

    def signed(self, claim: Claim) -> bool:
        """Return whether the claim is under the key, and the key is not a foreign one."""
        if self._key is None or self._foreign:
            return False
        try:
            if isinstance(self._key, ec.EllipticCurvePublicKey):
                self._key.verify(claim.signature, claim.document, ec.ECDSA(hashes.SHA256()))
            elif claim.scheme is Scheme.AXIS:
                self._key.verify(
                    claim.signature, claim.document, padding.PKCS1v15(), hashes.SHA256()
                )
            else:
                pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
                self._key.verify(claim.signature, claim.document, pss, hashes.SHA256())
        except (InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


def _judge(claim: Claim, anchors: Anchors) -> tuple[_PublicKey | None, Trust]:
    chain: list[x509.Certificate] = []
    key: object = None
    try:
        for block in _BLOCK.finditer(claim.key_pem):
            if block.group(1) == b"CERTIFICATE":
                chain.append(x509.load_pem_x509_certificate(block.group(0)))
            elif key is None:
                key = serialization.load_pem_public_key(block.group(0))
        if chain:
            key = chain[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None, Trust.NONE
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return None, Trust.NONE
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_BITS_MIN:
        return None, Trust.NONE
    if _fingerprint(key) in anchors.keys or _leads(chain, anchors.roots, claim.signed_at):
        return key, Trust.PROVEN
    judged = anchors.roots if chain else anchors.keys
    return key, Trust.FOREIGN if judged else Trust.UNPROVEN


def _leads(
    chain: list[x509.Certificate], roots: Iterable[x509.Certificate], at: datetime | None
) -> bool:
    """Return whether the chain leads to a root, each certificate in force at ``at``.

    The instant is the camera's own word under the same signature: a camera whose clock stands
    wrong is found elsewhere, by the manifest's drift.
    """
    for number, one in enumerate(chain[:_CHAIN_MAX]):
        if at is not None and not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
            return False
        if number and not _may_issue(one):
            return False
        if any(_issued(one, root) for root in roots):
            return True
        if number + 1 == len(chain) or not _issued(one, chain[number + 1]):
            return False
    return False


def _may_issue(one: x509.Certificate) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
