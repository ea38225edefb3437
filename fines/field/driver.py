"""What the agent wants of any card terminal, in nexo's words; ZVT is the first to answer.

A driver owns its transport and is used by one thread. Silence is never a decision: it raises
``LineSilent`` or ends a sale as ``UNKNOWN``.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from fines.wire.protocol import Approval, OwnerVerdict, Reason, Result


class Decision(enum.Enum):
    """What to tell the terminal about an approval it holds."""

    ACCEPT = "accept"  # it may keep the money: somebody has committed the approval
    WAIT = "wait"  # ask again shortly
    REFUSE = "refuse"  # take it back


@dataclass(frozen=True, kw_only=True)
class SaleRequest:
    """One sale. ``payer_iin`` goes to the issuer and stays out of every ``repr``."""

    order_id: UUID
    amount_tiyn: int
    payer_iin: str = field(repr=False)
    card_timeout_seconds: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class SaleEnd:
    """How a sale ended at the terminal."""

    result: Result
    reason: Reason = Reason.NONE
    owner_verdict: OwnerVerdict = OwnerVerdict.UNKNOWN
    host_code: str = ""
    terminal_code: str = ""


@dataclass(frozen=True, kw_only=True)
class StoredSale:
    """The last sale the terminal keeps. ``order_id`` is set where it echoes our number."""

    receipt_number: int
    trace_number: int
    amount_tiyn: int
    terminal_number: str
    order_id: UUID | None
    approval: Approval | None  # None where the terminal's memory is too thin to report it


@dataclass(frozen=True, kw_only=True)
class CardSeen:
    """A card read before any sale: enough to name it, never enough to use it."""

    brand: str
    card_masked: str
    card_ref: str
    card_ref_kind: str


class TerminalRefused(Exception):
    """The terminal answered a command with an error code; nothing was done."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the terminal refused with {code:02X}")
        self.code = code


class TerminalDriver(Protocol):
    """A card terminal. Every verb may raise ``LineSilent`` and ``TerminalRefused``."""

    name: str

    def login(self) -> str:
        """Register with the terminal; return its number (eight digits)."""

    def status(self) -> int:
        """Return the terminal's status code; 0 is ready."""

    def card_acquisition(self, *, timeout_seconds: int) -> CardSeen | None:
        """Read the card without a sale; ``None`` when none came or the terminal cannot."""

    def sale(
        self,
        request: SaleRequest,
        *,
        decide: Callable[[Approval], Decision],
        progress: Callable[[str], None],
    ) -> SaleEnd:
        """Sell once. ``decide`` is called for an approval until it stops saying ``WAIT``."""

    def last_result(self) -> StoredSale | None:
        """Return what the terminal keeps as its last sale; ``None`` where it keeps none."""

    def abort(self) -> None:
        """Ask a waiting terminal to give up; safe at any time, also from a signal handler."""

    def close(self) -> None:
        """Let the line go."""
