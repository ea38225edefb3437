"""What makes an answer about revocation worth believing, one wrong thing at a time."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.identity import errors
from app.identity.rules.addresses import addresses_of
from app.identity.rules.certificates import Purpose
from app.identity.rules.lists import check_lists, read_list
from app.identity.rules.revocation import AnswerUnusable, check_ocsp, ocsp_request
from app.identity.rules.signature import verify_signature
from sim.authority import Use
from sim.district import KEEPER, OFFICER, SECOND_OFFICER
from sim.layouts import named, responder_builder
from sim.revocation import Fault, SimRevocation
from tests.factories_identity import authority, gost_authority, trust

NONCE = bytes(range(16))
CONTENT = b"what is signed"
KINDS = {"rsa": authority, "gost": gost_authority}


class Asked:
    """A question about one certificate, and the means to answer it in every way."""

    def __init__(self, kind):
        self.authority = KINDS[kind]()
        self.now = datetime.now(UTC)  # of this test: an answer is good for minutes only
        self.service = SimRevocation([self.authority], clock=lambda: self.now)
        self.certificate = self.authority.key_for(OFFICER).certificate
        self.issuer = self.authority.issuing.certificate

    def question(self, certificate=None):
        return ocsp_request(certificate or self.certificate, issuer=self.issuer, nonce=NONCE)

    def answer(self, fault=Fault.NONE):
        self.service.ocsp_fault = fault
        return self.service.answer(self.question())

    def check(self, answer, *, nonce=NONCE, now=None, issuer=None):
        return check_ocsp(
            answer,
            certificate=self.certificate,
            issuer=issuer or self.issuer,
            nonce=nonce,
            now=now or self.now,
        )


@pytest.fixture(params=list(KINDS))
def asked(request):
    return Asked(request.param)


@pytest.fixture
def by_rsa():
    return Asked("rsa")


def test_a_good_answer_is_believed(asked):
    proof = asked.check(asked.answer())

    assert proof.this_update == asked.now.replace(microsecond=0)


FAULTS = {
    Fault.STALE: "stale",
    Fault.FUTURE: "from_the_future",
    Fault.FORGED: "signature_wrong",
    Fault.REPLAYED: "nonce_of_another_question",
    Fault.OTHER: "about_another_certificate",
    Fault.TRY_LATER: "status_try_later",
}


@pytest.mark.parametrize("fault", list(FAULTS), ids=lambda one: one.value)
def test_an_answer_with_one_thing_wrong_proves_nothing(asked, fault):
    with pytest.raises(AnswerUnusable, match=f"^{FAULTS[fault]}$"):
        asked.check(asked.answer(fault))


def test_revoked_and_unknown_are_final(asked):
    unknown = asked.answer(Fault.UNKNOWN)
    asked.service.revoke(asked.certificate)
    revoked = asked.answer()

    with pytest.raises(errors.CertificateUnknownToAuthority):
        asked.check(unknown)
    with pytest.raises(errors.CertificateRevoked):
        asked.check(revoked)


@pytest.mark.parametrize("fault", [Fault.STALE, Fault.FORGED, Fault.REPLAYED, Fault.OTHER])
def test_that_a_certificate_is_revoked_is_believed_from_the_authority_only(by_rsa, fault):
    by_rsa.service.revoke(by_rsa.certificate)

    with pytest.raises(AnswerUnusable):
        by_rsa.check(by_rsa.answer(fault))


@pytest.mark.parametrize(
    ("after", "usable"),
    [
        (timedelta(minutes=9, seconds=59), True),
        (timedelta(minutes=10, seconds=2), False),
        (timedelta(seconds=-58), True),
        (timedelta(seconds=-62), False),
    ],
)
def test_an_answer_serves_ten_minutes(by_rsa, after, usable):
    answer = by_rsa.answer()

    if usable:
        assert by_rsa.check(answer, now=by_rsa.now + after)
    else:
        with pytest.raises(AnswerUnusable):
            by_rsa.check(answer, now=by_rsa.now + after)


def test_an_answer_without_our_nonce_proves_nothing(by_rsa):
    bare = ocsp.OCSPRequestBuilder().add_certificate(
        by_rsa.certificate, by_rsa.issuer, hashes.SHA256()
    )
    answer = by_rsa.service.answer(bare.build().public_bytes(Encoding.DER))

    with pytest.raises(AnswerUnusable, match="nonce_missing"):
        by_rsa.check(answer)
    assert by_rsa.check(answer, nonce=None)


def test_sha1_names_of_the_issuer_are_understood(by_rsa):
    bare = ocsp.OCSPRequestBuilder().add_certificate(
        by_rsa.certificate, by_rsa.issuer, hashes.SHA1()
    )
    answer = by_rsa.service.answer(bare.build().public_bytes(Encoding.DER))

    assert by_rsa.check(answer, nonce=None)


def test_a_byte_after_the_answer_or_a_flood_proves_nothing(asked):
    good = asked.answer()

    for bad in (good + b"\0", b"", b"\x30\x00", b"\x30" * 70_000):
        with pytest.raises(AnswerUnusable):
            asked.check(bad)


def signed_by_responder(asked, *, signer, key, named_by=ocsp.OCSPResponderEncoding.NAME, **times):
    """Return a good answer signed by somebody else's key."""
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            asked.certificate,
            asked.issuer,
            hashes.SHA256(),
            ocsp.OCSPCertStatus.GOOD,
            asked.now,
            times.get("next_update"),
            None,
            None,
        )
        .responder_id(named_by, signer)
        .add_extension(x509.OCSPNonce(NONCE), critical=False)
    )
    if signer != asked.issuer:
        builder = builder.certificates([signer])
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def responder_of(asked, *, by=None, drop=None, key=None, days_ago=0):
    """Return a responder's certificate made differently, and its key."""
    key = key or rsa.generate_private_key(65537, 2048)
    by = by or asked.authority.issuing
    builder = responder_builder(
        subject=named("OCSP RESPONDER SIMULATION"),
        issuer=by.certificate.subject,
        public_key=key.public_key(),
    )
    if drop is not None:
        kept = [one for one in builder._extensions if not isinstance(one.value, drop)]
        builder._extensions = kept
    if days_ago:
        builder._not_valid_before = (asked.now - timedelta(days=2 * days_ago)).replace(tzinfo=None)
        builder._not_valid_after = (asked.now - timedelta(days=days_ago)).replace(tzinfo=None)
    return builder.sign(by.private_key, hashes.SHA256()), key


