"""Reading what the tablet sent: who and what is to be checked."""

from dataclasses import dataclass, field
from datetime import date

from app.errors import DomainError
from app.exchange.errors import MrzNotValid, PlateNotValid
from app.exchange.rules.bases import STOP_GROUNDS
from app.exchange.rules.facts import FieldState
from app.exchange.rules.mrz import IdentityCard, parse_mrz
from app.exchange.rules.plates import parse_plate
from app.iin import Iin, IinNotValid, parse_iin


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a tablet stands, in degrees. It decides one flag, and is kept rounded."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)

    @property
    def rounded_e2(self) -> tuple[int, int]:
        """Latitude and longitude in hundredths of a degree: a kilometre or so."""
        return round(self.latitude * 100), round(self.longitude * 100)


@dataclass(frozen=True, kw_only=True)
class CheckInput:
    """A roadside check as it was sent, before anything of it is believed."""

    iin: str | None = field(default=None, repr=False)
    mrz: tuple[str, ...] | None = field(default=None, repr=False)
    plate: str | None = field(default=None, repr=False)
    stop_ground: str = ""
    justification: str = field(default="", repr=False)
    position: Position | None = field(default=None, repr=False)

    @property
    def listed_stop_ground(self) -> str:
        """The ground, or an empty string where it is not on the list: free text is not kept."""
        return self.stop_ground if self.stop_ground in STOP_GROUNDS else ""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What could be read of it. A fault is kept, not raised: an earlier gate may refuse first."""

    iin: Iin | None = None
    card: IdentityCard | None = field(default=None, repr=False)
    plate: str | None = field(default=None, repr=False)
    iin_state: FieldState
    plate_state: FieldState
    iin_fault: DomainError | None = None
    plate_fault: DomainError | None = None


def read_subject(sent: CheckInput, *, today: date) -> Subject:
    """Return what ``sent`` names. Exactly one of IIN and machine-readable zone is to be given."""
    iin, card, iin_state, iin_fault = _person(sent)
    plate, plate_state, plate_fault = _plate(sent.plate, today)
    return Subject(
        iin=iin,
        card=card,
        plate=plate,
        iin_state=iin_state,
        plate_state=plate_state,
        iin_fault=iin_fault,
        plate_fault=plate_fault,
    )


def _person(
    sent: CheckInput,
) -> tuple[Iin | None, IdentityCard | None, FieldState, DomainError | None]:
    if (sent.iin is None) == (sent.mrz is None):
        state = FieldState.ABSENT if sent.iin is None else FieldState.MALFORMED
        return None, None, state, None
    try:
        if sent.mrz is not None:
            card = parse_mrz(sent.mrz)
            return card.iin, card, FieldState.GOOD, None
        return parse_iin(sent.iin or ""), None, FieldState.GOOD, None
    except (IinNotValid, MrzNotValid) as fault:
        return None, None, FieldState.MALFORMED, fault


def _plate(text: str | None, today: date) -> tuple[str | None, FieldState, DomainError | None]:
    if text is None or not text.strip():
        return None, FieldState.ABSENT, None
    try:
        return parse_plate(text, on=today), FieldState.GOOD, None
    except PlateNotValid as fault:
        return None, FieldState.MALFORMED, fault
