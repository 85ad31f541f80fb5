-- $1: the ledger.
UPDATE summaries SET writing_after = NULL WHERE ledger_id = $1
