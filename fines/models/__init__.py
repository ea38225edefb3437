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
from fines.models.records import (
    OffenceAct,
    OffenceRecord,
    offence_record_numbers,
    receipt_numbers,
)
from fines.models.totals import TerminalTotals

__all__ = [
    "MrpValue",
    "OffenceAct",
    "OffenceArticle",
    "OffenceRecord",
    "Paper",
    "Payment",
    "SlipRow",
    "TerminalHello",
    "TerminalOrder",
    "TerminalReport",
    "TerminalTotals",
    "offence_record_numbers",
    "receipt_numbers",
]
