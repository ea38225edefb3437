"""Restoring a recording whose camera lost power before it wrote where its pictures lie.

A job: the pictures are found by what they must be like (``rules.unit_walk``), learnt from another
recording of the same camera or from the stream itself. Nothing is believed that does not decode.
The stored bytes stay as they are; tables made anew stand before them when they are played.
"""

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.db import transaction
from app.errors import DomainError
from bodycam import repository
from bodycam.errors import MediaToolRefused, NotPlayable, ObjectAbsent, ObjectDamaged
from bodycam.media import Sandbox, Tries, grey_looks
from bodycam.models import RecordingRow
from bodycam.repository import findings
from bodycam.rules.box_index import BoxIndex, Damage, DamageKind, IndexNotReadable
from bodycam.rules.derived import PlayForm
from bodycam.rules.frames import ReadAt
from bodycam.rules.key_frames import Looked, choose_looks
from bodycam.rules.likeness import MODELS_MAX, Likeness, NotLearnt, learnt_from, told_in_stream
from bodycam.rules.made_description import fronted, made_front
from bodycam.rules.magic import NO_LIKENESS, NO_MOOV, NO_PICTURE, RESTORABLE
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.plain import moov_of, top_boxes
from bodycam.rules.unit_walk import pictures_in
from bodycam.rules.virtual import box_index, read_plain
from bodycam.service.axis_keys import ObjectReader
from bodycam.service.completion import index_quarantined
from bodycam.service.docking import Docking
from bodycam.service.examined import Examined
from bodycam.service.fronted import FrontedObjects

log = structlog.get_logger(__name__)

_PICTURES_MAX: Final = 2_000_000  # a day of 20 a second
_TOLD_BYTES: Final = 1 << 20  # of the media, in which the camera repeats its set-up if ever
_LOOKS: Final = 5  # key pictures that must not all fail to decode
_MS_DEFAULT: Final = 40
_STEP_SECONDS_MAX: Final = 10  # of one picture, where only the recording's length tells
_AT_ONCE: Final = 1000
_LONGER: Final = 1.2  # than the camera recorded its pictures cannot play: its pace was another
_BEFORE_MEDIA: Final = frozenset({b"ftyp", b"styp", b"free", b"skip", b"wide", b"uuid", b"udta"})


