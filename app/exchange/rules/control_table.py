"""The monthly report as a table of comma-separated values (RFC 4180), safe to open in a sheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.audit.rules.report import LEAF_COLUMN, MONTH_COLUMN, NUMBER_COLUMN, STREAM_COLUMN
from app.clock import in_law_zone
from app.exchange.rules.control_report import ReportLine
from app.exchange.rules.documents import document_name

# A byte order mark: without it, spreadsheets read Cyrillic as something else.
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# A cell that begins so is taken for a formula by spreadsheets.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
COLUMNS: Final = (
    STREAM_COLUMN, MONTH_COLUMN, NUMBER_COLUMN, "astana_time", "officer", "badge", "unit",
    "device", "basis", "numbers", "service", "subject", "hit", "shown", "printed", "exported",
    "extended_justification", "register_verdict", "second_person", "order_document",
    "order_document_name", "order_document_sha256", "decision", "flags",
    "mark", "mark_text", "request_id", LEAF_COLUMN,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TableLine:
    """A line of the report with the names that belong to it."""

    line: ReportLine
    officer: str
    badge: str
    unit: str
    device: str


def verdict_of(line: ReportLine) -> str:
    """Return what the register that confirms the basis said.

    Empty where no register confirms the basis, or where a gate refused before it was asked.
    """
    return line.recon or ""


def _second_of(line: ReportLine) -> str:
    said = f"{line.second}: {line.objection}" if line.objection else (line.second or "")
    return cell(said)


def _document_of(line: ReportLine) -> tuple[str, str, str]:
    """Return whether an order's document is attached, and its name and hash where one is or was."""
    if line.document_state is None:
        return "", "", ""
    if line.document is None:
        return line.document_state.value, "", ""
    return line.document_state.value, document_name(line.request_id), line.document.sha256


def numbers_of(line: ReportLine) -> str:
    """Return the case and order numbers of a line."""
    return "; ".join(f"{name}: {value}" for name, value in line.references)


def cell(text: str) -> str:
    """Return ``text`` so that a spreadsheet takes it for text."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def head() -> bytes:
    """Return the beginning of the table: byte order mark and column names."""
    return BYTE_ORDER_MARK + _records([COLUMNS])


def body(lines: Iterable[TableLine]) -> bytes:
    """Return these lines as records of the table."""
    return _records(_record(one) for one in lines)


def _record(one: TableLine) -> Sequence[str]:
    line, shown = one.line, one.line.shown
    return (
        str(line.officer_id),
        line.month,
        str(line.number),
        in_law_zone(line.received_at).isoformat(timespec="seconds"),
        cell(one.officer),
        cell(one.badge),
        cell(one.unit),
        cell(one.device),
        line.basis,
        cell(numbers_of(line)),
        " ".join(line.services),
        cell(line.subject),
        "" if line.hit is None else str(line.hit).lower(),
        str(shown.viewed),
        str(shown.printed),
        str(shown.exported),
        cell(line.extended) if line.extended_given else ("abandoned" if line.abandoned else ""),
        verdict_of(line),
        _second_of(line),
        *_document_of(line),
        line.refusal or line.status,
        " ".join(line.flags),
        "" if line.mark is None else line.mark.value,
        cell(line.mark_text),
        str(line.request_id),
        "" if line.leaf_index is None else str(line.leaf_index),
    )


def _records(rows: Iterable[Sequence[str]]) -> bytes:
    content = io.StringIO(newline="")
    csv.writer(content, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return content.getvalue().encode()
