"""Letters and rows drawn as pictures, for what no code page of a slip printer has."""

from functools import cache
from typing import Final

import fontpkg_noto_sans
import fontpkg_roboto_mono
from PIL import Image, ImageDraw, ImageFont

from fines.field.layout import Row

ROW_DOTS: Final = 30  # the printer's default line spacing: pictures and text keep one rhythm
CELL_DOTS: Final = 12  # a resident letter's width
_POINTS: Final = 20  # Roboto Mono is 0.6 of its size wide: 12 dots
_BASELINE: Final = 22
CELL_ROWS: Final = 24  # a resident letter's height, without the space between lines
_CELL_BASELINE: Final = 19  # the tail of Ң or Қ still has room below it
_WEIGHTS: Final = {False: 500, True: 700}  # thinner strokes fade on thermal paper
_PRIVATE: Final = "\U0010fffd"  # surely in no font: what its absence looks like
_BLACK: Final = 0
_WHITE: Final = 255
_THRESHOLD: Final = 140


class LetterNotDrawable(ValueError):
    """A letter that no font of ours has; it is named by its code point only."""

    code = "fines.letter_not_drawable"
    cure = "Write the text with letters of the Kazakh, Russian or Latin alphabet."


@cache
def _fonts(points: int, *, bold: bool) -> tuple[ImageFont.FreeTypeFont, ImageFont.FreeTypeFont]:
    mono = ImageFont.truetype(fontpkg_roboto_mono.ROOT / "files" / "RobotoMono[wght].ttf", points)
    mono.set_variation_by_axes([_WEIGHTS[bold]])
    sans = ImageFont.truetype(
        fontpkg_noto_sans.ROOT / "files" / "NotoSans[wdth,wght].ttf", points * 9 // 10
    )  # has what the other lacks: the tenge sign
    axes = [axis["name"] for axis in sans.get_variation_axes()]
    sans.set_variation_by_axes([_WEIGHTS[bold] if name == b"Weight" else 100 for name in axes])
    return mono, sans


@cache
def _font_of(letter: str, points: int, *, bold: bool) -> ImageFont.FreeTypeFont:
    for font in _fonts(points, bold=bold) if letter.isprintable() else ():
        if bytes(font.getmask(letter)) != bytes(font.getmask(_PRIVATE)):
            return font
    raise LetterNotDrawable(f"no font has U+{ord(letter):04X}")


def raster(row: Row, *, width: int) -> Image.Image:
    """Return the row in black and white, each letter in its cell as the printer would set it.

    A large row is drawn at its plain size: the printer doubles the dots, as it does its own.

    Raises:
        LetterNotDrawable: see there.
    """
    image = Image.new("L", (width, ROW_DOTS), _WHITE)
    draw = ImageDraw.Draw(image)
    for column, letter in enumerate(row.text):
        _draw(draw, letter, left=column * CELL_DOTS, baseline=_BASELINE, bold=row.bold)
    return _black_and_white(image)


@cache
def columns(letter: str, *, bold: bool) -> bytes:
    """Return a letter's cell as columns of ``CELL_ROWS`` dots, top bit first, as ``ESC *`` wants.

    Raises:
        LetterNotDrawable: see there.
    """
    image = Image.new("L", (CELL_DOTS, CELL_ROWS), _WHITE)
    _draw(ImageDraw.Draw(image), letter, left=0, baseline=_CELL_BASELINE, bold=bold)
    # Turned on its side, a column becomes a row of the picture's bytes.
    turned = _black_and_white(image).transpose(Image.Transpose.TRANSPOSE)
    return bytes(byte ^ 0xFF for byte in turned.tobytes())


def _draw(draw: ImageDraw.ImageDraw, letter: str, *, left: int, baseline: int, bold: bool) -> None:
    if letter == "─":
        middle = ROW_DOTS // 2
        draw.line((left, middle, left + CELL_DOTS, middle), fill=_BLACK, width=2)
    elif letter != " ":
        font = _font_of(letter, _POINTS, bold=bold)
        centred = left + (CELL_DOTS - font.getlength(letter)) / 2
        draw.text((centred, baseline), letter, fill=_BLACK, font=font, anchor="ls")


def _black_and_white(image: Image.Image) -> Image.Image:
    return image.point(lambda shade: _WHITE if shade > _THRESHOLD else _BLACK).convert("1")
