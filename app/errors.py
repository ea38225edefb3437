"""The base of every refusal a caller can act on.

Slices add one class per refusal in their own ``errors.py``. How a kind becomes an HTTP status is
decided once, in ``app.problems``.
"""

import enum
from typing import ClassVar


class Kind(enum.Enum):
    """What a caller may conclude from a refusal, whatever its cause."""

    INVALID = "invalid"  # the request itself is wrong: never repeat it unchanged
    UNAUTHENTICATED = "unauthenticated"  # sign in, or present the device's credential
    FORBIDDEN = "forbidden"  # known, but without the right
    NOT_FOUND = "not_found"  # absent, or not yours: the two answer alike
    CONFLICT = "conflict"  # the state does not allow it now
    TOO_LARGE = "too_large"  # over a limit of bytes or items
    UNAVAILABLE = "unavailable"  # somebody we depend on is silent: repeat later
    FULL = "full"  # no room left in the store: repeat when there is


class DomainError(Exception):
    """A refusal with a stable code; the message names ids and never personal data.

    Attributes:
        kind: what the caller may conclude.
        code: stable and dotted, ``slice.fact``; devices depend on it.
        cure: one sentence on what would cure it, shown to the person, or an empty string.
        fields: further facts for the caller's program, free of personal data.
    """

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "app.refused"
    cure: ClassVar[str] = ""

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.fields: dict[str, object] = dict(fields)
