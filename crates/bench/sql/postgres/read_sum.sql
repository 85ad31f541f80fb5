-- pgbench: the count of an item, added up.
\set item random(1, :items)
SELECT sum(quantity_change) FROM item_event_store WHERE item_id = :item;
