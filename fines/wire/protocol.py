"""Version 1 of the protocol between the server and a terminal agent: JSON over HTTPS.

The agent asks for its next order and reports each step; every report may be repeated and is
answered as the first time. See ``docs/protocols/terminal-agent.md``.

Order of a sale: ``GET next`` → ``POST started`` (may be refused) → card → ``POST approval``
(the server commits; only then does the agent acknowledge to the terminal) → ``POST outcome``
→ slips are printed → ``POST printed``.
"""

import enum
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fines.wire.slip import Slip

VERSION = 1
PREFIX = "/device/terminal/v1"  # every path below hangs here
PATH_HELLO = PREFIX + "/hello"
PATH_NEXT = PREFIX + "/orders/next"  # ?wait_seconds=
PATH_STARTED = PREFIX + "/orders/{order_id}/started"
PATH_CARD = PREFIX + "/orders/{order_id}/card"
PATH_APPROVAL = PREFIX + "/orders/{order_id}/approval"
PATH_OUTCOME = PREFIX + "/orders/{order_id}/outcome"
PATH_PRINTED = PREFIX + "/orders/{order_id}/printed"
PATH_TOTALS = PREFIX + "/orders/{order_id}/totals"
# Some terminals show the last four digits alone, of up to nineteen.
_MASKED = r"^[0-9]{0,6}\*{1,15}[0-9]{4}$"
_WORD = r"^[a-z_]{0,16}$"  # a word of ours: no room for a security code or a PIN block
CREDENTIAL_HEADER = "Device-Credential"  # "<device id>.<secret>"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderKind(enum.Enum):
    """What the server wants from the agent."""

    SALE = "sale"
    LAST_RESULT = "last_result"  # settle an unknown sale: ask the terminal, never sell again
    PRINT = "print"  # slips that could not be printed before
    RECONCILE = "reconcile"  # close the terminal's day and tell its totals
    REVERSAL = "reversal"  # take back a sale that was never committed; never a person's act


class OwnerVerdict(enum.Enum):
    """What the issuer says of the card and the payer's IIN. Only ``MATCH`` lets money move."""

    MATCH = "match"
    NO_MATCH = "no_match"
    UNKNOWN = "unknown"
    NOT_SUPPORTED = "not_supported"
    NO_ANSWER = "no_answer"  # the check was asked and fell silent: refused, with its own reason


class OwnerMethod(enum.Enum):
    """By what the owner of a card was proven."""

    ISSUER = "issuer"  # the issuer compared the IIN
    NAME = "name"  # the name on the chip, where the issuer has no check and it is allowed


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
    OWNERSHIP_NO_ANSWER = "ownership_no_answer"  # the owner's check fell silent
    CARD_CHANGED = "card_changed"  # another card paid than was read before the sale
    AMOUNT_UNSUPPORTED = "amount_unsupported"  # the terminal takes whole tenge only


class Hello(_Message):
    """Who the agent is and what its terminal said at registration."""

    agent_version: str = Field(max_length=32)
    terminal_number: str = Field(max_length=8, description="ZVT TID, eight digits")
    driver: str = Field(max_length=16)


class PayerName(_Message):
    """The payer as the register writes him; sent only where names may be compared."""

    surname: str = Field(max_length=100, repr=False)
    given_name: str = Field(max_length=100, repr=False)
    patronymic: str = Field(default="", max_length=100, repr=False)


class Order(_Message):
    """One thing to do. ``payer_iin`` goes to the issuer only and is never journaled in clear."""

    order_id: UUID
    kind: OrderKind
    payment_id: UUID | None = None  # absent for RECONCILE
    amount_tiyn: int = Field(default=0, ge=0, le=10**12)
    currency: str = "398"
    payer_iin: str = Field(default="", pattern=r"^([0-9]{12})?$", repr=False)
    read_card: bool = False  # for SALE: read the card before, where the terminal can
    payer_name: PayerName | None = None  # for SALE: compare it with the name on the chip
    original_receipt_number: int | None = None  # for LAST_RESULT, where we know it
    original_order_id: UUID | None = None  # for LAST_RESULT and REVERSAL: the sale in question
    slips: tuple[Slip, ...] = ()  # for PRINT
    expires_at: datetime

    @model_validator(mode="after")
    def _of_a_payment(self) -> Self:
        if self.kind is not OrderKind.RECONCILE and not (
            self.payment_id and self.amount_tiyn and self.payer_iin
        ):
            raise ValueError("every order but RECONCILE is about one payment")
        return self


