"""What the agent wants of any card terminal, in nexo's words; ZVT is the first to answer.

A driver owns its transport and is used by one thread. Silence is never a decision: it raises
``LineSilent`` or ends a sale as ``UNKNOWN``.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from fines.field.names import NameVerdict
from fines.wire.protocol import Approval, OwnerVerdict, PayerName, Reason, Result


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
    known_receipt: int | None = None  # the last sale that is settled on our side
    card_before: "CardSeen | None" = None  # the card read before, which must be the one that pays


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
    """The last sale the terminal keeps. ``order_id`` is set where it echoes our number.

    Of ``unsettled`` orders its memory can never tell, whatever it keeps now.
    """

    receipt_number: int
    trace_number: int
    amount_tiyn: int
    terminal_number: str
    order_id: UUID | None
    approval: Approval | None  # None where the terminal's memory is too thin to report it
    unsettled: frozenset[UUID] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CardSeen:
    """A card read before any sale: enough to name it, never enough to use it."""

    brand: str
    card_masked: str
    card_ref: str
    card_ref_kind: str
    name_verdict: NameVerdict | None = None  # of the name on its chip, where it was compared


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A batch as the terminal counted it; ``brands`` hold count and sum."""

    terminal_number: str
    receipt_from: int | None
    receipt_to: int | None
    count: int
    sum_tiyn: int
    brands: Mapping[str, tuple[int, int]]


class CardNotRead(Exception):
    """No card, or none that can be read, for ``reason``; nothing was charged."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


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

    def card_acquisition(
        self,
        *,
        timeout_seconds: int,
        payer_name: PayerName | None = None,
        until: datetime | None = None,
    ) -> CardSeen | None:
        """Read the card without a sale; ``None`` where the terminal cannot.

        ``payer_name`` is compared with the name on the chip; only the verdict comes back.
        May raise ``CardNotRead``.
        """

    def sale(
        self,
        request: SaleRequest,
        *,
        decide: Callable[[Approval], Decision],
        progress: Callable[[str], None],
    ) -> SaleEnd:
        """Sell once. ``decide`` is called for an approval until it stops saying ``WAIT``."""

    def turnover(self) -> Counted | None:
        """Return what the open batch holds; ``None`` where the terminal cannot tell."""

    def reconcile(self) -> Counted:
        """Close the day and return what the terminal counted."""

    def reversal(self, receipt_number: int) -> Result:
        """Take one kept sale back on the server's order: ``REVERSED`` or ``UNKNOWN``."""

    def last_result(self) -> StoredSale | None:
        """Return what the terminal keeps as its last sale; ``None`` where it keeps none."""

    def abort(self) -> None:
        """Ask a waiting terminal to give up; safe at any time, also from a signal handler."""

    def close(self) -> None:
        """Let the line go."""
