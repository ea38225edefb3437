"""OCSP answers and lists under both kinds of keys: RSA, and GOST-2015, which no library writes."""

import functools
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sim.gost import SIGNATURE_OID, GostKey, algorithm, parts_of, resigned, sequence, tagged

_TO_SIGN_ALGORITHM: Final = 1  # its place in a list, RFC 5280 section 5.1


def signed_answer(builder: ocsp.OCSPResponseBuilder, key: rsa.RSAPrivateKey | GostKey) -> bytes:
    """Return the OCSP answer signed by ``key``, DER."""
    if not isinstance(key, GostKey):
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    whole = builder.sign(_stand_in(), hashes.SHA256()).public_bytes(Encoding.DER)
    status, wrapped = parts_of(whole)
    kind, octets = parts_of(_inside(wrapped))
    basic = resigned(_inside(octets), key, replaced={})
    return sequence(status, tagged(0xA0, sequence(kind, tagged(0x04, basic))))


def signed_list(
    builder: x509.CertificateRevocationListBuilder, key: rsa.RSAPrivateKey | GostKey
) -> bytes:
    """Return the list signed by ``key``, DER."""
    if not isinstance(key, GostKey):
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    whole = builder.sign(_stand_in(), hashes.SHA256()).public_bytes(Encoding.DER)
    return resigned(whole, key, replaced={_TO_SIGN_ALGORITHM: algorithm(SIGNATURE_OID)})


def _inside(value: bytes) -> bytes:
    # The content of one value of definite length.
    count = value[1] & 0x7F if value[1] & 0x80 else 0
    return value[2 + count :]


def nonce_of(asked: ocsp.OCSPRequest) -> bytes | None:
    """Return what the asker sent to see it again."""
    for extension in asked.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            return extension.value.nonce
    return None


def key_bits(certificate: x509.Certificate) -> bytes:
    """Return a certificate's key as OCSP hashes it."""
    to_sign = parts_of(parts_of(certificate.public_bytes(Encoding.DER))[0])
    return _inside(parts_of(to_sign[6])[1])[1:]


def another(key: rsa.RSAPrivateKey | GostKey) -> rsa.RSAPrivateKey | GostKey:
    """Return another key of the same kind."""
    return GostKey.make() if isinstance(key, GostKey) else _stand_in()


@functools.cache
def _stand_in() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)
