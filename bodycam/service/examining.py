"""Examining a stored recording: its signatures, its pictures, its sound, what can be saved.

A job, after the receipt: nobody waits for it, and whatever fails here leaves the recording stored
and playable. Each step keeps its own finding, so that a job that is run again goes on.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from app.audit.service import AuditTrail
from app.clock import utc_now
from app.db import Sessions, transaction
from bodycam import repository
from bodycam.errors import MediaToolFailed, MediaToolRefused
from bodycam.media import Sandbox, picture_sheet
from bodycam.models import RecordingDerivativeRow
from bodycam.repository import findings, heads
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.derived import (
    DerivativeKind,
    FindingKind,
    FindingOutcome,
    HeadStanding,
    PlayForm,
)
from bodycam.rules.footage_check import check_video
from bodycam.rules.frames import NoVideo, ReadAt
from bodycam.rules.heads import lies_of
from bodycam.rules.key_frames import Chosen, choose_pictures
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.salvage import recipe
from bodycam.rules.signed_video.findings import Findings
from bodycam.rules.signed_video.trust import Anchors
from bodycam.rules.storyboard import planned
from bodycam.rules.stretches import kept_losses
from bodycam.service.axis_keys import ObjectReader
from bodycam.service.coverage import least_ms_of, note_examination
from bodycam.service.fronted import FrontedObjects
from bodycam.service.heads import note_checked
from bodycam.service.looking import Looking, hear, look, told_of
from bodycam.service.recordings import PLAYABLE
from bodycam.wire.head import read_head

_SPANS_MAX: Final = 2_000  # of a strip on a page; all of them only in the program that runs alone


@dataclass(frozen=True, kw_only=True)
class Examining:
    """What an examination needs."""

    sessions: Sessions
    store: ObjectReader
    trail: AuditTrail
    sandbox: Sandbox
    anchors: Anchors


@dataclass(frozen=True, kw_only=True)
class _Subject:
    recording_id: UUID
    object_key: str
    size_bytes: int
    stored_root: bytes
    index: BoxIndex
    form: PlayForm
    shown: ObjectReader
    damage: tuple[tuple[int, int], ...]


async def examine_recording(examining: Examining, *, recording_id: UUID) -> None:
    """Examine a recording that is stored; repeatable.

    The first sheet comes first: it is what a reviewer sees while the rest is still made.
    """
    subject = await _subject(examining, recording_id)
    if subject is None:
        return
    await _check_head(examining, subject)
    await _make_sheets(examining, subject, numbers=slice(0, 1))
    await _salvage(examining, subject)
    broken = await _check_signatures(examining, subject)
    decibels = await _measure_loudness(examining, subject)
    await _note_stretches(examining, subject, decibels, broken)
    await _make_sheets(examining, subject, numbers=slice(1, None))


async def _subject(examining: Examining, recording_id: UUID) -> _Subject | None:
    async with transaction(examining.sessions) as session:
        row = await repository.recording(session, recording_id)
        packed = await repository.index_of(session, recording_id)
        form = await findings.form_of(session, recording_id)
        front = await findings.front_of(session, recording_id)
    if row is None or packed is None or form is None or row.stored_root is None:
        return None
    if row.status not in PLAYABLE:
        return None
    index = await asyncio.to_thread(BoxIndex.from_bytes, packed)
    return _Subject(
        recording_id=recording_id,
        object_key=row.object_key,
        size_bytes=row.shown_bytes + len(front),
        stored_root=row.stored_root,
        index=index,
        form=form,
        shown=FrontedObjects(examining.store, front) if front else examining.store,
        damage=tuple((int(one["first_byte"]), int(one["end_byte"])) for one in row.damage),
    )


async def _check_head(examining: Examining, subject: _Subject) -> None:
    """Compare what the camera sent ahead with what was stored; pictures of a lie go at once."""
    async with transaction(examining.sessions) as session:
        row = await heads.head_of(session, subject.recording_id, with_content=True)
    if row is None or row.standing is not HeadStanding.UNPROVEN or row.content is None:
        return
    head = await asyncio.to_thread(read_head, row.content)
    lies = await subject.shown.reading(
        key=subject.object_key,
        act=lambda read_at: lies_of(
            head, index=subject.index, damage=subject.damage, read_at=read_at
        ),
    )
    async with transaction(examining.sessions) as session:
        known = await heads.head_of(session, subject.recording_id, for_update=True)
        if known is not None and known.standing is HeadStanding.UNPROVEN:
            await note_checked(
                session,
                examining.trail,
                recording_id=subject.recording_id,
                lies=lies,
                at=utc_now(),
            )


async def _check_signatures(examining: Examining, subject: _Subject) -> tuple[tuple[int, int], ...]:
    """Keep what the signatures prove; return when there are frames that are no picture."""

    def check(read_at: ReadAt) -> Findings:
        return check_video(
            read_at=read_at, size_bytes=subject.size_bytes, anchors=examining.anchors
        )

    now = utc_now()
    try:
        found = await subject.shown.reading(key=subject.object_key, act=check)
    except NoVideo as reason:
        await _keep(examining, subject, FindingKind.SIGNED_VIDEO, {}, failed=str(reason), at=now)
        return ()
    broken = {"broken_ms": [list(one) for one in found.broken_ms[:_SPANS_MAX]]}
    await _keep(examining, subject, FindingKind.DECODING, broken, at=now)
    await _keep(
        examining, subject, FindingKind.SIGNED_VIDEO, found.as_json(spans_max=_SPANS_MAX), at=now,
        fields={
            "recording_id": str(subject.recording_id),
            "scheme": found.scheme.value if found.scheme else None,
            "trust": found.trust.value,
            "tampered": found.tampered,
            "broken_spans": len(found.broken_ms),
        },
    )  # fmt: skip
    return found.broken_ms


async def _salvage(examining: Examining, subject: _Subject) -> None:
    """Offer what plays of a damaged file: ranges of the original, and what they hash to."""
    ranges = _recipe(subject)
    if not ranges:
        return
    hashing = hashlib.sha256()
    for start, length in ranges:
        async for chunk in subject.shown.open_range(
            key=subject.object_key, start=start, length=length
        ):
            await asyncio.to_thread(hashing.update, chunk)
    now = utc_now()
    async with transaction(examining.sessions) as session:
        kind = DerivativeKind.SALVAGED
        known = await findings.derivative_of(session, recording_id=subject.recording_id, kind=kind)
        if known is not None:
            return
        row = RecordingDerivativeRow(
            id=uuid4(),
            recording_id=subject.recording_id,
            kind=kind,
            parent_root=subject.stored_root,
            recipe=[list(one) for one in ranges],
            size_bytes=sum(length for _, length in ranges),
            sha256=hashing.digest(),
            made_at=now,
        )
        session.add(row)
        await examining.trail.record(
            session,
            event="bodycam.derivative_made",
            at=now,
            who=None,
            fields={
                "recording_id": str(subject.recording_id),
                "derivative_id": str(row.id),
                "kind": kind.value,
                "parent_root": subject.stored_root.hex(),
                "sha256": row.sha256.hex(),
                "size_bytes": row.size_bytes,
            },
        )


def _recipe(subject: _Subject) -> list[tuple[int, int]]:
    if subject.form is PlayForm.RESTORED:
        return [(0, subject.size_bytes)]
    return recipe(subject.index) if subject.form is PlayForm.FRAGMENTED else []


async def _make_sheets(examining: Examining, subject: _Subject, *, numbers: slice) -> None:
    async with transaction(examining.sessions) as session:
        made = {one.number for one in await findings.sheets_of(session, subject.recording_id)}
        known = await findings.findings_of(session, subject.recording_id)
    if FindingKind.STORYBOARD in known and known[FindingKind.STORYBOARD].outcome.value != "done":
        return  # what failed once fails again; an administrator asks anew
    for sheet in planned(subject.index.duration_ms)[numbers]:
        if sheet.number in made:
            continue
        now = utc_now()
        try:
            chosen = await _choose(subject, sheet.instants_ms)
            picture = await _picture(examining, chosen)
        except (MediaToolFailed, MediaToolRefused, BoxesBroken) as error:
            await _not_done(examining, subject, FindingKind.STORYBOARD, error, at=now)
            return
        async with transaction(examining.sessions) as session:
            await findings.put_sheet(
                session, recording_id=subject.recording_id, sheet=sheet, picture=picture, at=now
            )


async def _choose(subject: _Subject, instants_ms: Sequence[int]) -> Chosen:
    def choose(read_at: ReadAt) -> Chosen:
        return choose_pictures(
            read_at=read_at,
            size_bytes=subject.size_bytes,
            index=subject.index,
            plain=subject.form.by_pieces,
            instants_ms=instants_ms,
        )

    return await subject.shown.reading(key=subject.object_key, act=choose)


async def _picture(examining: Examining, chosen: Chosen) -> bytes:
    return await picture_sheet(
        sandbox=examining.sandbox, codec=chosen.codec, set_up=chosen.set_up, frames=chosen.frames
    )


def _looking(examining: Examining, subject: _Subject) -> Looking:
    return Looking(
        store=subject.shown,
        sandbox=examining.sandbox,
        object_key=subject.object_key,
        size_bytes=subject.size_bytes,
        index=subject.index,
        plain=subject.form.by_pieces,
    )


async def _measure_loudness(examining: Examining, subject: _Subject) -> list[int | None] | None:
    """Keep how loud it is and return it; ``None`` where that could not be measured."""
    now = utc_now()
    try:
        levels = await hear(_looking(examining, subject))
    except (MediaToolFailed, MediaToolRefused, BoxesBroken) as error:
        await _not_done(examining, subject, FindingKind.LOUDNESS, error, at=now)
        return None
    body = {"decibels": levels or [], "sound": levels is not None}
    await _keep(examining, subject, FindingKind.LOUDNESS, body, at=now)
    return levels or []


async def _note_stretches(
    examining: Examining,
    subject: _Subject,
    decibels: list[int | None] | None,
    broken: Sequence[tuple[int, int]],
) -> None:
    """Tell the ledger where pictures are broken, black or frozen and where there is no sound.

    Of what could not be looked at the ledger goes on saying that it has not been examined.
    """
    looks: list[tuple[int, bytes | None]] = []
    with contextlib.suppress(MediaToolRefused, BoxesBroken):
        looks = await look(_looking(examining, subject))
    stretches = await asyncio.to_thread(
        told_of, subject.index, looks=looks, decibels=decibels, broken=broken
    )
    async with transaction(examining.sessions) as session:
        row = await repository.recording(session, subject.recording_id)
        if row is not None and row.status in PLAYABLE:
            row.lost = kept_losses(subject.index, at_least_ms=least_ms_of)
            await note_examination(
                session, trail=examining.trail, row=row, stretches=stretches, now=utc_now()
            )


async def _not_done(
    examining: Examining, subject: _Subject, kind: FindingKind, error: Exception, *, at: datetime
) -> None:
    refused = isinstance(error, MediaToolRefused)
    await _keep(examining, subject, kind, {}, at=at, failed=str(error)[:200], refused=refused)


async def _keep(
    examining: Examining,
    subject: _Subject,
    kind: FindingKind,
    body: dict[str, Any],
    *,
    at: datetime,
    failed: str | None = None,
    refused: bool = False,
    fields: dict[str, Any] | None = None,
) -> None:
    outcome = FindingOutcome.FAILED if failed else FindingOutcome.DONE
    async with transaction(examining.sessions) as session:
        await findings.put_finding(
            session,
            recording_id=subject.recording_id,
            kind=kind,
            outcome=FindingOutcome.REFUSED if refused else outcome,
            body=body,
            reason=failed,
            at=at,
        )
        if fields is not None:
            await examining.trail.record(
                session, event="bodycam.recording_examined", at=at, who=None, fields=fields
            )
