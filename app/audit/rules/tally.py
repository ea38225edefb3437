"""Counting the running numbers in a log, to notice a missing one; standard library only."""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

FIELD: Final = "running"  # the key, among an event's fields, of its running number
_CLOSED_STREAM: Final = "audit.stream_closed"
_CLOSED_MONTH: Final = "audit.month_closed"
_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class NumbersNotWhole(Exception):
    """A number is missing, stands twice, or goes beyond the closing record."""


def streams_digest(last_numbers: Mapping[str, int]) -> str:
    """Return the digest of who had how many numbers: SHA-256 over sorted ``stream number`` lines.

    The month's closing record carries it, so that a stream cannot vanish as a whole.
    """
    lines = "".join(f"{stream} {last_numbers[stream]}\n" for stream in sorted(last_numbers))
    return hashlib.sha256(lines.encode()).hexdigest()


class Tally:
    """What the leaves of a log say of running numbers; feed it every leaf, then ``check``."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}
        self._closed: dict[tuple[str, str], int] = {}
        self._months: dict[str, tuple[int, str]] = {}

    def add(self, event: object, fields: object) -> None:
        """Count one leaf.

        Raises:
            NumbersNotWhole: its number is not the next of its stream, or its month was closed.
        """
        if not isinstance(fields, Mapping):
            raise NumbersNotWhole("a leaf without fields")
        if event == _CLOSED_STREAM:
            self._close_stream(fields)
        elif event == _CLOSED_MONTH:
            self._close_month(fields)
        elif FIELD in fields:
            self._count(fields[FIELD])

    def check(self) -> tuple[int, int]:
        """Return how many numbers there are and how many months are closed.

        Raises:
            NumbersNotWhole: a number is missing in the middle of a stream.
        """
        return sum(self._seen.values()), len(self._months)

    def _count(self, running: object) -> None:
        if not isinstance(running, Mapping):
            raise NumbersNotWhole("a malformed running number")
        at = _text(running, "stream"), _text(running, "month")
        number = _number(running, "number")
        if at in self._closed or at[1] in self._months:
            raise NumbersNotWhole(f"a number of {at[1]} after the month was closed")
        if number != self._seen.get(at, 0) + 1:
            raise NumbersNotWhole(f"stream {at[0]}: {number} does not follow in {at[1]}")
        self._seen[at] = number

    def _close_stream(self, fields: Mapping[object, object]) -> None:
        at = _text(fields, "stream"), _text(fields, "month")
        last = _number(fields, "last_number")
        if at in self._closed or self._seen.get(at, 0) != last:
            raise NumbersNotWhole(f"stream {at[0]}: {at[1]} was closed at {last}")
        self._closed[at] = last

    def _close_month(self, fields: Mapping[object, object]) -> None:
        month, count = _text(fields, "month"), _number(fields, "streams")
        digest = _text(fields, "streams_sha256")
        closed = {stream: last for (stream, of), last in self._closed.items() if of == month}
        open_ = [at for at in self._seen if at[1] == month and at not in self._closed]
        if not _MONTH.fullmatch(month) or month in self._months or open_:
            raise NumbersNotWhole(f"{month} was closed twice, or with a stream open")
        if len(closed) != count or streams_digest(closed) != digest:
            raise NumbersNotWhole(f"{month}: other streams than its closing record says")
        self._months[month] = count, digest


def _text(fields: Mapping[object, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise NumbersNotWhole(f"no {name} in a running number or closing record")
    return value


def _number(fields: Mapping[object, object], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or value < 0:
        raise NumbersNotWhole(f"no {name} in a running number or closing record")
    return value
