"""One row in a hundred of a settlement file made wrong, and what must be found of it (T20)."""

import random
from dataclasses import replace
from datetime import timedelta

from fines.rules.reconciliation_words import Verdict
from fines.wire.settlement import RowKind

SHARE = 0.01


def corrupted(rows, *, seed):
    """Return the rows told, and for each place of ``rows`` the verdict our row must get.

    The third value counts the rows of theirs that must stay without a pair, by verdict.
    """
    luck = random.Random(seed)
    told, expected, alone = [], [], []
    for number, row in enumerate(rows):
        if luck.random() >= SHARE:
            told.append(row)
            expected.append(Verdict.MATCHED)
            continue
        wrong = luck.choice(tuple(_WRONG))
        rows_told, verdict, theirs = _WRONG[wrong](row, luck, number)
        told += rows_told
        expected.append(verdict)
        alone += theirs
    luck.shuffle(told)
    return told, expected, sorted(one.value for one in alone)


def _other(text, luck, letters="0123456789"):
    place = luck.randrange(len(text))
    letter = luck.choice([one for one in letters if one != text[place]])
    return text[:place] + letter + text[place + 1 :]


def _amount(row, luck, _number):
    wrong = max(1, row.amount_tiyn + luck.choice((-1, 1, 100, -row.amount_tiyn // 2)))
    return [replace(row, amount_tiyn=wrong)], Verdict.AMOUNT_DIFFERS, []


def _another(name, **more):
    def make(row, luck, _number):
        wrong = replace(row, **{name: _other(getattr(row, name), luck, **more)})
        return [wrong], Verdict.ONLY_OURS, [Verdict.ONLY_THEIRS]

    return make


def _rrn(row, _luck, number):
    # An RRN of nobody's: another payment's would be found by its other fields as well.
    return [replace(row, rrn=f"X{number:011d}")], Verdict.ONLY_OURS, [Verdict.ONLY_THEIRS]


def _anothers_rrn(row, luck, _number):
    wrong = replace(row, rrn=_other(row.rrn, luck))
    return [wrong], Verdict.ONLY_OURS, [Verdict.ONLY_THEIRS]


def _lost(_row, _luck, _number):
    return [], Verdict.ONLY_OURS, []


def _twice(row, _luck, _number):
    return [row, row], Verdict.MATCHED, [Verdict.DUPLICATE]


def _invented(row, luck, number):
    made_up = replace(row, rrn=f"Y{number:011d}", amount_tiyn=luck.randrange(1, 10**7))
    return [row, made_up], Verdict.MATCHED, [Verdict.ONLY_THEIRS]


def _late(row, luck, _number):
    later = row.settlement_date + timedelta(days=luck.randrange(1, 30))
    return [replace(row, settlement_date=later)], Verdict.LATE, []


def _turned(row, _luck, _number):
    return [replace(row, kind=RowKind.REVERSAL)], Verdict.ONLY_OURS, [Verdict.ONLY_THEIRS]


def _given_back(row, _luck, _number):
    return [replace(row, kind=RowKind.REFUND)], Verdict.ONLY_OURS, [Verdict.ONLY_THEIRS]


def _taken_back(row, _luck, _number):
    both = [row, replace(row, kind=RowKind.REVERSAL)]
    return both, Verdict.ONLY_OURS, [Verdict.WITHDRAWN, Verdict.WITHDRAWN]


_WRONG = {
    "amount": _amount,
    "approval_code": _another("approval_code", letters="ABCDEF0123456789"),
    "terminal_number": _another("terminal_number"),
    "merchant_number": _another("merchant_number"),
    "rrn": _rrn,
    "anothers_rrn": _anothers_rrn,
    "lost": _lost,
    "twice": _twice,
    "invented": _invented,
    "late": _late,
    "turned": _turned,
    "given_back": _given_back,
    "taken_back": _taken_back,
}
