"""What staff see of what was made of a recording: findings, small pictures, the salvaged copy."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from bodycam.errors import DerivativeNotFound, NotPlayable
from bodycam.repository import findings, heads
from bodycam.rules.boxes import NotMp4
from bodycam.rules.derived import DerivativeKind, FindingKind, HeadStanding
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.plain import ReadAt, moov_of
from bodycam.rules.storyboard import storyboard
from bodycam.rules.virtual import Piece, Plain, head, piece, read_plain
from bodycam.service.axis_keys import ObjectReader
from bodycam.service.fronted import FrontedObjects
from bodycam.service.playback import Content, open_content
from bodycam.service.recordings import own_recording

_PLAINS_MAX: Final = 4  # tables of plain files held by one process; 24 hours are some 60 MB
_PLAINS: "OrderedDict[str, _Tables]" = OrderedDict()
_READING: Final = asyncio.Lock()


@dataclass(frozen=True)
class _Tables:
    """A recording that is played by pieces: what its tables say."""

    plain: Plain
    made_bytes: int = 0  # of a restored one they count from the front that was made


@dataclass(frozen=True, kw_only=True)
class Salvaged:
    """The copy of a damaged recording that plays, and what it was made of."""

    derivative_id: UUID
    sha256: str
    size_bytes: int
    parent_root: str
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class Derived:
    """What was made of a recording; what is not there yet is ``None`` or empty."""

    signed_video: dict[str, Any] | None
    broken_ms: tuple[tuple[int, int], ...]
    decibels: tuple[int | None, ...]  # None: could not be heard
    has_storyboard: bool
    refused: bool  # for want of a sandbox
    salvaged: Salvaged | None
    track: tuple[tuple[datetime, int, int], ...]
    head: HeadStanding | None = None  # of what the camera sent before the bulk
    head_seconds: float = 0.0  # how long that plays, by its own word


async def derived_of(session: AsyncSession, *, recording_id: UUID, caller: Principal) -> Derived:
    """Return what was made of a recording of the caller's department.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    await own_recording(session, recording_id=recording_id, caller=caller)
    found = await findings.findings_of(session, recording_id)
    bodies = {kind: row.body for kind, row in found.items() if row.outcome.value == "done"}
    made = await findings.derivative_of(
        session, recording_id=recording_id, kind=DerivativeKind.SALVAGED
    )
    salvaged = None
    if made is not None:
        salvaged = Salvaged(
            derivative_id=made.id,
            sha256=made.sha256.hex(),
            size_bytes=made.size_bytes,
            parent_root=made.parent_root.hex(),
            made_at=made.made_at,
        )
    decoding = bodies.get(FindingKind.DECODING, {})
    head = await heads.head_of(session, recording_id)
    return Derived(
        signed_video=bodies.get(FindingKind.SIGNED_VIDEO),
        broken_ms=tuple((one[0], one[1]) for one in decoding.get("broken_ms", [])),
        decibels=tuple(bodies.get(FindingKind.LOUDNESS, {}).get("decibels", [])),
        has_storyboard=bool(await findings.sheets_of(session, recording_id)),
        refused=any(row.outcome.value == "refused" for row in found.values()),
        salvaged=salvaged,
        track=tuple(await findings.track_of(session, [recording_id])),
        head=head.standing if head is not None else None,
        head_seconds=head.duration_ms / 1000 if head is not None else 0.0,
    )


