-- ?1: the key.
SELECT id, key, hash, actor, created_at, position, outcome FROM requests WHERE key = ?1
