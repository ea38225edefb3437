"""The protocol of the registers of cases by literal bytes: what is believed, and what is not."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.exchange.wire.cases import (
    CaseQuery,
    CaseRegister,
    CaseRequest,
    CaseRequester,
    CaseState,
    CaseStatus,
    read_case,
)
from app.exchange.wire.registers import AnswerNotValid

REQUEST = CaseRequest(
    message_id=UUID("00000000-0000-4000-8000-000000000001"),
    message_at=datetime(2026, 11, 22, 4, 0, tzinfo=UTC),
    requester=CaseRequester(department_bin="980440000016", officer_iin="900315300120"),
    query=CaseQuery(number="7527-26-00-2/303", year=2026, court="Алмалинский суд"),
)
FOUND = (
    '{"message_id":"00000000-0000-4000-8000-000000000001","register":"eaias",'
    '"answered_at":"2026-11-22T04:00:00Z","status":"found","case":{"number":"7527-26-00-2/303",'
    '"kind":"civil","state":"open","body_bin":"980440000016","year":2026,'
    '"court":"Алмалинский суд","articles":["188"],"holders":[{"iin":"900315300120",'
    '"part":"judge","department_bin":"980440000016"}]}}'
).encode()
NOT_FOUND = (
    b'{"message_id":"00000000-0000-4000-8000-000000000001","register":"eaias",'
    b'"answered_at":"2026-11-22T04:00:00Z","status":"not_found"}'
)


def read(content):
    return read_case(content, register=CaseRegister.EAIAS, request=REQUEST)


def test_the_question_has_these_bytes():
    assert (
        REQUEST.model_dump_json(exclude_none=True).encode()
        == (
            '{"message_id":"00000000-0000-4000-8000-000000000001",'
            '"message_at":"2026-11-22T04:00:00Z",'
            '"requester":{"department_bin":"980440000016","officer_iin":"900315300120"},'
            '"query":{"number":"7527-26-00-2/303","year":2026,"court":"Алмалинский суд"}}'
        ).encode()
    )


def test_a_case_is_read():
    status, case = read(FOUND)

    assert status is CaseStatus.FOUND
    assert (case.state, case.holders[0].iin) == (CaseState.OPEN, "900315300120")


@pytest.mark.parametrize("word", ["not_found", "refused"])
def test_an_empty_answer_is_read(word):
    assert read(NOT_FOUND.replace(b"not_found", word.encode())) == (CaseStatus(word), None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{}",
        b"[" * 100_000,
        FOUND.replace(b"000001", b"000002", 1),
        FOUND.replace(b'"eaias"', b'"erdr"'),
        FOUND.replace(b'"found"', b'"maybe"'),
        FOUND.replace(b'"found"', b'"not_found"'),
        NOT_FOUND.replace(b'"not_found"', b'"found"'),
        FOUND.replace(b"2/303", b"2/304"),
        FOUND.replace(b"2026,", b"2025,"),
        FOUND.replace(b'"year":2026,', b""),
        FOUND.replace("Алмалинский".encode(), "Бостандыкский".encode()),
        FOUND.replace(b'"open"', b'"probably"'),
        FOUND.replace(b'"judge"', b'"guest"'),
        FOUND.replace(b"900315300120", b"90031530012"),
        FOUND.replace(b'"state"', b'"extra":1,"state"'),
        FOUND.replace(b'["188"]', b'["188"' + b',"188"' * 64 + b"]"),
        FOUND + b"{}",
    ],
)
def test_anything_else_is_not_believed(content):
    with pytest.raises(AnswerNotValid) as refused:
        read(content)

    assert refused.value.__cause__ is None
    assert "900315300120" not in str(refused.value)


def test_an_answer_cut_anywhere_is_not_believed():
    for length in range(len(FOUND)):
        with pytest.raises(AnswerNotValid):
            read(FOUND[:length])


def test_messages_show_nothing_of_the_person():
    _, case = read(FOUND)

    assert repr(case) == "CaseRecord()"
    assert "900315300120" not in f"{case} {REQUEST} {case.holders[0]}"
