"""Where a player's seconds part from the clock's, beside what the playlist itself says."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.playlist import Clip, pieces_of, playlist_of

AT = datetime(2026, 11, 20, 3, tzinfo=UTC)


def clip(chance, *, started_at, breaks=0.05):
    """Return fragments with losses, other boxes between them and clocks that jump."""
    made = BoxIndex(timescale=90_000, init_size=1000)
    at, start = 1000, chance.randrange(1 << 30)
    for _ in range(chance.randrange(1, 200)):
        lost = chance.random() < breaks
        at += chance.choice([0, 0, 0, 60]) + 5000 * lost
        start += chance.randrange(1, 90_000 * 60) * lost
        duration = chance.choice([180_000, 180_000, 179_000, 90_000])
        made.append(
            offset=at, size=4000, start=start, duration=duration,
            key=chance.random() < 0.9, after_break=lost,
        )  # fmt: skip
        at, start = at + 4000, start + duration + chance.choice([0, 0, 0, 30, -3000])
    return Clip(index=made, started_at=started_at, url="content", pieces=chance.random() < 0.2)


def told_by(playlist):
    """Read the pieces off a playlist as a player does."""
    found, played, broken = [], 0.0, True
    for line in playlist.splitlines():
        name, _, value = line.partition(":")
        if name == "#EXTINF":
            played += float(value.rstrip(","))
        elif name == "#EXT-X-DISCONTINUITY":
            broken = True
        elif name == "#EXT-X-PROGRAM-DATE-TIME" and broken:
            found.append((played, (datetime.fromisoformat(value) - AT).total_seconds()))
            broken = False
    return found


@pytest.mark.parametrize("seed", range(60))
def test_pieces_are_those_of_the_playlist(seed):
    chance = random.Random(seed)
    clips, at = [], AT
    for _ in range(chance.randrange(1, 5)):
        clips.append(clip(chance, started_at=at, breaks=chance.choice([0, 0.05])))
        at = clips[-1].ended_at + timedelta(seconds=chance.choice([-20, 0, 0.2, 3, 700]))

    found, told = pieces_of(clips, origin=AT), told_by(playlist_of(clips))

    assert len(found) == len(told)
    for piece, beside in zip(found, told, strict=True):
        assert piece == pytest.approx(beside, abs=0.02)


def test_of_nothing_there_is_one_piece():
    assert pieces_of([], origin=AT) == ((0.0, 0.0),)
