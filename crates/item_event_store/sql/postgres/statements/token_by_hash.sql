-- $1: the SHA-256.
SELECT id, name, role, ledger_id, hash, created_at, expires_at, revoked_at
FROM tokens WHERE hash = $1
