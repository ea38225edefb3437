"""Pairing by rule: 1 % corruption of 10,000 rows is found, named, and never matched falsely."""

import itertools
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fines.rules.reconciliation import Ours, Theirs, classify
from fines.rules.reconciliation_words import Detail, Verdict
from fines.wire.settlement import RowKind, SettlementRow
from tests.factories_corruption import corrupted

DAY, SETTLED = date(2026, 11, 18), date(2026, 11, 19)
ROWS = 10_000


def late_after(day):
    return day + timedelta(days=1)


def row_of(number):
    return SettlementRow(
        kind=RowKind.SALE,
        rrn=f"6322{number:08d}",
        approval_code=f"{number * 7919 % 1_000_000:06d}",
        terminal_number=f"525{number % 200:05d}",
        merchant_number="000000000000777",
        stan=number % 1_000_000,
        amount_tiyn=(number % 40 + 1) * 108_125,
        fee_tiyn=0,
        transacted_at=datetime(2026, 11, 18, 6, 0, tzinfo=UTC),
        settlement_date=SETTLED,
        card_masked="",
    )


def ours_of(number, row):
    return Ours(
        item_id=number,
        payment_number=number,
        rrn=row.rrn,
        approval_code=row.approval_code,
        terminal_number=row.terminal_number,
        merchant_number=row.merchant_number,
        amount_tiyn=row.amount_tiyn,
        day=DAY,
    )


def theirs_of(number, row, **changed):
    return Theirs(
        **(
            {
                "row_id": number,
                "kind": row.kind,
                "rrn": row.rrn,
                "approval_code": row.approval_code,
                "terminal_number": row.terminal_number,
                "merchant_number": row.merchant_number,
                "amount_tiyn": row.amount_tiyn,
                "day": DAY,
                "settlement_date": row.settlement_date,
            }
            | changed
        )
    )


def findings_of(rows, told):
    by_rrn = defaultdict(lambda: ([], []))
    for number, row in enumerate(rows):
        by_rrn[row.rrn][0].append(ours_of(number, row))
    for number, row in enumerate(told):
        by_rrn[row.rrn][1].append(theirs_of(number, row))
    return list(
        itertools.chain.from_iterable(
            classify(ours=ours, theirs=theirs, late_after=late_after)
            for ours, theirs in by_rrn.values()
        )
    )


@pytest.mark.parametrize("seed", range(20))
def test_every_wrong_row_is_found_and_none_is_matched_falsely(seed):
    rows = [row_of(number) for number in range(ROWS)]
    told, expected, alone = corrupted(rows, seed=seed)

    found = findings_of(rows, told)

    verdicts = {one.ours.item_id: one.verdict for one in found if one.ours}
    waited = {Verdict.WAITING: Verdict.ONLY_OURS}  # nothing came: time says the rest
    told_of = [waited.get(verdicts[number], verdicts[number]) for number in range(ROWS)]
    wrong = [n for n in range(ROWS) if told_of[n] is not expected[n]]
    falsely = [
        one
        for one in found
        if one.verdict is Verdict.MATCHED
        and (told[one.theirs.row_id].amount_tiyn, told[one.theirs.row_id].approval_code)
        != (rows[one.ours.item_id].amount_tiyn, rows[one.ours.item_id].approval_code)
    ]
    assert wrong == []
    assert falsely == []
    assert sorted(one.verdict.value for one in found if not one.ours) == alone


def test_a_refund_is_paired_with_the_refund_and_not_with_its_sale():
    sale = row_of(1)
    ours = [replace(ours_of(1, sale), kind=RowKind.REFUND, refund_id=7, amount_tiyn=500)]
    theirs = [theirs_of(1, sale), theirs_of(2, sale, kind=RowKind.REFUND, amount_tiyn=500)]

    found = classify(ours=ours, theirs=theirs, late_after=late_after)

    assert {(one.verdict, one.theirs.row_id) for one in found} == {
        (Verdict.MATCHED, 2),
        (Verdict.ONLY_THEIRS, 1),
    }


def test_two_payments_of_ours_with_one_proof_are_not_both_paid():
    sale = row_of(1)

    found = classify(
        ours=[ours_of(1, sale), ours_of(2, sale)],
        theirs=[theirs_of(1, sale)],
        late_after=late_after,
    )

    assert [one.verdict for one in found] == [Verdict.MATCHED, Verdict.DUPLICATE]


def test_a_sale_taken_back_by_the_acquirer_is_not_paid():
    sale = row_of(1)
    theirs = [theirs_of(1, sale), theirs_of(2, sale, kind=RowKind.REVERSAL)]

    found = classify(ours=[ours_of(1, sale)], theirs=theirs, late_after=late_after)

    assert [(one.verdict, one.detail) for one in found if one.ours] == [
        (Verdict.ONLY_OURS, Detail.TAKEN_BACK_THERE)
    ]


_ROW = st.builds(
    lambda number, kind, code, amount: (number, kind, code, amount),
    st.integers(1, 3),
    st.sampled_from(RowKind),
    st.sampled_from(["000001", "000002"]),
    st.sampled_from([100, 200]),
)


@settings(max_examples=300)
@given(st.lists(_ROW, max_size=6), st.lists(_ROW, max_size=6))
def test_each_row_is_in_exactly_one_finding_and_pairs_agree(ours_drawn, theirs_drawn):
    base = row_of(1)
    ours = [
        replace(
            ours_of(n, base),
            kind=RowKind.SALE if kind is RowKind.REVERSAL else kind,
            approval_code=code,
            amount_tiyn=amount,
        )
        for n, (_, kind, code, amount) in enumerate(ours_drawn)
    ]
    theirs = [
        theirs_of(n, base, kind=kind, approval_code=code, amount_tiyn=amount)
        for n, (_, kind, code, amount) in enumerate(theirs_drawn)
    ]

    found = classify(ours=ours, theirs=theirs, late_after=late_after)

    assert Counter(one.ours.item_id for one in found if one.ours) == Counter(range(len(ours)))
    assert Counter(one.theirs.row_id for one in found if one.theirs) == Counter(range(len(theirs)))
    for one in found:
        if one.verdict in {Verdict.MATCHED, Verdict.LATE}:
            assert one.ours.amount_tiyn == one.theirs.amount_tiyn
            assert one.ours.kind is one.theirs.kind
