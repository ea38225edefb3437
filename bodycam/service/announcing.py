"""Announcing a recording: whose it is, room for it, and what to send where."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from bodycam import repository
from bodycam.errors import (
    BlockDiffers,
    CameraNotKnown,
    ManifestChanged,
    ManifestNotSigned,
    ManifestNotValid,
    RecordingTooLarge,
)
from bodycam.models import RecordingRow
from bodycam.repository import heads
from bodycam.rules.declared import Declared, declared, kept
from bodycam.rules.life_cycle import RecordingStatus
from bodycam.rules.retention import Category
from bodycam.rules.signing import check_manifest
from bodycam.service.cameras import camera_key, dock_announced, holder_of
from bodycam.service.declaration import take_declaration
from bodycam.service.docking import Docking, Known, acknowledged, known_of
from bodycam.service.making_room import make_room
from bodycam.service.waiting import Due, what_is_due
from bodycam.storage import PartAsked
from bodycam.wire import protocol
from bodycam.wire.digests import (
    block_count,
    block_size,
    content_digest,
    merkle_root,
)
from bodycam.wire.manifest import Manifest
from bodycam.wire.protocol import Announce, HeadTarget, PartTarget, UploadPlan

_NAMED_MAX: Final = 100  # blocks named in an event: a leaf of the log has a limit
_PLAN_PARTS_MAX: Final = 256  # an address each; the dock asks again when it has sent them


def read_announce(body: bytes) -> Announce:
    """Return the announcement in ``body``; takes up to 0.3 s for a long track: call in a thread.

    Raises:
        ManifestNotValid: naming the fields that are wrong and none of their values.
    """
    try:
        announce = Announce.model_validate_json(body)
    except ValidationError as error:
        wrong = [
            {"where": ".".join(str(step) for step in one["loc"]), "what": one["msg"]}
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise ManifestNotValid("the announcement is not well formed", errors=wrong[:20]) from error
    manifest = announce.manifest
    if merkle_root([bytes.fromhex(one) for one in manifest.blocks]).hex() != manifest.merkle_root:
        raise ManifestNotValid("the Merkle root does not fit the blocks")
    _refuse_undeclared(announce)
    return announce


def _refuse_undeclared(announce: Announce) -> None:
    """Every block that cannot be as signed must carry its own digest, so that it is checked."""
    declared = {block.number for block in announce.differing}
    count = block_count(announce.found_bytes)
    if any(number >= count for number in declared):
        raise ManifestNotValid("a differing block lies past the end of what was found")
    signed_bytes, found_bytes = announce.manifest.size_bytes, announce.found_bytes
    undeclared = [
        number
        for number in range(count)
        if (
            number >= block_count(signed_bytes)
            or block_size(number=number, size_bytes=signed_bytes)
            != block_size(number=number, size_bytes=found_bytes)
        )
        and number not in declared
    ]
    if undeclared:
        raise BlockDiffers("the file has not its signed size", blocks=undeclared[:100])


async def announce_recording(
    docking: Docking, *, announce: Announce, caller: Principal, now: datetime
) -> UploadPlan:
    """Take note of a recording and return what to send; repeatable at any time.

    Raises:
        CameraNotKnown, ManifestNotSigned, ManifestChanged, RecordingTooLarge: nothing is taken;
            the refusal is on the log.
        StoreFull: the recording is known but has no room yet.
    """
    try:
        known = await _take_note(docking, announce=announce, caller=caller, now=now)
    except (CameraNotKnown, ManifestNotSigned, ManifestChanged, RecordingTooLarge) as refusal:
        await _note_refusal(docking, announce=announce, caller=caller, now=now, code=refusal.code)
        raise
    if known.open:
        known = await make_room(docking, known)
    return await _plan(docking, known, announce)


async def _take_note(
    docking: Docking, *, announce: Announce, caller: Principal, now: datetime
) -> Known:
    manifest = announce.manifest
    if max(announce.found_bytes, manifest.size_bytes) > docking.recording_bytes_max:
        raise RecordingTooLarge(
            f"recording {manifest.recording_id} has over {docking.recording_bytes_max} bytes",
            bytes_max=docking.recording_bytes_max,
        )
    async with transaction(docking.sessions) as session:
        key_pem = await camera_key(session, camera_id=manifest.camera_id, dock=caller)
        first_at = await repository.announced_at(session, manifest.recording_id)
    canonical = await asyncio.to_thread(_checked_canonical, announce, key_pem)
    stale = ""
    async with transaction(docking.sessions) as session:
        await dock_announced(
            session, docking.trail, manifest, dock=caller, at=now, first_at=first_at or now
        )
        row = await repository.recording(
            session, manifest.recording_id, with_evidence=True, for_update=True
        )
        if row is None:
            row = _new_row(announce=announce, canonical=canonical, caller=caller, now=now)
            await _add(session, docking, row=row, manifest=manifest, caller=caller, now=now)
        else:
            if row.manifest_sha256 != hashlib.sha256(canonical).digest():
                raise ManifestChanged(f"recording {row.id} was announced with another manifest")
            row.dock_id = caller.device  # a camera may be moved to another dock of the unit
            stale = await take_declaration(session, docking, row, announce=announce, caller=caller)
        return replace(known_of(row, caller=caller, with_digests=True), stale_upload=stale)


def _checked_canonical(announce: Announce, camera_key_pem: str) -> bytes:
    check_manifest(
        manifest=announce.manifest, signature=announce.signature, camera_key_pem=camera_key_pem
    )
    return announce.manifest.canonical()


def _new_row(
    *, announce: Announce, canonical: bytes, caller: Principal, now: datetime
) -> RecordingRow:
    manifest = announce.manifest
    drift = timedelta(milliseconds=manifest.clock_drift_ms)
    return RecordingRow(
        id=manifest.recording_id,
        camera_id=manifest.camera_id,
        dock_id=caller.device,
        department_id=caller.department_id,
        status=RecordingStatus.ANNOUNCED,
        started_at=manifest.started_at - drift,
        ended_at=manifest.ended_at - drift,
        clock_drift_ms=manifest.clock_drift_ms,
        battery_percent=manifest.battery_percent,
        declared_bytes=manifest.size_bytes,
        found_bytes=announce.found_bytes,
        block_digests=b"".join(bytes.fromhex(one) for one in manifest.blocks),
        merkle_root=bytes.fromhex(manifest.merkle_root),
        differing=dict(declared(announce).differing),
        manifest=canonical,
        manifest_sha256=hashlib.sha256(canonical).digest(),
        manifest_signature=announce.signature,
        object_key=f"recordings/{manifest.recording_id}",
        upload_ref="",
        damage=[],
        announced_at=now,
        previous_manifest_sha256=(
            None
            if manifest.previous_manifest_sha256 is None
            else bytes.fromhex(manifest.previous_manifest_sha256)
        ),
        category=Category.OTHER,
        events=[
            one.model_copy(update={"at": one.at - drift}).model_dump(mode="json")
            for one in manifest.events
        ],
        head_sha256=bytes.fromhex(manifest.head_sha256) if manifest.head_sha256 else None,
        head_bytes=manifest.head_bytes,
    )


async def _add(
    session: AsyncSession,
    docking: Docking,
    *,
    row: RecordingRow,
    manifest: Manifest,
    caller: Principal,
    now: datetime,
) -> None:
    previous = manifest.previous_manifest_sha256
    row.predecessor_known = await repository.manifest_known(
        session,
        camera_id=row.camera_id,
        sha256=bytes.fromhex(previous) if previous is not None else None,
    )
    row.post_id = await holder_of(
        session, camera_id=row.camera_id, started_at=row.started_at, ended_at=row.ended_at
    )
    session.add(row)
    await session.flush()
    drift = timedelta(milliseconds=manifest.clock_drift_ms)
    await repository.add_track(
        session,
        recording_id=row.id,
        points=[(one.at - drift, one.latitude_e7, one.longitude_e7) for one in manifest.track],
    )
    await docking.trail.record(
        session,
        event="bodycam.recording_announced",
        at=now,
        who=caller,
        fields={
            "recording_id": str(row.id),
            "camera_id": str(row.camera_id),
            "post_id": str(row.post_id) if row.post_id else None,
            "manifest_sha256": row.manifest_sha256.hex(),
            "declared_bytes": row.declared_bytes,
            "found_bytes": row.found_bytes,
            "differing_blocks": sorted(map(int, row.differing))[:_NAMED_MAX],
            "differing_blocks_count": len(row.differing),
            "predecessor_known": row.predecessor_known,
        },
    )


async def _plan(docking: Docking, known: Known, announce: Announce) -> UploadPlan:
    stored = await acknowledged(docking, known)
    count = block_count(known.found_bytes)
    missing = [number for number in range(count) if number not in stored]
    due = Due()
    head = None
    if missing:
        async with transaction(docking.sessions) as session:
            due = await what_is_due(session, recording_id=known.recording_id, missing=missing)
            head = await _head_target(session, known)
    return UploadPlan(
        recording_id=known.recording_id,
        state=known.state,
        found_bytes=known.found_bytes,
        acknowledged=tuple(sorted(stored)),
        parts=tuple(await _targets(docking, known, (due.blocks or missing)[:_PLAN_PARTS_MAX])),
        wanted_until=due.until,
        head=head,
        kept=kept(announce, Declared(found_bytes=known.found_bytes, differing=known.differing)),
    )


async def _head_target(session: AsyncSession, known: Known) -> HeadTarget | None:
    row = await repository.recording(session, known.recording_id)
    if row is None or row.head_sha256 is None or row.head_bytes is None:
        return None
    if await heads.head_of(session, known.recording_id) is not None:
        return None
    return HeadTarget(
        size_bytes=row.head_bytes,
        url=protocol.PATH_HEAD.format(recording_id=known.recording_id),
        headers={protocol.DIGEST_HEADER: content_digest(row.head_sha256)},
    )


async def _targets(docking: Docking, known: Known, numbers: Sequence[int]) -> list[PartTarget]:
    asked = [
        PartAsked(
            number=number,
            size_bytes=block_size(number=number, size_bytes=known.found_bytes),
            sha256=known.expected(number),
        )
        for number in numbers
    ]
    if docking.store.takes_parts_itself and asked:
        given = await docking.store.part_targets(
            key=known.object_key, upload=known.upload_ref, parts=asked
        )
        where = [(one.url, one.headers) for one in given]
    else:
        where = [
            (
                protocol.PATH_PART.format(recording_id=known.recording_id, part_number=one.number),
                {protocol.DIGEST_HEADER: content_digest(one.sha256)},
            )
            for one in asked
        ]
    return [
        PartTarget(number=one.number, size_bytes=one.size_bytes, url=url, headers=headers)
        for one, (url, headers) in zip(asked, where, strict=True)
    ]


async def _note_refusal(
    docking: Docking, *, announce: Announce, caller: Principal, now: datetime, code: str
) -> None:
    async with transaction(docking.sessions) as session:
        await docking.trail.record(
            session,
            event="bodycam.recording_refused",
            at=now,
            who=caller,
            fields={
                "recording_id": str(announce.manifest.recording_id),
                "camera_id": str(announce.manifest.camera_id),
                "code": code,
            },
        )
