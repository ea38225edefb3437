"""ZVT 700 application messages: APDUs, commands, answers, result codes (PA00P015/PA00P016).

Builders and readers for both ends of the line. What ZVT leaves to private tags we number
ourselves (class private, ``DFxx``); see ``docs/protocols/zvt.md``.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fines.wire import zvt_frame
from fines.wire.zvt_errors import FieldTruncated, LengthMismatch, ZvtMalformed
from fines.wire.zvt_fields import (
    AMOUNT,
    CURRENCY,
    MAX_STATUS_INFOS,
    RECEIPT,
    SERVICE,
    TIMEOUT,
    TLV,
    Fields,
    Tlv,
    bcd,
    digits,
    pack_fields,
    parse_fields,
)

KZT: Final = "398"
SERVICE_LAST_RESULT: Final = 0x03  # also send the status information, do not print

TAG_SEQUENCE: Final = 0x1F73  # MsgSeqId: three bytes BCD, the same number when repeated
TAG_KNOWN_RECEIPT: Final = 0x1F1F  # the last sale the cash register knows; empty: it knows none
TAG_LINE_WIDTH: Final = 0x12
TAG_CHARSET: Final = 0x14
TAG_APDU_MAX: Final = 0x1A
TAG_RECEIPT_WISHES: Final = 0x1F04
TAG_CARD_ITEM_WANTED: Final = 0x1F15
TAG_COMMANDS: Final = 0x26
TAG_COMMAND: Final = 0x0A
UTF_8: Final = 0xFE
ITEM_DEFAULT: Final = 0x80  # of 1F15: the terminal's own way of naming a card
WISHES_NONE: Final = 0x01  # of 1F04: none of its own slips; what must be printed comes to us
TAG_PAYER_IIN: Final = 0xDF50  # six bytes BCD; the terminal hands it to the issuer
TAG_OWNER: Final = 0xDF51  # one ASCII letter: M match, N none, U unknown, S not supported
TAG_RRN: Final = 0xDF52  # twelve ASCII characters
TAG_SERIAL: Final = 0xDF54  # the terminal's serial number, ASCII
TAG_BATCH: Final = 0xDF55  # the number of its open batch, three bytes BCD
TAG_REFERENCE: Final = 0xDF53  # the cash register's own number of the sale, echoed; 16 bytes

_GOOD: Final = 0x80  # classes of answers
_BAD: Final = 0x84
_EXTENDED: Final = 0xFF
_LENGTH_SHORT_MAX: Final = 0xFE
_APDU_TOLD_MAX: Final = 4000  # a little less than a block holds; no byte of it is a DLE
_PASSWORD_BYTES: Final = 3
_NINE: Final = 9
_SEQUENCE_MODULUS: Final = 1_000_000


class Command(enum.IntEnum):
    """Class and instruction of the messages we speak."""

    STATUS_INFORMATION = 0x040F
    INTERMEDIATE_STATUS = 0x04FF
    STATUS_ENQUIRY = 0x0501
    TURNOVER = 0x0610
    REGISTRATION = 0x0600
    AUTHORISATION = 0x0601
    LOG_OFF = 0x0602
    COMPLETION = 0x060F
    ABORTED = 0x061E
    REPEAT_RECEIPT = 0x0620
    REVERSAL = 0x0630
    END_OF_DAY = 0x0650
    ABORT = 0x06B0
    READ_CARD = 0x06C0
    PRINT_LINE = 0x06D1
    PRINT_TEXT = 0x06D3
    BLOCKED_LIST = 0x06E4
    GOOD = 0x8000
    GOOD_TOO = 0x8400


class Code(enum.IntEnum):
    """Result and error codes by name (PA00P015, chapter 10). Codes below 64 are the host's."""

    OK = 0x00
    CARD_UNREADABLE = 0x64
    PROCESSING_ERROR = 0x66
    NOT_REGISTERED = 0x6B
    ABORTED = 0x6C
    CARD_BLOCKED = 0x6E
    WRONG_CURRENCY = 0x6F
    CHIP_ERROR = 0x72
    CARD_EXPIRED = 0x78
    CARD_UNKNOWN = 0x7A
    COMMUNICATION = 0x7D
    CARD_NOT_LISTED = 0x76
    END_OF_DAY_IMPOSSIBLE = 0x77
    NOT_POSSIBLE = 0x83
    PROTOCOL_ERROR = 0x9A
    PLEASE_WAIT = 0x9C
    HOST_NO_ANSWER = 0xA1
    HOST_NO_LINE = 0xA3
    ALREADY_REVERSED = 0xB4
    REVERSAL_IMPOSSIBLE = 0xB5
    AMOUNT_TOO_LARGE = 0xC3
    PRINTER_NOT_READY = 0xCC
    SYSTEM_ERROR = 0xFF


