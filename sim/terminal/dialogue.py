"""How the simulated terminal talks: each of its commands waits for the cash register's answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from fines.wire import zvt, zvt_fields
from fines.wire.zvt import Apdu, Code, Command, Progress
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_status import StatusInformation, status_information
from sim.clock import SYSTEM, Clock
from sim.terminal.bare import BareBlocks
from sim.terminal.blocks import Blocks


@dataclass(kw_only=True)
class Dialogue:
    """Commands and answers over ``blocks``. ``aborted`` turns true when 06 B0 interrupts."""

    blocks: Blocks | BareBlocks
    t3_seconds: float
    numbered: bool = True
    aborted: bool = False
    clock: Clock = SYSTEM
    _own_sequence: int = 0

    def good(self, message: Apdu) -> None:
        """Answer 80 00."""
        self.blocks.send(zvt.good(sequence=sequence_of(message)))

    def refuse(self, code: int) -> None:
        """Answer 84 ``code``."""
        self.blocks.send(zvt.refuse(code))

    def progress(self, code: Progress) -> None:
        """Show where the command stands."""
        self.ask(Command.INTERMEDIATE_STATUS, head=bytes([code]))

    def end(self, code: int) -> None:
        """End the command without effect: 06 1E."""
        self.ask(Command.ABORTED, head=bytes([code]))

    def tell(self, status: StatusInformation) -> Apdu | None:
        """Send a status information; ``None`` when nobody answers."""
        return self.tell_raw(lambda number: status_information(replace(status, sequence=number)))

    def tell_raw(self, build: Callable[[int | None], Apdu]) -> Apdu | None:
        """Send a command that ``build`` makes of its number; ``None`` when nobody answers."""
        number = self._next_sequence()
        if not self.blocks.send(build(number)):
            return None
        return self.answer_to(number)

    def ask(
        self, command: Command, fields: zvt_fields.Fields | None = None, *, head: bytes = b""
    ) -> Apdu | None:
        """Send a command; ``None`` when nobody answers."""
        number = self._next_sequence()
        known = fields or zvt_fields.Fields()
        full = replace(known, tlvs=known.tlvs + zvt.sequence_tlv(number))
        if not self.blocks.send(Apdu(command, head + zvt_fields.pack_fields(full))):
            return None
        return self.answer_to(number)

    def _next_sequence(self) -> int | None:
        if not self.numbered:
            return None
        self._own_sequence += 1
        return self._own_sequence

    def answer_to(self, number: int | None) -> Apdu | None:
        """Wait for the answer to our message of that number."""
        end = self.clock.monotonic() + self.t3_seconds
        while (left := end - self.clock.monotonic()) > 0:
            message = self.blocks.receive(left)
            if message is None:
                return None
            if not message.answer:
                self.interrupted_by(message)
            elif sequence_of(message) in (None, number):
                return message
        return None

    def interrupted_by(self, message: Apdu) -> None:
        """Take a command that came while another runs: only an abort is obeyed."""
        if message.command == Command.ABORT:
            self.aborted = True
            self.good(message)
        elif not message.answer:
            self.blocks.send(zvt.refuse(Code.PLEASE_WAIT))

    def sleep(self, seconds: float) -> None:
        """Wait, hearing interruptions."""
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > 0:
            message = self.blocks.receive(min(left, 0.05))
            if message is not None:
                self.interrupted_by(message)


def sequence_of(message: Apdu) -> int | None:
    """Return a message's MsgSeqId, ``None`` where it has none that can be read."""
    try:
        return zvt.sequence_of(zvt.body_of(message))
    except ZvtMalformed:
        return None
