"""Checking one signature from end to end, and whose it is."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from app.identity import errors
from app.identity.rules.certificates import (
    Holder,
    Purpose,
    Trust,
    check_chain,
    check_purpose,
    holder_of,
)
from app.identity.rules.cms import check_content, read_message


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A signature that holds, with what proves it later.

    Attributes:
        holder: whom the certificate names.
        cms: the message as it was received.
        content_sha256: of the content it is over.
        certificate: the signer's certificate.
        signing_time: what the signer's machine stated; the server's clock is the proof.
    """

    holder: Holder
    cms: bytes
    content_sha256: bytes
    certificate: x509.Certificate
    signing_time: datetime

    @property
    def certificate_serial(self) -> str:
        """The certificate's serial number in hexadecimal."""
        return f"{self.certificate.serial_number:x}"


def verify_signature(
    *, cms: bytes, content: bytes, purpose: Purpose, trust: Trust, now: datetime
) -> Evidence:
    """Return the evidence that a holder of a trusted certificate signed ``content``.

    The order is form, content, chain at ``now``, purpose, holder. Revocation is not asked; see
    ``app.identity.rules.certificates``.

    Raises:
        SignatureRefused: by its subclass, the first step that fails.
    """
    message = read_message(cms)
    check_content(message, content=content)
    check_chain(message.certificate, others=message.others, trust=trust, now=now)
    check_purpose(message.certificate, purpose=purpose)
    return Evidence(
        holder=holder_of(message.certificate),
        cms=cms,
        content_sha256=hashlib.sha256(content).digest(),
        certificate=message.certificate,
        signing_time=message.signing_time,
    )


def check_account(holder: Holder, *, iin: str, bin_: str) -> None:
    """Check that a certificate's holder is this account's person, acting for its body.

    Raises:
        CertificateOfAnotherPerson, CertificateOfAnotherBody: it is not.
    """
    if holder.iin != iin:
        raise errors.CertificateOfAnotherPerson("the certificate is of another person")
    if holder.bin != bin_:
        raise errors.CertificateOfAnotherBody("the certificate is of an employee of another body")
