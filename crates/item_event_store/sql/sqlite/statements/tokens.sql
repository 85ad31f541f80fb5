-- No parameters.
SELECT id, name, role, ledger_id, hash, created_at, expires_at, revoked_at FROM tokens ORDER BY id
