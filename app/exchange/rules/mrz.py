"""The machine-readable zone on the back of the identity card.

ICAO Doc 9303 part 5 (size TD1: three lines of 30 characters) and part 3 (check digits). The IIN
stands at the end of the first line, in its optional data. Nothing is guessed: a zone with one
letter read wrongly is refused, with the line and the field named.
"""

import re
from dataclasses import dataclass, field
from datetime import date

from app.exchange.errors import MrzNotValid
from app.iin import Iin, parse_iin

LINES = 3
LINE_LENGTH = 30
INPUT_LENGTH_MAX = 64  # a reader may add blanks; nobody sends more in good faith

_CHARACTERS = re.compile(r"[A-Z0-9<]*")
_DOCUMENT_CODES = frozenset({"ID", "I<"})
_ISSUER = "KAZ"
_WEIGHTS = (7, 3, 1)
_SEXES = frozenset({"M", "F", "<"})
_IIN_LENGTH = 12
_CENTURY_OF_EXPIRY = 2000  # cards are valid for ten years; none of the last century is in force


@dataclass(frozen=True, kw_only=True)
class IdentityCard:
    """What the back of a card says. Only ``repr`` of the masked IIN can reach a log."""

    iin: Iin
    document_number: str = field(repr=False)
    birth_date: date = field(repr=False)
    expires_on: date
    sex: str = field(repr=False)
    nationality: str = field(repr=False)
    surname: str = field(repr=False)
    given_names: str = field(repr=False)


def check_digit(text: str) -> str:
    """Return the check digit of ``text`` (weights 7, 3, 1; A is 10, the filler is 0)."""
    total = sum(_value(letter) * _WEIGHTS[place % 3] for place, letter in enumerate(text))
    return str(total % 10)


def parse_mrz(lines: list[str] | tuple[str, ...]) -> IdentityCard:
    """Return the card of the three ``lines``; blanks around and inside them are dropped.

    Raises:
        MrzNotValid: says which line, which field and what is wrong with it.
        IinNotValid: the zone is whole, but the number in it is not an IIN.
    """
    first, second, third = _cleaned(lines)
    _require(first[:2] in _DOCUMENT_CODES, "document_code", 1, "document_code")
    _require(first[2:5] == _ISSUER, "issuer", 1, "issuer")
    _checked(first[5:14], first[14], 1, "document_number")
    _checked(second[0:6], second[6], 2, "birth_date")
    _checked(second[8:14], second[14], 2, "expiry_date")
    composite = first[5:30] + second[0:7] + second[8:15] + second[18:29]
    _checked(composite, second[29], 2, "composite")
    _require(second[7] in _SEXES, "sex", 2, "sex")
    iin = _iin(first[15:30])
    expires_on = _date(second[8:14], _CENTURY_OF_EXPIRY, "expiry_date")
    if f"{iin.birth_date:%y%m%d}" != second[0:6]:
        raise MrzNotValid(fault="birth_dates_differ", line=2, field="birth_date")
    surname, given_names = _names(third)
    return IdentityCard(
        iin=iin,
        document_number=first[5:14].rstrip("<"),
        birth_date=iin.birth_date,
        expires_on=expires_on,
        sex=second[7].replace("<", ""),
        nationality=second[15:18].rstrip("<"),
        surname=surname,
        given_names=given_names,
    )


def _value(letter: str) -> int:
    if letter == "<":
        return 0
    return int(letter, 36)


def _cleaned(lines: list[str] | tuple[str, ...]) -> tuple[str, str, str]:
    if len(lines) != LINES:
        raise MrzNotValid(fault="line_count", line=0, field="zone")
    cleaned = []
    for number, line in enumerate(lines, start=1):
        text = "".join(line[:INPUT_LENGTH_MAX].split())
        _require(len(text) == LINE_LENGTH, "line_length", number, "line")
        _require(text.isascii(), "character", number, "line")
        text = text.upper()
        _require(_CHARACTERS.fullmatch(text) is not None, "character", number, "line")
        cleaned.append(text)
    return cleaned[0], cleaned[1], cleaned[2]


def _require(good: bool, fault: str, line: int, field: str) -> None:  # noqa: FBT001 - a condition
    if not good:
        raise MrzNotValid(fault=fault, line=line, field=field)


def _checked(text: str, digit: str, line: int, field: str) -> None:
    _require(digit == check_digit(text), "check_digit", line, field)


def _iin(optional: str) -> Iin:
    digits = optional.strip("<")
    _require(len(digits) == _IIN_LENGTH, "no_iin", 1, "iin")
    return parse_iin(digits)


def _date(text: str, century: int, field: str) -> date:
    try:
        return date(century + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError as error:
        raise MrzNotValid(fault="date", line=2, field=field) from error


def _names(line: str) -> tuple[str, str]:
    surname, _, given = line.rstrip("<").partition("<<")
    _require(bool(surname) and not any(c.isdigit() for c in line), "names", 3, "names")
    return surname.replace("<", " "), " ".join(given.replace("<", " ").split())
