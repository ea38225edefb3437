from datetime import UTC, datetime

import pytest

from app.web.complaint_form import FIELD_LABELS, ComplaintForm, read_form
from bodycam.rules.life_cycle import ComplaintKind

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
GOOD = {
    "kind": "appeal",
    "place": "Алматы, Абай даңғылы",
    "latitude": "43,2403",
    "longitude": " 76.9250 ",
    "radius": "150",
    "seen_from": "2026-11-20T14:00",
    "seen_to": "2026-11-20T14:40",
    "complainant_name": "Қожахметова Һүснә",
    "complainant_contact": "+7 701 000 00 02",
    "text": "Дөрекі сөйледі.",
}


def read(**changed):
    return read_form(ComplaintForm(**(GOOD | changed)), now=NOW)


def test_a_good_form_is_a_complaint_in_universal_time():
    complaint = read().complaint

    assert complaint.kind is ComplaintKind.APPEAL
    assert (complaint.latitude, complaint.longitude) == (43.2403, 76.9250)
    assert complaint.radius_meters == 150
    assert complaint.seen_from == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert complaint.seen_to == datetime(2026, 11, 20, 9, 40, tzinfo=UTC)


def test_an_hour_that_the_clocks_showed_twice_is_searched_whole():
    complaint = read(seen_from="2024-02-29T23:30", seen_to="2024-02-29T23:45").complaint

    assert complaint.seen_from == datetime(2024, 2, 29, 17, 30, tzinfo=UTC)
    assert complaint.seen_to == datetime(2024, 2, 29, 18, 45, tzinfo=UTC)


@pytest.mark.parametrize("name", [name for name in FIELD_LABELS if name != "kind"])
def test_each_missing_field_is_named(name):
    found = read(**{name: "  "})

    assert list(found.errors) == [name]
    assert found.complaint is None


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("kind", "praise"),
        ("place", "a" * 201),
        ("text", "a" * 8001),
        ("latitude", "90.1"),
        ("latitude", "north"),
        ("latitude", "nan"),
        ("longitude", "-180.5"),
        ("longitude", "inf"),
        ("radius", "0"),
        ("radius", "5001"),
        ("radius", "1.5"),
        ("radius", "٥"),
        ("radius", "9" * 5000),
        ("seen_from", "yesterday"),
        ("seen_from", "0026-11-20T14:00"),
        ("seen_from", "2026-11-20T14:00+05:00"),
        ("seen_from", "2026-11-23T14:00"),
        ("seen_to", "2026-11-20T14:00"),
        ("seen_to", "2026-11-27T14:01"),
        ("seen_to", "9999-12-31T23:59"),
    ],
)
def test_a_wrong_field_is_named_and_no_other(name, typed):
    found = read(**{name: typed})

    assert list(found.errors) == [name]


def test_errors_stand_in_the_order_of_the_page():
    found = read_form(ComplaintForm(kind="praise"), now=NOW)

    assert list(found.errors) == [name for name in FIELD_LABELS if name != "radius"]


def test_the_longest_texts_allowed_are_taken():
    found = read(place="Ғ" * 200, text="Ғ" * 8000, radius="5000", seen_to="2026-11-27T14:00")

    assert found.errors == {}
