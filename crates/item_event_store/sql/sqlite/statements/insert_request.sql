-- The columns, in this order.
INSERT INTO requests (id, key, hash, actor, created_at, position, outcome)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
