"""Who sends first, and what the person at the dock sees of it."""

import io
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from bodycam.field.board import BayLine, Board, Progress
from bodycam.field.screen import picture
from bodycam.field.slots import Slots

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SECONDS = 20


def urgency(bay, *, hours=0.0):
    return (NOW + timedelta(hours=hours), NOW, bay)


def waiting(slots, count):
    deadline = time.monotonic() + SECONDS
    while len(slots._waiting) < count and time.monotonic() < deadline:
        time.sleep(0.001)


def test_a_free_place_goes_to_the_nearest_deadline():
    slots = Slots(1)
    order = []

    def take(one):
        with slots.place(one):
            order.append(one[2])

    threads = []
    with slots.place(urgency("first")):
        for count, one in enumerate(
            [urgency("late", hours=9), urgency("soon", hours=1), urgency("later", hours=12)], 1
        ):
            threads.append(threading.Thread(target=take, args=[one]))
            threads[-1].start()
            waiting(slots, count)
    for thread in threads:
        thread.join(SECONDS)

    assert order == ["soon", "late", "later"]


def test_no_more_travel_at_once_than_there_are_places():
    slots, lock, three = Slots(3), threading.Lock(), threading.Barrier(3)
    travelling, most = 0, 0

    def take(number):
        nonlocal travelling, most
        with slots.place(urgency(f"bay-{number}", hours=number % 5)):
            with lock:
                travelling += 1
                most = max(most, travelling)
            three.wait(SECONDS)
            with lock:
                travelling -= 1

    threads = [threading.Thread(target=take, args=[number]) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert not any(thread.is_alive() for thread in threads)
    assert (most, travelling) == (3, 0)


def test_a_place_comes_back_from_one_that_failed():
    slots = Slots(1)

    with pytest.raises(OSError, match="pulled out"), slots.place(urgency("broken")):
        raise OSError("the camera was pulled out")

    with slots.place(urgency("next")):
        pass


def test_the_board_counts_and_tells_when_a_recording_is_there():
    said = []
    board = Board(said.append)
    progress = Progress(board, bay="bay-01", total_bytes=30_000_000)

    progress.resumed(10_000_000)
    progress.add(20_000_000)

    (line,) = board.lines()
    assert (line.done_bytes, line.percent) == (30_000_000, 100)
    assert len(said) == 1
    assert said[0].startswith("bay-01: 100 % (30 MB, ")


def test_a_bay_is_ready_when_the_rest_has_gone_at_its_speed():
    line = BayLine(bay="b", state="uploading", total_bytes=100, done_bytes=40, bytes_per_second=2.0)

    assert line.ready_at(NOW) == NOW + timedelta(seconds=30)
    assert BayLine(bay="b", state="waiting", total_bytes=100).ready_at(NOW) is None


def test_a_bay_that_is_gone_is_no_longer_shown():
    board = Board(lambda _: None)
    board.show("bay-01", "waiting")
    board.show("bay-02", "waiting")

    board.forget({"bay-02"})

    assert [line.bay for line in board.lines()] == ["bay-02"]


def test_the_screen_shows_every_bay_and_the_last_lines():
    board = Board(lambda _: None)
    board.show("bay-01", "refused: bodycam.camera_not_known [x]")
    board.count(
        BayLine(
            bay="bay-02",
            state="uploading",
            total_bytes=200,
            done_bytes=50,
            bytes_per_second=5e6,
        )
    )
    page = io.StringIO()

    Console(file=page, width=120).print(picture(board, ("bay-02: resumes, 3 parts are there",)))

    shown = page.getvalue()
    assert "bay-01" in shown
    assert "camera_not_known [x]" in shown
    assert "25" in shown
    assert "bay-02: resumes, 3 parts are there" in shown
