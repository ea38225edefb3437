"""An ESC/POS interpreter: what a slip printer draws for the bytes it gets.

Its resident letters are those of code page 866: a byte is drawn as that page has it, so a letter
the page lacks can only appear as a picture (a line by GS v 0, a letter in its line by ESC *).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import fontpkg_roboto_mono
import segno
from PIL import Image, ImageDraw, ImageFont, ImageOps

WIDTH: Final = 384  # dots of a 58 mm roll
MARGIN: Final = 24
LINE: Final = 30  # dots of a line feed
CELL: Final = 12
POINTS: Final = 20
BASELINE: Final = 22
_CELL_TOP: Final = 3  # where a letter's cell of 24 dots begins in its line
_COLUMNS_24: Final = 33
_PAPER_SHADE, _INK = 252, 24
_HALF: Final = 128
_CODE_PAGES: Final = {0: "cp437", 17: "cp866"}


@cache
def _font(points: int, *, bold: bool) -> ImageFont.FreeTypeFont:
    file = fontpkg_roboto_mono.ROOT / "files" / "RobotoMono[wght].ttf"
    font = ImageFont.truetype(file, points)
    font.set_variation_by_axes([700 if bold else 450])
    return font


class Paper:
    """The sheet being printed: rows of dots that grow downwards."""

    def __init__(self) -> None:
        self._image = Image.new("L", (WIDTH, 2048), 255)
        self.height = 0

    def room(self, rows: int) -> tuple[ImageDraw.ImageDraw, int]:
        """Feed ``rows``; return where to draw on them and their top."""
        top, self.height = self.height, self.height + rows
        if self.height > self._image.height:
            taller = Image.new("L", (WIDTH, self.height * 2), 255)
            taller.paste(self._image, (0, 0))
            self._image = taller
        return ImageDraw.Draw(self._image), top

    def paste(self, picture: Image.Image, left: int) -> None:
        """Print a picture at ``left``."""
        _, top = self.room(picture.height)
        self._image.paste(picture, (left, top))

    def dots(self) -> bytes:
        """Return what is printed so far, dot by dot."""
        return self._image.crop((0, 0, WIDTH, self.height)).tobytes()

    def save(self, file: Path) -> None:
        """Write the sheet as a PNG, with the margins of real paper."""
        sheet = Image.new("L", (WIDTH + 2 * MARGIN, self.height + 2 * MARGIN), _PAPER_SHADE)
        printed = self._image.crop((0, 0, WIDTH, self.height))
        sheet.paste(
            printed.point(lambda shade: _INK if shade < _HALF else _PAPER_SHADE),
            (MARGIN, MARGIN),
        )
        fresh = file.with_suffix(".part")
        sheet.save(fresh, format="PNG")
        fresh.replace(file)


class NeedMore(Exception):
    """The command's rest has not arrived."""


