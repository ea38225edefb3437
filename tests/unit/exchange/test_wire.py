"""The registers' protocol by literal bytes: what is believed of an answer, and what is not."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.exchange.wire.registers import (
    AnswerNotValid,
    AnswerStatus,
    DriverLicence,
    Query,
    RegisterName,
    RegisterRequest,
    Requester,
    read_answer,
)

REQUEST = RegisterRequest(
    message_id=UUID("00000000-0000-4000-8000-000000000001"),
    message_at=datetime(2026, 11, 22, 4, 0, tzinfo=UTC),
    requester=Requester(
        department_bin="210940000013", officer_iin="900315300120", basis="PRIMARY_CHECK"
    ),
    query=Query(iin="950817301017"),
)
FOUND = (
    b'{"message_id":"00000000-0000-4000-8000-000000000001","register":"driver_licence",'
    b'"answered_at":"2026-11-22T04:00:00Z","status":"found","record":{"iin":"950817301017",'
    b'"licence_number":"AB678912","categories":["B"],"issued_on":"2022-10-14",'
    b'"valid_until":"2032-10-13","state":"in_force"}}'
)
NOT_FOUND = (
    b'{"message_id":"00000000-0000-4000-8000-000000000001","register":"driver_licence",'
    b'"answered_at":"2026-11-22T04:00:00Z","status":"not_found"}'
)


def read(content):
    return read_answer(content, register=RegisterName.DRIVER_LICENCE, request=REQUEST)


def test_the_question_has_these_bytes():
    assert REQUEST.model_dump_json(exclude_none=True).encode() == (
        b'{"message_id":"00000000-0000-4000-8000-000000000001",'
        b'"message_at":"2026-11-22T04:00:00Z",'
        b'"requester":{"department_bin":"210940000013","officer_iin":"900315300120",'
        b'"basis":"PRIMARY_CHECK"},"query":{"iin":"950817301017"}}'
    )


def test_a_record_is_read():
    status, record = read(FOUND)

    assert status is AnswerStatus.FOUND
    assert isinstance(record, DriverLicence)
    assert record.categories == ("B",)


@pytest.mark.parametrize("word", ["not_found", "refused"])
def test_an_empty_answer_is_read(word):
    assert read(NOT_FOUND.replace(b"not_found", word.encode())) == (AnswerStatus(word), None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        FOUND.replace(b"000001", b"000002", 1),
        FOUND.replace(b'"driver_licence"', b'"vehicle"'),
        FOUND.replace(b'"found"', b'"maybe"'),
        FOUND.replace(b'"found"', b'"not_found"'),
        NOT_FOUND.replace(b'"not_found"', b'"found"'),
        FOUND.replace(b"950817301017", b"960229401138"),
        FOUND.replace(b"in_force", b"probably"),
        FOUND.replace(b"2032-10-13", b"2032-13-10"),
        FOUND.replace(b'"state"', b'"status"'),
        FOUND.replace(b'"state"', b'"extra":1,"state"'),
        FOUND.replace(b"AB678912", b"A" * 65),
        FOUND.replace(b'["B"]', b'["B"' + b',"B"' * 40 + b"]"),
        FOUND + b"{}",
    ],
)
def test_anything_else_is_not_believed(content):
    with pytest.raises(AnswerNotValid) as refused:
        read(content)

    assert refused.value.__cause__ is None
    assert "950817301017" not in str(refused.value)


def test_an_answer_cut_anywhere_is_not_believed():
    for length in range(len(FOUND)):
        with pytest.raises(AnswerNotValid):
            read(FOUND[:length])


def test_messages_show_nothing_of_the_person():
    _, record = read(FOUND)

    assert repr(record) == "DriverLicence()"
    assert repr(REQUEST) == "RegisterRequest()"
    assert "950817301017" not in str(REQUEST.query)
