"""What every step of the dock protocol stands on: a recording's facts, and what is stored."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from bodycam import repository
from bodycam.errors import ObjectAbsent, RecordingNotFound
from bodycam.models import RecordingRow
from bodycam.rules.life_cycle import OPEN, RecordingStatus
from bodycam.service.axis_keys import ClipCiphers
from bodycam.storage import ObjectStore
from bodycam.wire.digests import DIGEST_SIZE_BYTES, block_count, block_size
from bodycam.wire.protocol import State, Status

# In front of an upload's reference: what came is forgotten, and its bytes may be there still.
# Alone where an earlier release wrote it.
BEGUN_ANEW: Final = "anew"


def begun_anew(upload: str) -> str:
    """Return what stands in the row from when an upload is forgotten until the next is begun."""
    return upload if forgotten(upload) is not None else f"{BEGUN_ANEW}:{upload}"


def forgotten(upload: str) -> str | None:
    """Return the upload that was forgotten, empty where it is not known; else ``None``."""
    mark, _, rest = upload.partition(":")
    return rest if mark == BEGUN_ANEW else None


@dataclass(frozen=True, kw_only=True)
class Docking:
    """What every step of the dock protocol needs."""

    sessions: Sessions
    store: ObjectStore
    trail: AuditTrail
    recording_bytes_max: int
    ciphers: ClipCiphers | None = None  # without them encrypted clips wait for their keys


async def status_of(docking: Docking, *, recording_id: UUID, caller: Principal) -> Status:
    """Return which parts of the dock's recording are acknowledged.

    Raises:
        RecordingNotFound: there is none, or it is another dock's.
    """
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id)
        known = known_of(row, caller=caller, with_digests=False)
    return Status(
        recording_id=recording_id,
        state=known.state,
        found_bytes=known.found_bytes,
        acknowledged=tuple(sorted(await acknowledged(docking, known))),
    )


@dataclass(frozen=True, kw_only=True)
class Known:
    """A recording's row as the steps of the protocol need it, free of the session."""

    recording_id: UUID
    status: RecordingStatus
    object_key: str
    upload_ref: str
    found_bytes: int
    block_digests: bytes
    differing: dict[str, str]
    stale_upload: str = ""  # opened for a file that the dock has since found to be another

    @property
    def open(self) -> bool:
        """Whether parts may still come."""
        return self.status in OPEN

    @property
    def state(self) -> State:
        """The same in the words of the protocol."""
        return State.RECEIVING if self.open else State.STORED

    def same_bytes(self, row: RecordingRow) -> bool:
        """Whether the row is of the same upload and the same bytes still."""
        now = (row.upload_ref, row.found_bytes, row.differing)
        return now == (self.upload_ref, self.found_bytes, self.differing)

    def expected(self, number: int) -> bytes:
        """Return the digest that block ``number`` must have: declared, or else signed."""
        declared = self.differing.get(str(number))
        if declared is not None:
            return bytes.fromhex(declared)
        return self.block_digests[number * DIGEST_SIZE_BYTES : (number + 1) * DIGEST_SIZE_BYTES]


def known_of(row: RecordingRow | None, *, caller: Principal, with_digests: bool) -> Known:
    """Return the facts of the caller's recording.

    Raises:
        RecordingNotFound: there is none, or another dock has it.
    """
    if row is None or row.dock_id != caller.device:
        raise RecordingNotFound("no such recording at this dock")
    return Known(
        recording_id=row.id,
        status=row.status,
        object_key=row.object_key,
        upload_ref=row.upload_ref,
        found_bytes=row.found_bytes,
        block_digests=row.block_digests if with_digests else b"",
        differing=dict(row.differing),
    )


async def acknowledged(docking: Docking, known: Known) -> set[int]:
    """Return the parts that are stored: by our rows, or by the store that takes them itself."""
    count = block_count(known.found_bytes)
    if not known.open:
        return set(range(count))
    if docking.store.takes_parts_itself:
        try:
            sizes = await docking.store.stored_parts(key=known.object_key, upload=known.upload_ref)
        except ObjectAbsent:
            return set(range(count)) if await _is_sealed(docking, known) else set()
    else:
        async with transaction(docking.sessions) as session:
            rows = await repository.part_digests(session, recording_id=known.recording_id)
        sizes = {number: size for number, (_, size) in rows.items()}
    return {
        number
        for number, size in sizes.items()
        if number < count and size == block_size(number=number, size_bytes=known.found_bytes)
    }


async def _is_sealed(docking: Docking, known: Known) -> bool:
    try:
        return await docking.store.size_of(key=known.object_key) == known.found_bytes
    except ObjectAbsent:
        return False
