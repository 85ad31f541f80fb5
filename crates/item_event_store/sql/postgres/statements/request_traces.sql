-- $1: the ledger. $2, $3: ids after the first, up to the second. $4: how many.
SELECT id, actor, created_at, position, outcome
FROM requests WHERE ledger_id = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4
