"""The status information 04 0F: how a transaction stands, in named values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fines.wire.zvt import (
    TAG_BATCH,
    TAG_OWNER,
    TAG_REFERENCE,
    TAG_RRN,
    TAG_SERIAL,
    Apdu,
    Command,
    body_of,
    sequence_of,
    sequence_tlv,
)
from fines.wire.zvt_emv import read_chip_proof
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_fields import (
    AMOUNT,
    AUTHORISATION,
    CARD_NAME,
    CARD_TYPE,
    CURRENCY,
    DATE,
    HOST_RESULT,
    MERCHANT,
    PAN,
    PAYMENT_TYPE,
    RECEIPT,
    RESULT,
    TERMINAL_ID,
    TIME,
    TRACE,
    Fields,
    Tlv,
    bcd,
    digits,
    pack_fields,
)

TAG_CARDHOLDER_CHECK: Final = 0x1F10
TAG_TECHNOLOGY: Final = 0x1F12
TAG_APPLICATION: Final = 0x60
TAG_AID: Final = 0x43
TAG_PREFERRED_NAME: Final = 0x44
TAG_NAME: Final = 0x42
TAG_MERCHANT_TEXT: Final = 0x47
TAG_PAR: Final = 0x4E
TAG_CARD_ITEM: Final = 0x1F14

CARDHOLDER_CHECKS: Final = {
    0x00: "none", 0x01: "signature", 0x02: "online_pin", 0x03: "offline_pin",
    0x04: "offline_pin", 0x05: "pin_signature", 0x06: "pin_signature", 0x07: "pin_signature",
}  # fmt: skip
TECHNOLOGIES: Final = {0x00: "stripe", 0x01: "chip", 0x02: "contactless"}
BRANDS: Final = {
    5: "GIROCARD", 6: "MASTERCARD", 8: "AMEX", 10: "VISA", 11: "VISA ELECTRON", 12: "DINERS",
    13: "V PAY", 14: "JCB", 46: "MAESTRO",
}  # fmt: skip
TERMINAL_ZONE: Final = ZoneInfo("Asia/Almaty")  # a terminal's clock shows the time of the country

_ONLINE_PIN: Final = 0x70


class StatusInvalid(ZvtMalformed):
    """A status information whose values contradict each other or the calendar."""

    code = "zvt.status_invalid"


@dataclass(frozen=True, kw_only=True)
class StatusInformation:
    """What the terminal says of a transaction. No card number, track or name has a place here.

    ``card_item`` is the terminal's card identification item: treat it as a card number and key it
    before it goes anywhere.
    """

    result: int
    host_result: int | None = None
    amount_tiyn: int | None = None
    currency: str = ""
    terminal_number: str = ""
    merchant_number: str = ""
    receipt_number: int | None = None
    trace_number: int | None = None
    time: str = ""  # hhmmss
    date: str = ""  # MMDD, as printed on the terminal's slip
    approval_code: str = ""
    rrn: str = ""
    card_type: int | None = None
    card_name: str = ""
    card_masked: str = ""
    owner: str = ""
    cardholder_check: int | None = None
    technology: int | None = None
    aid: str = ""
    application_label: str = ""
    tvr: str = ""
    tsi: str = ""
    cryptogram: str = ""
    terminal_serial: str = ""
    batch_number: int | None = None
    par: str = ""
    card_item: bytes = field(default=b"", repr=False)
    reference: bytes = b""
    sequence: int | None = None

    @property
    def approved(self) -> bool:
        """Whether money was granted: host codes A0..AF arrive as result 00 with field A0 set."""
        return self.result == 0 and self.host_result in (None, 0)

    @property
    def brand(self) -> str:
        """The card's brand, by the terminal's name for it or by its type."""
        return self.card_name or BRANDS.get(self.card_type or 0, "")

    def terminal_time(self, *, near: datetime) -> datetime:
        """Return the terminal's date and time as an instant; the year is the one nearest ``near``.

        Raises:
            StatusInvalid: no such date or time.
        """
        try:
            shown = [
                datetime.strptime(f"{near.year + shift}{self.date}{self.time}", "%Y%m%d%H%M%S")
                .replace(tzinfo=TERMINAL_ZONE)
                for shift in (-1, 0, 1)
                if self.date != "0229" or _leap(near.year + shift)
            ]  # fmt: skip
            return min(shown, key=lambda at: abs(at - near))
        except ValueError as error:
            raise StatusInvalid("the terminal's date or time does not exist") from error


def _leap(year: int) -> bool:
    first = datetime(year, 2, 28, tzinfo=TERMINAL_ZONE)
    return (first + timedelta(days=1)).month == 2  # noqa: PLR2004 - still February


def _text(raw: bytes | None) -> str:
    if raw is None:
        return ""
    try:
        text = raw.rstrip(b"\0").decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise StatusInvalid("a text field holds other than ASCII") from error
    if not text.isprintable():
        raise StatusInvalid("a text field holds control characters")
    return text


def _byte(raw: bytes | None) -> int | None:
    return raw[0] if raw else None


def _digits(raw: bytes | None, size: int) -> str:
    return digits(raw)[-size:] if raw else ""


def parse_status(apdu: Apdu) -> StatusInformation:
    """Return the values of 04 0F.

    Raises:
        ZvtMalformed: it cannot be read to its end, or has no result: answer 84 66.
    """
    fields = body_of(apdu)
    bmps = fields.bmps
    if apdu.command != Command.STATUS_INFORMATION or RESULT not in bmps:
        raise StatusInvalid("a status information has a result")
    chip = read_chip_proof(fields, apdu.data)
    batch = fields.tlv(TAG_BATCH)
    return StatusInformation(
        result=bmps[RESULT][0],
        host_result=_byte(bmps.get(HOST_RESULT)),
        amount_tiyn=fields.number(AMOUNT),
        currency=_digits(bmps.get(CURRENCY), 3),
        terminal_number=_digits(bmps.get(TERMINAL_ID), 8),
        merchant_number=_text(bmps.get(MERCHANT)),
        receipt_number=fields.number(RECEIPT),
        trace_number=fields.number(TRACE),
        time=_digits(bmps.get(TIME), 6),
        date=_digits(bmps.get(DATE), 4),
        approval_code=_text(bmps.get(AUTHORISATION)),
        rrn=_text(fields.tlv(TAG_RRN)),
        card_type=_byte(bmps.get(CARD_TYPE)),
        card_name=_text(bmps.get(CARD_NAME)),
        card_masked=bmps.get(PAN, b"").decode("ascii"),
        owner=_text(fields.tlv(TAG_OWNER)),
        cardholder_check=_byte(fields.tlv(TAG_CARDHOLDER_CHECK)),
        technology=_byte(fields.tlv(TAG_TECHNOLOGY)),
        aid=_application(fields, TAG_AID).hex().upper(),
        application_label=_label(fields),
        tvr=chip.tvr,
        tsi=chip.tsi,
        cryptogram=chip.cryptogram,
        terminal_serial=_text(fields.tlv(TAG_SERIAL)),
        batch_number=int(digits(batch)) if batch else None,
        par=_text(fields.tlv(TAG_PAR)),
        card_item=fields.tlv(TAG_CARD_ITEM) or b"",
        reference=fields.tlv(TAG_REFERENCE) or b"",
        sequence=sequence_of(fields),
    )


def _application(fields: Fields, tag: int) -> bytes:
    """Return an object of the application; some terminals leave its container out."""
    return fields.tlv(TAG_APPLICATION, tag) or fields.tlv(tag) or b""


def _label(fields: Fields) -> str:
    """Return how the chip names its application; a name in other letters than Latin is none."""
    for tag in (TAG_PREFERRED_NAME, TAG_NAME):
        raw = _application(fields, tag).rstrip(b"\0 ")
        if raw and raw.isascii() and raw.decode().isprintable():
            return raw.decode().strip()
    return ""


def status_information(status: StatusInformation) -> Apdu:
    """Return 04 0F for the values; what is empty is left out."""
    bmps: dict[int, bytes] = {RESULT: bytes([status.result])}
    if status.host_result is not None:
        bmps[HOST_RESULT] = bytes([status.host_result])
    bmps.update(_numbers(status))
    bmps.update(_card(status))
    return Apdu(Command.STATUS_INFORMATION, pack_fields(Fields(bmps, _tlvs(status))))


def _numbers(status: StatusInformation) -> dict[int, bytes]:
    shown = (
        (AMOUNT, status.amount_tiyn, 6),
        (TRACE, status.trace_number, 3),
        (RECEIPT, status.receipt_number, 2),
        (CURRENCY, status.currency or None, 2),
        (TIME, status.time or None, 3),
        (DATE, status.date or None, 2),
        (TERMINAL_ID, status.terminal_number or None, 4),
    )
    return {bmp: bcd(str(value), size) for bmp, value, size in shown if value is not None}


def _card(status: StatusInformation) -> dict[int, bytes]:
    bmps: dict[int, bytes] = {}
    if status.merchant_number:
        bmps[MERCHANT] = status.merchant_number.encode("ascii").ljust(15)
    if status.approval_code:
        bmps[AUTHORISATION] = status.approval_code.encode("ascii").ljust(8, b"\0")
    if status.card_type is not None:
        bmps[CARD_TYPE] = bytes([status.card_type])
        bmps[PAYMENT_TYPE] = bytes([_ONLINE_PIN])
    if status.card_name:
        bmps[CARD_NAME] = status.card_name.encode("ascii") + b"\0"
    if status.card_masked:
        bmps[PAN] = status.card_masked.encode("ascii")
    return bmps


def _tlvs(status: StatusInformation) -> tuple[Tlv, ...]:
    plain = (
        (TAG_CARDHOLDER_CHECK, _one(status.cardholder_check)),
        (TAG_TECHNOLOGY, _one(status.technology)),
        (TAG_CARD_ITEM, status.card_item),
        (TAG_PAR, status.par.encode("ascii")),
        (TAG_OWNER, status.owner.encode("ascii")),
        (TAG_RRN, status.rrn.encode("ascii")),
        (TAG_REFERENCE, status.reference),
        (TAG_SERIAL, status.terminal_serial.encode("ascii")),
        (TAG_BATCH, b"" if status.batch_number is None else bcd(str(status.batch_number), 3)),
        (TAG_MERCHANT_TEXT, _chip_text(status).encode("ascii")),
    )
    objects = tuple(Tlv(tag, value) for tag, value in plain if value)
    application = (
        (TAG_AID, bytes.fromhex(status.aid)),
        (TAG_PREFERRED_NAME, status.application_label.encode("ascii")),
    )
    if children := tuple(Tlv(tag, value) for tag, value in application if value):
        objects += (Tlv(TAG_APPLICATION, children=children),)
    return objects + sequence_tlv(status.sequence)


def _chip_text(status: StatusInformation) -> str:
    told = (("TVR", status.tvr), ("TSI", status.tsi), ("AC", status.cryptogram))
    return "\r".join(f"{label} {value}" for label, value in told if value)


def _one(value: int | None) -> bytes:
    return b"" if value is None else bytes([value])
