"""Whether a place lies in a district."""

import random

import pytest

from app.identity.rules.districts import is_inside, ring_fault

SQUARE = [[76.0, 43.0], [77.0, 43.0], [77.0, 44.0], [76.0, 44.0], [76.0, 43.0]]
# A district with a bay cut into it from the east.
BAY = [
    [0.0, 0.0], [4.0, 0.0], [4.0, 1.0], [1.0, 1.0], [1.0, 3.0], [4.0, 3.0], [4.0, 4.0],
    [0.0, 4.0], [0.0, 0.0],
]  # fmt: skip


@pytest.mark.parametrize(
    ("ring", "longitude", "latitude", "inside"),
    [
        (SQUARE, 76.5, 43.5, True),
        (SQUARE, 75.999, 43.5, False),
        (SQUARE, 77.001, 43.5, False),
        (SQUARE, 76.5, 42.999, False),
        (SQUARE, 76.5, 44.001, False),
        (SQUARE, -76.5, -43.5, False),
        (BAY, 0.5, 2.0, True),
        (BAY, 2.0, 2.0, False),
        (BAY, 2.0, 0.5, True),
        (BAY, 2.0, 3.5, True),
        (BAY, 4.5, 2.0, False),
    ],
)
def test_a_place_is_inside_or_outside(ring, longitude, latitude, inside):
    assert is_inside(ring, longitude=longitude, latitude=latitude) is inside
    assert is_inside(ring[::-1], longitude=longitude, latitude=latitude) is inside


def test_over_random_places_it_agrees_with_the_definition_of_a_rectangle():
    chance = random.Random(19)
    for _ in range(2_000):
        east, north = chance.uniform(75, 78), chance.uniform(42, 45)
        assert is_inside(SQUARE, longitude=east, latitude=north) is (
            76 <= east <= 77 and 43 <= north <= 44
        )


@pytest.mark.parametrize(
    "ring",
    [
        [],
        SQUARE[:3],
        SQUARE[:4],
        [*SQUARE[:2], [77.0, 91.0], *SQUARE[3:]],
        [*SQUARE[:2], [181.0, 44.0], *SQUARE[3:]],
        [*SQUARE[:2], [77.0], *SQUARE[3:]],
        [[76.0, 43.0], [77.0, 43.0], [76.0, 43.0], [76.0, 43.0]],
        [*SQUARE[:2], [float("nan"), 44.0], *SQUARE[3:]],
        SQUARE * 1001,
    ],
)
def test_what_bounds_nothing_is_no_district(ring):
    assert ring_fault(ring)


def test_a_closed_ring_is_a_district():
    assert (ring_fault(SQUARE), ring_fault(BAY)) == ("", "")
