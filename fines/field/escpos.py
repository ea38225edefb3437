"""From the slip model to ESC/POS bytes: text where the printer has the letters, pictures where not.

No printer is sure to have the eighteen Kazakh letters, ₸ or №; a printer prints ``?`` for them
without a word. So a letter goes as text only if it exists in code page 866, and as a picture of
its own cell otherwise (``ESC *``, 24 dots, which printers set into the line between their own
letters). Where a printer breaks the line at such a picture, ``Missing.LINE`` sends the whole line
as one raster picture instead: eight times the bytes, and nothing to go wrong.
"""

import enum
from typing import Final

from fines.field.layout import Row, rows_of
from fines.field.raster import CELL_DOTS, columns, raster
from fines.wire.slip import Align, Slip

WIDTH_DOTS: Final = 384  # a 58 mm roll
CODE_PAGE: Final = "cp866"
CODE_PAGE_NUMBER: Final = 17  # of CP866 on printers of the Epson family

_INITIALISE: Final = b"\x1b@"
_SELECT_PAGE: Final = b"\x1bt" + bytes([CODE_PAGE_NUMBER])
_ALIGN: Final = {Align.LEFT: 0, Align.CENTER: 1, Align.RIGHT: 2}
_FEED_BEFORE_CUT: Final = b"\x1bd\x04"  # the knife stands four lines above the head
_CUT: Final = b"\x1dV\x01"  # partial: the paper hangs on until it is taken
_LARGE: Final = 0x11  # double width, double height
_QR_MODULE_DOTS: Final = 5
_QR_LEVEL_M: Final = 49
_DOUBLED: Final = 3  # GS v 0: each dot two wide and two high
_COLUMNS_24: Final = b"\x1b*\x21"  # ESC * in double density: a column is three bytes
_DLE: Final = 0x10
_REAL_TIME: Final = (0x04, 0x05, 0x14)  # EOT, ENQ, DC4; with one dot more each is none of them
# One glyph in every font for each pair; on paper nobody can tell them apart.
_TWINS: Final = str.maketrans({"і": "i", "І": "I"})


class Missing(enum.Enum):
    """How letters are sent that the printer's code page lacks."""

    LETTER = "letter"  # each as a picture in its line
    LINE = "line"  # the whole line as a picture


def render(slip: Slip, *, missing: Missing = Missing.LETTER) -> bytes:
    """Return the bytes that print ``slip`` and cut it off.

    Raises:
        LetterNotDrawable: a letter that no font of ours has; nothing may be printed.
    """
    out = bytearray(_INITIALISE + _SELECT_PAGE)
    for row in rows_of(slip):
        out += _qr(row.qr) if row.qr else _text(row, missing)
    out += _FEED_BEFORE_CUT + _CUT
    return bytes(out)


def _text(row: Row, missing: Missing) -> bytes:
    encoded = _resident(row.text)
    if encoded is None and not row.large and missing is Missing.LETTER:
        encoded = _mixed(row)
    if encoded is None:
        return _raster(row)
    style = b"\x1bE" + bytes([row.bold]) + b"\x1d!" + bytes([_LARGE if row.large else 0])
    return b"\x1ba\x00" + style + encoded + b"\n"


def _resident(text: str) -> bytes | None:
    if not text.isprintable():
        return None  # a control character would be a command to the printer
    try:
        return text.translate(_TWINS).encode(CODE_PAGE)
    except UnicodeEncodeError:
        return None


def _mixed(row: Row) -> bytes:
    """Return a row as resident letters with pictures of the others between them."""
    out = bytearray()
    pictures = bytearray()  # of neighbours: they share one head
    for letter in row.text:
        encoded = _resident(letter)
        if encoded is None:
            pictures += columns(letter, bold=row.bold)
        else:
            out += _columns(pictures) + encoded
            pictures.clear()
    return bytes(out + _columns(pictures))


def _columns(pictures: bytes | bytearray) -> bytes:
    if not pictures:
        return b""
    return _COLUMNS_24 + (len(pictures) // 3).to_bytes(2, "little") + _harmless(bytes(pictures))


def _harmless(dots: bytes) -> bytes:
    """Return a picture without what a printer obeys at once wherever it meets it.

    DLE EOT, DLE ENQ and DLE DC4 act on arrival, inside a picture too: one dot more on the
    paper keeps a letter from asking for the status or opening a drawer.
    """
    for second in _REAL_TIME:
        dots = dots.replace(bytes([_DLE, second]), bytes([_DLE, second | 2]))
    return dots


def _raster(row: Row) -> bytes:
    used = len(row.text.rstrip()) * CELL_DOTS
    width_bytes = max(1, -(-used // 8))
    image = raster(row, width=width_bytes * 8)
    head = width_bytes.to_bytes(2, "little") + image.height.to_bytes(2, "little")
    # Pillow's "1" has white as set bits; the printer burns set bits.
    dots = _harmless(bytes(byte ^ 0xFF for byte in image.tobytes()))
    return b"\x1ba\x00\x1dv0" + bytes([_DOUBLED if row.large else 0]) + head + dots


def _qr(text: str) -> bytes:
    data = text.encode()

    def function(number: int, parameters: bytes) -> bytes:
        body = bytes([0x31, number]) + parameters
        return b"\x1d(k" + len(body).to_bytes(2, "little") + body

    return (
        b"\x1ba\x01"
        + function(65, b"\x32\x00")  # model 2
        + function(67, bytes([_QR_MODULE_DOTS]))
        + function(69, bytes([_QR_LEVEL_M]))
        + function(80, b"\x30" + data)
        + function(81, b"\x30")
        + b"\x1ba\x00"
    )