async def storyboard_of(session: AsyncSession, *, recording_id: UUID, caller: Principal) -> str:
    """Return the WebVTT storyboard over the sheets that are made.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    await own_recording(session, recording_id=recording_id, caller=caller)
    return storyboard(await findings.sheets_of(session, recording_id), url="sheets/{number}.jpg")


async def sheet_of(
    session: AsyncSession, *, recording_id: UUID, number: int, caller: Principal
) -> bytes:
    """Return a sheet of small pictures.

    Raises:
        RecordingNotFound: there is none, or another department's.
        DerivativeNotFound: the sheet is not made.
    """
    await own_recording(session, recording_id=recording_id, caller=caller)
    picture = await findings.sheet_picture(session, recording_id=recording_id, number=number)
    if picture is None:
        raise DerivativeNotFound(f"recording {recording_id} has no sheet {number}")
    return picture


@dataclass(frozen=True)
class Download:
    """A derivative to be sent: ranges of the original one after another.

    Of a restored one they are ranges of the original behind its ``front``.
    """

    content: Content
    salvaged: Salvaged
    ranges: tuple[tuple[int, int], ...]
    front: bytes

    def stream(self, store: ObjectReader) -> AsyncIterator[bytes]:
        """Return the bytes of the derivative."""
        reader = FrontedObjects(store, self.front) if self.front else store
        return bytes_of_ranges(reader, key=self.content.object_key, ranges=self.ranges)


async def take_salvaged(
    sessions: Sessions, *, trail: AuditTrail, recording_id: UUID, caller: Principal, now: datetime
) -> Download:
    """Return the salvaged copy to be taken out; that it is taken is on the log.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: it is quarantined.
        DerivativeNotFound: nothing was salvaged, because nothing had to be.
    """
    content = await open_content(sessions, recording_id=recording_id, caller=caller)
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        made = await findings.derivative_of(
            session, recording_id=recording_id, kind=DerivativeKind.SALVAGED
        )
        if made is None:
            raise DerivativeNotFound(f"nothing was salvaged of recording {recording_id}")
        await trail.record(
            session,
            event="bodycam.derivative_taken",
            at=now,
            who=caller,
            fields={
                "recording_id": str(recording_id),
                "derivative_id": str(made.id),
                "sha256": made.sha256.hex(),
                "subject_post_id": str(row.post_id) if row.post_id else None,
            },
        )
        salvaged = Salvaged(
            derivative_id=made.id,
            sha256=made.sha256.hex(),
            size_bytes=made.size_bytes,
            parent_root=made.parent_root.hex(),
            made_at=made.made_at,
        )
        ranges = tuple((one[0], one[1]) for one in made.recipe)
        front = await findings.front_of(session, recording_id)
    return Download(content, salvaged, ranges, front)


async def bytes_of_ranges(
    store: ObjectReader, *, key: str, ranges: tuple[tuple[int, int], ...]
) -> AsyncIterator[bytes]:
    """Yield the ranges of an object one after another."""
    for start, length in ranges:
        async for chunk in store.open_range(key=key, start=start, length=length):
            yield chunk


async def head_of_plain(
    sessions: Sessions, store: ObjectReader, *, recording_id: UUID, caller: Principal
) -> bytes:
    """Return the made head of a plain recording.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: it is played by ranges of itself, or not at all.
    """
    _, tables = await _tables(sessions, store, recording_id=recording_id, caller=caller)
    return await asyncio.to_thread(head, tables.plain)


async def piece_of_plain(
    sessions: Sessions, store: ObjectReader, *, recording_id: UUID, number: int, caller: Principal
) -> tuple[Content, Piece]:
    """Return a piece of a plain recording: its made head and the ranges that follow.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: it is played by ranges of itself, or has no such piece.
    """
    content, tables = await _tables(sessions, store, recording_id=recording_id, caller=caller)
    try:
        found = await asyncio.to_thread(piece, tables.plain, number)
    except (IndexError, BoxesBroken) as error:
        raise NotPlayable(f"recording {recording_id} has no piece {number}") from error
    ranges = tuple((at - tables.made_bytes, length) for at, length in found.ranges)
    return content, Piece(found.head, ranges)


async def _tables(
    sessions: Sessions, store: ObjectReader, *, recording_id: UUID, caller: Principal
) -> tuple[Content, _Tables]:
    # Access is checked anew for every piece; only the tables are held.
    content = await open_content(sessions, recording_id=recording_id, caller=caller)
    key = (
        f"{recording_id} {content.etag}"  # tables made anew are of one recording, not of its bytes
    )
    held = _PLAINS.get(key)
    if held is not None:
        _PLAINS.move_to_end(key)
        return content, held
    async with transaction(sessions) as session:
        form = await findings.form_of(session, recording_id)
        front = await findings.front_of(session, recording_id)
    if form is None or not form.by_pieces:
        raise NotPlayable(f"recording {recording_id} is played by ranges of itself")
    async with _READING:  # two players that begin at once read the tables once
        held = _PLAINS.get(key)
        if held is None:
            reader = FrontedObjects(store, front) if front else store
            try:
                plain = await reader.reading(
                    key=content.object_key, act=_reads(len(front) + content.size_bytes)
                )
            except (NotMp4, BoxesBroken) as error:
                raise NotPlayable(f"recording {recording_id} cannot be read") from error
            if plain is None:
                raise NotPlayable(f"recording {recording_id} has no samples")
            held = _PLAINS[key] = _Tables(plain, len(front))
            while len(_PLAINS) > _PLAINS_MAX:
                _PLAINS.popitem(last=False)
    return content, held


def _reads(size_bytes: int) -> Callable[[ReadAt], Plain | None]:
    def read(read_at: ReadAt) -> Plain | None:
        return read_plain(moov_of(read_at=read_at, size_bytes=size_bytes), size_bytes=size_bytes)

    return read
