-- The count of an item, added up. $1: the item.
SELECT sum(quantity_change) FROM item_event_store WHERE item_id = $1
