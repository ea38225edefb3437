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
        chain: from it to a pinned root, both included.
        signing_time: what the signer's machine stated; the server's clock is the proof.
    """

    holder: Holder
    cms: bytes
    content_sha256: bytes
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    signing_time: datetime

    @property
    def certificate_serial(self) -> str:
        """The certificate's serial number in hexadecimal."""
        return f"{self.certificate.serial_number:x}"


def verify_signature(
    *, cms: bytes, content: bytes, purpose: Purpose, trust: Trust, now: datetime
) -> Evidence:
    """Return the evidence that a holder of a trusted certificate signed ``content``.

    The order is form, content, chain at ``now``, purpose, holder. Whether the certificate was
    revoked since is asked of others; see ``app.identity.rules.revocation``.

    Raises:
        SignatureRefused: by its subclass, the first step that fails.
    """
    try:
        message = read_message(cms)
        check_content(message, content=content)
        chain = check_chain(message.certificate, others=message.others, trust=trust, now=now)
        check_purpose(message.certificate, purpose=purpose)
        holder = holder_of(message.certificate)
    except errors.SignatureRefused:
        raise
    except Exception as error:  # whatever a parser trips over proves nothing
        raise errors.CertificateNotReadable("the signature cannot be read to its end") from error
    return Evidence(
        holder=holder,
        cms=cms,
        content_sha256=hashlib.sha256(content).digest(),
        certificate=message.certificate,
        chain=chain,
        signing_time=message.signing_time,
    )


def chain_of(*, cms: bytes, trust: Trust, now: datetime) -> tuple[x509.Certificate, ...]:
    """Return the chain of the certificate a message names as its signer's, proving nothing else.

    It says whom to ask about revocation before the content is at hand.

    Raises:
        SignatureRefused: the message has another form, or no chain leads to a trusted root.
    """
    try:
        message = read_message(cms)
        return check_chain(message.certificate, others=message.others, trust=trust, now=now)
    except errors.SignatureRefused:
        raise
    except Exception as error:  # the same
        raise errors.CertificateNotReadable("the signature cannot be read to its end") from error


def check_account(holder: Holder, *, iin: str, bin_: str) -> None:
    """Check that a certificate's holder is this account's person, acting for its body.

    Raises:
        CertificateOfAnotherPerson, CertificateOfAnotherBody: it is not.
    """
    if holder.iin != iin:
        raise errors.CertificateOfAnotherPerson("the certificate is of another person")
    if holder.bin != bin_:
        raise errors.CertificateOfAnotherBody("the certificate is of an employee of another body")
