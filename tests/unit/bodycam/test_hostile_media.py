import contextlib
import functools
import multiprocessing
import resource
from datetime import UTC, datetime

import pytest

from bodycam.media import check_decodes
from bodycam.rules.boxes import NotMp4, StreamIndexer, index_by_reading
from bodycam.rules.footage_check import check_video
from bodycam.rules.frames import NoVideo
from bodycam.rules.likeness import NotLearnt, learnt_from, told_in_stream
from bodycam.rules.made_description import fronted, made_front
from bodycam.rules.plain import moov_of
from bodycam.rules.playlist import media_playlist
from bodycam.rules.unit_walk import pictures_in
from bodycam.rules.virtual import read_plain
from tests.factories_media import hostile, mutant, sandbox, small

STARTED_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
BYTES_MORE_MAX = 512 << 20
CPU_SECONDS_MAX = 60


def examine(content):
    """Take the bytes through everything that the server does with them by itself."""

    def read_at(start, length):
        return content[start : start + length] if start >= 0 else b""

    read = streamed = None
    with contextlib.suppress(NotMp4):
        read = index_by_reading(read_at=read_at, size_bytes=len(content))
        media_playlist(index=read, started_at=STARTED_AT, url="content")
    indexer = StreamIndexer(size_bytes=len(content))
    for at in range(0, len(content), 70_001):
        indexer.feed(content[at : at + 70_001])
    with contextlib.suppress(NotMp4):
        streamed = indexer.finish()
    assert (read is None) == (streamed is None)
    assert read is None or read.to_bytes() == streamed.to_bytes()
    with contextlib.suppress(NoVideo):
        check_video(read_at=read_at, size_bytes=len(content))
    with contextlib.suppress(NotLearnt):
        told_in_stream(content[: 1 << 20])
    restore(content, read_at)
    if read is not None:
        with contextlib.suppress(NotLearnt):
            learnt_from(read_at=read_at, size_bytes=len(content), index=read, by_pieces=False)


def restore(content, read_at):
    """Look for pictures as where the tables are lost; what is found must make a file that reads."""
    likeness = likeness_of_small()
    found = pictures_in(
        read_at=read_at, first_byte=0, size_bytes=len(content), likeness=likeness, limit=100_000
    )
    if len(found):
        front = made_front(found, likeness=likeness, step=100, size_bytes=len(content))
        moov = moov_of(read_at=fronted(front, read_at), size_bytes=len(front) + len(content))
        assert len(read_plain(moov, size_bytes=len(front) + len(content)).tables[0]) == len(found)


@functools.cache
def likeness_of_small():
    content = small()

    def read_at(start, length):
        return content[start : start + length]

    index = index_by_reading(read_at=read_at, size_bytes=len(content))
    return learnt_from(read_at=read_at, size_bytes=len(content), index=index, by_pieces=False)


def _child(line, files):
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + CPU_SECONDS_MAX, seconds + CPU_SECONDS_MAX))
    with open("/proc/self/statm") as file:  # noqa: PTH123 - in the child, before any import
        pages = int(file.read().split()[0])
    limit = pages * resource.getpagesize() + BYTES_MORE_MAX
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for name, content in files:
        line.send(("at", name))
        try:
            examine(content)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
            line.send(("broke", f"{name}: {type(error).__name__}: {error}"))
    line.send(("end", ""))


def outcome(files):
    """Return what broke, in a process that may use 512 MiB and a minute of processor."""
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(target=_child, args=(theirs, files))
    child.start()
    theirs.close()
    broke, at, ended = [], "", False
    while not ended and ours.poll(120):
        try:
            word, text = ours.recv()
        except EOFError:
            break
        at = text if word == "at" else at
        broke += [text] if word == "broke" else []
        ended = word == "end"
    child.kill()
    child.join()
    return broke if ended else [*broke, f"{at}: the process ended or hung"]


def test_no_hostile_file_breaks_the_index_or_the_check():
    files = list(hostile().items())

    assert len(files) >= 60
    assert outcome(files) == []


@pytest.mark.nightly
def test_no_mutant_breaks_the_index_or_the_check(request):
    count = request.config.getoption("--mutants")

    for first in range(0, count, 50):
        files = [(seed, mutant(seed)) for seed in range(first, min(first + 50, count))]
        assert outcome(files) == []


@pytest.mark.parametrize("name", [name for name in hostile() if hostile()[name]])
async def test_no_hostile_file_breaks_out_of_the_sandbox(name):
    content = hostile()[name]

    decodes = await check_decodes(sandbox=sandbox(), content=content[: 8 << 20])

    assert decodes in {True, False}


@pytest.mark.nightly
async def test_no_mutant_breaks_out_of_the_sandbox(request):
    for seed in range(request.config.getoption("--mutants")):
        assert await check_decodes(sandbox=sandbox(), content=mutant(seed)) in {True, False}
