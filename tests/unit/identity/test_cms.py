import hashlib
import random

import pytest
from asn1crypto import cms as asn1_cms
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.errors import Kind
from app.identity import errors
from app.identity.rules import cms
from app.identity.rules.der import DerNotValid, check_der
from sim.authority import Use
from sim.district import OFFICER, SECOND_OFFICER
from tests import factories_cms as forge
from tests.factories_identity import authority

CONTENT = "Бір парақ: планшет, терминал, камера".encode()


@pytest.fixture(scope="module")
def key():
    return authority().key_for(OFFICER, Use.SIGN)


@pytest.fixture(scope="module")
def other_key():
    return authority().key_for(SECOND_OFFICER, Use.SIGN)


def check(message, content=CONTENT):
    read = cms.read_message(message)
    cms.check_content(read, content=content)
    return read


def test_what_the_signing_client_makes_is_accepted(key):
    read = check(authority().sign_cms_detached(key, CONTENT))

    assert read.certificate == key.certificate
    assert read.others == (key.issuer,)


@pytest.mark.parametrize("scheme", ["rsassa_pkcs1v15", "sha256_rsa"])
def test_both_names_of_the_algorithm_are_accepted(key, scheme):
    read = check(forge.signed(key, CONTENT, scheme=scheme))

    assert read.signing_time == forge.SIGNED_AT


def one_signer(key, listed):
    return forge.signed(key, CONTENT, listed=listed)


def doubled(key, place):
    listed = forge.attributes(CONTENT)
    return one_signer(key, [*listed, listed[place]])


def without(key, place):
    listed = forge.attributes(CONTENT)
    del listed[place]
    return one_signer(key, listed)


def two_values(key):
    digest = hashlib.sha256(CONTENT).digest()
    listed = forge.attributes(CONTENT)[:2]
    return one_signer(key, [*listed, forge.attribute("message_digest", digest, digest)])


def out_of_order(key):
    good = forge.signed(key, CONTENT)
    read = cms.read_message(good)
    inner = read.attributes[2:]
    parts = [inner[:26], inner[26:56], inner[56:]]
    swapped = good.replace(inner, parts[1] + parts[0] + parts[2])
    assert swapped != good
    return swapped


def signed_by_key_id(key):
    sid = asn1_cms.SignerIdentifier("subject_key_identifier", b"k" * 20)
    return forge.signed(key, CONTENT, sid=sid)


def indefinite(key):
    good = forge.signed(key, CONTENT)
    return b"\x30\x80" + good[4:] + b"\x00\x00"


def long_length(key):
    good = forge.signed(key, CONTENT)
    return b"\x30\x83\x00" + good[2:]


# Every entry is built whole from real parts, with one thing wrong.
BAD_FORMS = {
    "nothing": (lambda _k, _o: b"", errors.SignatureNotDer),
    "no DER at all": (lambda _k, _o: b"-----BEGIN CMS-----", errors.SignatureNotDer),
    "trailing byte": (lambda k, _o: forge.signed(k, CONTENT) + b"\0", errors.SignatureNotDer),
    "truncated": (lambda k, _o: forge.signed(k, CONTENT)[:-1], errors.SignatureNotDer),
    "indefinite length": (lambda k, _o: indefinite(k), errors.SignatureNotDer),
    "longer length than needed": (lambda k, _o: long_length(k), errors.SignatureNotDer),
    "another structure": (lambda _k, _o: b"\x30\x03\x02\x01\x01", errors.SignatureNotDer),
    "over 64 KiB": (
        lambda k, _o: forge.message_of(
            [forge.signer_of(k, CONTENT)], [k.certificate] + [k.issuer] * 80
        ),
        errors.SignatureTooLarge,
    ),
    "other message type": (
        lambda _k, _o: forge.message_of([], [], outer="data"),
        errors.SignatureNotSignedData,
    ),
    "version 3": (
        lambda k, _o: forge.message_of(
            [forge.signer_of(k, CONTENT)], [k.certificate], version="v3"
        ),
        errors.SignatureNotSignedData,
    ),
    "content of another type": (
        lambda k, _o: forge.message_of(
            [forge.signer_of(k, CONTENT)], [k.certificate], content_type="encrypted_data"
        ),
        errors.SignatureNotSignedData,
    ),
    "attached content": (
        lambda k, _o: forge.message_of(
            [forge.signer_of(k, CONTENT)], [k.certificate], attached=CONTENT
        ),
        errors.SignatureAttached,
    ),
    "attached empty content": (
        lambda k, _o: forge.message_of(
            [forge.signer_of(k, CONTENT)], [k.certificate], attached=b""
        ),
        errors.SignatureAttached,
    ),
    "no signer": (
        lambda k, _o: forge.message_of([], [k.certificate]),
        errors.SignatureNotOneSigner,
    ),
    "two signers": (
        lambda k, o: forge.message_of(
            [forge.signer_of(k, CONTENT), forge.signer_of(o, CONTENT)],
            [k.certificate, o.certificate],
        ),
        errors.SignatureNotOneSigner,
    ),
    "no certificate": (
        lambda k, _o: forge.message_of([forge.signer_of(k, CONTENT)], []),
        errors.SignatureCertificateMissing,
    ),
    "another's certificate": (
        lambda k, o: forge.message_of([forge.signer_of(k, CONTENT)], [o.certificate]),
        errors.SignatureCertificateMissing,
    ),
    "certificate twice": (
        lambda k, _o: forge.message_of(
            [forge.signer_of(k, CONTENT)], [k.certificate, k.certificate]
        ),
        errors.SignatureCertificateMissing,
    ),
    "nine certificates": (
        lambda k, _o: forge.message_of(
            [forge.signer_of(k, CONTENT)], [k.certificate] + [k.issuer] * 8
        ),
        errors.SignatureCertificateMissing,
    ),
    "signer named by key id": (
        lambda k, _o: signed_by_key_id(k),
        errors.SignatureCertificateMissing,
    ),
    "no signed attributes": (lambda k, _o: one_signer(k, ()), errors.SignatureAttributesMissing),
    "no content type": (lambda k, _o: without(k, 0), errors.SignatureAttributesNotValid),
    "no signing time": (lambda k, _o: without(k, 1), errors.SignatureAttributesNotValid),
    "no digest": (lambda k, _o: without(k, 2), errors.SignatureAttributesNotValid),
    "content type twice": (lambda k, _o: doubled(k, 0), errors.SignatureAttributesNotValid),
    "signing time twice": (lambda k, _o: doubled(k, 1), errors.SignatureAttributesNotValid),
    "digest twice": (lambda k, _o: doubled(k, 2), errors.SignatureAttributesNotValid),
    "digest of two values": (lambda k, _o: two_values(k), errors.SignatureAttributesNotValid),
    "attributes out of order": (lambda k, _o: out_of_order(k), errors.SignatureAttributesNotValid),
    "attribute of another content type": (
        lambda k, _o: one_signer(k, forge.attributes(CONTENT, content_type="signed_data")),
        errors.SignatureAttributesNotValid,
    ),
    "SHA-1": (
        lambda k, _o: forge.signed(k, CONTENT, digest="sha1"),
        errors.SignatureAlgorithmNotAllowed,
    ),
    "SHA-512, not on the list": (
        lambda k, _o: forge.signed(k, CONTENT, digest="sha512"),
        errors.SignatureAlgorithmNotAllowed,
    ),
    "signature algorithm that differs from the digest": (
        lambda k, _o: forge.signed(k, CONTENT, scheme="sha1_rsa"),
        errors.SignatureAlgorithmNotAllowed,
    ),
    "other content": (
        lambda k, _o: forge.signed(k, CONTENT + b"."),
        errors.SignatureContentChanged,
    ),
    "another's key": (
        lambda k, o: forge.signed(k, CONTENT, signing_key=o.private_key),
        errors.SignatureWrong,
    ),
}


