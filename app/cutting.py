"""Cutting answers short: nothing goes out to a session that has ended.

Every answer to a person is known here while it is being made and sent. Before each piece goes out
its session must have been seen alive a moment ago; an answer that is already being sent is
cancelled as soon as its session is seen ended, even while its reader makes it wait. Who looks, and
where sessions are kept, is identity's; how an answer is sent, the middleware's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

# Seen alive within this, a session gets its next piece without another look. Together with the
# time that a look takes it stays below the second in which a block must hold.
FRESH_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 0.4  # no answer by then is no sign of life

# Returns which of the sessions live; raises whatever it likes when it cannot tell.
Look = Callable[[Collection[UUID]], Awaitable[set[UUID]]]


class AnswerCut(Exception):
    """The rest of an answer is withheld: its session has ended, or nobody can tell."""


class Answer:
    """One answer that is being made or sent; to nobody in particular until ``admit``."""

    def __init__(self) -> None:
        self.session_id: UUID | None = None
        self.seen_at = float("-inf")
        self.ended = False
        self._task: asyncio.Task[object] | None = None
        self._cancelled = False

    def admit(self, session_id: UUID) -> None:
        """Bind the answer to a session that was found good just now."""
        self.session_id = session_id
        self.seen_at = asyncio.get_running_loop().time()

    def let_go(self) -> None:
        """Let the answer out whatever becomes of the session: it tells the caller of its end."""
        self.session_id = None

    def sending(self, task: asyncio.Task[object] | None) -> None:
        """Say which task sends it and may be cancelled; ``None`` when it has gone out whole."""
        self._task = task

    @property
    def is_sent_bit_by_bit(self) -> bool:
        """Whether it has begun to go out and has not ended."""
        return self._task is not None

    def end(self) -> None:
        """Withhold whatever has not gone out, and stop sending."""
        self.ended = True
        if self._task is not None:
            self._cancelled = True
            self._task.cancel()
            self._task = None

    def was_cancelled_here(self) -> bool:
        """Return once whether the cancellation that just arrived is this mechanism's own."""
        mine, self._cancelled = self._cancelled, False
        return mine


class Answers:
    """The answers of this process.

    Args:
        look: asks which sessions live, where nobody watches them all.
        look_seconds: how long a look may take before its silence cuts the answer.

    Attributes:
        look_seconds: the same; whoever watches keeps to it too.
        look_wanted: set for whoever watches: somebody waits for the next look.
        watched: whether somebody does, on a line of his own. Then nobody looks for himself: at the
            busiest moment he would wait for a connection of the pool.
    """

    def __init__(self, look: Look, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._look = look
        self.look_seconds = look_seconds
        self._running: set[Answer] = set()
        self._looked: asyncio.Event = asyncio.Event()
        self.look_wanted = asyncio.Event()
        self.watched = False

    @contextmanager
    def one(self) -> Iterator[Answer]:
        """Yield an answer that is known here until the block ends."""
        answer = Answer()
        self._running.add(answer)
        try:
            yield answer
        finally:
            answer.sending(None)
            self._running.discard(answer)

    def session_ids(self) -> set[UUID]:
        """Return the sessions that are being answered."""
        return {one.session_id for one in self._running if one.session_id is not None}

    def seen(self, *, asked: Collection[UUID], alive: Collection[UUID], at: float) -> None:
        """Take note of a look that began at ``at`` on the loop's clock; end what has ended."""
        for answer in list(self._running):
            if answer.session_id in alive:
                answer.seen_at = max(answer.seen_at, at)
            elif answer.session_id in asked:
                answer.end()
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()

    def end_unseen(self) -> None:
        """End what is being sent to sessions that nobody has seen alive of late: we are blind."""
        since = asyncio.get_running_loop().time() - FRESH_SECONDS - self.look_seconds
        for answer in list(self._running):
            if answer.is_sent_bit_by_bit and answer.session_id and answer.seen_at < since:
                answer.end()

    async def may_go_on(self, answer: Answer) -> bool:
        """Return whether the next piece may go out; without a fresh sign of life, look first."""
        if answer.session_id is None:
            return True
        if not answer.ended and not _is_fresh(answer):
            try:
                async with asyncio.timeout(self.look_seconds):
                    await self._see(answer, answer.session_id)
            except Exception:  # noqa: BLE001 - whatever keeps us from seeing is no sign of life
                return False
        return not answer.ended

    async def _see(self, answer: Answer, session_id: UUID) -> None:
        if not self.watched:
            at = asyncio.get_running_loop().time()
            self.seen(asked={session_id}, alive=await self._look({session_id}), at=at)
            return
        while not answer.ended and not _is_fresh(answer):
            self.look_wanted.set()
            await self._looked.wait()


def _is_fresh(answer: Answer) -> bool:
    return asyncio.get_running_loop().time() - answer.seen_at <= FRESH_SECONDS