@dataclass(frozen=True, kw_only=True)
class Restoring:
    """What restoring needs: ``reader`` shows encrypted originals in clear."""

    docking: Docking
    reader: ObjectReader
    sandbox: Sandbox


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Pictures that decode, and what makes a whole file of them."""

    front: bytes
    index: BoxIndex
    pictures: int
    model_id: UUID | None
    unseen_from: int | None


async def restore_waiting(restoring: Restoring, *, now: datetime) -> int:
    """Try every recording that nobody has tried; return how many play now."""
    if not restoring.sandbox.before:
        return 0
    async with transaction(restoring.docking.sessions) as session:
        waiting = await findings.without_tables(session, reasons=[NO_MOOV], limit=_AT_ONCE)
    count = 0
    for recording_id in waiting:
        try:
            count += await restore_recording(restoring, recording_id=recording_id, now=now)
        except Exception as error:  # noqa: BLE001 - of one recording: the others are tried all the same
            code = error.code if isinstance(error, DomainError) else type(error).__name__
            log.warning("a recording could not be restored", recording=str(recording_id), code=code)
    return count


async def restore_recording(restoring: Restoring, *, recording_id: UUID, now: datetime) -> bool:
    """Find the pictures of a recording without tables; return whether it plays now.

    Safe to repeat. Without a sandbox nothing is tried: what was not seen to decode is not shown.

    Raises:
        StoreSilent, ObjectAbsent, ObjectDamaged: it stays as it is.
    """
    docking = restoring.docking
    if not restoring.sandbox.before:
        return False
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id)
        if row is None or row.quarantine_reason not in RESTORABLE:
            return False
        models = await findings.models_for(session, row, limit=MODELS_MAX)
    try:
        found = await _found(restoring, row, models)
    except MediaToolRefused:
        return False
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id, for_update=True)
        if row is None or row.quarantine_reason not in RESTORABLE or row.destruction_begun_at:
            return False
        if isinstance(found, str):
            now_there = await findings.models_for(session, row, limit=MODELS_MAX)
            if [one.id for one, _, _ in now_there] == [one.id for one, _, _ in models]:
                row.quarantine_reason = found  # else it is asked for again, and may be found then
            return False
        examined = Examined([], found.index, None, PlayForm.RESTORED, found.front)
        await index_quarantined(session, docking, row, examined, now=now)
        await docking.trail.record(
            session,
            event="bodycam.recording_restored",
            at=now,
            who=None,
            fields={
                "recording_id": str(row.id),
                "model_id": str(found.model_id) if found.model_id else None,
                "pictures": found.pictures,
                "duration_ms": row.duration_ms,
                "complete": found.unseen_from is None,
                "status": row.status.value,
            },
        )
    return True


async def _found(
    restoring: Restoring, row: RecordingRow, models: list[tuple[RecordingRow, bytes, PlayForm]]
) -> _Found | str:
    """Return the pictures by the first likeness under which they decode, or why there are none."""
    tried = False
    told = await _told(restoring, row)
    for model, packed, form in models:
        likeness = await _learnt(restoring, model, packed, form)
        # A camera that tells how it codes in this very recording was set otherwise before.
        if likeness is not None and (told is None or told.told == likeness.told):
            tried = True
            found = await _by(restoring, row, likeness, model.id)
            if found is not None:
                return found
    if told is not None:
        tried = True
        found = await _by(restoring, row, told, None)
        if found is not None:
            return found
    return NO_PICTURE if tried else NO_LIKENESS


async def _learnt(
    restoring: Restoring, model: RecordingRow, packed: bytes, form: PlayForm
) -> Likeness | None:
    def learn(read_at: ReadAt) -> Likeness:
        return learnt_from(
            read_at=read_at,
            size_bytes=model.shown_bytes,
            index=BoxIndex.from_bytes(packed),
            by_pieces=form.by_pieces,
        )

    try:
        return await restoring.reader.reading(key=model.object_key, act=learn)
    except (NotLearnt, IndexNotReadable, NotPlayable, ObjectAbsent, ObjectDamaged):
        return None


async def _told(restoring: Restoring, row: RecordingRow) -> Likeness | None:
    def told(read_at: ReadAt) -> Likeness:
        return told_in_stream(read_at(_media_at(read_at, row.shown_bytes), _TOLD_BYTES))

    try:
        return await restoring.reader.reading(key=row.object_key, act=told)
    except NotLearnt:
        return None


def _media_at(read_at: ReadAt, size_bytes: int) -> int:
    """Return where the media begin: in the first ``mdat``, or where what stands is no box."""
    end = 0
    for kind, at, size in top_boxes(read_at=read_at, size_bytes=size_bytes):
        if kind == b"mdat":
            return at + 8
        if kind not in _BEFORE_MEDIA:
            return at
        end = min(at + size, size_bytes)
    return end


async def _by(
    restoring: Restoring, row: RecordingRow, likeness: Likeness, model_id: UUID | None
) -> _Found | None:
    """Return the pictures found by one likeness, ``None`` where none of the key ones decodes."""
    found = await restoring.reader.reading(
        key=row.object_key, act=lambda read_at: _walked(read_at, row, likeness, model_id)
    )
    if found is None or not await _decodes(restoring, row, found.front, found.index):
        return None
    found.index.damage.append(Damage(DamageKind.DESCRIPTION, 0, row.shown_bytes))
    if found.unseen_from is not None:
        found.index.damage.append(Damage(DamageKind.GAP, found.unseen_from, row.shown_bytes))
    return found


def _walked(
    read_at: ReadAt, row: RecordingRow, likeness: Likeness, model_id: UUID | None
) -> _Found | None:
    """Find the pictures and make what stands before them; takes seconds for a gibibyte."""
    size = row.shown_bytes
    pictures = pictures_in(
        read_at=read_at,
        first_byte=_media_at(read_at, size),
        size_bytes=size,
        likeness=likeness,
        limit=_PICTURES_MAX,
    )
    if not len(pictures):
        return None
    step = _step_of(row, likeness, len(pictures))
    try:
        front = made_front(pictures, likeness=likeness, step=step, size_bytes=size)
        whole = len(front) + size
        moov = moov_of(read_at=fronted(front, read_at), size_bytes=whole)
        plain = read_plain(moov, size_bytes=whole)
    except (ValueError, struct.error):  # its model tells of pictures that no recording has
        return None
    if plain is None:
        return None
    return _Found(
        front=front,
        index=box_index(plain),
        pictures=len(pictures),
        model_id=model_id,
        unseen_from=pictures.unseen_from,
    )


def _step_of(row: RecordingRow, likeness: Likeness, pictures: int) -> int:
    """Return the ticks of a picture: as learnt, or so that all last as long as was recorded."""
    lasted_ms = int((row.ended_at - row.started_at).total_seconds() * 1000)
    if lasted_ms <= 0:
        return likeness.step or max(1, _MS_DEFAULT * likeness.timescale // 1000)
    learnt_ms = likeness.step * pictures * 1000 // likeness.timescale
    if likeness.step and learnt_ms <= _LONGER * lasted_ms:
        return likeness.step
    even = lasted_ms * likeness.timescale // 1000 // pictures
    return min(max(even, 1), _STEP_SECONDS_MAX * likeness.timescale)


async def _decodes(restoring: Restoring, row: RecordingRow, front: bytes, index: BoxIndex) -> bool:
    """Return whether at least one of some key pictures decodes without an error.

    Raises:
        MediaToolRefused: there is no sandbox to look in.
    """
    step = max(1, index.duration_ms // _LOOKS)

    def choose(read_at: ReadAt) -> Looked:
        return choose_looks(
            read_at=read_at,
            size_bytes=len(front) + row.shown_bytes,
            index=index,
            plain=True,
            instants_ms=[step * number for number in range(_LOOKS)],
        )

    try:
        chosen = await FrontedObjects(restoring.reader, front).reading(
            key=row.object_key, act=choose
        )
    except BoxesBroken:
        return False
    looks = await grey_looks(
        sandbox=restoring.sandbox,
        codec=chosen.codec,
        set_up=chosen.set_up,
        frames=chosen.frames,
        tries=Tries(2 * _LOOKS),
    )
    return any(look is not None for look in looks)
