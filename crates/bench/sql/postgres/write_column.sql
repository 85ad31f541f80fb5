-- pgbench: a movement of the column.
\set item random(1, :items)
\set change random(1, 24)
UPDATE items SET quantity = quantity + :change WHERE id = :item;
