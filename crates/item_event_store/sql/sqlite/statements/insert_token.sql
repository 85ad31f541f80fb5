-- The columns, in this order.
INSERT INTO tokens (name, role, ledger_id, hash, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
