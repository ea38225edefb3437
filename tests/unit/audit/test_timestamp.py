import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.audit.errors import StampNotValid
from app.audit.rules.timestamp import StampTrust, check_stamp, stamp_query, stamp_trust
from sim.timestamping import SimTimestamping, certificate_of

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
CONTENT = b"log.example/audit\n9\nroot\n"
NONCE = 2**62 + 5


@pytest.fixture(scope="module")
def root():
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ROOT SIMULATION")])
    begins = NOW - timedelta(days=3)
    return name, key, certificate_of(name, key, name, key, authority=True, begins=begins)


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def tsa(root, key, tmp_path):
    return authority(root, key, tmp_path)


def authority(root, key, folder, **layout):
    name, root_key, _ = root
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TSA SIMULATION")])
    layout = {"begins": NOW - timedelta(days=3)} | layout
    certificate = certificate_of(own, key, name, root_key, **layout)
    return SimTimestamping(
        certificate=certificate, private_key=key, roots_dir=folder, clock=lambda: NOW
    )


@pytest.fixture
def trust(root):
    return StampTrust(roots=(root[2],))


def stamped(tsa):
    return tsa.respond(stamp_query(CONTENT, nonce=NONCE))


def check(response, trust, *, content=CONTENT, nonce=NONCE, now=NOW):
    return check_stamp(response, content=content, nonce=nonce, trust=trust, now=now)


def test_a_good_stamp_says_when(tsa, trust):
    assert check(stamped(tsa), trust) == NOW


def test_an_old_stamp_is_checked_again_without_nonce_and_clock(tsa, trust):
    assert check(stamped(tsa), trust, nonce=None, now=None) == NOW


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({"policy": "1.2.3.4"}, "policy"),
        ({"policy": "1.2.398.3.3.2.61"}, "policy"),
        ({"wrong_imprint": True}, "something else"),
        ({"wrong_nonce": True}, "another query"),
        ({"status": "rejection"}, "not a time-stamp"),
        ({"status": "granted_with_mods"}, "not grant"),
        ({"wrong_signature": True}, "does not fit"),
        ({"without_certificate_name": True}, "name its certificate"),
        ({"critical_extension": True}, "must be understood"),
        ({"shift": timedelta(minutes=6)}, "clock"),
        ({"shift": timedelta(minutes=-6)}, "clock"),
        ({"shift": timedelta(days=-4)}, "trusted root"),
        ({"shift": timedelta(days=400)}, "trusted root"),
    ],
)
def test_a_stamp_with_one_thing_wrong_is_refused(tsa, trust, faults, reason):
    tsa.with_faults(**faults)

    with pytest.raises(StampNotValid, match=reason):
        check(stamped(tsa), trust)


@pytest.mark.parametrize(
    "layout",
    [
        {"critical": False},
        {"usages": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CLIENT_AUTH)},
        {"usages": (ExtendedKeyUsageOID.CLIENT_AUTH,)},
    ],
)
def test_a_certificate_that_is_not_for_stamps_alone_is_refused(root, key, trust, tmp_path, layout):
    with pytest.raises(StampNotValid, match="alone"):
        check(stamped(authority(root, key, tmp_path, **layout)), trust)


def test_an_expired_certificate_is_refused(root, key, trust, tmp_path):
    begins = NOW - timedelta(days=400)

    with pytest.raises(StampNotValid, match="trusted root"):
        check(stamped(authority(root, key, tmp_path, begins=begins)), trust)


def test_another_authority_is_not_believed(tsa, tmp_path):
    stranger = SimTimestamping.create(tmp_path / "stranger")
    trust = stamp_trust(path.read_bytes() for path in stranger.roots_dir.glob("*.pem"))

    with pytest.raises(StampNotValid, match="trusted root"):
        check(stamped(tsa), trust)


def test_a_stamp_of_other_content_is_refused(tsa, trust):
    with pytest.raises(StampNotValid, match="something else"):
        check(stamped(tsa), trust, content=CONTENT + b"\n")


def test_a_flipped_byte_of_a_stamp_is_refused(tsa, trust):
    response = stamped(tsa)
    believed = []

    for place in [*range(80), *range(80, len(response), 61)]:
        changed = bytearray(response)
        changed[place] ^= 1
        try:
            check(bytes(changed), trust)
        except StampNotValid:
            continue
        believed.append(place)

    assert believed == []


@pytest.mark.parametrize("content", [b"", b"\x30\x00", b"x" * 40_000, b"\x30\x80\x00\x00"])
def test_what_is_no_stamp_is_refused(trust, content):
    with pytest.raises(StampNotValid):
        check(content, trust)


def test_bytes_after_the_stamp_are_refused(tsa, trust):
    with pytest.raises(StampNotValid):
        check(stamped(tsa) + b"\x00", trust)


def test_a_folder_without_a_root_is_no_trust():
    with pytest.raises(ValueError, match="no trusted root"):
        stamp_trust([])


def openssl(*arguments):
    done = subprocess.run(("openssl", "ts", *arguments), capture_output=True, check=False)
    return done.returncode == 0


def test_openssl_agrees(tmp_path):
    tsa = SimTimestamping.create(tmp_path)
    query = stamp_query(CONTENT, nonce=NONCE)
    (tmp_path / "query").write_bytes(query)
    (tmp_path / "response").write_bytes(tsa.respond(query))
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "other").write_bytes(CONTENT + b"x")
    root = str(tmp_path / "roots" / "tsa-root.pem")
    response = ("-in", str(tmp_path / "response"), "-CAfile", root)

    assert openssl("-verify", "-data", str(tmp_path / "content"), *response)
    assert openssl("-verify", "-queryfile", str(tmp_path / "query"), *response)
    assert not openssl("-verify", "-data", str(tmp_path / "other"), *response)
