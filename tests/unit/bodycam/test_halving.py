import pytest

from bodycam.errors import MediaToolFailed
from bodycam.media import Tries
from bodycam.media.halving import by_halves


def reading(bad, runs, *, fails=False):
    """Return what doubles numbers, and gives up where a ``bad`` one is among them."""

    async def run(some):
        runs.append(len(some))
        if not bad.intersection(some):
            return [one * 2 for one in some]
        if fails:
            raise MediaToolFailed("broken")
        return None

    return run


@pytest.mark.parametrize("fails", [False, True], ids=["too little", "fails"])
@pytest.mark.parametrize("bad", [set(), {0}, {95}, {17, 18, 60}, set(range(96))], ids=len)
async def test_only_what_cannot_be_read_stays_unknown(bad, fails):
    found = await by_halves(range(96), reading(bad, [], fails=fails), tries=Tries(1000))

    assert found == [None if one in bad else one * 2 for one in range(96)]


async def test_what_is_whole_is_run_once():
    runs = []

    await by_halves(range(96), reading(set(), runs), tries=Tries(1000))

    assert runs == [96]


async def test_where_no_try_is_left_the_rest_stays_unknown():
    runs = []
    tries = Tries(5)

    found = await by_halves(range(96), reading({0}, runs), tries=tries)

    assert (len(runs), tries.left) == (5, 0)
    assert found[48:] == [one * 2 for one in range(48, 96)]
    assert found[:24] == [None] * 24


async def test_of_nothing_nothing_is_run():
    assert await by_halves([], reading(set(), []), tries=Tries(1)) == []
