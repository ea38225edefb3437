import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from app.audit.errors import EventNotWritable
from app.audit.rules.leaf import Actor, commitment, leaf_bytes, subject_index

KEY = b"s" * 32
IIN = "900315300125"
EVENT = {
    "event_id": UUID(int=1),
    "event": "exchange.request_decided",
    "at": datetime(2026, 11, 22, 1, 2, 3, 4, tzinfo=UTC),
    "actor": Actor(person_id=UUID(int=2), role="patrol_officer"),
    "subject": None,
    "never": None,
    "fields": {},
}


def leaf_with(**changed):
    return leaf_bytes(**(EVENT | changed))


def test_a_leaf_has_these_very_bytes():
    assert leaf_with(fields={"ә": 1, "a": [True, None, "x"]}).decode() == (
        '{"at":"2026-11-22T01:02:03.000004Z","at_law":"2026-11-22T06:02:03.000+05:00",'
        '"department":null,"device":null,"event":"exchange.request_decided",'
        '"fields":{"a":[true,null,"x"],"ә":1},"id":"00000000-0000-0000-0000-000000000001",'
        '"person":"00000000-0000-0000-0000-000000000002","post":null,"role":"patrol_officer",'
        '"subject":null,"v":1}'
    )


def test_the_same_event_gives_the_same_bytes_in_any_order_and_zone():
    elsewhere = EVENT["at"].astimezone(timezone(timedelta(hours=9)))

    assert leaf_with(at=elsewhere, fields={"b": 1, "a": 2}) == leaf_with(fields={"a": 2, "b": 1})


def test_a_leaf_is_one_line():
    assert b"\n" not in leaf_with(fields={"text": "two\nlines"})


@pytest.mark.parametrize(
    "changed",
    [
        {"event": "no_slice"},
        {"event": "Exchange.decided"},
        {"event": "a.b.c"},
        {"at": EVENT["at"].replace(tzinfo=None)},
        {"fields": {"x": float("nan")}},
        {"fields": {"x": float("inf")}},
        {"fields": {"x": 2**53}},
        {"fields": {"x": b"bytes"}},
        {"fields": {"x": EVENT["at"]}},
        {"fields": {1: "number as a name"}},
        {"fields": {"x": "\ud800"}},
        {"fields": {"x": "y" * 70_000}},
        {"never": IIN, "fields": {"note": f"asked about {IIN}"}},
    ],
    ids=range(13),
)
def test_what_cannot_or_must_not_stand_in_a_leaf_is_refused(changed):
    with pytest.raises(EventNotWritable):
        leaf_with(**changed)


def test_a_commitment_opens_with_its_own_salt_and_key_only():
    made = commitment(subject_key=KEY, salt=b"a" * 16, iin=IIN)

    assert made == commitment(subject_key=KEY, salt=b"a" * 16, iin=IIN)
    assert made != commitment(subject_key=KEY, salt=b"b" * 16, iin=IIN)
    assert made != commitment(subject_key=b"t" * 32, salt=b"a" * 16, iin=IIN)
    assert made != commitment(subject_key=KEY, salt=b"a" * 16, iin="900315300126")


def test_the_search_key_of_a_person_is_no_commitment_of_any_salt():
    index = subject_index(subject_key=KEY, iin=IIN)

    assert index.hex() != commitment(subject_key=KEY, salt=b"", iin=IIN)
    assert json.loads(leaf_with(subject="0" * 64))["subject"] == "0" * 64
