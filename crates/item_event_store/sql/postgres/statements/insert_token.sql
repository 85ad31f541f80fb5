-- The columns, in this order. Gives its number.
INSERT INTO tokens (name, role, ledger_id, hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id
