import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from bodycam.errors.axis import AxisConnectionNotValid, AxisMetadataNotValid
from bodycam.rules import axis
from bodycam.rules import axis_connection as connection
from bodycam.rules.axis import ObjectKind

AT = datetime(2019, 1, 1, 9, 9, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "20190101T090909Z",
        "20190101_090909",
        "2019-01-01T09:09:09Z",
        "2019-01-01T15:09:09+06:00",
        "1546333749",
        "1546333749.0",
    ],
)
def test_every_form_of_an_instant_is_read(text):
    assert axis.read_instant(text) == AT


@pytest.mark.parametrize(
    "text", ["", "yesterday", "20191301T090909Z", "2019-01-01T09:09:09", "9" * 30]
)
def test_what_is_no_instant_is_none(text):
    assert axis.read_instant(text) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_an_instant(text):
    found = axis.read_instant(text)

    assert found is None or found.tzinfo is not None


@pytest.mark.parametrize(
    ("name", "metadata", "kind"),
    [
        ("20190101_090909_7CF7.mkv", {}, ObjectKind.CLIP),
        ("20190101_090909_7CF7.MP4", {}, ObjectKind.CLIP),
        ("20190101_090909_7CF7.key", {}, ObjectKind.KEY),
        ("x", {"FileType": "key"}, ObjectKind.KEY),
        ("bookmark_1546333749_1", {}, ObjectKind.BOOKMARK),
        ("20190101_090909_7CF7_S1_gpstrail.json", {}, ObjectKind.TRACK),
        ("folder/bookmark_1546333749_1", {}, ObjectKind.BOOKMARK),
        ("notes.txt", {}, ObjectKind.OTHER),
    ],
)
def test_an_object_is_known_by_its_name(name, metadata, kind):
    assert axis.kind_of(name, metadata) is kind


def test_headers_are_matched_whatever_their_case_and_decoded():
    headers = [
        ("X-Container-Meta-Bwcserialnumber", "ACCC"),
        ("x-object-meta-NAME", "%D2%9A%D0%B0%D0%BD%D0%B0%D1%82"),
        ("X-Container-Meta-Newer-Key", "kept"),
        ("Content-Length", "0"),
    ]

    assert axis.metadata_of(headers) == {
        "BWCSerialNumber": "ACCC",
        "Name": "Қанат",
        "newer-key": "kept",
    }


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Container-Meta-Name", "%ff%fe")],
        [("X-Container-Meta-Name", "x" * 1025)],
        [(f"X-Container-Meta-K{number}", "v") for number in range(65)],
        [("X-Container-Meta-Name", "%00")],
    ],
)
def test_headers_out_of_bounds_are_refused(headers):
    with pytest.raises(AxisMetadataNotValid):
        axis.metadata_of(headers)


@pytest.mark.parametrize("name", ["", "x" * 257, "a\nb"])
def test_names_out_of_bounds_are_refused(name):
    with pytest.raises(AxisMetadataNotValid):
        axis.checked_name(name)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_no_json_breaks_the_reading_of_a_track(content):
    try:
        axis.read_track(json.dumps(content).encode())
    except AxisMetadataNotValid:
        return


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ([("X-Object-Meta-Name", "x" * 1025), ("X-Object-Meta-Status", "s")], {"Status": "s"}),
        ([("X-Object-Meta-Name", "%ff%fe"), ("X-Object-Meta-Status", "s")], {"Status": "s"}),
        ([(f"X-Object-Meta-K{one}", "v") for one in range(100)], 64),
    ],
)
def test_headers_of_rejected_content_are_taken_as_far_as_they_go(names, kept):
    found = axis.metadata_in("RejectedContent_UnknownTime_1", names)

    assert (found if isinstance(kept, dict) else len(found)) == kept
    with pytest.raises(AxisMetadataNotValid):
        axis.metadata_in("u_S_20190101T090909Z", names)


def test_capabilities_are_in_the_form_that_systems_read():
    assert json.loads(axis.capabilities()) == {
        "Read": {"ReadCategories": True},
        "Store": {
            "StoreBookmarks": True,
            "StoreRejectedContent": True,
            "StoreUserIDKey": True,
            "StoreSignedVideo": True,
            "StoreGNSSTrackRecording": True,
        },
        "StoreAndRead": {"StoreReadSystemID": True},
    }


