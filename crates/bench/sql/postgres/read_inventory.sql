-- pgbench: the count of an item.
\set item random(1, :items)
SELECT quantity FROM item_inventory WHERE item_id = :item;
