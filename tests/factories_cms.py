"""CMS messages built piece by piece, so that each piece can be wrong."""

import hashlib
from datetime import UTC, datetime

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

SIGNED_AT = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
_HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha512": hashes.SHA512}


def asn1_of(certificate):
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def attribute(kind, *values):
    return cms.CMSAttribute({"type": kind, "values": list(values)})


def attributes(content, *, digest="sha256", content_type="data", at=SIGNED_AT):
    """Return the three attributes that NCALayer signs."""
    return [
        attribute("content_type", content_type),
        attribute("signing_time", cms.Time({"utc_time": at})),
        attribute("message_digest", hashlib.new(digest, content).digest()),
    ]


def set_of(listed):
    """Return the DER SET that a signature over attributes covers."""
    return cms.CMSAttributes(listed).dump()


def signer_of(
    key, content, *, listed=None, digest="sha256", scheme="rsassa_pkcs1v15", signing_key=None,
    version="v1", sid=None,
):  # fmt: skip
    """Return one signer's entry; ``listed`` is its attributes, or ``()`` for none."""
    certificate = asn1_of(key.certificate)
    listed = attributes(content, digest=digest) if listed is None else listed
    covered = set_of(listed) if listed else content
    signature = (signing_key or key.private_key).sign(
        covered, padding.PKCS1v15(), _HASHES[digest]()
    )
    entry = {
        "version": version,
        "sid": sid
        or cms.SignerIdentifier(
            "issuer_and_serial_number",
            {"issuer": certificate.issuer, "serial_number": certificate.serial_number},
        ),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": scheme}),
        "signature": signature,
    }
    if listed:
        entry["signed_attrs"] = cms.CMSAttributes(listed)
    return cms.SignerInfo(entry)


def message_of(
    signers, certificates, *, version="v1", content_type="data", attached=None, outer="signed_data"
):
    """Return the whole message in DER."""
    inner = {"content_type": content_type}
    if attached is not None:
        inner["content"] = attached
    signed_data = cms.SignedData(
        {
            "version": version,
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": inner,
            "certificates": [asn1_of(one) for one in certificates],
            "signer_infos": signers,
        }
    )
    if outer != "signed_data":
        return cms.ContentInfo({"content_type": outer, "content": b"x"}).dump()
    return cms.ContentInfo({"content_type": outer, "content": signed_data}).dump()


def signed(key, content, **how):
    """Return a message by one signer, with his certificate and the authority's."""
    return message_of([signer_of(key, content, **how)], [key.certificate, key.issuer])
