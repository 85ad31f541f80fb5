-- After items.sql: the counts as of the last refresh.
CREATE MATERIALIZED VIEW item_inventory AS
SELECT item_id, sum(quantity_change) AS quantity FROM item_event_store GROUP BY item_id;

CREATE UNIQUE INDEX item_inventory_item ON item_inventory (item_id);
