"""Parameter sets, as far as finding pictures without an index and their order needs them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bodycam.rules.signed_video.nal import unescaped

_HIGH_PROFILES: Final = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
_CHROMA_444: Final = 3
_LISTS, _LISTS_444, _LARGE_LISTS_FROM = 8, 12, 6
_ZEROS_MAX: Final = 31  # of an Exp-Golomb number, section 9.1
_CYCLE_MAX: Final = 255
HELD_BACK_MAX: Final = 16  # pictures (section A.4 of both)
_EXTENDED_ASPECT, _SCHEDULES_MAX = 255, 32
_ORDER_BITS_MAX: Final = 16  # H.264, section 7.4.2.1.1; H.265, section 7.4.3.2.1
_SPS_H265, _PPS_H265 = 33, 34  # table 7-1
_PROFILE_BITS, _LEVEL_BITS = 88, 8
_MACROBLOCK: Final = 16
_EDGE_MAX: Final = 16_384


class NotASet(ValueError):
    """The bytes are no parameter set that is read here."""


class Bits:
    """Reads bits of a unit, its header left out and its emulation prevention removed."""

    def __init__(self, raw: bytes) -> None:
        self._number = int.from_bytes(raw, "big")
        self._left = 8 * len(raw)

    def take(self, count: int) -> int:
        """Return the next ``count`` bits as a number.

        Raises:
            NotASet: the unit has fewer.
        """
        self._left -= count
        if self._left < 0:
            raise NotASet("the unit is cut short")
        return (self._number >> self._left) & ((1 << count) - 1)

    def golomb(self) -> int:
        """Return the next unsigned Exp-Golomb number (section 9.1).

        Raises:
            NotASet: there is none, or one longer than 32 bits.
        """
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > _ZEROS_MAX:
                raise NotASet("a number of more than 32 bits")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_golomb(self) -> int:
        """Return the next signed Exp-Golomb number (section 9.1.1)."""
        number = self.golomb()
        return (number + 1) // 2 if number % 2 else -(number // 2)


@dataclass(frozen=True)
class Sequence:
    """What a sequence parameter set of H.264 says of every picture.

    ``frame_number_bits`` and ``order_bits`` are the lengths of ``frame_num`` and
    ``pic_order_cnt_lsb`` in a slice header, the latter 0 where pictures are shown as they were
    coded; ``held_back`` is how many pictures a decoder holds back at most for those. ``gaps`` says
    that frame numbers may be left out, ``planes`` that a colour plane is named in slice headers,
    ``whole_frames`` that no fields are. Edges are in pixels.
    """

    frame_number_bits: int
    order_bits: int
    held_back: int
    gaps: bool
    planes: bool
    whole_frames: bool
    width: int
    height: int


@dataclass(frozen=True)
class SequenceH265:
    """What parameter sets of H.265 say of slice headers.

    ``order_bits`` is the length of ``slice_pic_order_cnt_lsb``, ``held_back`` how many pictures a
    decoder holds back at most; ``passed_bits`` names by picture parameter set how many bits stand
    before a slice's type, and whether one stands behind it.
    """

    order_bits: int
    held_back: int
    planes: bool
    passed_bits: Mapping[int, tuple[int, bool]] = field(default_factory=dict)


def read_sequence(unit: bytes) -> Sequence:
    """Read a sequence parameter set with its header byte (section 7.3.2.1.1).

    Raises:
        NotASet: it is none.
    """
    if len(unit) < 4 or unit[0] & 0x1F != 7:  # noqa: PLR2004 - table 7-1
        raise NotASet("no sequence parameter set")
    profile = unit[1]
    bits = Bits(unescaped(unit[4:])[0])
    bits.golomb()  # its number
    chroma, planes = _read_colours(bits) if profile in _HIGH_PROFILES else (1, False)
    frame_number_bits = bits.golomb() + 4
    if frame_number_bits > 16:  # noqa: PLR2004 - section 7.4.2.1.1
        raise NotASet("a frame number of more than 16 bits")
    order_bits = _order_bits(bits)
    bits.golomb()  # reference frames
    gaps = bool(bits.take(1))
    width = (bits.golomb() + 1) * _MACROBLOCK
    rows = bits.golomb() + 1
    whole_frames = bits.take(1)
    if not whole_frames:
        bits.take(1)
    bits.take(1)  # direct_8x8_inference
    height = rows * _MACROBLOCK * (2 - whole_frames)
    if bits.take(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        across, down = (2 if chroma in {1, 2} else 1), (2 if chroma == 1 else 1)
        width -= (left + right) * across
        height -= (top + bottom) * down * (2 - whole_frames)
    if not (0 < width <= _EDGE_MAX and 0 < height <= _EDGE_MAX):
        raise NotASet("pictures of an impossible size")
    held_back = _held_back(bits) if order_bits and bits.take(1) else HELD_BACK_MAX
    return Sequence(
        frame_number_bits=frame_number_bits,
        order_bits=order_bits,
        held_back=held_back,
        gaps=gaps,
        planes=planes,
        whole_frames=bool(whole_frames),
        width=width,
        height=height,
    )


def _held_back(bits: Bits) -> int:
    """Read ``max_num_reorder_frames`` of the usability information (section E.1.1)."""
    try:
        _pass_display(bits)
        told = 0
        for _ in range(2):
            if bits.take(1):
                _pass_reference_decoder(bits)
                told = 1
        bits.take(told + 1)  # low delay; structure of pictures
        if not bits.take(1):
            return HELD_BACK_MAX
        bits.take(1)
        for _ in range(4):
            bits.golomb()
        return min(bits.golomb(), HELD_BACK_MAX)
    except NotASet:  # of what is no use to a decoder nothing else depends
        return HELD_BACK_MAX


def _pass_display(bits: Bits) -> None:
    if bits.take(1) and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.take(1):  # overscan
        bits.take(1)
    if bits.take(1):  # video signal
        bits.take(4)
        if bits.take(1):
            bits.take(24)
    if bits.take(1):  # where chroma lies
        bits.golomb()
        bits.golomb()
    if bits.take(1):  # timing
        bits.take(65)


def _pass_reference_decoder(bits: Bits) -> None:
    count = bits.golomb() + 1
    if count > _SCHEDULES_MAX:
        raise NotASet("more than 32 schedules")
    bits.take(8)
    for _ in range(count):
        bits.golomb()
        bits.golomb()
        bits.take(1)
    bits.take(20)


def _read_colours(bits: Bits) -> tuple[int, bool]:
    chroma = bits.golomb()
    planes = bool(bits.take(1)) if chroma == _CHROMA_444 else False
    bits.golomb()  # bit depths
    bits.golomb()
    bits.take(1)
    if bits.take(1):
        for number in range(_LISTS_444 if chroma == _CHROMA_444 else _LISTS):
            if bits.take(1):
                _pass_list(bits, 16 if number < _LARGE_LISTS_FROM else 64)
    return chroma, planes


def _pass_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed_golomb()) % 256
        last = following or last


def _order_bits(bits: Bits) -> int:
    kind = bits.golomb()
    if kind == 0:
        return _order_bits_of(bits)
    if kind == 1:
        bits.take(1)
        bits.signed_golomb()
        bits.signed_golomb()
        cycle = bits.golomb()
        if cycle > _CYCLE_MAX:
            raise NotASet("a cycle of more than 255 frames")
        for _ in range(cycle):
            bits.signed_golomb()
    return 0


def _order_bits_of(bits: Bits) -> int:
    count = bits.golomb() + 4
    if count > _ORDER_BITS_MAX:
        raise NotASet("an order count of more than 16 bits")
    return count


def read_sequence_h265(units: Iterable[bytes]) -> SequenceH265:
    """Read parameter sets of H.265 with their headers (sections 7.3.2.2.1 and 7.3.2.3.1).

    Raises:
        NotASet: no sequence parameter set is among them, or one that cannot be read.
    """
    found: tuple[int, SequenceH265] | None = None
    pictures: list[tuple[int, int, int, bool]] = []
    for unit in units:
        kind, bits = unit[0] >> 1 if unit else 0, Bits(unescaped(unit[2:])[0])
        if kind == _SPS_H265 and found is None:
            found = _sequence_h265(bits)
        elif kind == _PPS_H265:
            number, of = bits.golomb(), bits.golomb()
            bits.take(1)  # dependent slice segments
            told = bool(bits.take(1))  # pic_output_flag
            pictures.append((number, of, bits.take(3), told))
    if found is None:
        raise NotASet("no sequence parameter set")
    number, sequence = found
    passed = {one: (extra, told) for one, of, extra, told in pictures if of == number}
    return replace(sequence, passed_bits=passed)


def _sequence_h265(bits: Bits) -> tuple[int, SequenceH265]:
    bits.take(4)  # its video parameter set
    layers = bits.take(3)
    _pass_levels(bits, layers)
    number = bits.golomb()
    planes = bits.golomb() == _CHROMA_444 and bool(bits.take(1))
    bits.golomb()  # edges
    bits.golomb()
    if bits.take(1):
        for _ in range(4):
            bits.golomb()
    bits.golomb()  # bit depths
    bits.golomb()
    order_bits = _order_bits_of(bits)
    held_back = 0
    for _ in range(layers + 1 if bits.take(1) else 1):  # the last is that of all layers
        bits.golomb()
        held_back = min(bits.golomb(), HELD_BACK_MAX)
        bits.golomb()
    return number, SequenceH265(order_bits, held_back, planes)


def _pass_levels(bits: Bits, below: int) -> None:
    """Pass ``profile_tier_level`` with so many layers below (section 7.3.3)."""
    bits.take(1)  # nesting, which stands before it
    bits.take(_PROFILE_BITS + _LEVEL_BITS)
    told = [(bits.take(1), bits.take(1)) for _ in range(below)]
    if below:
        bits.take(2 * (8 - below))
    for profile, level in told:
        bits.take(_PROFILE_BITS * profile + _LEVEL_BITS * level)
