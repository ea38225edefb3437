"""Whether a report holds every running number, and which are missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class OfficerNumbers:
    """An officer's running numbers of a month.

    Attributes:
        person_id: the officer; his id names the stream.
        last_number: what the closing record in the log says.
        closing_leaf_index: where that record stands; none where he asked nothing.
        here: the numbers in this report, as ranges.
        missing: numbers up to the last that no request in our books carries.
        beyond: numbers in our books that the closing record does not know.
    """

    person_id: UUID
    last_number: int
    closing_leaf_index: int | None
    here: Ranges
    missing: Ranges
    beyond: Ranges

    @property
    def complete(self) -> bool:
        """Whether our books and the log agree."""
        return not self.missing and not self.beyond


def ranges_of(numbers: Iterable[int]) -> Ranges:
    """Return numbers as ranges, both ends included, in order."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def missing_of(numbers: Iterable[int], *, last_number: int) -> Ranges:
    """Return which of 1 to ``last_number`` are not among ``numbers``."""
    there = set(numbers)
    return ranges_of(number for number in range(1, last_number + 1) if number not in there)


def beyond_of(numbers: Iterable[int], *, last_number: int) -> Ranges:
    """Return which of ``numbers`` are not among 1 to ``last_number``."""
    return ranges_of(number for number in numbers if not 1 <= number <= last_number)


def in_words(ranges: Ranges) -> str:
    """Return ranges as people write them: ``1-12, 14``."""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
