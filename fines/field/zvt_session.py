"""What every ZVT command shares: its number, the terminal's answer, and what comes in between.

One thread owns a session. It knows no transport: serial blocks and bare TCP are alike to it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fines.field.driver import TerminalRefused
from fines.field.line import LineSilent, Timers
from fines.field.terminal_paper import TerminalPaper
from fines.wire import zvt, zvt_status
from fines.wire.zvt import Apdu, Code, Command
from fines.wire.zvt_errors import ZvtMalformed

log = logging.getLogger(__name__)

DRAIN_SECONDS = 0.3  # longer than T1: a block on its way is heard to its end
STRAYS_MAX = 64
_MESSAGES_MAX = 1000  # in one command; a terminal that talks more is broken
_PRINTS = frozenset({Command.PRINT_LINE, Command.PRINT_TEXT})


class Transport(Protocol):
    """Messages to and from one terminal; see ``line.Line``, the serial one."""

    def send(self, message: Apdu) -> None:
        """Hand a message to the terminal; ``LineSilent`` where nobody takes it."""

    def receive(
        self, *, timeout_seconds: float, until: Callable[[], bool] | None = None
    ) -> Apdu | None:
        """Return the terminal's next message; ``None`` when none came."""

    def close(self) -> None:
        """Let the line go; harmless twice."""


@dataclass(kw_only=True)
class ZvtSession:
    """Commands and answers over one transport. ``numbered`` and ``charset`` come from login."""

    line: Transport
    timers: Timers
    paper: TerminalPaper = field(default_factory=TerminalPaper)
    numbered: bool = False
    charset: int | None = None
    _sequence: int = 0

    def register(self, message: Apdu) -> Apdu:
        """Send 06 00 and return 06 0F; from here on messages are numbered where it said so.

        Raises:
            TerminalRefused, LineSilent: see ``command``.
        """
        self.numbered, self._sequence = False, 0
        answer = self.command(lambda _number: message)
        for told in self.messages():
            self.answer(told)
            if told.command == Command.COMPLETION:
                body = zvt.body_of(told)
                echoed = (_tag(answer, zvt.TAG_SEQUENCE), body.tlv(zvt.TAG_SEQUENCE))
                self.numbered = any(one is not None for one in echoed)
                charset = body.tlv(zvt.TAG_CHARSET)
                self.charset = charset[0] if charset else None
                return told
            if told.command == Command.ABORTED:
                raise refused(told)
        raise LineSilent("no end of the registration")

    def command(self, build: Callable[[int | None], Apdu]) -> Apdu:
        """Send a command and return its 80 00.

        Raises:
            TerminalRefused: 84 xx, the command had no effect. LineSilent: nothing came.
        """
        number = None
        if self.numbered:
            self._sequence = number = self._sequence + 1
        self.line.send(build(number))
        for _ in range(STRAYS_MAX):
            answer = self.line.receive(timeout_seconds=self.timers.t3_seconds)
            if answer is None:
                break
            if not answer.answer:
                self.answer_stray(answer)
                continue
            if number is not None and sequence_of(answer) not in (None, number):
                continue  # the answer to an earlier message, come late
            if answer.refusal is not None:
                raise TerminalRefused(answer.refusal)
            return answer
        raise LineSilent("no answer to a command")

    def run(
        self,
        build: Callable[[int | None], Apdu],
        *,
        on_status: Callable[[Apdu], Apdu] | None = None,
        timeout_seconds: float | None = None,
    ) -> Apdu:
        """Run a command to its 06 0F and return that; ``on_status`` answers each 04 0F.

        Raises:
            TerminalRefused: 84 xx or 06 1E. LineSilent: it fell silent on the way.
        """
        self.command(build)
        for message in self.messages(timeout_seconds=timeout_seconds):
            if message.command == Command.STATUS_INFORMATION and on_status is not None:
                self.line.send(on_status(message))
                continue
            self.answer(message)
            if message.command == Command.COMPLETION:
                return message
            if message.command == Command.ABORTED:
                raise refused(message)
        raise LineSilent("no end of a command")

    def messages(self, *, timeout_seconds: float | None = None) -> "Messages":
        """Iterate over the terminal's commands until it falls silent, which raises."""
        seconds = self.timers.t3_seconds if timeout_seconds is None else timeout_seconds
        return Messages(self.line, seconds)

    def answer(self, message: Apdu) -> None:
        """Answer what needs no decision: 80 00, to a print command once it is on paper."""
        self.line.send(self.routine(message))

    def routine(self, message: Apdu) -> Apdu:
        """Return the answer to what needs no decision."""
        if message.command in _PRINTS:
            code = self.paper.take(message, charset=self.charset)
            if code is not None:
                return zvt.refuse(code)
        elif message.command in (Command.COMPLETION, Command.ABORTED):
            self.paper.finish()
        return zvt.good(sequence=sequence_of(message))

    def drain(self) -> None:
        """Answer what a terminal still sends for a command nobody waits for any more."""
        for _ in range(STRAYS_MAX):
            message = self.line.receive(timeout_seconds=DRAIN_SECONDS)
            if message is None:
                return
            self.answer_stray(message)

    def answer_stray(self, message: Apdu) -> None:
        """Refuse an approval that nobody has committed; everything else is merely noted."""
        if message.answer:
            return
        if message.command == Command.STATUS_INFORMATION and _grants(message):
            self.line.send(zvt.refuse(Code.PROCESSING_ERROR))
        elif message.command == Command.BLOCKED_LIST:
            self.line.send(zvt.refuse(Code.CARD_NOT_LISTED))
        else:
            self.answer(message)


class Messages:
    """Iterates over the terminal's commands until it falls silent, which raises."""

    def __init__(self, line: Transport, seconds: float) -> None:
        self._line, self._seconds = line, seconds
        self._left = _MESSAGES_MAX

    def __iter__(self) -> "Messages":
        return self

    def __next__(self) -> Apdu:
        while self._left > 0:
            self._left -= 1
            message = self._line.receive(timeout_seconds=self._seconds)
            if message is None:
                break
            if not message.answer:
                own = minutes_of(message)
                self._seconds = max(self._seconds, own * 60.0) if own else self._seconds
                return message
        raise LineSilent("the terminal fell silent inside a command")


def sequence_of(message: Apdu) -> int | None:
    """Return a message's MsgSeqId, ``None`` where it has none that can be read."""
    if message.command == Command.PRINT_LINE:
        return None  # its text runs to its end
    try:
        return zvt.sequence_of(zvt.body_of(message))
    except ZvtMalformed:
        return None


def minutes_of(message: Apdu) -> int | None:
    """Return the minutes that 04 FF asks to be waited for, where it names any."""
    if message.command != Command.INTERMEDIATE_STATUS:
        return None
    return zvt.intermediate_minutes(message)


def refused(message: Apdu) -> TerminalRefused:
    """Return what 06 1E says."""
    return TerminalRefused(message.data[0] if message.data else Code.SYSTEM_ERROR)


def _tag(message: Apdu, tag: int) -> bytes | None:
    try:
        return zvt.body_of(message).tlv(tag)
    except ZvtMalformed:
        return None


def _grants(message: Apdu) -> bool:
    try:
        return zvt_status.parse_status(message).approved
    except ZvtMalformed:
        return True  # unreadable is treated as the dangerous case
