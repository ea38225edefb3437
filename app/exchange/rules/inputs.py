"""Reading what a person sent: on which basis, about whom, which services."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self
from uuid import UUID

from app.errors import DomainError
from app.exchange.rules.bases import STOP_GROUNDS, Basis, SubjectKind, registers_to_ask
from app.exchange.rules.facts import FieldState
from app.exchange.rules.subjects import CheckInput, Position, read_subject
from app.iin import Iin, IinNotValid, parse_bin, parse_iin


@dataclass(frozen=True, kw_only=True)
class RequestInput:
    """A request as it was sent, before anything of it is believed.

    A text that was not given is empty; ``year`` and ``sanction_id`` are then ``None``.
    """

    basis: str
    services: tuple[str, ...]
    iin: str | None = field(default=None, repr=False)
    mrz: tuple[str, ...] | None = field(default=None, repr=False)
    bin: str | None = field(default=None, repr=False)
    plate: str | None = field(default=None, repr=False)
    stop_ground: str = ""
    article: str = ""
    case_number: str = field(default="", repr=False)
    order_number: str = field(default="", repr=False)
    order_body: str = field(default="", repr=False)
    cover_letter: str = field(default="", repr=False)
    year: int | None = None
    court: str = field(default="", repr=False)
    sanction_id: UUID | None = None
    justification: str = field(default="", repr=False)
    position: Position | None = field(default=None, repr=False)

    @classmethod
    def of_check(cls, sent: CheckInput, *, with_plate: bool) -> Self:
        """Return a roadside check as the request it is: the services are those of its kind."""
        return cls(
            basis=Basis.PRIMARY_CHECK.value,
            services=tuple(name.value for name in registers_to_ask(with_plate=with_plate)),
            iin=sent.iin,
            mrz=sent.mrz,
            plate=sent.plate,
            stop_ground=sent.stop_ground,
            justification=sent.justification,
            position=sent.position,
        )

    @property
    def listed_stop_ground(self) -> str:
        """The ground, or an empty string where it is not on the list: free text is not kept."""
        return self.stop_ground if self.stop_ground in STOP_GROUNDS else ""


@dataclass(frozen=True, kw_only=True)
class About:
    """Whom and what a request is about, as far as it could be read.

    A fault is kept, not raised: an earlier gate may refuse first. ``state`` is that of the IIN or
    of the BIN, whichever names the subject.
    """

    kind: SubjectKind | None = None
    iin: Iin | None = None
    bin: str | None = field(default=None, repr=False)
    plate: str | None = field(default=None, repr=False)
    document_number: str | None = field(default=None, repr=False)
    document_expires_on: date | None = None
    state: FieldState = FieldState.ABSENT
    plate_state: FieldState = FieldState.ABSENT
    fault: DomainError | None = None
    plate_fault: DomainError | None = None

    @property
    def key(self) -> tuple[str, str] | None:
        """The kind and the number under which requests about this subject are found again."""
        if self.iin is not None:
            return "iin", self.iin.digits
        if self.bin is not None:
            return "bin", self.bin
        return None if self.plate is None else ("plate", self.plate)


def read_about(sent: RequestInput, *, today: date) -> About:
    """Return what ``sent`` names; a person and a legal entity at once are none of both."""
    check = CheckInput(iin=sent.iin, mrz=sent.mrz, plate=sent.plate)
    subject = read_subject(check, today=today)
    entity, state, fault = None, subject.iin_state, subject.iin_fault
    if sent.bin is not None:
        entity, state, fault = _entity(sent)
    card = subject.card
    return About(
        kind=_kind(sent),
        iin=subject.iin if sent.bin is None else None,
        bin=entity,
        plate=subject.plate,
        document_number=None if card is None else card.document_number,
        document_expires_on=None if card is None else card.expires_on,
        state=state,
        plate_state=subject.plate_state,
        fault=fault,
        plate_fault=subject.plate_fault,
    )


def _entity(sent: RequestInput) -> tuple[str | None, FieldState, DomainError | None]:
    if sent.iin is not None or sent.mrz is not None:
        return None, FieldState.MALFORMED, None
    try:
        return parse_bin(sent.bin or ""), FieldState.GOOD, None
    except IinNotValid as fault:
        return None, FieldState.MALFORMED, fault


def _kind(sent: RequestInput) -> SubjectKind | None:
    person = sent.iin is not None or sent.mrz is not None
    if sent.bin is not None:
        return None if person else SubjectKind.LEGAL_ENTITY
    with_plate = sent.plate is not None and bool(sent.plate.strip())
    if person:
        return SubjectKind.PERSON_AND_VEHICLE if with_plate else SubjectKind.PERSON
    return SubjectKind.VEHICLE if with_plate else None


def about_plain(about: About) -> dict[str, object]:
    """Return what is kept, sealed, of whom and what a request was about: JSON values."""
    expires_on = about.document_expires_on
    return {
        "v": 1,
        "kind": None if about.kind is None else about.kind.value,
        "iin": None if about.iin is None else about.iin.digits,
        "bin": about.bin,
        "plate": about.plate,
        "document_number": about.document_number,
        "document_expires_on": None if expires_on is None else expires_on.isoformat(),
    }


def about_of(plain: Mapping[str, object]) -> About:
    """Return the subject of the parsed JSON that ``about_plain`` made: a well-read one."""
    iin, kind, expires_on = plain["iin"], plain["kind"], plain["document_expires_on"]
    bin_, plate, number = plain["bin"], plain["plate"], plain["document_number"]
    named = iin is not None or bin_ is not None
    return About(
        kind=None if kind is None else SubjectKind(kind),
        iin=None if iin is None else parse_iin(str(iin)),
        bin=None if bin_ is None else str(bin_),
        plate=None if plate is None else str(plate),
        document_number=None if number is None else str(number),
        document_expires_on=None if expires_on is None else date.fromisoformat(str(expires_on)),
        state=FieldState.GOOD if named else FieldState.ABSENT,
        plate_state=FieldState.ABSENT if plate is None else FieldState.GOOD,
    )
