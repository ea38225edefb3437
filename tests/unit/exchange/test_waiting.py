"""Requests that wait: 24 hours from receipt and not an instant longer."""

from datetime import UTC, datetime, timedelta

import pytest

from app.exchange.rules.codes import Outcome
from app.exchange.rules.requests import RequestStatus, next_status
from app.exchange.rules.waiting import STATUS_OF, dies_at, is_dead, next_attempt_at

RECEIVED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DEATH = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
WAITING = ("pending_verification", "needs_second_person", "needs_justification")


@pytest.mark.parametrize("status", list(RequestStatus))
@pytest.mark.parametrize("early", [True, False])
def test_only_what_waits_dies_and_on_the_instant(status, early):
    now = DEATH - INSTANT if early else DEATH

    dead = is_dead(status, received_at=RECEIVED, now=now)

    assert dead is (status.value in WAITING and not early)


@pytest.mark.parametrize("waited", [0, 1, 100_000])
def test_waiting_for_one_thing_after_another_adds_no_time(waited):
    assert dies_at(RECEIVED) == DEATH
    assert next_attempt_at(attempts=waited, received_at=RECEIVED, now=DEATH) is None


def test_a_day_of_25_hours_gives_24():
    received = datetime(2024, 2, 29, 4, 0, tzinfo=UTC)  # 10:00 by the old clock

    assert dies_at(received) == datetime(2024, 3, 1, 4, 0, tzinfo=UTC)  # 09:00 by the new one


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 30), (1, 30), (2, 60), (3, 120), (6, 960), (7, 1800), (8, 1800), (10**6, 1800)],
)
def test_each_wait_is_twice_the_one_before_up_to_half_an_hour(attempts, seconds):
    at = next_attempt_at(attempts=attempts, received_at=RECEIVED, now=RECEIVED)

    assert at == RECEIVED + timedelta(seconds=seconds)


def test_no_attempt_is_planned_for_a_dead_request():
    almost = DEATH - timedelta(seconds=30)

    assert next_attempt_at(attempts=1, received_at=RECEIVED, now=almost) is None
    assert next_attempt_at(attempts=1, received_at=RECEIVED, now=almost - INSTANT) == (
        DEATH - INSTANT
    )


def test_a_silent_register_is_asked_some_fifty_times_before_the_end():
    now, attempts = RECEIVED, 1
    while (at := next_attempt_at(attempts=attempts, received_at=RECEIVED, now=now)) is not None:
        now, attempts = at, attempts + 1

    assert 40 < attempts < 60
    assert now < DEATH


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_has_its_status_and_a_waiting_request_may_come_to_any(outcome):
    status = STATUS_OF[outcome]

    assert status.value == {"allowed": "received"}.get(outcome.value, outcome.value)
    for waiting in WAITING:
        assert next_status(RequestStatus(waiting), status) is status
