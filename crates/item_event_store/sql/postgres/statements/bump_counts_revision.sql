-- $1: the ledger.
UPDATE ledgers SET counts_revision = counts_revision + 1 WHERE ledger_id = $1
