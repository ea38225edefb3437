"""An HLS media playlist over the stored file itself (RFC 8216): byte ranges, no copy."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from bodycam.rules.box_index import BoxIndex

SEGMENT_SECONDS: Final = 6.0  # shorter ones make the playlist long, longer ones make seeks slow
_INSTANT_EVERY: Final = 10  # segments between two EXT-X-PROGRAM-DATE-TIME
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GAP_SECONDS_MIN: Final = 0.5  # clocks of two clips differ by less
_GAP_PIECE_SECONDS: Final = 10.0  # the longest piece decides the target duration of all


class Segment(NamedTuple):
    """Some fragments in a row: bytes, seconds since the first fragment, and a break before."""

    offset: int
    size: int
    start_seconds: float
    seconds: float
    after_break: bool


def segments(index: BoxIndex) -> Iterator[Segment]:
    """Yield segments of about ``SEGMENT_SECONDS`` that begin with a key frame where one is."""
    offsets, sizes, starts = index.offsets, index.sizes, index.starts
    durations, keys, breaks = index.durations, index.keys, index.breaks
    count, scale = len(index), index.timescale
    origin = starts[0] if count else 0
    long_enough = SEGMENT_SECONDS * scale * 0.99
    first = 0
    while first < count:
        following = first + 1
        # Other boxes may lie between two fragments; a segment is one range of whole fragments.
        while (
            following < count
            and offsets[following] == offsets[following - 1] + sizes[following - 1]
            and following not in breaks
            and not (
                keys[following]
                and starts[following - 1] + durations[following - 1] - starts[first] >= long_enough
            )
        ):
            following += 1
        last = following - 1
        whole = following < count and following not in breaks
        end = starts[following] if whole else starts[last] + durations[last]
        yield Segment(
            offset=offsets[first],
            size=offsets[last] + sizes[last] - offsets[first],
            start_seconds=(starts[first] - origin) / scale,
            # A clock that jumps back would make a negative length, which no player survives.
            seconds=max(end - starts[first], 1) / scale,
            after_break=first in breaks,
        )
        first = following


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A recording on a playlist: where its bytes are asked for, relative or absolute.

    Attributes:
        pieces: the recording is played by pieces behind made heads (``rules.virtual``).
    """

    index: BoxIndex
    started_at: datetime
    url: str
    pieces: bool = False

    @property
    def ended_at(self) -> datetime:
        """When the last fragment ends."""
        return self.started_at + timedelta(milliseconds=self.index.duration_ms)


def media_playlist(
    *,
    index: BoxIndex,
    started_at: datetime,
    url: str,
    pieces: bool = False,
    hour: int | None = None,
) -> str:
    """Return the playlist of the recording whose bytes are at ``url``.

    ``hour`` (from 0, since the start) leaves out what does not begin in that hour.
    """
    clip = Clip(index=index, started_at=started_at, url=url, pieces=pieces)
    return playlist_of([clip], hour=hour)


def playlist_of(clips: Sequence[Clip], *, hour: int | None = None) -> str:
    """Return one playlist of the clips in the order of time.

    Between two clips stand gap segments for the time of which nothing is there, so that the
    player's seconds stay the clock's. What overlaps is played after one another.
    """
    body: list[str] = []
    longest = 1.0
    origin = end = clips[0].started_at if clips else _EPOCH
    for number, clip in enumerate(clips):
        missing = (clip.started_at - end).total_seconds()
        lines, clip_longest = _lines_of(clip, origin=origin, hour=hour)
        if number and hour is None and missing >= _GAP_SECONDS_MIN:
            body += _gap(end, missing, _map_of(clip))
            longest = max(longest, min(missing, _GAP_PIECE_SECONDS))
        if number and lines:
            body.append("#EXT-X-DISCONTINUITY")
        body += lines
        longest = max(longest, clip_longest)
        end = max(end, clip.ended_at)
    head = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{8 if len(clips) > 1 else 7}",
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    return "\n".join([*head, *body, "#EXT-X-ENDLIST", ""])


def pieces_of(clips: Sequence[Clip], *, origin: datetime) -> tuple[tuple[float, float], ...]:
    """Return where the player's seconds part from the clock's: second of the player, of the clock.

    A recording of which something is lost plays without the gap, so the player falls behind; each
    break on the playlist of the clips has an instant of its own. Seconds by the clock count from
    ``origin``.
    """
    found: list[tuple[float, float]] = []
    played = 0.0

    def part_at(at: datetime) -> None:
        found.append((round(played, 3), round((at - origin).total_seconds(), 3)))

    end = clips[0].started_at if clips else origin
    for number, clip in enumerate(clips):
        missing = (clip.started_at - end).total_seconds()
        if number and missing >= _GAP_SECONDS_MIN:
            part_at(end)
            played += missing
        if clip is clips[-1] and not clip.index.breaks:
            if len(clip.index):
                part_at(clip.started_at)
            break  # how long it plays parts nothing
        for place, one in enumerate(_parts_of(clip)):
            if one.after_break or not place:
                part_at(clip.started_at + timedelta(seconds=one.start_seconds))
            played += one.seconds
        end = max(end, clip.ended_at)
    return tuple(found) or ((0.0, 0.0),)


def _map_of(clip: Clip) -> str:
    if clip.pieces:
        return f'#EXT-X-MAP:URI="{clip.url}/head.mp4"'
    return f'#EXT-X-MAP:URI="{clip.url}",BYTERANGE="{clip.index.init_size}@0"'


def _lines_of(clip: Clip, *, origin: datetime, hour: int | None) -> tuple[list[str], float]:
    lines = [_map_of(clip)]
    since = (clip.started_at - origin).total_seconds()
    longest, taken = 0.0, 0
    for number, part in enumerate(_parts_of(clip)):
        if hour is not None and not hour <= (since + part.start_seconds) / 3600 < hour + 1:
            continue
        if part.after_break and taken:
            lines.append("#EXT-X-DISCONTINUITY")
        if part.after_break or taken % _INSTANT_EVERY == 0:
            at = clip.started_at + timedelta(seconds=part.start_seconds)
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_instant(at)}")
        lines.append(f"#EXTINF:{part.seconds:.5f},")
        if clip.pieces:
            lines.append(f"{clip.url}/{number}.m4s")
        else:
            lines += [f"#EXT-X-BYTERANGE:{part.size}@{part.offset}", clip.url]
        longest = max(longest, part.seconds)
        taken += 1
    return (lines if taken else []), longest


def _parts_of(clip: Clip) -> Iterator[Segment]:
    return _pieces(clip.index) if clip.pieces else segments(clip.index)


def _pieces(index: BoxIndex) -> Iterator[Segment]:
    origin = index.starts[0] if len(index) else 0
    for number in range(len(index)):
        yield Segment(
            offset=index.offsets[number],
            size=index.sizes[number],
            start_seconds=(index.starts[number] - origin) / index.timescale,
            seconds=max(index.durations[number], 1) / index.timescale,
            after_break=False,
        )


def _gap(since: datetime, seconds: float, described: str) -> list[str]:
    """Return the segments of a time of which nothing is there; a player passes over them."""
    lines = ["#EXT-X-DISCONTINUITY", described, f"#EXT-X-PROGRAM-DATE-TIME:{_instant(since)}"]
    count = math.ceil(seconds / _GAP_PIECE_SECONDS)
    for _ in range(count):
        lines += ["#EXT-X-GAP", f"#EXTINF:{seconds / count:.5f},", "gap"]
    return lines


def _instant(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
