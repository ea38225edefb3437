import random
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.errors import Kind
from app.identity import errors
from app.identity.rules.certificates import Environment, Purpose, trust_from_pem
from app.identity.rules.signature import check_account, verify_signature
from sim.authority import Key, Use, subject_of
from sim.district import DEPARTMENT_BIN, KEEPER, OFFICER, OTHER_DEPARTMENT_BIN
from tests import factories_cms as forge
from tests.factories_identity import authority, pem_of, trust

CONTENT = b"what is signed"
NOW = datetime.now(UTC)
EMPLOYEE = ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.5")


def verify(cms, *, purpose=Purpose.DOCUMENT, content=CONTENT, roots=None, now=NOW):
    return verify_signature(
        cms=cms, content=content, purpose=purpose, trust=roots or trust(), now=now
    )


def key_with(*, subject=None, use=Use.SIGN, user_types=EMPLOYEE, maker="trusted", **more):
    """Return a key with a certificate that the authority was talked into."""
    genuine = authority().key_for(OFFICER, Use.SIGN)
    certificate = authority(maker).issue(
        subject=subject or genuine.certificate.subject,
        public_key=genuine.private_key.public_key(),
        use=use,
        user_types=tuple(x509.ObjectIdentifier(one) for one in user_types),
        **more,
    )
    return Key(
        certificate=certificate,
        private_key=genuine.private_key,
        issuer=authority(maker).issuing.certificate,
    )


def signed_by(key):
    return authority().sign_cms_detached(key, CONTENT)


def named(**texts):
    """Return the officer's name with some parts replaced, or left out by ``None``."""
    oids = {"iin": NameOID.SERIAL_NUMBER, "bin": NameOID.ORGANIZATIONAL_UNIT_NAME}
    replaced = {oids[name]: text for name, text in texts.items()}
    kept = []
    for one in subject_of(OFFICER):
        text = replaced.get(one.oid, one.value)
        if text is not None:
            kept.append(x509.NameAttribute(one.oid, text))
    return x509.Name(kept)


@pytest.mark.parametrize(
    ("use", "purpose"),
    [
        (Use.SIGN, Purpose.DOCUMENT),
        (Use.AUTH, Purpose.SIGN_IN),
        (Use.COMBINED, Purpose.DOCUMENT),
        (Use.COMBINED, Purpose.SIGN_IN),
    ],
)
def test_a_certificate_serves_what_its_layout_is_for(use, purpose):
    evidence = verify(authority().sign(OFFICER, CONTENT, use), purpose=purpose)

    assert (evidence.holder.iin, evidence.holder.bin) == (OFFICER.iin, DEPARTMENT_BIN)


@pytest.mark.parametrize(
    ("use", "purpose"), [(Use.AUTH, Purpose.DOCUMENT), (Use.SIGN, Purpose.SIGN_IN)]
)
def test_a_certificate_serves_nothing_else(use, purpose):
    with pytest.raises(errors.CertificateNotForThis) as caught:
        verify(authority().sign(OFFICER, CONTENT, use), purpose=purpose)

    assert caught.value.code == "identity.certificate_not_for_this"
    assert caught.value.cure


@pytest.mark.parametrize("kind", ["1", "2", "4", "5"])
def test_heads_signers_personnel_and_employees_are_admitted(kind):
    key = key_with(user_types=("1.2.398.3.3.4.1.2", f"1.2.398.3.3.4.1.2.{kind}"))

    assert verify(signed_by(key)).holder.iin == OFFICER.iin


@pytest.mark.parametrize(
    "user_types",
    [
        ("1.2.398.3.3.4.1.1",),
        ("1.2.398.3.3.4.1.2",),
        ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.3"),
        ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6"),
        ("1.2.398.3.3.4.2.1",),
        (*EMPLOYEE, "1.2.398.5.19.1.2.2.1"),
        (*EMPLOYEE, "1.2.398.6.1.1.1.1"),
        (),
    ],
    ids=["person", "body", "finance", "system", "nuc staff", "treasury", "notary", "none"],
)
def test_other_kinds_of_holder_are_not_admitted(user_types):
    with pytest.raises(errors.CertificateHolderNotAdmitted):
        verify(signed_by(key_with(user_types=user_types)))


@pytest.mark.parametrize(
    "subject",
    [
        named(iin=None),
        named(bin=None),
        named(iin="BIN210940000013"),
        named(iin=OFFICER.iin),
        named(iin="IIN90031530012"),
        named(iin="IIN123456789011"),
        named(iin=f"IIN{OFFICER.iin[:11]}X"),
        named(bin="210940000013"),
        named(bin="BIN21094000001X"),
    ],
    ids=range(9),
)
def test_a_name_without_one_iin_and_one_bin_is_refused(subject):
    with pytest.raises(errors.CertificateNotReadable):
        verify(signed_by(key_with(subject=subject)))


def test_a_certificate_that_expired_is_refused():
    key = key_with(valid_from=NOW - timedelta(days=400))

    with pytest.raises(errors.CertificateExpired):
        verify(signed_by(key))


def test_a_certificate_whose_term_has_not_begun_is_refused():
    key = key_with(valid_from=NOW + timedelta(days=1))

    with pytest.raises(errors.CertificateNotYetValid):
        verify(signed_by(key))


def test_a_good_signature_is_refused_after_the_term_of_the_authority():
    key = key_with(days=9000)

    with pytest.raises(errors.CertificateNotTrusted):
        verify(signed_by(key), now=NOW + timedelta(days=8000))


