-- Rights of the server's runtime role on the audit log: INSERT and SELECT where evidence lies.
--
-- Run as the owner of the schema, after every `migrate`:
--   psql "$OWNER_URL" -f deploy/audit-grants.sql
-- and give the server and the worker an address of the role saqshy_runtime. The owner's address is
-- for migrations alone. The triggers of the tables refuse changes to the owner too, until he drops
-- them; a witness notices what he then does.

REVOKE ALL ON audit_leaves, audit_nodes, audit_checkpoints, audit_cosignatures, audit_anchors,
    audit_closed_months, audit_outbox, audit_subjects, audit_stream_months FROM saqshy_runtime;

-- Evidence: written once.
GRANT SELECT, INSERT ON audit_leaves, audit_nodes, audit_checkpoints, audit_cosignatures,
    audit_anchors, audit_closed_months TO saqshy_runtime;

-- The queue before the log: the sequencer takes rows out in the transaction that writes their leaf.
GRANT SELECT, INSERT, DELETE ON audit_outbox TO saqshy_runtime;

-- What opens a commitment: retention, a job of the worker, destroys it when its term is over.
GRANT SELECT, INSERT, DELETE ON audit_subjects TO saqshy_runtime;

-- Counters of the running month; the closing records are leaves.
GRANT SELECT, INSERT, UPDATE ON audit_stream_months TO saqshy_runtime;

-- Departmental control: reports, marks, signed reviews and what went up are written once too.
REVOKE ALL ON control_reports, control_officers, control_spans, control_marks, control_reviews,
    escalations FROM saqshy_runtime;
GRANT SELECT, INSERT ON control_reports, control_officers, control_spans, control_marks,
    control_reviews, escalations TO saqshy_runtime;

-- The books, and what the acquirer and the treasury told us: written once.
REVOKE ALL ON ledger_postings, acquirer_files, acquirer_rows, treasury_statements, treasury_lines,
    refund_instructions FROM saqshy_runtime;
GRANT SELECT, INSERT ON ledger_postings, acquirer_files, acquirer_rows, treasury_statements,
    treasury_lines, refund_instructions TO saqshy_runtime;
