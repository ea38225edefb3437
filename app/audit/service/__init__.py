"""Use cases of the log: write an event, give it its place, prove it."""

from app.audit.service.anchoring import Anchoring, AnchorWatch
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
from app.audit.service.sequencer import Sequencer
from app.audit.service.trail import AuditTrail, forget_subjects
from app.audit.service.witnessing import Witnessing

__all__ = [
    "AnchorWatch",
    "Anchoring",
    "AuditTrail",
    "Sequencer",
    "Witnessing",
    "anchored",
    "checkpoint_note",
    "close_month",
    "copy_log",
    "export_leaves",
    "forget_subjects",
    "leaf_count",
    "leaf_of",
    "next_number",
    "proof_of_growth",
    "proof_of_leaf",
    "published_note",
    "tile_content",
    "verifier_key",
]
