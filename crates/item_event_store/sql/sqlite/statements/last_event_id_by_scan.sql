-- ?1: the item. Reads the whole log: for an item whose row of item_inventory is wrong.
SELECT max(id) FROM item_event_store WHERE item_id = ?1
