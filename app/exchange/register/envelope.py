"""SOAP under WS-Security: our questions signed, replies believed only where a signature reaches.

``signxml`` computes and checks the XML signature; what it cannot know of WS-Security is held
here: where the certificate stands, and the one arrangement of an envelope that is accepted. It
is a list of what may be there, not of what may not: a Header and a Body; in the Header one
Security; in it a Timestamp, a BinarySecurityToken, a Signature; the signature over the Timestamp
and the Body, and over nothing else. What is read afterwards is the canonical text that was
signed, never the document it was found in.
"""

import base64
import binascii
import dataclasses
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from app.exchange.rules.signers import SignerRefused, check_system
from app.exchange.wire.smartbridge import SOAP, WSU
from app.identity.rules.certificates import Trust

# At DEBUG the library writes down what it canonicalizes: that names persons.
logging.getLogger("signxml").setLevel(logging.INFO)

_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_WSSE: Final = f"{_WSS}wssecurity-secext-1.0.xsd"
_X509: Final = f"{_WSS}x509-token-profile-1.0#X509v3"
_BASE64: Final = f"{_WSS}soap-message-security-1.0#Base64Binary"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"

_HEADER, _BODY = f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"
_SECURITY, _TOKEN = f"{{{_WSSE}}}Security", f"{{{_WSSE}}}BinarySecurityToken"
_TIMESTAMP, _SIGNATURE = f"{{{WSU}}}Timestamp", f"{{{_DS}}}Signature"
_ID: Final = f"{{{WSU}}}Id"
_IDS: Final = frozenset({"id", "Id", "ID"})

_LIFE: Final = timedelta(seconds=60)  # of a message of ours
_SKEW: Final = timedelta(seconds=60)  # between two clocks that are both kept
_AGE_MAX: Final = timedelta(minutes=5)  # of a reply, whatever term it gives itself
_CONFIGURATION: Final = SignatureConfiguration(
    require_x509=True,
    location=f"./{_HEADER}/{_SECURITY}/",
    expect_references=2,
    signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    default_reference_c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
)


class EnvelopeRefused(Exception):
    """An envelope that is not believed; the text names the step and nothing of the content."""


@dataclass(frozen=True, kw_only=True)
class SystemKey:
    """The key of our system on the bus, and its certificate."""

    private_key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate


def seal(body: bytes, *, key: SystemKey, now: datetime) -> bytes:
    """Return the envelope around ``body``, its Timestamp and Body signed with ``key``."""
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    security = etree.SubElement(
        etree.SubElement(envelope, _HEADER), _SECURITY, nsmap={"wsse": _WSSE, "wsu": WSU}
    )
    security.set(f"{{{SOAP}}}mustUnderstand", "1")
    token = etree.SubElement(security, _TOKEN, EncodingType=_BASE64, ValueType=_X509)
    token.set(_ID, _new_id())
    token.text = base64.b64encode(key.certificate.public_bytes(Encoding.DER)).decode()
    stamp = etree.SubElement(security, _TIMESTAMP)
    stamp.set(_ID, _new_id())
    etree.SubElement(stamp, f"{{{WSU}}}Created").text = _instant(now)
    etree.SubElement(stamp, f"{{{WSU}}}Expires").text = _instant(now + _LIFE)
    envelope.append(_parsed(body))
    signer = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signature = signer.sign(
        envelope,
        key=key.private_key,
        reference_uri=[f"#{stamp.get(_ID)}", f"#{envelope[-1].get(_ID)}"],
        key_info=_key_info(str(token.get(_ID))),
    )
    security.append(signature)
    sealed: bytes = etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
    return sealed


def unseal(
    content: bytes, *, signer_bin: str, trust: Trust, bytes_max: int, now: datetime
) -> bytes:
    """Return the canonical Body of ``content``, signed by the system of ``signer_bin``.

    Raises:
        EnvelopeRefused: too large, not XML, with a DTD, of another arrangement, signed by
            somebody else, expired, or changed since.
    """
    if len(content) > bytes_max:
        raise EnvelopeRefused("size")
    envelope = _parsed(content)
    security, body = _arrangement(envelope)
    parts = {child.tag: child for child in security}
    if len(security) != len(parts) or set(parts) != {_TOKEN, _TIMESTAMP, _SIGNATURE}:
        raise EnvelopeRefused("security")
    _check_ids(envelope)
    _check_signature_form(
        parts[_SIGNATURE],
        signed={_id_of(parts[_TIMESTAMP]), _id_of(body)},
        token=_id_of(parts[_TOKEN]),
    )
    certificate = _certificate(parts[_TOKEN])
    try:
        check_system(certificate, body_bin=signer_bin, trust=trust, now=now)
    except SignerRefused as error:
        raise EnvelopeRefused(f"signer_{error}") from error
    signed = _signed(envelope, certificate, now)
    _check_age(signed[_TIMESTAMP], now)
    return signed[_BODY]


