-- ?1: the name. The first and the last id that has it; no row when none has.
SELECT min(id), max(id) FROM items WHERE name = ?1 HAVING count(*) > 0
