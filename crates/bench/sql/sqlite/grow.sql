-- After log.sql: more events, spread over the items.
-- ?1 from, ?2 to, ?3 items
WITH RECURSIVE numbers (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)
INSERT INTO item_event_store (item_id, quantity_change, reason)
SELECT 1 + (n * 2654435761 % 4294967296) % ?3, 1 + n % 24, 'batch' FROM numbers
