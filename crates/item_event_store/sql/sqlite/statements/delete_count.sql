-- ?1: the item, which does not exist.
DELETE FROM item_inventory WHERE item_id = ?1
