import subprocess

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from sim.authority import Authority, Use
from sim.district import OFFICER, STAFF
from tests.factories_identity import authority


def text_of(certificate, oid):
    return [one.value for one in certificate.subject.get_attributes_for_oid(oid)]


def test_the_subject_has_the_layout_of_the_national_authority():
    certificate = authority().key_for(OFFICER).certificate

    assert text_of(certificate, NameOID.COMMON_NAME) == ["ӘБДІРАХМАНОВ ҒАЛЫМЖАН"]
    assert text_of(certificate, NameOID.SURNAME) == ["ӘБДІРАХМАНОВ"]
    assert text_of(certificate, NameOID.SERIAL_NUMBER) == [f"IIN{OFFICER.iin}"]
    assert text_of(certificate, NameOID.COUNTRY_NAME) == ["KZ"]
    assert text_of(certificate, NameOID.GIVEN_NAME) == ["ҚУАНЫШҰЛЫ"]
    assert text_of(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME) == ["BIN210940000013"]


@pytest.mark.parametrize("staff", STAFF, ids=[one.key for one in STAFF])
def test_everybody_of_the_district_can_be_named(staff):
    certificate = authority().key_for(staff).certificate

    assert text_of(certificate, NameOID.SERIAL_NUMBER) == [f"IIN{staff.iin}"]


def test_keys_are_made_once_and_kept(tmp_path):
    first = Authority.create(tmp_path, authority_key_bits=2048)
    made = first.key_for(OFFICER, Use.AUTH).certificate

    again = Authority.create(tmp_path, authority_key_bits=2048)

    assert again.root == first.root
    assert again.key_for(OFFICER, Use.AUTH).certificate == made
    assert sorted(path.name for path in again.roots_dir.iterdir()) == ["issuing.pem", "root.pem"]


def test_private_keys_are_readable_by_their_owner_alone():
    authority().key_for(OFFICER)

    modes = {path.stat().st_mode & 0o777 for path in authority().folder.rglob("*.key.pem")}

    assert modes == {0o600}


def test_openssl_accepts_what_it_signs_and_refuses_other_content(tmp_path):
    (tmp_path / "cms").write_bytes(authority().sign(OFFICER, b"content", Use.SIGN))
    (tmp_path / "root.pem").write_bytes((authority().roots_dir / "root.pem").read_bytes())
    command = [
        *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / "cms")),
        *("-CAfile", str(tmp_path / "root.pem"), "-purpose", "any", "-content"),
    ]
    codes = []

    for content in (b"content", b"other content"):
        (tmp_path / "content").write_bytes(content)
        done = subprocess.run(
            [*command, str(tmp_path / "content")], capture_output=True, check=False
        )
        codes.append(done.returncode == 0)

    assert codes == [True, False]


def test_the_policies_and_user_types_are_those_of_an_employee():
    certificate = authority().key_for(OFFICER, Use.SIGN).certificate
    extensions = certificate.extensions

    usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    policies = extensions.get_extension_for_class(x509.CertificatePolicies).value

    assert [one.dotted_string for one in usages] == [
        "1.3.6.1.5.5.7.3.4",
        "1.2.398.3.3.4.1.2",
        "1.2.398.3.3.4.1.2.5",
    ]
    assert [one.policy_identifier.dotted_string for one in policies] == ["1.2.398.3.3.2.1"]