@pytest.mark.parametrize("named_by", list(ocsp.OCSPResponderEncoding))
def test_the_authority_itself_and_its_responder_may_answer(by_rsa, named_by):
    own = by_rsa.authority.issuing
    responder, key = responder_of(by_rsa)

    assert by_rsa.check(
        signed_by_responder(by_rsa, signer=own.certificate, key=own.private_key, named_by=named_by)
    )
    assert by_rsa.check(signed_by_responder(by_rsa, signer=responder, key=key, named_by=named_by))


def test_a_responder_that_nobody_authorised_is_not_heard(by_rsa):
    officer = by_rsa.authority.key_for(SECOND_OFFICER)
    rogue = authority("rogue")
    cases = {
        "an officer": (officer.certificate, officer.private_key),
        "no OCSP usage": responder_of(by_rsa, drop=x509.ExtendedKeyUsage),
        "to be asked about itself": responder_of(by_rsa, drop=x509.UnrecognizedExtension),
        "a rogue of the same name": responder_of(by_rsa, by=rogue.issuing),
        "expired": responder_of(by_rsa, days_ago=3),
        "the root": (by_rsa.authority.root, by_rsa.authority.root_key),
    }

    for name, (signer, key) in cases.items():
        with pytest.raises(AnswerUnusable, match="responder"):
            by_rsa.check(signed_by_responder(by_rsa, signer=signer, key=key))
        assert name


def test_an_answer_past_its_own_end_is_stale(by_rsa):
    own = by_rsa.authority.issuing
    answer = signed_by_responder(
        by_rsa, signer=own.certificate, key=own.private_key,
        next_update=by_rsa.now + timedelta(minutes=1),
    )  # fmt: skip

    assert by_rsa.check(answer)
    with pytest.raises(AnswerUnusable, match="stale"):
        by_rsa.check(answer, now=by_rsa.now + timedelta(minutes=2))


def lists_of(asked):
    return [
        read_list(asked.service.list_of(0, name), issuers=(asked.issuer,), now=asked.now)
        for name in ("full", "d")
    ]


def test_the_delta_has_the_last_word(asked):
    certificate = asked.certificate
    asked.service.revoke(certificate, reason=x509.ReasonFlags.certificate_hold)
    base, delta = lists_of(asked)
    with pytest.raises(errors.CertificateRevoked):
        check_lists(certificate, base=base, delta=delta)
    check_lists(certificate, base=base, delta=None)

    asked.service.publish()
    asked.service.release(certificate)
    base, delta = lists_of(asked)

    check_lists(certificate, base=base, delta=delta)
    with pytest.raises(errors.CertificateRevoked):
        check_lists(certificate, base=base, delta=None)


def test_a_delta_of_another_list_is_refused(by_rsa):
    base, _ = lists_of(by_rsa)
    by_rsa.service.publish()
    _, delta = lists_of(by_rsa)

    with pytest.raises(AnswerUnusable, match="delta_of_another_list"):
        check_lists(by_rsa.certificate, base=base, delta=delta)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault.STALE, "stale"),
        (Fault.FUTURE, "from_the_future"),
        (Fault.FORGED, "signature_wrong"),
    ],
)
def test_a_list_with_one_thing_wrong_proves_nothing(asked, fault, word):
    asked.service.list_fault = fault

    with pytest.raises(AnswerUnusable, match=word):
        lists_of(asked)


