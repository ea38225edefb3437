"""Anybody repeats the draws of a day from the leaves that ``export-log`` writes."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.exchange.rules.draws import DayNotOpen, repeat_day
from app.exchange.rules.sampling import commitment_of, is_drawn

DAY = date(2026, 11, 22)
SEED, OTHER = bytes(range(32)), bytes(range(1, 33))
STREAM = "00000000-0000-4000-8000-00000000000a"
EVENTS = ("request_decided", "request_refused", "request_waits")


def leaf(event, *, at="2026-11-22T05:00:00.000000Z", **fields):
    return json.dumps({"event": f"exchange.{event}", "at": at, "fields": fields}).encode()


def request(number, *, drawn=None, at="2026-11-22T05:00:00.000000Z"):
    by_seed = is_drawn(SEED, person_id=STREAM, month="2026-11", number=number)
    return leaf(
        EVENTS[number % 3],
        running={"stream": STREAM, "month": "2026-11", "number": number},
        drawn=by_seed if drawn is None else drawn,
        at=at,
    )


COMMITTED = leaf("seed_committed", day="2026-11-22", commitment=commitment_of(SEED, day=DAY))
OPENED = leaf("seed_opened", day="2026-11-22", seed=SEED.hex())
REQUESTS = [request(number) for number in range(1, 301)]
# Of another day, of another event, and a second look at one that waited: none is a draw of today.
BESIDE = [
    request(999, at="2026-11-22T19:00:00.000000Z", drawn=True),
    leaf("request_decided", attempt=1, drawn=True),
    leaf("answer_viewed", check_id="-"),
    leaf("seed_opened", day="2026-11-21", seed="00" * 32),
]


def whole(*, committed=COMMITTED, opened=OPENED, requests=REQUESTS):
    return [committed, *requests, *BESIDE, opened]


def test_the_draws_of_a_day_hold_as_the_seed_draws_them():
    report = repeat_day(whole(), day=DAY)

    assert report.holds
    assert report.leaves == 300
    assert 10 < report.drawn < 60


@pytest.mark.parametrize(
    "changed",
    [
        {"requests": [*REQUESTS[:7], *(request(n, drawn=True) for n in (8, 9)), *REQUESTS[9:]]},
        {"requests": [*REQUESTS, REQUESTS[0]]},
        {"opened": leaf("seed_opened", day="2026-11-22", seed=OTHER.hex())},
    ],
    ids=["a mark", "a number twice", "another seed"],
)
def test_a_draw_that_somebody_bent_does_not_hold(changed):
    assert not repeat_day(whole(**changed), day=DAY).holds


def test_a_second_commitment_does_not_replace_the_first():
    later = leaf("seed_committed", day="2026-11-22", commitment=commitment_of(OTHER, day=DAY))

    assert repeat_day([COMMITTED, later, *REQUESTS, OPENED], day=DAY).holds
    assert not repeat_day([later, COMMITTED, *REQUESTS, OPENED], day=DAY).holds


@pytest.mark.parametrize("left_out", [COMMITTED, OPENED])
def test_a_day_that_is_not_open_proves_nothing(left_out):
    with pytest.raises(DayNotOpen):
        repeat_day([one for one in whole() if one != left_out], day=DAY)


@pytest.mark.parametrize(
    ("leaves", "code", "told"),
    [
        (whole(), 0, "of 300 requests were drawn"),
        (whole(requests=[*REQUESTS, REQUESTS[0]]), 1, "1 numbers stand twice"),
        (whole(opened=b"{}"), 1, "cannot go on"),
        ([COMMITTED], 1, "is not opened"),
    ],
)
def test_the_command_says_what_it_found(tmp_path, leaves, code, told):
    (tmp_path / "leaves").write_bytes(b"\n".join(leaves) + b"\n")

    done = CliRunner().invoke(cli, ["check-draw", "2026-11-22", str(tmp_path)])

    assert (done.exit_code, told in done.output) == (code, True), done.output
