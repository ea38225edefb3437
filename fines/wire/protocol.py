"""Version 1 of the protocol between the server and a terminal agent: JSON over HTTPS.

The agent asks for its next order and reports each step; every report may be repeated and is
answered as the first time. See ``docs/protocols/terminal-agent.md``.

Order of a sale: ``GET next`` → ``POST started`` (may be refused) → card → ``POST approval``
(the server commits; only then does the agent acknowledge to the terminal) → ``POST outcome``
→ slips are printed → ``POST printed``.
"""

import enum
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fines.wire.slip import Slip

VERSION = 1
PREFIX = "/device/terminal/v1"  # every path below hangs here
PATH_HELLO = PREFIX + "/hello"
PATH_NEXT = PREFIX + "/orders/next"  # ?wait_seconds=
PATH_STARTED = PREFIX + "/orders/{order_id}/started"
PATH_APPROVAL = PREFIX + "/orders/{order_id}/approval"
PATH_OUTCOME = PREFIX + "/orders/{order_id}/outcome"
PATH_PRINTED = PREFIX + "/orders/{order_id}/printed"
_WORD = r"^[a-z_]{0,16}$"  # a word of ours: no room for a security code or a PIN block
CREDENTIAL_HEADER = "Device-Credential"  # "<device id>.<secret>"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderKind(enum.Enum):
    """What the server wants from the agent."""

    SALE = "sale"
    LAST_RESULT = "last_result"  # settle an unknown sale: ask the terminal, never sell again
    PRINT = "print"  # slips that could not be printed before


class OwnerVerdict(enum.Enum):
    """What the issuer says of the card and the payer's IIN. Only ``MATCH`` lets money move."""

    MATCH = "match"
    NO_MATCH = "no_match"
    UNKNOWN = "unknown"
    NOT_SUPPORTED = "not_supported"


class Result(enum.Enum):
    """How a sale ended at the terminal. Silence is ``UNKNOWN`` and nothing else."""

    COMPLETED = "completed"
    DECLINED = "declined"
    REVERSED = "reversed"
    UNKNOWN = "unknown"


class Reason(enum.Enum):
    """Why a sale did not complete; stable, shown to the officer in three languages."""

    NONE = "none"
    THIRD_PARTY_CARD = "third_party_card"
    OWNERSHIP_UNPROVEN = "ownership_unproven"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CARD_EXPIRED = "card_expired"
    CARD_UNREADABLE = "card_unreadable"
    ISSUER_DECLINED = "issuer_declined"
    HOST_UNREACHABLE = "host_unreachable"
    NO_PAPER = "no_paper"
    PRINTER_SILENT = "printer_silent"
    ABORTED = "aborted"
    CARD_TIMEOUT = "card_timeout"
    LINE_SILENT = "line_silent"
    TERMINAL_BUSY = "terminal_busy"
    SERVER_REFUSED = "server_refused"
    TERMINAL_FAULT = "terminal_fault"


class Hello(_Message):
    """Who the agent is and what its terminal said at registration."""

    agent_version: str = Field(max_length=32)
    terminal_number: str = Field(max_length=8, description="ZVT TID, eight digits")
    driver: str = Field(max_length=16)


class Order(_Message):
    """One thing to do. ``payer_iin`` goes to the issuer only and is never journaled in clear."""

    order_id: UUID
    kind: OrderKind
    payment_id: UUID
    amount_tiyn: int = Field(ge=1, le=10**12)
    currency: str = "398"
    payer_iin: str = Field(pattern=r"^[0-9]{12}$", repr=False)
    original_receipt_number: int | None = None  # for LAST_RESULT, where we know it
    original_order_id: UUID | None = None  # for LAST_RESULT: the sale to settle
    slips: tuple[Slip, ...] = ()  # for PRINT
    expires_at: datetime


class Started(_Message):
    """The agent is about to send the sale to the terminal (its journal holds the intent)."""

    at: datetime


class StartedAnswer(_Message):
    """Whether the sale may go out; ``False`` where it was withdrawn meanwhile."""

    may_start: bool


class Approval(_Message):
    """What the terminal said of an approved sale. No PAN, track, CVV or PIN has a field here."""

    amount_tiyn: int = Field(ge=1, le=10**12)
    currency: str = "398"
    terminal_number: str = Field(max_length=8)
    merchant_number: str = Field(max_length=15)
    receipt_number: int = Field(ge=0, le=9999)
    trace_number: int = Field(ge=0, le=999999)
    rrn: str = Field(pattern=r"^[0-9A-Za-z ]{0,12}$")
    approval_code: str = Field(pattern=r"^[0-9A-Za-z ]{0,6}$")
    card_brand: str = Field(max_length=32)
    card_masked: str = Field(max_length=19, pattern=r"^[0-9]{0,6}\*{1,13}[0-9]{4}$")
    card_ref: str = Field(max_length=64, description="PAR, or a reference the terminal keyed")
    card_ref_kind: str = Field(pattern=_WORD, description="par | item")
    owner_verdict: OwnerVerdict
    entry_mode: str = Field(pattern=_WORD, description="chip | contactless | stripe")
    cardholder_check: str = Field(pattern=_WORD, description="online_pin | signature | none | ...")
    aid: str = Field(default="", pattern=r"^([0-9A-Fa-f]{10,32})?$")
    terminal_at: datetime


class ApprovalAnswer(_Message):
    """The server's decision, given after its commit. Not accepted: the terminal takes it back."""

    accepted: bool
    reason: Reason = Reason.NONE
    slips: tuple[Slip, ...] = ()


class Outcome(_Message):
    """How the sale ended. For ``LAST_RESULT``, what the terminal's memory says of it."""

    result: Result
    reason: Reason = Reason.NONE
    owner_verdict: OwnerVerdict = OwnerVerdict.UNKNOWN
    host_code: str = Field(default="", max_length=4)
    terminal_code: str = Field(default="", max_length=4)
    approval: Approval | None = None  # with LAST_RESULT and COMPLETED
    at: datetime


class OutcomeAnswer(_Message):
    """The papers to print now; for a declined sale the one that says nothing was paid."""

    slips: tuple[Slip, ...] = ()


class Printed(_Message):
    """Which papers came out whole; the rest is wanted again when there is paper."""

    slip_ids: tuple[UUID, ...]
    reason: Reason = Reason.NONE
    at: datetime
