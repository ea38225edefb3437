"""In which order pictures are shown, told from what their slices say."""

import random
from dataclasses import replace

import pytest

from bodycam.rules.parameter_sets import NotASet, Sequence, SequenceH265, read_sequence_h265
from bodycam.rules.picture_order import OrderCounts, places
from bodycam.rules.slice_headers import Slice, read_h265

KEY = Slice(first=True, key=True, intra=True, restarts=True, number=0, order=0, anchor=True)
SETS_H265 = SequenceH265(order_bits=8, held_back=2, planes=False, passed_bits={0: (0, False)})


def told(order, *, anchor=True):
    return replace(KEY, key=False, intra=False, restarts=False, order=order, anchor=anchor)


@pytest.mark.parametrize("seed", range(40))
def test_pictures_held_back_come_out_sorted(seed):
    """Each of them overtakes 16 others at most, as in a decoder."""
    random_ = random.Random(seed)
    shown = list(range(300))
    coded, waiting = [], []
    for one in shown:
        waiting.append(one)
        if len(waiting) > random_.randrange(1, 17):
            coded.append(
                waiting.pop(random_.randrange(len(waiting)) if waiting[0] > one - 16 else 0)
            )
    coded += waiting

    found = places(coded, held_back=16)

    assert list(found or range(300)) == coded


@pytest.mark.parametrize("orders", [[], [5], [1, 2, 3], [0, 0, 0]])
def test_what_was_coded_as_it_is_shown_is_left_so(orders):
    assert places(orders, held_back=16) is None


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_told_each_picture_has_one_place_near_its_own(seed):
    random_ = random.Random(seed)
    orders = [random_.randrange(-(1 << 50), 1 << 50) for _ in range(2000)]

    found = list(places(orders, held_back=16))

    assert sorted(found) == list(range(2000))
    assert all(abs(place - number) <= 64 + 16 for number, place in enumerate(found))


def test_counts_that_were_wrong_are_let_out_and_the_rest_is_in_order():
    orders = [10_000 + one for one in range(10)]
    orders += [one + (2, 0, 1)[one % 3] - one % 3 for one in range(300)]

    found = list(places(orders, held_back=16))

    assert found[199:202] == [201, 199, 200]


def test_counts_that_begin_anew_push_nothing_out_of_its_place():
    orders = [10_000 + 2 * one for one in range(200)] + [2 * one for one in range(100)]

    assert list(places(orders, held_back=16)) == list(range(300))


def test_a_count_far_below_all_others_moves_its_picture_alone():
    orders = [100 + one for one in range(100)]
    orders[60] = 1

    found = list(places(orders, held_back=4))

    assert all(abs(place - number) <= 4 for number, place in enumerate(found))


def test_pictures_lost_in_between_begin_the_counts_anew():
    sequence = Sequence(
        frame_number_bits=4, order_bits=4, held_back=16, gaps=False, planes=False,
        whole_frames=True, width=16, height=16,
    )  # fmt: skip
    before = replace(told(6), number=3)
    behind = replace(told(2), number=9)

    counts, gaps = OrderCounts(sequence), OrderCounts(replace(sequence, gaps=True))
    known = [counts.of(one) for one in (KEY, before, behind, replace(told(0), number=9))]
    allowed = [gaps.of(one) for one in (KEY, before, behind)]

    assert known[0] < known[1] < known[3] < known[2]
    assert allowed[2] < allowed[1]


def test_low_bits_are_continued_over_their_end_and_back():
    counts = OrderCounts(replace(SETS_H265, order_bits=4))
    low = [0, 4, 2, 8, 6, 12, 10, 0, 14, 4, 2]

    whole = [counts.of(KEY if not one else told(one % 16)) for one in low[:1]]
    whole += [counts.of(told(one, anchor=one % 4 == 0)) for one in low[1:]]

    assert [one - whole[0] for one in whole] == [0, 4, 2, 8, 6, 12, 10, 16, 14, 20, 18]


def test_after_a_key_picture_counts_begin_anew_and_above_all_before():
    counts = OrderCounts(replace(SETS_H265, order_bits=4))
    before = [counts.of(one) for one in (KEY, told(6), told(2))]

    after = [counts.of(one) for one in (KEY, told(14), told(1))]

    assert max(before) < min(after[0], after[2])


def test_a_picture_whose_count_is_not_told_follows_the_one_before():
    counts = OrderCounts(None)

    orders = [counts.of(one) for one in (KEY, told(None), told(None), KEY, told(None))]

    assert orders == sorted(orders)


@pytest.mark.parametrize(
    ("unit", "order"),
    [
        (bytes([19 << 1, 1, 0b1010_0000, 0, 0, 0]), 0),  # an instant refresh
        (bytes([1 << 1, 1, 0b1101_0000, 0b0110_0000, 0, 0]), 0b0000_1100),
        (bytes([1 << 1, 1, 0b1010_1000, 0, 0, 0]), None),  # of a set that nobody named
        (bytes([1 << 1, 1, 0b1000_0000]), None),  # cut short
        (bytes([1 << 1, 1, 0b0101_0000, 0, 0, 0]), None),  # does not begin a picture
    ],
)
def test_the_count_of_a_picture_is_read_where_its_set_is_known(unit, order):
    assert read_h265(unit, SETS_H265).order == order
    assert read_h265(unit, None).order is None


@pytest.mark.parametrize("seed", range(200))
def test_no_bytes_break_the_reading_of_sets(seed):
    random_ = random.Random(seed)
    units = [bytes([kind << 1, 1]) + random_.randbytes(seed % 50) for kind in (33, 34, 34)]
    try:
        found = read_sequence_h265(units)
    except NotASet:
        return
    assert 4 <= found.order_bits <= 16


@pytest.mark.parametrize("units", [[], [b""], [b"\x44\x01\xc0"]])
def test_without_a_sequence_nothing_is_known(units):
    with pytest.raises(NotASet):
        read_sequence_h265(units)
