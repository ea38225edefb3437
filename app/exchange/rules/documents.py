"""The document of an international order: what one is, and what is said where none is.

Item 5 of the Rules exempts such an order from the check with a register of cases; that a second
person signs for the document itself stands in for it.
"""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.exchange.rules.words import RefusalText, Words

# An order with its annexes, scanned in colour, has a page of about half a megabyte.
DOCUMENT_BYTES_MAX: Final = 10 << 20
# Each is ten megabytes written and an event: room for slips of the finger, none for a flood.
VERSIONS_MAX: Final = 20
# ISO 32000-2, 7.5.2: the header. It may stand a little later in files of some makers; a document
# that begins as something else is refused all the same: it could be read as that.
_MAGIC: Final = (b"%PDF-1.", b"%PDF-2.")
# The same, 7.5.5 and the implementation note to it: the end, of which a cut file lacks the mark.
_END: Final = b"%%EOF"
_END_WITHIN_BYTES: Final = 1024


class DocumentFault(enum.Enum):
    """Why a document is not taken, or an order cannot be confirmed for want of one."""

    MISSING = "missing"
    NOT_PDF = "not_pdf"
    CUT_SHORT = "cut_short"
    TOO_MANY = "too_many"


class DocumentState(enum.Enum):
    """Whether an order has its document."""

    ATTACHED = "attached"
    NOT_ATTACHED = "not_attached"
    DESTROYED = "destroyed"  # its term was over; its hash stays


@dataclass(frozen=True, kw_only=True)
class AttachedDocument:
    """What is known of an order's document without opening it.

    Attributes:
        sha256: of the document in clear, hexadecimal.
        version: how often one was attached; the last counts.
        kept: false once its term was over.
    """

    sha256: str
    size_bytes: int
    version: int
    attached_at: datetime
    kept: bool


def state_of(attached: AttachedDocument | None) -> DocumentState:
    """Return whether an order with this document, or none, has its document."""
    if attached is None:
        return DocumentState.NOT_ATTACHED
    return DocumentState.ATTACHED if attached.kept else DocumentState.DESTROYED


def document_name(request_id: UUID) -> str:
    """Return the name of the file as which a document is handed out."""
    return f"order-{request_id}.pdf"


def fault_of(content: bytes) -> DocumentFault | None:
    """Return why ``content`` is not taken for a PDF, or ``None``. Nothing else of it is read."""
    if not content.startswith(_MAGIC):
        return DocumentFault.NOT_PDF
    if _END not in content[-_END_WITHIN_BYTES:]:
        return DocumentFault.CUT_SHORT
    return None


_ATTACH: Final = Words(
    "Сұрау салған адам тапсырманың құжатын PDF түрінде тіркеуі керек.",
    "Приложить документ поручения в формате PDF должен тот, кто сделал запрос.",
    "Whoever asks must attach the document of the order as a PDF.",
)
_SCAN: Final = Words(
    "Құжатты PDF түрінде қайта сканерлеп, қайтадан тіркеңіз.",
    "Отсканируйте документ в PDF заново и приложите его ещё раз.",
    "Scan the document as a PDF again and attach it once more.",
)
DOCUMENT_TEXTS: Final[dict[DocumentFault, RefusalText]] = {
    DocumentFault.MISSING: RefusalText(
        "22",
        "Халықаралық тапсырманың құжаты тіркелмеген.",
        "Документ международного поручения не приложен.",
        "The document of the international order is not attached.",
        _ATTACH,
    ),
    DocumentFault.NOT_PDF: RefusalText(
        "22",
        "Тіркелген файл PDF құжаты емес.",
        "Приложенный файл не является документом PDF.",
        "The file attached is not a PDF document.",
        _SCAN,
    ),
    DocumentFault.CUT_SHORT: RefusalText(
        "22",
        "Тіркелген файлдың соңы жоқ.",
        "У приложенного файла нет конца.",
        "The file attached lacks its end.",
        _SCAN,
    ),
    DocumentFault.TOO_MANY: RefusalText(
        "22",
        "Құжат тым көп рет ауыстырылды.",
        "Документ заменяли слишком много раз.",
        "The document was replaced too often.",
        Words(
            "Қажетті құжатпен жаңа сұрау салу жасаңыз.",
            "Сделайте новый запрос с нужным документом.",
            "Make a new request with the right document.",
        ),
    ),
}
