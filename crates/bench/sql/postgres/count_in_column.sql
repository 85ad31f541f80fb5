-- The count of an item. $1: the item.
SELECT quantity FROM items WHERE id = $1
