"""Beginnings of slice headers, as far as finding pictures and their order needs them."""

from dataclasses import dataclass
from typing import Final

from bodycam.rules.parameter_sets import Bits, NotASet, Sequence, SequenceH265
from bodycam.rules.signed_video.nal import unescaped

_INTRA: Final = frozenset({2, 4, 7, 9})  # slice types of H.264, table 7-6
_SLICE_TYPES, _PARAMETER_SETS = 10, 256
_IDR_H264: Final = 5
_KEYS_H265: Final = frozenset(
    range(16, 24)
)  # table 7-1: those that have the flag of section 7.3.6.1
_IDR_H265: Final = frozenset({19, 20})
_RESTARTS_H265: Final = frozenset({16, 17, 18, 19, 20})  # broken links and instant refreshes
_NO_ANCHOR_H265: Final = frozenset({0, 2, 4, 6, 7, 8, 9, 10, 12, 14})  # section 8.3.1


@dataclass(frozen=True, slots=True)
class Slice:
    """What the beginning of a slice tells of its picture.

    Attributes:
        first: it begins the picture.
        key: the picture needs none before it.
        intra: so does this slice.
        restarts: nothing before it is shown after it.
        number: ``frame_num`` of H.264.
        order: the low bits of its picture order count, where they are told.
        anchor: the counts of later pictures are told from its own.
    """

    first: bool
    key: bool
    intra: bool
    restarts: bool
    number: int | None
    order: int | None
    anchor: bool


def read_h264(unit: bytes, sequence: Sequence) -> Slice:
    """Read the beginning of a slice with its header byte (section 7.3.3).

    Raises:
        NotASet: no slice begins so.
    """
    kind, referenced = unit[0] & 0x1F, bool(unit[0] & 0x60)
    key = kind == _IDR_H264
    bits = Bits(unescaped(unit[1:])[0])
    first, slice_type, of_set = bits.golomb(), bits.golomb(), bits.golomb()
    if sequence.planes:
        bits.take(2)
    number = bits.take(sequence.frame_number_bits)
    intra = slice_type in _INTRA
    if slice_type >= _SLICE_TYPES or of_set >= _PARAMETER_SETS:
        raise NotASet("no slice has such a type or set")
    if key and (number or not intra or not referenced):
        raise NotASet("no key picture has such a header")
    return Slice(
        first=first == 0,
        key=key,
        intra=intra,
        restarts=key,
        number=number,
        order=_order_h264(bits, sequence, key=key),
        anchor=referenced,
    )


def _order_h264(bits: Bits, sequence: Sequence, *, key: bool) -> int | None:
    if not sequence.order_bits:
        return None
    if not sequence.whole_frames and bits.take(1):
        bits.take(1)  # which field
    if key:
        bits.golomb()  # idr_pic_id
    return bits.take(sequence.order_bits)


def read_h265(unit: bytes, sequence: SequenceH265 | None) -> Slice:
    """Read the beginning of a slice segment with its two header bytes (section 7.3.6.1).

    Its order is told where its parameter set is known.
    """
    kind, temporal = unit[0] >> 1, unit[1] & 7
    key, first = kind in _KEYS_H265, bool(unit[2] & 0x80)
    return Slice(
        first=first,
        key=key,
        intra=key,
        restarts=kind in _RESTARTS_H265,
        number=None,
        order=_order_h265(unit, sequence, kind) if first and sequence is not None else None,
        anchor=temporal == 1 and kind not in _NO_ANCHOR_H265,
    )


def _order_h265(unit: bytes, sequence: SequenceH265, kind: int) -> int | None:
    if kind in _IDR_H265:
        return 0
    bits = Bits(unescaped(unit[2:])[0])
    try:
        bits.take(1 + (kind in _KEYS_H265))
        passed = sequence.passed_bits.get(bits.golomb())
        if passed is None:
            return None
        bits.take(passed[0])
        bits.golomb()  # the slice's type
        bits.take(passed[1] + 2 * sequence.planes)
        return bits.take(sequence.order_bits)
    except NotASet:
        return None
