-- pgbench: a movement into the log; what keeps the count sees to it.
\set item random(1, :items)
\set change random(1, 24)
INSERT INTO item_event_store (item_id, quantity_change, reason) VALUES (:item, :change, 'batch');
