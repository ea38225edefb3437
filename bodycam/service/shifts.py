"""A whole shift of one camera as a page shows it. Looking at it is logged by its playlist."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from bodycam.models import RecordingRow
from bodycam.repository import coverage, findings
from bodycam.rules.coverage import Interval
from bodycam.rules.coverage_day import clipped
from bodycam.rules.playlist import pieces_of
from bodycam.service.playback import (
    SHIFT_RECORDINGS_MAX,
    playlist_text,
    shift_bounds,
    shift_sources,
)
from bodycam.service.recordings import RecordingFacts, facts_of, own_recording

_GAP_MIN: Final = timedelta(seconds=0.5)  # as on the playlist


@dataclass(frozen=True, kw_only=True)
class ShiftPart:
    """One recording of the shift, stored or still on its way."""

    facts: RecordingFacts
    decibels: tuple[int | None, ...]
    has_storyboard: bool

    @property
    def plays_until(self) -> datetime:
        """When the last that can be played of it ends."""
        length = self.facts.duration_ms
        if length is None:
            return self.facts.ended_at
        return self.facts.started_at + timedelta(milliseconds=length)


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
        return any(one.facts.playable for one in self.parts)


async def read_shift(
    session: AsyncSession, *, recording_id: UUID, caller: Principal, now: datetime
) -> Shift:
    """Return the shift that a recording belongs to.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    row = await own_recording(session, recording_id=recording_id, caller=caller)
    begins, ends = await shift_bounds(session, row=row, now=now)
    rows = await findings.recordings_held(
        session, row=row, begins=begins, ends=ends, limit=SHIFT_RECORDINGS_MAX
    )
    parts = await _parts(session, rows or [row])
    playing = [one for one in parts if one.facts.playable] or parts
    first = playing[0].facts.started_at
    last = max(max(one.plays_until, one.facts.ended_at) for one in playing)
    sources = await shift_sources(session, row=row, begins=begins, ends=ends)
    text = await asyncio.to_thread(playlist_text, [source for _, source in sources])
    return Shift(
        camera_id=row.camera_id,
        begins=first,
        ends=last,
        parts=tuple(parts),
        pieces=pieces_of(text, origin=first),
        gaps=_gaps(playing),
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


async def _parts(session: AsyncSession, rows: list[RecordingRow]) -> list[ShiftPart]:
    ids = [row.id for row in rows]
    loud = await findings.loudness_of(session, ids)
    pictured = await findings.with_sheets(session, ids)
    return [
        ShiftPart(
            facts=facts_of(row),
            decibels=tuple(loud.get(row.id, [])),
            has_storyboard=row.id in pictured,
        )
        for row in rows
    ]


def _gaps(playing: list[ShiftPart]) -> tuple[tuple[datetime, datetime], ...]:
    found: list[tuple[datetime, datetime]] = []
    reached = playing[0].plays_until
    for one in playing[1:]:
        if one.facts.started_at - reached >= _GAP_MIN:
            found.append((reached, one.facts.started_at))
        reached = max(reached, one.plays_until)
    return tuple(found)
