"""Departmental control without a database: who reviews whom, until when, what a report says."""

import csv
import io
import itertools
import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from app.clock import LAW_ZONE
from app.exchange.rules.completeness import beyond_of, in_words, missing_of, ranges_of
from app.exchange.rules.control import (
    EscalationReason,
    Interval,
    Line,
    Mark,
    MonthNotValid,
    Office,
    due_on,
    interval_of,
    is_overdue,
    mark_fault,
    needs_own_mark,
    reason_to_escalate,
    spans_of,
)
from app.exchange.rules.control_report import (
    Towards,
    line_of_digest,
    lines_digest,
    masked,
    towards,
    unmasked,
)
from app.exchange.rules.control_table import cell

OCTOBER = interval_of("2026-10")
DAY = timedelta(days=1)
NAMES = [UUID(int=number) for number in range(1, 9)]


def during(first, last=None):
    begin = datetime(2026, 10, first, tzinfo=LAW_ZONE).astimezone(UTC)
    end = OCTOBER.end if last is None else datetime(2026, 10, last, tzinfo=LAW_ZONE) + DAY
    return Interval(begin=begin, end=end.astimezone(UTC))


def test_a_month_is_that_of_the_laws_clocks():
    assert OCTOBER.begin == datetime(2026, 9, 30, 19, tzinfo=UTC)
    assert OCTOBER.end == datetime(2026, 10, 31, 19, tzinfo=UTC)


def test_february_2024_holds_its_repeated_hour_both_times():
    february = interval_of("2024-02")
    first_run = datetime(2024, 2, 29, 23, 30, tzinfo=LAW_ZONE, fold=0)
    second_run = datetime(2024, 2, 29, 23, 30, tzinfo=LAW_ZONE, fold=1)

    assert february.begin == datetime(2024, 1, 31, 18, tzinfo=UTC)
    assert february.end == datetime(2024, 2, 29, 19, tzinfo=UTC)
    assert second_run.astimezone(UTC) - first_run.astimezone(UTC) == timedelta(hours=1)
    assert all(
        february.begin <= one.astimezone(UTC) < february.end for one in (first_run, second_run)
    )
    assert february.end - february.begin == 29 * DAY + timedelta(hours=1)


def test_months_touch_and_none_is_left_out():
    months = [f"{year}-{month:02d}" for year in range(2021, 2031) for month in range(1, 13)]

    assert all(
        interval_of(one).end == interval_of(other).begin
        for one, other in itertools.pairwise(months)
    )


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "26-01", "2026-00", "2026-10 ", ""])
def test_what_is_no_month_is_refused(month):
    with pytest.raises(MonthNotValid):
        interval_of(month)


@pytest.mark.parametrize(
    ("month", "day"),
    [
        ("2026-10", date(2026, 11, 10)),
        ("2025-12", date(2026, 1, 10)),
        ("2024-02", date(2024, 3, 10)),
    ],
)
def test_the_review_is_due_on_the_tenth_of_the_next_month(month, day):
    assert due_on(month) == day


def test_a_month_from_before_the_rules_has_no_term():
    with pytest.raises(MonthNotValid):
        due_on("2021-01")


def test_the_last_day_is_in_time_to_its_last_second():
    last_second = datetime(2026, 11, 10, 23, 59, 59, tzinfo=LAW_ZONE)

    assert not is_overdue(due=date(2026, 11, 10), now=last_second)
    assert is_overdue(due=date(2026, 11, 10), now=last_second + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("days", "in_post", "reason"),
    [
        (0, True, None),
        (1, True, EscalationReason.OVERDUE),
        (0, False, EscalationReason.OFFICIAL_LEFT),
        (1, False, EscalationReason.OFFICIAL_LEFT),
    ],
)
def test_a_report_goes_up_when_it_is_late_or_has_lost_its_official(days, in_post, reason):
    now = datetime(2026, 11, 10, 12, tzinfo=LAW_ZONE) + days * DAY

    found = reason_to_escalate(due=date(2026, 11, 10), now=now, official_in_post=in_post)

    assert found is reason


