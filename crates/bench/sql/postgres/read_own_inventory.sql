-- pgbench: the count of an item of ItemEventStore's own table.
\set item random(1, :items)
SELECT quantity FROM item_inventory WHERE ledger_id = 'main' AND item_id = :item;
