from array import array
from datetime import UTC, datetime, timedelta

import pytest

from app.web.footage_strip import QUARANTINE, strips_of
from bodycam.rules.box_index import BoxIndex, Damage, DamageKind
from bodycam.rules.magic import REASONS, what_it_is
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.plain import moov_of
from bodycam.rules.playlist import Clip, media_playlist, playlist_of
from bodycam.rules.runs import read_samples
from bodycam.rules.salvage import recipe
from bodycam.rules.signed_video.findings import Verdict
from bodycam.rules.storyboard import Sheet, planned, read_sound_set_up, storyboard
from bodycam.rules.tracks import read_tracks
from bodycam.rules.virtual import box_index, head, piece, read_plain
from bodycam.service.derived import Derived
from tests.factories_media import small

STARTED_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
HOUR = 3600
TICKS = 90_000
WRAPS = (int(13.25 * HOUR), int(26.5 * HOUR))  # where 32 and 33 bits of 90 kHz end


def index_of(hours, *, step=2, size=500_000, start=0):
    """Return an index as of a long recording at 90 kHz."""
    count = int(hours * HOUR / step)
    return BoxIndex(
        timescale=TICKS,
        init_size=1000,
        offsets=array("q", (1000 + number * size for number in range(count))),
        sizes=array("q", [size]) * count,
        starts=array("q", (start + number * step * TICKS for number in range(count))),
        durations=array("q", [step * TICKS]) * count,
        keys=array("B", [1]) * count,
    )


def lasting(playlist):
    return sum(float(line[8:-1]) for line in playlist.splitlines() if line.startswith("#EXTINF:"))


def instants(playlist):
    marks = [line for line in playlist.splitlines() if line.startswith("#EXT-X-PROGRAM")]
    return [datetime.fromisoformat(mark.partition(":")[2]) for mark in marks]


@pytest.mark.parametrize("start", [0, (1 << 32) - 5 * TICKS, 1 << 40])
def test_a_time_line_goes_on_over_every_wrap_of_its_ticks(start):
    playlist = media_playlist(index=index_of(28, start=start), started_at=STARTED_AT, url="content")

    assert lasting(playlist) == pytest.approx(28 * HOUR)
    found = instants(playlist)
    assert found == sorted(found)
    assert found[-1] - found[0] > timedelta(hours=27.9)
    for wrap in WRAPS:
        around = [at for at in found if abs((at - STARTED_AT).total_seconds() - wrap) < 61]
        assert len(around) in {2, 3}


def test_hours_together_are_the_whole_and_each_begins_at_its_own():
    index = index_of(24)

    hours = [
        media_playlist(index=index, started_at=STARTED_AT, url="content", hour=hour)
        for hour in range(24)
    ]

    assert sum(map(lasting, hours)) == pytest.approx(24 * HOUR)
    assert [instants(one)[0] for one in hours] == [
        STARTED_AT + timedelta(hours=hour) for hour in range(24)
    ]


def clip(minutes_later, *, hours=0.1, pieces=False):
    started_at = STARTED_AT + timedelta(minutes=minutes_later)
    return Clip(index=index_of(hours), started_at=started_at, url="a", pieces=pieces)


def test_missing_time_between_clips_is_gaps_as_long_as_it():
    playlist = playlist_of([clip(0), clip(10)])

    assert playlist.count("#EXT-X-GAP") == 24  # four minutes in pieces of ten seconds
    assert playlist.count("#EXT-X-DISCONTINUITY") == 2
    assert playlist.count("#EXT-X-MAP") == 3
    assert lasting(playlist) == pytest.approx(16 * 60)


def test_clips_that_meet_have_no_gap_and_those_that_overlap_none_either():
    meeting = playlist_of([clip(0), clip(6)])
    overlapping = playlist_of([clip(0), clip(5)])

    assert "#EXT-X-GAP" not in meeting + overlapping
    assert meeting.count("#EXT-X-DISCONTINUITY") == 1


def test_no_segment_is_longer_than_the_target():
    playlist = playlist_of([clip(0), clip(300), clip(310, pieces=True)])

    target = int(playlist.split("#EXT-X-TARGETDURATION:")[1].split("\n")[0])
    lengths = [float(x[8:-1]) for x in playlist.splitlines() if x.startswith("#EXTINF:")]
    assert max(lengths) <= target <= 10


def test_a_playlist_of_no_clips_ends_at_once():
    assert playlist_of([]).endswith("#EXT-X-ENDLIST\n")


def test_a_whole_file_needs_no_salvage():
    index = index_of(0.1)
    index.damage.append(Damage(DamageKind.BLOCK_DIFFERS, 0, 10))

    assert recipe(index) == []


def test_salvage_joins_what_lies_together_and_leaves_out_what_is_broken():
    index = index_of(0.01, size=100)
    for name in ("offsets", "sizes", "starts", "durations", "keys"):
        del getattr(index, name)[5]
    index.damage.append(Damage(DamageKind.GAP, 1500, 1600))

    assert recipe(index) == [(0, 1500), (1600, 1200)]


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_quarantine_is_said_on_the_page(reason):
    assert reason in QUARANTINE


