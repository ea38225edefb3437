"""Patterns that cannot be made slow: a small subset of regular expressions with its own matcher.

A pattern comes from configuration and the text from a person; with backtracking the two together
could hold a process for minutes. Here a pattern is a row of single signs, each with bounds on
how often it stands, and the matcher keeps the set of places it may be at: its time grows with the
pattern and the text, never with their combinations.
"""

import re
from dataclasses import dataclass
from typing import Final

_PATTERN_LENGTH_MAX: Final = 200
_SIGNS_MAX: Final = 64  # what a pattern may match is no longer than a number may be
_ATOM: Final = re.compile(
    r"""(?P<set>\[[^\[\]\\^]{1,64}\])   # signs and ranges, no negation and no escapes
    |   (?P<digit>\\d)
    |   \\(?P<escaped>[.\\/\-()\[\]{}?*+|^$])
    |   (?P<sign>[^.\\()\[\]{}?*+|^$])""",
    re.VERBOSE,
)
_COUNT: Final = re.compile(
    r"\{(?P<least>[0-9]{1,2})(?P<range>,(?P<most>[0-9]{1,2}))?\}|(?P<maybe>\?)"
)


class PatternNotSafe(ValueError):
    """The pattern goes beyond the subset: signs, sets, ASCII digits, bounded repetition."""


@dataclass(frozen=True)
class _Item:
    signs: frozenset[str]
    least: int
    most: int


@dataclass(frozen=True)
class SafePattern:
    """A pattern that ``parse_pattern`` has read."""

    items: tuple[_Item, ...]

    def matches(self, text: str) -> bool:
        """Return whether the whole of ``text`` has this form."""
        places = {0}
        for item in self.items:
            places = {end for place in places for end in _ends(item, text, place)}
            if not places:
                return False
        return len(text) in places


def _ends(item: _Item, text: str, place: int) -> range:
    run = 0
    while run < item.most and place + run < len(text) and text[place + run] in item.signs:
        run += 1
    return range(place + item.least, place + run + 1)


def parse_pattern(regex: str) -> SafePattern:
    """Return the pattern that ``regex`` writes.

    Raises:
        PatternNotSafe: empty, too long, or with a group, an alternative, a negation, an open
            repetition or anything else outside the subset.
    """
    if not 1 <= len(regex) <= _PATTERN_LENGTH_MAX:
        raise PatternNotSafe("a pattern has 1 to 200 signs")
    items: list[_Item] = []
    place = 0
    while place < len(regex):
        atom = _ATOM.match(regex, place)
        if atom is None:
            raise PatternNotSafe(f"sign {place + 1} of the pattern is outside the subset")
        count = _COUNT.match(regex, atom.end())
        items.append(_item(atom, count))
        place = atom.end() if count is None else count.end()
    if sum(item.most for item in items) > _SIGNS_MAX:
        raise PatternNotSafe(f"a number has at most {_SIGNS_MAX} signs")
    return SafePattern(tuple(items))


def _item(atom: re.Match[str], count: re.Match[str] | None) -> _Item:
    least = most = 1
    if count is not None and count["maybe"]:
        least = 0
    elif count is not None:
        least = most = int(count["least"])
        most = int(count["most"]) if count["range"] else most
    if not least <= most or most == 0:
        raise PatternNotSafe("bounds that nothing can meet")
    if atom["set"]:
        return _Item(_signs(atom["set"][1:-1]), least, most)
    if atom["digit"]:
        return _Item(frozenset("0123456789"), least, most)
    return _Item(frozenset(atom["escaped"] or atom["sign"]), least, most)


def _signs(inside: str) -> frozenset[str]:
    signs: set[str] = set()
    place = 0
    while place < len(inside):
        first = inside[place]
        if inside[place + 1 : place + 2] == "-" and place + 2 < len(inside):
            last = inside[place + 2]
            if ord(last) < ord(first):
                raise PatternNotSafe("a range that runs backwards")
            signs.update(map(chr, range(ord(first), ord(last) + 1)))
            place += 3
        else:
            signs.add(first)
            place += 1
    return frozenset(signs)
