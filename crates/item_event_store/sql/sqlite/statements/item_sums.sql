-- ?1, ?2: positions after the first, up to the second. What is added up of each event there, oldest
-- first: SQLite would sort them all to group them.
SELECT item_id, quantity_change, id, version, quantity_after
FROM item_event_store WHERE id > ?1 AND id <= ?2 ORDER BY id
