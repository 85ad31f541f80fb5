-- ?1: ids after this. ?2: how many.
SELECT id, actor, created_at, position, outcome FROM requests WHERE id > ?1 ORDER BY id LIMIT ?2
