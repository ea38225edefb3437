"""The net under the masks: what could be a whole card number, wherever it stands."""

import re
from typing import Final

_DIGIT_RUN: Final = re.compile(r"(?<![0-9])[2-6][ -]?(?:[0-9][ -]?){11,17}[0-9](?![0-9])")
_LUHN_FOLD: Final = 9


def holds_card_number(text: str) -> bool:
    """Return whether ``text`` holds a run of 13 to 19 digits that could be a whole card number.

    The net under the masks: card numbers never enter a table, a log or a paper. Numbers of
    payment cards begin with 2 to 6 (ISO/IEC 7812), which spares identifiers filled with noughts.
    """
    return any(
        _passes_luhn([int(one) for one in found.group() if one.isdigit()])
        for found in _DIGIT_RUN.finditer(text)
    )


def _passes_luhn(digits: list[int]) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = digit * 2 if place % 2 else digit
        total += value - _LUHN_FOLD if value > _LUHN_FOLD else value
    return total % 10 == 0
