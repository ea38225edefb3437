"""The dock's screen: a table of the bays that stays in place, and the last lines below it."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bodycam.field.board import BayLine, Board

_LINES_KEPT: Final = 8
_PER_SECOND: Final = 2.0
_MEGABYTE: Final = 1e6


@contextmanager
def shown(board: Board, *, plain: bool) -> Iterator[None]:
    """Show the board on the terminal until the block ends; lines alone where there is none."""
    if plain or not sys.stdout.isatty():
        yield
        return
    said: deque[str] = deque(maxlen=_LINES_KEPT)
    board.listen(said.append)
    with Live(
        get_renderable=lambda: picture(board, tuple(said)),
        console=Console(),
        refresh_per_second=_PER_SECOND,
    ):
        yield


def picture(board: Board, said: tuple[str, ...]) -> Group:
    """Return the screen as it is now."""
    table = Table(title="Saqshy: docking station", expand=True)
    for name, ratio in (("Bay", 2), ("State", 4), ("", 5), ("%", 1), ("MB/s", 1), ("Ready", 1)):
        table.add_column(name, ratio=ratio)
    now = datetime.now().astimezone()
    for line in board.lines():
        table.add_row(*_cells(line, now))
    return Group(table, *(Text(one, overflow="ellipsis", no_wrap=True) for one in said))


def _cells(line: BayLine, now: datetime) -> tuple[Text | ProgressBar | str, ...]:
    if not line.total_bytes:
        return (Text(line.bay), Text(line.state), "", "", "", "")
    ready = line.ready_at(now)
    return (
        Text(line.bay),
        Text(line.state),
        ProgressBar(total=line.total_bytes, completed=line.done_bytes),
        str(line.percent),
        f"{line.bytes_per_second / _MEGABYTE:.0f}",
        ready.strftime("%H:%M") if ready else "",
    )
