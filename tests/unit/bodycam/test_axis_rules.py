import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.errors.axis import AxisMetadataNotValid
from bodycam.rules import axis
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


@pytest.mark.parametrize("name", ["", "a/b", "x" * 257, "a\nb"])
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


def test_a_connection_file_keeps_to_its_limits():
    content = json.loads(
        axis.connection_file(
            site_name="Ә" * 100,
            version="0.1.0",
            addresses=["https://one.example/"],
            certificates=[],
            user_name="u",
            key="k",
        )
    )

    assert content["AuthenticationTokenURI"] == ["https://one.example/axis/auth/v1.0"]
    assert len(content["SiteName"]) == 64
    assert (content["ContainerType"], content["WantEncryption"]) == ("mp4", False)
    assert "PublicKey" not in content


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
