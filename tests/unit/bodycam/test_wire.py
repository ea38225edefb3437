import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bodycam.wire.canonical import NotCanonical, canonical_json
from bodycam.wire.digests import (
    BLOCK_SIZE_BYTES,
    block_count,
    block_size,
    content_digest,
    merkle_root,
    read_content_digest,
)
from bodycam.wire.manifest import Manifest, Receipt, TrackPoint

START = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ID = UUID("11111111-2222-4333-8444-555555555555")
EMPTY = hashlib.sha256(b"").hexdigest()


def manifest(**changed):
    values = {
        "recording_id": ID,
        "camera_id": ID,
        "started_at": START,
        "ended_at": START + timedelta(hours=8),
        "size_bytes": BLOCK_SIZE_BYTES + 1,
        "blocks": ("00" * 32, "11" * 32),
        "merkle_root": "22" * 32,
        "clock_drift_ms": -15,
        "battery_percent": 31,
        "track": (TrackPoint(at=START, latitude_e7=432_403_000, longitude_e7=769_250_000),),
        "previous_manifest_sha256": None,
    }
    return Manifest(**(values | changed))


names = st.text(st.characters(max_codepoint=127), max_size=8)
integers = st.integers(-(2**53) + 1, 2**53 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(names, values, max_size=5))
def test_the_canonical_form_is_that_of_rfc_8785(value):
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value", [{"a": 0.5}, {"a": 2**53}, {"ә": 1}, {"a": b"x"}, {"a": [{"b": {1}}]}, {"a": "\ud800"}]
)
def test_what_has_no_single_form_is_refused(value):
    with pytest.raises(NotCanonical):
        canonical_json(value)


def test_what_is_signed_is_these_bytes():
    small = manifest(size_bytes=0, blocks=(), merkle_root=EMPTY)

    assert small.signed_bytes() == (
        b"saqshy/camera-manifest/v1\n"
        b'{"battery_percent":31,"block_size_bytes":8388608,"blocks":[],'
        b'"camera_id":"11111111-2222-4333-8444-555555555555","clock_drift_ms":-15,'
        b'"ended_at":"2026-11-20T11:00:00.000Z","merkle_root":"' + EMPTY.encode() + b'",'
        b'"previous_manifest_sha256":null,'
        b'"recording_id":"11111111-2222-4333-8444-555555555555","size_bytes":0,'
        b'"started_at":"2026-11-20T03:00:00.000Z",'
        b'"track":[{"at":"2026-11-20T03:00:00.000Z","latitude_e7":432403000,'
        b'"longitude_e7":769250000}],"version":1}'
    )


def test_a_receipt_is_signed_as_these_bytes():
    receipt = Receipt(recording_id=ID, merkle_root=EMPTY, size_bytes=5, stored_at=START, whole=True)

    assert receipt.signed_bytes() == (
        b'saqshy/storage-receipt/v1\n{"merkle_root":"' + EMPTY.encode() + b'",'
        b'"recording_id":"11111111-2222-4333-8444-555555555555","size_bytes":5,'
        b'"stored_at":"2026-11-20T03:00:00.000Z","version":1,"whole":true}'
    )


def test_reading_and_writing_keeps_the_signed_bytes():
    first = manifest()

    second = Manifest.model_validate_json(first.canonical())

    assert second == first
    assert second.signed_bytes() == first.signed_bytes()


def test_an_instant_of_another_zone_is_signed_in_utc():
    almaty = timezone(timedelta(hours=5))

    other = manifest(started_at=START.astimezone(almaty))

    assert other.signed_bytes() == manifest().signed_bytes()


@pytest.mark.parametrize(
    "changed",
    [
        {"blocks": ("00" * 32,)},
        {"blocks": ("00" * 32,) * 3},
        {"blocks": ("0g" * 32, "00" * 32)},
        {"ended_at": START},
        {"ended_at": START + timedelta(hours=27)},
        {"started_at": START.replace(tzinfo=None)},
        {"battery_percent": 101},
        {"size_bytes": -1},
        {"block_size_bytes": 1024},
        {"version": 3},
        {"note": "unknown field"},
        {"track": (TrackPoint(at=START - timedelta(seconds=1), latitude_e7=0, longitude_e7=0),)},
        {"track": (TrackPoint(at=START, latitude_e7=0, longitude_e7=0),) * 2},
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(changed):
    with pytest.raises(ValidationError):
        manifest(**changed)


@pytest.mark.parametrize(
    ("size", "count", "last"),
    [
        (0, 0, None),
        (1, 1, 1),
        (BLOCK_SIZE_BYTES, 1, BLOCK_SIZE_BYTES),
        (BLOCK_SIZE_BYTES + 1, 2, 1),
        (2 * BLOCK_SIZE_BYTES, 2, BLOCK_SIZE_BYTES),
    ],
)
def test_blocks_cover_the_size_exactly(size, count, last):
    sizes = [block_size(number=number, size_bytes=size) for number in range(block_count(size))]

    assert len(sizes) == count
    assert sum(sizes) == size
    assert sizes[-1:] == ([] if last is None else [last])


@pytest.mark.parametrize("number", [-1, 2])
def test_a_block_outside_has_no_size(number):
    with pytest.raises(ValueError, match="no block"):
        block_size(number=number, size_bytes=BLOCK_SIZE_BYTES + 1)


def tree_hash(digests):
    """Return the hash of RFC 6962 section 2.1, written as the RFC states it."""
    if len(digests) == 1:
        return hashlib.sha256(b"\x00" + digests[0]).digest()
    split = 1
    while split * 2 < len(digests):
        split *= 2
    joined = tree_hash(digests[:split]) + tree_hash(digests[split:])
    return hashlib.sha256(b"\x01" + joined).digest()


@pytest.mark.parametrize("count", [*range(1, 40), 64, 100, 1000])
def test_the_root_is_the_tree_hash_of_rfc_6962(count):
    digests = [hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(count)]

    assert merkle_root(digests) == tree_hash(digests)


def test_the_root_of_nothing_is_the_digest_of_nothing():
    assert merkle_root([]).hex() == EMPTY


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (content_digest(b"\x01" * 32), b"\x01" * 32),
        ("md5=:AAAA:, " + content_digest(b"\x02" * 32), b"\x02" * 32),
        ("", None),
        ("sha-256=abc", None),
        ("sha-256=:AAAA:", None),
        ("sha-512=:" + "A" * 86 + "==:", None),
    ],
)
def test_the_content_digest_header_is_read(header, expected):
    assert read_content_digest(header) == expected


def test_the_manifest_file_is_plain_json():
    assert json.loads(manifest().canonical())["block_size_bytes"] == BLOCK_SIZE_BYTES
