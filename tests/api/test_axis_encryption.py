"""Clips and tracks that a body-worn system has encrypted, over HTTP; OpenSSL plays the system."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from app.access import DeviceKind
from app.db import transaction
from bodycam.media import make_sandbox
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisKeyRow
from bodycam.repository import findings
from bodycam.rules.signed_video.trust import Anchors
from bodycam.service import Docking
from bodycam.service.axis import take_in_waiting
from bodycam.service.axis_keys import ClearObjects, ClipCiphers
from bodycam.service.examining import Examining, examine_recording
from sim.district import KEEPER, LATITUDE, LONGITUDE, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_axis import (
    CLIP,
    CLIP_META,
    CONTAINER,
    KEY,
    META,
    TRACK,
    System,
    encrypted,
    key_object,
)
from tests.factories_identity import signed_in
from tests.factories_store import stored_bytes

CONTENT_KEY, IV = bytes(range(32)), bytes(range(50, 66))
SEALED_WITH = {"key": CONTENT_KEY, "iv": IV}


@pytest.fixture
async def reviewer(client, yard):  # noqa: ARG001 - the staff
    return await signed_in(client, REVIEWER)


@pytest.fixture
async def told(client, yard):
    """The connection file of a system that is to encrypt."""
    return await connection_file(client, yard.dock_id, encrypt=True)


async def connection_file(client, dock_id, **more):
    keeper = await signed_in(client, KEEPER)
    body = {"device_id": str(dock_id), "site_name": "Алматы", **more}
    answer = await client.post("/api/axis/connection-file", json=body, headers=keeper)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def system(client, told):
    credential = f"{told['BlobAPIUserName']}.{told['BlobAPIKey']}"
    system = await System.signed_in(client, {"Device-Credential": credential})
    assert (await system.ask("PUT", CONTAINER, headers=META)).status_code == 201
    return system


@pytest.fixture
def key_of(told, tmp_path):
    def made(**changed):
        pem = base64.b64decode(changed.pop("public_key", told["PublicKey"]))
        more = {"public_key_id": told["PublicKeyId"], **SEALED_WITH, **changed}
        return key_object(pem, tmp_path, **more)

    return made


@pytest.fixture
def docking(parts):
    return Docking(
        sessions=parts.sessions,
        store=parts.store,
        trail=parts.trail,
        recording_bytes_max=1 << 30,
        ciphers=ClipCiphers(sessions=parts.sessions, vault=parts.keys.vault),
    )


async def put(system, name, content, *, headers=None):
    answer = await system.ask("PUT", f"{CONTAINER}/{name}", content=content, headers=headers)
    assert answer.status_code == 201, answer.text


async def put_clip(system, clear, **sealed_with):
    sealed = encrypted(clear, **(SEALED_WITH | sealed_with))
    await put(system, CLIP, sealed, headers=CLIP_META)
    return sealed


async def the_recording(sessions):
    async with transaction(sessions) as session:
        (row,) = (await session.scalars(sa.select(RecordingRow))).all()
    return row


async def content(client, row, headers, *, span=None, form="shown"):
    asked = headers | ({} if span is None else {"Range": f"bytes={span[0]}-{span[1]}"})
    path = f"/api/recordings/{row.id}/content"
    return await client.get(path, headers=asked, params={"form": form})


async def test_a_connection_file_that_encrypts_carries_a_key_and_never_takes_it_back(
    client, yard, told
):
    later = await connection_file(client, yard.dock_id, encrypt=False)

    assert told["WantEncryption"] is True
    assert base64.b64decode(told["PublicKey"]).startswith(b"-----BEGIN PUBLIC KEY-----")
    assert len(told["PublicKey"]) <= 2048
    assert len(told["PublicKeyId"]) <= 128
    assert later["WantEncryption"] is True
    assert later["PublicKeyId"] == told["PublicKeyId"]


async def test_a_connection_file_without_encryption_carries_no_key(client, yard):
    told = await connection_file(client, yard.dock_id)

    assert told["WantEncryption"] is False
    assert "PublicKey" not in told
    assert "PublicKeyId" not in told


async def test_a_private_key_stands_nowhere_in_clear(sessions, told):
    async with transaction(sessions) as session:
        row = await session.scalar(sa.select(AxisKeyRow))

    assert str(row.id) == told["PublicKeyId"]
    assert b"PRIVATE" not in row.sealed_private
    assert not row.sealed_private[12:].startswith(b"\x30\x82")  # DER


@pytest.mark.parametrize("key_first", [True, False])
async def test_an_encrypted_clip_plays_and_its_original_stays(
    client, system, sessions, settings, reviewer, key_of, key_first
):
    clear = bodycam.footage().read_bytes()
    if key_first:
        await put(system, KEY, key_of())
    sealed = await put_clip(system, clear)
    if not key_first:
        assert (await the_recording(sessions)).quarantine_reason.startswith("the key of")
        await put(system, KEY, key_of())

    row = await the_recording(sessions)
    whole = await content(client, row, reviewer)
    original = await content(client, row, reviewer, form="original")
    playlist = await client.get(f"/api/recordings/{row.id}/playlist.m3u8", headers=reviewer)
    assert row.status.value == "reviewable"
    assert (row.found_bytes, row.clear_bytes) == (len(sealed), len(clear))
    assert stored_bytes(settings, row.object_key) == sealed
    assert whole.content == clear
    assert original.content == sealed
    assert whole.headers["ETag"] != original.headers["ETag"]
    assert playlist.status_code == 200
    assert len(await bodycam.events(sessions, "bodycam.clip_opened")) == 1


async def test_a_clip_that_waits_is_opened_by_a_key_that_comes_with_it_again(
    client, system, sessions, reviewer, key_of
):
    clear = bodycam.footage().read_bytes()
    sealed = await put_clip(system, clear)
    rejected = "RejectedContent_UnknownTime_5a0c"
    meta = {"X-Container-Meta-Rejectedcontentoriginalcontainer": CONTAINER}
    await system.ask("PUT", rejected, headers=meta)
    await system.ask("PUT", f"{rejected}/again.mp4", content=sealed)

    await system.ask("PUT", f"{rejected}/again.key", content=key_of())

    row = await the_recording(sessions)
    assert row.status.value == "reviewable"
    assert (await content(client, row, reviewer)).content == clear


async def test_ranges_of_an_encrypted_clip_are_those_of_the_clear_one(
    client, system, sessions, reviewer, key_of
):
    clear = bodycam.footage().read_bytes()
    await put(system, KEY, key_of())
    await put_clip(system, clear)
    row = await the_recording(sessions)
    size = len(clear)
    starts = [0, 1, 15, 16, 17, (1 << 20) - 1, (1 << 20) + 3, size - 17, size - 1]
    lengths = [1, 15, 16, 17, 33, (1 << 20) + 7]

    for start in (one for one in starts if 0 <= one < size):
        for length in lengths:
            answer = await content(client, row, reviewer, span=(start, start + length - 1))
            assert answer.status_code == 206
            assert answer.content == clear[start : start + length], (start, length)


@pytest.mark.parametrize("wrong", ["key", "iv", "wrapped", "cut", "garbage"])
async def test_a_key_that_does_not_fit_is_a_finding_until_the_right_one_comes(
    system, sessions, key_of, wrong
):
    clear = bodycam.footage().read_bytes()
    objects = {
        "key": lambda: key_of(key=bytes(32)),
        "iv": lambda: key_of(iv=bytes(16)),
        "wrapped": lambda: key_of().replace(b'"EncryptedKey": "', b'"EncryptedKey": "AAAA'),
        "garbage": lambda: b"no key object",
        "cut": key_of,
    }
    await put(system, KEY, objects[wrong]())
    sealed = encrypted(clear, **SEALED_WITH)
    await put(system, CLIP, sealed[:-5] if wrong == "cut" else sealed, headers=CLIP_META)

    before = await the_recording(sessions)
    await put(system, KEY, key_of())
    after = await the_recording(sessions)

    assert before.status.value == "quarantined"
    assert before.quarantine_reason == "the key does not open the encrypted recording"
    assert after.status.value == ("quarantined" if wrong == "cut" else "reviewable")


async def test_a_key_that_came_while_nobody_looked_is_found_by_the_job(
    system, sessions, docking, key_of
):
    await put_clip(system, bodycam.footage().read_bytes())
    other = "RejectedContent_UnknownTime_5a0c"  # files of a recording may be spread
    await system.ask("PUT", other, headers=META)
    await system.ask("PUT", f"{other}/{KEY}", content=key_of())
    row = await the_recording(sessions)
    assert row.status.value == "reviewable"
    async with transaction(sessions) as session:  # as if both had come at the same instant
        await session.execute(sa.text("DELETE FROM clip_keys"))
        await session.execute(sa.text("DELETE FROM recording_indexes"))
        await session.execute(
            sa.update(RecordingRow).values(
                status="quarantined",
                clear_bytes=None,
                quarantine_reason="the key of the encrypted recording has not come yet",
            )
        )

    await take_in_waiting(docking, now=datetime.now(UTC))

    assert (await the_recording(sessions)).status.value == "reviewable"


async def test_after_a_new_key_was_made_the_old_ones_still_open(
    client, yard, system, sessions, key_of
):
    keeper = await signed_in(client, KEEPER)
    made = await client.post("/api/axis/keys", headers=keeper)
    later = await connection_file(client, yard.dock_id)
    credential = f"{later['BlobAPIUserName']}.{later['BlobAPIKey']}"
    system = await System.signed_in(client, {"Device-Credential": credential})

    await put(system, KEY, key_of())  # under the first key
    await put_clip(system, bodycam.footage().read_bytes())

    assert made.status_code == 201
    assert later["PublicKeyId"] == made.json()["key_id"]
    assert (await the_recording(sessions)).status.value == "reviewable"


async def test_a_key_object_that_names_no_key_is_tried_under_each(system, sessions, key_of):
    await put(system, KEY, key_of(public_key_id=""))
    await put_clip(system, bodycam.footage().read_bytes())

    assert (await the_recording(sessions)).status.value == "reviewable"


async def test_another_unit_s_key_opens_nothing(sessions, system, key_of):
    await put(system, KEY, key_of())
    async with transaction(sessions) as session:
        other = await session.scalar(
            sa.text("SELECT id FROM departments WHERE id <> (SELECT department_id FROM axis_keys)")
        )
        if other is None:
            other = await session.scalar(
                sa.text(
                    "INSERT INTO departments SELECT (jsonb_populate_record(d, "
                    "jsonb_build_object('id', gen_random_uuid(), 'bin', '000000000001'))).* "
                    "FROM departments d LIMIT 1 RETURNING id"
                )
            )
        await session.execute(sa.update(AxisKeyRow).values(department_id=other))
    await put_clip(system, bodycam.footage().read_bytes())

    assert (await the_recording(sessions)).status.value == "quarantined"


async def test_a_clip_that_is_not_encrypted_plays_also_where_encryption_was_wanted(
    system, sessions
):
    await put(system, CLIP, bodycam.footage().read_bytes(), headers=CLIP_META)

    row = await the_recording(sessions)
    assert (row.status.value, row.clear_bytes) == ("reviewable", None)


@pytest.mark.parametrize("key_first", [True, False])
async def test_an_encrypted_track_makes_the_recording_found_by_place(
    system, yard, docking, key_of, key_first
):
    point = {
        "LocationWKT": f"POINT({LONGITUDE} {LATITUDE})",
        "SecondsFromStart": 10.0,
        "Timestamp": "2026-11-20T03:00:10Z",
    }
    track = encrypted(json.dumps({"CoordinateEntries": [point]}).encode(), **SEALED_WITH)
    order = [(KEY, key_of()), (TRACK, track)]
    await put_clip(system, bodycam.footage().read_bytes())
    for name, body in order if key_first else reversed(order):
        await put(system, name, body)
    await take_in_waiting(docking, now=datetime.now(UTC))

    found = await bodycam.complain(yard)

    assert len(found.recordings) == 1


async def test_what_is_made_of_an_encrypted_clip_is_made_of_what_it_shows(
    parts, system, sessions, docking, key_of
):
    await put(system, KEY, key_of())
    await put_clip(system, bodycam.footage().read_bytes())
    row = await the_recording(sessions)
    examining = Examining(
        sessions=sessions,
        store=ClearObjects(parts.store, docking.ciphers),
        trail=parts.trail,
        sandbox=make_sandbox(parts.settings.media_sandbox),
        anchors=Anchors(),
    )

    await examine_recording(examining, recording_id=row.id)

    async with transaction(sessions) as session:
        found = await findings.findings_of(session, row.id)
        sheets = await findings.sheets_of(session, row.id)
    assert {kind.value: one.outcome.value for kind, one in found.items()} == {
        "signed_video": "done",
        "decoding": "done",
        "loudness": "done",
    }
    assert sheets


async def test_another_dock_is_told_to_encrypt_by_itself(client, sessions, told):
    keeper = await bodycam.principal_of(sessions, KEEPER)
    dock_id, _ = await bodycam.register(sessions, keeper, DeviceKind.DOCK)

    other = await connection_file(client, dock_id)
    same_key = await connection_file(client, dock_id, encrypt=True)

    assert other["WantEncryption"] is False
    assert same_key["PublicKeyId"] == told["PublicKeyId"]


async def test_the_bytes_that_came_are_those_of_the_manifest(system, sessions, key_of):
    await put(system, KEY, key_of())
    sealed = await put_clip(system, bodycam.footage().read_bytes())

    async with transaction(sessions) as session:
        digests = await session.scalar(sa.select(RecordingRow.block_digests))
    assert digests[:32] == hashlib.sha256(sealed[: 8 << 20]).digest()
