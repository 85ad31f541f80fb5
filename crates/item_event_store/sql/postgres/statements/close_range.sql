-- $1: the ledger.
UPDATE ledgers SET writing_after = NULL WHERE ledger_id = $1
