"""Use cases of the log: write an event, give it its place, prove it."""

from app.audit.repository import LAST_NUMBER, NUMBER_TAKEN, Written, event_beside
from app.audit.service.anchoring import Anchoring, AnchorWatch
from app.audit.service.closing import ClosedStream, Closing, closed_months, closing_of_month
from app.audit.service.copying import copy_log
from app.audit.service.numbering import close_month, next_number
from app.audit.service.proofs import (
    anchored,
    checkpoint_note,
    export_leaves,
    leaf_count,
    leaf_of,
    proof_of_growth,
    proof_of_leaf,
    published_note,
    tile_content,
    verifier_key,
)
from app.audit.service.reading import (
    PublishedCheckpoint,
    ShownLeaf,
    leaf_indexes,
    published_checkpoint,
    read_leaf,
)
from app.audit.service.sequencer import Sequencer
from app.audit.service.trail import AuditTrail, forget_subjects
from app.audit.service.waiting import LeafWatch
from app.audit.service.witnessing import Witnessing

__all__ = [
    "LAST_NUMBER",
    "NUMBER_TAKEN",
    "AnchorWatch",
    "Anchoring",
    "AuditTrail",
    "ClosedStream",
    "Closing",
    "LeafWatch",
    "PublishedCheckpoint",
    "Sequencer",
    "ShownLeaf",
    "Witnessing",
    "Written",
    "anchored",
    "checkpoint_note",
    "close_month",
    "closed_months",
    "closing_of_month",
    "copy_log",
    "event_beside",
    "export_leaves",
    "forget_subjects",
    "leaf_count",
    "leaf_indexes",
    "leaf_of",
    "next_number",
    "proof_of_growth",
    "proof_of_leaf",
    "published_checkpoint",
    "published_note",
    "read_leaf",
    "tile_content",
    "verifier_key",
]
