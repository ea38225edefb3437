import hashlib
from datetime import timedelta

import pytest

from app.settings import SandboxKind
from bodycam.media import Sandbox
from bodycam.rules.derived import FindingKind, FindingOutcome
from bodycam.rules.signed_video.trust import read_anchors
from sim.signed_video import write_mp4
from tests import factories_bodycam as bodycam
from tests.factories_media import pictures_in, plain_footage
from tests.factories_video import authority, pem, signed, with_byte_changed


async def docked(client, yard, path, **more):
    recorded = yard.record(footage_file=path, **more)
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


def at(recorded, rest=""):
    return f"/api/recordings/{recorded.recording_id}{rest}"


async def test_storing_a_recording_asks_for_its_examination(client, yard, sessions):
    import sqlalchemy as sa

    recorded = await docked(client, yard, bodycam.footage())

    async with sessions() as session:
        jobs = await session.execute(
            sa.text(
                "SELECT args->>'recording_id' FROM procrastinate_jobs"
                " WHERE task_name = 'bodycam.examine'"
            )
        )
        assert jobs.scalars().all() == [str(recorded.recording_id)]


async def test_small_pictures_stand_along_the_time_line(client, yard, reviewer, examine):
    recorded = await docked(client, yard, bodycam.footage())
    before = await client.get(at(recorded, "/storyboard.vtt"), headers=reviewer)

    await examine(recorded)

    story = await client.get(at(recorded, "/storyboard.vtt"), headers=reviewer)
    sheet = await client.get(at(recorded, "/sheets/0.jpg"), headers=reviewer)
    assert before.text == "WEBVTT\n"
    assert story.text.count("#xywh=") == 6
    assert "00:00:50.000 --> 00:01:00.000\nsheets/0.jpg#xywh=800,0,160,90" in story.text
    assert sheet.content.startswith(b"\xff\xd8\xff")
    assert (await client.get(at(recorded, "/sheets/9.jpg"), headers=reviewer)).status_code == 409


async def test_how_loud_it_was_is_kept(client, yard, examine, found):
    recorded = await docked(client, yard, bodycam.footage())

    await examine(recorded)

    body = (await found(recorded))[FindingKind.LOUDNESS].body
    assert len(body["decibels"]) == 60
    assert all(-40 < level <= 0 for level in body["decibels"])


async def test_without_a_sandbox_nothing_is_derived_and_all_plays(
    client, yard, reviewer, examine, found
):
    recorded = await docked(client, yard, bodycam.footage())

    await examine(recorded, shut_in=Sandbox(SandboxKind.BUBBLEWRAP, (), ""))

    kept = await found(recorded)
    assert kept[FindingKind.STORYBOARD].outcome is FindingOutcome.REFUSED
    assert kept[FindingKind.LOUDNESS].outcome is FindingOutcome.REFUSED
    assert kept[FindingKind.SIGNED_VIDEO].outcome is FindingOutcome.DONE
    assert (await client.get(at(recorded, "/playlist.m3u8"), headers=reviewer)).status_code == 200


@pytest.mark.parametrize(
    ("frames", "verdicts"),
    [
        (signed, ["signed", "unsigned"]),
        (lambda: with_byte_changed(signed(), 57), ["signed", "changed", "signed", "unsigned"]),
    ],
    ids=["whole", "changed"],
)
async def test_what_the_camera_signed_into_the_stream_is_checked(
    client, yard, sessions, examine, found, tmp_path, frames, verdicts
):
    path = write_mp4(frames(), tmp_path / "v.mp4", codec="h264")
    recorded = await docked(client, yard, path, seconds=12)

    await examine(recorded, anchors=read_anchors(pem(authority()[0])))

    body = (await found(recorded))[FindingKind.SIGNED_VIDEO].body
    assert body["trust"] == "proven"
    assert [one[2] for one in body["spans"]] == verdicts
    [event] = await bodycam.events(sessions, "bodycam.recording_examined")
    assert event["tampered"] is ("changed" in verdicts)


async def damaged(client, yard, content, tmp_path):
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    return await docked(client, yard, path)


