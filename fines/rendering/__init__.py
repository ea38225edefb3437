"""Papers as files: slips and receipts in PDF, slips in PNG and text; the same bytes each time."""

from pathlib import Path

from app import fonts
from fines.rendering.receipt import ReceiptFacts, receipt_pdf
from fines.rendering.record import RecordFacts, record_pdf
from fines.rendering.slip import slip_pdf, slip_png, slip_text

__all__ = [
    "ReceiptFacts",
    "RecordFacts",
    "receipt_pdf",
    "record_pdf",
    "slip_pdf",
    "slip_png",
    "slip_text",
    "warm_up",
]


def warm_up(folder: Path) -> None:
    """Cut the fonts that papers use and keep them in ``folder``: the first paper is quick too."""
    fonts.keep_in(folder)
    for _face in fonts.faces():
        pass
