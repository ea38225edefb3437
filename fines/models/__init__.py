"""Tables of the fines slice, a file for each part of its course.

Final states and forbidden changes are guarded by triggers too; see the migrations.
"""

from fines.models.catalogue import (
    MrpValue,
    OffenceArticle,
)
from fines.models.ledger import LedgerPosting
from fines.models.notices import RegisterNotice
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
from fines.models.reconciliation import (
    AcquirerFile,
    AcquirerRow,
    ReconciliationCase,
    ReconciliationItem,
    TreasuryLineRow,
    TreasuryStatement,
)
from fines.models.records import (
    OffenceAct,
    OffenceRecord,
    offence_record_numbers,
    receipt_numbers,
)
from fines.models.refunds import Refund, RefundInstruction
from fines.models.register_fines import RegisterFine
from fines.models.totals import TerminalTotals

__all__ = [
    "AcquirerFile",
    "AcquirerRow",
    "LedgerPosting",
    "MrpValue",
    "OffenceAct",
    "OffenceArticle",
    "OffenceRecord",
    "OrdinaryCase",
    "Paper",
    "Payment",
    "ReconciliationCase",
    "ReconciliationItem",
    "RecordEntry",
    "Refund",
    "RefundInstruction",
    "RegisterFine",
    "RegisterNotice",
    "SlipRow",
    "TerminalHello",
    "TerminalOrder",
    "TerminalReport",
    "TerminalTotals",
    "TreasuryLineRow",
    "TreasuryStatement",
    "offence_record_numbers",
    "receipt_numbers",
]
