"""A sealed sheet: CSV in UTF-8 whose last line counts, sums and hashes the lines before it.

The shape that the acquirer's settlement file, the treasury's statement and the refund instruction
share. A line is at most ``LINE_BYTES_MAX`` long; a sheet is read line by line, so its length costs
no memory. Nothing may be believed before the last line has been read: callers keep what they read
in one transaction.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, TypeVar

LINE_BYTES_MAX: Final = 1024
_TRAILER: Final = "trailer"
_TRAILER_CELLS: Final = 4
_MOST: Final = 10**15
Row = TypeVar("Row")


class SheetNotValid(ValueError):
    """The sheet is not whole or a line is not as agreed; the message names the line."""

    def __init__(self, line_number: int, what: str) -> None:
        super().__init__(f"line {line_number}: {what}")
        self.line_number = line_number
        self.what = what


def write_sheet(*, columns: Iterable[str], lines: Iterable[tuple[Iterable[str], int]]) -> bytes:
    """Return a sheet of ``lines``, each of its cells and what it adds to the sum."""
    out = bytearray(_line(columns))
    count = total = 0
    for cells, adds in lines:
        out += _line(cells)
        count, total = count + 1, total + adds
    out += _line((_TRAILER, str(count), str(total), hashlib.sha256(out).hexdigest()))
    return bytes(out)


def read_sheet(
    file: BinaryIO,
    *,
    columns: tuple[str, ...],
    row_of: Callable[[list[str]], Row],
    adds: Callable[[Row], int],
) -> Iterator[Row]:
    """Yield the rows of a sheet; the sheet is proven whole only when the iterator has ended.

    Raises:
        SheetNotValid: another heading, a line that is not as agreed, a count, sum or hash that
            does not fit, or no trailer. What was yielded before is worth nothing.
    """
    digest = hashlib.sha256()
    count = total = number = 0
    for number, line in enumerate(_bounded_lines(file), start=1):
        cells = _cells(number, line)
        if number == 1:
            if tuple(cells) != columns:
                raise SheetNotValid(number, f"the heading must be {','.join(columns)}")
        elif cells[:1] == [_TRAILER]:
            _check_trailer(number, cells, count=count, total=total, digest=digest.hexdigest())
            if file.read(1):
                raise SheetNotValid(number + 1, "nothing may follow the trailer")
            return
        else:
            row = _row(number, cells, columns, row_of)
            count, total = count + 1, total + adds(row)
            yield row
        digest.update(line)
    raise SheetNotValid(number + 1, "the trailer is missing")


def trailer_of(content: bytes) -> tuple[int, int]:
    """Return the count and the sum that a sheet's last line claims; reading it proves them.

    Raises:
        SheetNotValid: the last line is no trailer.
    """
    cells = content[-LINE_BYTES_MAX:].rstrip(b"\n").rpartition(b"\n")[2].split(b",")
    try:
        if len(cells) == _TRAILER_CELLS and cells[0] == _TRAILER.encode():
            return whole("count", cells[1].decode()), whole("sum", cells[2].decode(), least=-_MOST)
    except ValueError:
        pass
    raise SheetNotValid(content.count(b"\n") + 1, "the trailer is missing")


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LINE_BYTES_MAX + 1):
        yield line


def _cells(number: int, line: bytes) -> list[str]:
    if len(line) > LINE_BYTES_MAX:
        raise SheetNotValid(number, f"a line has at most {LINE_BYTES_MAX} bytes")
    if not line.endswith(b"\n"):
        raise SheetNotValid(number, "the line has no end: the sheet is cut short")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SheetNotValid(number, "not UTF-8") from error
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise SheetNotValid(number, "not CSV") from error


def _row(
    number: int, cells: list[str], columns: tuple[str, ...], row_of: Callable[[list[str]], Row]
) -> Row:
    if len(cells) != len(columns):
        raise SheetNotValid(number, f"{len(cells)} cells instead of {len(columns)}")
    try:
        return row_of(cells)
    except SheetNotValid:
        raise
    except ValueError as error:
        raise SheetNotValid(number, str(error)) from error


def _check_trailer(number: int, cells: list[str], *, count: int, total: int, digest: str) -> None:
    if len(cells) != _TRAILER_CELLS:
        raise SheetNotValid(number, "the trailer names count, sum and hash")
    if cells[1] != str(count):
        raise SheetNotValid(number, f"the trailer counts {cells[1][:20]} lines, there are {count}")
    if cells[2] != str(total):
        raise SheetNotValid(number, f"the trailer's sum is not {total}")
    if cells[3] != digest:
        raise SheetNotValid(number, "the hash does not fit: the sheet was changed")


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def whole(name: str, text: str, *, least: int = 0, most: int = _MOST) -> int:
    """Return the whole number in a cell.

    Raises:
        ValueError: it is none, is written otherwise than in plain digits, or is out of range.
    """
    plain = text.removeprefix("-")
    if not (plain.isascii() and plain.isdigit()) or len(plain) > len(str(most)):
        raise ValueError(f"{name} is no whole number")
    value = int(text)
    if not least <= value <= most:
        raise ValueError(f"{name} is not within {least} and {most}")
    return value
