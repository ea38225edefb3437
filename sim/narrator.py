"""The account that a run gives of itself in the terminal: numbered steps with their times.

with narrator.step("The officer signs in") as step:
    ...
    step.note("session of 12 hours at most")
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape


@dataclass
class Step:
    """One step under way: what is to be told of it when it is done."""

    notes: list[str] = field(default_factory=list)
    ms: float = 0.0

    def note(self, text: str) -> None:
        """Add a line under the step."""
        self.notes.append(text)


class Narrator:
    """Writes the account; every time it shows was measured around the step it stands beside."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._count = 0
        self._began = time.monotonic()

    def chapter(self, title: str) -> None:
        """Begin a part of the road."""
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    def say(self, text: str) -> None:
        """Write a plain line."""
        self._console.print(escape(text))

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run one step; tell it with its time, or that it failed."""
        self._count += 1
        step = Step()
        began = time.perf_counter()
        try:
            yield step
        except BaseException:
            self._console.print(f"[red] ✗ {self._count:>2}. {escape(title)}[/red]")
            raise
        step.ms = (time.perf_counter() - began) * 1000
        self._console.print(
            f"[green] ✓[/green] {self._count:>2}. {escape(title)} [dim]{_readable(step.ms)}[/dim]"
        )
        for note in step.notes:
            self._console.print(f"        [dim]{escape(note)}[/dim]")

    @property
    def seconds(self) -> float:
        """How long the whole account has taken."""
        return time.monotonic() - self._began


def _readable(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:.1f} s"  # noqa: PLR2004 - ten seconds
