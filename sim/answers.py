"""OCSP answers and lists under both kinds of keys: RSA, and GOST-2015, which no library writes."""

import functools
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sim.gost import SIGNATURE_OID, GostKey, algorithm, parts_of, resigned, sequence, tagged

_SHA256_RSA: Final = "1.2.840.113549.1.1.11"
_PRODUCED_AT: Final = 1  # its place in an answer, RFC 6960 section 4.2.1
_TO_SIGN_ALGORITHM: Final = 1  # its place in a list, RFC 5280 section 5.1


def signed_answer(
    builder: ocsp.OCSPResponseBuilder,
    *,
    responder: x509.Certificate,
    key: rsa.RSAPrivateKey | GostKey,
    produced_at: datetime,
) -> bytes:
    """Return the OCSP answer of ``responder`` signed by ``key``, DER.

    The library dates an answer by the machine's clock and wants a key that fits the certificate;
    a simulated service has a clock of its own, and a forger another's key. So the library lays
    the answer out, and what it states besides is put in here.
    """
    whole = (
        builder.responder_id(ocsp.OCSPResponderEncoding.NAME, _placeholder(responder.subject))
        .sign(_stand_in(), hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    status, wrapped = parts_of(whole)
    kind, octets = parts_of(inside(wrapped))
    parts = parts_of(parts_of(inside(octets))[0])
    parts[_PRODUCED_AT] = tagged(0x18, produced_at.strftime("%Y%m%d%H%M%SZ").encode())
    signed = sequence(*parts)
    if isinstance(key, GostKey):
        made = (algorithm(SIGNATURE_OID), key.sign(signed))
    else:
        made = (algorithm(_SHA256_RSA), key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))
    certificates = tagged(0xA0, sequence(responder.public_bytes(Encoding.DER)))
    basic = sequence(signed, made[0], tagged(0x03, b"\0" + made[1]), certificates)
    return sequence(status, tagged(0xA0, sequence(kind, tagged(0x04, basic))))


@functools.cache
def _placeholder(name: x509.Name) -> x509.Certificate:
    # Somebody of this name who has the key that the library signs with.
    begins = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_stand_in().public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins)
        .sign(_stand_in(), hashes.SHA256())
    )


def signed_list(
    builder: x509.CertificateRevocationListBuilder, key: rsa.RSAPrivateKey | GostKey
) -> bytes:
    """Return the list signed by ``key``, DER."""
    if not isinstance(key, GostKey):
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    whole = builder.sign(_stand_in(), hashes.SHA256()).public_bytes(Encoding.DER)
    return resigned(whole, key, replaced={_TO_SIGN_ALGORITHM: algorithm(SIGNATURE_OID)})


def inside(value: bytes) -> bytes:
    """Return the content of one DER value."""
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
    return inside(parts_of(to_sign[6])[1])[1:]


def another(key: rsa.RSAPrivateKey | GostKey) -> rsa.RSAPrivateKey | GostKey:
    """Return another key of the same kind."""
    return GostKey.make() if isinstance(key, GostKey) else _stand_in()


@functools.cache
def _stand_in() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)