async def test_what_plays_of_a_damaged_file_is_offered_and_names_its_original(
    client, yard, reviewer, sessions, examine, tmp_path
):
    whole = bodycam.footage().read_bytes()
    broken = bytearray(whole)
    second = whole.index(b"moof", whole.index(b"moof", whole.index(b"moof") + 1) + 1)
    broken[second - 4 : second + 40] = bytes(44)
    recorded = await damaged(client, yard, bytes(broken), tmp_path)

    await examine(recorded)
    answer = await client.get(at(recorded, "/salvaged"), headers=reviewer)

    assert answer.status_code == 200
    assert answer.headers["Original-Root"] == recorded.manifest.merkle_root
    assert len(pictures_in(answer.content, tmp_path)) == 580  # of 600: one group is lost
    [made] = await bodycam.events(sessions, "bodycam.derivative_made")
    assert made["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert made["parent_root"] == recorded.manifest.merkle_root
    [taken] = await bodycam.events(sessions, "bodycam.derivative_taken")
    assert taken["sha256"] == made["sha256"]
    original = await client.get(at(recorded, "/content"), headers=reviewer)
    assert original.content == bytes(broken)


async def test_a_cut_file_is_saved_up_to_its_last_whole_fragment(
    client, yard, reviewer, examine, tmp_path
):
    whole = bodycam.footage().read_bytes()
    recorded = await damaged(client, yard, whole[: len(whole) * 2 // 3], tmp_path)

    await examine(recorded)
    answer = await client.get(at(recorded, "/salvaged"), headers=reviewer)

    assert len(pictures_in(answer.content, tmp_path)) % 20 == 0


async def test_examining_again_makes_no_second_copy(client, yard, sessions, examine, tmp_path):
    whole = bodycam.footage().read_bytes()
    recorded = await damaged(client, yard, whole[:-1000], tmp_path)

    for _ in range(2):
        await examine(recorded)

    assert len(await bodycam.events(sessions, "bodycam.derivative_made")) == 1


async def test_a_whole_recording_has_no_salvaged_copy(client, yard, reviewer, examine):
    recorded = await docked(client, yard, bodycam.footage())

    await examine(recorded)

    assert (await client.get(at(recorded, "/salvaged"), headers=reviewer)).status_code == 409


async def test_pictures_overwritten_with_zeros_are_found(client, yard, examine, found, tmp_path):
    whole = bytearray(bodycam.footage().read_bytes())
    middle = whole.index(b"mdat", len(whole) // 2)
    whole[middle + 4 : middle + 2000] = bytes(1996)
    recorded = await damaged(client, yard, bytes(whole), tmp_path)

    await examine(recorded)

    [[begins, ends]] = (await found(recorded))[FindingKind.DECODING].body["broken_ms"]
    assert 0 < begins < ends <= 60_000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"%PDF-1.7 and so on", "the file is a PDF document"),
        (b"\x00" * 4096, "the file begins with zeros"),
        (b"#EXTM3U\nhttp://127.0.0.1/x.ts\n", "the file is a playlist"),
        (b"Kazakhstan", "the file does not begin as an MP4"),
    ],
)
async def test_what_is_no_video_is_kept_and_named(
    client, yard, reviewer, tmp_path, content, reason
):
    recorded = await damaged(client, yard, content, tmp_path)

    known = (await client.get(at(recorded), headers=reviewer)).json()

    assert known["status"] == "quarantined"
    assert known["quarantine_reason"] == reason


async def test_a_plain_file_without_its_tables_is_kept_and_named(client, yard, reviewer, tmp_path):
    recorded = await damaged(
        client, yard, plain_footage().read_bytes().replace(b"moov", b"free"), tmp_path
    )

    known = (await client.get(at(recorded), headers=reviewer)).json()

    assert known["quarantine_reason"] == "the file has no description of its tracks (moov)"


async def test_a_plain_file_is_played_by_pieces_of_itself(client, yard, reviewer, tmp_path):
    recorded = await docked(client, yard, plain_footage())

    text = (await client.get(at(recorded, "/playlist.m3u8"), headers=reviewer)).text
    played = (await client.get(at(recorded, "/pieces/head.mp4"), headers=reviewer)).content
    pieces = [line for line in text.splitlines() if line.endswith(".m4s")]
    for piece in pieces:
        played += (await client.get(at(recorded, f"/{piece}"), headers=reviewer)).content

    assert len(pieces) == 10
    assert pictures_in(played, tmp_path) == pictures_in(plain_footage().read_bytes(), tmp_path)
    late = await client.get(at(recorded, "/pieces/10.m4s"), headers=reviewer)
    assert late.status_code == 409


async def test_a_plain_file_has_small_pictures_and_loudness_too(
    client, yard, reviewer, examine, found
):
    recorded = await docked(client, yard, plain_footage())

    await examine(recorded)

    assert (await client.get(at(recorded, "/sheets/0.jpg"), headers=reviewer)).status_code == 200
    assert len((await found(recorded))[FindingKind.LOUDNESS].body["decibels"]) == 60


async def test_a_fragmented_file_has_no_pieces(client, yard, reviewer):
    recorded = await docked(client, yard, bodycam.footage())

    answer = await client.get(at(recorded, "/pieces/0.m4s"), headers=reviewer)

    assert answer.status_code == 409


async def test_a_shift_is_one_playlist_with_its_gaps(client, yard, reviewer, sessions):
    minute = timedelta(minutes=1)
    first = await docked(client, yard, bodycam.footage())
    second = await docked(client, yard, plain_footage(), started_at=bodycam.STARTED_AT + minute)
    third = await docked(
        client, yard, bodycam.footage(), started_at=bodycam.STARTED_AT + 3 * minute
    )

    text = (await client.get(at(second, "/shift.m3u8"), headers=reviewer)).text

    lines = text.splitlines()
    maps = [line for line in lines if line.startswith("#EXT-X-MAP")]
    # The last stands twice: the time without footage needs one too.
    assert [line.split("/")[1] for line in maps] == [
        str(one.recording_id) for one in (first, second, third, third)
    ]
    assert maps[1].endswith('/pieces/head.mp4"')
    assert lines.count("#EXT-X-GAP") == 6
    lasts = sum(float(line[8:-1]) for line in lines if line.startswith("#EXTINF:"))
    assert lasts == pytest.approx(240, abs=1)
    events = await bodycam.events(sessions, "bodycam.recording_viewed")
    viewed = {one["recording_id"] for one in events}
    assert {str(one.recording_id) for one in (first, second, third)} <= viewed


async def test_one_hour_of_a_recording_can_be_asked_for(client, yard, reviewer):
    recorded = await docked(client, yard, bodycam.footage())

    first = await client.get(at(recorded, "/playlist.m3u8?hour=0"), headers=reviewer)
    second = await client.get(at(recorded, "/playlist.m3u8?hour=1"), headers=reviewer)

    assert first.text.count("#EXTINF") == 10
    assert second.text.count("#EXTINF") == 0


@pytest.mark.parametrize(
    ("language", "words"), [("ru", "Кадры изменены"), ("kk", "кадрлар өзгертілген")]
)
async def test_the_page_shows_which_frames_were_changed(
    client, yard, reviewer, examine, tmp_path, language, words
):
    path = write_mp4(with_byte_changed(signed(), 57), tmp_path / "v.mp4", codec="h264")
    recorded = await docked(client, yard, path, seconds=12)
    await examine(recorded)

    address = f"/console/recordings/{recorded.recording_id}"
    headers = {**reviewer, "Accept-Language": language}
    page = (await client.get(address, headers=headers)).text

    assert words in page
    assert '<rect class="changed" x="47.5%"' in page
    assert 'class="loudness"' not in page  # the video has no sound
    assert "<polyline" in page


async def test_the_page_names_what_was_salvaged(client, yard, reviewer, examine, tmp_path):
    whole = bodycam.footage().read_bytes()
    recorded = await damaged(client, yard, whole[:-1000], tmp_path)
    await examine(recorded)

    page = (await client.get(f"/console/recordings/{recorded.recording_id}", headers=reviewer)).text

    assert f"/api/recordings/{recorded.recording_id}/salvaged" in page
    assert recorded.manifest.merkle_root in page
    assert 'class="loudness"' in page
