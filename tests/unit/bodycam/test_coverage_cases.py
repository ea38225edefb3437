import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bodycam.errors import TransitionRefused
from bodycam.rules.coverage import (
    COVERAGE_TERMS,
    CoverageKind,
    Ending,
    Finding,
    FindingKind,
    GapReason,
    Interval,
    Span,
)
from bodycam.rules.coverage_cases import (
    CaseStatus,
    Concern,
    KnownCase,
    concerns_of,
    match_cases,
    next_case_status,
)

TERMS = COVERAGE_TERMS[0]
BEGIN = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ALLOWED = {
    ("opened", "explained"),
    ("opened", "resolved"),
    ("explained", "closed"),
    ("explained", "opened"),
    ("explained", "resolved"),
}


def at(hours=0.0):
    return BEGIN + timedelta(hours=hours)


def gap(reason, start, end):
    return Interval(at(start), at(end), CoverageKind.GAP, GapReason(reason))


def concerns(*intervals, ending=Ending.DOCKED, now=100.0, findings=()):
    return concerns_of(
        Span(begin=BEGIN, end=at(8), ending=ending),
        intervals=intervals,
        findings=findings,
        terms=TERMS,
        now=at(now),
    )


def case(number, start, end, *, status="opened", reason="not_recording"):
    concern = Concern(GapReason(reason), at(start), at(end))
    return KnownCase(UUID(int=number), CaseStatus(status), concern)


@pytest.mark.parametrize(("current", "target"), list(itertools.product(CaseStatus, repeat=2)))
def test_a_case_moves_only_along_the_listed_steps(current, target):
    if (current.value, target.value) in ALLOWED:
        assert next_case_status(current, target) is target
    else:
        with pytest.raises(TransitionRefused):
            next_case_status(current, target)


@pytest.mark.parametrize("reason", ["handed_over", "docking", "seam"])
def test_the_ordinary_opens_no_case(reason):
    assert concerns(gap(reason, 0, 1)) == ()


@pytest.mark.parametrize(
    "reason",
    [
        "unreadable", "damaged", "black", "silent", "missing_predecessor", "memory_changed",
        "clock_leap", "low_battery", "lost", "not_recording",
    ],
)  # fmt: skip
def test_any_other_gap_must_be_explained(reason):
    assert concerns(gap(reason, 1, 2)) == (Concern(GapReason(reason), at(1), at(2)),)


def test_a_few_seconds_open_no_case():
    assert concerns(gap("not_recording", 1, 1 + 9 / 3600)) == ()


def test_the_dock_is_given_time_to_announce():
    one = gap("not_recording", 1, 2)

    assert concerns(one, now=9.9) == ()
    assert len(concerns(one, now=10)) == 1


def test_a_camera_that_is_out_for_too_long_is_a_case():
    one = gap("not_docked", 0, 8)

    assert concerns(one, ending=Ending.STILL_OUT, now=26) == ()
    assert len(concerns(one, ending=Ending.STILL_OUT, now=26.1)) == 1


def test_a_recording_that_does_not_arrive_is_a_case():
    one = gap("not_uploaded", 0, 8)

    assert concerns(one, now=32) == ()
    assert len(concerns(one, now=32.1)) == 1


def test_an_odd_recording_is_a_case_and_an_overlap_is_none():
    findings = [
        Finding(FindingKind.OVERLAP, at(1), at(2), UUID(int=1)),
        Finding(FindingKind.MISSING_PREDECESSOR, at(3), at(3), UUID(int=2)),
    ]

    assert concerns(findings=findings) == (Concern(GapReason.MISSING_PREDECESSOR, at(3), at(3)),)


def test_a_new_gap_opens_a_case():
    concern = Concern(GapReason.LOW_BATTERY, at(1), at(2))

    assert match_cases([concern], []).opened == (concern,)


def test_the_same_gap_opens_no_second_case():
    known = case(1, 1, 2)

    found = match_cases([known.concern], [known])

    assert (found.opened, found.moved, found.resolved) == ((), {}, ())


def test_a_gap_that_became_smaller_moves_its_case():
    concern = Concern(GapReason.NOT_RECORDING, at(1.5), at(2))

    found = match_cases([concern], [case(1, 1, 2)])

    assert (found.opened, found.moved) == ((), {UUID(int=1): concern})


def test_footage_that_came_late_resolves_the_case():
    assert match_cases([], [case(1, 1, 2)]).resolved == (UUID(int=1),)


def test_a_gap_cut_in_two_has_a_case_for_each_part():
    parts = [
        Concern(GapReason.NOT_RECORDING, at(*ends[:1]), at(ends[1])) for ends in ((1, 2), (3, 4))
    ]

    found = match_cases(parts, [case(1, 1, 4)])

    assert found.moved == {UUID(int=1): parts[0]}
    assert found.opened == (parts[1],)


def test_what_was_closed_stays_closed():
    assert (
        match_cases(
            [Concern(GapReason.BLACK, at(1), at(2))], [case(1, 1, 2, status="closed")]
        ).opened
        == ()
    )


def test_a_gap_that_reaches_further_than_what_was_closed_is_a_new_case():
    concern = Concern(GapReason.NOT_RECORDING, at(1), at(3))

    found = match_cases([concern], [case(1, 1, 2, status="closed")])

    assert found.opened == (concern,)
