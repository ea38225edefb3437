"""Whether an authority's key signed something: a certificate, a list of revoked ones, an answer."""

from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.identity.rules import gost
from app.identity.rules.der import DerNotValid
from app.identity.rules.encoding import parts_of

RSA_BITS: Final = range(2048, 8193)
_RSA_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
_REMEMBERED: Final = 512
_REMEMBERED_BYTES_MAX: Final = 8192  # certificates, that is; a list may hold megabytes


class NotSignedBy(ValueError):
    """The key did not sign this, or its algorithm is off the list."""


def check_signed_by(
    signer: x509.Certificate, *, algorithm: str, signature: bytes, content: bytes
) -> None:
    """Check that the key of ``signer`` made ``signature`` over ``content``.

    Args:
        signer: whose key; whether he may sign such a thing is the caller's question.
        algorithm: the dotted identifier that stands beside the signature.
        signature: the bytes.
        content: what is signed.

    Raises:
        NotSignedBy: it did not, or cannot be told.
    """
    if algorithm == gost.SIGNATURE:
        try:
            held = _held if len(content) <= _REMEMBERED_BYTES_MAX else _held.__wrapped__
            good = held(parts_of(signer).spki, signature, content)
        except (DerNotValid, gost.KeyNotValid) as error:
            raise NotSignedBy("no key of GOST 34.10-2015") from error
        if not good:
            raise NotSignedBy("another key signed this")
        return
    try:
        key = signer.public_key()
        digest = _RSA_HASHES[algorithm]
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in RSA_BITS:
            raise NotSignedBy("no RSA key of 2048 bits or more")
        key.verify(signature, content, padding.PKCS1v15(), digest)
    except (InvalidSignature, UnsupportedAlgorithm, KeyError, ValueError) as error:
        raise NotSignedBy("another key or algorithm signed this") from error


def forget() -> None:
    """Reckon every signature anew from here on; for measurements."""
    _held.cache_clear()


@lru_cache(maxsize=_REMEMBERED)
def _held(spki: bytes, signature: bytes, content: bytes) -> bool:
    # Of the same three the answer is always the same: an authority's certificate is reckoned once.
    return gost.verify(gost.key_from_spki(spki), signature=signature, content=content)
