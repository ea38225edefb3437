"""What an officer enters of an offence; the person and the vehicle come from the check."""

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from uuid import UUID

from fines.rules.catalogue import SubjectKind
from fines.rules.offence_record import Language, PenaltyChosen
from fines.rules.record_fields import (
    Examination,
    Interpreter,
    NamedPerson,
    Signature,
    TechnicalDevice,
)


@dataclass(frozen=True, kw_only=True)
class NewOffence:
    """The fields of article 803(2) and (3). Instants are UTC."""

    check_id: UUID
    article: str
    part: str
    occurred_at: datetime
    place: str
    latitude: float
    longitude: float
    language: Language
    essence: str
    rights_explained: bool
    penalty: PenaltyChosen | None = None  # none: what the law demands
    aggravating: str = ""  # the circumstance of article 57 that rules a warning out
    earlier_decision: str = ""  # of a repeat that neither we nor the register know of
    offender_has_immunity: bool = False
    acted_as: SubjectKind | None = None  # none: as a natural person
    admits: bool | None = None  # said before the record; a warning needs it (807)
    interpreter: Interpreter | None = field(default=None, repr=False)
    explanation: str = field(default="", repr=False)
    signature: Signature | None = None  # stated at entry by older tablets
    refusal_motives: str = field(default="", repr=False)
    workplace: str = field(default="", repr=False)
    contact: str = field(default="", repr=False)  # phone or e-mail the person gave
    contact_confirmed: bool = False  # by signature: then a notice sent there is proper (743(5))
    people: tuple[NamedPerson, ...] = field(default=(), repr=False)
    technical_device: TechnicalDevice | None = None
    examination: Examination | None = None
    additional: str = field(default="", repr=False)
    attachments: tuple[str, ...] = ()

    def details(self) -> dict[str, object]:
        """Return what is sealed beside the essence, as JSON values."""
        device, examination = self.technical_device, self.examination
        return {
            "rights_explained": self.rights_explained,
            "aggravating": self.aggravating,
            "earlier_decision": self.earlier_decision,
            "acted_as": None if self.acted_as is None else self.acted_as.value,
            "admits": self.admits,
            "interpreter": None if self.interpreter is None else asdict(self.interpreter),
            "explanation": self.explanation,
            "signature": None if self.signature is None else self.signature.value,
            "refusal_motives": self.refusal_motives,
            "workplace": self.workplace,
            "contact": self.contact,
            "contact_confirmed": self.contact_confirmed,
            "people": [
                {"name": one.name, "address": one.address, "role": one.role.value}
                for one in self.people
            ],
            "technical_device": None
            if device is None
            else {name: _plain(value) for name, value in asdict(device).items()},
            "examination": None
            if examination is None
            else {"place": examination.place, "at": examination.at.isoformat()},
            "additional": self.additional,
            "attachments": list(self.attachments),
        }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