def test_a_rogue_authority_of_the_same_name_is_refused():
    rogue = key_with(maker="rogue")
    assert rogue.certificate.issuer == authority().issuing.certificate.subject

    with pytest.raises(errors.CertificateNotTrusted):
        verify(signed_by(rogue))


def test_a_rogue_root_in_the_message_itself_is_not_believed():
    rogue = key_with(maker="rogue")
    message = forge.message_of(
        [forge.signer_of(rogue, CONTENT)],
        [rogue.certificate, rogue.issuer, authority("rogue").root],
    )

    with pytest.raises(errors.CertificateNotTrusted):
        verify(message)


def test_an_employee_is_no_authority():
    officer = authority().key_for(OFFICER, Use.SIGN)
    victim = authority().key_for(KEEPER, Use.SIGN)
    forged = (
        x509.CertificateBuilder()
        .subject_name(victim.certificate.subject)
        .issuer_name(officer.certificate.subject)
        .public_key(victim.private_key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    for extension in victim.certificate.extensions:
        forged = forged.add_extension(extension.value, critical=extension.critical)
    certificate = forged.sign(officer.private_key, hashes.SHA256())
    key = Key(certificate=certificate, private_key=victim.private_key, issuer=officer.certificate)
    message = forge.message_of(
        [forge.signer_of(key, CONTENT)], [certificate, officer.certificate, officer.issuer]
    )

    with pytest.raises(errors.CertificateNotTrusted):
        verify(message)


def test_a_root_alone_is_enough_when_the_message_brings_the_issuing_authority():
    root_only = trust_from_pem(
        [authority().root.public_bytes(Encoding.PEM)], environment=Environment.TEST
    )

    assert verify(authority().sign(OFFICER, CONTENT), roots=root_only).holder.iin == OFFICER.iin


def test_the_issuing_authority_may_be_pinned_when_the_message_leaves_it_out():
    key = authority().key_for(OFFICER, Use.SIGN)
    message = forge.message_of([forge.signer_of(key, CONTENT)], [key.certificate])

    assert verify(message).holder.iin == OFFICER.iin


@pytest.mark.parametrize(
    "texts", [[], [b""], [b"no certificate"], [pem_of(authority())[0]]], ids=range(4)
)
def test_without_a_root_nobody_is_believed(texts):
    # The fourth text is the issuing authority's certificate: no root either.
    with pytest.raises(errors.TrustMissing) as caught:
        trust_from_pem(texts, environment=Environment.TEST)

    assert caught.value.kind is Kind.UNAVAILABLE


def test_a_certificate_that_does_not_say_what_it_is_for_is_refused():
    genuine = authority().key_for(OFFICER, Use.SIGN)
    bare = (
        x509.CertificateBuilder()
        .subject_name(genuine.certificate.subject)
        .issuer_name(genuine.issuer.subject)
        .public_key(genuine.private_key.public_key())
        .serial_number(8)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(authority().issuing.private_key, hashes.SHA256())
    )
    key = Key(certificate=bare, private_key=genuine.private_key, issuer=genuine.issuer)

    with pytest.raises(errors.CertificateNotReadable):
        verify(signed_by(key))


def test_the_account_must_be_the_holders():
    holder = verify(authority().sign(OFFICER, CONTENT)).holder

    check_account(holder, iin=OFFICER.iin, bin_=DEPARTMENT_BIN)
    with pytest.raises(errors.CertificateOfAnotherPerson):
        check_account(holder, iin=KEEPER.iin, bin_=DEPARTMENT_BIN)
    with pytest.raises(errors.CertificateOfAnotherBody):
        check_account(holder, iin=OFFICER.iin, bin_=OTHER_DEPARTMENT_BIN)


def test_the_evidence_holds_what_proves_it_later():
    cms = authority().sign(OFFICER, CONTENT)

    evidence = verify(cms)

    serial = authority().key_for(OFFICER).certificate.serial_number
    assert evidence.cms == cms
    assert evidence.certificate_serial == f"{serial:x}"
    assert abs(evidence.signing_time - datetime.now(UTC)) < timedelta(minutes=1)
    assert OFFICER.iin not in repr(evidence.holder)


def test_whatever_bytes_are_broken_nothing_but_a_refusal_comes_out():
    good = authority().sign(OFFICER, CONTENT)
    chance = random.Random(42)
    held = 0

    for _ in range(600):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        try:
            evidence = verify(bytes(bad))
        except errors.SignatureRefused:
            continue
        held += 1
        assert evidence.holder.iin == OFFICER.iin

    assert held < 60


@pytest.mark.parametrize("environment", list(Environment))
def test_test_and_production_roots_are_never_trusted_together(environment):
    key = authority().issuing.private_key

    def root(name):
        called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return (
            x509.CertificateBuilder()
            .subject_name(called)
            .issuer_name(called)
            .public_key(key.public_key())
            .serial_number(9)
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=1))
            .sign(key, hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )

    pems = {Environment.PRODUCTION: root("НКО (RSA)"), Environment.TEST: root("НКО TEST (RSA)")}
    (other,) = set(Environment) - {environment}

    assert trust_from_pem([pems[environment]], environment=environment).roots
    for mixed in ([pems[other]], list(pems.values())):
        with pytest.raises(errors.TrustMixed):
            trust_from_pem(mixed, environment=environment)