def test_who_moved_in_mid_month_is_reviewed_by_each_official_for_his_days():
    officer, first, second = NAMES[:3]

    spans = spans_of(
        [officer],
        lines=[
            Line(person_id=officer, superior_id=first, during=during(1, 14)),
            Line(person_id=officer, superior_id=second, during=during(15)),
        ],
        offices=[Office(person_id=one, during=OCTOBER) for one in (first, second)],
        within=OCTOBER,
    )

    assert [(one.official_id, one.during) for one in spans] == [
        (first, during(1, 14)),
        (second, during(15)),
    ]


def test_a_superior_who_is_no_official_is_passed_over_upwards():
    officer, sergeant, commander = NAMES[:3]

    (span,) = spans_of(
        [officer],
        lines=[
            Line(person_id=officer, superior_id=sergeant, during=OCTOBER),
            Line(person_id=sergeant, superior_id=commander, during=OCTOBER),
        ],
        offices=[Office(person_id=commander, during=OCTOBER)],
        within=OCTOBER,
    )

    assert span.official_id == commander


def test_nobody_is_his_own_reviewer_even_in_a_circle():
    one, other = NAMES[:2]
    lines = [
        Line(person_id=one, superior_id=other, during=OCTOBER),
        Line(person_id=other, superior_id=one, during=OCTOBER),
    ]

    spans = spans_of(
        [one], lines=lines, offices=[Office(person_id=one, during=OCTOBER)], within=OCTOBER
    )

    assert [span.official_id for span in spans] == [None]


def day_of(interval, day):
    noon = datetime(2026, 10, day, 12, tzinfo=LAW_ZONE)
    return interval.begin <= noon < interval.end


def walked_up(person, day, lines, offices):
    """The oracle: climb one step at a time, on one day, looking through everything."""
    seen = {person}
    at = person
    while True:
        above = [
            one.superior_id for one in lines if one.person_id == at and day_of(one.during, day)
        ]
        if not above or above[0] in seen:
            return None
        at = above[0]
        seen.add(at)
        if any(one.person_id == at and day_of(one.during, day) for one in offices):
            return at


def random_month(chance):
    """Return lines and offices: at most one superior on any day, cut at random days."""
    lines, offices = [], []
    for person in NAMES:
        cuts = sorted({1, 32, *chance.sample(range(2, 32), chance.randint(0, 3))})
        for first, after in itertools.pairwise(cuts):
            superior = chance.choice([*NAMES, None])
            if superior not in {None, person}:
                part = during(first, after - 1)
                lines.append(Line(person_id=person, superior_id=superior, during=part))
            if chance.random() < 0.35:
                offices.append(Office(person_id=person, during=during(first, after - 1)))
    chance.shuffle(lines)
    return lines, offices


@pytest.mark.parametrize("seed", range(150))
def test_every_day_of_everybody_has_the_reviewer_that_climbing_finds(seed):
    lines, offices = random_month(random.Random(seed))

    spans = spans_of(NAMES, lines=lines, offices=offices, within=OCTOBER)

    for person in NAMES:
        own = [one for one in spans if one.person_id == person]
        assert own[0].during.begin == OCTOBER.begin
        assert own[-1].during.end == OCTOBER.end
        assert all(a.during.end == b.during.begin for a, b in itertools.pairwise(own))
        found = [next(one for one in own if day_of(one.during, day)) for day in range(1, 32)]
        wanted = [walked_up(person, day, lines, offices) for day in range(1, 32)]
        assert [one.official_id for one in found] == wanted


@pytest.mark.parametrize(
    ("flags", "basis", "abandoned", "wanted"),
    [
        ([], "PRIMARY_CHECK", False, False),
        (["night"], "PRIMARY_CHECK", False, True),
        ([], "INTERNATIONAL_ORDER", False, True),
        ([], "PRIMARY_CHECK", True, True),
    ],
)
def test_what_must_be_marked_one_by_one(flags, basis, abandoned, wanted):
    assert needs_own_mark(flags=flags, basis=basis, abandoned=abandoned) is wanted


