"""The tamper-evident log: outbox, sequencer, Merkle tree, signed checkpoints, proofs.

Every slice writes its events through ``app.audit.service``. What an event means is the writing
slice's affair; this package only makes sure that nobody can change or lose it unnoticed.
"""
