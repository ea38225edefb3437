"""The agent's journal: durable, owned by one, torn ends forgiven, broken middles not."""

import json
import uuid
from datetime import UTC, datetime

import pytest

from fines.field import journal as journal_module
from fines.field.journal import Journal, JournalUnusable, Stage

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
ORDER, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


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
    assert len(path.read_bytes().splitlines()) == 5


def test_each_step_is_one_line_of_json(path):
    note(path, Stage.INTENT, Stage.SENDING)

    lines = [json.loads(line) for line in path.read_text().splitlines()]

    assert [line["stage"] for line in lines] == ["intent", "sending"]
    assert {line["at"] for line in lines} == {NOW.isoformat()}
