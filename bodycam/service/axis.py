"""The door for body-worn systems of another make: containers, objects, and what they become.

A clip becomes a recording as soon as its camera is known to the unit; until then its bytes are
kept and tried again by a job. Nothing that has come is refused for what it says of itself.
"""

from collections.abc import AsyncIterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.errors import DomainError
from app.jobs import Queue, defer
from bodycam.errors import RecordingTooLarge
from bodycam.errors.axis import (
    AxisContainerNotFound,
    AxisNoRoomForRejected,
    AxisObjectCut,
    AxisObjectNotFound,
)
from bodycam.models.axis import AxisObjectRow
from bodycam.repository import axis as repository
from bodycam.rules import axis as rules
from bodycam.service.axis_recordings import take_in
from bodycam.service.axis_sealed import open_waiting
from bodycam.service.docking import Docking
from bodycam.service.inlet import Taken, TooMuch, take_object

log = structlog.get_logger(__name__)

SMALL_BYTES_MAX: Final = 16 << 20  # of anything that is no clip
# A system gives up an answer after 60 s: what is larger is read back by a job, after the answer.
READ_BACK_BYTES_MAX: Final = 64 << 20
TAKE_IN_TASK: Final = "bodycam.take_in_object"
_OURS: Final = {"Capabilities.json": rules.capabilities, "Categories.json": rules.categories}


async def put_container(
    docking: Docking, *, name: str, metadata: Mapping[str, str], caller: Principal, now: datetime
) -> bool:
    """Make a container, or add to the one that is there; return whether it is new.

    Raises:
        AxisMetadataNotValid: the name or a header is not of the form.
    """
    name = rules.checked_name(name)
    async with transaction(docking.sessions) as session:
        row, new = await repository.add_container(
            session, dock_id=caller.device, name=name, now=now
        )
        row.metadata_ = rules.merged(row.metadata_, metadata)
        row.changed_at = now
        if new:
            await docking.trail.record(
                session,
                event="bodycam.axis_container_put",
                at=now,
                who=caller,
                fields={"rejected": name.startswith(rules.REJECTED)},
            )
    return new


async def post_container(
    docking: Docking, *, name: str, metadata: Mapping[str, str], caller: Principal, now: datetime
) -> None:
    """Add to a container's metadata; at its end its clips become recordings.

    Raises:
        AxisContainerNotFound: it was not put.
    """
    async with transaction(docking.sessions) as session:
        row = await repository.container(session, dock_id=caller.device, name=name, lock=True)
        if row is None:
            raise AxisContainerNotFound("no such container")
        row.metadata_ = rules.merged(row.metadata_, metadata)
        row.changed_at = now
    await take_in(
        docking,
        dock_id=caller.device,
        container=name,
        caller=caller,
        now=now,
        bytes_max=READ_BACK_BYTES_MAX,
    )


async def read_container(docking: Docking, *, name: str, caller: Principal) -> dict[str, str]:
    """Return a container's metadata.

    Raises:
        AxisContainerNotFound: it was not put.
    """
    async with transaction(docking.sessions) as session:
        row = await repository.container(session, dock_id=caller.device, name=name)
        if row is None:
            raise AxisContainerNotFound("no such container")
        return dict(row.metadata_)


async def put_object(
    docking: Docking,
    *,
    container: str,
    name: str,
    metadata: Mapping[str, str],
    body: AsyncIterable[bytes],
    declared_bytes: int | None,
    etag: str,
    caller: Principal,
    now: datetime,
) -> str:
    """Store an object and return its ETag; when this returns it is on the disk, synced.

    The same bytes again change the metadata alone; other bytes are another version.

    Raises:
        AxisContainerNotFound: its container was not put.
        AxisMetadataNotValid, RecordingTooLarge: it will never be taken so.
        AxisNoRoomForRejected, AxisObjectCut, StoreFull, StoreSilent: send it again.
    """
    name = rules.checked_name(name)
    await _stand_ready(docking, container=container, caller=caller, now=now)
    kind = rules.kind_of(name, metadata)
    bytes_max = _bytes_max(docking, container=container, kind=kind)
    if declared_bytes is not None and declared_bytes > bytes_max:
        raise _too_large(container, bytes_max)
    object_id = uuid4()
    key = f"axis/{object_id}"
    taken = await _taken(
        docking, container, key=key, body=body, sizes=(declared_bytes, bytes_max), etag=etag
    )
    async with transaction(docking.sessions) as session:
        # The container's lock puts two senders of one name in a row.
        await repository.container(session, dock_id=caller.device, name=container, lock=True)
        known = await repository.newest(
            session, dock_id=caller.device, container=container, name=name
        )
        if known is not None and known.block_digests == taken.block_digests:
            spare = await _spare_copy(session, known, came_as=key)
            known.metadata_ = dict(metadata)
        else:
            row = AxisObjectRow(
                id=object_id,
                dock_id=caller.device,
                container=container,
                name=name,
                version=1 if known is None else known.version + 1,
                metadata_=dict(metadata),
                size_bytes=taken.size_bytes,
                md5=taken.md5,
                block_digests=taken.block_digests,
                object_key=key,
                stored_at=now,
            )
            spare = ""
            await _add(session, row, kind=kind)
    if spare:
        await docking.store.destroy(key=spare)
    if spare != key:
        await take_in(
            docking,
            dock_id=caller.device,
            container=container,
            caller=caller,
            now=now,
            bytes_max=READ_BACK_BYTES_MAX,
        )
    return taken.md5.hex()


