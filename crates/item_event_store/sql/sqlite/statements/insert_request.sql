-- The columns, in this order.
INSERT INTO requests (id, key, hash, actor, created_at, position, outcome)
VALUES (?, ?, ?, ?, ?, ?, ?)
