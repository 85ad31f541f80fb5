-- $1: the ledger. $2: the position after the events that are added.
UPDATE summaries SET writing_after = position, position = $2 WHERE ledger_id = $1
