import gzip
from datetime import timedelta
from uuid import uuid4

import pytest

from bodycam.storage.envelope import CHUNK_BYTES, TABLE_BYTES, table_offset
from sim.district import OFFICER, STAFF, STRANGER
from sim.player import parse_playlist
from tests import factories_bodycam as bodycam
from tests.factories_identity import signed_in, staff_entry, trust_the_authority
from tests.factories_store import stored_file


@pytest.fixture
async def recorded(client, yard):
    recorded = yard.record()
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


@pytest.fixture
def footage(recorded):
    return (recorded.folder / "recording.mp4").read_bytes()


def content_path(recorded):
    return f"/api/recordings/{recorded.recording_id}/content"


def playlist_path(recorded):
    return f"/api/recordings/{recorded.recording_id}/playlist.m3u8"


async def test_a_reviewer_reads_what_is_known(client, recorded, reviewer, yard):
    answer = await client.get(f"/api/recordings/{recorded.recording_id}", headers=reviewer)

    body = answer.json()
    assert body["status"] == "reviewable"
    assert body["playable"] is True
    assert body["post_id"] == str(yard.post_id)
    assert body["damage"] == []
    assert body["merkle_root"] == recorded.manifest.merkle_root
    assert abs(body["duration_ms"] - bodycam.SECONDS * 1000) < 200


async def test_the_whole_is_given_without_a_range(client, recorded, reviewer, footage):
    answer = await client.get(content_path(recorded), headers=reviewer)

    assert answer.status_code == 200
    assert answer.content == footage
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Type"] == "video/mp4"


async def test_changed_bytes_are_refused_and_what_lies_beside_them_is_given(
    client, recorded, reviewer, footage, settings
):
    file = stored_file(settings, f"recordings/{recorded.recording_id}")
    changed = 5 * CHUNK_BYTES + 77
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.seek(table_offset(0) + TABLE_BYTES + changed)
        opened.write(bytes([255 - footage[changed]] * 3))

    ranges = [f"bytes={changed}-{changed + 9}", f"bytes=0-{5 * CHUNK_BYTES - 1}"]
    refused, given = [
        await client.get(content_path(recorded), headers={**reviewer, "Range": one})
        for one in ranges
    ]

    assert (refused.status_code, refused.json()["code"]) == (503, "bodycam.object_damaged")
    assert refused.json()["blocks"] == [0]
    assert given.content == footage[: 5 * CHUNK_BYTES]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, -1),
        ("bytes=-1", -1, -1),
        ("bytes=-500", -500, -1),
        ("bytes=-999999999999", 0, -1),
        ("bytes=5-999999999999", 5, -1),
        ("BYTES=1-2", 1, 2),
        ("bytes= 1-2 ", 1, 2),
    ],
)
async def test_a_single_range_is_given(client, recorded, reviewer, footage, asked, first, last):
    size = len(footage)
    first, last = first % size, last % size

    answer = await client.get(content_path(recorded), headers={**reviewer, "Range": asked})

    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.content == footage[first : last + 1]


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=5-4", "bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes 0-1", ""],
)
async def test_a_range_that_we_do_not_serve_gives_the_whole(
    client, recorded, reviewer, footage, asked
):
    answer = await client.get(content_path(recorded), headers={**reviewer, "Range": asked})

    assert answer.status_code == 200
    assert len(answer.content) == len(footage)


@pytest.mark.parametrize("asked", ["bytes={size}-", "bytes={size}-{size}", "bytes=-0"])
async def test_a_range_outside_is_not_satisfiable(client, recorded, reviewer, footage, asked):
    headers = {**reviewer, "Range": asked.format(size=len(footage))}

    answer = await client.get(content_path(recorded), headers=headers)

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(footage)}"
    assert answer.content == b""


async def test_a_range_of_another_representation_gives_the_whole(client, recorded, reviewer):
    headers = {**reviewer, "Range": "bytes=0-1"}
    etag = (await client.get(content_path(recorded), headers=headers)).headers["ETag"]

    same = await client.get(content_path(recorded), headers={**headers, "If-Range": etag})
    other = await client.get(content_path(recorded), headers={**headers, "If-Range": '"x"'})

    assert (same.status_code, other.status_code) == (206, 200)


async def test_head_tells_the_size_and_sends_nothing(client, recorded, reviewer, footage):
    answer = await client.head(content_path(recorded), headers={**reviewer, "Range": "bytes=0-1"})

    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(len(footage))
    assert answer.content == b""


