"""The agent's journal: durable, owned by one, torn ends forgiven, broken middles not."""

import json
import subprocess
import sys
import uuid
from datetime import UTC, datetime

import pytest

from fines.field import journal as journal_module
from fines.field.journal import Journal, JournalUnusable, Stage

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
ORDER, OTHER, THIRD = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "agent" / "journal"


def note(path, *stages, order=ORDER, facts=None):
    with Journal(path) as journal:
        for stage in stages:
            journal.note(order, stage, at=NOW, facts=facts)


def test_what_was_noted_is_there_after_a_restart(path):
    note(path, Stage.INTENT, facts={"amount": 100, "receipt_before": None})
    note(path, Stage.SENDING)

    with Journal(path) as journal:
        (state,) = journal.open_orders()

    assert (state.order_id, state.stage) == (ORDER, Stage.SENDING)
    assert (state.number("amount"), state.number("receipt_before")) == (100, None)


def test_printed_papers_are_remembered_without_moving_the_stage(path):
    note(path, Stage.REPORTED)
    note(path, Stage.PRINTED, facts={"slip": str(OTHER)})

    with Journal(path) as journal:
        state = journal.orders[ORDER]

    assert (state.stage, state.slips) == (Stage.REPORTED, [OTHER])


def test_a_paper_that_was_begun_is_doubtful_until_it_is_known_to_be_out(path):
    note(path, Stage.REPORTED)
    note(path, Stage.PRINTING, facts={"slip": str(OTHER)})

    with Journal(path) as journal:
        before = journal.orders[ORDER].doubtful
        state = journal.note(ORDER, Stage.PRINTED, at=NOW, facts={"slip": str(OTHER)})

    assert before == [OTHER]
    assert (state.stage, state.doubtful) == (Stage.REPORTED, [])


def test_a_closed_order_is_known_but_not_open(path):
    note(path, Stage.INTENT, Stage.CLOSED)

    with Journal(path) as journal:
        assert journal.open_orders() == []
        assert ORDER in journal.orders


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_a_line_torn_by_a_power_cut_is_a_step_not_taken(path, kept):
    note(path, Stage.INTENT)
    whole = path.read_bytes()
    note(path, Stage.SENDING)
    path.write_bytes(path.read_bytes()[: len(whole) + kept])

    with Journal(path) as journal:
        assert journal.orders[ORDER].stage is Stage.INTENT

    assert path.read_bytes() == whole


def test_after_a_torn_line_the_journal_goes_on(path):
    note(path, Stage.INTENT)
    with path.open("ab") as file:
        file.write(b'{"v":1,"or')
    note(path, Stage.SENDING)

    with Journal(path) as journal:
        assert journal.orders[ORDER].stage is Stage.SENDING


@pytest.mark.parametrize(
    "line", [b"not json", b"{}", b"[]", b'{"v":2,"order":"x","stage":"intent"}', b"\xff\xfe"]
)
def test_an_unreadable_line_in_the_middle_stops_the_agent(path, line):
    note(path, Stage.INTENT)
    with path.open("ab") as file:
        file.write(line + b"\n")

    with pytest.raises(JournalUnusable, match="line 2"):
        Journal(path)


def test_a_second_agent_is_kept_out(path):
    with Journal(path), pytest.raises(JournalUnusable, match="another agent"):
        Journal(path)


