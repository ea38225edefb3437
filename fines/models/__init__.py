"""Tables of the fines slice, a file for each part of its course.

Final states and forbidden changes are guarded by triggers too; see the migrations.
"""

from fines.models.catalogue import (
    MrpValue,
    OffenceArticle,
)
from fines.models.papers import (
    Paper,
    SlipRow,
)
from fines.models.payments import (
    Payment,
    TerminalHello,
    TerminalOrder,
    TerminalReport,
)
from fines.models.proceedings import OrdinaryCase, RecordEntry
from fines.models.records import (
    OffenceAct,
    OffenceRecord,
    offence_record_numbers,
    receipt_numbers,
)
from fines.models.register_fines import RegisterFine

__all__ = [
    "MrpValue",
    "OffenceAct",
    "OffenceArticle",
    "OffenceRecord",
    "OrdinaryCase",
    "Paper",
    "Payment",
    "RecordEntry",
    "RegisterFine",
    "SlipRow",
    "TerminalHello",
    "TerminalOrder",
    "TerminalReport",
    "offence_record_numbers",
    "receipt_numbers",
]
