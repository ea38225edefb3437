"""The forms of case numbers as dated patterns, and what is known of each typed field.

How ERDR, AIS SU, AIS OIP and EAIAS write their numbers was published nowhere that could be read:
``CASE_NUMBER_FORMATS`` is **not verified**, and an installation may put rows of its own in its
place. Nothing is refused but what a pattern in force says; a register without one takes any
number of ordinary signs.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from app.exchange.rules.facts import FieldState
from app.exchange.rules.safe_patterns import SafePattern, parse_pattern
from app.exchange.wire.cases import CaseRegister

NUMBER_LENGTH_MAX: Final = 64  # as long as the column and the registers' protocol
NAME_LENGTH_MAX: Final = 300
JUSTIFICATION_LENGTH_MIN: Final = 40  # a sentence, and not "needed"
JUSTIFICATION_LENGTH_MAX: Final = 2000
_WORDS_MIN: Final = 5
YEAR_MIN: Final = 1991  # the courts of the republic keep no year before it
_FORMATS_MAX: Final = 64
_ORDINARY: Final = re.compile(r"[0-9A-Za-zА-Яа-яЁёӘәҒғҚқҢңӨөҰұҮүҺһІі№/().,_ \-]+")


@dataclass(frozen=True, kw_only=True)
class CaseNumberFormat:
    """One form of number of one register, from ``valid_from`` to ``valid_until`` (included).

    Old cases keep their numbers, so a row ends only when no such case may be named any more.
    """

    register: CaseRegister
    valid_from: date
    regex: str
    pattern: SafePattern = field(repr=False)
    valid_until: date | None = None

    def in_force(self, on: date) -> bool:
        """Return whether numbers of this form may be met on the day ``on``."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


def case_number_format(
    register: str, valid_from: str, regex: str, valid_until: str | None = None
) -> CaseNumberFormat:
    """Return the row that three or four words of configuration mean.

    Raises:
        ValueError: no such register or day, or a pattern outside the safe subset.
    """
    until = None if valid_until is None else date.fromisoformat(valid_until)
    return CaseNumberFormat(
        register=CaseRegister(register),
        valid_from=date.fromisoformat(valid_from),
        regex=regex,
        pattern=parse_pattern(regex),
        valid_until=until,
    )


def read_formats(rows: Iterable[Iterable[str]]) -> tuple[CaseNumberFormat, ...]:
    """Return the formats of a configuration: rows of register, first day, pattern, last day.

    Raises:
        ValueError: too many rows, or one of them is not a format.
    """
    listed = [tuple(row) for row in rows]
    if len(listed) > _FORMATS_MAX:
        raise ValueError(f"more than {_FORMATS_MAX} formats of case numbers")
    for row in listed:
        if len(row) not in {3, 4}:
            raise ValueError("a format is register, first day, pattern and perhaps last day")
    return tuple(case_number_format(*row) for row in listed)


CASE_NUMBER_FORMATS: Final = (
    case_number_format("erdr", "2015-01-01", "[0-9]{15}"),
    case_number_format("ais_su", "2015-01-01", "[0-9]{15,16}"),
    case_number_format("ais_oip", "2015-01-01", "[0-9]{1,6}/[0-9]{2}-[0-9]{2}-[0-9]{1,6}"),
    case_number_format("eaias", "2015-01-01", "[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]/[0-9]{1,6}"),
)


def tidy(text: str | None) -> str:
    """Return ``text`` in one Unicode form and without the blanks around it."""
    return "" if text is None else unicodedata.normalize("NFC", text[: NAME_LENGTH_MAX * 8]).strip()


def case_number_state(
    text: str | None,
    *,
    register: CaseRegister | None,
    on: date,
    formats: tuple[CaseNumberFormat, ...] = CASE_NUMBER_FORMATS,
) -> FieldState:
    """Return what is known of a case number that is to be confirmed by ``register``.

    Without a register to confirm it, a number is any paper's number.
    """
    state = paper_number_state(text)
    if state is not FieldState.GOOD or register is None:
        return state
    in_force = [row for row in formats if row.register is register and row.in_force(on)]
    number = tidy(text)
    if in_force and not any(row.pattern.matches(number) for row in in_force):
        return FieldState.MALFORMED
    return FieldState.GOOD


def paper_number_state(text: str | None) -> FieldState:
    """Return what is known of an outgoing number: each body writes its own, so signs only."""
    number = tidy(text)
    if not number:
        return FieldState.ABSENT
    ordinary = len(number) <= NUMBER_LENGTH_MAX and _ORDINARY.fullmatch(number) is not None
    digits = any("0" <= sign <= "9" for sign in number)
    return FieldState.GOOD if ordinary and digits else FieldState.MALFORMED


def name_state(text: str | None) -> FieldState:
    """Return what is known of the name of a body or a court; it may stand in any alphabet."""
    name = tidy(text)
    if not name:
        return FieldState.ABSENT
    printable = len(name) <= NAME_LENGTH_MAX and name.isprintable()
    letters = any(sign.isalpha() for sign in name)
    return FieldState.GOOD if printable and letters else FieldState.MALFORMED


def year_state(year: int | None, *, today: date) -> FieldState:
    """Return what is known of an accounting year; none is of the future."""
    if year is None:
        return FieldState.ABSENT
    return FieldState.GOOD if YEAR_MIN <= year <= today.year else FieldState.MALFORMED


def justification_state(text: str | None) -> FieldState:
    """Return what is known of an extended justification: its length is all a machine can judge."""
    written = "" if text is None else text.strip()
    if not written:
        return FieldState.ABSENT
    in_bounds = JUSTIFICATION_LENGTH_MIN <= len(written) <= JUSTIFICATION_LENGTH_MAX
    words = len(set(written.split()))
    return FieldState.GOOD if in_bounds and words >= _WORDS_MIN else FieldState.MALFORMED
