"""Virtual time: many actors in one thread, taken in turn by one clock that jumps.

    world = World(seed=7)
    world.begin(terminal.live, "terminal")
    world.begin(officer.work, "officer")
    world.run(until_seconds=3600)       # an hour passes in the time its steps need

Each actor is a greenlet and calls ordinary blocking code; where that would wait, it calls
``world.sleep`` or ``Signal.wait``. The order of steps follows from the seed alone, so the same
seed gives the same history, and ``world.trace`` the same hash.
"""

import hashlib
import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import greenlet  # type: ignore[import-untyped]  # it carries no types

from sim.clock import Clock

BEGINNING = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


class Killed(BaseException):
    """The actor's power went: it does nothing more, and its clean-up does not wait."""


class Stuck(Exception):
    """Virtual time ran out, or so many steps were taken that something turns in a circle."""


class Actor:
    """One greenlet. It may be waited for like a thread."""

    def __init__(self, world: "World", work: Callable[[], None], name: str) -> None:
        self.name, self._world, self._work = name, world, work
        self.killed = False
        self.ended = Signal(world)
        self.greenlet = greenlet.greenlet(self._live, world.hub)
        self.is_done = False

    def _live(self) -> None:
        try:
            if not self.killed:
                self._work()
        except Killed:
            pass
        finally:
            self.is_done = True
            self.ended.fire()

    def is_alive(self) -> bool:
        """Return whether it has not ended."""
        return not self.is_done

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        if not self.is_done:
            self.ended.wait(timeout)

    def kill(self) -> None:
        """Take the power away: from now on every wait of it raises ``Killed``."""
        if self.is_done or self.killed:
            return
        self.killed = True
        if greenlet.getcurrent() is self.greenlet:
            raise Killed
        self._world.soon(self._throw)

    def _throw(self) -> None:
        if self.greenlet and not self.is_done:  # one that has not begun never will
            self.greenlet.throw(Killed)


class Signal:
    """What actors wait for. ``fire`` wakes all who wait now."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._waiting: list[_Wait] = []

    def wait(self, seconds: float | None = None) -> bool:
        """Wait; return whether it fired within ``seconds``."""
        one = _Wait(greenlet.getcurrent())
        self._waiting.append(one)
        if seconds is not None:
            self._world.after(max(seconds, 0), lambda: one.wake(fired=False))
        self._world.switch()
        if not one.fired and one in self._waiting:
            self._waiting.remove(one)
        return one.fired

    def fire(self) -> None:
        """Wake all who wait."""
        for one in self._waiting:
            self._world.soon(one.wake_fired)
        self._waiting = []


class _Wait:
    def __init__(self, waiting: greenlet.greenlet) -> None:
        self._greenlet = waiting
        self._over = False
        self.fired = False

    def wake_fired(self) -> None:
        self.wake(fired=True)

    def wake(self, *, fired: bool) -> None:
        if self._over or self._greenlet.dead:
            return
        self._over, self.fired = True, fired
        self._greenlet.switch()


class Event:
    """``threading.Event`` in virtual time, as far as the programs use it."""

    def __init__(self, world: "World") -> None:
        self._set = False
        self._signal = Signal(world)

    def is_set(self) -> bool:
        """Return whether it is set."""
        return self._set

    def set(self) -> None:
        """Set it."""
        self._set = True
        self._signal.fire()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set."""
        if not self._set:
            self._signal.wait(timeout)
        return self._set


class World:
    """The clock, the order of things, the dice and the trace."""

    def __init__(self, *, seed: int, steps_max: int = 10_000_000) -> None:
        self.random = random.Random(seed)
        self.hub = greenlet.getcurrent()
        self.seconds = 0.0
        self.clock = Clock(monotonic=lambda: self.seconds, now=self.now)
        self.last: deque[str] = deque(maxlen=400)  # to read when something went wrong
        self._steps_left = steps_max
        self._hash = hashlib.sha256()
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._actors: dict[greenlet.greenlet, Actor] = {}

    def now(self) -> datetime:
        """Return the virtual instant."""
        return BEGINNING + timedelta(seconds=self.seconds)

    @property
    def trace(self) -> str:
        """The hash of all that was told so far."""
        return self._hash.hexdigest()

    def tell(self, who: str, what: str) -> None:
        """Write a step into the trace."""
        line = f"{self.seconds:.6f} {who} {what}"
        self._hash.update(line.encode() + b"\n")
        self.last.append(line)

    def begin(self, work: Callable[[], None], name: str) -> Actor:
        """Let an actor begin at once, in its turn."""
        actor = Actor(self, work, name)
        self._actors[actor.greenlet] = actor
        self.soon(actor.greenlet.switch)
        return actor

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something in the hub after ``seconds``."""
        due = (self.seconds + seconds, next(self._order), act)
        heapq.heappush(self._due, due)

    def soon(self, act: Callable[[], object]) -> None:
        """Do something in the hub when the actor at work waits."""
        self.after(0, act)

    def sleep(self, seconds: float) -> None:
        """Let an actor wait."""
        Signal(self).wait(seconds)

    def switch(self) -> None:
        """Give the turn back to the hub, from an actor.

        Raises:
            Killed: the actor's power is gone.
        """
        actor = self._actors.get(greenlet.getcurrent())
        if actor is not None and actor.killed:
            raise Killed
        self.hub.switch()
        if actor is not None and actor.killed:
            raise Killed

    def run(self, *, until: Callable[[], bool], seconds_max: float) -> None:
        """Let time pass until ``until`` says so.

        Raises:
            Stuck: it never did.
        """
        end = self.seconds + seconds_max
        while not until():
            if not self._due or self._due[0][0] > end or self._steps_left <= 0:
                raise Stuck(f"at {self.seconds:.1f} s of virtual time")
            self._steps_left -= 1
            self.seconds, _, act = heapq.heappop(self._due)
            act()
        self._actors = {one: actor for one, actor in self._actors.items() if not one.dead}

    def close(self) -> None:
        """End every actor."""
        for actor in list(self._actors.values()):
            actor.killed = True
            if actor.greenlet and not actor.is_done:
                actor.greenlet.throw(Killed)
