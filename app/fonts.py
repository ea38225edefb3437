"""The fonts of papers, cut to the letters papers use, and the check that every letter is there.

Roboto Mono holds every Kazakh and Russian letter but not the tenge sign; Noto Sans lends it.
"""

import atexit
import functools
import hashlib
import io
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import fontpkg_noto_sans
import fontpkg_roboto_mono
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

from app.errors import DomainError, Kind


class GlyphMissing(DomainError):
    """A letter has no glyph in the fonts: the paper is not drawn rather than drawn wrong."""

    kind = Kind.INVALID
    code = "fines.glyph_missing"  # older than this module; terminals know it by this name
    cure = "Correct the text, or add a font that holds the letter."


REGULAR: Final = ""
BOLD: Final = "B"
MONO: Final = "mono"
SANS: Final = "sans"

_WEIGHTS: Final = {REGULAR: 400, BOLD: 700}
_FILES: Final = {
    MONO: Path(fontpkg_roboto_mono.ROOT) / "files" / "RobotoMono[wght].ttf",
    SANS: Path(fontpkg_noto_sans.ROOT) / "files" / "NotoSans[wdth,wght].ttf",
}
# Instancing a whole font takes seconds; papers need Latin, Cyrillic, punctuation and signs.
_REPERTOIRE: Final = frozenset(
    itertools.chain(
        range(0x20, 0x100), range(0x400, 0x530), range(0x2010, 0x2030), (0x20B8, 0x2116)
    )
)


@dataclass(frozen=True)
class Face:
    """One cut font: its file, and the characters it holds."""

    family: str
    style: str
    path: Path
    characters: frozenset[str]


class _Kept:
    """Where cut fonts are kept: fpdf2 reads fonts from files only."""

    folder: Path | None = None


def keep_in(folder: Path) -> None:
    """Keep cut fonts in ``folder``, so that only the first start ever cuts them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _Kept.folder = folder


def _folder() -> Path:
    if _Kept.folder is None:
        _Kept.folder = Path(tempfile.mkdtemp(prefix="saqshy-fonts-"))
        atexit.register(shutil.rmtree, _Kept.folder, ignore_errors=True)
    return _Kept.folder


@functools.cache
def face(family: str, style: str) -> Face:
    """Return a font of a family (``MONO``, ``SANS``) and style; the first call cuts it."""
    # The name holds what the cut depends on: another font or repertoire is another file.
    source = _FILES[family].stat()
    made_of = f"{source.st_size}-{source.st_mtime_ns}-{sorted(_REPERTOIRE)}"
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    path = _folder() / f"{family}{style}-{digest}.ttf"
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        unfinished.write_bytes(_cut(family, style))
        unfinished.rename(path)
    with TTFont(path, lazy=True) as font:
        return Face(family, style, path, frozenset(map(chr, font.getBestCmap())))


def _cut(family: str, style: str) -> bytes:
    font = TTFont(_FILES[family], recalcTimestamp=False)
    options = Options()
    options.layout_features = []
    options.notdef_outline = True
    options.recalc_timestamp = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=sorted(_REPERTOIRE & font.getBestCmap().keys()))
    subsetter.subset(font)
    axes = {"wght": _WEIGHTS[style]}
    if any(axis.axisTag == "wdth" for axis in font["fvar"].axes):
        axes["wdth"] = 100
    content = io.BytesIO()
    instancer.instantiateVariableFont(font, axes).save(content)
    return content.getvalue()


def faces() -> Iterator[Face]:
    """Yield every font that papers use."""
    for family in (MONO, SANS):
        for style in (REGULAR, BOLD):
            yield face(family, style)


def runs(text: str, family: str, style: str) -> Iterator[tuple[Face, str]]:
    """Yield ``text`` in runs, each with a font that holds all of its letters.

    Raises:
        GlyphMissing: no font holds a letter; ``code_points`` names them.
    """
    first = face(family, style)
    second = face(SANS if family == MONO else MONO, style)
    for fits, letters in itertools.groupby(text, lambda one: one in first.characters):
        run = "".join(letters)
        if fits:
            yield first, run
            continue
        refuse_missing((run,), second)
        yield second, run


def refuse_missing(texts: Iterable[str], *among: Face) -> None:
    """Pass if every letter of ``texts`` has a glyph.

    Raises:
        GlyphMissing: one has none; ``code_points`` names them.
    """
    held = frozenset().union(*(one.characters for one in (among or tuple(faces()))))
    missing = sorted(set().union(*map(set, texts)) - held)
    if missing:
        points = [f"U+{ord(one):04X}" for one in missing]
        raise GlyphMissing("a letter has no glyph", code_points=points)