@pytest.mark.parametrize(
    ("mark", "text", "fault"),
    [
        (Mark.IN_ORDER, "", None),
        (Mark.TO_CLARIFY, "", "text_missing"),
        (Mark.VIOLATION, " \n", "text_missing"),
        (Mark.VIOLATION, "x" * 1000, None),
        (Mark.IN_ORDER, "x" * 1001, "text_too_long"),
    ],
)
def test_whoever_doubts_says_what_he_doubts(mark, text, fault):
    assert mark_fault(mark=mark, text=text) == fault


def test_ranges_and_gaps():
    assert ranges_of([3, 1, 2, 5, 5]) == ((1, 3), (5, 5))
    assert missing_of([1, 2, 5], last_number=6) == ((3, 4), (6, 6))
    assert beyond_of([1, 7, 8], last_number=6) == ((7, 8),)
    assert missing_of([], last_number=0) == ()
    assert in_words(((1, 12), (14, 14))) == "1-12, 14"


OWN, OTHER = NAMES[0], NAMES[1]


@pytest.mark.parametrize(
    ("role", "official_id", "escalated_to", "wanted"),
    [
        ("responsible_official", OWN, set(), Towards.REVIEW),
        ("responsible_official", OTHER, set(), None),
        ("responsible_official", OTHER, {OWN}, Towards.REVIEW),
        ("responsible_official", OTHER, {None}, None),
        ("responsible_official", None, set(), None),
        ("exchange_controller", None, set(), Towards.REVIEW),
        ("exchange_controller", OTHER, set(), None),
        ("exchange_controller", OTHER, {None}, Towards.REVIEW),
        ("exchange_controller", OWN, {OWN}, None),
        ("auditor", OTHER, set(), Towards.READ),
        ("auditor", OWN, {OWN}, Towards.READ),
        ("patrol_officer", OWN, {OWN, None}, None),
        ("exchange_operator", None, {OWN, None}, None),
        ("administrator", OWN, {OWN, None}, None),
    ],
)
def test_who_may_do_what_with_a_report(role, official_id, escalated_to, wanted):
    found = towards(
        role=role, person_id=OWN, official_id=official_id, escalated_to=frozenset(escalated_to)
    )

    assert found is wanted


def test_a_subject_is_hidden_but_for_what_tells_two_apart():
    assert masked({"iin": "950817301017"}) == "••••••••1017"
    assert masked({"iin": "950817301017", "plate": "777ABC02"}) == "••••••••1017 77••••02"
    assert masked({"surname": "ҮСЕНОВ"}) == "••••••••"
    assert masked({}) == ""
    assert unmasked({"iin": "950817301017", "plate": None}) == {"iin": "950817301017"}


@pytest.mark.parametrize(("plate", "shown"), [("AB", "••"), ("A1234", "A•••4"), ("1", "•")])
def test_never_more_than_half_of_a_plate_is_shown(plate, shown):
    assert masked({"plate": plate}) == shown


@pytest.mark.parametrize(
    "text", ["=1+1", "+7 701", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "\n=1"]
)
def test_a_formula_in_a_cell_stays_text(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Иванов", "12-4", 'он сказал "="', "a=b"])
def test_a_text_that_is_no_formula_is_left_alone(text):
    assert cell(text) == text


def test_a_table_of_odd_texts_is_read_back_as_it_was():
    texts = ['a,"b"', "две\r\nстроки", "«кавычки»;", "\u2028", " край "]
    content = io.StringIO(newline="")
    csv.writer(content, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(map(cell, texts))

    assert next(csv.reader(io.StringIO(content.getvalue(), newline=""))) == texts


def test_any_change_of_a_line_changes_the_signed_digest():
    usual = {
        "officer_id": OWN,
        "number": 1,
        "request_id": NAMES[5],
        "mark": Mark.VIOLATION,
        "text": "т",
    }
    changes = [
        {"officer_id": OTHER}, {"number": 2}, {"request_id": NAMES[6]},
        {"mark": None}, {"mark": Mark.IN_ORDER}, {"text": "х"},
    ]  # fmt: skip

    digests = {lines_digest([line_of_digest(**usual | change)]) for change in [{}, *changes]}

    assert len(digests) == 1 + len(changes)
