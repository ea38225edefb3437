"""The issue sheet: the text that an officer signs for a device, in Kazakh and Russian.

It stands for a line of the journal of issue and return (Order of the Minister of Internal Affairs
No. 971 of 31.12.2014, items 8 and 9, appendix 2). The same facts always give the same characters:
the signature is over the UTF-8 bytes of this text and nothing else.
"""

import enum
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.clock import in_law_zone

_KINDS = {
    "tablet": ("қызметтік планшет", "служебный планшет"),
    "terminal": ("төлем терминалы", "платёжный терминал"),
    "camera": ("бейнежетон (тасымалы бейнетіркегіш)", "видеожетон (носимый видеорегистратор)"),
}


class JournalEntryKind(enum.Enum):
    """What a line of the journal says. Lines are only added."""

    SHEET_MADE = "sheet_made"
    SHEET_WITHDRAWN = "sheet_withdrawn"
    ISSUED = "issued"
    DOCKED = "docked"
    UPLOADED = "uploaded"
    RETURNED = "returned"
    LOST = "lost"
    NOTE = "note"
    CORRECTION = "correction"  # item 10: an error is struck out with a note, never erased


@dataclass(frozen=True, kw_only=True)
class SheetFacts:
    """What the sheet says. ``kind`` is one of ``lifecycle.ISSUABLE_KINDS``."""

    assignment_id: UUID
    kind: str
    inventory_number: str
    serial_number: str
    officer_name: str = field(repr=False)
    officer_title: str
    officer_badge: str
    department_kk: str
    department_ru: str
    keeper_name: str = field(repr=False)
    at: datetime


def issue_sheet(facts: SheetFacts) -> str:
    """Return the sheet; lines end with a line feed, letters are in Unicode's form NFC."""
    kind_kk, kind_ru = _KINDS[facts.kind]
    text = f"""\
ҚҰРЫЛҒЫНЫ БЕРУ ПАРАҒЫ
ЛИСТ ВЫДАЧИ УСТРОЙСТВА
№ {facts.assignment_id}

Құрылғы: {kind_kk}
Устройство: {kind_ru}
Түгендеу нөмірі / Инвентарный номер: {_line(facts.inventory_number)}
Зауыттық нөмірі / Серийный номер: {_line(facts.serial_number)}

Бөлімше: {_line(facts.department_kk)}
Подразделение: {_line(facts.department_ru)}
Қызметкер / Сотрудник: {_line(facts.officer_name)}
Лауазымы / Должность: {_line(facts.officer_title)}
Жетон нөмірі / Номер жетона: {_line(facts.officer_badge)}
Берген / Выдал: {_line(facts.keeper_name)}
Уақыты / Время: {_instant(facts.at)}

Құрылғыны жарамды күйде алдым, оны ауысым соңында қайтаруға міндеттенемін.
Устройство в исправном состоянии получил(а), обязуюсь вернуть его по окончании смены.
"""
    return unicodedata.normalize("NFC", text)


def _line(text: str) -> str:
    # A name with a line break in it could forge another line of the sheet.
    return " ".join(text.split()) or "—"


def _instant(at: datetime) -> str:
    local = in_law_zone(at)
    offset = local.strftime("%z")
    return f"{local:%d.%m.%Y %H:%M:%S} (UTC{offset[:3]}:{offset[3:]})"
