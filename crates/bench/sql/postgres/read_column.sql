-- pgbench: the count of an item.
\set item random(1, :items)
SELECT quantity FROM items WHERE id = :item;