def test_a_file_is_named_by_its_first_bytes():
    assert what_it_is(b"\x47" + bytes(187) + b"\x47") == "the file is an MPEG transport stream"
    assert what_it_is(b"MZ\x90") == "the file is a program"
    assert what_it_is(b"") == "the file is empty"


@pytest.mark.parametrize("hours", [0.01, 0.5, 8, 24, 26])
def test_sheets_cover_the_whole_recording(hours):
    sheets = planned(int(hours * HOUR * 1000))

    story = storyboard(sheets, url="{number}.jpg")
    last = [line for line in story.splitlines() if "-->" in line][-1].split(" --> ")[1]
    clock = [float(part) for part in last.split(":")]
    ends = clock[0] * HOUR + clock[1] * 60 + clock[2]
    assert len(sheets) <= 31
    assert ends == pytest.approx(hours * HOUR, abs=max(30, hours * 100))


def test_the_first_sheet_stands_in_for_those_not_made_yet():
    first, second, *_ = planned(8 * HOUR * 1000)

    story = storyboard([first, second], url="{number}.jpg")

    assert "1.jpg" in story
    assert "0.jpg" in story
    assert story.index("1.jpg") < story.index("0.jpg")


def test_a_sheet_of_ten_columns_is_read_row_by_row():
    story = storyboard([Sheet(0, 0, 1000, 12)], url="s")

    assert "00:00:11.000 --> 00:00:12.000\ns#xywh=160,90,160,90" in story


@pytest.fixture(scope="module")
def plain():
    content = small(fragmented=False)
    moov = moov_of(
        read_at=lambda start, length: content[start : start + length], size_bytes=len(content)
    )
    return content, read_plain(moov, size_bytes=len(content))


def test_pieces_hold_every_sample_once_and_in_order(plain):
    content, found = plain
    [track] = [one for one in read_tracks(head(found)[28:]) if one.is_video]

    taken = []
    for number in range(found.count):
        made = piece(found, number)
        moof = made.head[: int.from_bytes(made.head[:4], "big")]
        body = made.head + b"".join(content[at : at + size] for at, size in made.ranges)
        samples = list(read_samples(moof, at=0, tracks={track.number: track}))
        assert made.size == len(body)
        assert samples[0].key
        taken += [body[one.offset : one.offset + one.size] for one in samples]

    table = found.tables[0]
    assert taken == [
        content[at : at + size] for at, size in zip(table.offsets, table.sizes, strict=True)
    ]


def test_the_index_of_a_plain_file_tells_its_length(plain):
    assert box_index(plain[1]).duration_ms == 6000


def test_samples_behind_the_end_of_a_cut_plain_file_are_refused(plain):
    with pytest.raises(BoxesBroken):
        read_plain(plain[1].moov, size_bytes=len(plain[0]) // 2)


def test_a_sound_set_up_that_cannot_be_read_is_none():
    assert read_sound_set_up(b"\0\0\0\x08mp4a") is None
    assert read_sound_set_up(b"esds" + bytes(40)) is None


def derived(**more):
    given = {
        "signed_video": None, "broken_ms": (), "decibels": (), "has_storyboard": False,
        "refused": False, "salvaged": None, "track": (),
    }  # fmt: skip
    return Derived(**given | more)


def test_one_changed_frame_of_a_day_is_still_seen():
    spans = [[0, 10, "signed", 0, 10], [10, 11, "changed", 43_200_000, 43_200_040]]
    body = {"scheme": "axis", "tampered": True, "trust": "proven", "spans": spans, "missing": []}

    strips = strips_of(derived(signed_video=body), seconds=86_400)

    assert strips.verdicts[1].lasts >= 0.1
    assert strips.verdicts[1].begins == 50
    assert strips.said_kind == "bad"


def test_nothing_examined_draws_nothing():
    strips = strips_of(derived(), seconds=60)

    assert (strips.said, strips.verdicts, strips.loudness, strips.track) == (None, (), "", "")


def test_the_walk_is_drawn_inside_its_square():
    points = [(STARTED_AT, 432_403_000 + n * 1000, 769_250_000 - n * 500) for n in range(30)]

    strips = strips_of(derived(track=tuple(points)), seconds=60)

    places = [tuple(map(float, one.split(","))) for one in strips.track.split()]
    assert len(places) == 30
    assert all(0 <= x <= 200 and 0 <= y <= 200 for x, y in places)
    assert places[0][1] > places[-1][1]  # north is up


def test_every_verdict_has_its_word():
    spans = [[n, n + 1, one.value, n, n + 1] for n, one in enumerate(Verdict)]
    body = {
        "scheme": "onvif",
        "tampered": True,
        "trust": "none",
        "spans": spans,
        "missing": [[1, 0]],
    }

    strips = strips_of(derived(signed_video=body), seconds=60)

    assert [kind for kind, _ in strips.legend] == [one.value for one in Verdict]
    assert strips.missing == 1