class Config(enum.IntFlag):
    """Registration's config byte. ``OURS`` bars amounts and voids keyed on the terminal."""

    ECR_PRINTS_SLIPS = 0x02
    ECR_PRINTS_ADMIN = 0x04
    INTERMEDIATE_STATUS = 0x08
    NO_AMOUNT_ENTRY = 0x10
    NO_ADMIN_FUNCTIONS = 0x20
    PRINT_BY_ECR = 0x80
    OURS = 0xBE


class Progress(enum.IntEnum):
    """Intermediate states worth telling the officer."""

    LOOK_AT_PIN_PAD = 0x01
    WAITING_FOR_HOST = 0x04
    REVERSING = 0x05
    INSERT_CARD = 0x0A
    REMOVE_CARD = 0x0B
    WAIT = 0x0E
    APPROVED = 0x1C
    DECLINED = 0x1D


@dataclass(frozen=True)
class Apdu:
    """One message: class and instruction, and its data (kept out of every ``repr``)."""

    command: int
    data: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        return f"{self.command >> 8:02X} {self.command & 0xFF:02X} ({len(self.data)} bytes)"

    @property
    def good(self) -> bool:
        """Whether this is a positive answer."""
        return self.command in (Command.GOOD, Command.GOOD_TOO)

    @property
    def refusal(self) -> int | None:
        """The error code of a negative answer, ``None`` for anything else."""
        return self.command & 0xFF if self.command >> 8 == _BAD and not self.good else None

    @property
    def answer(self) -> bool:
        """Whether this answers a command rather than being one."""
        return self.command >> 8 in (_GOOD, _BAD)


def pack(apdu: Apdu) -> bytes:
    """Return the bytes of a message, its length field included.

    Raises:
        LengthMismatch: longer than a block may be.
    """
    size = len(apdu.data)
    if size > zvt_frame.APDU_BYTES_MAX - 5:
        raise LengthMismatch("the message is longer than a block may be")
    length = (
        bytes([size])
        if size <= _LENGTH_SHORT_MAX
        else bytes([_EXTENDED]) + size.to_bytes(2, "little")
    )
    return apdu.command.to_bytes(2, "big") + length + apdu.data


def parse(raw: bytes) -> Apdu:
    """Return the message in ``raw``.

    Raises:
        LengthMismatch: its length field and its bytes differ.
    """
    if zvt_frame.apdu_length(raw) != len(raw):
        raise LengthMismatch("the APDU's length field must fit its bytes")
    return Apdu(int.from_bytes(raw[:2], "big"), raw[5:] if raw[2] == _EXTENDED else raw[3:])


def sequence_tlv(sequence: int | None) -> tuple[Tlv, ...]:
    """Return MsgSeqId as a TLV object, nothing for ``None``. Runs from 1 to 999999, then 1."""
    if sequence is None:
        return ()
    wrapped = (sequence - 1) % (_SEQUENCE_MODULUS - 1) + 1
    return (Tlv(TAG_SEQUENCE, bcd(str(wrapped), 3)),)


def sequence_of(fields: Fields) -> int | None:
    """Return the MsgSeqId of a message, ``None`` where it has none."""
    raw = fields.tlv(TAG_SEQUENCE)
    return int(digits(raw)) if raw else None


def good(*, sequence: int | None = None) -> Apdu:
    """Return the answer 80 00, which repeats the number of the message it answers."""
    return Apdu(Command.GOOD, pack_fields(Fields(tlvs=sequence_tlv(sequence))))


def refuse(code: int) -> Apdu:
    """Return the answer 84 ``code``."""
    return Apdu(_BAD << 8 | code)


def registration(*, password: str, config: int, line_width: int) -> Apdu:
    """Return 06 00: who prints and how, who may key amounts, which currency, which commands.

    MsgSeqId 000000 asks for numbered messages; a terminal that numbers them says it back.
    """
    ours = (Command.PRINT_LINE, Command.PRINT_TEXT, Command.BLOCKED_LIST)
    body = (
        Tlv(TAG_LINE_WIDTH, bcd(str(line_width), 1)),
        Tlv(TAG_CHARSET, bytes([UTF_8])),
        Tlv(TAG_APDU_MAX, _APDU_TOLD_MAX.to_bytes(2, "big")),
        Tlv(TAG_COMMANDS, children=tuple(Tlv(TAG_COMMAND, o.to_bytes(2, "big")) for o in ours)),
        Tlv(TAG_RECEIPT_WISHES, bytes([WISHES_NONE])),
        Tlv(TAG_SEQUENCE, bcd("0", 3)),
    )
    head = bcd(password, _PASSWORD_BYTES) + bytes([config]) + bcd(KZT, 2)
    return Apdu(Command.REGISTRATION, head + pack_fields(Fields(tlvs=body)))


