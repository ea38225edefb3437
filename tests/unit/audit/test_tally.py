import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.audit import verify
from app.audit.rules.numbering import RunningNumber, month_of
from app.audit.rules.tally import NumbersNotWhole, streams_digest

ALMA, BOLAT = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
MONTH = "2026-11"


def numbered(stream, number, month=MONTH):
    running = RunningNumber(stream=UUID(stream), month=month, number=number)
    return {"event": "exchange.request_decided", "fields": running.as_fields() | {"x": 1}}


def closed(stream, last, month=MONTH):
    fields = {"stream": stream, "month": month, "last_number": last}
    return {"event": "audit.stream_closed", "fields": fields}


def month_closed(last_numbers, month=MONTH):
    digest = streams_digest(last_numbers)
    fields = {"month": month, "streams": len(last_numbers), "streams_sha256": digest}
    return {"event": "audit.month_closed", "fields": fields}


OTHER = {"event": "fines.paid", "fields": {}}
WHOLE = [
    numbered(ALMA, 1), OTHER, numbered(BOLAT, 1), numbered(ALMA, 2), numbered(ALMA, 3),
    closed(ALMA, 3), closed(BOLAT, 1), month_closed({ALMA: 3, BOLAT: 1}),
    numbered(ALMA, 1, "2026-12"),
]  # fmt: skip


def check(leaves):
    return verify.verify_numbers(leaves=[json.dumps(leaf).encode() for leaf in leaves])


def test_a_whole_month_is_counted():
    assert check(WHOLE) == (5, 1)


@pytest.mark.parametrize("missing", [0, 2, 3, 4, 5, 6])
def test_a_missing_number_or_record_of_a_stream_is_noticed(missing):
    with pytest.raises(NumbersNotWhole):
        check([leaf for place, leaf in enumerate(WHOLE) if place != missing])


@pytest.mark.parametrize(
    "more",
    [
        [numbered(ALMA, 4)],
        [numbered("cccccccc-0000-4000-8000-000000000003", 1)],
        [closed(ALMA, 3)],
        [month_closed({ALMA: 3, BOLAT: 1})],
        [{"event": "a.b", "fields": {"running": 1}}],
        [{"event": "a.b", "fields": {"running": {"stream": ALMA, "month": MONTH}}}],
        [{"event": "a.b", "fields": None}],
        [{"event": "audit.stream_closed", "fields": {}}],
        [["a", "b"]],
    ],
)
def test_what_comes_after_the_closing_or_is_malformed_is_noticed(more):
    with pytest.raises(NumbersNotWhole):
        check(WHOLE + more)


def test_a_stream_that_vanished_whole_is_noticed():
    without = [leaf for leaf in WHOLE if BOLAT not in json.dumps(leaf)]

    with pytest.raises(NumbersNotWhole, match="other streams"):
        check(without)


def test_a_number_that_stands_twice_is_noticed():
    with pytest.raises(NumbersNotWhole):
        check([numbered(ALMA, 1), numbered(ALMA, 1)])


def test_what_is_not_json_is_noticed():
    with pytest.raises(NumbersNotWhole):
        verify.verify_numbers(leaves=[b"{"])


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (datetime(2026, 11, 30, 18, 59, 59, tzinfo=UTC), "2026-11"),
        (datetime(2026, 11, 30, 19, 0, tzinfo=UTC), "2026-12"),
        # The night Astana's clocks were set back: UTC+6 until the last hour of February 2024.
        (datetime(2024, 2, 29, 17, 59, 59, tzinfo=UTC), "2024-02"),
        (datetime(2024, 2, 29, 18, 30, tzinfo=UTC), "2024-02"),
        (datetime(2024, 2, 29, 19, 0, tzinfo=UTC), "2024-03"),
    ],
)
def test_a_month_is_the_calendars_of_the_law(at, month):
    assert month_of(at) == month


def test_the_command_counts_an_export(tmp_path, capsys):
    path = tmp_path / "leaves"
    path.write_bytes(b"".join(json.dumps(leaf).encode() + b"\n" for leaf in WHOLE))

    code = verify.main(["numbers", "--leaves", str(path)])

    assert (code, capsys.readouterr().out) == (
        0,
        "holds: 5 running numbers, 1 closed months\n",
    )
