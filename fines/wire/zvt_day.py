"""End of day: the totals in field 60 of a status information (PA00P015, 2.16 and chapter 6).

Field 60: receipt from and to (two bytes BCD each), then seven pairs of count (one byte) and
turnover (six bytes BCD) in a fixed order of brands. A count wraps at 256: compare sums, and the
range of receipts, before counts.
"""

from dataclasses import dataclass, field
from typing import Final

from fines.wire.zvt import Apdu, Command, body_of, sequence_tlv
from fines.wire.zvt_errors import FieldTruncated
from fines.wire.zvt_fields import (
    AMOUNT,
    CURRENCY,
    RESULT,
    TERMINAL_ID,
    TOTALS,
    Fields,
    bcd,
    digits,
    pack_fields,
)

BRANDS: Final = ("GIROCARD", "JCB", "MASTERCARD", "AMEX", "VISA", "DINERS", "OTHER")
COUNT_MODULUS: Final = 256

_RECEIPT_BYTES: Final = 2
_SUM_BYTES: Final = 6
_PAIR_BYTES: Final = 1 + _SUM_BYTES
_TOTALS_BYTES: Final = 2 * _RECEIPT_BYTES + len(BRANDS) * _PAIR_BYTES
_RECEIPTS: Final = 9999


@dataclass(frozen=True, kw_only=True)
class DayTotals:
    """What the terminal counted. Receipts are ``None`` where the batch is empty."""

    result: int = 0
    terminal_number: str = ""
    sum_tiyn: int = 0
    receipt_from: int | None = None
    receipt_to: int | None = None
    brands: dict[str, tuple[int, int]] = field(default_factory=dict)  # count, sum

    @property
    def count(self) -> int:
        """How many sales: by brand, or by receipts where these show that the counts wrapped."""
        counted = sum(count for count, _ in self.brands.values())
        if self.receipt_from is None or self.receipt_to is None:
            return counted
        spanned = (self.receipt_to - self.receipt_from) % _RECEIPTS + 1
        wrapped = spanned > counted and (spanned - counted) % COUNT_MODULUS == 0
        return spanned if wrapped else counted


def pack_totals(totals: DayTotals) -> bytes:
    """Return field 60."""
    packed = bcd(str(totals.receipt_from or 0), 2) + bcd(str(totals.receipt_to or 0), 2)
    for brand in BRANDS:
        count, sum_tiyn = totals.brands.get(brand, (0, 0))
        packed += bytes([count % COUNT_MODULUS]) + bcd(str(sum_tiyn), _SUM_BYTES)
    return packed


def parse_day(apdu: Apdu) -> DayTotals:
    """Return the totals of a status information of 06 50 or 06 10.

    Raises:
        ZvtMalformed: it cannot be read to its end, or has no result.
    """
    fields = body_of(apdu)
    if apdu.command != Command.STATUS_INFORMATION or RESULT not in fields.bmps:
        raise FieldTruncated("totals come with a result")
    packed = fields.bmps.get(TOTALS, b"")
    if packed and len(packed) < _TOTALS_BYTES:
        raise FieldTruncated("field 60 is shorter than its seven brands")
    brands: dict[str, tuple[int, int]] = {}
    for place, brand in enumerate(BRANDS if packed else ()):
        at = 2 * _RECEIPT_BYTES + place * _PAIR_BYTES
        count, sum_tiyn = packed[at], int(digits(packed[at + 1 : at + _PAIR_BYTES]))
        if count or sum_tiyn:
            brands[brand] = (count, sum_tiyn)
    first = int(digits(packed[:2])) if packed else 0
    last = int(digits(packed[2:4])) if packed else 0
    told = fields.number(AMOUNT)
    terminal = fields.bmps.get(TERMINAL_ID)
    return DayTotals(
        result=fields.bmps[RESULT][0],
        terminal_number=digits(terminal) if terminal else "",
        sum_tiyn=sum(one for _, one in brands.values()) if told is None else told,
        receipt_from=first or None,
        receipt_to=last or None if first else None,
        brands=brands,
    )


def day_status(totals: DayTotals, *, sequence: int | None = None) -> Apdu:
    """Return the status information that tells ``totals``."""
    bmps = {
        RESULT: bytes([totals.result]),
        AMOUNT: bcd(str(totals.sum_tiyn), 6),
        TERMINAL_ID: bcd(totals.terminal_number, 4),
        CURRENCY: bcd("398", 2),
        TOTALS: pack_totals(totals),
    }
    body = pack_fields(Fields(bmps, sequence_tlv(sequence)))
    return Apdu(Command.STATUS_INFORMATION, body)
