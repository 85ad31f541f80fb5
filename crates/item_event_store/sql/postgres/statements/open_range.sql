-- $1: the ledger. The head after the batch: $2 position, $3 items_revision, $4 last_request_id,
-- $5 last_created_at.
UPDATE ledgers SET writing_after = position,
  position = $2, items_revision = $3, last_request_id = $4, last_created_at = $5
WHERE ledger_id = $1
