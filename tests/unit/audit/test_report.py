"""A monthly report in an outsider's hands: whole, or refused for the one line that is missing."""

import json

import pytest

from app.audit import verify
from app.audit.rules.merkle import ProofNotValid
from app.audit.rules.tally import NumbersNotWhole
from tests.factories_log import LOG, SmallLog

MONTH = "2026-10"
HEAD = '"officer_id","month","number","subject","leaf_index"'
STREAMS = {"aaaa": 3, "bbbb": 12}


def act(stream, number):
    running = {"stream": stream, "month": MONTH, "number": number}
    return json.dumps({"event": "exchange.request_decided", "fields": {"running": running}})


def closing(stream, last, month=MONTH):
    fields = {"stream": stream, "month": month, "last_number": last}
    return json.dumps({"event": "audit.stream_closed", "fields": fields})


ACTS = [(stream, number) for stream, last in STREAMS.items() for number in range(1, last + 1)]
LEAVES = [
    *(act(stream, number) for stream, number in ACTS),
    *(closing(stream, last) for stream, last in STREAMS.items()),
]
BYTES = [leaf.encode() for leaf in LEAVES]
SMALL = SmallLog(BYTES)


def line(stream, number, leaf=None, month=MONTH):
    leaf = ACTS.index((stream, number)) if leaf is None else leaf
    return f'"{stream}","{month}","{number}","••••","{leaf}"'


REPORT = [HEAD, *(line(*one) for one in ACTS)]
CLOSINGS = [
    json.dumps({"leaf": LEAVES[index], "proof": SMALL.proof(index, len(LEAVES))}).encode()
    for index in range(len(ACTS), len(LEAVES))
]


def checked(report=REPORT, closings=CLOSINGS, **more):
    reports = [report] if isinstance(report[0], str) else report
    return verify.verify_report(
        reports=[[f"{one}\r\n" for one in each] for each in reports],
        closings=closings,
        verifier_key=str(LOG),
        **more,
    )


def test_a_whole_report_holds():
    assert checked() == (15, 2)
    assert checked(leaves=BYTES) == (15, 2)


@pytest.mark.parametrize("place", range(1, len(REPORT)))
def test_without_any_one_of_its_lines_it_is_refused(place):
    with pytest.raises(NumbersNotWhole, match="missing"):
        checked([*REPORT[:place], *REPORT[place + 1 :]])


def test_an_officer_left_out_as_a_whole_is_refused():
    with pytest.raises(NumbersNotWhole, match="missing of 1 to 12: 1, 2, 3, 4, 5 …"):
        checked([one for one in REPORT if "bbbb" not in one])


def test_an_officer_shared_by_two_reports_is_whole_only_with_both():
    one, other = [*REPORT[:9]], [HEAD, *REPORT[9:]]

    assert checked([one, other]) == (15, 2)
    with pytest.raises(NumbersNotWhole, match="missing"):
        checked(one)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (line("aaaa", 2), "stands twice"),
        (line("aaaa", 4, leaf=0), "was never given"),
        (line("cccc", 1, leaf=0), "no closing record"),
        (line("aaaa", 1, month="2026-11"), "no closing record"),
        ('"aaaa","2026-10","1"', "another number of cells"),
        ('"aaaa","2026-10","0","",""', "names no act"),
        ('"aaaa","2026-10","1.0","",""', "names no act"),
        ('"aaaa","2026-10","x","",""', "names no act"),
        ('"aaaa","2026-10","١","",""', "names no act"),
        ('"aaaa","2026-10","2","","-1"', "names no act"),
        ('"aaaa","2026', "no table"),
    ],
)
def test_a_line_too_many_or_malformed_is_refused(more, fault):
    with pytest.raises(NumbersNotWhole, match=fault):
        checked([*REPORT, more])


def test_an_act_from_before_the_numbers_counts_for_nothing():
    renumbered = [one.replace('"aaaa","2026-10","2"', '"aaaa","2026-10","-2"') for one in REPORT]

    assert checked([*REPORT, line("aaaa", 1).replace('"1"', '"-1"', 1)]) == (15, 2)
    with pytest.raises(NumbersNotWhole, match="missing of 1 to 3: 2"):
        checked(renumbered)


def test_a_table_without_the_columns_is_refused():
    for head in ('"a","b"', HEAD.replace("number", "month"), ""):
        with pytest.raises(NumbersNotWhole):
            checked([head, *REPORT[1:]])


def test_a_closing_record_that_is_not_in_the_log_is_refused():
    content = json.loads(CLOSINGS[0])
    lying = content | {"leaf": closing("aaaa", 2)}

    with pytest.raises(ProofNotValid):
        checked(closings=[json.dumps(lying).encode(), CLOSINGS[1]])


def test_a_leaf_of_another_kind_is_no_closing_record():
    proven = {"leaf": LEAVES[0], "proof": SMALL.proof(0, len(LEAVES))}

    with pytest.raises(NumbersNotWhole, match="no closing record"):
        checked(closings=[*CLOSINGS, json.dumps(proven).encode()])


@pytest.mark.parametrize("garbage", [b"", b"{}", b"[]", b"null", b"x", b'{"leaf":1,"proof":""}'])
def test_garbage_among_the_closing_records_is_refused(garbage):
    with pytest.raises(NumbersNotWhole):
        checked(closings=[*CLOSINGS, garbage])


def test_a_line_that_names_another_acts_leaf_is_refused():
    swapped = [HEAD, line("aaaa", 1, leaf=1), line("aaaa", 2, leaf=0), *REPORT[3:]]

    assert checked(swapped) == (15, 2)
    with pytest.raises(NumbersNotWhole, match="is not number"):
        checked(swapped, leaves=BYTES)


def test_a_line_that_names_a_leaf_beyond_the_log_is_refused():
    with pytest.raises(NumbersNotWhole, match="not there"):
        checked([HEAD, line("aaaa", 1, leaf=99), *REPORT[2:]], leaves=BYTES)


def test_it_runs_from_the_command_line(tmp_path, capsys):
    (tmp_path / "report.csv").write_bytes(
        b"\xef\xbb\xbf" + "".join(f"{one}\r\n" for one in REPORT).encode()
    )
    (tmp_path / "closing").write_bytes(b"".join(one + b"\n" for one in CLOSINGS))
    (tmp_path / "cut.csv").write_text("".join(f"{one}\r\n" for one in REPORT[:-1]))
    usual = ["report", "--key", str(LOG), "--closing", str(tmp_path / "closing"), "--report"]

    assert verify.main([*usual, str(tmp_path / "report.csv")]) == 0
    assert verify.main([*usual, str(tmp_path / "cut.csv")]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "holds: 15 requests of 2 officers, none missing",
        "REFUSED: bbbb, 2026-10: missing of 1 to 12: 12",
    ]
