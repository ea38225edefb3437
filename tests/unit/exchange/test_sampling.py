"""The draw: one in ten, nobody can steer or foresee it, and anybody can repeat it afterwards."""

import hashlib
import hmac
import itertools
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from app.exchange.rules.sampling import (
    SampledLeaf,
    SeedNotValid,
    check_day,
    commitment_of,
    is_drawn,
)

DAY = date(2026, 11, 22)
SEED = bytes(range(32))
OTHER = bytes(range(1, 33))
ANNA = UUID("00000000-0000-4000-8000-00000000000a")
BERIK = UUID("00000000-0000-4000-8000-00000000000b")


def draws(seed, person=ANNA, month="2026-11", count=20_000):
    return [
        is_drawn(seed, person_id=person, month=month, number=number)
        for number in range(1, count + 1)
    ]


def leaves(seed=SEED, count=200):
    return [
        SampledLeaf(
            person_id=person,
            month="2026-11",
            number=number,
            drawn=is_drawn(seed, person_id=person, month="2026-11", number=number),
        )
        for person in (ANNA, BERIK)
        for number in range(1, count + 1)
    ]


def checked(some, *, seed=SEED, day=DAY, commitment=None):
    return check_day(
        commitment=commitment or commitment_of(SEED, day=DAY), seed=seed, day=day, leaves=some
    )


def test_the_draw_is_the_published_formula():
    message = b"00000000-0000-4000-8000-00000000000a|2026-11|7"
    for number in range(1, 500):
        message = f"{ANNA}|2026-11|{number}".encode()
        value = int(hmac.new(SEED, message, hashlib.sha256).hexdigest(), 16)

        drawn = is_drawn(SEED, person_id=ANNA, month="2026-11", number=number)

        assert drawn is (value < 2**256 / 10)


def test_one_request_in_ten_is_drawn():
    drawn = sum(draws(SEED))

    # Of 20,000 at a tenth: 2,000, and five standard deviations of 42 to either side.
    assert 1_790 < drawn < 2_210


def test_no_person_number_or_day_is_drawn_more_than_another():
    chance = random.Random(10)
    by_person = Counter()
    for _ in range(100):
        person, seed = UUID(int=chance.getrandbits(128)), chance.randbytes(32)
        by_person[person] = sum(draws(seed, person=person, count=400))

    # Forty each, standard deviation six: a person who is never or always drawn would stand out.
    assert min(by_person.values()) > 40 - 5 * 6
    assert max(by_person.values()) < 40 + 5 * 6


def test_what_was_drawn_so_far_does_not_tell_the_next():
    row = draws(SEED)
    after = Counter(itertools.pairwise(row))

    after_drawn = after[True, True] / (after[True, True] + after[True, False])
    after_spared = after[False, True] / (after[False, True] + after[False, False])

    assert abs(after_drawn - after_spared) < 0.035  # five standard deviations
    gaps = Counter()
    last = -1
    for place, drawn in enumerate(row):
        if drawn:
            gaps[place - last] += 1
            last = place
    assert gaps[10] < gaps[1]  # not every tenth: the next one is the likeliest gap


def test_another_seed_person_or_month_draws_others():
    row = draws(SEED, count=2_000)
    others = (
        draws(OTHER, count=2_000),
        draws(SEED, person=BERIK, count=2_000),
        draws(SEED, month="2026-12", count=2_000),
    )

    for other in others:
        both = sum(one and two for one, two in zip(row, other, strict=True))
        assert both < 50  # twenty by chance


def test_the_commitment_binds_the_seed_and_the_day_and_tells_neither():
    commitments = {
        commitment_of(seed, day=DAY + timedelta(days=days))
        for seed in (SEED, OTHER)
        for days in range(3)
    }

    assert len(commitments) == 6
    assert all(len(one) == 64 for one in commitments)
    assert hashlib.sha256(SEED).hexdigest() not in commitments


@pytest.mark.parametrize("seed", [b"", bytes(32), b"\xff" * 32, SEED[:31], SEED + b"\x00"])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(SeedNotValid):
        commitment_of(seed, day=DAY)


def test_a_day_whose_draw_was_kept_holds():
    report = checked(leaves())

    assert report.holds
    assert (report.leaves, report.wrong, report.twice) == (400, (), ())
    assert report.drawn == sum(leaf.drawn for leaf in leaves())


@pytest.mark.parametrize("place", range(0, 400, 37))
def test_one_leaf_spared_or_burdened_is_found(place):
    some = leaves()
    some[place] = replace(some[place], drawn=not some[place].drawn)

    report = checked(some)

    assert not report.holds
    assert report.wrong == (some[place],)


def test_a_number_used_twice_is_found():
    some = leaves()

    report = checked([*some, some[5]])

    assert not report.holds
    assert report.twice == (some[5],)


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": OTHER},
        {"seed": b""},
        {"seed": bytes(32)},
        {"seed": bytes([SEED[0] ^ 1]) + SEED[1:]},
        {"day": DAY + timedelta(days=1)},
        {"commitment": commitment_of(SEED, day=DAY - timedelta(days=1))},
        {"commitment": commitment_of(SEED, day=DAY).upper()},
        {"commitment": "ә" * 64},
    ],
)
def test_a_seed_that_was_not_committed_to_proves_nothing(changed):
    report = checked(leaves(), **changed)

    assert not report.seed_opens
    assert not report.holds
    assert len(report.wrong) == 400


def test_a_seed_changed_after_the_fact_to_spare_somebody_does_not_open():
    spared = next(
        seed
        for seed in (bytes([byte]) + SEED[1:] for byte in range(1, 256))
        if not any(draws(seed, count=20))
    )

    report = checked(leaves(spared, count=20), seed=spared)

    assert not report.holds
