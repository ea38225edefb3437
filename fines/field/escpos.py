"""From the slip model to ESC/POS bytes: text where the printer has the letters, pictures where not.

No printer is sure to have the eighteen Kazakh letters, ₸ or №; a printer prints ``?`` for them
without a word. So each line is sent as text in code page 866 only if every letter of it exists
there, and as a raster line of the same letter width and height otherwise.
"""

from typing import Final

from fines.field.layout import Row, rows_of
from fines.field.raster import raster
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


def render(slip: Slip) -> bytes:
    """Return the bytes that print ``slip`` and cut it off.

    Raises:
        LetterNotDrawable: a letter that no font of ours has; nothing may be printed.
    """
    out = bytearray(_INITIALISE + _SELECT_PAGE)
    for row in rows_of(slip):
        out += _qr(row.qr) if row.qr else _text(row)
    out += _FEED_BEFORE_CUT + _CUT
    return bytes(out)


def _text(row: Row) -> bytes:
    encoded = _resident(row.text)
    if encoded is None:
        return _raster(row)
    style = b"\x1bE" + bytes([row.bold]) + b"\x1d!" + bytes([_LARGE if row.large else 0])
    return b"\x1ba\x00" + style + encoded + b"\n"


def _resident(text: str) -> bytes | None:
    if not text.isprintable():
        return None  # a control character would be a command to the printer
    try:
        return text.encode(CODE_PAGE)
    except UnicodeEncodeError:
        return None


def _raster(row: Row) -> bytes:
    image = raster(row, width=WIDTH_DOTS)
    width_bytes = WIDTH_DOTS // 8
    head = width_bytes.to_bytes(2, "little") + image.height.to_bytes(2, "little")
    # Pillow's "1" has white as set bits; the printer burns set bits.
    return b"\x1dv0\x00" + head + bytes(byte ^ 0xFF for byte in image.tobytes())


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
