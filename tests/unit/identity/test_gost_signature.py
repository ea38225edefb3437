"""Signatures under GOST-2015 from end to end: what holds, and what one wrong thing does."""

from datetime import UTC, datetime, timedelta

import pytest

from app.identity import errors
from app.identity.rules.certificates import Environment, Purpose, Trust, trust_from_pem
from app.identity.rules.signature import verify_signature
from sim.authority import Use
from sim.district import KEEPER, OFFICER
from sim.gost import GostKey
from sim.gost_authority import GostAuthority, GostHolder
from sim.layouts import subject_of
from tests.factories_identity import authority, gost_authority, pem_of, trust

CONTENT = b"what is signed"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def own():
    return gost_authority()


@pytest.fixture(scope="module")
def trusted():
    return trust_from_pem(pem_of(gost_authority()), environment=Environment.TEST)


def verify(cms, *, roots, content=CONTENT, purpose=Purpose.DOCUMENT, now=NOW):
    return verify_signature(cms=cms, content=content, purpose=purpose, trust=roots, now=now)


def holder(own, *, key=None, use=Use.COMBINED, **more):
    key = key or own.key_for(OFFICER).private_key
    certificate = own.issue(subject=subject_of(OFFICER), key=key, use=use, **more)
    return GostHolder(certificate=certificate, private_key=key, issuer=own.issuing.certificate)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_one_certificate_serves_both_purposes(own, trusted, purpose):
    evidence = verify(own.sign(OFFICER, CONTENT), roots=trusted, purpose=purpose)

    assert evidence.holder.iin == OFFICER.iin
    assert [one.subject for one in evidence.chain] == [
        own.key_for(OFFICER).certificate.subject,
        own.issuing.certificate.subject,
        own.root.subject,
    ]


def test_the_root_alone_is_enough(own, trusted):
    root_only = Trust(roots=trusted.roots)

    assert verify(own.sign(OFFICER, CONTENT), roots=root_only).holder.iin == OFFICER.iin


def test_both_kinds_of_roots_are_trusted_together(own, trusted):
    both = Trust(
        roots=(*trust().roots, *trusted.roots),
        intermediates=(*trust().intermediates, *trusted.intermediates),
    )

    for cms in (own.sign(OFFICER, CONTENT), authority().sign(OFFICER, CONTENT)):
        assert verify(cms, roots=both).holder.iin == OFFICER.iin


def test_another_content_is_refused(own, trusted):
    with pytest.raises(errors.SignatureContentChanged):
        verify(own.sign(OFFICER, CONTENT), roots=trusted, content=CONTENT + b".")


def test_another_key_is_refused(own, trusted):
    genuine = own.key_for(OFFICER)
    thief = GostHolder(
        certificate=genuine.certificate, private_key=GostKey.make(), issuer=genuine.issuer
    )

    with pytest.raises(errors.SignatureWrong):
        verify(own.sign_cms_detached(thief, CONTENT), roots=trusted)


def test_roots_of_the_other_kind_alone_are_not_enough(own):
    with pytest.raises(errors.CertificateNotTrusted):
        verify(own.sign(OFFICER, CONTENT), roots=trust())


def test_a_rogue_of_the_same_name_is_refused(tmp_path, trusted):
    rogue = GostAuthority.create(tmp_path)

    with pytest.raises(errors.CertificateNotTrusted):
        verify(rogue.sign(OFFICER, CONTENT), roots=trusted)


def test_an_officer_is_no_authority(own, trusted):
    officer, victim = own.key_for(OFFICER), own.key_for(KEEPER)
    posing = GostAuthority(own.folder, own.issuing, officer)
    forged = posing.issue(subject=victim.certificate.subject, key=victim.private_key)
    key = GostHolder(certificate=forged, private_key=victim.private_key, issuer=officer.certificate)
    between = Trust(roots=trusted.roots, intermediates=(own.issuing.certificate,))

    with pytest.raises(errors.CertificateNotTrusted):
        verify(own.sign_cms_detached(key, CONTENT), roots=between)


def test_the_term_holds_for_gost_too(own, trusted):
    old = holder(own, valid_from=NOW - timedelta(days=400))
    new = holder(own, valid_from=NOW + timedelta(days=1))

    with pytest.raises(errors.CertificateExpired):
        verify(own.sign_cms_detached(old, CONTENT), roots=trusted)
    with pytest.raises(errors.CertificateNotYetValid):
        verify(own.sign_cms_detached(new, CONTENT), roots=trusted)


def test_after_the_term_of_the_authority_nothing_holds(own, trusted):
    late = NOW + timedelta(days=8000)
    future = holder(own, valid_from=late - timedelta(days=1))

    with pytest.raises(errors.CertificateNotTrusted):
        verify(own.sign_cms_detached(future, CONTENT), roots=trusted, now=late)


def test_the_half_that_signs_in_signs_no_document(own, trusted):
    with pytest.raises(errors.CertificateNotForThis):
        verify(own.sign_cms_detached(holder(own, use=Use.AUTH), CONTENT), roots=trusted)
