"""The individual identification number (IIN) and its check digit.

Government decree No. 565 of 11.06.2003; Law No. 223 of 12.01.2007.
"""

import re
from dataclasses import dataclass
from datetime import date

from app.errors import DomainError, Kind

_DIGITS = re.compile(r"[0-9]{12}")
_FIRST_WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
_CENTURY = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}


class IinNotValid(DomainError):
    """The number cannot be an IIN; the message never repeats it."""

    kind = Kind.INVALID
    code = "iin.not_valid"
    cure = "Read the number from the card again, digit by digit."


@dataclass(frozen=True)
class Iin:
    """A checked IIN. ``str()`` masks it, so that it never reaches a log by accident."""

    digits: str
    birth_date: date
    male: bool

    def __str__(self) -> str:
        return f"********{self.digits[-4:]}"

    __repr__ = __str__


def check_digit(first_eleven: str) -> int | None:
    """Return the twelfth digit for the first eleven, or ``None``: such a number is not issued."""
    for weights in (_FIRST_WEIGHTS, _SECOND_WEIGHTS):
        remainder = sum(int(d) * w for d, w in zip(first_eleven, weights, strict=True)) % 11
        if remainder != 10:  # noqa: PLR2004 - ten has no digit: the second weights decide
            return remainder
    return None


def parse_iin(text: str) -> Iin:
    """Return the checked number.

    Raises:
        IinNotValid: not twelve digits, a wrong check digit, or no such date of birth. The
            ``fault`` field says which.
    """
    digits = text.strip()
    if not _DIGITS.fullmatch(digits):
        raise IinNotValid("an IIN is twelve digits", fault="form")
    if check_digit(digits[:11]) != int(digits[11]):
        raise IinNotValid("the check digit of the IIN does not fit", fault="check_digit")
    century = _CENTURY.get(digits[6])
    if century is None:
        raise IinNotValid("the seventh digit of the IIN names no century", fault="century")
    try:
        born = date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError as error:
        raise IinNotValid("the IIN holds no real date of birth", fault="birth_date") from error
    return Iin(digits, born, int(digits[6]) % 2 == 1)


def parse_bin(text: str) -> str:
    """Return the checked business identification number (BIN) of a legal entity.

    Year and month of registration, a kind from 4 to 6 and a feature from 0 to 3; the check digit
    is that of the IIN.

    Raises:
        IinNotValid: not twelve digits, a wrong check digit, or not the form of a BIN.
    """
    digits = text.strip()
    if not _DIGITS.fullmatch(digits):
        raise IinNotValid("a BIN is twelve digits", fault="form")
    if check_digit(digits[:11]) != int(digits[11]):
        raise IinNotValid("the check digit of the BIN does not fit", fault="check_digit")
    if digits[4] not in "456" or not "01" <= digits[2:4] <= "12":
        raise IinNotValid("this is not the form of a BIN", fault="form")
    return digits
