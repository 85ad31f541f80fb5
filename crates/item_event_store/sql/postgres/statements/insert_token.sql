-- The columns, in this order. Gives its number.
INSERT INTO tokens (name, role, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
RETURNING id
