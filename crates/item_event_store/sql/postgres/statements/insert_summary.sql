-- $1: the ledger.
INSERT INTO summaries (ledger_id) VALUES ($1) ON CONFLICT (ledger_id) DO NOTHING