class Started(_Message):
    """The agent is about to send the sale to the terminal (its journal holds the intent)."""

    at: datetime


class StartedAnswer(_Message):
    """Whether the sale may go out; ``False`` where it was withdrawn meanwhile."""

    may_start: bool


class CardShown(_Message):
    """A card read before the sale. Nothing was charged, and it may not be."""

    card_brand: str = Field(max_length=32)
    card_masked: str = Field(max_length=19, pattern=_MASKED)
    card_ref: str = Field(max_length=64)
    card_ref_kind: str = Field(max_length=16)
    name_verdict: str = Field(default="", max_length=16, description="match | partial | ...")


class CardAnswer(_Message):
    """Whether the sale may go on with this card; ``NONE`` leaves the last word to the issuer."""

    reason: Reason = Reason.NONE


class CardProof(_Message):
    """What a chip and its terminal left as proof of a sale, for the slip; empty where untold.

    PCI DSS 3.3.1 forbids none of it: no card number, no expiry, no track.
    """

    terminal_serial: str = Field(default="", pattern=r"^[0-9A-Za-z-]{0,20}$")
    batch_number: int | None = Field(default=None, ge=0, le=999_999)
    application_label: str = Field(default="", pattern=r"^[ -~]{0,16}$")
    tvr: str = Field(default="", pattern=r"^([0-9A-F]{10})?$", description="EMV 95")
    tsi: str = Field(default="", pattern=r"^([0-9A-F]{4})?$", description="EMV 9B")
    cryptogram: str = Field(default="", pattern=r"^([0-9A-F]{16})?$", description="EMV 9F26")


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
    card_masked: str = Field(max_length=19, pattern=_MASKED)
    card_ref: str = Field(max_length=64, description="PAR, or a reference the terminal keyed")
    card_ref_kind: str = Field(pattern=_WORD, description="par | item")
    owner_verdict: OwnerVerdict
    owner_method: OwnerMethod = OwnerMethod.ISSUER
    owner_checker: str = Field(default="", max_length=32, description="of a name: whose rules")
    entry_mode: str = Field(pattern=_WORD, description="chip | contactless | stripe")
    cardholder_check: str = Field(pattern=_WORD, description="online_pin | signature | none | ...")
    aid: str = Field(default="", pattern=r"^([0-9A-Fa-f]{10,32})?$")
    proof: CardProof | None = None  # since agent 1.2
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
    """Which papers came out whole; the rest is wanted again when there is paper.

    ``doubtful_slip_ids`` went to the printer and nobody knows whether they came out (the agent
    died, the printer fell silent, the roll ended): they come again as numbered duplicates only.
    """

    slip_ids: tuple[UUID, ...]
    doubtful_slip_ids: tuple[UUID, ...] = ()
    reason: Reason = Reason.NONE
    at: datetime


class TotalsAnswer(_Message):
    """The server has the totals."""


class BrandTotals(_Message):
    """What a terminal counted of one brand. ZVT's count is one byte: it wraps at 256."""

    count: int = Field(ge=0, le=65_535)
    sum_tiyn: int = Field(ge=0, le=10**14)


class Totals(_Message):
    """A terminal's closed batch, in its own words: the answer to RECONCILE."""

    terminal_number: str = Field(max_length=8)
    closed_at: datetime
    receipt_from: int | None = Field(default=None, ge=0, le=9999)
    receipt_to: int | None = Field(default=None, ge=0, le=9999)
    count: int = Field(ge=0, le=65_535)
    sum_tiyn: int = Field(ge=0, le=10**14)
    brands: dict[Annotated[str, Field(max_length=32)], BrandTotals] = Field(
        default_factory=dict, max_length=16
    )