def test_categories_are_names_and_ids():
    content = json.loads(axis.categories())

    assert [sorted(one) for one in content] == [["Id", "Name"]] * 3
    assert [one["Id"] for one in content] == ["crime", "administrative", "other"]


def test_a_track_is_put_in_the_order_of_time():
    entries = [
        {"LocationWKT": "POINT(71.5 51.1)", "SecondsFromStart": 20, "Timestamp": later}
        for later in ("2019-01-01T09:09:29Z", "2019-01-01T09:09:09Z")
    ]

    points = axis.read_track(json.dumps({"CoordinateEntries": entries}).encode())

    assert [one.at.second for one in points] == [9, 29]
    assert (points[0].longitude_e7, points[0].latitude_e7) == (715_000_000, 511_000_000)


def connection_file(**changed):
    told = {
        "site_name": "Ә" * 100,
        "version": "0.1.0",
        "addresses": ["http://one.example/"],
        "certificates": [],
        "user_name": "u",
        "key": "k",
    }
    return connection.connection_file(**told | changed)


def test_a_connection_file_keeps_to_its_limits():
    content = json.loads(connection_file())

    assert content["AuthenticationTokenURI"] == ["http://one.example/axis/auth/v1.0"]
    assert len(content["SiteName"]) == 64
    assert (content["ContainerType"], content["WantEncryption"]) == ("mp4", False)
    assert "PublicKey" not in content
    assert "HTTPSCertificate" not in content


@pytest.mark.parametrize(
    "changed",
    [
        {"addresses": []},
        {"addresses": ["http://one.example"] * 11},
        {"addresses": ["http://" + "x" * 500]},
        {"addresses": ["https://one.example"]},
        {"certificates": ["x" * 16_000] * 5},
    ],
    ids=["no address", "too many", "too long", "https without a certificate", "over 64 kB"],
)
def test_a_connection_file_that_no_system_would_take_is_not_made(changed):
    with pytest.raises(AxisConnectionNotValid):
        connection_file(**changed)


def certificate(*, days=1, bits=256):
    key = ec.generate_private_key(ec.SECP521R1() if bits == 521 else ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "saqshy.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(AT - timedelta(days=1))
        .not_valid_after(AT + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_a_certificate_is_carried_as_base64_of_its_pem():
    pem = certificate(bits=521)

    text = connection.certificate_text(pem, now=AT)

    assert base64.b64decode(text).decode() == pem
    content = json.loads(connection_file(addresses=["https://one.example"], certificates=[text]))
    assert content["HTTPSCertificate"] == [text]


@pytest.mark.parametrize(
    ("pem", "at"),
    [
        ("no certificate", AT),
        (certificate(), AT + timedelta(days=2)),
        (certificate(), AT - timedelta(days=2)),
        (certificate() + "\n" * 16_000, AT),
    ],
    ids=["none", "over", "not yet", "too long"],
)
def test_a_certificate_that_a_system_would_refuse_is_refused(pem, at):
    with pytest.raises(AxisConnectionNotValid):
        connection.certificate_text(pem, now=at)


@pytest.mark.parametrize(
    ("container", "serial"),
    [
        ("u-1_ACCC8E000001_20261120T030000Z", "ACCC8E000001"),
        ("u_1_ACCC8E000001_20190101_090909", "ACCC8E000001"),
        ("RejectedContent_20261120T030000Z_5a0c", ""),
        ("ACCC8E000001", ""),
        ("", ""),
    ],
)
def test_a_container_s_name_holds_the_camera_s_serial_number(container, serial):
    assert axis.serial_in_name(container) == serial


@pytest.mark.parametrize(
    ("camera_known", "time_known", "because"),
    [
        (False, False, "no_camera"),
        (False, True, "no_camera"),
        (True, False, "no_time"),
        (True, True, "not_read"),
    ],
)
def test_a_clip_that_had_its_turn_waits_for_what_is_missing_first(
    camera_known, time_known, because
):
    found = axis.waits_because(camera_known=camera_known, time_known=time_known)

    assert found.value == because