@pytest.mark.parametrize("name", list(BAD_FORMS))
def test_one_thing_wrong_is_refused_with_its_own_code(key, other_key, name):
    build, refusal = BAD_FORMS[name]
    message = build(key, other_key)

    with pytest.raises(errors.SignatureRefused) as caught:
        check(message)

    assert type(caught.value) is refusal
    assert caught.value.code.startswith("identity.signature_")


def test_the_attribute_swap_is_refused(key):
    # A signature over attributes, shown without them as one over content that is those attributes.
    listed = forge.set_of(forge.attributes(CONTENT))
    read = cms.read_message(forge.signed(key, listed))

    with pytest.raises(errors.SignatureContentAmbiguous):
        cms.check_content(read, content=listed)


@pytest.mark.parametrize("content", [b"1", b"1\x80", b"1 January", b"\x31\x02\x05\x00"])
def test_content_that_only_begins_like_a_set_is_signed_as_any_other(key, content):
    check(forge.signed(key, content), content)


def test_every_flipped_bit_of_the_signature_is_refused(key):
    good = forge.signed(key, CONTENT)
    signature = cms.read_message(good).signature
    start = good.index(signature)

    for place in range(start, start + len(signature), 7):
        bad = bytearray(good)
        bad[place] ^= 1
        with pytest.raises(errors.SignatureWrong):
            check(bytes(bad))


def test_whatever_bytes_are_broken_the_answer_is_a_refusal_or_the_same_signature(key):
    good = forge.signed(key, CONTENT)
    chance = random.Random(20261122)

    for _ in range(400):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        try:
            read = check(bytes(bad))
        except errors.SignatureRefused:
            continue
        # What is not signed may change: a digest's name or another's certificate in the message.
        assert read.certificate.public_key() == key.certificate.public_key()


def test_a_weak_or_foreign_key_is_refused_before_any_arithmetic(key):
    small = authority().issue(
        subject=key.certificate.subject,
        public_key=rsa.generate_private_key(65537, 1024).public_key(),
        use=Use.SIGN,
    )
    curve = authority().issue(
        subject=key.certificate.subject,
        public_key=ec.generate_private_key(ec.SECP256R1()).public_key(),
        use=Use.SIGN,
    )

    for certificate in (small, curve):
        forged = type(key)(certificate=certificate, private_key=key.private_key, issuer=key.issuer)
        with pytest.raises(errors.SignatureAlgorithmNotAllowed):
            check(forge.signed(forged, CONTENT))


def test_a_message_that_is_too_large_says_so_by_its_kind():
    with pytest.raises(errors.SignatureTooLarge) as caught:
        cms.read_message(b"\0" * (cms.CMS_BYTES_MAX + 1))

    assert caught.value.kind is Kind.TOO_LARGE
    assert caught.value.cure


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\x30\x81\x01\x00",
        b"\x30\x82\x00\x80" + b"\x00" * 128,
        b"\x30\x01\x02",
        b"\x30\x02\x02\x01",
        b"\x1f\x01\x00",
        b"\x30\x85\x01\x00\x00\x00\x00",
        b"\x30\x00\x00",
        b"\x30\x02" * 40,
    ],
)
def test_what_is_not_strict_der_is_refused(content):
    with pytest.raises(DerNotValid):
        check_der(content)


def test_nesting_has_a_limit():
    deep = b"\x05\x00"
    for _ in range(33):
        deep = b"\x30" + bytes([len(deep)]) + deep

    with pytest.raises(DerNotValid, match="deep"):
        check_der(deep)
