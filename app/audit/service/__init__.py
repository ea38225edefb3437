"""Use cases of the log: write an event, give it its place, prove it."""

from app.audit.service.proofs import (
    checkpoint_note,
    export_leaves,
    leaf_count,
    leaf_of,
    proof_of_leaf,
    verifier_key,
)
from app.audit.service.sequencer import Sequencer
from app.audit.service.trail import AuditTrail

__all__ = [
    "AuditTrail",
    "Sequencer",
    "checkpoint_note",
    "export_leaves",
    "leaf_count",
    "leaf_of",
    "proof_of_leaf",
    "verifier_key",
]
