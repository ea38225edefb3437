import itertools

import pytest

from bodycam.errors import TransitionRefused
from bodycam.rules.life_cycle import (
    TERM_WORKING_DAYS,
    ComplaintKind,
    ComplaintStatus,
    RecordingStatus,
    next_complaint_status,
    next_recording_status,
    status_under_hold,
)

ALLOWED = {
    ("announced", "receiving"),
    ("receiving", "announced"),
    ("receiving", "verified"),
    ("receiving", "damaged"),
    ("verified", "indexed"),
    ("verified", "damaged"),
    ("verified", "quarantined"),
    ("damaged", "indexed"),
    ("damaged", "quarantined"),
    ("quarantined", "held"),
    ("quarantined", "expiring"),
    ("quarantined", "indexed"),
    ("indexed", "reviewable"),
    ("reviewable", "held"),
    ("reviewable", "expiring"),
    ("held", "reviewable"),
    ("held", "quarantined"),
    ("held", "expiring"),
    ("expiring", "held"),
    ("expiring", "reviewable"),
    ("expiring", "quarantined"),
    ("expiring", "destroyed"),
}
ALLOWED_OF_COMPLAINT = {
    ("registered", "assigned"),
    ("assigned", "footage_found"),
    ("assigned", "under_review"),
    ("footage_found", "under_review"),
    ("under_review", "decided"),
    ("decided", "answered"),
}


@pytest.mark.parametrize(("current", "target"), list(itertools.product(RecordingStatus, repeat=2)))
def test_a_recording_moves_only_along_the_listed_steps(current, target):
    if (current.value, target.value) in ALLOWED:
        assert next_recording_status(current, target) is target
    else:
        with pytest.raises(TransitionRefused):
            next_recording_status(current, target)


@pytest.mark.parametrize(
    ("current", "under_hold"),
    [
        ("announced", "announced"),
        ("receiving", "receiving"),
        ("verified", "verified"),
        ("damaged", "damaged"),
        ("indexed", "indexed"),
        ("quarantined", "held"),
        ("reviewable", "held"),
        ("expiring", "held"),
        ("held", "held"),
    ],
)
def test_a_recording_is_held_from_its_announcement_on(current, under_hold):
    assert status_under_hold(RecordingStatus(current)).value == under_hold


def test_what_is_destroyed_takes_no_hold():
    with pytest.raises(TransitionRefused):
        status_under_hold(RecordingStatus.DESTROYED)


@pytest.mark.parametrize(("current", "target"), list(itertools.product(ComplaintStatus, repeat=2)))
def test_a_complaint_moves_only_along_the_listed_steps(current, target):
    if (current.value, target.value) in ALLOWED_OF_COMPLAINT:
        assert next_complaint_status(current, target) is target
    else:
        with pytest.raises(TransitionRefused):
            next_complaint_status(current, target)


@pytest.mark.parametrize(
    ("kind", "days"), [(ComplaintKind.APPEAL, 15), (ComplaintKind.COMPLAINT, 20)]
)
def test_the_term_is_that_of_the_code(kind, days):
    assert TERM_WORKING_DAYS[kind] == days