class Interpreter:
    """Eats ESC/POS bytes and draws. ``cut`` is called with each finished paper."""

    def __init__(self, *, cut: Callable[[Paper], None], reply: Callable[[bytes], None]) -> None:
        self._cut, self._reply = cut, reply
        self.paper = Paper()
        # A letter or a picture, bold, times its width, times its height.
        self._line: list[tuple[str | Image.Image, bool, int, int]] = []
        self._qr = b""
        self._qr_dots = 3
        self._reset()

    def _reset(self) -> None:
        self._line.clear()
        self._bold, self._wide, self._high, self._align, self._page = False, 1, 1, 0, "cp437"

    def step(self, data: bytes) -> int:
        """Take one command or letter from the front; return how many bytes it had.

        Raises:
            NeedMore: it is not complete.
        """
        first = data[0]
        if first == 0x0A:  # noqa: PLR2004 - line feed
            self._feed_line()
            return 1
        if first == 0x1B:  # noqa: PLR2004 - ESC
            return self._escape(data)
        if first == 0x1D:  # noqa: PLR2004 - GS
            return self._group(data)
        if first == 0x10:  # noqa: PLR2004 - DLE EOT: answered at once, on arrival
            _need(data, 3)
            return 3
        if first >= 0x20:  # noqa: PLR2004 - below are control characters
            self._letter(bytes([first]))
        return 1

    def _letter(self, byte: bytes) -> None:
        if self._line_width() + CELL * self._wide > WIDTH:
            self._feed_line()
        letter = byte.decode(self._page, errors="replace")
        self._line.append((letter, self._bold, self._wide, self._high))

    def _line_width(self) -> int:
        return sum(
            CELL * width if isinstance(one, str) else one.width for one, _, width, _ in self._line
        )

    def _columns(self, data: bytes) -> int:
        """Set a picture of 24 dots' height (ESC *, mode 33) into the line; no other mode."""
        _need(data, 5)
        width = int.from_bytes(data[3:5], "little")
        size = 5 + width * 3
        _need(data, size)
        if data[2] == _COLUMNS_24:
            dots = bytes(byte ^ 0xFF for byte in data[5:size])
            turned = Image.frombytes("1", (24, width), dots).convert("L")
            picture = turned.transpose(Image.Transpose.TRANSPOSE)
            room = WIDTH - self._line_width()  # dots beyond the line are not printed
            self._line.append((picture.crop((0, 0, min(width, room), 24)), False, 1, 1))
        return size

    def _escape(self, data: bytes) -> int:
        _need(data, 2)
        if data[1:2] == b"@":
            self._reset()
            return 2
        _need(data, 3)
        if data[1:2] == b"*":
            return self._columns(data)
        name, value = data[1:2], data[2]
        if name == b"t":
            self._page = _CODE_PAGES.get(value, "ascii")
        elif name == b"E":
            self._bold = bool(value & 1)
        elif name == b"a":
            self._align = value % 48
        elif name == b"d":
            for _ in range(value):
                self._feed_line()
        return 3

    def _group(self, data: bytes) -> int:
        _need(data, 3)
        name = data[1:2]
        if name == b"!":
            self._wide, self._high = (data[2] >> 4 & 7) + 1, (data[2] & 7) + 1
            return 3
        if name == b"V":
            size = 4 if data[2] in (65, 66) else 3
            _need(data, size)
            self._cut(self.paper)
            self.paper = Paper()
            return size
        if name == b"r":
            self._reply(b"\x00")
            return 3
        if name == b"v":
            return self._raster(data)
        if name == b"(":
            return self._function(data)
        return 3

    def _raster(self, data: bytes) -> int:
        _need(data, 8)
        width_bytes = int.from_bytes(data[4:6], "little")
        rows = int.from_bytes(data[6:8], "little")
        size = 8 + width_bytes * rows
        _need(data, size)
        dots = bytes(byte ^ 0xFF for byte in data[8:size])
        picture = Image.frombytes("1", (width_bytes * 8, rows), dots).convert("L")
        wide, high = 1 + (data[3] & 1), 1 + (data[3] >> 1 & 1)
        rows *= high
        picture = picture.resize((picture.width * wide, rows), Image.Resampling.NEAREST)
        self.paper.paste(picture.crop((0, 0, min(WIDTH, picture.width), rows)), 0)
        return size

    def _function(self, data: bytes) -> int:
        _need(data, 5)
        size = 5 + int.from_bytes(data[3:5], "little")
        _need(data, size)
        number, rest = data[6], data[7:size]
        if number == 67:  # noqa: PLR2004 - module size
            self._qr_dots = rest[0]
        elif number == 80:  # noqa: PLR2004 - store
            self._qr = rest[1:]
        elif number == 81:  # noqa: PLR2004 - print
            self._print_qr()
        return size

    def _print_qr(self) -> None:
        symbol = segno.make(self._qr, error="m", boost_error=False, micro=False)
        dots = self._qr_dots
        rows = [list(row) for row in symbol.matrix_iter(scale=1, border=2)]
        picture = Image.new("L", (len(rows) * dots, len(rows) * dots), 255)
        draw = ImageDraw.Draw(picture)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                if dark:
                    draw.rectangle(
                        (x * dots, y * dots, (x + 1) * dots - 1, (y + 1) * dots - 1), fill=0
                    )
        self.paper.paste(picture, self._left(picture.width))

    def _left(self, width: int) -> int:
        return max(0, (0, (WIDTH - width) // 2, WIDTH - width)[self._align % 3])

    def _feed_line(self) -> None:
        tallest = max((height for _, _, _, height in self._line), default=1)
        draw, top = self.paper.room(LINE * tallest)
        left = self._left(self._line_width())
        for letter, bold, width, height in self._line:
            cell = CELL * width
            if not isinstance(letter, str):
                # Its foot stands where the letters' cells do.
                at = (left, top + LINE * (tallest - 1) + _CELL_TOP)
                draw.bitmap(at, ImageOps.invert(letter), fill=0)
                cell = letter.width
            elif letter in "─═":
                middle = top + LINE * tallest // 2
                draw.rectangle((left, middle, left + cell, middle + 1), fill=0)
            elif not letter.isspace():
                # Ours are only ever doubled both ways, so one font size serves.
                font = _font(POINTS * height, bold=bold)
                base = top + BASELINE * tallest
                draw.text((left, base), letter, font=font, fill=0, anchor="ls")
            left += cell
        self._line.clear()


def _need(data: bytes, size: int) -> None:
    if len(data) < size:
        raise NeedMore
