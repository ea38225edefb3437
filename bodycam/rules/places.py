"""Where a camera was and how far that is. Degrees travel as whole ten-millionths (E7)."""

import math
from dataclasses import dataclass
from typing import Final

RADIUS_METERS_MAX: Final = 5000  # a box of this size has at most 200 cells
WINDOW_DAYS_MAX: Final = 7
E7: Final = 10**7
CELL_E7: Final = 100_000  # a hundredth of a degree: 1.1 km north to south, 0.8 km at Almaty
_CELLS_ROUND: Final = 36_000
_EARTH_RADIUS_METERS: Final = 6_371_008.8  # mean radius, IUGG
_METERS_PER_DEGREE: Final = math.pi * _EARTH_RADIUS_METERS / 180


@dataclass(frozen=True, kw_only=True)
class Area:
    """A circle on the ground: its middle in E7 degrees and its radius in meters."""

    latitude_e7: int
    longitude_e7: int
    radius_meters: int

    def box(self) -> tuple[int, int, int, int]:
        """Return south, west, north, east in E7 degrees of a box that holds the circle."""
        up = math.ceil(self.radius_meters / _METERS_PER_DEGREE * E7)
        narrow = max(math.cos(math.radians(self.latitude_e7 / E7)), 0.01)
        aside = math.ceil(up / narrow) + 1
        return (
            self.latitude_e7 - up,
            self.longitude_e7 - aside,
            self.latitude_e7 + up,
            self.longitude_e7 + aside,
        )

    def cells(self) -> list[int]:
        """Return the numbers of the cells that the box touches."""
        south, west, north, east = self.box()
        return [
            row * _CELLS_ROUND + column
            for row in range(south // CELL_E7, north // CELL_E7 + 1)
            for column in range(west // CELL_E7, east // CELL_E7 + 1)
        ]

    def holds(self, *, latitude_e7: int, longitude_e7: int) -> bool:
        """Return whether the point lies within the radius (haversine)."""
        return (
            distance_meters(self.latitude_e7, self.longitude_e7, latitude_e7, longitude_e7)
            <= self.radius_meters
        )


def cell_of(*, latitude_e7: int, longitude_e7: int) -> int:
    """Return the number of the cell that the point lies in; negative in the south."""
    return latitude_e7 // CELL_E7 * _CELLS_ROUND + longitude_e7 // CELL_E7


def distance_meters(
    latitude_e7: int, longitude_e7: int, other_latitude_e7: int, other_longitude_e7: int
) -> float:
    """Return the great-circle distance by the haversine formula; good to half a percent."""
    north, other_north = math.radians(latitude_e7 / E7), math.radians(other_latitude_e7 / E7)
    up = other_north - north
    aside = math.radians((other_longitude_e7 - longitude_e7) / E7)
    half = (
        math.sin(up / 2) ** 2 + math.cos(north) * math.cos(other_north) * math.sin(aside / 2) ** 2
    )
    return 2 * _EARTH_RADIUS_METERS * math.asin(math.sqrt(min(1.0, half)))
