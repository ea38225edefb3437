"""An HLS media playlist over the stored file itself (RFC 8216): byte ranges, no copy."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bodycam.rules.box_index import BoxIndex

SEGMENT_SECONDS: Final = 6.0  # shorter ones make the playlist long, longer ones make seeks slow
_INSTANT_EVERY: Final = 10  # segments between two EXT-X-PROGRAM-DATE-TIME


@dataclass(frozen=True)
class Segment:
    """Some fragments in a row: bytes, seconds since the first fragment, and a break before."""

    offset: int
    size: int
    start_seconds: float
    seconds: float
    after_break: bool


def segments(index: BoxIndex) -> Iterator[Segment]:
    """Yield segments of about ``SEGMENT_SECONDS`` that begin with a key frame where one is."""
    count = len(index)
    origin = index.starts[0] if count else 0
    first = 0
    while first < count:
        last = first
        while last + 1 < count and not _may_end(index, first, last):
            last += 1
        start = index.starts[first]
        whole = last + 1 < count and last + 1 not in index.breaks
        end = index.starts[last + 1] if whole else index.starts[last] + index.durations[last]
        yield Segment(
            offset=index.offsets[first],
            size=index.offsets[last] + index.sizes[last] - index.offsets[first],
            start_seconds=(start - origin) / index.timescale,
            # A clock that jumps back would make a negative length, which no player survives.
            seconds=max(end - start, 1) / index.timescale,
            after_break=first in index.breaks,
        )
        first = last + 1


def _may_end(index: BoxIndex, first: int, last: int) -> bool:
    following = last + 1
    if following in index.breaks:
        return True
    # Other boxes may lie between two fragments; a segment is one range of whole fragments.
    if index.offsets[following] != index.offsets[last] + index.sizes[last]:
        return True
    end = index.starts[last] + index.durations[last]
    long_enough = end - index.starts[first] >= SEGMENT_SECONDS * index.timescale * 0.99
    return long_enough and bool(index.keys[following])


def media_playlist(*, index: BoxIndex, started_at: datetime, url: str) -> str:
    """Return the playlist of the recording whose bytes are at ``url`` (relative or absolute)."""
    parts = list(segments(index))
    longest = max((part.seconds for part in parts), default=SEGMENT_SECONDS)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{url}",BYTERANGE="{index.init_size}@0"',
    ]
    for number, part in enumerate(parts):
        if part.after_break:
            lines.append("#EXT-X-DISCONTINUITY")
        if part.after_break or number % _INSTANT_EVERY == 0:
            at = started_at.astimezone(UTC) + timedelta(seconds=part.start_seconds)
            lines.append(
                f"#EXT-X-PROGRAM-DATE-TIME:{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
            )
        lines += [
            f"#EXTINF:{part.seconds:.5f},",
            f"#EXT-X-BYTERANGE:{part.size}@{part.offset}",
            url,
        ]
    lines += ["#EXT-X-ENDLIST", ""]
    return "\n".join(lines)