async def _spare_copy(session: AsyncSession, known: AxisObjectRow, *, came_as: str) -> str:
    """Return the key of the copy that is of no use where the same bytes have come again.

    The one that has just come; of what still waits the one before, which may be why it waits.
    """
    if not await repository.still_waits(session, object_id=known.id):
        return came_as
    spare, known.object_key = known.object_key, came_as
    return spare


async def _taken(
    docking: Docking,
    container: str,
    *,
    key: str,
    body: AsyncIterable[bytes],
    sizes: tuple[int | None, int],
    etag: str,
) -> Taken:
    declared_bytes, bytes_max = sizes
    try:
        taken = await take_object(
            docking.store, key=key, body=body, declared_bytes=declared_bytes, bytes_max=bytes_max
        )
    except TooMuch as error:
        raise _too_large(container, bytes_max) from error
    if etag and etag != taken.md5.hex():
        await docking.store.destroy(key=key)
        raise AxisObjectCut("the bytes are not those of the ETag")
    return taken


async def _add(session: AsyncSession, row: AxisObjectRow, *, kind: rules.ObjectKind) -> None:
    """Add an object; a job takes in what its sender cannot wait for."""
    session.add(row)
    await session.flush()
    if row.size_bytes > READ_BACK_BYTES_MAX or kind is rules.ObjectKind.KEY:
        arguments = {"object_id": str(row.id)}
        await defer(session, queue=Queue.MEDIA, task=TAKE_IN_TASK, arguments=arguments)


async def _stand_ready(
    docking: Docking, *, container: str, caller: Principal, now: datetime
) -> None:
    """See that the container is there; the three fixed ones of a system always are."""
    try:
        await read_container(docking, name=container, caller=caller)
    except AxisContainerNotFound:
        if container not in rules.FIXED:
            raise
        await put_container(docking, name=container, metadata={}, caller=caller, now=now)


def _bytes_max(docking: Docking, *, container: str, kind: rules.ObjectKind) -> int:
    whole = kind is rules.ObjectKind.CLIP or container.startswith(rules.REJECTED)
    return docking.recording_bytes_max if whole else SMALL_BYTES_MAX


def _too_large(container: str, bytes_max: int) -> DomainError:
    if container.startswith(rules.REJECTED):
        return AxisNoRoomForRejected(f"over {bytes_max} bytes", bytes_max=bytes_max)
    return RecordingTooLarge(f"over {bytes_max} bytes", bytes_max=bytes_max)


async def take_in_object(docking: Docking, *, object_id: UUID, now: datetime) -> int:
    """Take in what waits in an object's container, however large; safe to repeat."""
    async with transaction(docking.sessions) as session:
        row = await session.get(AxisObjectRow, object_id)
        if row is None:
            return 0
        dock_id, container = row.dock_id, row.container
    return await take_in(docking, dock_id=dock_id, container=container, caller=None, now=now)


async def post_object(
    docking: Docking,
    *,
    container: str,
    name: str,
    metadata: Mapping[str, str],
    caller: Principal,
) -> None:
    """Replace an object's metadata.

    Raises:
        AxisObjectNotFound: there is none.
    """
    async with transaction(docking.sessions) as session:
        row = await _object(session, container=container, name=name, caller=caller)
        row.metadata_ = dict(metadata)


async def read_object(
    docking: Docking, *, container: str, name: str, caller: Principal
) -> tuple[dict[str, str], int, str]:
    """Return an object's metadata, its size and its ETag; its bytes are not given back.

    Raises:
        AxisObjectNotFound: there is none.
    """
    if container == rules.SYSTEM and name in _OURS:
        body = _OURS[name]()
        return {}, len(body), rules.etag_of(body)
    async with transaction(docking.sessions) as session:
        row = await _object(session, container=container, name=name, caller=caller)
        return dict(row.metadata_), row.size_bytes, row.md5.hex()


async def _object(
    session: AsyncSession, *, container: str, name: str, caller: Principal
) -> AxisObjectRow:
    row = await repository.newest(session, dock_id=caller.device, container=container, name=name)
    if row is None:
        raise AxisObjectNotFound("no such object")
    return row


async def read_system_object(
    docking: Docking, *, name: str, caller: Principal
) -> tuple[bytes, str]:
    """Return an object of the container ``System`` and its ETag: ours, or what was put there.

    Raises:
        AxisObjectNotFound: there is none.
    """
    if name in _OURS:
        body = _OURS[name]()
        return body, rules.etag_of(body)
    async with transaction(docking.sessions) as session:
        row = await _object(session, container=rules.SYSTEM, name=name, caller=caller)
        key, size, etag = row.object_key, row.size_bytes, row.md5.hex()
    return await docking.store.read(key=key, start=0, length=size), etag


async def take_in_waiting(docking: Docking, *, now: datetime) -> int:
    """Try everything again that could not become part of a recording; return how much did."""
    async with transaction(docking.sessions) as session:
        waiting = await repository.waiting_containers(session, limit=500)
    count = 0
    for dock_id, container in waiting:
        try:
            count += await take_in(
                docking, dock_id=dock_id, container=container, caller=None, now=now
            )
        except DomainError as error:  # what stops one body worn system stops no other
            log.warning("a container was not taken in", container=container, code=error.code)
    await open_waiting(docking, dock=None, of=None, now=now)
    return count
