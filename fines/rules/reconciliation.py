"""How rows of ours and rows of the acquirer with one RRN stand to each other.

A pair is one transaction only where RRN, approval code, terminal and merchant agree; then the sums
are compared. Nothing is guessed: a row that differs in one of them is nobody's pair, and both
sides stay visible.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from fines.rules.reconciliation_words import CASE_STEPS, CaseStatus, Detail, Verdict
from fines.wire.settlement import RowKind

__all__ = ["Finding", "Ours", "Theirs", "classify", "next_case_status_allowed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A payment or a refund that the acquirer still has to answer for."""

    item_id: int
    payment_number: int
    rrn: str
    approval_code: str
    terminal_number: str
    merchant_number: str
    amount_tiyn: int
    day: date
    kind: RowKind = RowKind.SALE
    refund_id: object = None
    confirmed: bool = True  # the terminal has said that it keeps the sale


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """A row of a settlement file; ``item_id`` where it stands open since an earlier one."""

    row_id: int
    kind: RowKind
    rrn: str
    approval_code: str
    terminal_number: str
    merchant_number: str
    amount_tiyn: int
    day: date
    settlement_date: date
    item_id: int | None = None

    @property
    def signed_tiyn(self) -> int:
        """What the row adds to what the acquirer owes."""
        return self.amount_tiyn if self.kind is RowKind.SALE else -self.amount_tiyn


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is said of a pair, or of a row that has none."""

    verdict: Verdict
    detail: Detail = Detail.NONE
    ours: Ours | None = None
    theirs: Theirs | None = None


def classify(
    *, ours: Sequence[Ours], theirs: Sequence[Theirs], late_after: Callable[[date], date]
) -> list[Finding]:
    """Return one finding for every row of one RRN, each row in exactly one of them.

    Args:
        ours: payments and refunds that wait.
        theirs: rows of the file, and those that stand open since earlier files.
        late_after: the last settlement date that is in time for a transaction of a day (T+1).

    A row of ours without its pair is ``WAITING``: time alone makes it ``ONLY_OURS``.
    """
    taken_back, left = _taken_back([one for one in theirs if one.kind is not RowKind.REFUND])
    findings = [
        Finding(verdict=Verdict.WITHDRAWN, detail=Detail.TAKEN_BACK, theirs=one)
        for one in taken_back
    ]
    sales = [one for one in ours if one.kind is RowKind.SALE]
    refunds = [one for one in ours if one.kind is RowKind.REFUND]
    reversals = [one for one in left if one.kind is RowKind.REVERSAL]
    findings += [
        Finding(verdict=Verdict.ONLY_THEIRS, detail=Detail.TAKEN_BACK_THERE, theirs=one)
        for one in reversals
    ]
    booked = [one for one in left if one.kind is RowKind.SALE]
    findings += _paired(sales, booked, taken_back, _sale_key, late_after)
    given = [one for one in theirs if one.kind is RowKind.REFUND]
    findings += _paired(refunds, given, [], _refund_key, late_after)
    return findings


def _sale_key(one: Ours | Theirs) -> tuple[str, ...]:
    approval = one.approval_code.strip().upper()
    return approval, one.terminal_number.strip(), one.merchant_number.strip()


def _refund_key(one: Ours | Theirs) -> tuple[str, ...]:
    # A refund has an approval code of its own, which only the acquirer knows.
    return one.terminal_number.strip(), one.merchant_number.strip()


def _taken_back(rows: Sequence[Theirs]) -> tuple[list[Theirs], list[Theirs]]:
    """Return sales with their reversals, and what is left."""
    reversals = defaultdict(list)
    for one in rows:
        if one.kind is RowKind.REVERSAL:
            reversals[(*_sale_key(one), one.amount_tiyn)].append(one)
    gone: list[Theirs] = []
    for one in rows:
        same = reversals[(*_sale_key(one), one.amount_tiyn)]
        if one.kind is RowKind.SALE and same:
            gone += [one, same.pop()]
    ids = {one.row_id for one in gone}
    return gone, [one for one in rows if one.row_id not in ids]


def _paired(
    ours: Sequence[Ours],
    theirs: Sequence[Theirs],
    taken_back: Sequence[Theirs],
    key_of: Callable[[Ours | Theirs], tuple[str, ...]],
    late_after: Callable[[date], date],
) -> list[Finding]:
    findings: list[Finding] = []
    free = defaultdict(list)
    for row in theirs:
        free[key_of(row)].append(row)
    gone = {key_of(one) for one in taken_back}
    paired_keys: set[tuple[str, ...]] = set()
    for one in ours:
        key = key_of(one)
        same = free[key]
        if same:
            row = min(same, key=lambda row: (row.amount_tiyn != one.amount_tiyn, row.row_id))
            same.remove(row)
            paired_keys.add(key)
            findings.append(_pair(one, row, late_after))
        elif key in paired_keys:
            findings.append(Finding(verdict=Verdict.DUPLICATE, ours=one))
        elif key in gone:
            findings.append(
                Finding(verdict=Verdict.ONLY_OURS, detail=Detail.TAKEN_BACK_THERE, ours=one)
            )
        else:
            detail = Detail.KEY_DIFFERS if theirs else Detail.NONE
            findings.append(Finding(verdict=Verdict.WAITING, detail=detail, ours=one))
    known = paired_keys | {key_of(one) for one in ours}
    for key, rows in free.items():
        findings += _unpaired(rows, again=key in known, others=bool(ours))
    return findings


def _pair(one: Ours, row: Theirs, late_after: Callable[[date], date]) -> Finding:
    if row.amount_tiyn != one.amount_tiyn:
        verdict = Verdict.AMOUNT_DIFFERS
    elif row.settlement_date > late_after(one.day):
        verdict = Verdict.LATE
    else:
        verdict = Verdict.MATCHED
    return Finding(verdict=verdict, ours=one, theirs=row)


def _unpaired(rows: Sequence[Theirs], *, again: bool, others: bool) -> list[Finding]:
    """Say of rows without a pair that they repeat a paired one, or that we know nothing of them."""
    findings: list[Finding] = []
    seen = again
    for row in sorted(rows, key=lambda row: row.row_id):
        detail = Detail.KEY_DIFFERS if others and not again else Detail.NONE
        verdict = Verdict.DUPLICATE if seen else Verdict.ONLY_THEIRS
        findings.append(Finding(verdict=verdict, detail=detail, theirs=row))
        seen = True
    return findings


def next_case_status_allowed(*, current: CaseStatus, target: CaseStatus) -> bool:
    """Return whether a case may move from ``current`` to ``target``."""
    return target in CASE_STEPS[current]
