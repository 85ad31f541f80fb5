-- ?1: the item. No row when its row is missing.
SELECT last_event_id FROM item_inventory WHERE item_id = ?1