def authorisation(
    *,
    amount_tiyn: int,
    payer_iin: str,
    reference: bytes,
    max_status_infos: int,
    card_timeout_seconds: int | None = None,
    known_receipt: int | None = None,
    sequence: int | None = None,
) -> Apdu:
    """Return 06 01, the sale. There is no other way to ask for money, and no repeat of it.

    ``known_receipt`` is the last sale that is settled on our side (PA00P015, chapter 4): never 0,
    which could reverse receipt 1; unknown travels as an empty tag.
    """
    bmps = {AMOUNT: bcd(str(amount_tiyn), 6), CURRENCY: bcd(KZT, 2)}
    if card_timeout_seconds is not None:
        bmps[TIMEOUT] = bytes([card_timeout_seconds])
    bmps[MAX_STATUS_INFOS] = bytes([max_status_infos])
    own = (
        Tlv(TAG_KNOWN_RECEIPT, bcd(str(known_receipt), 2) if known_receipt else b""),
        Tlv(TAG_PAYER_IIN, bcd(payer_iin, 6)),
        Tlv(TAG_REFERENCE, reference),
    )
    return Apdu(Command.AUTHORISATION, pack_fields(Fields(bmps, (*own, *sequence_tlv(sequence)))))


def repeat_receipt(*, password: str, sequence: int | None = None) -> Apdu:
    """Return 06 20 asking for the last stored transaction without printing: the last result."""
    body = Fields({SERVICE: bytes([SERVICE_LAST_RESULT])}, sequence_tlv(sequence))
    return Apdu(Command.REPEAT_RECEIPT, bcd(password, _PASSWORD_BYTES) + pack_fields(body))


def read_card(*, timeout_seconds: int, sequence: int | None = None) -> Apdu:
    """Return 06 C0, which asks for the card's item and for nothing else; no tag asks for tracks."""
    wanted = Tlv(TAG_CARD_ITEM_WANTED, bytes([ITEM_DEFAULT]))
    body = pack_fields(Fields(tlvs=(wanted, *sequence_tlv(sequence))))
    return Apdu(Command.READ_CARD, bytes([timeout_seconds]) + body)


def end_of_day(*, password: str, sequence: int | None = None) -> Apdu:
    """Return 06 50: close the batch and tell its totals."""
    return _with_password(Command.END_OF_DAY, password, Fields(tlvs=sequence_tlv(sequence)))


def turnover(*, password: str, sequence: int | None = None) -> Apdu:
    """Return 06 10: tell the totals of the open batch, close nothing."""
    return _with_password(Command.TURNOVER, password, Fields(tlvs=sequence_tlv(sequence)))


def reversal(*, password: str, receipt_number: int, sequence: int | None = None) -> Apdu:
    """Return 06 30: take back one sale that was never committed. No person's key sends this."""
    body = Fields({RECEIPT: bcd(str(receipt_number), 2)}, sequence_tlv(sequence))
    return _with_password(Command.REVERSAL, password, body)


def _with_password(command: Command, password: str, body: Fields) -> Apdu:
    return Apdu(command, bcd(password, _PASSWORD_BYTES) + pack_fields(body))


def body_of(apdu: Apdu) -> Fields:
    """Return the fields behind a message's fixed head.

    Raises:
        ZvtMalformed: see ``parse_fields``; or the head itself is short.
    """
    size = _HEAD_BYTES.get(apdu.command, 0)
    if apdu.command == Command.INTERMEDIATE_STATUS and intermediate_minutes(apdu) is not None:
        size += 1
    if len(apdu.data) < size:
        raise FieldTruncated("the message is shorter than its fixed part")
    return parse_fields(apdu.data[size:])


# Registration: password, config, currency. Abort and intermediate status: one code.
_HEAD_BYTES: Final[Mapping[int, int]] = {
    Command.REGISTRATION: _PASSWORD_BYTES + 3,
    Command.REPEAT_RECEIPT: _PASSWORD_BYTES,
    Command.END_OF_DAY: _PASSWORD_BYTES,
    Command.TURNOVER: _PASSWORD_BYTES,
    Command.REVERSAL: _PASSWORD_BYTES,
    Command.READ_CARD: 1,
    Command.ABORTED: 1,
    Command.INTERMEDIATE_STATUS: 1,
}


def intermediate_status(code: int, *, sequence: int | None = None) -> Apdu:
    """Return 04 FF with a progress code."""
    return Apdu(
        Command.INTERMEDIATE_STATUS,
        bytes([code]) + pack_fields(Fields(tlvs=sequence_tlv(sequence))),
    )


def intermediate_minutes(apdu: Apdu) -> int | None:
    """Return the time-out in minutes that an 04 FF may carry behind its code (one byte BCD)."""
    if len(apdu.data) < 2 or not _carries_minutes(apdu.data):  # noqa: PLR2004 - code and minutes
        return None
    return int(digits(apdu.data[1:2]))


def _carries_minutes(data: bytes) -> bool:
    if data[1] == TLV:  # minutes 06, or a container? whatever can be read to its end
        try:
            parse_fields(data[1:])
        except ZvtMalformed:
            return True
        return False
    return data[1] >> 4 <= _NINE and data[1] & 0x0F <= _NINE


def aborted(code: int, *, sequence: int | None = None) -> Apdu:
    """Return 06 1E: the command ended without an effect that lasts."""
    body = pack_fields(Fields(tlvs=sequence_tlv(sequence)))
    return Apdu(Command.ABORTED, bytes([code]) + body)