def test_a_list_of_another_authority_or_scope_proves_nothing(by_rsa):
    own = by_rsa.authority.issuing
    base = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(own.certificate.subject)
        .last_update(by_rsa.now)
        .next_update(by_rsa.now + timedelta(hours=1))
    )
    scope = x509.IssuingDistributionPoint(None, None, False, True, None, False, False)
    numbered = base.add_extension(x509.CRLNumber(1), critical=False)
    cases = {
        "number_missing": base,
        "scope_not_known": numbered.add_extension(scope, critical=True),
    }

    for word, builder in cases.items():
        content = builder.sign(own.private_key, hashes.SHA256()).public_bytes(Encoding.DER)
        with pytest.raises(AnswerUnusable, match=word):
            read_list(content, issuers=(own.certificate,), now=by_rsa.now)
    with pytest.raises(AnswerUnusable, match="of_another_authority"):
        read_list(by_rsa.service.list_of(0, "root"), issuers=(own.certificate,), now=by_rsa.now)
    with pytest.raises(AnswerUnusable):
        read_list(
            by_rsa.service.list_of(0, "full") + b"\0", issuers=(own.certificate,), now=by_rsa.now
        )


def test_an_officer_signs_no_lists(by_rsa):
    officer = by_rsa.authority.key_for(KEEPER, Use.SIGN)
    content = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(officer.certificate.subject)
        .last_update(by_rsa.now)
        .next_update(by_rsa.now + timedelta(hours=1))
        .add_extension(x509.CRLNumber(1), critical=False)
        .sign(officer.private_key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )

    with pytest.raises(AnswerUnusable, match="issuer_signs_no_lists"):
        read_list(content, issuers=(officer.certificate,), now=by_rsa.now)


def test_the_addresses_are_read_from_the_certificate(asked):
    named_there = addresses_of(asked.certificate)

    assert named_there.ocsp == ("http://ocsp.simulation.invalid/",)
    assert named_there.has_delta
    assert len(named_there.lists) == 2


def test_the_genuine_form_of_the_responders_certificate_is_understood(asked):
    responder = asked.authority.responder().certificate
    encoded = responder.public_bytes(Encoding.DER)

    # id-pkix-ocsp-nocheck with an empty value, as genuine certificates hold it: 04 00, no NULL.
    assert bytes.fromhex("06092b0601050507300105" + "0400") in encoded
    assert ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string == "1.3.6.1.5.5.7.3.9"


mutations = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.sampled_from(["flip", "set", "cut", "double"]),
              st.integers(0, 255)),
    min_size=1, max_size=4,
)  # fmt: skip


def mutated(content, steps):
    for at, how, value in steps:
        place = at % max(len(content), 1)
        if how == "flip":
            content = (
                content[:place] + bytes([content[place] ^ (1 << value % 8)]) + content[place + 1 :]
            )
        elif how == "set":
            content = content[:place] + bytes([value]) + content[place + 1 :]
        elif how == "cut":
            content = content[:place] + content[place + value % 16 :]
        else:
            content = content[:place] + content[place : place + 8] + content[place:]
        content = content or b"\0"
    return content


QUICK = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(steps=mutations)
def test_nothing_but_a_refusal_comes_out_of_a_broken_answer(by_rsa, steps):
    answer = mutated(by_rsa.answer(), steps)

    try:
        proof = by_rsa.check(answer)
    except (AnswerUnusable, errors.SignatureRefused):
        return
    assert proof.this_update == by_rsa.now.replace(microsecond=0)


@QUICK
@given(steps=mutations)
def test_nothing_but_a_refusal_comes_out_of_a_broken_list(by_rsa, steps):
    content = mutated(by_rsa.service.list_of(0, "full"), steps)

    try:
        read = read_list(content, issuers=(by_rsa.issuer,), now=by_rsa.now)
    except AnswerUnusable:
        return
    assert read.number == 10


@pytest.mark.parametrize("kind", list(KINDS))
@settings(max_examples=150)
@given(steps=mutations)
def test_nothing_but_a_refusal_comes_out_of_a_broken_signature(kind, steps):
    good = _good(kind)
    trusted = trust() if kind == "rsa" else _gost_trust()

    try:
        evidence = verify_signature(
            cms=mutated(good, steps),
            content=CONTENT,
            purpose=Purpose.DOCUMENT,
            trust=trusted,
            now=datetime.now(UTC),
        )
    except errors.SignatureRefused:
        return
    assert evidence.holder.iin == OFFICER.iin


KEPT = {}


def _good(kind):
    if kind not in KEPT:
        KEPT[kind] = KINDS[kind]().sign(OFFICER, CONTENT)
    return KEPT[kind]


def _gost_trust():
    from app.identity.rules.certificates import Environment, trust_from_pem
    from tests.factories_identity import pem_of

    return trust_from_pem(pem_of(gost_authority()), environment=Environment.TEST)
