"""The exchange for tests: cards, facts that every gate lets through, a log that falls silent."""

from dataclasses import dataclass, field

from app.audit.errors import AuditSilent
from app.audit.service import AuditTrail
from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.bases import SubjectKind
from app.exchange.rules.facts import NOTHING_GIVEN
from app.exchange.rules.gates import (
    Channel,
    DeviceStanding,
    Facts,
    FieldState,
    SanctionStanding,
    SecondPerson,
)

# A card of an invented person, its check digits worked out by hand with weights 7, 3, 1.
CARD = (
    "IDKAZ0456789126950817301017<<<",
    "9508174M3105191KAZ<<<<<<<<<<<8",
    "USENOV<<NURLAN<<<<<<<<<<<<<<<<",
)
CARD_IIN = "950817301017"

JUSTIFICATION = "Водитель пересёк сплошную линию разметки, личность устанавливается на месте."

GOOD = {
    "channel": Channel.OWN,
    "session": True,
    "person_behind": None,
    "device_kind": "tablet",
    "device": DeviceStanding.ISSUED_TO_CALLER,
    "user": UserStanding.ACTIVE,
    "agreement": AgreementStanding.SIGNED,
    "role": "patrol_officer",
    "granted_services": frozenset({"person_documents", "vehicle"}),
    "granted_bases": frozenset({"PRIMARY_CHECK"}),
    "basis": "PRIMARY_CHECK",
    "services": ("person_documents", "vehicle"),
    "article": "",
    "subject_kind": SubjectKind.PERSON_AND_VEHICLE,
    "subject": FieldState.GOOD,
    "plate": FieldState.GOOD,
    "stop_ground": "traffic_violation",
    "given": NOTHING_GIVEN,
    "sanction": SanctionStanding.NOT_NAMED,
    "recon": None,
    "recon_articles": (),
    "second_person": SecondPerson.NOT_YET,
    "requests_hour": 0,
    "requests_day": 0,
    "same_subject_day": 0,
    "drawn": False,
    "justification": FieldState.ABSENT,
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
