from datetime import UTC, datetime, timedelta

import pytest

from app.web.timeline import ticks

STARTED_AT = datetime(2026, 11, 20, 3, 4, 12, tzinfo=UTC)  # 08:04:12 in Almaty


def test_the_ticks_of_a_shift_stand_at_full_hours():
    found = ticks(started_at=STARTED_AT, seconds=8 * 3600)

    labels = [one.label for one in found]
    assert labels == [f"{hour:02d}:00" for hour in range(9, 17)]
    assert found[0].percent == pytest.approx((3600 - 252) / 288, abs=0.01)


def test_a_day_has_ticks_that_do_not_run_into_each_other():
    found = ticks(started_at=STARTED_AT, seconds=24 * 3600)

    assert [one.label for one in found][:3] == ["10:00", "12:00", "14:00"]
    assert len(found) <= 12


def test_a_minute_has_seconds_on_its_ticks():
    found = ticks(started_at=STARTED_AT, seconds=60)

    assert [one.label for one in found][:2] == ["08:04:20", "08:04:30"]


def test_a_start_at_the_full_hour_is_a_tick_itself():
    started_at = STARTED_AT.replace(minute=0, second=0)

    assert ticks(started_at=started_at, seconds=7200)[0].percent == 0


@pytest.mark.parametrize("seconds", [1, 9.5, 100, 3599, 90_000, 7 * 86_400])
def test_no_tick_lies_outside(seconds):
    found = ticks(started_at=STARTED_AT + timedelta(milliseconds=345), seconds=seconds)

    assert all(0 <= one.percent <= 100 for one in found)
