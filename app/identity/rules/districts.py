"""Whether a place lies in a district: plain geometry over a ring of GeoJSON.

A district is small and far from the poles and the date line, so that degrees are taken for a
plane; the error over a hundred kilometres is less than that of a tablet's position.
"""

import itertools
from collections.abc import Sequence
from typing import Final

POINTS_MAX: Final = 5_000
_POINTS_MIN: Final = 4  # a triangle, closed
_LONGITUDE_MAX: Final = 180.0
_LATITUDE_MAX: Final = 90.0

Ring = Sequence[Sequence[float]]


def ring_fault(ring: Ring) -> str:
    """Return why ``ring`` bounds nothing; an empty string where it is a closed ring."""
    if not _POINTS_MIN <= len(ring) <= POINTS_MAX:
        return "too few or too many points"
    for point in ring:
        if len(point) != 2 or not is_place(longitude=point[0], latitude=point[1]):  # noqa: PLR2004 - longitude and latitude
            return "a point is no longitude and latitude"
    if list(ring[0]) != list(ring[-1]):
        return "the ring is not closed"
    return "" if _area(ring) else "the ring holds no area"


def is_place(*, longitude: float, latitude: float) -> bool:
    """Return whether these degrees are a place on Earth."""
    return abs(longitude) <= _LONGITUDE_MAX and abs(latitude) <= _LATITUDE_MAX


def is_inside(ring: Ring, *, longitude: float, latitude: float) -> bool:
    """Return whether a place lies in the ring; a place on its edge may be on either side."""
    inside = False
    for (east, north), (east_next, north_next) in itertools.pairwise(ring):
        if (north > latitude) != (north_next > latitude):
            crossing = east + (latitude - north) * (east_next - east) / (north_next - north)
            inside ^= longitude < crossing
    return inside


def _area(ring: Ring) -> float:
    return sum(
        east * north_next - east_next * north
        for (east, north), (east_next, north_next) in itertools.pairwise(ring)
    )
