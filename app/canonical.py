"""The canonical form of JSON (RFC 8785): the same value always gives the same bytes.

``rfc8785`` writes it right and slowly, 0.4 ms of processor for one check. Most of what we write
needs none of its care: text, whole numbers, ordinary fractions, keys of ASCII. That is written by
``orjson``, whose bytes are then the same; a test holds the two together.
"""

from collections.abc import Mapping
from typing import Final

import orjson
import rfc8785

_FORM: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_PLAIN: Final = frozenset({str, int, bool, type(None)})
# Between these both write a fraction without an exponent, and shortest.
_LEAST, _MOST = 1e-3, 1e15


def canonical(value: Mapping[str, object]) -> bytes:
    """Return the RFC 8785 form of a JSON value.

    Raises:
        rfc8785.CanonicalizationError: it is no JSON, or not exact.
        UnicodeError: a text is none.
        RecursionError: it is too deep.
    """
    if _is_ordinary(value):
        try:
            return orjson.dumps(value, option=_FORM)
        except orjson.JSONEncodeError:  # then it is said in the other's words
            pass
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # what is no JSON is refused there


def exact(number: float | None) -> float | None:
    """Return ``number``, whole ones as such: only they are written the same way by both."""
    return int(number) if number is not None and number.is_integer() else number


def _is_ordinary(value: object) -> bool:
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is float:
        size: float = abs(value)  # type: ignore[arg-type]  # a float, as was just asked
        return _LEAST <= size < _MOST and not size.is_integer()
    if kind is dict:
        return all(
            type(key) is str and key.isascii() and _is_ordinary(one)
            for key, one in value.items()  # type: ignore[attr-defined]  # a dictionary, likewise
        )
    if kind is list or kind is tuple:
        return all(_is_ordinary(one) for one in value)  # type: ignore[attr-defined]  # likewise
    return False
