"""Names: how they are written together, and how they are put in order.

PostgreSQL without ICU orders Cyrillic by code point, which is wrong for Kazakh and for Russian
(``Ё`` before ``А``, ``Ә`` after ``Я``); so the sort key is made here and stored.
"""

from typing import Final

# The Kazakh Cyrillic alphabet of 42 letters; the Russian one is contained in it, in its own order.
_ALPHABET: Final = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя"
_KEY: Final = {letter: f"{place:02d}" for place, letter in enumerate(_ALPHABET, start=10)}


def sort_key(text: str) -> str:
    """Return a key of ASCII characters that orders names as both alphabets do."""
    return "".join(_key_of(letter) for letter in text.casefold())


def full_name(surname: str, given_name: str, patronymic: str) -> str:
    """Return surname, given name and patronymic in one line."""
    return " ".join(part for part in (surname, given_name, patronymic) if part)


def _key_of(letter: str) -> str:
    known = _KEY.get(letter)
    if known is not None:
        return known
    if letter.isspace() or letter == "-":
        return "00"  # shorter surnames first, double ones after them
    return f"9{ord(letter):06x}"  # other alphabets after ours, in their own order
