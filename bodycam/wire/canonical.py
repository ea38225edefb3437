"""The one form of a message as bytes, so that a signature over it means one thing.

The form is RFC 8785 (JSON canonicalization) for the values our messages have: objects with ASCII
names, arrays, strings, integers, booleans and null. Fractions are refused rather than rounded:
positions travel as whole ten-millionths of a degree, times as text.
"""

import json
from collections.abc import Mapping

_SAFE_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: beyond it other languages lose digits


class NotCanonical(ValueError):
    """The value has no form that every reader would write alike."""


def canonical_json(value: Mapping[str, object]) -> bytes:
    """Return ``value`` as RFC 8785 JSON in UTF-8.

    Raises:
        NotCanonical: a fraction, an integer beyond 2**53 - 1, a name that is not ASCII, or a
            kind of value that JSON does not have.
    """
    _check(value)
    text = json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("a text holds half of a character") from error


def _check(value: object) -> None:
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > _SAFE_INTEGER:
                raise NotCanonical("an integer is beyond 2**53 - 1")
        case list() | tuple():
            for item in value:
                _check(item)
        case Mapping():
            for name, item in value.items():
                # Sorting by code point equals the standard's UTF-16 order for ASCII names.
                if not isinstance(name, str) or not name.isascii():
                    raise NotCanonical("a name is not ASCII text")
                _check(item)
        case _:
            raise NotCanonical(f"{type(value).__name__} has no canonical form")