def test_the_journal_is_readable_by_its_user_alone(path):
    note(path, Stage.INTENT)

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_long_journal_is_rewritten_with_what_is_open_and_the_last_closed(path, monkeypatch):
    monkeypatch.setattr(journal_module, "KEPT_ORDERS", 2)
    with Journal(path) as journal:
        journal.note(ORDER, Stage.SENDING, at=NOW, facts={"amount": 7})
        journal.note(ORDER, Stage.PRINTED, at=NOW, facts={"slip": str(OTHER)})
        journal.note(ORDER, Stage.PRINTING, at=NOW, facts={"slip": str(THIRD)})
        for number in range(10, 15):
            for stage in (Stage.INTENT, Stage.ENDED, Stage.CLOSED):
                journal.note(uuid.UUID(int=number), stage, at=NOW, facts={"result": "completed"})
    monkeypatch.setattr(journal_module, "COMPACT_BYTES", 10)

    with Journal(path) as journal:
        kept = list(journal.orders)
        journal.note(OTHER, Stage.INTENT, at=NOW)
    monkeypatch.setattr(journal_module, "COMPACT_BYTES", 10**6)

    with Journal(path) as journal:
        state = journal.orders[ORDER]
        assert list(journal.orders) == [*kept, OTHER]
    assert kept == [ORDER, uuid.UUID(int=13), uuid.UUID(int=14)]
    assert (state.stage, state.number("amount"), state.slips) == (Stage.SENDING, 7, [OTHER])
    assert state.doubtful == [THIRD]
    assert len(path.read_bytes().splitlines()) == 6


def test_each_step_is_one_line_of_json(path):
    note(path, Stage.INTENT, Stage.SENDING)

    lines = [json.loads(line) for line in path.read_text().splitlines()]

    assert [line["stage"] for line in lines] == ["intent", "sending"]
    assert {line["at"] for line in lines} == {NOW.isoformat()}


# ---------------------------------------------------------------------- the disk


def test_a_hole_in_the_last_line_is_a_step_not_taken(path):
    note(path, Stage.INTENT)
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b"\0" * 40 + b'","stage":"sending"}\n')

    with Journal(path) as journal:
        assert journal.orders[ORDER].stage is Stage.INTENT

    assert path.read_bytes() == whole


def test_a_hole_before_the_last_line_stops_the_agent(path):
    note(path, Stage.INTENT)
    with path.open("ab") as file:
        file.write(b"\0" * 40 + b"\n")
    with path.open("ab") as file:
        file.write(b'{"v":1,"order":"00000000-0000-0000-0000-000000000001","stage":"sending"}\n')

    with pytest.raises(JournalUnusable, match="line 2"):
        Journal(path)


@pytest.fixture
def no_room(path):
    """A file may grow no further: what a full disk does to a write, in a process of its own."""

    def run(steps):
        script = (
            "import resource, signal, sys, uuid\n"
            "from datetime import UTC, datetime\n"
            "from pathlib import Path\n"
            "from fines.field.journal import Journal, JournalFull, Stage\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "room, path = int(sys.argv[1]), Path(sys.argv[2])\n"
            "journal = Journal(path)\n"
            "size = path.stat().st_size\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, -1))\n"
            "try:\n"
            "    at = datetime(2026, 1, 1, tzinfo=UTC)\n"
            "    journal.note(uuid.UUID(int=1), Stage.SENDING, at=at)\n"
            "except JournalFull:\n"
            "    print('full')\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))\n"
            "print(journal.orders[uuid.UUID(int=1)].stage.value)\n"
        )
        return subprocess.run(
            [sys.executable, "-c", script, str(steps), str(path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    return run


@pytest.mark.parametrize("room", [0, 1, 60])
def test_a_full_disk_takes_no_step_and_leaves_no_half_line(path, no_room, room):
    note(path, Stage.INTENT)
    whole = path.read_bytes()

    told = no_room(room)

    assert told == ["full", "intent"]
    assert path.read_bytes() == whole
    note(path, Stage.SENDING)
    with Journal(path) as journal:
        assert journal.orders[ORDER].stage is Stage.SENDING


@pytest.mark.parametrize("spoiled", range(0, 400, 13))
def test_a_tail_of_any_length_loses_no_step_before_it(path, spoiled):
    stages = [Stage.INTENT, Stage.SENDING, Stage.APPROVED, Stage.ACKNOWLEDGED, Stage.ENDED]
    note(path, *stages)
    raw = path.read_bytes()
    kept = raw[: max(len(raw) - spoiled, 0)]
    path.write_bytes(kept)

    with Journal(path) as journal:
        whole = kept.count(b"\n")
        told = journal.orders[ORDER].stage if whole else None

    assert told is (stages[whole - 1] if whole else None)
