"""Number plates of Kazakhstan: dated patterns and letters that only look Latin.

The forms are data: a new one is a new row with the day from which it is issued. Old plates stay
on vehicles, so a row ends only when such plates may no longer be driven with. The forms were
taken from what is seen on the road; the standard itself was not at hand, so the rows are to be
confirmed by whoever holds the register of vehicles.
"""

import re
from dataclasses import dataclass
from datetime import date

from app.exchange.errors import PlateNotValid

INPUT_LENGTH_MAX = 24
_LENGTH_MIN, _LENGTH_MAX = 5, 10
_BLANKS = re.compile(r"[\s\-\u00a0\u2010-\u2015]+")
_LATIN = re.compile(r"[A-Z0-9]+")
# A keyboard in Kazakh or Russian types letters that look the same and are not: А is not A.
_LOOK_ALIKES = str.maketrans("АВЕКМНОРСТУХІЅЈавекмнорстухіѕј", "ABEKMHOPCTYXISJABEKMHOPCTYXISJ")


@dataclass(frozen=True, kw_only=True)
class PlatePattern:
    """One form of plate, from ``valid_from`` to ``valid_until`` (both included)."""

    name: str
    form: str
    valid_from: date
    valid_until: date | None = None

    def in_force(self, on: date) -> bool:
        """Return whether such plates may be met on the day ``on``."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


_REGION = r"(0[1-9]|1[0-7])"
_NEW_REGION = r"(1[89]|20)"  # Abay, Zhetisu and Ulytau, founded on 08.06.2022
PLATE_PATTERNS: tuple[PlatePattern, ...] = (
    PlatePattern(name="old", form=r"[A-Z]\d{3}[A-Z]{2,3}", valid_from=date(1993, 1, 1)),
    PlatePattern(name="person", form=rf"\d{{3}}[A-Z]{{3}}{_REGION}", valid_from=date(2012, 8, 1)),
    PlatePattern(name="body", form=rf"\d{{3}}[A-Z]{{2}}{_REGION}", valid_from=date(2012, 8, 1)),
    PlatePattern(name="cycle", form=rf"\d{{2}}[A-Z]{{2}}{_REGION}", valid_from=date(2012, 8, 1)),
    PlatePattern(name="trailer", form=rf"\d{{2}}[A-Z]{{3}}{_REGION}", valid_from=date(2012, 8, 1)),
    PlatePattern(
        name="new_region", form=rf"\d{{2,3}}[A-Z]{{2,3}}{_NEW_REGION}", valid_from=date(2022, 6, 8)
    ),
)


def parse_plate(text: str, *, on: date, patterns: tuple[PlatePattern, ...] = PLATE_PATTERNS) -> str:
    """Return the plate in Latin capitals and digits without blanks, as registers know it.

    Raises:
        PlateNotValid: too short or long, a letter no plate has, or no form in force on ``on``.
    """
    if len(text) > INPUT_LENGTH_MAX:
        raise PlateNotValid(fault="length")
    plate = _BLANKS.sub("", text).translate(_LOOK_ALIKES)
    if not _LENGTH_MIN <= len(plate) <= _LENGTH_MAX:
        raise PlateNotValid(fault="length")
    if not plate.isascii():  # before upper(), which turns some other letters into Latin ones
        raise PlateNotValid(fault="character")
    plate = plate.upper()
    if not _LATIN.fullmatch(plate):
        raise PlateNotValid(fault="character")
    if not any(row.in_force(on) and re.fullmatch(row.form, plate) for row in patterns):
        raise PlateNotValid(fault="pattern")
    return plate
