import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.rules.places import RADIUS_METERS_MAX, Area, cell_of, distance_meters

ALMATY = (432_403_000, 769_250_000)
ASTANA = (511_694_000, 714_491_000)


def test_the_distance_between_two_cities_is_right():
    assert distance_meters(*ALMATY, *ASTANA) == pytest.approx(973_000, rel=0.01)


def test_a_degree_north_is_111_kilometers():
    assert distance_meters(0, 0, 10**7, 0) == pytest.approx(111_195, abs=1)


def test_a_place_is_at_no_distance_from_itself():
    assert distance_meters(*ALMATY, *ALMATY) == 0


@given(
    st.integers(-800_000_000, 800_000_000),
    st.integers(-1_790_000_000, 1_790_000_000),
    st.integers(1, RADIUS_METERS_MAX),
    st.floats(0, 2 * math.pi),
    st.floats(0, 0.99),
)
def test_every_point_within_the_radius_lies_in_the_box_and_its_cells(
    latitude, longitude, radius, direction, share
):
    area = Area(latitude_e7=latitude, longitude_e7=longitude, radius_meters=radius)
    away = radius * share / 111_195 * 10**7
    north = latitude + round(away * math.cos(direction))
    narrow = math.cos(math.radians(max(abs(latitude), abs(north)) / 10**7))
    east = longitude + round(away * math.sin(direction) / narrow * 0.99)

    south, west, top, right = area.box()

    assert south <= north <= top
    assert west <= east <= right
    assert cell_of(latitude_e7=north, longitude_e7=east) in area.cells()


def test_the_widest_search_in_the_country_touches_few_cells():
    area = Area(latitude_e7=550_000_000, longitude_e7=769_250_000, radius_meters=5000)

    assert len(area.cells()) <= 250
