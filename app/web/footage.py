"""What the complaint and player pages show of recordings: who, by which camera, from when."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.identity.service import PostCard, posts_by_id
from bodycam.service import RecordingFacts
from devices.service import list_devices


@dataclass(frozen=True, kw_only=True)
class Footage:
    """A recording with the officer who held the camera and the camera's inventory number.

    ``officer`` is ``None`` where nobody had signed for the camera, ``camera_number`` where the
    camera has left the unit's inventory.
    """

    facts: RecordingFacts
    officer: PostCard | None
    camera_number: str | None

    @property
    def wall_seconds(self) -> float:
        """Length by the clock, breaks included."""
        return (self.facts.ended_at - self.facts.started_at).total_seconds()

    @property
    def seconds(self) -> float:
        """Length of what can be played; by the clock where that is not known."""
        length = self.facts.duration_ms
        return self.wall_seconds if length is None else length / 1000


async def footage_of(
    session: AsyncSession, *, recordings: Iterable[RecordingFacts], caller: Principal
) -> dict[UUID, Footage]:
    """Return the recordings by id, with their officers and cameras."""
    facts = list(recordings)
    if not facts:
        return {}
    officers = await posts_by_id(session, {one.post_id for one in facts if one.post_id})
    inventory = await list_devices(session, caller=caller)
    numbers = {device.id: device.inventory_number for device, _ in inventory}
    return {
        one.recording_id: Footage(
            facts=one,
            officer=officers.get(one.post_id) if one.post_id else None,
            camera_number=numbers.get(one.camera_id),
        )
        for one in facts
    }
