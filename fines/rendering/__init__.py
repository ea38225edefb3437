"""Papers as files: slips and receipts in PDF, slips in PNG and text; the same bytes each time."""

from fines.rendering import fonts
from fines.rendering.receipt import ReceiptFacts, receipt_pdf
from fines.rendering.slip import slip_pdf, slip_png, slip_text

__all__ = ["ReceiptFacts", "receipt_pdf", "slip_pdf", "slip_png", "slip_text", "warm_up"]


def warm_up() -> None:
    """Cut the fonts that papers use, so that the first paper is as quick as the next."""
    for _face in fonts.faces():
        pass
