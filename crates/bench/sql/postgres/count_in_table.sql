-- The count of an item, kept or refreshed. $1: the item.
SELECT quantity FROM item_inventory WHERE item_id = $1
