"""A whole shift of one camera as a page shows it. Looking at it is logged by its playlist."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from bodycam.repository import coverage, findings
from bodycam.rules.coverage import Interval
from bodycam.rules.coverage_day import clipped
from bodycam.rules.playlist import pieces_of
from bodycam.service.arriving import is_unread
from bodycam.service.recordings import RecordingFacts, facts_of, own_recording
from bodycam.service.shift_clips import Held, clips_of, held_with
from bodycam.storage import ObjectStore

_GAP_MIN: Final = timedelta(seconds=0.5)  # as on the playlist


@dataclass(frozen=True, kw_only=True)
class ShiftPart:
    """One recording of the shift, stored or still on its way.

    Attributes:
        plays: from when until when it can be played; what is arriving, often in several stretches.
        unread: all of it is stored, and its own index is not made yet.
    """

    facts: RecordingFacts
    decibels: tuple[int | None, ...]
    has_storyboard: bool
    plays: tuple[tuple[datetime, datetime], ...]
    unread: bool

    @property
    def plays_until(self) -> datetime:
        """When the last that can be played of it ends."""
        return self.plays[-1][1] if self.plays else self.facts.ended_at

    @property
    def arriving(self) -> bool:
        """Whether it is played by the index that the camera sent ahead."""
        return bool(self.plays) and not self.facts.playable


@dataclass(frozen=True, kw_only=True)
class Shift:
    """What one camera recorded while one officer held it.

    Attributes:
        begins: where the time line begins: with the first that plays, or else the first there is.
        ends: where it ends.
        pieces: second of the player and second since ``begins`` of each break of the playlist.
        gaps: stretches between what plays, as the playlist has them.
        intervals: of the coverage ledger, cut to the time line; empty where there is none yet.
        track: instant, latitude and longitude in E7 degrees.
    """

    camera_id: UUID
    begins: datetime
    ends: datetime
    parts: tuple[ShiftPart, ...]
    pieces: tuple[tuple[float, float], ...]
    gaps: tuple[tuple[datetime, datetime], ...]
    intervals: tuple[Interval, ...]
    track: tuple[tuple[datetime, int, int], ...]

    @property
    def playable(self) -> bool:
        """Whether anything of it can be played."""
        return any(one.plays for one in self.parts)

    @property
    def arriving_seconds(self) -> float:
        """How much can be played of what is not stored whole yet."""
        spans = [
            span for one in self.parts if one.arriving and not one.unread for span in one.plays
        ]
        return sum((end - start).total_seconds() for start, end in spans)

    @property
    def unread(self) -> bool:
        """Whether something is played that is stored whole, and not by its own index yet."""
        return any(one.arriving and one.unread for one in self.parts)


async def read_shift(
    session: AsyncSession,
    store: ObjectStore,
    *,
    recording_id: UUID,
    caller: Principal,
    now: datetime,
) -> Shift:
    """Return the shift that a recording belongs to.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    row = await own_recording(session, recording_id=recording_id, caller=caller)
    held = await held_with(session, store, row=row, now=now)
    parts = await _parts(session, held)
    playing = [one for one in parts if one.plays] or parts
    spans = [span for one in parts for span in one.plays] or [
        (one.facts.started_at, one.facts.ended_at) for one in parts
    ]
    first = min(start for start, _ in spans)
    last = max(max(one.plays_until, one.facts.ended_at) for one in playing)
    return Shift(
        camera_id=row.camera_id,
        begins=first,
        ends=last,
        parts=tuple(parts),
        pieces=await asyncio.to_thread(pieces_of, clips_of(held), origin=first),
        gaps=_gaps(spans),
        intervals=tuple(
            clipped(
                await coverage.intervals_between(
                    session, camera_id=row.camera_id, begin=first, end=last
                ),
                begin=first,
                end=last,
            )
        ),
        track=tuple(await findings.track_of(session, [one.facts.recording_id for one in parts])),
    )


async def _parts(session: AsyncSession, held: list[Held]) -> list[ShiftPart]:
    ids = [one.row.id for one in held]
    loud = await findings.loudness_of(session, ids)
    pictured = await findings.with_sheets(session, ids)
    return [
        ShiftPart(
            facts=facts_of(one.row),
            decibels=tuple(loud.get(one.row.id, [])),
            has_storyboard=one.row.id in pictured,
            plays=tuple((clip.started_at, clip.ended_at) for clip in one.clips),
            unread=is_unread(one.row),
        )
        for one in held
    ]


def _gaps(
    spans: list[tuple[datetime, datetime]],
) -> tuple[tuple[datetime, datetime], ...]:
    found: list[tuple[datetime, datetime]] = []
    reached = spans[0][1]
    for start, end in spans[1:]:
        if start - reached >= _GAP_MIN:
            found.append((reached, start))
        reached = max(reached, end)
    return tuple(found)