def _parsed(content: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False,
    )  # fmt: skip
    try:
        element = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise EnvelopeRefused("not_xml") from None  # the cause repeats the input
    document = element.getroottree()
    if document.docinfo.doctype or document.docinfo.internalDTD is not None:
        raise EnvelopeRefused("dtd")
    # A comment splits a text in two where it is read, and vanishes where it is signed.
    if any(not isinstance(node.tag, str) for node in document.iter()):
        raise EnvelopeRefused("not_plain")
    if element.getprevious() is not None or element.getnext() is not None:
        raise EnvelopeRefused("not_plain")
    return element


def _arrangement(envelope: etree._Element) -> tuple[etree._Element, etree._Element]:
    if envelope.tag != f"{{{SOAP}}}Envelope" or [one.tag for one in envelope] != [_HEADER, _BODY]:
        raise EnvelopeRefused("envelope")
    header, body = envelope
    if [one.tag for one in header] != [_SECURITY]:
        raise EnvelopeRefused("header")
    return header[0], body


def _check_ids(envelope: etree._Element) -> None:
    ids = [
        value
        for node in envelope.iter()
        for name, value in node.attrib.items()
        if etree.QName(name).localname in _IDS
    ]
    if len(ids) != len(set(ids)):
        raise EnvelopeRefused("ids")


def _id_of(element: etree._Element) -> str:
    value = element.get(_ID)
    if not value:
        raise EnvelopeRefused("ids")
    return str(value)


def _check_signature_form(signature: etree._Element, *, signed: set[str], token: str) -> None:
    """Check what the signature covers and which key it names, before any arithmetic."""
    spaces = {"ds": _DS, "wsse": _WSSE}
    references = signature.findall("ds:SignedInfo/ds:Reference", spaces)
    if {str(one.get("URI")) for one in references} != {f"#{one}" for one in signed}:
        raise EnvelopeRefused("references")
    for reference in references:
        transforms = reference.findall("ds:Transforms/ds:Transform", spaces)
        if [one.get("Algorithm") for one in transforms] != [_EXCLUSIVE]:
            raise EnvelopeRefused("transforms")
    method = signature.find("ds:SignedInfo/ds:CanonicalizationMethod", spaces)
    if method is None or method.get("Algorithm") != _EXCLUSIVE:
        raise EnvelopeRefused("canonicalization")
    info = signature.findall("ds:KeyInfo/*", spaces)
    named = signature.findall("ds:KeyInfo/wsse:SecurityTokenReference/wsse:Reference", spaces)
    if len(info) != 1 or len(named) != 1 or named[0].get("URI") != f"#{token}":
        raise EnvelopeRefused("key")


def _certificate(token: etree._Element) -> x509.Certificate:
    if token.get("ValueType") != _X509 or len(token):
        raise EnvelopeRefused("token")
    try:
        der = base64.b64decode("".join((token.text or "").split()), validate=True)
        return x509.load_der_x509_certificate(der)
    except (binascii.Error, ValueError):
        raise EnvelopeRefused("token") from None


def _signed(
    envelope: etree._Element, certificate: x509.Certificate, now: datetime
) -> dict[str, bytes]:
    """Return the canonical texts that the signature covers, by the tag of each."""
    configuration = dataclasses.replace(_CONFIGURATION, verification_time=now)
    try:
        results = XMLVerifier().verify(envelope, x509_cert=certificate, expect_config=configuration)
    except Exception as error:  # a library of parsers raises whatever happens to it inside
        raise EnvelopeRefused("signature") from error
    found = results if isinstance(results, list) else [results]
    texts = {
        str(one.signed_xml.tag): one.signed_data for one in found if one.signed_xml is not None
    }
    if set(texts) != {_TIMESTAMP, _BODY}:
        raise EnvelopeRefused("coverage")
    return texts


def _check_age(timestamp: bytes, now: datetime) -> None:
    stamp = _parsed(timestamp)
    try:
        created, expires = (
            datetime.fromisoformat(str(stamp.findtext(f"{{{WSU}}}{name}")))
            for name in ("Created", "Expires")
        )
        good = created - _SKEW <= now < min(expires, created + _AGE_MAX) + _SKEW
    except (TypeError, ValueError, OverflowError):
        raise EnvelopeRefused("timestamp") from None
    if not good:
        raise EnvelopeRefused("expired")


def _key_info(token: str) -> etree._Element:
    info = etree.Element(f"{{{_DS}}}KeyInfo", nsmap={"ds": _DS})
    reference = etree.SubElement(info, f"{{{_WSSE}}}SecurityTokenReference", nsmap={"wsse": _WSSE})
    etree.SubElement(reference, f"{{{_WSSE}}}Reference", URI=f"#{token}", ValueType=_X509)
    return info


def _new_id() -> str:
    return f"id-{secrets.token_hex(16)}"  # an XML name begins with a letter


def _instant(at: datetime) -> str:
    return f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
