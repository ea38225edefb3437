"""The exchange for tests: cards, facts that every gate lets through, a log that falls silent."""

from dataclasses import dataclass, field

from app.audit.errors import AuditSilent
from app.audit.service import AuditTrail
from app.exchange.rules.gates import DeviceStanding, Facts, FieldState

# A card of an invented person, its check digits worked out by hand with weights 7, 3, 1.
CARD = (
    "IDKAZ0456789126950817301017<<<",
    "9508174M3105191KAZ<<<<<<<<<<<8",
    "USENOV<<NURLAN<<<<<<<<<<<<<<<<",
)
CARD_IIN = "950817301017"

GOOD = {
    "session": True,
    "device_kind": "tablet",
    "device": DeviceStanding.ISSUED_TO_CALLER,
    "post_in_force": True,
    "role": "patrol_officer",
    "basis": "PRIMARY_CHECK",
    "services": ("person_documents", "vehicle"),
    "subject": FieldState.GOOD,
    "plate": FieldState.GOOD,
    "stop_ground": "traffic_violation",
    "requests_hour": 0,
    "requests_day": 0,
}


def facts(**changed):
    return Facts(**(GOOD | changed))


@dataclass(frozen=True, kw_only=True)
class TrailThatFallsSilent(AuditTrail):
    """Writes events as the real one does, but gives no leaf after the first ``leaves``."""

    leaves: list[None] = field(default_factory=list)

    async def sequenced(self, sessions, *, event_id, timeout_seconds):
        if not self.leaves:
            raise AuditSilent(f"event {event_id} has no leaf yet")
        self.leaves.pop()
        return await super().sequenced(sessions, event_id=event_id, timeout_seconds=timeout_seconds)
