"""The life cycle of a device, step by step."""

import itertools

import pytest

from devices.errors import StepRefused
from devices.rules.lifecycle import ADMITTED, SET_BY_KEEPER, DeviceStatus, next_status

STEPS = {
    "registered": {"enrolled"},
    "enrolled": {"in_store", "enrolled"},
    "in_store": {"issued", "enrolled"},
    "issued": {"docked", "returned"},
    "docked": {"returned"},
    "returned": {"in_store"},
    "suspended": {"returned", "in_store"},
    "lost": {"returned"},
}
BLOCKING = {"suspended", "lost", "retired"}


def allowed(current, target):
    if current == "retired" or (current == target and current in BLOCKING):
        return False
    return target in STEPS[current] or target in BLOCKING


@pytest.mark.parametrize(("current", "target"), list(itertools.product(DeviceStatus, repeat=2)))
def test_a_device_moves_only_along_the_listed_steps(current, target):
    if allowed(current.value, target.value):
        assert next_status(current, target) is target
    else:
        with pytest.raises(StepRefused):
            next_status(current, target)


def test_a_device_out_of_service_opens_nothing():
    assert {status.value for status in ADMITTED} == {"enrolled", "in_store", "issued", "docked"}


def test_nobody_issues_or_enrols_by_hand():
    by_hand = {status.value for status in SET_BY_KEEPER}

    assert not by_hand & {"issued", "docked", "enrolled", "registered"}
