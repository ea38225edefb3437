"""The draw of one request in ten that must give an extended justification.

Nobody can steer or foresee it. Each day (of the law's zone) has a secret seed of 32 random bytes.
Its commitment is in the log before the day's first draw, so that the seed cannot be changed
afterwards; the draw of a request is a keyed hash over the person and the request's running
number, which the person cannot choose; after the day the seed is opened, and anybody can repeat
every draw of that day from the log's leaves with ``check_day``.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

SEED_BYTES: Final = 32
ONE_IN: Final = 10
_SPACE: Final = 1 << 256


class SeedNotValid(ValueError):
    """A seed has 32 bytes, and not all of them are the same."""


def commitment_of(seed: bytes, *, day: date) -> str:
    """Return what the log holds of the seed before its day: a hash that also binds the day.

    Raises:
        SeedNotValid: wrong length, or a constant.
    """
    if len(seed) != SEED_BYTES or len(set(seed)) == 1:
        raise SeedNotValid
    return hashlib.sha256(b"saqshy sampling seed\x00" + day.isoformat().encode() + seed).hexdigest()


def is_drawn(seed: bytes, *, person_id: UUID, month: str, number: int) -> bool:
    """Return whether the draw falls on the person's request ``number`` of ``month``.

    HMAC-SHA256 over ``person id|month|number``, drawn where it is below a tenth of its space.
    """
    message = f"{person_id}|{month}|{number}".encode()
    drawn = hmac.digest(seed, message, hashlib.sha256)
    return int.from_bytes(drawn) * ONE_IN < _SPACE


@dataclass(frozen=True, kw_only=True)
class SampledLeaf:
    """What the log says of one decision: whose, its number, and whether it was drawn."""

    person_id: UUID
    month: str
    number: int
    drawn: bool


@dataclass(frozen=True, kw_only=True)
class DrawReport:
    """What repeating the draws of a day found.

    Attributes:
        seed_opens: the opened seed is the one that was committed to for that day.
        wrong: leaves whose mark is not what the seed draws.
        twice: leaves that carry a number another leaf of the same person has.
        leaves, drawn: how many there were, and how many of them the seed draws.
    """

    seed_opens: bool
    wrong: tuple[SampledLeaf, ...]
    twice: tuple[SampledLeaf, ...]
    leaves: int
    drawn: int

    @property
    def holds(self) -> bool:
        """True where the day's draw was the committed one, leaf for leaf."""
        return self.seed_opens and not self.wrong and not self.twice


def check_day(
    *, commitment: str, seed: bytes, day: date, leaves: Iterable[SampledLeaf]
) -> DrawReport:
    """Repeat every draw of ``day`` from the opened seed. Needs nothing of ours but the leaves.

    A draw that is repeated from a seed other than the committed one proves nothing: then every
    leaf counts as wrong.
    """
    try:
        seed_opens = hmac.compare_digest(commitment_of(seed, day=day), commitment)
    except (SeedNotValid, TypeError):  # TypeError: a commitment outside ASCII
        seed_opens = False
    wrong: list[SampledLeaf] = []
    twice: list[SampledLeaf] = []
    seen: set[tuple[UUID, str, int]] = set()
    count = drawn = 0
    for leaf in leaves:
        count += 1
        place = (leaf.person_id, leaf.month, leaf.number)
        if place in seen:
            twice.append(leaf)
        seen.add(place)
        by_seed = seed_opens and is_drawn(
            seed, person_id=leaf.person_id, month=leaf.month, number=leaf.number
        )
        drawn += by_seed
        if not seed_opens or by_seed is not leaf.drawn:
            wrong.append(leaf)
    return DrawReport(
        seed_opens=seed_opens, wrong=tuple(wrong), twice=tuple(twice), leaves=count, drawn=drawn
    )
