"""The same signatures shown to this server, to pyHanko and to OpenSSL.

Where the three judge alike nothing is said; where they differ, ``docs/signature-checks.md`` says
who is stricter and why, and this test holds the document to what is measured.
"""

import asyncio
import logging
import re
import subprocess
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from app.identity import errors
from app.identity.rules.certificates import Environment, Purpose, trust_from_pem
from app.identity.rules.lists import check_lists, read_list
from app.identity.rules.revocation import AnswerUnusable
from app.identity.rules.signature import verify_signature
from tests import factories_cms as forge
from tests.factories_identity import authority, gost_authority
from tests.factories_matrix import CASES

DOCUMENT = Path(__file__).parents[3] / "docs" / "signature-checks.md"
ROW = re.compile(r"^\| ([^|]+?) \| (yes|no) \| (yes|no) \| (yes|no) \| ([^|]+?) \|$", re.MULTILINE)
ROOTS = (authority().root, gost_authority().root)


def ours(case):
    """Judge as the server does where OCSP is silent, by lists of the whole chain."""
    trust = trust_from_pem(
        [root.public_bytes(Encoding.PEM) for root in ROOTS], environment=Environment.TEST
    )
    try:
        evidence = verify_signature(
            cms=case.cms, content=case.content, purpose=Purpose.DOCUMENT, trust=trust, now=case.at
        )
        for certificate, issuer in zip(evidence.chain, evidence.chain[1:], strict=False):
            check_lists(certificate, base=list_by(issuer, case), delta=None)
    except (errors.SignatureRefused, AnswerUnusable):
        return False
    return True


def list_by(issuer, case):
    for content in case.crls():
        if x509.load_der_x509_crl(content).issuer == issuer.subject:
            return read_list(content, issuers=(issuer,), now=case.at)
    raise AnswerUnusable("no_list")


def pyhanko(case):
    """Judge by pyHanko: detached content, every certificate with its list, at the instant."""
    try:
        signed = asn1_cms.ContentInfo.load(case.cms)["content"]
        context = ValidationContext(
            trust_roots=[forge.asn1_of(root) for root in ROOTS],
            crls=[asn1_crl.CertificateList.load(one) for one in case.crls()],
            revocation_mode="require",
            moment=case.at,
            allow_fetching=False,
        )
        status = asyncio.run(
            async_validate_detached_cms(
                case.content,
                signed,
                signer_validation_context=context,
                key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature"}),
            )
        )
    except Exception:  # noqa: BLE001 - it raises whatever happens to it inside
        return False
    return bool(status.valid and status.intact and status.trusted)


def openssl(case, folder):
    """Judge by ``openssl cms -verify -crl_check_all``."""
    lists = [x509.load_der_x509_crl(one).public_bytes(Encoding.PEM) for one in case.crls()]
    roots = [root.public_bytes(Encoding.PEM) for root in ROOTS]
    (folder / "trusted.pem").write_bytes(b"".join([*roots, *lists]))
    (folder / "message").write_bytes(case.cms)
    (folder / "content").write_bytes(case.content)
    done = subprocess.run(
        [
            *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-crl_check_all"),
            *("-in", "message", "-content", "content", "-CAfile", "trusted.pem"),
            *("-no-CApath", "-no-CAstore", "-purpose", "any", "-out", "out"),
            *("-attime", str(int(case.at.timestamp()))),
        ],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def documented():
    return {name: verdicts for name, *verdicts, _why in ROW.findall(DOCUMENT.read_text())}


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def test_there_are_enough_cases():
    assert len(CASES) >= 60


def test_the_document_names_no_case_that_is_not_tried():
    assert set(documented()) <= set(CASES)


@pytest.mark.parametrize("name", list(CASES))
def test_three_verifiers_agree_or_the_document_says_why_not(name, tmp_path):
    case = CASES[name]()

    verdicts = [ours(case), pyhanko(case), openssl(case, tmp_path)]

    told = documented().get(name)
    shown = ["yes" if one else "no" for one in verdicts]
    assert (told is None and len(set(shown)) == 1) or told == shown, shown


GOOD = (
    "one certificate for both uses", "the signing half of a pair", "GOST-2015",
    "signature algorithm rsaEncryption", "signature algorithm sha256WithRSA",
    "an unknown extension", "a head of a body", "another certificate besides",
    "the root in the message", "somebody else is revoked",
    "at the last second of the certificate", "signed by somebody of another body",
)  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_ours_takes_the_good_ones_and_no_others(name):
    assert ours(CASES[name]()) is (name in GOOD)
