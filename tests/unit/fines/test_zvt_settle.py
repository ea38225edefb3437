"""Settling a sale from the terminal's memory, and naming why one was declined."""

import uuid

import pytest

from fines.field.driver import StoredSale
from fines.field.reasons import host_code, reason_of, reason_of_refusal
from fines.field.settle import Remembered, settle
from fines.wire.protocol import OwnerVerdict, Reason, Result

OURS, OTHERS = uuid.UUID(int=1), uuid.UUID(int=2)
AMOUNT = 1_081_250


def stored(*, receipt=5, trace=50, amount=AMOUNT, order_id=None, terminal="00001042"):
    return StoredSale(
        receipt_number=receipt,
        trace_number=trace,
        amount_tiyn=amount,
        terminal_number=terminal,
        order_id=order_id,
        approval=None,
    )


def sale(**known):
    return Remembered(
        order_id=OURS, amount_tiyn=AMOUNT, **({"terminal_number": "00001042"} | known)
    )


BEFORE = {"before_known": True, "receipt_before": 4, "trace_before": 40}
NONE_BEFORE = {"before_known": True}
SEEN = {"receipt_number": 5, "trace_number": 50}


@pytest.mark.parametrize(
    ("known", "memory", "result"),
    [
        ({}, stored(order_id=OURS), Result.COMPLETED),
        ({}, stored(order_id=OURS, amount=1), Result.UNKNOWN),
        (BEFORE, stored(receipt=4, trace=40, order_id=OTHERS), Result.REVERSED),
        (BEFORE, stored(receipt=5, order_id=OTHERS), Result.REVERSED),
        (BEFORE, stored(receipt=6, order_id=OTHERS), Result.UNKNOWN),
        ({}, stored(order_id=OTHERS), Result.UNKNOWN),
        (SEEN, stored(), Result.COMPLETED),
        (SEEN, stored(amount=1), Result.UNKNOWN),
        (SEEN, stored(trace=51), Result.UNKNOWN),
        (SEEN | BEFORE, stored(receipt=4, trace=40), Result.REVERSED),
        (BEFORE, stored(receipt=4, trace=40), Result.REVERSED),
        (BEFORE, stored(receipt=5), Result.COMPLETED),
        (BEFORE, stored(receipt=5, amount=1), Result.UNKNOWN),
        (BEFORE, stored(receipt=6), Result.UNKNOWN),
        (NONE_BEFORE, stored(receipt=1, trace=1), Result.COMPLETED),
        (NONE_BEFORE, stored(receipt=2, trace=2), Result.UNKNOWN),
        ({}, stored(), Result.UNKNOWN),
        (NONE_BEFORE, None, Result.REVERSED),
        ({}, None, Result.REVERSED),
        (BEFORE, None, Result.UNKNOWN),
        (SEEN, stored(terminal="00001043"), Result.UNKNOWN),
        ({}, stored(order_id=OURS, terminal="00001043"), Result.UNKNOWN),
    ],
)
def test_a_sale_is_settled_only_by_what_is_beyond_doubt(known, memory, result):
    assert settle(sale(**known), memory) is result


def test_receipt_numbers_wrap_after_9999():
    known = {"before_known": True, "receipt_before": 9999, "trace_before": 40}

    assert settle(sale(**known), stored(receipt=1)) is Result.COMPLETED


@pytest.mark.parametrize(
    ("result", "host_result", "owner", "told", "reason"),
    [
        (0x57, None, OwnerVerdict.NO_MATCH, True, Reason.THIRD_PARTY_CARD),
        (0x57, None, OwnerVerdict.UNKNOWN, True, Reason.OWNERSHIP_UNPROVEN),
        (0x57, None, OwnerVerdict.NOT_SUPPORTED, True, Reason.OWNERSHIP_UNPROVEN),
        (0x57, None, OwnerVerdict.UNKNOWN, False, Reason.ISSUER_DECLINED),
        (0x51, None, OwnerVerdict.MATCH, True, Reason.INSUFFICIENT_FUNDS),
        (0x54, None, OwnerVerdict.MATCH, True, Reason.CARD_EXPIRED),
        (0x05, None, OwnerVerdict.MATCH, True, Reason.ISSUER_DECLINED),
        (0x10, None, OwnerVerdict.MATCH, True, Reason.ISSUER_DECLINED),
        (0x08, None, OwnerVerdict.MATCH, True, Reason.ISSUER_DECLINED),
        (0x00, 0x91, OwnerVerdict.UNKNOWN, False, Reason.HOST_UNREACHABLE),
        (0x00, 0xA1, OwnerVerdict.UNKNOWN, False, Reason.HOST_UNREACHABLE),
        (0x00, 0xA3, OwnerVerdict.UNKNOWN, False, Reason.HOST_UNREACHABLE),
        (0x64, None, OwnerVerdict.UNKNOWN, False, Reason.CARD_UNREADABLE),
        (0x6C, None, OwnerVerdict.UNKNOWN, False, Reason.CARD_TIMEOUT),
        (0x78, None, OwnerVerdict.UNKNOWN, False, Reason.CARD_EXPIRED),
        (0xFF, None, OwnerVerdict.UNKNOWN, False, Reason.TERMINAL_FAULT),
    ],
)
def test_a_decline_is_named_by_its_cause(result, host_result, owner, told, reason):
    assert reason_of(result=result, host_result=host_result, owner=owner, told=told) is reason


@pytest.mark.parametrize("result", range(1, 256))
def test_no_code_is_left_without_a_reason(result):
    reason = reason_of(result=result, host_result=None, owner=OwnerVerdict.MATCH, told=True)

    assert reason is not Reason.NONE


@pytest.mark.parametrize(
    ("result", "host_result", "code"),
    [(0x57, None, "57"), (0x00, 0x91, "91"), (0x00, None, ""), (0x6C, None, ""), (0, 0xA1, "")],
)
def test_the_hosts_own_code_is_passed_on_and_the_terminals_is_not(result, host_result, code):
    assert host_code(result=result, host_result=host_result) == code


@pytest.mark.parametrize(
    ("code", "reason"), [(0x9C, Reason.TERMINAL_BUSY), (0x83, Reason.TERMINAL_FAULT)]
)
def test_a_refused_command_is_named(code, reason):
    assert reason_of_refusal(code) is reason
