"""What a record states beside the offence itself (articles 738, 743, 803), and what it must.

Values only; whatever names a person stays out of ``repr``.
"""

import enum
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from fines.errors.proceedings import DeviceNotVerified, RightsNotExplained


class Bystander(enum.Enum):
    """Who somebody named beside the offender is."""

    WITNESS = "witness"
    VICTIM = "victim"
    ATTESTING = "attesting"


class Signature(enum.Enum):
    """Whether the person signed. It proves acquaintance, never an admission (article 803(7))."""

    SIGNED = "signed"
    REFUSED = "refused"


SIGNATURE_ENTRIES_MAX: Final = 20  # each may have a paper of its own


@dataclass(frozen=True, kw_only=True)
class NamedPerson:
    """A witness, victim or attesting witness with the address."""

    name: str = field(repr=False)
    address: str = field(repr=False)
    role: Bystander = Bystander.WITNESS


@dataclass(frozen=True, kw_only=True)
class PersonSigned:
    """What the person did when the record was shown, and who saw it."""

    signature: Signature
    motives: str = field(default="", repr=False)  # of a refusal, where they are named
    remarks: str = field(default="", repr=False)
    people: tuple[NamedPerson, ...] = field(default=(), repr=False)

    def body(self) -> dict[str, object]:
        """Return what is sealed of it, as JSON values."""
        return {
            "signature": self.signature.value,
            "motives": self.motives,
            "remarks": self.remarks,
            "people": [
                {"name": one.name, "address": one.address, "role": one.role.value}
                for one in self.people
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """Who interprets, free of charge, and into which language (article 738)."""

    name: str = field(repr=False)
    into: str


@dataclass(frozen=True, kw_only=True)
class TechnicalDevice:
    """The device an offence was fixed with (article 803(2)).

    A measuring device is verified (metrology): ``verified_until`` is the last day of the term.
    """

    name: str
    serial: str
    verification_number: str = ""
    verified_on: date | None = None
    verified_until: date | None = None
    reading: str = ""

    @property
    def measures(self) -> bool:
        """Whether its reading is evidence, so that its verification must have stood."""
        return bool(self.reading)


@dataclass(frozen=True, kw_only=True)
class Examination:
    """Where and when the case will be examined, if known as the record is made (803(2))."""

    place: str
    at: datetime


def refuse_unlawful_fields(
    *, rights_explained: bool, device: TechnicalDevice | None, occurred_on: date
) -> None:
    """Pass if the record may be drawn up with these.

    Raises:
        RightsNotExplained: article 803(3) wants the mark.
        DeviceNotVerified: a reading is no evidence outside the term of verification.
    """
    if not rights_explained:
        raise RightsNotExplained("rights and duties were not explained")
    if device is None or not device.measures:
        return
    from_, until = device.verified_on, device.verified_until
    if until is None or until < occurred_on or (from_ is not None and occurred_on < from_):
        raise DeviceNotVerified("the device was not verified on the day of the offence")
