-- What a materialized view does when it is refreshed.
BEGIN;
DELETE FROM item_inventory;
INSERT INTO item_inventory
SELECT item_id, sum(quantity_change) FROM item_event_store GROUP BY item_id;
COMMIT;