async def test_the_playlist_covers_every_fragment_of_the_stored_file(
    client, recorded, reviewer, footage
):
    answer = await client.get(playlist_path(recorded), headers=reviewer)

    header, segments = parse_playlist(answer.text, base=playlist_path(recorded))
    assert answer.headers["Content-Type"].startswith("application/vnd.apple.mpegurl")
    assert header.offset == 0
    assert footage[header.length + 4 : header.length + 8] == b"moof"
    assert [one.offset for one in segments[1:]] == [
        one.offset + one.length for one in segments[:-1]
    ]
    assert {one.uri for one in segments} == {content_path(recorded)}
    assert abs(segments[-1].begins + segments[-1].lasts - bodycam.SECONDS) < 0.2


async def test_the_playlist_is_compressed_for_who_takes_it(client, recorded, reviewer):
    async with client.stream("GET", playlist_path(recorded), headers=reviewer) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(raw).startswith(b"#EXTM3U")


async def test_the_playlist_is_plain_for_who_does_not(client, recorded, reviewer):
    headers = {**reviewer, "Accept-Encoding": "identity"}

    answer = await client.get(playlist_path(recorded), headers=headers)

    assert "Content-Encoding" not in answer.headers
    assert answer.text.startswith("#EXTM3U")


async def test_each_opening_is_on_the_log_and_no_range_is(client, recorded, reviewer, yard):
    await client.get(playlist_path(recorded), headers=reviewer)
    for start in (0, 10, 20):
        await client.get(
            content_path(recorded), headers={**reviewer, "Range": f"bytes={start}-{start + 5}"}
        )
    await client.get(playlist_path(recorded), headers=reviewer)

    viewed = await bodycam.events(yard.sessions, "bodycam.recording_viewed")
    assert (
        viewed
        == [
            {
                "recording_id": str(recorded.recording_id),
                "subject_post_id": str(yard.post_id),
                "complaint_id": None,
            }
        ]
        * 2
    )


PATHS = (
    "/api/recordings/{}",
    "/api/recordings/{}/playlist.m3u8",
    "/api/recordings/{}/content",
)


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_and_other_roles_are_not_admitted(client, recorded, path):
    officer = await signed_in(client, OFFICER)
    path = path.format(recorded.recording_id)

    nobody = await client.get(path)
    other = await client.get(path, headers=officer)

    assert (nobody.status_code, other.status_code) == (401, 403)


@pytest.mark.parametrize("path", PATHS)
async def test_another_department_s_recording_does_not_exist(
    client, sessions, settings, tmp_path, path
):
    trust_the_authority(settings)
    entries = [
        staff_entry(one, role="complaints_reviewer") if one is STRANGER else staff_entry(one)
        for one in STAFF
    ]
    yard = await bodycam.yard(sessions, tmp_path, staff=tuple(entries))
    recorded = yard.record()
    await bodycam.dock_whole(client, recorded, yard.dock)
    stranger = await signed_in(client, STRANGER)

    theirs = await client.get(path.format(recorded.recording_id), headers=stranger)
    absent = await client.get(path.format(uuid4()), headers=stranger)

    assert (theirs.status_code, absent.status_code) == (404, 404)
    assert theirs.json()["code"] == absent.json()["code"] == "bodycam.recording_not_found"
    assert await bodycam.events(yard.sessions, "bodycam.recording_viewed") == []


async def test_a_recording_that_is_not_stored_yet_does_not_play(client, yard, reviewer):
    recorded = yard.record()
    await bodycam.announce(client, recorded, yard.dock)

    answers = [
        await client.get(playlist_path(recorded), headers=reviewer),
        await client.get(content_path(recorded), headers=reviewer),
    ]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert {answer.json()["code"] for answer in answers} == {"bodycam.not_playable"}


async def test_the_program_s_time_is_true_time(client, yard, reviewer):
    yard.camera.clock_drift_ms = 90_000  # a minute and a half fast
    recorded = yard.record()
    await bodycam.dock_whole(client, recorded, yard.dock)

    facts = (await client.get(f"/api/recordings/{recorded.recording_id}", headers=reviewer)).json()
    playlist = (await client.get(playlist_path(recorded), headers=reviewer)).text

    assert recorded.manifest.started_at == bodycam.STARTED_AT + timedelta(seconds=90)
    assert facts["started_at"].startswith("2026-11-20T03:00:00")
    assert "#EXT-X-PROGRAM-DATE-TIME:2026-11-20T03:00:00.000Z" in playlist
