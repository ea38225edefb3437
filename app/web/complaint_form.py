"""The complaint form: what the reviewer typed, read field by field, with nothing lost."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from app.clock import LAW_ZONE
from app.web.texts import N_
from bodycam.rules.life_cycle import ComplaintKind
from bodycam.rules.places import RADIUS_METERS_MAX, WINDOW_DAYS_MAX
from bodycam.service import NewComplaint

RADIUS_METERS_USUAL: Final = 150
_SHORT_MAX: Final = 200
_TEXT_MAX: Final = 8000
_LATITUDE_MAX: Final = 90.0
_LONGITUDE_MAX: Final = 180.0
_FIRST_YEAR: Final = 2000  # before any body camera: catches a year typed in part

_NEEDED: Final = N_("Fill in this field.")
_TOO_LONG: Final = N_("This is too long.")
_NO_LATITUDE: Final = N_("Write degrees from -90 to 90 with a decimal point, such as 43.2403.")
_NO_LONGITUDE: Final = N_("Write degrees from -180 to 180 with a decimal point, such as 76.9250.")
_NO_RADIUS: Final = N_("Write whole meters, from 1 to 5000.")
_NO_TIME: Final = N_("Choose a date and a time.")
_NO_KIND: Final = N_("Choose one of the kinds.")
_ENDS_EARLY: Final = N_("The end must be later than the beginning.")
_WINDOW_LONG: Final = N_("At most seven days can be searched at once.")
_NOT_YET: Final = N_("This time has not come yet.")


# In the order of the page: errors are listed so.
FIELD_LABELS: Final = {
    "place": N_("Place"),
    "latitude": N_("Latitude"),
    "longitude": N_("Longitude"),
    "radius": N_("Radius, m"),
    "seen_from": N_("Beginning"),
    "seen_to": N_("End"),
    "kind": N_("Kind"),
    "complainant_name": N_("Complainant"),
    "complainant_contact": N_("How to reach the complainant"),
    "text": N_("What the complaint says"),
}


class ComplaintForm(BaseModel):
    """The fields as typed. None is required here: each missing one gets a word of its own."""

    model_config = ConfigDict(
        frozen=True, str_strip_whitespace=True, extra="ignore", hide_input_in_errors=True
    )

    kind: str = ComplaintKind.COMPLAINT.value
    place: str = ""
    latitude: str = ""
    longitude: str = ""
    radius: str = str(RADIUS_METERS_USUAL)
    seen_from: str = ""
    seen_to: str = ""
    complainant_name: str = ""
    complainant_contact: str = ""
    text: str = ""


@dataclass(frozen=True)
class FormRead:
    """A complaint to register, or what is wrong: an English message for each field's name."""

    complaint: NewComplaint | None
    errors: dict[str, str]


def read_form(form: ComplaintForm, *, now: datetime) -> FormRead:
    """Return what the form says, or what is wrong with each of its fields.

    Times are wall-clock times of the law's zone. Where the clocks showed an hour twice, the
    window begins in its first run and ends in its second: nothing that was meant is left out.

    Args:
        form: the fields as typed.
        now: nothing was seen later than this.
    """
    reader = _Reader(form)
    kind = reader.kind("kind")
    place = reader.words("place", longest=_SHORT_MAX)
    latitude = reader.degrees("latitude", most=_LATITUDE_MAX, otherwise=_NO_LATITUDE)
    longitude = reader.degrees("longitude", most=_LONGITUDE_MAX, otherwise=_NO_LONGITUDE)
    radius = reader.meters("radius")
    seen_from = reader.instant("seen_from", fold=0)
    seen_to = reader.instant("seen_to", fold=1)
    name = reader.words("complainant_name", longest=_SHORT_MAX)
    contact = reader.words("complainant_contact", longest=_SHORT_MAX)
    text = reader.words("text", longest=_TEXT_MAX)
    if "seen_from" not in reader.errors and "seen_to" not in reader.errors:
        reader.check_window(seen_from, seen_to, now=now)
    if reader.errors:
        return FormRead(
            None, {name: reader.errors[name] for name in FIELD_LABELS if name in reader.errors}
        )
    complaint = NewComplaint(
        kind=kind,
        place=place,
        latitude=latitude,
        longitude=longitude,
        radius_meters=radius,
        seen_from=seen_from,
        seen_to=seen_to,
        text=text,
        complainant_name=name,
        complainant_contact=contact,
    )
    return FormRead(complaint, {})


class _Reader:
    """Reads fields one by one; a wrong one leaves an error and a value that nobody uses."""

    def __init__(self, form: ComplaintForm) -> None:
        self._form = form
        self.errors: dict[str, str] = {}

    def words(self, name: str, *, longest: int) -> str:
        text = self._typed(name)
        if len(text) > longest:
            self.errors[name] = _TOO_LONG
        return text

    def kind(self, name: str) -> ComplaintKind:
        try:
            return ComplaintKind(self._typed(name))
        except ValueError:
            self.errors[name] = _NO_KIND
            return ComplaintKind.COMPLAINT

    def degrees(self, name: str, *, most: float, otherwise: str) -> float:
        text = self._typed(name).replace(",", ".")
        try:
            degrees = float(text) if text else 0.0
        except ValueError:
            degrees = float("nan")
        if not -most <= degrees <= most:  # not a number compares with nothing
            self.errors[name] = otherwise
        return degrees

    def meters(self, name: str) -> int:
        text = self._typed(name)
        meters = int(text) if text.isascii() and text.isdigit() and len(text) <= len("5000") else 0
        if text and not 1 <= meters <= RADIUS_METERS_MAX:
            self.errors[name] = _NO_RADIUS
        return meters

    def instant(self, name: str, *, fold: int) -> datetime:
        text = self._typed(name)
        try:
            wall = datetime.fromisoformat(text)
        except ValueError:
            wall = None
        if wall is None or wall.tzinfo is not None or wall.year < _FIRST_YEAR:
            self.errors.setdefault(name, _NO_TIME)
            return datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
        return wall.replace(tzinfo=LAW_ZONE, fold=fold).astimezone(UTC)

    def check_window(self, seen_from: datetime, seen_to: datetime, *, now: datetime) -> None:
        if seen_from > now:
            self.errors["seen_from"] = _NOT_YET
        elif seen_to <= seen_from:
            self.errors["seen_to"] = _ENDS_EARLY
        elif seen_to - seen_from > timedelta(days=WINDOW_DAYS_MAX):
            self.errors["seen_to"] = _WINDOW_LONG

    def _typed(self, name: str) -> str:
        text: str = getattr(self._form, name)
        if not text:
            self.errors[name] = _NEEDED
        return text
