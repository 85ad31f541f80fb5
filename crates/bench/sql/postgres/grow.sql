-- After items.sql: more events, spread over the items.
-- Variables: from, to, items.
INSERT INTO item_event_store (item_id, quantity_change, reason)
SELECT 1 + (hashint4(n) & 2147483647) % :items, 1 + n % 24, 'batch'
FROM generate_series(:from, :to) AS n;
