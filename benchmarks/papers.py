"""The fine's papers: the receipt and the slips, drawn in process."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Final, TypedDict
from uuid import UUID

from fpdf import FPDF

from app import fonts
from benchmarks.figures import Figure
from fines.field.escpos import render
from fines.rendering import ReceiptFacts, receipt_pdf, slip_pdf, slip_png
from fines.rules.offence_record import Act
from fines.rules.slips import CardFacts, CaseFacts, sale_slips
from fines.wire.slip import Slip
from sim.district import DRIVER

AMOUNT_TIYN: Final = 2_162_500
_PAPERS: Final = 30
_NOW: Final = datetime(2026, 11, 22, 6, tzinfo=UTC)
_URL: Final = "https://saqshy.example/v/payment/00000000-0000-4000-8000-000000000003"
_BUDGET, _PURPOSE = "204105", "913"
_FULL_TIYN: Final = 2 * AMOUNT_TIYN


class _Shared(TypedDict):
    department_kk: str
    department_ru: str
    department_bin: str
    place: str
    citation: str
    officer_badge: str
    violator_name: str
    violator_iin: str
    fine_full_tiyn: int
    discount_last_day: date
    budget_code: str
    purpose_code: str
    record_number: str
    receipt_number: str


_SHARED: Final[_Shared] = {
    "department_kk": "Алматы қаласының Полиция департаменті",
    "department_ru": "Департамент полиции города Алматы",
    "department_bin": "210940000013",
    "place": "Алматы, Абай даңғылы – Байтұрсынов көшесі",
    "citation": "592(2)",
    "officer_badge": "ALA-1042",
    "violator_name": "ҮСЕНОВ Нұрлан Ыбырайұлы",
    "violator_iin": DRIVER.iin,
    "fine_full_tiyn": _FULL_TIYN,
    "discount_last_day": date(2026, 12, 1),
    "budget_code": _BUDGET,
    "purpose_code": _PURPOSE,
    "record_number": "2026-000000001",
    "receipt_number": "R-2026-000000001",
}


def slips() -> tuple[Slip, Slip]:
    """Return the two slips of a sale."""
    card = CardFacts(
        terminal_number="00001042",
        merchant_number="398000000000104",
        receipt_number=12,
        trace_number=34,
        rrn="632612000034",
        approval_code="A1B2C3",
        card_brand="VISA",
        card_masked="400000******1045",
        entry_mode="chip",
        cardholder_check="online_pin",
        aid="A0000000031010",
        terminal_serial="SIM-00001042",
        batch_number=1,
        application_label="VISA DEBIT",
        tvr="0080008000",
        tsi="E800",
        cryptogram="9C2F5A0B7D1E4366",
        terminal_at=_NOW,
    )
    return sale_slips(
        slip_ids=(UUID(int=1), UUID(int=2)),
        payment_id=UUID(int=3),
        case=CaseFacts(amount_tiyn=AMOUNT_TIYN, **_SHARED),
        card=card,
        verification_url=_URL,
    )


def papers(slip: Slip) -> Iterator[Figure]:
    """Draw every paper; the PDFs beside a bare page with the same fonts."""
    facts = ReceiptFacts(
        issued_at=_NOW,
        title_kk="Жылдамдықты жиырмадан қырық километрге дейін асыру",
        title_ru="Превышение скорости на величину от двадцати до сорока километров в час",
        occurred_at=_NOW,
        mrp_count=10,
        mrp_tenge=4325,
        fine_half_tiyn=AMOUNT_TIYN,
        acts=dict.fromkeys(Act, _NOW),
        verification_url=_URL,
        **_SHARED,
    )
    list(fonts.faces())  # cut once, as the server does when it starts
    bare = median_ms(_bare_page)
    acts: tuple[tuple[str, Callable[[], bytes]], ...] = (
        ("receipt_pdf", lambda: receipt_pdf(facts)),
        ("slip_pdf", lambda: slip_pdf(slip)),
        ("slip_png", lambda: slip_png(slip)),
    )
    for name, act in acts:
        pdf = name.endswith("pdf")
        yield Figure(
            name=f"fines.{name}",
            value=median_ms(act),
            unit="ms",
            peer="an fpdf2 page of one line with the same fonts" if pdf else "",
            peer_value=bare if pdf else None,
            note=f"fonts cut before; median of {_PAPERS}",
        )
    yield Figure(
        name="fines.slip_escpos",
        value=median_ms(lambda: render(slip)),
        unit="ms",
        note="what the agent sends to the printer",
    )


def median_ms(act: Callable[[], bytes]) -> float:
    """Return how long ``act`` takes once it is warm: the median."""
    act()
    spent = []
    for _ in range(_PAPERS):
        began = time.perf_counter()
        act()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def _bare_page() -> bytes:
    pdf = FPDF()
    for face in fonts.faces():
        pdf.add_font(face.family, face.style, face.path)
    pdf.add_page()
    pdf.set_font(fonts.SANS, fonts.REGULAR, 9)
    pdf.text(10, 10, "Түбіртек")
    return bytes(pdf.output())
